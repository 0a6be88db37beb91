"""`verify` asks S3 before the URL is handed over: a server that checks signatures, and one that misbehaves."""

import ssl
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme

from .program import Program, Result, files_below, get_request
from .scripted import Answer, Reaction, garbage, hang, reset, scripted
from .servers import REGION, SERVERS, S3Server

MODES = ("head", "url")


@pytest.fixture(scope="module", params=SERVERS)
def s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp("s3")) as running:
        running.put("hello.txt", b"hello")
        running.put("empty", b"")
        running.put("odd key +é&.txt", b"odd")
        yield running


def get(
    program: Program, destination: Path, url: str, verify: str, params: dict[str, Any] | None = None, **source: Any
) -> Result:
    request = get_request(
        {"file_path": "hello.txt", "verify": verify, **(params or {})},
        **{"endpoint": url, "region_name": REGION, **source},
    )
    return program.run("in", destination, request=request)


def assert_refused(result: Result, destination: Path, line: str) -> None:
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize(
    "params",
    [
        {"file_path": "hello.txt"},
        {"file_path": "empty"},
        {"file_path": "odd key +é&.txt", "file_name": "odd.txt", "response_content_type": "text/plain"},
        {"file_path": "hello.txt", "method": "HEAD"},
        {"files": {"a": {"file_path": "hello.txt"}, "b": {"file_path": "empty"}}, "file_path": ...},
    ],
    ids=str,
)
def test_an_object_that_is_there_is_found(
    program: Program, destination: Path, s3: S3Server, verify: str, params: dict[str, Any]
) -> None:
    given = {
        name: value for name, value in {"file_path": "hello.txt", **params, "verify": verify}.items() if value is not ...
    }
    result = program.run("in", destination, request=get_request(given, endpoint=s3.url, region_name=REGION))
    assert result.code == 0, result.stderr
    assert "warning" not in result.stderr
    if "files" not in params:
        assert {"name": "verify", "value": verify} in result.answer["metadata"]


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize(
    ("params", "source", "line"),
    [
        ({"file_path": "hallo.txt"}, {}, "params.file_path: S3 has no such object: s3://my-bucket/hallo.txt"),
        (
            {"file_path": ..., "s3_uri": "s3://my-bucket/hallo.txt"},
            {},
            "params.s3_uri: S3 has no such object: s3://my-bucket/hallo.txt",
        ),
        (
            {"file_path": ..., "files": {"a": {"file_path": "hello.txt"}, "b": {"file_path": "hallo.txt"}}},
            {},
            "params.files.b.file_path: S3 has no such object: s3://my-bucket/hallo.txt",
        ),
        ({}, {"bucket_name": "your-bucket"}, "source.bucket_name: S3 has no such bucket there"),
        ({}, {"bucket_name": ..., "bucket": "your-bucket"}, "source.bucket: S3 has no such bucket there"),
        (
            {},
            {"secret_access_key": "of another"},
            "source.secret_access_key: has a space, a line break or another character in it that no key has: copy it again",
        ),
        (
            {},
            {"secret_access_key": "of/another"},
            "credentials: S3 comes to another signature: the secret key is not that of the access key, or a proxy changes "
            "host or path",
        ),
        (
            {},
            {"access_key_id": "AKIANOBODY"},
            "credentials: S3 does not know the access key: is it deleted, or of another provider or partition?",
        ),
    ],
    ids=str,
)
def test_a_refusal_is_told_with_its_cure(
    program: Program,
    destination: Path,
    s3: S3Server,
    verify: str,
    params: dict[str, Any],
    source: dict[str, Any],
    line: str,
) -> None:
    given = {
        name: value for name, value in {"file_path": "hello.txt", **params, "verify": verify}.items() if value is not ...
    }
    request = get_request(given, **{"endpoint": s3.url, "region_name": REGION, **source})
    assert_refused(program.run("in", destination, request=request), destination, line)


def test_the_url_of_a_head_that_fails_has_no_reason_but_its_status(
    program: Program, destination: Path, s3: S3Server
) -> None:
    result = get(program, destination, s3.url, "url", {"file_path": "hallo.txt", "method": "HEAD"})
    assert_refused(result, destination, "params.file_path: S3 has no such object: s3://my-bucket/hallo.txt")


