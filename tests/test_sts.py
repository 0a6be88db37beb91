"""`app/aws/sts.py` and `role.py`, over real connections."""

import json
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import trustme
from moto.server import ThreadedMotoServer

from app.aws import role, sts
from app.protocol import Source
from app.sigv4 import Credentials

from . import providers
from .expect import assert_failed, assert_refused, boto3_url, rfc3339, signed_at
from .program import ACCESS_KEY_ID, CREDENTIALS, SOURCE, Program, Result, get_request
from .scripted import Answer, Reaction, Server, hang, reset, scripted
from .sts_server import OF_THE_ROLE, ROLE, refusal, session

ID_TOKEN = "planted.id.token"
WITHOUT_KEYS: dict[str, Any] = {"access_key_id": ..., "secret_access_key": ...}
TOO_LONG = refusal(
    "ValidationError",
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
)


def get(
    program: Program,
    destination: Path,
    server: Server,
    params: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    *,
    spawn: bool = False,
    **source: Any,
) -> Result:
    request = get_request({"file_path": "k", **(params or {})}, **{"aws_role_arn": ROLE, **source})
    environ = {"AWS_ENDPOINT_URL_STS": server.url, **(environ or {})}
    return program.run("in", destination, request=request, environ=environ, spawn=spawn)


def form(server: Server, number: int = 0) -> dict[str, str]:
    return dict(parse_qsl(server.requests[number].body.decode()))


def assert_signed_by_the_role(destination: Path, expires_in: int = 3600) -> None:
    url = (destination / "url").read_text()
    source, parameters = {**SOURCE, **OF_THE_ROLE}, {"Bucket": "my-bucket", "Key": "k"}
    assert url == boto3_url(source, "GET", parameters, expires_in, signed_at(url))


def test_a_role_is_assumed_with_the_credentials_of_the_source(
    program: Program, destination: Path
) -> None:
    with scripted(session(3600)) as server:
        result = get(program, destination, server)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert form(server) == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "concourse",
        "DurationSeconds": "3600",
    }
    (received,) = server.requests
    assert f"Credential={ACCESS_KEY_ID}/" in received.headers["Authorization"]
    assert "/eu-west-1/sts/aws4_request" in received.headers["Authorization"]


def test_external_id_and_session_name_are_sent(program: Program, destination: Path) -> None:
    source: dict[str, Any] = {
        "aws_role_external_id": "shared:42",
        "aws_role_session_name": "release@team",
    }
    with scripted(session(3600)) as server:
        get(program, destination, server, **source)
    assert form(server)["ExternalId"] == "shared:42"
    assert form(server)["RoleSessionName"] == "release@team"


@pytest.mark.parametrize(
    ("build_id", "name"), [("1234", "concourse-1234"), ("", "concourse"), ("not one", "concourse")]
)
def test_a_session_is_named_after_the_build(
    program: Program, destination: Path, build_id: str, name: str
) -> None:
    with scripted(session(3600)) as server:
        get(program, destination, server, environ={"BUILD_ID": build_id})
    assert form(server)["RoleSessionName"] == name


def test_a_role_is_assumed_with_the_credentials_of_the_environment(
    program: Program, destination: Path
) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "ASIAFIRST",
        "AWS_SECRET_ACCESS_KEY": "first",
        "AWS_SESSION_TOKEN": "chained",
    }
    with scripted(session(3600)) as server:
        result = get(program, destination, server, environ=environ, **WITHOUT_KEYS)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert "Credential=ASIAFIRST/" in server.requests[0].headers["Authorization"]
    assert server.requests[0].headers["X-Amz-Security-Token"] == "chained"


