"""A role is assumed over a real connection, and the URL is signed with what STS gives."""

import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import trustme
from moto.server import ThreadedMotoServer

from app import crash, sts
from app.credentials import Credentials
from app.protocol import Source

from .program import ACCESS_KEY_ID, CREDENTIALS, SOURCE, Program, Result, files_below, get_request, rfc3339
from .scripted import Answer, Reaction, Server, hang, reset, scripted
from .sts_server import OF_THE_ROLE, ROLE, refusal, session
from .test_boto3 import boto3_url
from .test_contract import signed_at

ID_TOKEN = "planted.id.token"
TOO_LONG = refusal("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def get(
    program: Program,
    destination: Path,
    server: Server,
    params: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    **source: Any,
) -> Result:
    request = get_request({"file_path": "k", **(params or {})}, **{"aws_role_arn": ROLE, **source})
    return program.run("in", destination, request=request, environ={"AWS_ENDPOINT_URL_STS": server.url, **(environ or {})})


def form(server: Server, number: int = 0) -> dict[str, str]:
    return dict(parse_qsl(server.asked[number].body.decode()))


def assert_signed_by_the_role(destination: Path, expires_in: int = 3600) -> None:
    url = (destination / "url").read_text()
    assert url == boto3_url(
        {**SOURCE, **OF_THE_ROLE}, "GET", {"Bucket": "my-bucket", "Key": "k"}, expires_in, signed_at(url)
    )


def assert_refused(result: Result, destination: Path, line: str) -> None:
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


def test_a_role_is_assumed_with_the_credentials_of_the_source(program: Program, destination: Path) -> None:
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
    (asked,) = server.asked
    assert f"Credential={ACCESS_KEY_ID}/" in asked.headers["Authorization"]
    assert "/eu-west-1/sts/aws4_request" in asked.headers["Authorization"]


def test_external_id_and_session_name_are_sent(program: Program, destination: Path) -> None:
    with scripted(session(3600)) as server:
        get(program, destination, server, aws_role_external_id="shared:42", aws_role_session_name="release@team")
    assert (form(server)["ExternalId"], form(server)["RoleSessionName"]) == ("shared:42", "release@team")


@pytest.mark.parametrize(("build_id", "name"), [("1234", "concourse-1234"), ("", "concourse"), ("not one", "concourse")])
def test_a_session_is_named_after_the_build(program: Program, destination: Path, build_id: str, name: str) -> None:
    with scripted(session(3600)) as server:
        get(program, destination, server, environ={"BUILD_ID": build_id})
    assert form(server)["RoleSessionName"] == name


def test_a_role_is_assumed_with_the_credentials_of_the_environment(program: Program, destination: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "ASIAFIRST", "AWS_SECRET_ACCESS_KEY": "first", "AWS_SESSION_TOKEN": "chained"}
    with scripted(session(3600)) as server:
        result = get(program, destination, server, environ=environ, access_key_id=..., secret_access_key=...)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert "Credential=ASIAFIRST/" in server.asked[0].headers["Authorization"]
    assert server.asked[0].headers["X-Amz-Security-Token"] == "chained"


def test_a_role_is_assumed_with_what_the_chain_finds(program: Program, destination: Path, tmp_path: Path) -> None:
    shared = tmp_path / "credentials"
    shared.write_text("[default]\naws_access_key_id = AKIASHARED\naws_secret_access_key = shared\n")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_EC2_METADATA_DISABLED": "true"}
    with scripted(session(3600)) as server:
        result = get(program, destination, server, environ=environ, access_key_id=..., secret_access_key=...)
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination)
    assert "Credential=AKIASHARED/" in server.asked[0].headers["Authorization"]


def test_a_role_is_assumed_with_the_token_of_a_web_identity_and_no_signature(program: Program, destination: Path) -> None:
    with scripted(session(3600, "AssumeRoleWithWebIdentity")) as server:
        result = get(
            program,
            destination,
            server,
            {"aws_web_identity_token": ID_TOKEN},
            access_key_id=...,
            secret_access_key=...,
        )
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
    assert "Authorization" not in server.asked[0].headers
    assert ID_TOKEN not in result.stdout + result.stderr


