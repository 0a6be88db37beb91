"""`app/aws/verify.py`, with servers that check signatures, and one that misbehaves."""

import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme

from .expect import assert_failed
from .program import Program, Result, get_request, without_ellipses
from .scripted import Answer, Reaction, garbage, hang, reset, scripted
from .servers import REGION, SERVERS, S3Server

MODES = ("head", "url")


@pytest.fixture(scope="module", params=SERVERS)
def s3(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp("s3")) as running:
        running.put("hello.txt", b"hello")
        running.put("empty", b"")
        running.put("odd key +é&.txt", b"odd")
        yield running


def get(
    program: Program,
    destination: Path,
    url: str,
    verify: str,
    params: dict[str, Any] | None = None,
    *,
    spawn: bool = False,
    **source: Any,
) -> Result:
    request = get_request(
        {"file_path": "hello.txt", "verify": verify, **(params or {})},
        **{"endpoint": url, "region_name": REGION, **source},
    )
    return program.run("in", destination, request=request, spawn=spawn)


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize(
    "params",
    [
        {"file_path": "hello.txt"},
        {"file_path": "empty"},
        {
            "file_path": "odd key +é&.txt",
            "file_name": "odd.txt",
            "response_content_type": "text/plain",
        },
        {"file_path": "hello.txt", "method": "HEAD"},
        {"files": {"a": {"file_path": "hello.txt"}, "b": {"file_path": "empty"}}, "file_path": ...},
    ],
    ids=str,
)
def test_an_existing_object_is_found(
    program: Program, destination: Path, s3: S3Server, verify: str, params: dict[str, Any]
) -> None:
    params = without_ellipses({"file_path": "hello.txt", **params, "verify": verify})
    request = get_request(params, endpoint=s3.url, region_name=REGION)
    result = program.run("in", destination, request=request)
    assert result.code == 0, result.stderr
    assert "warning" not in result.stderr
    if "files" not in params:
        assert {"name": "verify", "value": verify} in result.answer["metadata"]


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize(
    ("params", "source", "line"),
    [
        (
            {"file_path": "hallo.txt"},
            {},
            "params.file_path: object not found: s3://my-bucket/hallo.txt",
        ),
        (
            {"file_path": ..., "s3_uri": "s3://my-bucket/hallo.txt"},
            {},
            "params.s3_uri: object not found: s3://my-bucket/hallo.txt",
        ),
        (
            {
                "file_path": ...,
                "files": {"a": {"file_path": "hello.txt"}, "b": {"file_path": "hallo.txt"}},
            },
            {},
            "params.files.b.file_path: object not found: s3://my-bucket/hallo.txt",
        ),
        ({}, {"bucket_name": "your-bucket"}, "source.bucket_name: no such bucket"),
        ({}, {"bucket_name": ..., "bucket": "your-bucket"}, "source.bucket: no such bucket"),
        (
            {},
            {"secret_access_key": "of another"},
            "source.secret_access_key: contains whitespace or another invalid character: check for "
            "a trailing newline",
        ),
        (
            {},
            {"secret_access_key": "of/another"},
            "credentials: signature mismatch: wrong secret key, or a proxy rewrites host or path",
        ),
        (
            {},
            {"access_key_id": "AKIANOBODY"},
            "credentials: unknown access key: deleted, or from another provider or partition?",
        ),
    ],
    ids=str,
)
def test_a_refusal_of_a_server_is_explained(
    program: Program,
    destination: Path,
    s3: S3Server,
    verify: str,
    params: dict[str, Any],
    source: dict[str, Any],
    line: str,
) -> None:
    params = without_ellipses({"file_path": "hello.txt", **params, "verify": verify})
    request = get_request(params, **{"endpoint": s3.url, "region_name": REGION, **source})
    assert_failed(program.run("in", destination, request=request), destination, line)


def test_a_head_that_fails_is_explained_by_its_status(
    program: Program, destination: Path, s3: S3Server
) -> None:
    result = get(program, destination, s3.url, "url", {"file_path": "hallo.txt", "method": "HEAD"})
    line = "params.file_path: object not found: s3://my-bucket/hallo.txt"
    assert_failed(result, destination, line)


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_request_that_would_change_the_object_is_not_sent(
    program: Program, destination: Path, verify: str, method: str
) -> None:
    with scripted(Answer(200)) as server:
        result = get(program, destination, server.url, verify, {"method": method})
    assert result.code == 0
    warning = f"warning: params.verify: skipped: verifying a {method} would perform it"
    assert result.stderr.splitlines()[0] == warning
    assert server.requests == []