@pytest.mark.parametrize("verify", MODES)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_would_change_the_object_is_not_tried(program: Program, destination: Path, verify: str, method: str) -> None:
    with scripted(Answer(200)) as server:
        result = get(program, destination, server.url, verify, {"method": method})
    assert result.code == 0
    assert result.stderr.splitlines()[0] == f"warning: params.verify: not tried, as a try of a {method} would do it"
    assert server.asked == []


@pytest.mark.parametrize("verify", MODES)
def test_one_byte_is_asked_for(program: Program, destination: Path, verify: str) -> None:
    with scripted(Answer(206, "h")) as server:
        assert get(program, destination, server.url, verify).code == 0
    (asked,) = server.asked
    assert (asked.method, asked.headers["Range"]) == ("GET", "bytes=0-0")
    assert asked.path.startswith("/my-bucket/hello.txt?X-Amz-Algorithm=")


def test_url_tries_the_very_url_that_is_handed_over(program: Program, destination: Path) -> None:
    with scripted(Answer(206, "h")) as server:
        get(
            program,
            destination,
            server.url,
            "url",
            {"file_path": "a/../ b+é.txt", "file_name": "é.txt", "version_id": "v+1"},
        )
    assert f"{server.url}{server.asked[0].path}" == (destination / "url").read_text()


