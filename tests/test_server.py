"""Servers that check signatures accept our URLs, and refuse any change to them."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .program import VARIABLES, Program, get_request
from .servers import REGION, S3Server, send, sign


def test_a_get_returns_the_object(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"})
    assert send(url)[:2] == (200, b"hello")


def test_a_tampered_url_is_refused(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"})
    other_signature = url[:-1] + ("0" if url[-1] != "0" else "1")
    other_key = url.replace("hello.txt", "other.txt")
    other_lifetime = url.replace("Expires=3600", "Expires=3601")
    for tampered in (other_signature, other_key, other_lifetime):
        status, body, _ = send(tampered)
        assert (status, b"SignatureDoesNotMatch" in body) == (403, True)


def test_an_expired_url_is_refused(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt", "expires_in": 1})
    time.sleep(2.1)
    status, body, _ = send(url)
    assert (status, b"Request has expired" in body) == (403, True)


def test_a_url_is_valid_for_its_method_only(
    program: Program, server: S3Server, destination: Path
) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"})
    assert send(url, "DELETE")[0] == 403
    assert send(url)[:2] == (200, b"hello")


def test_a_head_returns_the_size(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt", "method": "HEAD"})
    status, body, headers = send(url, "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "5")


@pytest.mark.parametrize(
    ("params", "header", "value"),
    [
        (
            {"file_name": "greeting.txt"},
            "Content-Disposition",
            'attachment; filename="greeting.txt"',
        ),
        (
            {"file_name": "grüße.txt"},
            "Content-Disposition",
            "attachment; filename=\"gr__e.txt\"; filename*=UTF-8''gr%C3%BC%C3%9Fe.txt",
        ),
        ({"disposition": "inline"}, "Content-Disposition", "inline"),
        ({"response_content_type": "text/x-greeting"}, "Content-Type", "text/x-greeting"),
        ({"response_cache_control": "no-store"}, "Cache-Control", "no-store"),
        ({"response_content_encoding": "x-none"}, "Content-Encoding", "x-none"),
        ({"response_content_language": "de"}, "Content-Language", "de"),
        (
            {"response_expires": "Wed, 21 Oct 2026 07:28:00 GMT"},
            "Expires",
            "Wed, 21 Oct 2026 07:28:00 GMT",
        ),
    ],
)
def test_the_download_has_the_requested_header(
    program: Program,
    server: S3Server,
    destination: Path,
    params: dict[str, str],
    header: str,
    value: str,
) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt", **params})
    status, _, headers = send(url)
    assert (status, headers[header]) == (200, value)


@pytest.mark.parametrize(
    "key", ["a b+c%2F&d=e.txt", "föö/日本.txt", "quote'\"s;:@,!$*().txt", "~tilde/[x]{y}|z^`.txt"]
)
def test_a_key_of_any_characters_can_be_uploaded_and_downloaded(
    program: Program, server: S3Server, destination: Path, key: str
) -> None:
    upload = sign(program, server, destination, {"file_path": key, "method": "PUT"})
    assert send(upload, "PUT", b"content")[0] == 200
    assert server.read(key) == b"content"
    download = sign(program, server, destination, {"file_path": key})
    assert send(download)[:2] == (200, b"content")


def test_an_upload_must_send_the_signed_headers(
    program: Program, server: S3Server, destination: Path
) -> None:
    headers = {"content-type": "text/x-upload"}
    params = {"file_path": "up.txt", "method": "PUT", "content_type": "text/x-upload"}
    url = sign(program, server, destination, params)
    assert send(url, "PUT", b"content", {"content-type": "text/other"})[0] == 403
    assert "up.txt" not in server.objects()
    assert send(url, "PUT", b"content", headers)[0] == 200
    status, body, received = send(sign(program, server, destination, {"file_path": "up.txt"}))
    assert (status, body, received["Content-Type"]) == (200, b"content", "text/x-upload")


def test_curl_uploads_with_its_config_file(
    program: Program, server: S3Server, destination: Path
) -> None:
    params = {"file_path": "curl up.txt", "method": "PUT", "content_type": 'text/plain; x="y\\z"'}
    sign(program, server, destination, params)
    config, upload = destination / "curl.conf", destination / "upload"
    upload.write_bytes(b"by curl")
    curl = ["curl", "--silent", "--fail", "--config", str(config), "--upload-file", str(upload)]
    subprocess.run(curl, check=True, timeout=20)
    assert server.read("curl up.txt") == b"by curl"


def test_a_delete_removes_the_object(program: Program, server: S3Server, destination: Path) -> None:
    server.put("doomed.txt", b"x")
    url = sign(program, server, destination, {"file_path": "doomed.txt", "method": "DELETE"})
    assert send(url, "DELETE")[0] == 204
    assert "doomed.txt" not in server.objects()


def test_several_urls_each_return_their_object(
    program: Program, server: S3Server, destination: Path
) -> None:
    server.put("second.txt", b"second")
    params = {"files": {"one": {"file_path": "hello.txt"}, "two": {"file_path": "second.txt"}}}
    request = get_request(params, endpoint=server.url, region_name=REGION)
    assert program.run("in", destination, request=request).code == 0
    assert send((destination / "one/url").read_text())[:2] == (200, b"hello")
    assert send((destination / "two/url").read_text())[:2] == (200, b"second")


def test_presign_signs_for_other_providers(program: Program, server: S3Server) -> None:
    arguments = ["s3://my-bucket/hello.txt", "--endpoint", server.url, "--region-name", REGION]
    result = program.run("presign", *arguments, environ=VARIABLES)
    assert send(result.stdout.removesuffix("\n"))[:2] == (200, b"hello")


# The options of a source, and the beginning of its URLs. {host} is the server's, with its port.
ADDRESSES: dict[str, tuple[dict[str, Any], str]] = {
    "path": ({"endpoint": "{scheme}://{host}"}, "{scheme}://{host}/my-bucket/"),
    "virtual host": (
        {"endpoint": "{scheme}://s3.localhost:{port}", "use_path_style": False},
        "{scheme}://my-bucket.s3.localhost:{port}/",
    ),
    "behind another name": (
        {"endpoint": "{scheme}://{host}", "public_endpoint": "{scheme}://files.example.com"},
        "{scheme}://files.example.com/my-bucket/",
    ),
    "behind another name and port": (
        {
            "endpoint": "http://127.0.0.1:1",
            "public_endpoint": "{scheme}://files.example.com:{port}",
        },
        "{scheme}://files.example.com:{port}/my-bucket/",
    ),
    "behind another name, virtual host": (
        {
            "endpoint": "http://127.0.0.1:1",
            "public_endpoint": "{scheme}://s3.localhost:{port}",
            "use_path_style": False,
        },
        "{scheme}://my-bucket.s3.localhost:{port}/",
    ),
    "the bucket's own host": (
        {"endpoint": "{scheme}://my-bucket.s3.localhost:{port}", "bucket_endpoint": True},
        "{scheme}://my-bucket.s3.localhost:{port}/",
    ),
    "behind the bucket's own host": (
        {
            "endpoint": "{scheme}://{host}",
            "public_endpoint": "{scheme}://my-bucket.s3.localhost:{port}",
            "bucket_endpoint": True,
        },
        "{scheme}://my-bucket.s3.localhost:{port}/",
    ),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_url_for_any_address_of_the_server_is_accepted(
    program: Program, server: S3Server, destination: Path, address: str
) -> None:
    assert_accepted_at(address, program, server, destination)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_url_for_any_address_of_the_server_over_tls_is_accepted(
    program: Program, secure_server: S3Server, destination: Path, address: str
) -> None:
    assert_accepted_at(address, program, secure_server, destination)


def assert_accepted_at(address: str, program: Program, server: S3Server, destination: Path) -> None:
    """Upload and download an object whose key needs encoding, and send tampered URLs."""
    parts = {"scheme": server.scheme, "host": f"127.0.0.1:{server.port}", "port": server.port}
    options, beginning = ADDRESSES[address]
    source = {
        name: value.format(**parts) if isinstance(value, str) else value
        for name, value in options.items()
    }
    upload = sign(program, server, destination, {"file_path": "ü p.txt", "method": "PUT"}, **source)
    assert upload.startswith(f"{beginning.format(**parts)}%C3%BC%20p.txt?")
    assert send(upload, "PUT", address.encode(), server=server)[0] == 200
    assert server.read("ü p.txt") == address.encode()
    download = sign(program, server, destination, {"file_path": "ü p.txt"}, **source)
    assert send(download, server=server)[:2] == (200, address.encode())
    other_lifetime = download.replace("Expires=3600", "Expires=3601")
    other_key = download.replace("%C3%BC", "u")
    for tampered in (other_lifetime, other_key):
        assert send(tampered, server=server)[0] == 403


def test_a_url_for_a_public_endpoint_is_valid_there_only(
    program: Program, server: S3Server, destination: Path
) -> None:
    source = {"public_endpoint": "http://files.example.com"}
    url = sign(program, server, destination, {"file_path": "hello.txt"}, **source)
    assert send(url, server=server)[:2] == (200, b"hello")
    status, body, _ = send(url.replace("files.example.com", f"127.0.0.1:{server.port}"))
    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