def test_a_role_is_assumed_with_the_credentials_of_the_chain(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "credentials"
    shared.write_text("[default]\naws_access_key_id = AKIASHARED\naws_secret_access_key = shared\n")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_EC2_METADATA_DISABLED": "true"}
    with scripted(session(3600)) as server:
        result = get(program, destination, server, environ=environ, **WITHOUT_KEYS)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert "Credential=AKIASHARED/" in server.requests[0].headers["Authorization"]


def test_a_role_is_assumed_with_a_web_identity_token_in_an_unsigned_request(
    program: Program, destination: Path
) -> None:
    with scripted(session(3600, "AssumeRoleWithWebIdentity")) as server:
        token = {"aws_web_identity_token": ID_TOKEN}
        result = get(program, destination, server, token, **WITHOUT_KEYS)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert form(server) == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "concourse",
        "DurationSeconds": "3600",
        "WebIdentityToken": ID_TOKEN,
    }
    assert "Authorization" not in server.requests[0].headers
    assert ID_TOKEN not in result.stdout + result.stderr


@pytest.mark.parametrize("method", ["assume_role", "assume_role_with_web_identity"])
def test_the_sts_of_moto_accepts_our_requests(
    program: Program, destination: Path, moto_sts: Server, method: str
) -> None:
    with_token = method == "assume_role_with_web_identity"
    params = {"aws_web_identity_token": ID_TOKEN} if with_token else {}
    external_id: Any = ... if with_token else "shared"
    result = get(program, destination, moto_sts, params, aws_role_external_id=external_id)
    assert result.code == 0, result.stderr
    assert "X-Amz-Credential=ASIA" in (destination / "url").read_text()
    assert "warning" not in result.stderr


@pytest.fixture(scope="module")
def moto_sts() -> Iterator[Server]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        yield Server("http://{}:{}".format(*moto.get_host_and_port()), [])
    finally:
        moto.stop()


@pytest.mark.parametrize(
    ("expires_in", "length"),
    [
        ("1s", 900),
        ("14m", 900),
        ("30m", 1860),
        ("59m30s", 3600),
        ("1h", 3600),
        ("2h", 7260),
        ("12h", 43200),
        ("7d", 43200),
    ],
)
def test_a_session_outlasts_the_url_up_to_12_hours(
    program: Program, destination: Path, expires_in: str, length: int
) -> None:
    with scripted(session(length)) as server:
        result = get(program, destination, server, {"expires_in": expires_in})
    assert result.code == 0, result.stderr
    assert form(server)["DurationSeconds"] == str(length)
    assert ("warning" in result.stderr) == (expires_in == "7d")


def test_a_session_outlasts_the_longest_of_several_urls(
    program: Program, destination: Path
) -> None:
    files = {
        "a": {"file_path": "a"},
        "b": {"file_path": "b", "expires_in": "3h"},
        "c": {"file_path": "c", "expires_in": "2h"},
    }
    request = get_request({"files": files}, aws_role_arn=ROLE)
    with scripted(session(10860)) as server:
        environ = {"AWS_ENDPOINT_URL_STS": server.url}
        program.run("in", destination, request=request, environ=environ)
    assert [form(server)["DurationSeconds"]] == ["10860"]


FALLBACK = "source.aws_role_arn: does not allow a session of 2 hours 1 minute; using 1 hour instead"
SHORT = (
    "params.expires_in: the credentials expire in 1 hour; "
    "the URL (requested: 2 hours) will stop working then"
)


def test_a_session_that_the_role_does_not_allow_is_shortened_with_warnings(
    program: Program, destination: Path
) -> None:
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "2h"})
    assert [form(server, number)["DurationSeconds"] for number in (0, 1)] == ["7260", "3600"]
    end = signed_at((destination / "url").read_text()) + 3600
    assert result.stderr.splitlines() == [
        f"warning: {FALLBACK}",
        f"warning: {SHORT}",
        f"signed GET s3://my-bucket/k, valid until {rfc3339(end)} (1h)",
    ]
    assert (destination / "expires_at").read_text() == rfc3339(end)
    assert {"name": "expires_at", "value": rfc3339(end)} in result.answer["metadata"]
    assert_signed_by_the_role(destination, 7200)


def test_a_url_can_be_clamped_to_a_shortened_session(program: Program, destination: Path) -> None:
    params = {"expires_in": "2h", "on_short_credentials": "clamp"}
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, params)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination, 3600)


def test_a_shortened_session_can_be_refused_after_a_warning(
    program: Program, destination: Path
) -> None:
    params = {"expires_in": "2h", "on_short_credentials": "fail"}
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, params)
    line = f"{SHORT}: shorten expires_in or use longer-lived credentials"
    assert_failed(result, destination, line, warnings=f"warning: {FALLBACK}\n")


