"""A server that computes the signature for itself takes our URLs, and nothing else."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from .program import Program, get_request
from .servers import REGION, VERSITYGW, S3Server, versitygw

Answer = tuple[int, bytes, Message]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not VERSITYGW.exists() and "CI" not in os.environ:
        pytest.skip("no S3 server that checks signatures: `make .cache/bin/versitygw` installs it, with Go")
    with versitygw(tmp_path_factory.mktemp("s3")) as running:
        (running.bucket("my-bucket") / "hello.txt").write_bytes(b"hello")
        yield running


def ask(url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310  # loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def sign(program: Program, server: S3Server, destination: Path, params: dict[str, Any]) -> str:
    result = program.run("in", destination, request=get_request(params, endpoint=server.url, region_name=REGION))
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
    assert (server.folder / "my-bucket" / key).read_bytes() == b"content"
    assert ask(sign(program, server, destination, {"file_path": key}))[:2] == (200, b"content")


def test_a_put_with_its_headers_uploads(program: Program, server: S3Server, destination: Path) -> None:
    headers = {"content-type": "text/x-upload"}
    params = {"file_path": "up.txt", "method": "PUT", "content_type": "text/x-upload"}
    url = sign(program, server, destination, params)
    assert ask(url, "PUT", b"content", {"content-type": "text/other"})[0] == 403
    assert not (server.folder / "my-bucket" / "up.txt").exists()
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
    assert (server.folder / "my-bucket" / "curl up.txt").read_bytes() == b"by curl"


def test_a_delete_removes_the_object(program: Program, server: S3Server, destination: Path) -> None:
    doomed = server.folder / "my-bucket" / "doomed.txt"
    doomed.write_bytes(b"x")
    assert ask(sign(program, server, destination, {"file_path": "doomed.txt", "method": "DELETE"}), "DELETE")[0] == 204
    assert not doomed.exists()


def test_several_urls_each_hand_over_their_object(program: Program, server: S3Server, destination: Path) -> None:
    (server.folder / "my-bucket" / "second.txt").write_bytes(b"second")
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