@pytest.mark.parametrize("method", ["assume_role", "assume_role_with_web_identity"])
def test_the_sts_of_moto_takes_our_requests(program: Program, destination: Path, moto_sts: Server, method: str) -> None:
    token = {"aws_web_identity_token": ID_TOKEN} if method == "assume_role_with_web_identity" else {}
    result = get(program, destination, moto_sts, token, aws_role_external_id=... if token else "shared")
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
    [("1s", 900), ("14m", 900), ("30m", 1860), ("59m30s", 3600), ("1h", 3600), ("2h", 7260), ("12h", 43200), ("7d", 43200)],
)
def test_a_session_outlasts_the_url_where_sts_has_such_sessions(
    program: Program, destination: Path, expires_in: str, length: int
) -> None:
    with scripted(session(length)) as server:
        result = get(program, destination, server, {"expires_in": expires_in})
    assert result.code == 0, result.stderr
    assert form(server)["DurationSeconds"] == str(length)
    assert ("warning" in result.stderr) == (expires_in == "7d")


def test_of_several_urls_the_longest_counts(program: Program, destination: Path) -> None:
    files = {
        "a": {"file_path": "a"},
        "b": {"file_path": "b", "expires_in": "3h"},
        "c": {"file_path": "c", "expires_in": "2h"},
    }
    request = get_request({"files": files}, aws_role_arn=ROLE)
    with scripted(session(10860)) as server:
        program.run("in", destination, request=request, environ={"AWS_ENDPOINT_URL_STS": server.url})
    assert [form(server)["DurationSeconds"]] == ["10860"]


FALLEN_BACK = "source.aws_role_arn: allows no session of 2 hours 1 minute, so it was asked for one of 1 hour"
SHORT = "params.expires_in: the credentials end in 1 hour, before the URL would (2 hours)"


def test_where_the_role_allows_no_such_session_the_url_ends_in_an_hour_and_warnings_say_so(
    program: Program, destination: Path
) -> None:
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "2h"})
    assert [form(server, number)["DurationSeconds"] for number in (0, 1)] == ["7260", "3600"]
    end = signed_at((destination / "url").read_text()) + 3600
    assert result.stderr.splitlines() == [
        f"warning: {FALLEN_BACK}",
        f"warning: {SHORT}, and the URL ends with them",
        f"signed GET s3://my-bucket/k, valid until {rfc3339(end)} (1h)",
    ]
    assert (destination / "expires_at").read_text() == rfc3339(end)
    assert {"name": "expires_at", "value": rfc3339(end)} in result.answer["metadata"]
    assert_signed_by_the_role(destination, 7200)


def test_where_the_role_allows_no_such_session_a_url_can_be_made_to_end_with_it(
    program: Program, destination: Path
) -> None:
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "2h", "on_short_credentials": "clamp"})
    assert result.code == 0, result.stderr
    assert_signed_by_the_role(destination, 3600)


def test_where_the_role_allows_no_such_session_the_step_can_fail(program: Program, destination: Path) -> None:
    with scripted(TOO_LONG, session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "2h", "on_short_credentials": "fail"})
    assert_refused(result, destination, f"{SHORT}: ask for less, or use credentials that last longer")


