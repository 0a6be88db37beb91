"""A server that computes the signature for itself takes our URLs, and nothing else."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .program import Program, get_request
from .servers import REGION, SERVERS, S3Server, certificate

Answer = tuple[int, bytes, HTTPMessage]


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp("s3")) as running:
        running.put("hello.txt", b"hello")
        yield running


@pytest.fixture(scope="module", params=SERVERS)
def secure_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("s3")
    with SERVERS[request.param](folder, certificate(folder)) as running:
        running.put("hello.txt", b"hello")
        yield running


def ask(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    at: S3Server | None = None,
) -> Answer:
    """Use a URL, on loopback whatever its host is, and at the port of the server `at` if one is named."""
    place = urlsplit(url)
    connection = HTTPConnection(place.netloc)
    connection.sock = socket.create_connection(("127.0.0.1", at.port if at else place.port or 80), 10)
    if place.scheme == "https":
        trusting = ssl.create_default_context(cafile=at.authority if at else None)
        connection.sock = trusting.wrap_socket(connection.sock, server_hostname=place.hostname)
    try:
        connection.request(method, f"{place.path}?{place.query}", body, {"Host": place.netloc, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def sign(program: Program, server: S3Server, destination: Path, params: dict[str, Any], **source: Any) -> str:
    request = get_request(params, **{"endpoint": server.url, "region_name": REGION, **source})
    result = program.run("in", destination, request=request)
    assert result.code == 0, result.stderr
    return (destination / "url").read_text()


def test_a_get_hands_over_the_object(program: Program, server: S3Server, destination: Path) -> None:
    assert ask(sign(program, server, destination, {"file_path": "hello.txt"}))[:2] == (200, b"hello")


def test_a_tampered_url_is_refused(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"})
    other_end = "0" if url[-1] != "0" else "1"
    for tampered in (
        url[:-1] + other_end,
        url.replace("hello.txt", "other.txt"),
        url.replace("Expires=3600", "Expires=3601"),
    ):
        status, body, _ = ask(tampered)
        assert (status, b"SignatureDoesNotMatch" in body) == (403, True)


def test_an_expired_url_is_refused(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt", "expires_in": 1})
    time.sleep(2.1)
    status, body, _ = ask(url)
    assert (status, b"Request has expired" in body) == (403, True)


def test_a_url_is_for_its_method_only(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"})
    assert ask(url, "DELETE")[0] == 403
    assert ask(url)[:2] == (200, b"hello")


def test_a_head_tells_the_size(program: Program, server: S3Server, destination: Path) -> None:
    status, body, headers = ask(sign(program, server, destination, {"file_path": "hello.txt", "method": "HEAD"}), "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "5")


@pytest.mark.parametrize(
    ("params", "header", "value"),
    [
        ({"file_name": "greeting.txt"}, "Content-Disposition", 'attachment; filename="greeting.txt"'),
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
        ({"response_expires": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_the_download_has_the_header_asked_for(
    program: Program, server: S3Server, destination: Path, params: dict[str, str], header: str, value: str
) -> None:
    status, _, headers = ask(sign(program, server, destination, {"file_path": "hello.txt", **params}))
    assert (status, headers[header]) == (200, value)


@pytest.mark.parametrize("key", ["a b+c%2F&d=e.txt", "föö/日本.txt", "quote'\"s;:@,!$*().txt", "~tilde/[x]{y}|z^`.txt"])
def test_a_key_of_any_characters_can_be_uploaded_and_downloaded(
    program: Program, server: S3Server, destination: Path, key: str
) -> None:
    assert ask(sign(program, server, destination, {"file_path": key, "method": "PUT"}), "PUT", b"content")[0] == 200
    assert server.read(key) == b"content"
    assert ask(sign(program, server, destination, {"file_path": key}))[:2] == (200, b"content")


def test_a_put_with_its_headers_uploads(program: Program, server: S3Server, destination: Path) -> None:
    headers = {"content-type": "text/x-upload"}
    params = {"file_path": "up.txt", "method": "PUT", "content_type": "text/x-upload"}
    url = sign(program, server, destination, params)
    assert ask(url, "PUT", b"content", {"content-type": "text/other"})[0] == 403
    assert "up.txt" not in server.objects()
    assert ask(url, "PUT", b"content", headers)[0] == 200
    status, body, answered = ask(sign(program, server, destination, {"file_path": "up.txt"}))
    assert (status, body, answered["Content-Type"]) == (200, b"content", "text/x-upload")


def test_curl_uploads_with_the_configuration_left_for_it(program: Program, server: S3Server, destination: Path) -> None:
    params = {"file_path": "curl up.txt", "method": "PUT", "content_type": 'text/plain; x="y\\z"'}
    sign(program, server, destination, params)
    upload = destination / "upload"
    upload.write_bytes(b"by curl")
    curl = ["curl", "--silent", "--fail", "--config", str(destination / "curl.conf"), "--upload-file", str(upload)]
    subprocess.run(curl, check=True, timeout=20)
    assert server.read("curl up.txt") == b"by curl"


def test_a_delete_removes_the_object(program: Program, server: S3Server, destination: Path) -> None:
    server.put("doomed.txt", b"x")
    assert ask(sign(program, server, destination, {"file_path": "doomed.txt", "method": "DELETE"}), "DELETE")[0] == 204
    assert "doomed.txt" not in server.objects()


def test_several_urls_each_hand_over_their_object(program: Program, server: S3Server, destination: Path) -> None:
    server.put("second.txt", b"second")
    params = {"files": {"one": {"file_path": "hello.txt"}, "two": {"file_path": "second.txt"}}}
    request = get_request(params, endpoint=server.url, region_name=REGION)
    assert program.run("in", destination, request=request).code == 0
    assert ask((destination / "one/url").read_text())[:2] == (200, b"hello")
    assert ask((destination / "two/url").read_text())[:2] == (200, b"second")


def test_the_command_line_signs_for_a_provider_too(program: Program, server: S3Server) -> None:
    credentials = get_request()["source"]
    environ = {"AWS_ACCESS_KEY_ID": credentials["access_key_id"], "AWS_SECRET_ACCESS_KEY": credentials["secret_access_key"]}
    arguments = ["s3://my-bucket/hello.txt", "--endpoint", server.url, "--region-name", REGION]
    result = program.run("presign", *arguments, environ=environ)
    assert ask(result.stdout.removesuffix("\n"))[:2] == (200, b"hello")


# What the address of a server is made of: {host} is where it listens, with its port.
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
        {"endpoint": "http://127.0.0.1:1", "public_endpoint": "{scheme}://files.example.com:{port}"},
        "{scheme}://files.example.com:{port}/my-bucket/",
    ),
    "behind another name, virtual host": (
        {"endpoint": "http://127.0.0.1:1", "public_endpoint": "{scheme}://s3.localhost:{port}", "use_path_style": False},
        "{scheme}://my-bucket.s3.localhost:{port}/",
    ),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_url_for_any_address_of_the_server_is_taken(
    program: Program, server: S3Server, destination: Path, address: str
) -> None:
    assert_works_at(address, program, server, destination)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_url_for_any_address_of_the_server_over_tls_is_taken(
    program: Program, secure_server: S3Server, destination: Path, address: str
) -> None:
    assert_works_at(address, program, secure_server, destination)


def assert_works_at(address: str, program: Program, server: S3Server, destination: Path) -> None:
    """Upload and download an object with a name to encode, and see the same server refuse what was not signed."""
    place = {"scheme": server.scheme, "host": f"127.0.0.1:{server.port}", "port": server.port}
    given, begins = ADDRESSES[address]
    source = {name: value.format(**place) if isinstance(value, str) else value for name, value in given.items()}
    upload = sign(program, server, destination, {"file_path": "ü p.txt", "method": "PUT"}, **source)
    assert upload.startswith(f"{begins.format(**place)}%C3%BC%20p.txt?")
    assert ask(upload, "PUT", address.encode(), at=server)[0] == 200
    assert server.read("ü p.txt") == address.encode()
    download = sign(program, server, destination, {"file_path": "ü p.txt"}, **source)
    assert ask(download, at=server)[:2] == (200, address.encode())
    for tampered in (download.replace("Expires=3600", "Expires=3601"), download.replace("%C3%BC", "u")):
        assert ask(tampered, at=server)[0] == 403


def test_a_url_for_another_name_is_for_that_name_only(program: Program, server: S3Server, destination: Path) -> None:
    url = sign(program, server, destination, {"file_path": "hello.txt"}, public_endpoint="http://files.example.com")
    assert ask(url, at=server)[:2] == (200, b"hello")
    status, body, _ = ask(url.replace("files.example.com", f"127.0.0.1:{server.port}"))
    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