REFUSALS = [
    (
        refusal("AccessDenied", status=403),
        "source.aws_role_arn: access denied: the credentials need sts:AssumeRole on this role, and "
        "its trust policy must allow them (with aws_role_external_id if it requires one)",
    ),
    (
        refusal("InvalidClientTokenId", status=403),
        "credentials: unknown access key: deleted, or from another partition?",
    ),
    (refusal("ExpiredToken", status=403), "credentials: the credentials have expired"),
    (
        refusal("SignatureDoesNotMatch", "The request signature we calculated does not match", 403),
        "credentials: secret_access_key does not match access_key_id",
    ),
    (
        refusal(
            "SignatureDoesNotMatch",
            "Signature expired: 20261123T010000Z is now earlier than 20261123T015500Z",
            403,
        ),
        "clock: this machine's clock is wrong: Signature expired: "
        "20261123T010000Z is now earlier than 20261123T015500Z",
    ),
    (
        refusal("RegionDisabledException", status=403),
        "source.region_name: STS is not enabled in this region: enable it in the account's IAM "
        "settings",
    ),
    (
        refusal("ValidationError", "Roles may not be assumed by root accounts."),
        "source.aws_role_arn: responded with ValidationError: Roles may not be assumed by "
        "root accounts.",
    ),
]
TOKEN_REFUSALS = [
    (
        refusal("AccessDenied", status=403),
        "source.aws_role_arn: access denied: the role's trust policy must allow "
        "sts:AssumeRoleWithWebIdentity for the token's issuer, audience and subject",
    ),
    (
        refusal("InvalidIdentityToken"),
        "params.aws_web_identity_token: token rejected: IAM needs an OIDC provider for its issuer "
        "and audience",
    ),
    (
        refusal("IDPRejectedClaim", status=403),
        "params.aws_web_identity_token: token rejected: it has expired, or its issuer has revoked "
        "it",
    ),
    (
        refusal("IDPCommunicationError"),
        "params.aws_web_identity_token: STS cannot reach the token's issuer (its keys must be "
        "publicly readable)",
    ),
    (
        refusal("ExpiredTokenException"),
        "params.aws_web_identity_token: the token has expired: fetch a new one in this build",
    ),
    (
        refusal(
            "ValidationError",
            f"1 validation error detected: Value '{ID_TOKEN}' at 'webIdentityToken' is too odd",
        ),
        "source.aws_role_arn: responded with ValidationError: 1 validation error detected: "
        "Value '***' at 'webIdentityToken' is too odd",
    ),
]


def assert_refused_by(server: Server, result: Result, destination: Path, line: str) -> None:
    """See a run fail with this one line, with the host of the server after the place."""
    place, problem = line.split(": ", 1)
    host = server.url.partition("://")[2]
    assert_failed(result, destination, f"{place}: {host}: {problem}")


