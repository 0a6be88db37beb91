"""Our URLs are boto3's, byte for byte, for the same second."""

import functools
import os
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import botocore.session
import msgspec
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from app import steps
from app.protocol import CHOICES, Params, Source

from .test_sigv4 import AWS_EXAMPLE_TIME

EXAMPLES = int(os.environ.get("EXAMPLES", "2000"))
SESSION = botocore.session.Session()
LOADER = SESSION.get_component("data_loader")
REGIONS = sorted(
    {region for partition in LOADER.load_data("partitions")["partitions"] for region in partition["regions"]}
    | {
        region
        for partition in LOADER.load_data("endpoints")["partitions"]
        for region in {**partition["regions"], **partition["services"].get("s3", {}).get("endpoints", {})}
    }
)
PLAIN_REGIONS = [region for region in REGIONS if not region.startswith(("aws-", "fips-", "s3-"))]
OPERATIONS = {"GET": "get_object", "HEAD": "head_object", "PUT": "put_object", "DELETE": "delete_object"}

any_text = st.text(st.characters(exclude_categories=["Cs"]))
printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
header_value = st.from_regex(r"[!-~]([ -~]{0,40}[!-~])?", fullmatch=True)
segments = st.one_of(
    st.sampled_from([".", "..", "", "+", "%", "&", "?", "#", "%2F", "'", '"', " ", "~", "é", "日本"]), any_text
)
keys = st.one_of(
    any_text,
    st.lists(segments, min_size=1, max_size=6).map("/".join),
    st.integers(1000, 1024).map("k".__mul__),
    st.integers(300, 341).map("日".__mul__),
).filter(lambda key: 1 <= len(key.encode()) <= 1024)
buckets = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{3,63}", fullmatch=True),
    st.sampled_from(["192.168.1.1", "a..b", "1.2.3", "abc-s3alias", "xn--abc", "...", "-abc", "abc-"]),
).filter(lambda name: not name.endswith(("--x-s3", "--xa-s3", ".mrap", "--op-s3")))
ports = st.one_of(st.just(""), st.sampled_from([":80", ":443"]), st.integers(1, 65535).map(":{}".format))
ADDRESSES = ("http://127.0.0.1", "http://10.0.0.5", "http://[::1]")
hosts = st.sampled_from(["localhost", "127.0.0.1", "[::1]", "s3.Example.COM", "minio", "10.0.0.5", "1.2.3"])
paths = st.sampled_from(["", "", "", "/", "/storage/v1", "/a/b/"])
endpoints = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["http", "https"]),
    hosts,
    ports,
    paths,
)
overrides: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "response_content_type": ("ResponseContentType", header_value),
    "response_cache_control": ("ResponseCacheControl", header_value),
    "response_content_language": ("ResponseContentLanguage", header_value),
    "response_content_encoding": ("ResponseContentEncoding", header_value),
    "response_expires": ("ResponseExpires", st.just("Wed, 21 Oct 2026 07:28:00 GMT")),
    "version_id": ("VersionId", printable),
}
put_headers: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "content_type": ("ContentType", header_value),
    "acl": ("ACL", st.sampled_from(CHOICES["acl"])),
}


@functools.cache
def client(region: str, endpoint: str | None, *, path_style: bool, ssl: bool) -> Any:
    return SESSION.create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        use_ssl=ssl,
        aws_access_key_id="replaced",
        aws_secret_access_key="below",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if path_style else "virtual", "us_east_1_regional_endpoint": "regional"},
        ),
    )


