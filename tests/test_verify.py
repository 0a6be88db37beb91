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
from .program import (
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    Program,
    Result,
    get_request,
    without_ellipses,
)
from .scripted import Answer, Reaction, garbage, hang, reset, scripted
from .servers import REGION, SERVERS, S3Server

MODES = ("head", "url")
FOUND = Answer(206, "h", {"Content-Range": "bytes 0-0/5"})
S3 = {"x-amz-request-id": "1"}  # in every response of S3


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


def host_of(url: str) -> str:
    return url.partition("://")[2]


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
    place, problem = line.split(": ", 1)
    line = line if problem.startswith("contains") else f"{place}: {host_of(s3.url)}: {problem}"
    assert_failed(program.run("in", destination, request=request), destination, line)


def test_a_head_that_fails_is_explained_by_its_status(
    program: Program, destination: Path, s3: S3Server
) -> None:
    result = get(program, destination, s3.url, "url", {"file_path": "hallo.txt", "method": "HEAD"})
    problem = "object not found: s3://my-bucket/hallo.txt"
    assert_failed(result, destination, f"params.file_path: {host_of(s3.url)}: {problem}")


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
@pytest.mark.parametrize(
    "listing",
    [
        Answer(200, "<ListBucketResult/>", S3),
        Answer(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
    ],
    ids=["listed", "may not be listed"],
)
def test_instead_of_changing_the_object_the_bucket_is_listed(
    program: Program, destination: Path, verify: str, method: str, listing: Answer
) -> None:
    with scripted(listing) as server:
        result = get(program, destination, server.url, verify, {"method": method})
    assert result.code == 0, result.stderr
    assert result.stderr.splitlines()[0] == (
        "warning: params.verify: checked the bucket, its region and the credentials, but not "
        f"whether the {method} is allowed: that would perform it"
    )
    (received,) = server.requests
    assert (received.method, received.body) == ("GET", b"")
    assert received.path.startswith("/my-bucket/?list-type=2&max-keys=0&X-Amz-Algorithm=")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"bucket_name": "your-bucket"}, "source.bucket_name: {}: no such bucket"),
        (
            {"secret_access_key": "of/another"},
            "credentials: {}: signature mismatch: wrong secret key, or a proxy rewrites host or "
            "path",
        ),
        (
            {"access_key_id": "AKIANOBODY"},
            "credentials: {}: unknown access key: deleted, or from another provider or partition?",
        ),
    ],
    ids=["bucket", "secret key", "access key"],
)
def test_an_upload_or_deletion_that_cannot_work_is_refused_without_trying_it(
    program: Program,
    destination: Path,
    s3: S3Server,
    method: str,
    source: dict[str, Any],
    line: str,
) -> None:
    result = get(program, destination, s3.url, "url", {"method": method}, **source)
    assert_failed(result, destination, line.format(host_of(s3.url)))
    assert sorted(s3.objects()) == ["empty", "hello.txt", "odd key +é&.txt"]


@pytest.mark.parametrize("verify", MODES)
def test_one_byte_is_requested(program: Program, destination: Path, verify: str) -> None:
    with scripted(FOUND) as server:
        assert get(program, destination, server.url, verify).code == 0
    (received,) = server.requests
    assert (received.method, received.headers["Range"]) == ("GET", "bytes=0-0")
    assert received.path.startswith("/my-bucket/hello.txt?X-Amz-Algorithm=")


def test_mode_url_requests_the_final_url(program: Program, destination: Path) -> None:
    params = {"file_path": "a/../ b+é.txt", "file_name": "é.txt", "version_id": "v+1"}
    with scripted(FOUND) as server:
        get(program, destination, server.url, "url", params)
    assert f"{server.url}{server.requests[0].path}" == (destination / "url").read_text()


