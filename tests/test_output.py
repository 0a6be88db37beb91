"""`app/output.py`"""

import json
from typing import Any

import pytest

from app import output
from app.bucket import Bucket
from app.protocol import CHOICES, Params, ResourceError
from app.request import FORM_OPTIONS, RESPONSE_OVERRIDES, UPLOAD_HEADERS, S3Request
from app.signing import SignedUrl

BUCKET = Bucket("my-bucket", "https", "h", "/my-bucket", "eu-west-1")
PLACE = ("params",)


def signed(
    method: str = "GET",
    key: str = "folder/k",
    headers: dict[str, str] | None = None,
    end: int = 3600,
) -> SignedUrl:
    request = S3Request(method, key, [], headers or {})
    return SignedUrl(f"https://h/{key}?X-Amz-Signature=1", None, BUCKET, request, 3600, end)


def metadata(url: SignedUrl, **params: Any) -> dict[str, str]:
    return {row.name: row.value for row in output.metadata(url, Params(**params))}


def test_a_url_has_three_files() -> None:
    assert output.files(signed(), Params(), PLACE) == {
        "url": "https://h/folder/k?X-Amz-Signature=1",
        "expires_at": "1970-01-01T01:00:00Z",
        "s3_uri": "s3://my-bucket/folder/k",
    }


def test_a_url_with_headers_has_a_file_of_them_and_a_config_for_curl() -> None:
    url = signed("PUT", headers={"x-a": 'say "hi" \\', "x-b": "2"})
    files = output.files(url, Params(url_file="a//./url"), PLACE)
    assert list(files) == ["a/url", "expires_at", "s3_uri", "headers.json", "curl.conf"]
    assert json.loads(files["headers.json"]) == {"x-a": 'say "hi" \\', "x-b": "2"}
    assert files["curl.conf"] == (
        "path-as-is\n"
        'request = "PUT"\n'
        'url = "https://h/folder/k?X-Amz-Signature=1"\n'
        'header = "x-a: say \\"hi\\" \\\\"\n'
        'header = "x-b: 2"\n'
    )


@pytest.mark.parametrize("name", ["expires_at", "s3_uri", "headers.json", "curl.conf"])
def test_a_url_file_that_conflicts_with_another_file_is_refused(name: str) -> None:
    with pytest.raises(ResourceError) as caught:
        output.files(signed(headers={"x": "y"}), Params(url_file=f"{name}/x"), PLACE)
    assert str(caught.value) == f"params.url_file: conflicts with a file this step writes: {name}"


def test_every_option_of_a_request_is_in_the_metadata_unchanged() -> None:
    of_downloads = ("version_id", "file_name", "disposition", *RESPONSE_OVERRIDES)
    options = (*of_downloads, *UPLOAD_HEADERS, "request_payer", *FORM_OPTIONS, "verify")
    values = {
        option: str(CHOICES[option][-1]) if option in CHOICES else f"value of {option}"
        for option in options
    }
    assert metadata(signed(), **values) == {
        "bucket": "my-bucket",
        "key": "folder/k",
        "region": "eu-west-1",
        "host": "h",
        "method": "GET",
        "expires_at": "1970-01-01T01:00:00Z",
        **values,
    }


def test_the_summary_of_several_urls_has_the_earliest_expiry() -> None:
    urls = {"a": signed(end=7200), "b": signed("PUT", "up", end=60)}
    assert {row.name: row.value for row in output.summary(urls)} == {
        "bucket": "my-bucket",
        "region": "eu-west-1",
        "host": "h",
        "expires_at": "1970-01-01T00:01:00Z",
        "files.a": "GET folder/k",
        "files.b": "PUT up",
    }


def test_several_urls_have_a_directory_each_and_one_map() -> None:
    urls = {"a": signed(), "b": signed(key="x")}
    files = output.collect(urls, {"a": {"url": "1"}, "b": {"link": "2", "s3_uri": "3"}})
    assert json.loads(files.pop("urls.json")) == {
        "a": "https://h/folder/k?X-Amz-Signature=1",
        "b": "https://h/x?X-Amz-Signature=1",
    }
    assert files == {"a/url": "1", "b/link": "2", "b/s3_uri": "3"}


def test_the_log_line_has_the_headers_to_send_and_not_the_url() -> None:
    line = output.log_line(signed("PUT", headers={"x-a": "1", "x-b": "2"}))
    assert line == (
        "signed PUT s3://my-bucket/folder/k, valid until 1970-01-01T01:00:00Z (1h)"
        "; send with it: x-a: 1; send with it: x-b: 2"
    )