REFUSALS = [
    (
        refusal("AccessDenied", status=403),
        "source.aws_role_arn: AWS STS does not let these credentials assume it: they need sts:AssumeRole on it, and its "
        "trust policy has to name them, with aws_role_external_id if it asks for one",
    ),
    (
        refusal("InvalidClientTokenId", status=403),
        "credentials: AWS STS does not know the access key: is it deleted, or of another partition?",
    ),
    (refusal("ExpiredToken", status=403), "credentials: have expired: get new ones"),
    (
        refusal("SignatureDoesNotMatch", "The request signature we calculated does not match", 403),
        "credentials: the secret access key does not belong to the access key: copy both again",
    ),
    (
        refusal("SignatureDoesNotMatch", "Signature expired: 20261123T010000Z is now earlier than 20261123T015500Z", 403),
        "clock: AWS STS says that it is wrong: Signature expired: 20261123T010000Z is now earlier than 20261123T015500Z",
    ),
    (
        refusal("RegionDisabledException", status=403),
        "source.region_name: AWS STS is switched off there: activate it in the account's IAM",
    ),
    (
        refusal("ValidationError", "Roles may not be assumed by root accounts."),
        "source.aws_role_arn: AWS STS answered ValidationError: Roles may not be assumed by root accounts.",
    ),
]
TOKEN_REFUSALS = [
    (
        refusal("AccessDenied", status=403),
        "source.aws_role_arn: AWS STS does not let the token assume it: its trust policy has to allow "
        "sts:AssumeRoleWithWebIdentity for the token's issuer, audience and subject",
    ),
    (
        refusal("InvalidIdentityToken"),
        "params.aws_web_identity_token: AWS STS does not take it: IAM needs an OIDC provider for its issuer and audience",
    ),
    (
        refusal("IDPRejectedClaim", status=403),
        "params.aws_web_identity_token: AWS STS does not take it: it has expired, or its issuer has withdrawn it",
    ),
    (
        refusal("IDPCommunicationError"),
        "params.aws_web_identity_token: AWS STS does not reach its issuer, whose keys have to be public: try again",
    ),
    (refusal("ExpiredTokenException"), "params.aws_web_identity_token: has expired: fetch a new one in this build"),
    (
        refusal("ValidationError", f"1 validation error detected: Value '{ID_TOKEN}' at 'webIdentityToken' is too odd"),
        "source.aws_role_arn: AWS STS answered ValidationError: 1 validation error detected: Value '***' at "
        "'webIdentityToken' is too odd",
    ),
]


