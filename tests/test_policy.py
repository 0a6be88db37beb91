"""`app/policy.py`: POST policies are boto3's, byte for byte."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import policy, steps
from app.config import Config
from app.protocol import CHOICES, Params, ResourceError, Source

from .expect import assert_failed, client_for, get, rfc3339
from .program import Program, files_below, get_request
from .test_boto3 import (
    EXAMPLES,
    _one_resolution_per_address,  # noqa: F401  # a fixture
    header_value,
    keys,
    ordinary_sources,
    printable,
    unusual_sources,
)

Post = tuple[str, dict[str, str]]


def our_post(
    source: dict[str, Any], params: dict[str, Any], now: int
) -> tuple[str, dict[str, str]]:
    config, parsed = Config(msgspec.convert(source, Source)), msgspec.convert(params, Params)
    signed, _ = steps.sign(config, parsed, {}, now=now, warn=lambda *_: None)
    return signed[""].url, signed[""].fields or {}


def boto3_post(
    source: dict[str, Any],
    key: str,
    fields: dict[str, str],
    conditions: list[Any],
    expires_in: int,
    now: int,
) -> Post:
    moment = datetime.fromtimestamp(now, UTC)
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=moment),
        mock.patch("botocore.signers.get_current_datetime", return_value=moment),
    ):
        post = client_for(source).generate_presigned_post(
            source["bucket_name"], key, fields, conditions, expires_in
        )
    return post["url"], post["fields"]


REFUSED_BY_BOTO3_TOO = (
    "AWS has no such address: ",
    "S3 has no FIPS endpoint in ",
    "POST cannot be used with an access point",
)
Example = tuple[dict[str, Any], dict[str, Any], dict[str, str], list[Any], int]


@st.composite
def forms(draw: st.DrawFn) -> Example:
    """Draw a source, our params, and boto3's fields and conditions for the same, and the time."""
    sources = st.one_of(ordinary_sources(), ordinary_sources(), unusual_sources)
    source = {**draw(sources)}
    source["access_key_id"], source["secret_access_key"] = draw(printable), draw(printable)
    if draw(st.booleans()):
        source["session_token"] = draw(printable)
    key = draw(keys.filter(lambda key: "${filename}" not in key and len(key.encode()) < 900))
    key += draw(st.sampled_from(["", "${filename}", "/${filename}"]))
    params: dict[str, Any] = {"file_path": key, "method": "POST"}
    params["expires_in"] = draw(st.integers(1, 604800))
    fields: dict[str, str] = {}
    prefix: list[Any] = []
    kind = draw(st.sampled_from(["none", "exact", "prefix"]))
    if kind == "exact":
        content_type = draw(header_value.filter(lambda text: not text.endswith("*")))
        params["content_type"] = fields["Content-Type"] = content_type
    elif kind == "prefix":
        params["content_type"] = "image/*"
        prefix = [["starts-with", "$Content-Type", "image/"]]
    if draw(st.booleans()):
        params["acl"] = fields["acl"] = str(draw(st.sampled_from(CHOICES["acl"])))
    if draw(st.booleans()):
        encryption = str(draw(st.sampled_from(CHOICES["server_side_encryption"])))
        params["server_side_encryption"] = encryption
        fields["x-amz-server-side-encryption"] = encryption
    names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}", fullmatch=True)
    metadata = draw(st.dictionaries(names.map("x-amz-meta-".__add__), header_value, max_size=3))
    if metadata:
        params["headers"] = {**metadata, "Cache-Control": "no-store"}
        fields |= {**metadata, "Cache-Control": "no-store"}
    if draw(st.booleans()):
        status = draw(st.sampled_from([200, 201, 204]))
        params["success_status"], fields["success_action_status"] = status, str(status)
    if draw(st.booleans()):
        url = "https://example.com/thanks?a=1&b=%20"
        params["success_redirect"] = fields["success_action_redirect"] = url
    conditions = [*prefix, *({name: value} for name, value in fields.items())]
    if draw(st.booleans()):
        least, most = draw(st.integers(0, 100)), draw(st.integers(100, 5 << 30))
        params["min_size"], params["max_size"] = least, most
        conditions.append(["content-length-range", least, most])
    return source, params, fields, conditions, draw(st.integers(0, 4102444800))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck])
@given(forms())
def test_policies_are_identical_to_those_of_boto3(example: Example) -> None:
    source, params, fields, conditions, now = example
    try:
        url, ours = our_post(source, params, now)
    except ResourceError as error:
        assert error.problem.startswith(REFUSED_BY_BOTO3_TOO)  # noqa: PT017
        return
    theirs = boto3_post(source, params["file_path"], fields, conditions, params["expires_in"], now)
    assert (url, ours) == theirs
    assert list(ours) == list(theirs[1]), "in the same order"


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (0, 0),
        ("1", 1),
        ("10B", 10),
        ("10KB", 10_000),
        ("10 MB", 10_000_000),
        ("5gb", 5_000_000_000),
        ("10KiB", 10_240),
        ("10mib", 10_485_760),
        ("5GiB", 5 << 30),
    ],
)
def test_a_size_is_in_bytes_or_has_a_unit(size: int | str, count: int) -> None:
    assert policy._bytes(size, ("params", "max_size")) == count


