"""Where neither the source nor the environment has credentials, boto3's chain is asked, over real connections."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from .program import CREDENTIALS, SESSION_TOKEN, SOURCE, Program, Result, files_below, get_request, rfc3339
from .test_boto3 import boto3_url
from .test_contract import signed_at

TEMPORARY = {**SOURCE, "session_token": SESSION_TOKEN}


class ContainerCredentials(BaseHTTPRequestHandler):
    """What ECS and EKS Pod Identity have at AWS_CONTAINER_CREDENTIALS_FULL_URI."""

    life: ClassVar[int] = 7200
    authorizations: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.authorizations.append(self.headers["Authorization"])
        answer = {
            "AccessKeyId": CREDENTIALS["access_key_id"],
            "SecretAccessKey": CREDENTIALS["secret_access_key"],
            "Token": SESSION_TOKEN,
            "Expiration": rfc3339(time.time() + self.life),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with serving(HTTPServer(("127.0.0.1", 0), ContainerCredentials)) as running:
        yield running


@contextlib.contextmanager
def serving(server: HTTPServer) -> Iterator[HTTPServer]:
    """Answer requests until the end of the block."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(program: Program, destination: Path, environ: dict[str, str], **params: str) -> Result:
    request = get_request({"file_path": "k", **params}, access_key_id=..., secret_access_key=...)
    return program.run("in", destination, request=request, environ={"AWS_EC2_METADATA_DISABLED": "true", **environ})


def assert_signed_by(source: dict[str, Any], destination: Path) -> None:
    url = (destination / "url").read_text()
    assert url == boto3_url(source, "GET", {"Bucket": "my-bucket", "Key": "k"}, 3600, signed_at(url))


def container(url: str) -> dict[str, str]:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "may I"}


def test_a_container_is_asked(program: Program, destination: Path, server: HTTPServer) -> None:
    result = get(program, destination, container(f"http://127.0.0.1:{server.server_port}/credentials"))
    assert result.code == 0, result.stderr
    assert ContainerCredentials.authorizations[-1] == "may I"
    assert_signed_by(TEMPORARY, destination)


def test_the_end_of_a_containers_credentials_is_known(
    program: Program, destination: Path, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContainerCredentials, "life", 1825)
    environ = container(f"http://127.0.0.1:{server.server_port}/credentials")
    result = get(program, destination, environ, on_short_credentials="fail")
    assert result.stderr.startswith("s3-presigned-url: in: params.expires_in: the credentials end in 30 minutes ")
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


def test_a_container_that_does_not_answer_is_told(program: Program, destination: Path) -> None:
    result = get(program, destination, container("http://127.0.0.1:1/credentials"))
    assert result.stderr.startswith("s3-presigned-url: in: credentials: boto3's credential chain failed: ")
    assert len(result.stderr.splitlines()) == 1
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


def test_a_profile_of_the_shared_files_is_used(program: Program, destination: Path, tmp_path: Path) -> None:
    shared = tmp_path / "credentials"
    shared.write_text(
        "[default]\naws_access_key_id = other\naws_secret_access_key = other\n[mine]\n"
        f"aws_access_key_id = {CREDENTIALS['access_key_id']}\naws_secret_access_key = {CREDENTIALS['secret_access_key']}\n"
    )
    result = get(program, destination, {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_PROFILE": "mine"})
    assert result.code == 0, result.stderr
    assert_signed_by(SOURCE, destination)


@pytest.mark.process
def test_a_process_is_asked(program: Program, destination: Path, tmp_path: Path) -> None:
    answer = {
        "Version": 1,
        "AccessKeyId": CREDENTIALS["access_key_id"],
        "SecretAccessKey": CREDENTIALS["secret_access_key"],
        "SessionToken": SESSION_TOKEN,
        "Expiration": rfc3339(time.time() + 7200),
    }
    (tmp_path / "answer").write_text(json.dumps(answer))
    configuration = tmp_path / "config"
    configuration.write_text(f"[default]\ncredential_process = /bin/cat {tmp_path}/answer\n")
    result = get(program, destination, {"AWS_CONFIG_FILE": str(configuration)})
    assert result.code == 0, result.stderr
    assert_signed_by(TEMPORARY, destination)


@pytest.mark.process
def test_a_process_that_answers_rubbish_is_told(program: Program, destination: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "config"
    configuration.write_text("[default]\ncredential_process = /bin/echo rubbish\n")
    result = get(program, destination, {"AWS_CONFIG_FILE": str(configuration)})
    line = "credentials: boto3's credential chain failed: Expecting value: line 1 column 1 (char 0)"
    assert (result.code, result.stdout, result.stderr) == (1, "", f"s3-presigned-url: in: {line}\n")
    assert files_below(destination) == {}
