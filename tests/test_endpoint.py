"""`app/endpoint.py` and `partitions.py`"""

from typing import Any

import botocore.session
import pytest

from app import partitions
from app.endpoint import Endpoint
from app.protocol import ResourceError

PLACE = ("source", "endpoint")
INVALID = (
    "source.endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000"
)


@pytest.mark.parametrize(
    ("text", "disable_ssl", "url"),
    [
        ("minio.example.com", False, "https://minio.example.com"),
        ("minio.example.com:9000/", True, "http://minio.example.com:9000"),
        ("HTTPS://S3.Example.COM/Path/", False, "https://s3.example.com/Path"),
        ("http://a_b:9000", False, "http://a_b:9000"),
        ("http://[::1]:9000", False, "http://[::1]:9000"),
        ("https://10.0.0.5", False, "https://10.0.0.5"),
        ("https://h/a/b.c~d", False, "https://h/a/b.c~d"),
        ("localhost", False, "https://localhost"),
        ("xn--bcher-kva.example", False, "https://xn--bcher-kva.example"),
    ],
)
def test_an_endpoint_is_a_host_or_a_url(text: str, disable_ssl: bool, url: str) -> None:
    assert Endpoint(text, PLACE, disable_ssl=disable_ssl).url == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "ftp://x", "https://", "https://u:p@x", "x?y", "x#y", "x y", "bücher.example", "x\n"),
        # ports, hosts and paths that clients do not send as written
        *("x:", "x:0", "x:080", "x:99999", "x:65536", "x:http", "x:1:2", "x:+80", "x:٨٠"),
        *("-x", "x-", "a.-b", "a..b", ".a", "a.", "a" * 64),
        *("1.2.3", "127.1", "010.0.0.1", "256.0.0.1", "1.2.3.4.5", "0x7f.0.0.1", "a.0x1", "12"),
        *("[::1", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::1%25eth0]", "[1.2.3.4]", "::1"),
        *("x/../a", "x/./a", "x/a//b", "x/..", "x/a%2Fb", "x/a b"),
    ],
)
def test_an_endpoint_that_clients_would_not_send_as_written_is_refused(text: str) -> None:
    with pytest.raises(ResourceError) as caught:
        Endpoint(text, PLACE, disable_ssl=False)
    assert str(caught.value) == INVALID


def s3_hosts() -> list[tuple[str, str]]:
    """Return every host of Amazon S3 that botocore knows, with its region."""
    data: dict[str, Any] = botocore.session.Session().get_data("endpoints")
    found = []
    for partition in data["partitions"]:
        suffix, service = partition["dnsSuffix"], partition["services"].get("s3", {})
        for name, endpoint in service.get("endpoints", {}).items():
            region = endpoint.get("credentialScope", {}).get("region", name)
            hosts = [endpoint.get("hostname", f"s3.{region}.{suffix}")]
            hosts += [one["hostname"] for one in endpoint.get("variants", ()) if "hostname" in one]
            found += [(host, "" if host == "s3.amazonaws.com" else region) for host in hosts]
    return found


@pytest.mark.parametrize(("host", "region"), s3_hosts())
def test_the_region_of_every_host_of_s3_is_recognized(host: str, region: str) -> None:
    assert partitions.s3_region(host) == region
    assert partitions.s3_region(f"my-bucket-1.{host}") == region
    assert partitions.s3_region(f"dotted.eu-north-1.{host}") == region


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("my-bucket.s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3-fips-us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("s3.amazonaws.com", ""),
        ("my-app-1.s3.amazonaws.com", ""),
        ("s3-accelerate.amazonaws.com", ""),
        ("b.s3-accelerate.dualstack.amazonaws.com", ""),
        ("bucket.vpce-0e25b8cdd720f900e-argc85vg.s3.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ("my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "eu-west-1"),
        ("p-1.s3-object-lambda.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        # a customer's own server in AWS
        ("s3-proxy-123.eu-west-1.elb.amazonaws.com", None),
        ("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", None),
        ("sts.eu-west-1.amazonaws.com", None),
        ("amazonaws.com", None),
        ("eu-west-1.amazonaws.com", None),
        ("s3.eu-west-1.example.com", None),
        ("s3.eu-west-1.notamazonaws.com", None),
        ("minio", None),
    ],
)
def test_other_hosts_of_s3_and_hosts_that_are_not(host: str, region: str | None) -> None:
    assert partitions.s3_region(host) == region


def test_every_partition_has_botocores_domain() -> None:
    for partition in botocore.session.Session().get_data("partitions")["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                assert partitions.suffix(region) == partition["outputs"]["dnsSuffix"], region
