"""`app/request.py`"""

from typing import Any

import pytest

from app import request
from app.protocol import Params, ResourceError

DISPOSITIONS: list[tuple[dict[str, str], str]] = [
    ({"file_name": "a b.txt"}, 'attachment; filename="a b.txt"'),
    # browsers and tools decode or cut these
    (
        {"file_name": 'say "hi" \\ there'},
        "attachment; filename=\"say _hi_ _ there\"; filename*=UTF-8''say%20%22hi%22%20%5C%20there",
    ),
    (
        {"file_name": "100%20sure.txt"},
        "attachment; filename=\"100_20sure.txt\"; filename*=UTF-8''100%2520sure.txt",
    ),
    (
        {"file_name": "=?UTF-8?Q?x?=.txt"},
        'attachment; filename="__UTF-8?Q?x?=.txt"; '
        "filename*=UTF-8''%3D%3FUTF-8%3FQ%3Fx%3F%3D.txt",
    ),
    ({"file_name": "a=b?c;d'e&f.txt"}, 'attachment; filename="a=b?c;d\'e&f.txt"'),
    (
        {"file_name": "résumé.pdf"},
        "attachment; filename=\"r_sum_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf",
    ),
    (
        {"file_name": "日本 (1).txt"},
        "attachment; filename=\"__ (1).txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%20%281%29.txt",
    ),
    ({"file_name": "a.txt", "disposition": "inline"}, 'inline; filename="a.txt"'),
    ({"disposition": "inline"}, "inline"),
    ({"disposition": "attachment"}, "attachment"),
]


def build(**params: Any) -> request.S3Request:
    return request.build(Params(**{"file_path": "k", **params}), "my-bucket", ("params",))


@pytest.mark.parametrize(("params", "disposition"), DISPOSITIONS)
def test_a_download_is_saved_under_the_requested_name(
    params: dict[str, str], disposition: str
) -> None:
    assert build(**params).query == [("response-content-disposition", disposition)]


def test_a_request_is_a_get_by_default() -> None:
    built = build()
    assert (built.method, built.key, built.query, built.headers) == ("GET", "k", [], {})


def test_overrides_and_version_are_in_the_query_in_the_same_order_as_in_boto3() -> None:
    built = build(
        version_id="v",
        response_expires="Wed, 21 Oct 2026 07:28:00 GMT",
        response_content_encoding="gzip",
        response_content_language="en, fr",
        response_cache_control="no-store",
        response_content_type="text/plain",
        file_name="a",
    )
    assert built.query == [
        ("response-content-disposition", 'attachment; filename="a"'),
        ("response-content-type", "text/plain"),
        ("response-cache-control", "no-store"),
        ("response-content-language", "en, fr"),
        ("response-content-encoding", "gzip"),
        ("response-expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("versionId", "v"),
    ]


def test_the_options_of_an_upload_are_headers() -> None:
    built = build(
        method="PUT",
        sse_kms_key_id="alias/my-key",
        server_side_encryption="aws:kms:dsse",
        acl="private",
        content_type="text/plain",
    )
    assert built.query == []
    assert built.headers == {
        "content-type": "text/plain",
        "x-amz-acl": "private",
        "x-amz-server-side-encryption": "aws:kms:dsse",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/my-key",
    }


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"file_path": "//a b/é+%2F?#/"}, "//a b/é+%2F?#/"),
        ({"file_path": None, "s3_uri": "s3://my-bucket//a/b"}, "/a/b"),
        ({"file_path": "日" * 341 + "k"}, "日" * 341 + "k"),  # 1024 bytes
    ],
)
def test_a_key_is_used_unchanged(params: dict[str, Any], key: str) -> None:
    assert build(**params).key == key


def test_a_key_of_more_than_1024_bytes_is_refused() -> None:
    with pytest.raises(ResourceError) as caught:
        build(file_path="日" * 341 + "kk")
    assert str(caught.value) == "params.file_path: must be at most 1024 bytes of UTF-8, got 1025"


DOTS = (
    "the key has . or .. segments, which most clients collapse: download it with curl --path-as-is"
)
SPACE = (
    "the key ends in {!r}, which is part of it: remove it, or load the variable with format: trim"
)


@pytest.mark.parametrize(
    ("key", "warnings"),
    [
        *((key, [DOTS]) for key in ("a/../b", ".", "a/.", "../a")),
        *((key, []) for key in ("a.b/..c/d.", "a", "...", " a b")),
        ("k\n", [SPACE.format("\n")]),
        ("k\r\n", [SPACE.format("\r\n")]),
        ("k ", [SPACE.format(" ")]),
        ("../k\t", [DOTS, SPACE.format("\t")]),
    ],
)
def test_suspicious_keys_are_recognized(key: str, warnings: list[str]) -> None:
    assert request.key_warnings(key) == warnings