def boto3_url(source: dict[str, Any], method: str, parameters: dict[str, Any], expires_in: int, now: int) -> str:
    """What boto3 signs, with its clock stopped at `now`."""
    endpoint = source.get("public_endpoint") or source.get("endpoint")
    path_style = source.get("use_path_style", endpoint is not None)
    if "." in source["bucket_name"] and endpoint and endpoint.startswith(ADDRESSES):
        # where we differ on purpose: over http boto3 puts a dotted bucket before an IP address,
        # and http://my.bucket.10.0.0.5/ resolves nowhere
        path_style = True
    if endpoint:  # and boto3 leaves capitals in the host, though it signs for small letters
        scheme, _, rest = endpoint.rpartition("://")
        host, slash, path = rest.partition("/")
        endpoint = f"{scheme}://{host.lower()}{slash}{path}"
    ours = client(source["region_name"], endpoint, path_style=path_style, ssl=not source.get("disable_ssl", False))
    # a client costs 20 ms to make, so one serves many credentials
    ours._request_signer._credentials = Credentials(
        source["access_key_id"], source["secret_access_key"], source.get("session_token")
    )
    moment = datetime.fromtimestamp(now, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        url: str = ours.generate_presigned_url(OPERATIONS[method], Params=parameters, ExpiresIn=expires_in)
    return url


def our_url(source: dict[str, Any], params: dict[str, Any], now: int) -> str:
    given_source = steps.validated(msgspec.convert(source, Source))
    moment = datetime.fromtimestamp(now, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):  # for the regions that boto3 itself signs
        signed, _ = steps.sign(given_source, msgspec.convert(params, Params), {}, now=now, log=lambda _: None)
    return signed[""].url


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, Any], str, dict[str, Any], dict[str, Any], int, int]:
    """A source, a method, our params and boto3's parameters for the same thing, a life, and a second."""
    source: dict[str, Any] = {
        "bucket_name": draw(buckets),
        "region_name": draw(st.sampled_from(REGIONS)),
        "access_key_id": draw(printable),
        "secret_access_key": draw(printable),
    }
    if draw(st.booleans()):
        source["session_token"] = draw(printable)
    if draw(st.integers(0, 2)) == 0:
        source["endpoint"] = draw(endpoints)
        source["region_name"] = draw(st.sampled_from([*PLAIN_REGIONS, "garage", "auto", "US", "nyc3"]))
        if draw(st.integers(0, 3)) == 0:
            source["public_endpoint"] = draw(endpoints)
    else:
        source["disable_ssl"] = draw(st.booleans())
    if draw(st.booleans()):
        source["use_path_style"] = draw(st.booleans())
    method, key = draw(st.sampled_from(list(OPERATIONS))), draw(keys)
    params: dict[str, Any] = {"file_path": key, "method": method, "expires_in": draw(st.integers(1, 604800))}
    parameters: dict[str, Any] = {"Bucket": source["bucket_name"], "Key": key}
    if method in ("GET", "HEAD") and draw(st.booleans()):
        params["file_name"] = draw(st.from_regex(r"[A-Za-z0-9 ._+%-]{1,30}", fullmatch=True))
        parameters["ResponseContentDisposition"] = f'attachment; filename="{params["file_name"]}"'
    offered = {"PUT": put_headers, "DELETE": {"version_id": overrides["version_id"]}}.get(method, overrides)
    for option, (parameter, values) in offered.items():
        if draw(st.booleans()):
            params[option] = parameters[parameter] = draw(values)
    if method == "PUT" and draw(st.booleans()):
        params["server_side_encryption"] = parameters["ServerSideEncryption"] = draw(
            st.sampled_from(CHOICES["server_side_encryption"])
        )
        if params["server_side_encryption"].startswith("aws:kms") and draw(st.booleans()):
            params["sse_kms_key_id"] = parameters["SSEKMSKeyId"] = draw(printable)
    return source, method, params, parameters, params["expires_in"], draw(st.integers(0, 4102444800))


PLAIN = {"bucket_name": "my-bucket", "region_name": "eu-west-1", "access_key_id": "AKID", "secret_access_key": "SECRET"}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(requests())
@example((PLAIN, "GET", {"file_path": "a/../b//c/./d"}, {"Bucket": "my-bucket", "Key": "a/../b//c/./d"}, 3600, 0))
@example((PLAIN, "GET", {"file_path": "/"}, {"Bucket": "my-bucket", "Key": "/"}, 3600, AWS_EXAMPLE_TIME))
def test_a_url_is_boto3s_byte_for_byte(
    request_: tuple[dict[str, Any], str, dict[str, Any], dict[str, Any], int, int],
) -> None:
    source, method, params, parameters, expires_in, now = request_
    event(method)
    assert our_url(source, params, now) == boto3_url(source, method, parameters, expires_in, now)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("bucket", ["my-bucket", "dotted.bucket"])
def test_every_region_of_every_partition_has_boto3s_host(region: str, bucket: str) -> None:
    source = {**PLAIN, "region_name": region, "bucket_name": bucket}
    parameters = {"Bucket": bucket, "Key": "k"}
    assert our_url(source, {"file_path": "k"}, 0) == boto3_url(source, "GET", parameters, 3600, 0)


def test_the_canned_acls_and_encryptions_are_all_that_s3_has() -> None:
    shape = (
        client("eu-west-1", None, path_style=False, ssl=True).meta.service_model.operation_model("PutObject").input_shape
    )
    assert sorted(shape.members["ACL"].enum) == sorted(CHOICES["acl"])
    assert sorted(shape.members["ServerSideEncryption"].enum) == sorted(CHOICES["server_side_encryption"])
