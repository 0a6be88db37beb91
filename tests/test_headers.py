"""`app/headers.py`: any header can be signed, as boto3 does it."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import headers
from app.protocol import Params, ResourceError

from .expect import boto3_url, client, get
from .program import SOURCE, Program, files_below, get_request
from .test_boto3 import EXAMPLES, header_value, our_url, printable

OPERATIONS = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}
MOMENTS = st.integers(0, 4102444800).map(lambda moment: datetime.fromtimestamp(moment, UTC))
names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)


def members(method: str) -> dict[str, Any]:
    """Return boto3's parameters for a method that become headers."""
    model = client("eu-west-1").meta.service_model.operation_model(OPERATIONS[method])
    locations = ("header", "headers")
    return {
        name: shape
        for name, shape in model.input_shape.members.items()
        if shape.serialization.get("location") in locations
    }


def values(name: str, shape: Any) -> st.SearchStrategy[tuple[Any, Any]]:
    """Draw a value for boto3, and for our header."""
    match shape.type_name:
        case "string" if shape.enum:
            return st.sampled_from(shape.enum).map(lambda text: (text, text))
        case "boolean":
            return st.booleans().map(lambda flag: (flag, flag))
        case "integer" | "long":
            return st.integers(0, 5 << 30).map(lambda number: (number, number))
        case "timestamp" if shape.serialization.get("timestampFormat") == "iso8601":
            return MOMENTS.map(lambda moment: (moment, moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
        case "timestamp":
            rfc822 = "%a, %d %b %Y %H:%M:%S GMT"
            return MOMENTS.map(lambda moment: (moment, moment.strftime(rfc822)))
    return header_value.map(lambda text: (text, text))


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any], int]:
    """Draw a method, boto3's parameters, our headers for the same, and the time."""
    method = draw(st.sampled_from(list(OPERATIONS)))
    shapes = members(method)
    chosen = draw(st.lists(st.sampled_from(sorted(shapes)), unique=True, max_size=6))
    parameters: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for name in chosen:
        wire = shapes[name].serialization["name"]
        if name == "Metadata":
            parameters[name] = draw(st.dictionaries(names, header_value, max_size=3))
            ours |= {f"{wire}{key}": text for key, text in parameters[name].items()}
        elif name in ("SSECustomerKey", "SSECustomerKeyMD5"):  # boto3 encodes it
            key = draw(st.text("abc0", min_size=32, max_size=32))
            parameters["SSECustomerKey"] = key
            prefix = "x-amz-server-side-encryption-customer-key"
            ours[prefix] = base64.b64encode(key.encode()).decode()
            digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
            ours[f"{prefix}-MD5"] = base64.b64encode(digest).decode()
        else:
            parameters[name], ours[wire] = draw(values(name, shapes[name]))
    parameters.pop("SSECustomerKeyMD5", None)
    if draw(st.booleans()):  # names are case-insensitive
        ours = {name.upper(): value for name, value in ours.items()}
    return method, parameters, ours, draw(st.integers(0, 4102444800))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests(), printable)
