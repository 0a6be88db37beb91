"""Our URLs are identical to those of boto3 for the same second."""

import functools
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import pytest
from botocore.handlers import validate_bucket_name
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from app import steps
from app.aws import address
from app.config import Config
from app.protocol import CHOICES, Params, ResourceError, Source

from .expect import BOTO3_METHODS, SESSION, boto3_url, client, client_for
from .test_bucket import OUTPOST
from .test_sigv4 import AWS_EXAMPLE_TIME

EXAMPLES = int(os.environ.get("EXAMPLES", "2000"))
LOADER = SESSION.get_component("data_loader")
REGIONS_IN_PARTITIONS = {
    region
    for partition in LOADER.load_data("partitions")["partitions"]
    for region in partition["regions"]
}
REGIONS_IN_ENDPOINTS = {
    region
    for partition in LOADER.load_data("endpoints")["partitions"]
    for regions in (partition["regions"], partition["services"].get("s3", {}).get("endpoints", {}))
    for region in regions
}
REGIONS = sorted(REGIONS_IN_PARTITIONS | REGIONS_IN_ENDPOINTS)
PLAIN_REGIONS = [region for region in REGIONS if not region.startswith(("aws-", "fips-", "s3-"))]

any_text = st.text(st.characters(exclude_categories=["Cs"]))
printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
header_value = st.from_regex(r"[!-~]([ -~]{0,40}[!-~])?", fullmatch=True)
odd_segments = [".", "..", "", "+", "%", "&", "?", "#", "%2F", "'", '"', " ", "~", "é", "日本"]
segments = st.one_of(st.sampled_from(odd_segments), any_text)
keys = st.one_of(
    any_text,
    st.lists(segments, min_size=1, max_size=6).map("/".join),
    st.integers(1000, 1024).map("k".__mul__),
    st.integers(300, 341).map("日".__mul__),
).filter(lambda key: 1 <= len(key.encode()) <= 1024)
odd_buckets = ["192.168.1.1", "a..b", "1.2.3", "abc-s3alias", "xn--abc", "...", "-abc", "abc-"]
buckets = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{3,63}", fullmatch=True),
    st.sampled_from(odd_buckets),
).filter(lambda name: not name.endswith(("--x-s3", "--xa-s3", ".mrap", "--op-s3")))
ports = st.one_of(
    st.just(""), st.sampled_from([":80", ":443"]), st.integers(1, 65535).map(":{}".format)
)
hosts = st.sampled_from(["localhost", "127.0.0.1", "[::1]", "s3.Example.COM", "minio", "10.0.0.5"])
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


@pytest.fixture(scope="module", autouse=True)
def _one_resolution_per_address() -> Iterator[None]:
    """Cache the addresses that boto3 resolves, because each takes 60 ms."""
    with (
        mock.patch.object(address, "_session", functools.cache(address._session)),
        mock.patch.object(address, "resolve", functools.cache(address.resolve)),
    ):
        yield


def our_url(source: dict[str, Any], params: dict[str, Any], now: int) -> str:
    config, parsed = Config(msgspec.convert(source, Source)), msgspec.convert(params, Params)
    signed, _ = steps.sign(config, parsed, {}, now=now, warn=lambda *_: None)
    return signed[""].url


Example = tuple[dict[str, Any], str, dict[str, Any], dict[str, Any], int]


@st.composite
def requests(draw: st.DrawFn, sources: st.SearchStrategy[dict[str, Any]]) -> Example:
    """Draw a source, boto3's method, our params, boto3's parameters for the same, and the time."""
    source = {**draw(sources)}
    source["access_key_id"], source["secret_access_key"] = draw(printable), draw(printable)
    if draw(st.booleans()):
        source["session_token"] = draw(printable)
    method, key = draw(st.sampled_from(list(BOTO3_METHODS))), draw(keys)
    params: dict[str, Any] = {
        "file_path": key,
        "method": method,
        "expires_in": draw(st.integers(1, 604800)),
    }
    parameters: dict[str, Any] = {"Bucket": source["bucket_name"], "Key": key}
    if method in ("GET", "HEAD") and draw(st.booleans()):
        params["file_name"] = draw(st.from_regex(r"[A-Za-z0-9 ._+-]{1,30}", fullmatch=True))
        parameters["ResponseContentDisposition"] = f'attachment; filename="{params["file_name"]}"'
    offered = {"PUT": put_headers, "DELETE": {"version_id": overrides["version_id"]}}.get(
        method, overrides
    )
    for option, (parameter, values) in offered.items():
        if draw(st.booleans()):
            params[option] = parameters[parameter] = draw(values)
    if method == "PUT" and draw(st.booleans()):
        params["server_side_encryption"] = parameters["ServerSideEncryption"] = draw(
            st.sampled_from(CHOICES["server_side_encryption"])
        )
        if params["server_side_encryption"].startswith("aws:kms") and draw(st.booleans()):
            params["sse_kms_key_id"] = parameters["SSEKMSKeyId"] = draw(printable)
    return source, method, params, parameters, draw(st.integers(0, 4102444800))