@pytest.mark.parametrize("verify", MODES)
def test_one_byte_is_requested(program: Program, destination: Path, verify: str) -> None:
    with scripted(Answer(206, "h")) as server:
        assert get(program, destination, server.url, verify).code == 0
    (received,) = server.requests
    assert (received.method, received.headers["Range"]) == ("GET", "bytes=0-0")
    assert received.path.startswith("/my-bucket/hello.txt?X-Amz-Algorithm=")


def test_mode_url_requests_the_final_url(program: Program, destination: Path) -> None:
    params = {"file_path": "a/../ b+é.txt", "file_name": "é.txt", "version_id": "v+1"}
    with scripted(Answer(206, "h")) as server:
        get(program, destination, server.url, "url", params)
    assert f"{server.url}{server.requests[0].path}" == (destination / "url").read_text()


def test_mode_head_requests_the_same_version_with_a_separate_url(
    program: Program, destination: Path
) -> None:
    with scripted(Answer(206, "h")) as server:
        get(program, destination, server.url, "head", {"version_id": "v+1", "file_name": "a.txt"})
    path = server.requests[0].path
    assert path.startswith("/my-bucket/hello.txt?versionId=v%2B1&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "&X-Amz-Expires=300&" in path


def test_mode_head_uses_the_endpoint_and_mode_url_the_public_endpoint(
    program: Program, tmp_path: Path
) -> None:
    for verify, expected in (("head", (1, 0)), ("url", (0, 1))):
        destination = tmp_path / verify
        destination.mkdir()
        with scripted(Answer(200)) as inside, scripted(Answer(200)) as outside:
            result = get(program, destination, inside.url, verify, public_endpoint=outside.url)
        assert result.code == 0
        assert (len(inside.requests), len(outside.requests)) == expected
        assert (destination / "url").read_text().startswith(outside.url)


def error(status: int, code: str, message: str = "", *, more: str = "", **headers: str) -> Answer:
    element = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    body = f"<?xml version='1.0' encoding='UTF-8'?>\n{element}"
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


EU = "source.region_name: wrong region: the bucket is in eu-central-1"
KMS = (
    "params.file_path: encrypted with a KMS key the signer cannot use: it needs kms:Decrypt, and "
    "the key must be enabled"
)
EXPIRED = "params.expires_in: the URL expired before it could be verified: increase expires_in"
DENIED = (
    "params.verify: access denied: the signer lacks s3:GetObject on s3://my-bucket/hello.txt, or "
    "the object does not exist (without s3:ListBucket S3 reports both alike)"
)
ELSEWHERE = (
    "params.verify: {} redirects to s3.example.com, where the signature is invalid: fix endpoint "
    "or region_name"
)
NOT_AUTHORIZED = "User: u is not authorized to perform: kms:Decrypt on the resource"
ANSWERS: list[tuple[Answer, str]] = [
    (error(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(307, "TemporaryRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(400, "AuthorizationQueryParametersError", more="<Region>eu-central-1</Region>"), EU),
    (Answer(307, headers={"Location": "https://s3.example.com/k?X-Amz-Signature=1"}), ELSEWHERE),
    (Answer(307, headers={"Location": "//s3.example.com?X-Amz-Signature=1"}), ELSEWHERE),
    (
        Answer(302, headers={"Location": "/login?X-Amz-Signature=1"}),
        ELSEWHERE.replace(" to s3.example.com", ""),
    ),
    (error(403, "AccessDenied", "Access Denied"), DENIED),
    (error(403, "AccessDenied", NOT_AUTHORIZED), KMS),
    (error(400, "KMS.DisabledException", "key/1 is disabled."), KMS),
    (
        error(400, "ExpiredToken", "The provided token has expired."),
        "credentials: the credentials have expired",
    ),
    (error(403, "AccessDenied", "Request has expired"), EXPIRED),
    (
        error(403, "InvalidObjectState"),
        "params.file_path: s3://my-bucket/hello.txt is archived (S3 Glacier) and must be restored "
        "first",
    ),
    (error(404, "NoSuchKey"), "params.file_path: object not found: s3://my-bucket/hello.txt"),
    (error(404, "NoSuchVersion"), "params.version_id: no such version of s3://my-bucket/hello.txt"),
    (Answer(418, "short and stout"), "params.verify: {} responded with 418"),
    (error(409, "Odd<b/>"), "params.verify: {} responded with 409 Odd"),
    (Answer(403, "<Error><Code>cut o"), DENIED),
    (Answer(403, "x" * 200_000), DENIED),
]


@pytest.mark.parametrize(("answer", "line"), ANSWERS)
def test_an_error_response_is_explained(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        result = get(program, destination, server.url, "url")
    assert_failed(result, destination, line.format(server.url.removeprefix("http://")))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(-7200, "2 hours ahead of"), (86400, "1 day behind"), (5400, "1 hour 30 minutes behind")],
)
def test_a_wrong_clock_is_reported(
    program: Program, destination: Path, ahead: int, words: str
) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    with scripted(error(403, "AccessDenied", "Request has expired", date=date)) as server:
        result = get(program, destination, server.url, "url")
    host = server.url.removeprefix("http://")
    line = f"clock: this machine's clock is {words} {host}'s: enable NTP"
    assert_failed(result, destination, line)


@pytest.mark.parametrize("first", [error(503, "SlowDown"), error(500, "InternalError"), reset])
def test_transient_errors_are_retried(program: Program, destination: Path, first: Reaction) -> None:
    with scripted(first, first, Answer(206, "h")) as server:
        result = get(program, destination, server.url, "url")
    assert (result.code, len(server.requests)) == (0, 3), result.stderr


FAILURES: list[tuple[Reaction, str]] = [
    (error(503, "SlowDown"), " responded with 503 SlowDown"),
    (reset, ": connection closed unexpectedly: retry, or check http vs https"),
    (garbage, ": connection closed unexpectedly: retry, or check http vs https"),
    (hang, ": no response within 30 seconds"),
]


@pytest.mark.parametrize(("reaction", "line"), FAILURES)
def test_persistent_errors_are_reported_after_three_attempts(
    program: Program, destination: Path, quick_timeout: None, reaction: Reaction, line: str
) -> None:
    with scripted(reaction) as server:
        result = get(program, destination, server.url, "url")
    assert_failed(result, destination, f"params.verify: {server.url.removeprefix('http://')}{line}")
    assert len(server.requests) == 3


def test_an_endless_response_is_cut_off(program: Program, destination: Path) -> None:
    disconnected = threading.Event()

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(403)
        handler.end_headers()
        handler.wfile.write(b"<Error><Code>AccessDenied</Code><Message>")
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            disconnected.set()

    with scripted(endless) as server:
        result = get(program, destination, server.url, "url")
        assert disconnected.wait(5), "the connection is closed, although this process lives on"
    assert_failed(result, destination, DENIED)


def test_a_refused_connection_is_reported(program: Program, destination: Path) -> None:
    result = get(program, destination, "http://127.0.0.1:1", "head")
    problem = "connection refused: check host and port, and that the server is running"
    assert_failed(result, destination, f"params.verify: 127.0.0.1:1: {problem}")


def test_an_unknown_host_name_is_reported(program: Program, destination: Path) -> None:
    result = get(program, destination, "https://s3.invalid", "head")
    problem = "cannot resolve host name: check the name and the worker's DNS"
    assert_failed(result, destination, f"params.verify: s3.invalid: {problem}")


UNTRUSTED = (
    "params.verify: {}: certificate verification failed: unable to get local issuer certificate "
    "(for a private CA, set ca_bundle)"
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("verify", MODES)
def test_over_tls_the_ca_bundle_is_trusted(
    program: Program, tmp_path: Path, authority: trustme.CA, verify: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with scripted(Answer(206, "h"), tls=context) as server:
        trusting: list[dict[str, Any]] = [
            {"ca_bundle": authority.cert_pem.bytes().decode()},
            {"skip_ssl_verification": True},
        ]
        for number, source in enumerate(trusting):
            destination = tmp_path / str(number)
            destination.mkdir()
            # spawned to see Python's own warnings
            result = get(program, destination, server.url, verify, spawn=True, **source)
            assert (result.code, len(result.stderr.splitlines())) == (0, 1), result.stderr
        destination = tmp_path / "refused"
        destination.mkdir()
        result = get(program, destination, server.url, verify)
        assert_failed(result, destination, UNTRUSTED.format(server.url.removeprefix("https://")))