def test_mode_head_requests_the_same_version_with_a_separate_url(
    program: Program, destination: Path
) -> None:
    with scripted(FOUND) as server:
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
        with scripted(FOUND) as inside, scripted(FOUND) as outside:
            result = get(program, destination, inside.url, verify, public_endpoint=outside.url)
        assert result.code == 0
        assert (len(inside.requests), len(outside.requests)) == expected
        assert (destination / "url").read_text().startswith(outside.url)


def error(status: int, code: str, message: str = "", *, more: str = "", **headers: str) -> Answer:
    element = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    body = f"<?xml version='1.0' encoding='UTF-8'?>\n{element}"
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


OBJECT = "s3://my-bucket/hello.txt"
EU = "source.region_name: {}: wrong region: the bucket is in eu-central-1"
KMS = (
    "params.file_path: {}: encrypted with a KMS key the signer cannot use: it needs kms:Decrypt, "
    "and the key must be enabled"
)
EXPIRED = "params.expires_in: {}: the URL expired before it could be verified"
DENIED = (
    f"params.verify: {{}}: access denied: the signer lacks s3:GetObject on {OBJECT}, or the object "
    "does not exist (without s3:ListBucket S3 reports both alike)"
)
ELSEWHERE = (
    "params.verify: {} redirects to s3.example.com, where the signature is invalid: fix endpoint "
    "or region_name"
).replace("{}", "{}:")
SIGNATURE = (
    "credentials: {}: signature mismatch: wrong secret key, or a proxy rewrites host or path"
)
UNKNOWN_KEY = "credentials: {}: unknown access key: deleted, or from another provider or partition?"
NOT_S3 = (
    "params.verify: {{}}: responded with {}, but not like S3: check the address, and proxies in "
    "between"
)
NOT_AUTHORIZED = "User: u is not authorized to perform: kms:Decrypt on the resource"
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
NO_BUCKET = "<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>"
ANSWERS: list[tuple[Answer, str]] = [
    # Amazon S3
    (error(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(307, "TemporaryRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(400, "AuthorizationQueryParametersError", more="<Region>eu-central-1</Region>"), EU),
    (
        error(
            400,
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region 'eu-west-1' is wrong; "
            "expecting 'eu-central-1'",
        ),
        EU,
    ),
    (
        error(400, "IllegalLocationConstraintException", "The eu-west-1 location is incompatible."),
        "source.region_name: {}: wrong region: The eu-west-1 location is incompatible.",
    ),
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
        "credentials: {}: the credentials have expired",
    ),
    (error(403, "AccessDenied", "Request has expired"), EXPIRED),
    (
        error(403, "RequestTimeTooSkewed", "The difference is too large."),
        "clock: {}: this machine's clock is wrong: enable NTP",
    ),
    (
        error(403, "InvalidObjectState"),
        f"params.file_path: {{}}: {OBJECT} is archived (S3 Glacier) and must be restored first",
    ),
    (error(404, "NoSuchKey"), f"params.file_path: {{}}: object not found: {OBJECT}"),
    (
        error(404, "NoSuchKey", x_amz_delete_marker="true"),
        f"params.file_path: {{}}: object not found: {OBJECT} (its latest version is a delete "
        "marker)",
    ),
    (error(404, "NoSuchVersion"), f"params.version_id: {{}}: no such version of {OBJECT}"),
    (
        error(400, "InvalidArgument", "Invalid version id specified"),
        "params.version_id: {}: invalid: Invalid version id specified",
    ),
    (
        error(405, "MethodNotAllowed", "The specified method is not allowed."),
        "params.version_id: {}: this version is a delete marker",
    ),
    (error(409, "Odd<b/>"), "params.verify: {}: responded with 409 Odd"),
    (
        error(409, "OperationAborted", "A conflicting\n operation is in progress."),
        "params.verify: {}: responded with 409 OperationAborted: A conflicting operation is in "
        "progress.",
    ),
    (
        error(400, "Weird", "{uri} %s \u202e" + "x" * 500),
        "params.verify: {}: responded with 400 Weird: {{uri}} %s \\u202e" + "x" * 190,
    ),
    # other servers
    (error(403, "AccessDenied", "Forbidden: Invalid signature: expected ab, got cd"), SIGNATURE),
    (error(403, "AccessDenied", "Forbidden: No such key: GK31c2f218a2e44f485b94239e"), UNKNOWN_KEY),
    (
        Answer(404, f"<Error {NAMESPACE}>{NO_BUCKET}</Error>"),
        "source.bucket_name: {}: no such bucket",
    ),
    (
        Answer(404, f"<ErrorResponse><Error>{NO_BUCKET}</Error></ErrorResponse>"),
        "source.bucket_name: {}: no such bucket",
    ),
    (
        error(404, "BucketNotFound", "Either the bucket does not exist or you are not authorized."),
        "source.bucket_name: {}: no such bucket",
    ),
    (
        error(400, "InvalidArgument", "Credential access key has length 20, should be 32"),
        "credentials: {}: invalid access key: Credential access key has length 20, should be 32",
    ),
    (
        error(400, "InvalidRegionName", "The region name 'eu-west-1' is not valid. Use auto."),
        "source.region_name: {}: wrong region: The region name 'eu-west-1' is not valid. Use auto.",
    ),
    (error(403, "InvalidSecurity", "The credentials are not valid."), UNKNOWN_KEY),
    (error(403, "InvalidAccessKeyId", "Malformed Access Key Id"), UNKNOWN_KEY),
    (error(401, "Unauthorized"), "credentials: {}: the credentials were rejected"),
    # not S3 at all
    (Answer(404, "404 page not found\n"), NOT_S3.format("404")),
    (Answer(200, "<html>", {"Content-Type": "text/html", "ETag": '"1"'}), NOT_S3.format("200")),
    (Answer(206, "<html>", {"Content-Type": "text/html"}), NOT_S3.format("206")),
    (Answer(418, "short and stout"), NOT_S3.format("418")),
    (Answer(403, "<Error><Code>cut o"), NOT_S3.format("403")),
    (Answer(403, "x" * 200_000), NOT_S3.format("403")),
    (
        Answer(407, "login"),
        "params.verify: {}: the proxy requires authentication (407): set "
        "HTTPS_PROXY=http://USER:PASSWORD@HOST",
    ),
]
HEAD_ANSWERS: list[tuple[Answer, str]] = [
    (
        Answer(405, headers={"x-amz-delete-marker": "true"}),
        "params.version_id: {}: this version is a delete marker",
    ),
    (
        Answer(404, headers={"x-amz-delete-marker": "true"}),
        f"params.file_path: {{}}: object not found: {OBJECT} (its latest version is a delete "
        "marker)",
    ),
    (Answer(404), f"params.file_path: {{}}: object not found: {OBJECT}"),
    (Answer(400), "params.verify: {}: responded with 400"),
    (Answer(200), "params.verify: {}: responded with 200"),
]


@pytest.mark.parametrize(("answer", "line"), ANSWERS)
def test_an_error_response_is_explained(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        result = get(program, destination, server.url, "url")
    assert_failed(result, destination, line.format(host_of(server.url)))
    assert len(server.requests) == 1


@pytest.mark.parametrize(("answer", "line"), HEAD_ANSWERS)
def test_an_error_response_to_a_head_is_explained(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        result = get(program, destination, server.url, "url", {"method": "HEAD"})
    assert_failed(result, destination, line.format(host_of(server.url)))


@pytest.mark.parametrize(
    "answer",
    [
        FOUND,
        Answer(200, "hello", S3),
        Answer(416, "", S3),
        Answer(200, "hello", {"x-goog-hash": ""}),
    ],
    ids=["206", "200", "416", "200 of Google"],
)
@pytest.mark.parametrize("verify", MODES)
def test_a_response_of_s3_is_believed(
    program: Program, destination: Path, verify: str, answer: Answer
) -> None:
    with scripted(answer) as server:
        assert get(program, destination, server.url, verify).code == 0


def test_signed_headers_are_sent(program: Program, destination: Path) -> None:
    headers = {"x-amz-expected-bucket-owner": "1", "if-none-match": '"x"', "range": "bytes=2-3"}
    for verify, sent in (("url", headers), ("head", {"x-amz-expected-bucket-owner": "1"})):
        with scripted(FOUND) as server:
            assert get(program, destination, server.url, verify, {"headers": headers}).code == 0
        received = {name.lower(): value for name, value in server.requests[0].headers.items()}
        found = {name: value for name, value in received.items() if name in headers}
        assert found == {"range": "bytes=0-0", **sent}


def test_secrets_are_removed_from_the_message_of_a_server(
    program: Program, destination: Path
) -> None:
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    headers = {"x-amz-server-side-encryption-customer-key": key}
    secrets = f"{SECRET_ACCESS_KEY} {SESSION_TOKEN} {key} X-Amz-Signature=abc"
    with scripted(error(400, "Odd", secrets)) as server:
        result = get(
            program,
            destination,
            server.url,
            "url",
            {"headers": headers},
            session_token=SESSION_TOKEN,
        )
    problem = "responded with 400 Odd: *** *** *** X-Amz-Signature=***"
    assert_failed(result, destination, f"params.verify: {host_of(server.url)}: {problem}")


def test_all_files_share_one_connection_and_one_time_limit(
    program: Program, destination: Path, quick_timeout: None
) -> None:
    files = {name: {"file_path": name} for name in "abc"}
    with scripted(FOUND, FOUND, hang) as server:
        params = {"file_path": ..., "files": files, "verify": "url"}
        request = get_request(without_ellipses(params), endpoint=server.url, region_name=REGION)
        began = time.monotonic()
        result = program.run("in", destination, request=request)
    problem = "no response within 30 seconds"
    assert_failed(result, destination, f"params.verify: {host_of(server.url)}: {problem}")
    assert time.monotonic() - began < 35


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
    problem = f"this machine's clock is {words} the server's: enable NTP"
    assert_failed(result, destination, f"clock: {host_of(server.url)}: {problem}")


@pytest.mark.parametrize("first", [error(503, "SlowDown"), error(500, "InternalError"), reset])
def test_transient_errors_are_retried(program: Program, destination: Path, first: Reaction) -> None:
    with scripted(first, first, FOUND) as server:
        result = get(program, destination, server.url, "url")
    assert (result.code, len(server.requests)) == (0, 3), result.stderr


FAILURES: list[tuple[Reaction, str]] = [
    (error(503, "SlowDown", "Reduce your rate"), "too many requests: Reduce your rate"),
    (error(500, "InternalError", "Try again"), "responded with 500 InternalError: Try again"),
    (
        Answer(502, "<html>Bad Gateway</html>"),
        "responded with 502, but not like S3: check the address, and proxies in between",
    ),
    (Answer(503), "responded with 503"),
    (reset, "connection closed unexpectedly: retry, or check http vs https"),
    (garbage, "connection closed unexpectedly: retry, or check http vs https"),
    (hang, "no response within 30 seconds"),
]


@pytest.mark.parametrize(("reaction", "line"), FAILURES)
def test_persistent_errors_are_reported_after_three_attempts(
    program: Program, destination: Path, quick_timeout: None, reaction: Reaction, line: str
) -> None:
    with scripted(reaction) as server:
        result = get(program, destination, server.url, "url")
    assert_failed(result, destination, f"params.verify: {host_of(server.url)}: {line}")
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
    assert_failed(result, destination, NOT_S3.format("403").format(host_of(server.url)))


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
    with scripted(FOUND, tls=context) as server:
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
        assert_failed(result, destination, UNTRUSTED.format(host_of(server.url)))