def test_head_leaves_the_handed_over_url_alone_and_asks_for_the_same_version(program: Program, destination: Path) -> None:
    with scripted(Answer(206, "h")) as server:
        get(program, destination, server.url, "head", {"version_id": "v+1", "file_name": "a.txt"})
    path = server.asked[0].path
    assert path.startswith("/my-bucket/hello.txt?versionId=v%2B1&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "&X-Amz-Expires=300&" in path


def test_head_asks_the_endpoint_and_url_asks_the_public_one(program: Program, tmp_path: Path) -> None:
    for verify, seen in (("head", ("inside",)), ("url", ("outside",))):
        destination = tmp_path / verify
        destination.mkdir()
        with scripted(Answer(200)) as inside, scripted(Answer(200)) as outside:
            assert get(program, destination, inside.url, verify, public_endpoint=outside.url).code == 0
        assert tuple(name for name, server in (("inside", inside), ("outside", outside)) if server.asked) == seen
        assert (destination / "url").read_text().startswith(outside.url)


def error(status: int, code: str, message: str = "", *, more: str = "", **headers: str) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


EU = "source.region_name: is not the region of the bucket, which is eu-central-1"
KMS = (
    "params.file_path: is encrypted with a KMS key that cannot be used: the signer needs kms:Decrypt, and the key to be "
    "enabled"
)
OVER = "params.expires_in: was over before the URL could be tried: ask for more"
DENIED = (
    "params.verify: S3 denies the signer s3:GetObject on s3://my-bucket/hello.txt: allow it (and s3:ListBucket, without "
    "which S3 says the same of an object that does not exist)"
)
ELSEWHERE = "params.verify: {} redirects to s3.example.com, where the signature is not good: set endpoint or region_name"
ANSWERS: list[tuple[Answer, str]] = [
    (error(301, "PermanentRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(307, "TemporaryRedirect", x_amz_bucket_region="eu-central-1"), EU),
    (error(400, "AuthorizationQueryParametersError", more="<Region>eu-central-1</Region>"), EU),
    (Answer(307, headers={"Location": "https://s3.example.com/k?X-Amz-Signature=1"}), ELSEWHERE),
    (Answer(307, headers={"Location": "//s3.example.com?X-Amz-Signature=1"}), ELSEWHERE),
    (Answer(302, headers={"Location": "/login?X-Amz-Signature=1"}), ELSEWHERE.replace(" to s3.example.com", "")),
    (error(403, "AccessDenied", "Access Denied"), DENIED),
    (error(403, "AccessDenied", "User: u is not authorized to perform: kms:Decrypt on the resource"), KMS),
    (error(400, "KMS.DisabledException", "key/1 is disabled."), KMS),
    (error(400, "ExpiredToken", "The provided token has expired."), "credentials: have expired: get new ones"),
    (error(403, "AccessDenied", "Request has expired"), OVER),
    (
        error(403, "InvalidObjectState"),
        "params.file_path: is archived (S3 Glacier): restore s3://my-bucket/hello.txt, as it cannot be read before",
    ),
    (error(404, "NoSuchKey"), "params.file_path: S3 has no such object: s3://my-bucket/hello.txt"),
    (error(404, "NoSuchVersion"), "params.version_id: S3 has no such version of s3://my-bucket/hello.txt"),
    (Answer(418, "short and stout"), "params.verify: {} answered 418: try again, or look there for the reason"),
    (error(409, "Odd<b/>"), "params.verify: {} answered 409 Odd: try again, or look there for the reason"),
    (Answer(403, "<Error><Code>cut o"), DENIED),
    (Answer(403, "x" * 200_000), DENIED),
]


@pytest.mark.parametrize(("answer", "line"), ANSWERS)
def test_an_answer_is_told_with_its_cure(program: Program, destination: Path, answer: Answer, line: str) -> None:
    with scripted(answer) as server:
        result = get(program, destination, server.url, "url")
    assert_refused(result, destination, line.format(server.url.removeprefix("http://")))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("ahead", "words"), [(-7200, "2 hours ahead of"), (86400, "1 day behind"), (5400, "1 hour 30 minutes behind")]
)
def test_a_wrong_clock_is_told_with_how_wrong_it_is(program: Program, destination: Path, ahead: int, words: str) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    with scripted(error(403, "AccessDenied", "Request has expired", date=date)) as server:
        result = get(program, destination, server.url, "url")
    line = f"clock: is {words} that of {server.url.removeprefix('http://')}: set this machine's right"
    assert_refused(result, destination, line)


@pytest.mark.parametrize("first", [error(503, "SlowDown"), error(500, "InternalError"), reset])
def test_what_may_pass_is_tried_again(program: Program, destination: Path, first: Reaction) -> None:
    with scripted(first, first, Answer(206, "h")) as server:
        result = get(program, destination, server.url, "url")
    assert (result.code, len(server.asked)) == (0, 3), result.stderr


FAILURES: list[tuple[Reaction, str]] = [
    (error(503, "SlowDown"), "answered 503 SlowDown: try again, or look there for the reason"),
    (reset, "broke off the connection: try again, or see whether it wants http or https"),
    (garbage, "broke off the connection: try again, or see whether it wants http or https"),
    (hang, "did not answer in 30 seconds: try again, or mend the network"),
]


@pytest.mark.parametrize(("reaction", "line"), FAILURES)
def test_after_three_tries_it_is_told(program: Program, destination: Path, reaction: Reaction, line: str) -> None:
    with scripted(reaction) as server:
        result = get(program, destination, server.url, "url")
    assert_refused(result, destination, f"params.verify: {server.url.removeprefix('http://')} {line}")
    assert len(server.asked) == 3


def test_a_server_that_is_not_there_is_told(program: Program, destination: Path) -> None:
    result = get(program, destination, "http://127.0.0.1:1", "head")
    line = "params.verify: 127.0.0.1:1 refused the connection: are host and port right, and does it run?"
    assert_refused(result, destination, line)


def test_a_host_that_is_not_known_is_told(program: Program, destination: Path) -> None:
    result = get(program, destination, "https://s3.invalid", "head")
    line = (
        "params.verify: s3.invalid is not a name that is known here: is it right, and does the worker have a name server?"
    )
    assert_refused(result, destination, line)


MISTRUST = (
    "params.verify: {} is not trusted: unable to get local issuer certificate (certificates of a private authority go into "
    "ca_bundle)"
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("verify", MODES)
def test_over_tls_it_is_the_ca_bundle_that_decides(
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
            result = get(program, destination, server.url, verify, **source)
            assert (result.code, len(result.stderr.splitlines())) == (0, 1), result.stderr
        destination = tmp_path / "refused"
        destination.mkdir()
        result = get(program, destination, server.url, verify)
        assert_refused(result, destination, MISTRUST.format(server.url.removeprefix("https://")))