def test_urls_with_any_header_are_identical_to_those_of_boto3(
    request: tuple[str, dict[str, Any], dict[str, Any], int], secret: str
) -> None:
    method, parameters, ours, now = request
    source = {**SOURCE, "secret_access_key": secret}
    params = {"file_path": "k", "method": method, **({"headers": ours} if ours else {})}
    parameters = {"Bucket": "my-bucket", "Key": "k", **parameters}
    assert our_url(source, params, now) == boto3_url(source, method, parameters, 3600, now)


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"host": "h"}, "host: is set by the client"),
    ({"Authorization": "x"}, "Authorization: is set by the signature"),
    ({"X-Amz-Date": "x"}, "X-Amz-Date: is set by the signature"),
    ({"x-amz-security-token": "x"}, "x-amz-security-token: is set by the signature"),
    ({"x-amz-content-sha256": "x"}, "x-amz-content-sha256: is set by the signature"),
    *(
        ({name: "x"}, f"{name}: cannot be signed: clients and proxies change it")
        for name in ("expect", "transfer-encoding", "User-Agent", "x-amzn-trace-id", "connection")
    ),
    ({"": "x"}, ": must be the name of a header, such as x-amz-meta-build"),
    ({"a b": "x"}, "a b: must be the name of a header, such as x-amz-meta-build"),
    ({"a:": "x"}, "a:: must be the name of a header, such as x-amz-meta-build"),
    ({"é": "x"}, "é: must be the name of a header, such as x-amz-meta-build"),
    ({"x-a": "1", "X-A": "2"}, "X-A: is there twice (names are case-insensitive)"),
    (
        {"Content-Type": "x"},
        "Content-Type: cannot be combined with content_type: set only one of the two",
    ),
    (
        {"x-amz-request-payer": "requester"},
        "x-amz-request-payer: cannot be combined with request_payer: set only one of the two",
    ),
    ({"x-a": ""}, "x-a: must not be empty: give it a value, or leave it out"),
    ({"x-a": "é"}, "x-a: must be printable ASCII, without leading or trailing spaces"),
    ({"x-a": " b"}, "x-a: must be printable ASCII, without leading or trailing spaces"),
    ({"x-a": "b\n"}, "x-a: must be printable ASCII, without leading or trailing spaces"),
    ({"x-a": "b" * 2049}, "x-a: must be at most 2048 characters, got 2049"),
]


@pytest.mark.parametrize(("given_headers", "line"), REFUSALS)
def test_a_header_that_cannot_be_signed_is_refused(
    given_headers: dict[str, Any], line: str
) -> None:
    params = Params(content_type="text/plain", request_payer="requester")
    with pytest.raises(ResourceError) as caught:
        headers.check(given_headers, params, ("params",))
    assert str(caught.value) == f"params.headers.{line}"


def test_booleans_and_numbers_are_written_as_s3_expects_them() -> None:
    checked = headers.check({"X-A": True, "x-b": False, "x-c": 10}, Params(), ("params",))
    assert checked == {"x-a": "true", "x-b": "false", "x-c": "10"}


@pytest.mark.parametrize("method", OPERATIONS)
def test_headers_can_be_signed_with_every_method(
    program: Program, destination: Path, method: str
) -> None:
    params = {"file_path": "k", "method": method, "headers": {"X-Amz-Expected-Bucket-Owner": "1"}}
    files = get(program, destination, params)
    assert files["headers.json"] == '{\n  "x-amz-expected-bucket-owner": "1"\n}\n'
    assert 'header = "x-amz-expected-bucket-owner: 1"\n' in files["curl.conf"]
    assert "&X-Amz-SignedHeaders=host%3Bx-amz-expected-bucket-owner&" in files["url"]


KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SSE_C = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "X-Amz-Server-Side-Encryption-Customer-Key": KEY,
}


def test_the_key_of_sse_c_is_only_in_the_files_for_the_user_of_the_url(
    program: Program, destination: Path
) -> None:
    params = {"file_path": "k", "method": "PUT", "headers": SSE_C}
    result = program.run("in", destination, request=get_request(params))
    files = files_below(destination)
    assert result.code == 0
    assert KEY in files.pop("headers.json")
    assert KEY in files.pop("curl.conf")
    assert KEY not in "".join(files.values()) + result.stdout + result.stderr
    assert "x-amz-server-side-encryption-customer-key: ***" in result.stderr
    rows = {row["name"]: row["value"] for row in result.answer["metadata"]}
    assert rows["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
    assert rows["x-amz-server-side-encryption-customer-key"] == "***"


def test_an_entry_of_files_has_its_own_headers(program: Program, destination: Path) -> None:
    files = {"a": {"headers": {"x-a": "2"}}, "b": {}}
    params = {"file_path": "k", "method": "PUT", "headers": {"x-a": "1"}, "files": files}
    found = get(program, destination, params)
    assert found["a/headers.json"] == '{\n  "x-a": "2"\n}\n'
    assert found["b/headers.json"] == '{\n  "x-a": "1"\n}\n'
