"""`app/sigv4.py`, compared with the examples of AWS and with the standard library."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
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


def test_the_example_of_aws_has_the_same_url() -> None:
    url = sigv4.presign(
        method="GET",
        scheme="https",
        netloc="examplebucket.s3.amazonaws.com",
        path="/test.txt",
        query=[],
        headers={},
        region="us-east-1",
        service="s3",
        credentials=sigv4.Credentials(
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        ),
        expires_in=86400,
        now=AWS_EXAMPLE_TIME,
    )
    assert url == AWS_EXAMPLE_URL


def test_the_example_of_aws_has_the_same_canonical_request_and_string_to_sign() -> None:
    pairs = AWS_EXAMPLE_URL.split("?")[1].split("&")[:-1]
    request = sigv4.canonical_request(
        "GET", "/test.txt", pairs, {"host": "examplebucket.s3.amazonaws.com"}
    )
    assert request == AWS_EXAMPLE_CANONICAL_REQUEST
    scope = "20130524/us-east-1/s3/aws4_request"
    assert sigv4.string_to_sign("20130524T000000Z", scope, request) == AWS_EXAMPLE_STRING_TO_SIGN


def test_consecutive_spaces_in_a_header_are_collapsed_in_the_canonical_request() -> None:
    request = sigv4.canonical_request("PUT", "/k", [], {"x-amz-meta": "a   b", "host": "h"})
    assert request == "PUT\n/k\n\nhost:h\nx-amz-meta:a b\n\nhost;x-amz-meta\nUNSIGNED-PAYLOAD"


@given(st.binary(max_size=200), st.text(max_size=200))
@example(b"k" * 64, "the longest key that is not hashed")
@example(b"k" * 65, "the shortest that is")
def test_the_hmac_matches_the_standard_library(key: bytes, message: str) -> None:
    expected = hmac.new(key, message.encode(), hashlib.sha256).digest()
    assert sigv4.hmac_sha256(key, message) == expected


def test_the_host_header_omits_the_default_port_of_the_scheme() -> None:
    assert sigv4.host_header("https", "S3.Example.com:443") == "s3.example.com"
    assert sigv4.host_header("http", "localhost:80") == "localhost"
    assert sigv4.host_header("https", "localhost:80") == "localhost:80"
    assert sigv4.host_header("http", "[::1]:9000") == "[::1]:9000"


@pytest.mark.parametrize("value", ["", " ", "a b", "a\n", "\x7f", "é", None, 5, b"key"])
def test_an_invalid_key_is_recognized(value: object) -> None:
    assert sigv4.is_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCY==")
    assert not sigv4.is_key(value)