@pytest.mark.parametrize(("answer", "line"), REFUSALS)
def test_a_refusal_of_the_credentials_is_told_with_its_cure(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        assert_refused(get(program, destination, server), destination, line)


@pytest.mark.parametrize(("answer", "line"), TOKEN_REFUSALS)
def test_a_refusal_of_the_token_is_told_with_its_cure(
    program: Program, destination: Path, answer: Answer, line: str
) -> None:
    with scripted(answer) as server:
        assert_refused(get(program, destination, server, {"aws_web_identity_token": ID_TOKEN}), destination, line)


OVERLOADED = refusal("ServiceUnavailable", "slow down", 503)


def test_an_overloaded_sts_is_asked_three_times(program: Program, destination: Path) -> None:
    with scripted(OVERLOADED, OVERLOADED, session(3600)) as server:
        assert get(program, destination, server).code == 0
    assert len(server.asked) == 3
    assert_signed_by_the_role(destination)


def test_after_three_times_it_is_told(program: Program, destination: Path) -> None:
    with scripted(OVERLOADED) as server:
        result = get(program, destination, server)
    assert len(server.asked) == 3
    assert_refused(result, destination, "source.aws_role_arn: AWS STS answered ServiceUnavailable: slow down")


def test_a_page_of_a_proxy_is_told(program: Program, destination: Path) -> None:
    with scripted(Answer(502, "Bad Gateway")) as server:
        result = get(program, destination, server)
    line = "source.aws_role_arn: AWS STS answered what cannot be read: is it the right host, and no proxy's page?"
    assert_refused(result, destination, line)


FAILURES: list[tuple[Reaction, str]] = [
    (reset, "AWS STS broke off the connection: try again, or see whether it wants http or https"),
    (hang, "AWS STS did not answer in 30 seconds: try again, or mend the network"),
]


@pytest.mark.parametrize(("reaction", "line"), FAILURES)
def test_an_sts_that_fails_is_told(program: Program, destination: Path, reaction: Reaction, line: str) -> None:
    with scripted(reaction) as server:
        assert_refused(get(program, destination, server), destination, f"source.aws_role_arn: {line}")
    assert len(server.asked) == 3


def test_an_sts_that_is_not_there_is_told(program: Program, destination: Path) -> None:
    assert_refused(
        get(program, destination, Server("http://127.0.0.1:1", [])),
        destination,
        "source.aws_role_arn: AWS STS refused the connection: are host and port right, and does it run?",
    )


def test_a_name_that_is_not_known_is_told(program: Program, destination: Path) -> None:
    assert_refused(
        get(program, destination, Server("http://sts.invalid", [])),
        destination,
        "source.aws_role_arn: AWS STS is not a name that is known here: is it right, and does the worker have a name "
        "server?",
    )


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


def test_over_tls_an_unknown_authority_is_refused(program: Program, destination: Path, tls: ssl.SSLContext) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    line = (
        "source.aws_role_arn: AWS STS is not trusted: unable to get local issuer certificate "
        "(certificates of a private authority go into ca_bundle)"
    )
    for ca_bundle in (..., other):
        with scripted(session(3600), tls=tls) as server:
            assert_refused(get(program, destination, server, ca_bundle=ca_bundle), destination, line)


def test_over_tls_a_certificate_of_another_host_is_refused(
    program: Program, destination: Path, tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    with scripted(session(3600), tls=tls) as server:
        server.url = server.url.replace("localhost", "127.0.0.1")
        result = get(program, destination, server, ca_bundle=authority.cert_pem.bytes().decode())
    assert_refused(
        result,
        destination,
        "source.aws_role_arn: AWS STS is not trusted: hostname '127.0.0.1' doesn't match 'localhost' "
        "(certificates of a private authority go into ca_bundle)",
    )


def test_over_tls_anyone_is_trusted_if_asked_to(program: Program, destination: Path, tls: ssl.SSLContext) -> None:
    with scripted(session(3600), tls=tls) as server:
        result = get(program, destination, server, skip_ssl_verification=True)
    assert (result.code, len(result.stderr.splitlines())) == (0, 1), result.stderr
    assert_signed_by_the_role(destination)


def test_a_mistake_in_the_params_is_told_before_anyone_is_asked(program: Program, destination: Path) -> None:
    with scripted(session(3600)) as server:
        result = get(program, destination, server, {"expires_in": "8d"})
    assert_refused(result, destination, "params.expires_in: must be between 1 second and 7 days, got 8 days")
    assert server.asked == []


def test_check_and_out_ask_nobody(program: Program, tmp_path: Path) -> None:
    request = {"source": {**SOURCE, "aws_role_arn": ROLE}}
    with scripted(session(3600)) as server:
        environ = {"AWS_ENDPOINT_URL_STS": server.url}
        assert program.run("check", request=request, environ=environ).code == 0
        assert program.run("out", tmp_path, request=request, environ=environ).code == 0
    assert server.asked == []


def test_no_secret_of_the_role_is_told(program: Program, destination: Path) -> None:
    with scripted(session(3600)) as server:
        result = get(program, destination, server, {"method": "PUT", "acl": "private"})
    told = result.stdout + result.stderr + (destination / "headers.json").read_text()
    for secret in (*OF_THE_ROLE.values(), CREDENTIALS["secret_access_key"]):
        assert secret not in told
        assert json.dumps(secret)[1:-1] not in told


def test_what_a_role_gave_is_cleaned_out_of_a_traceback() -> None:
    crash.never_tell(Credentials(access_key_id="ASIAROLE", secret_access_key="secret-of-role", session_token="role-token"))
    lines = crash.report(ValueError("secret-of-role role-token"), b"", {"S3_PRESIGNED_URL_DEBUG": "1"})
    assert lines[-1] == "ValueError: *** ***"


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"region_name": "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"),
        ({"region_name": "us-east-1"}, "https://sts.us-east-1.amazonaws.com"),
        ({"region_name": "cn-north-1"}, "https://sts.cn-north-1.amazonaws.com.cn"),
        ({"region_name": "us-east-1", "use_fips_endpoint": True}, "https://sts-fips.us-east-1.amazonaws.com"),
        ({"endpoint": "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", "region_name": "eu-west-1"}, "https://sts.eu-west-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_sts_is_asked_in_the_region_of_the_bucket(
    source: dict[str, Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    nobody = Credentials(access_key_id="nobody", secret_access_key="nothing")
    assert sts._client(Source(bucket_name="my-bucket", **source), nobody).meta.endpoint_url == url