INVALID = "must be bytes, such as 1048576, 10MB or 10MiB, got"
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"max_size": -1}, f"params.max_size: {INVALID} -1"),
    ({"max_size": "10XB"}, f"params.max_size: {INVALID} '10XB'"),
    ({"max_size": "MB"}, f"params.max_size: {INVALID} 'MB'"),
    ({"max_size": "1.5MB"}, f"params.max_size: {INVALID} '1.5MB'"),
    ({"max_size": "1BK"}, f"params.max_size: {INVALID} '1BK'"),
    ({"min_size": "٣"}, f"params.min_size: {INVALID} '٣'"),
    (
        {"max_size": "6GB"},
        "params.max_size: must be at most 5 GiB (5368709120 bytes), got 6000000000 bytes",
    ),
    (
        {"min_size": "2KB", "max_size": "1KB"},
        "params.max_size: must be at least min_size (2000 bytes), got 1000 bytes",
    ),
    (
        {"file_path": "${filename}/k"},
        "params.file_path: can only contain ${filename} at its end: S3 replaces it by the name of "
        "the file",
    ),
    (
        {"headers": {"if-none-match": "*"}},
        "params.headers.if-none-match: cannot be a field of a form",
    ),
    (
        {"headers": {"X-Amz-Tagging": "a=b"}},
        "params.headers.x-amz-tagging: cannot be a field of a form: set tagging, which takes XML",
    ),
    ({"request_payer": "requester"}, "params.request_payer: cannot be used with POST"),
    (
        {"success_redirect": "thanks.html"},
        "params.success_redirect: must be a URL, such as https://example.com/thanks",
    ),
    (
        {"success_redirect": "https://example.com/a b"},
        "params.success_redirect: must be percent-encoded ASCII, without spaces",
    ),
    ({"success_status": 202}, "params.success_status: must be 200, 201 or 204, got a number"),
    (
        {"version_id": "1"},
        "params.version_id: cannot be used with POST: an upload always creates a new version",
    ),
    (
        {"file_name": "x"},
        "params.file_name: can only be used with method GET or HEAD (method is POST)",
    ),
]


@pytest.mark.parametrize(("params", "line"), REFUSALS)
def test_a_form_that_s3_would_refuse_is_refused(
    program: Program, destination: Path, params: dict[str, Any], line: str
) -> None:
    request = get_request({"file_path": "k", "method": "POST", **params})
    assert_failed(program.run("in", destination, request=request), destination, line)


@pytest.mark.parametrize("option", ["min_size", "max_size", "success_status", "success_redirect"])
def test_options_of_a_form_require_post(program: Program, destination: Path, option: str) -> None:
    value = "https://example.com" if option == "success_redirect" else 200
    request = get_request({"file_path": "k", "method": "PUT", option: value})
    line = f"params.{option}: can only be used with method POST (method is PUT)"
    assert_failed(program.run("in", destination, request=request), destination, line)


def test_a_form_is_written_as_fields_and_as_a_config_for_curl(
    program: Program, destination: Path
) -> None:
    params = {
        "file_path": "incoming/${filename}",
        "method": "POST",
        "content_type": "application/pdf",
        "max_size": "10MB",
        "headers": {"x-amz-meta-note": 'say "hi" \\ @x;type=y'},
        "expires_in": "30m",
    }
    result = program.run("in", destination, request=get_request(params))
    files = files_below(destination)
    assert sorted(files) == ["curl.conf", "expires_at", "fields.json", "s3_uri", "url"]
    assert files["url"] == "https://my-bucket.s3.eu-west-1.amazonaws.com/"
    fields = json.loads(files["fields.json"])
    assert list(fields) == [
        "Content-Type",
        "x-amz-meta-note",
        "key",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "policy",
        "x-amz-signature",
    ]
    decoded = json.loads(base64.b64decode(fields["policy"]))
    assert decoded["expiration"] == files["expires_at"]
    assert decoded["conditions"][:5] == [
        {"Content-Type": "application/pdf"},
        {"x-amz-meta-note": 'say "hi" \\ @x;type=y'},
        ["content-length-range", 0, 10_000_000],
        {"bucket": "my-bucket"},
        ["starts-with", "$key", "incoming/"],
    ]
    assert files["curl.conf"].splitlines()[:4] == [
        "path-as-is",
        'url = "https://my-bucket.s3.eu-west-1.amazonaws.com/"',
        'form-string = "Content-Type=application/pdf"',
        'form-string = "x-amz-meta-note=say \\"hi\\" \\\\ @x;type=y"',
    ]
    assert files["s3_uri"] == "s3://my-bucket/incoming/${filename}"
    valid = f"valid until {files['expires_at']} (30m)"
    assert result.stderr == f"signed POST s3://my-bucket/incoming/${{filename}}, {valid}\n"
    rows = {row["name"]: row["value"] for row in result.answer["metadata"]}
    assert rows["max_size"] == "10MB"
    assert fields["x-amz-signature"] not in result.stdout + result.stderr
    assert fields["policy"] not in result.stdout + result.stderr


def test_a_policy_expires_when_the_file_says_so(program: Program, destination: Path) -> None:
    files = get(program, destination, {"file_path": "k", "method": "POST", "expires_in": 60})
    fields = json.loads(files["fields.json"])
    signed = datetime.strptime(fields["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert files["expires_at"] == rfc3339(signed.timestamp() + 60)