@st.composite
def ordinary_sources(draw: st.DrawFn) -> dict[str, Any]:
    """Draw buckets of any name on AWS and on other providers."""
    source: dict[str, Any] = {
        "bucket_name": draw(buckets),
        "region_name": draw(st.sampled_from(REGIONS)),
    }
    if draw(st.integers(0, 2)) == 0:
        source["endpoint"] = draw(endpoints)
        regions = [*PLAIN_REGIONS, "garage", "auto", "US", "nyc3"]
        source["region_name"] = draw(st.sampled_from(regions))
        if draw(st.integers(0, 3)) == 0:
            source["public_endpoint"] = draw(endpoints)
    else:
        source["disable_ssl"] = draw(st.booleans())
    if draw(st.booleans()):
        source["use_path_style"] = draw(st.booleans())
    return source


# Addresses that boto3 resolves for us.
UNUSUAL_BUCKETS = [
    "my-bucket",
    "dotted.bucket",
    "arn:aws:s3:eu-central-1:123456789012:accesspoint/my-point",
    "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-point",
    f"arn:aws:s3-outposts:eu-west-1:123456789012:{OUTPOST}",
    "my-point-e8khfkotgx4x3ot5r3vvkr9use1b--op-s3",
]
UNUSUAL_REGIONS = ["eu-west-1", "us-east-1", "cn-north-1", "aws-global", "fips-us-gov-west-1"]
unusual_sources = st.fixed_dictionaries(
    {
        "bucket_name": st.sampled_from(UNUSUAL_BUCKETS),
        "region_name": st.sampled_from(UNUSUAL_REGIONS),
        "use_dualstack_endpoint": st.booleans(),
        "use_fips_endpoint": st.booleans(),
        "use_accelerate_endpoint": st.booleans(),
        "use_path_style": st.booleans(),
    }
)
PLAIN = {
    "bucket_name": "my-bucket",
    "region_name": "eu-west-1",
    "access_key_id": "AKID",
    "secret_access_key": "SECRET",
}
DOTS = "a/../b//c/./d"
unlimited = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@settings(unlimited, max_examples=EXAMPLES)
@given(requests(ordinary_sources()))
@example((PLAIN, "GET", {"file_path": DOTS}, {"Bucket": "my-bucket", "Key": DOTS}, 0))
@example((PLAIN, "GET", {"file_path": "/"}, {"Bucket": "my-bucket", "Key": "/"}, AWS_EXAMPLE_TIME))
def test_urls_are_identical_to_those_of_boto3(example_: Example) -> None:
    source, method, params, parameters, now = example_
    event(method)
    lifetime = params.get("expires_in", 3600)
    assert our_url(source, params, now) == boto3_url(source, method, parameters, lifetime, now)


@settings(unlimited, max_examples=EXAMPLES // 10)
@given(requests(unusual_sources))
def test_urls_for_unusual_addresses_are_identical_to_those_of_boto3(example_: Example) -> None:
    source, method, params, parameters, now = example_
    theirs = functools.partial(boto3_url, source, method, parameters, params["expires_in"], now)
    problem, url = "", ""
    try:
        url = our_url(source, params, now)
    except ResourceError as error:
        problem = error.problem
    if problem.startswith("S3 has no FIPS endpoint"):  # boto3 signs for a host that does not exist
        assert "-fips." in theirs()
    elif problem:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # any error of boto3
            theirs()
        assert problem == f"AWS has no such address: {caught.value}"
    else:
        assert url == theirs()
    event("refused" if problem else "signed")


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("bucket", ["my-bucket", "dotted.bucket"])
def test_every_region_has_the_same_host_as_in_boto3(region: str, bucket: str) -> None:
    source = {**PLAIN, "region_name": region, "bucket_name": bucket}
    parameters = {"Bucket": bucket, "Key": "k"}
    assert our_url(source, {"file_path": "k"}, 0) == boto3_url(source, "GET", parameters, 3600, 0)


@pytest.mark.parametrize("bucket", ["ours:my-bucket", ":my-bucket"])
def test_urls_for_buckets_of_tenants_are_those_of_boto3_without_its_check(bucket: str) -> None:
    source = {**PLAIN, "bucket_name": bucket, "endpoint": "https://ceph.example.com"}
    parameters = {"Bucket": bucket, "Key": "k"}
    events = client_for(source).meta.events
    events.unregister("before-parameter-build.s3", validate_bucket_name)
    try:
        theirs = boto3_url(source, "GET", parameters, 3600, 0)
    finally:
        events.register("before-parameter-build.s3", validate_bucket_name)
    assert our_url(source, {"file_path": "k"}, 0) == theirs


def test_every_canned_acl_and_encryption_of_s3_is_allowed() -> None:
    model = client("eu-west-1").meta.service_model.operation_model("PutObject")
    members = model.input_shape.members
    assert sorted(members["ACL"].enum) == sorted(CHOICES["acl"])
    assert sorted(members["ServerSideEncryption"].enum) == sorted(CHOICES["server_side_encryption"])
