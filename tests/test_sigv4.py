"""The signer alone, against what AWS and the RFCs publish."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from app import sigv4

# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html#query-string-auth-v4-signing-example
AWS_EXAMPLE_TIME = 1369353600  # 20130524T000000Z
AWS_EXAMPLE_URL = (
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
AWS_EXAMPLE_CANONICAL_REQUEST = (
    "GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\n"
    "host:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD"
)
AWS_EXAMPLE_STRING_TO_SIGN = (
    "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
    "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04"
)


def test_awss_published_example_comes_out_whole() -> None:
    url = sigv4.presign(
        method="GET",
        scheme="https",
        netloc="examplebucket.s3.amazonaws.com",
        path="/test.txt",
        query=[],
        headers={},
        region="us-east-1",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        session_token=None,
        expires_in=86400,
        now=AWS_EXAMPLE_TIME,
    )
    assert url == AWS_EXAMPLE_URL


def test_awss_published_canonical_request_and_string_to_sign_come_out() -> None:
    pairs = AWS_EXAMPLE_URL.split("?")[1].split("&")[:-1]
    request = sigv4.canonical_request("GET", "/test.txt", pairs, {"host": "examplebucket.s3.amazonaws.com"})
    assert request == AWS_EXAMPLE_CANONICAL_REQUEST
    scope = "20130524/us-east-1/s3/aws4_request"
    assert sigv4.string_to_sign("20130524T000000Z", scope, request) == AWS_EXAMPLE_STRING_TO_SIGN


def test_a_header_of_several_spaces_is_canonical_with_one() -> None:
    request = sigv4.canonical_request("PUT", "/k", [], {"x-amz-meta": "a   b", "host": "h"})
    assert request == "PUT\n/k\n\nhost:h\nx-amz-meta:a b\n\nhost;x-amz-meta\nUNSIGNED-PAYLOAD"


@given(st.binary(max_size=200), st.text(max_size=200))
def test_the_hmac_is_that_of_the_standard_library(key: bytes, message: str) -> None:
    assert sigv4.hmac_sha256(key, message) == hmac.new(key, message.encode(), hashlib.sha256).digest()


def test_the_host_header_has_no_port_of_the_schemes_own() -> None:
    assert sigv4.host_header("https", "S3.Example.com:443") == "s3.example.com"
    assert sigv4.host_header("http", "localhost:80") == "localhost"
    assert sigv4.host_header("https", "localhost:80") == "localhost:80"
    assert sigv4.host_header("http", "[::1]:9000") == "[::1]:9000"