@pytest.mark.parametrize(("answer", "line"), REFUSALS)
def test_a_refusal_of_the_credentials_is_explained(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        assert_refused_by(server, get(program, destination, server), destination, line)


@pytest.mark.parametrize(("answer", "line"), TOKEN_REFUSALS)
def test_a_refusal_of_the_token_is_explained(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        result = get(program, destination, server, {"aws_web_identity_token": ID_TOKEN})
    assert_refused_by(server, result, destination, line)


OVERLOADED = refusal("ServiceUnavailable", "slow down", 503)


def test_an_overloaded_sts_is_tried_up_to_three_times(program: Program, destination: Path) -> None:
    with scripted(OVERLOADED, OVERLOADED, session(3600)) as server:
        assert get(program, destination, server).code == 0
    assert len(server.requests) == 3
    assert_signed_by_the_role(destination)


def test_an_sts_that_stays_overloaded_is_reported(program: Program, destination: Path) -> None:
    with scripted(OVERLOADED) as server:
        result = get(program, destination, server)
    assert len(server.requests) == 3
    line = "source.aws_role_arn: responded with ServiceUnavailable: slow down"
    assert_refused_by(server, result, destination, line)


def test_an_error_page_of_a_proxy_is_reported(program: Program, destination: Path) -> None:
    with scripted(Answer(502, "Bad Gateway")) as server:
        result = get(program, destination, server)
    problem = "unreadable response: wrong host, or an error page from a proxy?"
    line = f"source.aws_role_arn: {problem}"
    assert_refused_by(server, result, destination, line)


FAILURES: list[tuple[Reaction, str]] = [
    (reset, "connection closed unexpectedly: retry, or check http vs https"),
    (hang, "no response within 30 seconds"),
]


@pytest.mark.parametrize(("reaction", "line"), FAILURES)
def test_a_failing_sts_is_reported(
    program: Program, destination: Path, quick_timeout: None, reaction: Reaction, line: str
) -> None:
    with scripted(reaction) as server:
        result = get(program, destination, server)
    assert_refused_by(server, result, destination, f"source.aws_role_arn: {line}")
    assert len(server.requests) == 3


def test_a_refused_connection_is_reported(program: Program, destination: Path) -> None:
    server = Server("http://127.0.0.1:1", [])
    result = get(program, destination, server)
    problem = "connection refused: check host and port, and that the server is running"
    assert_refused_by(server, result, destination, f"source.aws_role_arn: {problem}")


def test_an_unknown_host_name_is_reported(program: Program, destination: Path) -> None:
    server = Server("http://sts.invalid", [])
    result = get(program, destination, server)
    problem = "cannot resolve host name: check the name and the worker's DNS"
    assert_refused_by(server, result, destination, f"source.aws_role_arn: {problem}")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_over_tls_the_ca_bundle_is_trusted(
    program: Program, destination: Path, tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    with scripted(session(3600), tls=tls) as server:
        result = get(program, destination, server, ca_bundle=authority.cert_pem.bytes().decode())
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)


def test_over_tls_an_unknown_ca_is_refused(
    program: Program, destination: Path, tls: ssl.SSLContext
) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    line = (
        "source.aws_role_arn: certificate verification failed: unable to get local issuer "
        "certificate (for a private CA, set ca_bundle)"
    )
    for ca_bundle in (..., other):
        with scripted(session(3600), tls=tls) as server:
            result = get(program, destination, server, ca_bundle=ca_bundle)
        assert_refused_by(server, result, destination, line)


def test_over_tls_a_certificate_of_another_host_is_refused(
    program: Program, destination: Path, tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    with scripted(session(3600), tls=tls) as server:
        server.url = server.url.replace("localhost", "127.0.0.1")
        result = get(program, destination, server, ca_bundle=authority.cert_pem.bytes().decode())
    line = (
        "source.aws_role_arn: certificate verification failed: hostname '127.0.0.1' "
        "doesn't match 'localhost' (for a private CA, set ca_bundle)"
    )
    assert_refused_by(server, result, destination, line)


def test_over_tls_any_certificate_is_accepted_on_demand(
    program: Program, destination: Path, tls: ssl.SSLContext
) -> None:
    with scripted(session(3600), tls=tls) as server:
        result = get(program, destination, server, spawn=True, skip_ssl_verification=True)
    assert (result.code, len(result.stderr.splitlines())) == (0, 1), result.stderr
    assert_signed_by_the_role(destination)


def test_a_mistake_in_the_params_is_reported_without_a_request_to_sts(
    program: Program, destination: Path
) -> None:
    with scripted(session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "8d"})
    line = "params.expires_in: must be between 1 second and 7 days, got 8 days"
    assert_failed(result, destination, line)
    assert server.requests == []


def test_check_and_out_send_no_request_to_sts(program: Program, tmp_path: Path) -> None:
    request = {"source": {**SOURCE, "aws_role_arn": ROLE}}
    with scripted(session(3600)) as server:
        environ = {"AWS_ENDPOINT_URL_STS": server.url}
        assert program.run("check", request=request, environ=environ).code == 0
        assert program.run("out", tmp_path, request=request, environ=environ).code == 0
    assert server.requests == []


def test_no_secret_of_the_role_is_printed(program: Program, destination: Path) -> None:
    with scripted(session(3600)) as server:
        result = get(program, destination, server, {"method": "PUT", "acl": "private"})
    printed = result.stdout + result.stderr + (destination / "headers.json").read_text()
    for secret in (*OF_THE_ROLE.values(), CREDENTIALS["secret_access_key"]):
        assert secret not in printed
        assert json.dumps(secret)[1:-1] not in printed


VPC_ENDPOINT = "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"region_name": "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"),
        ({"region_name": "us-east-1"}, "https://sts.us-east-1.amazonaws.com"),
        ({"region_name": "cn-north-1"}, "https://sts.cn-north-1.amazonaws.com.cn"),
        (
            {"region_name": "us-east-1", "use_fips_endpoint": True},
            "https://sts-fips.us-east-1.amazonaws.com",
        ),
        (
            {"region_name": "eu-west-1", "endpoint": VPC_ENDPOINT},
            "https://sts.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_sts_is_used_in_the_region_of_the_bucket(
    source: dict[str, Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    resolved = role.resolve(
        Source(aws_role_arn=ROLE, **source), source["region_name"], None, on_aws=True
    )
    assert sts._client(resolved, Credentials("nobody", "nothing")).meta.endpoint_url == url


@pytest.mark.parametrize(
    ("reported", "expiry"), [(7200 + 299, 7200), (7200 - 300, 7200), (7200 + 301, 7501), (10, 10)]
)
def test_small_clock_skew_of_sts_is_ignored(reported: int, expiry: int) -> None:
    assert sts._expiry(reported, 7200) == expiry


MINIO = "http://127.0.0.1:1"  # nobody listens there
OWN_ROLE = "arn:aws:iam:::role/reader"


def test_sts_endpoint_is_the_sts_of_the_provider(program: Program, destination: Path) -> None:
    """The variable, which means the STS of AWS, is not used."""
    request: dict[str, Any] = {"endpoint": MINIO, "aws_role_arn": OWN_ROLE, "region_name": "garage"}
    with scripted(session(3600)) as server:
        result = get(program, destination, Server(MINIO, []), sts_endpoint=server.url, **request)
    assert result.code == 0, result.stderr
    assert form(server)["RoleArn"] == OWN_ROLE
    assert "/garage/sts/aws4_request" in server.requests[0].headers["Authorization"]


@pytest.mark.parametrize("params", [{}, {"aws_web_identity_token": ID_TOKEN}], ids=["key", "token"])
@pytest.mark.parametrize("step", ["check", "in"])
def test_credentials_of_a_private_provider_are_not_offered_to_the_sts_of_aws(
    program: Program, destination: Path, step: str, params: dict[str, str]
) -> None:
    request = get_request({"file_path": "k", **params}, endpoint=MINIO, aws_role_arn=ROLE)
    line = "source.sts_endpoint: required with aws_role_arn and endpoint: the STS of the provider"
    targets: list[str] = []
    with providers.running(providers.Proxy, targets=targets) as proxy:
        environ = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy}
        assert_refused(program, destination, step, line, request=request, environ=environ)
    assert targets == []


@pytest.mark.parametrize("provider", [providers.role_of_a_profile, providers.web_identity])
def test_what_the_chain_finds_is_not_offered_to_the_sts_of_aws_for_a_private_provider(
    program: Program, destination: Path, tmp_path: Path, provider: Any
) -> None:
    targets: list[str] = []
    with (
        providers.running(providers.Proxy, targets=targets) as proxy,
        provider(tmp_path, 3600) as environ,
    ):
        del environ["AWS_ENDPOINT_URL_STS"]
        environ |= {"HTTPS_PROXY": proxy, "AWS_REGION": "eu-west-1"}
        request = get_request(endpoint=MINIO, access_key_id=..., secret_access_key=...)
        result = program.run("in", destination, request=request, environ=environ)
    assert re.fullmatch(
        r"s3-presigned-url: in: credentials: the profile or environment has a role, and sts\.\S+ "
        r"is not the STS of the provider: set AWS_ENDPOINT_URL_STS\n",
        result.stderr,
    ), result.stderr
    assert (result.code, targets) == (1, [])
