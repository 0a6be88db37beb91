"""`app/bucket.py`"""

from typing import Any

import pytest

from app import bucket
from app.protocol import Source
from app.sigv4 import UNRESERVED, uri_encode

OUTPOST = "outpost/op-01ac5d28a6a232904/accesspoint/my-point"
# The options of a source, and the address of the object `k` in its bucket.
ADDRESSES: list[tuple[dict[str, Any], str]] = [
    ({}, "https://my-bucket.s3.eu-west-1.amazonaws.com/k"),
    ({"region_name": "us-east-1"}, "https://my-bucket.s3.us-east-1.amazonaws.com/k"),
    ({"region_name": "cn-north-1"}, "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/k"),
    ({"region_name": "eusc-de-east-1"}, "https://my-bucket.s3.eusc-de-east-1.amazonaws.eu/k"),
    ({"bucket_name": "my.bucket"}, "https://s3.eu-west-1.amazonaws.com/my.bucket/k"),
    ({"bucket_name": "My_Bucket"}, "https://s3.eu-west-1.amazonaws.com/My_Bucket/k"),
    ({"use_path_style": True}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k"),
    ({"use_path_style": "true"}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k"),
    ({"use_path_style": "True"}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k"),
    ({"use_path_style": "false"}, "https://my-bucket.s3.eu-west-1.amazonaws.com/k"),
    ({"disable_ssl": True}, "http://my-bucket.s3.eu-west-1.amazonaws.com/k"),
    ({"endpoint": "minio.example.com"}, "https://minio.example.com/my-bucket/k"),
    (
        {"endpoint": "minio.example.com", "disable_ssl": True},
        "http://minio.example.com/my-bucket/k",
    ),
    ({"endpoint": "http://10.0.0.5:9000"}, "http://10.0.0.5:9000/my-bucket/k"),
    ({"endpoint": "http://a_b:9000"}, "http://a_b:9000/my-bucket/k"),
    (
        {"endpoint": "https://s3.example.com", "use_path_style": False},
        "https://my-bucket.s3.example.com/k",
    ),
    (
        {"endpoint": "http://inside:9000", "public_endpoint": "s3.example.com"},
        "https://s3.example.com/my-bucket/k",
    ),
    ({"use_dualstack_endpoint": True}, "https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/k"),
    (
        {"use_fips_endpoint": True, "region_name": "us-east-1"},
        "https://my-bucket.s3-fips.us-east-1.amazonaws.com/k",
    ),
    ({"use_accelerate_endpoint": True}, "https://my-bucket.s3-accelerate.amazonaws.com/k"),
    (
        {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True},
        "https://my-bucket.s3-accelerate.dualstack.amazonaws.com/k",
    ),
    (
        {"bucket_name": "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"},
        "https://my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k",
    ),
    (
        {"bucket_name": "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-point"},
        "https://my-point-123456789012.s3-object-lambda.eu-west-1.amazonaws.com/k",
    ),
    (
        {"bucket_name": f"arn:aws:s3-outposts:eu-west-1:123456789012:{OUTPOST}"},
        "https://my-point-123456789012.op-01ac5d28a6a232904.s3-outposts.eu-west-1.amazonaws.com/k",
    ),
    # the host is in lower case, because not every client converts it as the signature requires
    ({"endpoint": "HTTPS://S3.Example.COM/Path"}, "https://s3.example.com/Path/my-bucket/k"),
    ({"endpoint": "http://[::1]:9000", "use_path_style": False}, "http://[::1]:9000/my-bucket/k"),
    ({"endpoint": "https://10.0.0.5", "use_path_style": False}, "https://10.0.0.5/my-bucket/k"),
    (
        {"endpoint": "http://h", "bucket_name": "my.bucket", "use_path_style": False},
        "http://my.bucket.h/k",
    ),
    (
        {"endpoint": "https://h", "bucket_name": "my.bucket", "use_path_style": False},
        "https://h/my.bucket/k",
    ),
    # a tenant of Ceph
    ({"endpoint": "http://h", "bucket_name": "ours:my-bucket"}, "http://h/ours%3Amy-bucket/k"),
    (
        {"endpoint": "http://h", "bucket_name": "ours:my-bucket", "use_path_style": False},
        "http://h/ours%3Amy-bucket/k",
    ),
    # the bucket's own host
    ({"endpoint": "https://cdn.example.com", "bucket_endpoint": True}, "https://cdn.example.com/k"),
    (
        {"endpoint": "https://cdn.example.com/files/", "bucket_endpoint": "true"},
        "https://cdn.example.com/files/k",
    ),
    (
        {"endpoint": "https://my-bucket.s3.eu-west-1.amazonaws.com", "bucket_endpoint": True},
        "https://my-bucket.s3.eu-west-1.amazonaws.com/k",
    ),
    (
        {"endpoint": "h", "public_endpoint": "cdn.example.com", "bucket_endpoint": True},
        "https://cdn.example.com/k",
    ),
    # a host that begins like the bucket without being its own
    (
        {"endpoint": "https://my-bucket.example.com", "bucket_endpoint": False},
        "https://my-bucket.example.com/my-bucket/k",
    ),
]


def source(**fields: Any) -> Source:
    return Source(**{"bucket_name": "my-bucket", "region_name": "eu-west-1", **fields})


@pytest.mark.parametrize(("fields", "address"), ADDRESSES)
def test_the_address_follows_from_the_source(fields: dict[str, Any], address: str) -> None:
    public, _ = bucket.resolve(source(**fields))
    path = uri_encode(f"{public.path}/k", UNRESERVED + "/")
    assert f"{public.scheme}://{public.netloc}{path}" == address


def test_an_endpoint_needs_no_region() -> None:
    public, _ = bucket.resolve(source(region_name=None, endpoint="http://localhost:9000"))
    assert public.region == "us-east-1"


@pytest.mark.parametrize(
    ("fields", "region", "service"),
    [
        ({}, "eu-west-1", "s3"),
        ({"endpoint": "http://h", "region_name": "garage"}, "garage", "s3"),
        ({"region_name": "aws-global"}, "us-east-1", "s3"),
        (
            {"bucket_name": "arn:aws:s3:eu-central-1:123456789012:accesspoint/my-point"},
            "eu-central-1",
            "s3",
        ),
        (
            {"bucket_name": "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-point"},
            "eu-west-1",
            "s3-object-lambda",
        ),
    ],
)
def test_the_signing_region_and_service_are_those_of_the_address(
    fields: dict[str, Any], region: str, service: str
) -> None:
    public, _ = bucket.resolve(source(**fields))
    assert (public.region, public.service) == (region, service)


def test_this_machine_uses_the_endpoint_and_not_the_public_one() -> None:
    public, internal = bucket.resolve(
        source(endpoint="http://inside:9000", public_endpoint="https://outside")
    )
    assert (public.netloc, internal.netloc) == ("outside", "inside:9000")


def test_only_the_public_host_is_the_bucket_s_own_if_there_are_two() -> None:
    public, internal = bucket.resolve(
        source(endpoint="http://inside", public_endpoint="https://cdn", bucket_endpoint=True)
    )
    assert (public.path, internal.path) == ("", "/my-bucket")


def test_without_a_public_endpoint_there_is_one_address() -> None:
    public, internal = bucket.resolve(source())
    assert public is internal
