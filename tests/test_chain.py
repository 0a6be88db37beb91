"""Where neither the source nor the environment has credentials, boto3's chain is asked, over real connections.

One thing is not tried: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, as ECS sets it, is always on the host 169.254.170.2. The
rest of it is as with AWS_CONTAINER_CREDENTIALS_FULL_URI.
"""

import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from . import providers
from .program import CREDENTIALS, SOURCE, Program, Result, files_below, get_request, rfc3339
from .providers import STALE, TEMPORARY, ContainerCredentials, container, moto, running
from .scripted import Answer, scripted
from .test_boto3 import boto3_url
from .test_contract import signed_at

Provider = Callable[..., AbstractContextManager[dict[str, str]]]

PROCESS = pytest.param(providers.process, marks=pytest.mark.process, id="process")
ASKED_AGAIN = [PROCESS, providers.ecs, providers.eks_pod_identity, providers.ec2]
OF_ANY_LIFE = [*ASKED_AGAIN, providers.environment, providers.sso, providers.sso_without_session]
TELLING = [*OF_ANY_LIFE, providers.role_of_a_profile, providers.role_of_a_container]


def of_any(provider: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("provider", provider, ids=lambda given: given.__name__)


def get(program: Program, destination: Path, environ: dict[str, str], **params: Any) -> Result:
    request = get_request({"file_path": "k", **params}, access_key_id=..., secret_access_key=...)
    return program.run("in", destination, request=request, environ={"AWS_EC2_METADATA_DISABLED": "true", **environ})


def assert_signed(destination: Path, source: dict[str, Any] | None = None, expires_in: int = 3600) -> None:
    """Compare with the URL that boto3 makes of these credentials: by default those of the providers, or of the role."""
    url = (destination / "url").read_text()
    key = parse_qs(urlsplit(url).query)["X-Amz-Credential"][0].split("/")[0]
    given = source or (TEMPORARY if key == CREDENTIALS["access_key_id"] else providers.session_of(key))
    assert url == boto3_url(given, "GET", {"Bucket": "my-bucket", "Key": "k"}, expires_in, signed_at(url))


def assert_refused(result: Result, destination: Path, line: str) -> None:
    assert (result.code, result.stdout, result.stderr) == (1, "", f"s3-presigned-url: in: {line}\n")
    assert files_below(destination) == {}


@of_any(TELLING)
def test_credentials_that_last_sign(program: Program, destination: Path, tmp_path: Path, provider: Provider) -> None:
    with provider(tmp_path, 7200) as environ:
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    assert_signed(destination)
    end = rfc3339(signed_at((destination / "url").read_text()) + 3600)
    assert (destination / "expires_at").read_text() == end
    assert result.stderr == f"signed GET s3://my-bucket/k, valid until {end} (1h)\n"


@of_any(TELLING)
def test_a_url_ends_with_its_credentials_after_a_warning(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    before = int(time.time())
    with provider(tmp_path, 1800) as environ:
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    assert_signed(destination)
    end = (destination / "expires_at").read_text()
    assert rfc3339(before + 1800) <= end <= rfc3339(time.time() + 1800)
    assert {"name": "expires_at", "value": end} in result.answer["metadata"]
    warning, line = result.stderr.splitlines()
    assert re.fullmatch(
        r"warning: params.expires_in: the credentials end in (30|29) minutes( \d+ seconds?)?, before the URL would "
        r"\(1 hour\), and the URL ends with them",
        warning,
    )
    assert line.startswith(f"signed GET s3://my-bucket/k, valid until {end} (")


@of_any(TELLING)
def test_a_url_that_would_outlive_its_credentials_is_refused_on_demand(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 1800) as environ:
        result = get(program, destination, environ, on_short_credentials="fail")
    left = re.search(r"end in ([^,]*),", result.stderr)
    assert_refused(
        result,
        destination,
        f"params.expires_in: the credentials end in {left and left[1]}, before the URL would (1 hour): "
        "ask for less, or use credentials that last longer",
    )


@of_any(TELLING)
def test_a_url_is_signed_for_the_life_of_its_credentials_on_demand(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 1800) as environ:
        result = get(program, destination, environ, on_short_credentials="clamp")
    assert result.code == 0, result.stderr
    url = (destination / "url").read_text()
    life = int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])
    assert 1780 <= life <= 1810
    assert_signed(destination, expires_in=life)
    assert (destination / "expires_at").read_text() == rfc3339(signed_at(url) + life)
    assert result.stderr.count("\n") == 1


@of_any(ASKED_AGAIN)
def test_credentials_that_are_about_to_end_are_asked_for_again(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    for life in (-60, 30, 300):
        with provider(tmp_path, life, 7200) as environ:
            result = get(program, destination, environ)
        assert result.code == 0, result.stderr
        assert_signed(destination)
        assert STALE not in (destination / "url").read_text()
        assert result.stderr.count("\n") == 1


@of_any(OF_ANY_LIFE)
def test_credentials_that_end_within_the_minute_are_refused(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 30) as environ:
        result = get(program, destination, environ)
    left = re.search(r"expire in (\d+)", result.stderr)
    assert_refused(result, destination, f"credentials: expire in {left and left[1]} seconds: get new ones")


@of_any(OF_ANY_LIFE)
def test_credentials_that_have_ended_are_refused(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, -60) as environ:
        result = get(program, destination, environ)
    again = "" if provider is providers.environment else ", and so have those that came when asked again"
    assert_refused(result, destination, f"credentials: have expired{again}: get new ones")


def test_a_web_identity_signs_for_an_hour(program: Program, destination: Path, tmp_path: Path) -> None:
    before = int(time.time())
    with providers.web_identity(tmp_path, 3600) as environ:
        result = get(program, destination, environ, expires_in="2h")
    assert result.code == 0, result.stderr
    assert_signed(destination, expires_in=7200)
    end = (destination / "expires_at").read_text()
    assert rfc3339(before + 3600) <= end <= rfc3339(time.time() + 3600)
    assert "before the URL would (2 hours), and the URL ends with them\n" in result.stderr


def test_motos_instance_metadata_is_taken(program: Program, destination: Path) -> None:
    with moto() as url:
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    theirs = {"access_key_id": "test-key", "secret_access_key": "test-secret-key", "session_token": "test-session-token"}
    assert_signed(destination, {**SOURCE, **theirs})


@pytest.mark.parametrize(
    ("provider", "authorization"), [(providers.ecs, "may I"), (providers.eks_pod_identity, "may I, from a file")]
)
def test_a_container_shows_its_token(
    program: Program, destination: Path, tmp_path: Path, provider: Provider, authorization: str
) -> None:
    with provider(tmp_path, 7200) as environ:
        get(program, destination, environ)
    assert ContainerCredentials.authorizations[-1] == authorization


def test_a_profile_of_the_shared_files_is_used(program: Program, destination: Path, tmp_path: Path) -> None:
    shared = tmp_path / "credentials"
    mine = "[mine]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"
    shared.write_text("[default]\naws_access_key_id = other\naws_secret_access_key = other\n" + mine.format(**CREDENTIALS))
    result = get(program, destination, {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_PROFILE": "mine"})
    assert result.code == 0, result.stderr
    assert_signed(destination, SOURCE)


def test_the_shared_files_of_the_home_are_used(program: Program, destination: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / ".aws").mkdir(parents=True)
    default = "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"
    (tmp_path / "home" / ".aws" / "credentials").write_text(default.format(**CREDENTIALS))
    result = get(program, destination, {"HOME": str(tmp_path / "home")})
    assert result.code == 0, result.stderr
    assert_signed(destination, SOURCE)


@pytest.mark.parametrize(
    ("region", "sts"),
    [("eu-west-1", "sts.eu-west-1.amazonaws.com:443"), ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn:443")],
)
def test_a_role_is_asked_for_in_the_region_of_the_bucket(
    program: Program, destination: Path, tmp_path: Path, region: str, sts: str
) -> None:
    with running(providers.Proxy) as proxy, providers.role_of_a_profile(tmp_path, 3600) as environ:
        del environ["AWS_ENDPOINT_URL_STS"]
        request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=..., region_name=region)
        result = program.run("in", destination, request=request, environ={**environ, "HTTPS_PROXY": proxy})
    assert set(providers.Proxy.asked[-3:]) == {sts}
    told = f'Failed to connect to proxy URL: "{proxy}"'
    assert_refused(result, destination, f"credentials: boto3's credential chain failed: {told}")


REFUSED = Answer(
    403,
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>'
    "<Message>User is not authorized</Message></Error><RequestId>1</RequestId></ErrorResponse>",
)


@pytest.mark.parametrize(
    ("provider", "line"),
    [
        (
            providers.role_of_a_profile,
            "credentials: AWS refused AssumeRole: AccessDenied: User is not authorized: the role of the profile has to "
            "trust who assumes it, who needs sts:AssumeRole on it",
        ),
        (
            providers.web_identity,
            "credentials: AWS refused AssumeRoleWithWebIdentity: AccessDenied: IAM has to know the token's issuer, and the "
            "role to trust its audience and subject",  # without AWS's message, in which there may be the token
        ),
    ],
)
def test_a_role_that_is_refused_is_told(
    program: Program, destination: Path, tmp_path: Path, provider: Provider, line: str
) -> None:
    with scripted(REFUSED) as sts, provider(tmp_path, 3600) as environ:
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_STS": sts.url})
    assert_refused(result, destination, line)


def test_a_broken_sts_is_asked_three_times(program: Program, destination: Path, tmp_path: Path) -> None:
    with scripted(Answer(500, "")) as sts, providers.role_of_a_profile(tmp_path, 3600) as environ:
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_STS": sts.url})
    assert [asked.method for asked in sts.asked] == ["POST"] * 3
    told = "AWS refused AssumeRole: 500: Internal Server Error"
    assert_refused(
        result,
        destination,
        f"credentials: {told}: the role of the profile has to trust who assumes it, who needs sts:AssumeRole on it",
    )


@pytest.mark.parametrize(
    "lasts",
    [{"life": -60}, {"token": "signed out"}],
    ids=["has ended", "was withdrawn"],
)
def test_a_session_of_sso_that_is_over_is_told(
    program: Program, destination: Path, tmp_path: Path, lasts: dict[str, Any]
) -> None:
    with running(providers.SsoPortal) as url:
        environ = {**providers.signed_in(tmp_path, "ours", **lasts), **providers.sso_profile(tmp_path)}
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_SSO": url})
    assert_refused(result, destination, "credentials: the SSO session has expired or was never begun: run aws sso login")


def test_a_session_of_sso_that_was_never_begun_is_told(program: Program, destination: Path, tmp_path: Path) -> None:
    result = get(program, destination, {**providers.sso_profile(tmp_path), "HOME": str(tmp_path)})
    assert_refused(result, destination, "credentials: the SSO session has expired or was never begun: run aws sso login")


def test_a_profile_that_is_not_there_is_told(program: Program, destination: Path) -> None:
    result = get(program, destination, {"AWS_PROFILE": "missing"})
    assert_refused(result, destination, "AWS_PROFILE: names a profile that no shared file has: missing")


def test_a_shared_file_of_rubbish_is_told(program: Program, destination: Path, tmp_path: Path) -> None:
    result = get(program, destination, providers.configuration(tmp_path, "rubbish\n"))
    told = f"Unable to parse config file: {tmp_path}/config"
    assert_refused(result, destination, f"credentials: boto3's credential chain failed: {told}")


@pytest.mark.parametrize("provider", [providers.web_identity, providers.eks_pod_identity])
def test_a_file_with_a_token_that_is_not_there_is_told(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 3600) as environ:
        (tmp_path / "token").unlink()
        result = get(program, destination, environ)
    problem = "which the environment or the profile names, cannot be used: No such file or directory"
    assert_refused(result, destination, f"credentials: {tmp_path}/token, {problem}")


def test_a_container_that_does_not_answer_is_told(program: Program, destination: Path) -> None:
    result = get(program, destination, container("http://127.0.0.1:1/credentials"))
    told = (
        "Error when retrieving credentials from container-role: Error retrieving metadata: Received error when attempting "
        'to retrieve container metadata: Could not connect to the endpoint URL: "http://127.0.0.1:1/credentials"'
    )
    assert_refused(result, destination, f"credentials: boto3's credential chain failed: {told}")


NO_KEY = "an empty key, or one with a character in it that no key has"
RUBBISH = "credentials: a process, server or file of boto3's credential chain has something else instead"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "no 'AccessKeyId'"),
        ([], "list indices must be integers or slices, not str"),
        ("[" * 100000, "maximum recursion depth exceeded while decoding a JSON array from a unicode string"),
        ({**providers.metadata("t", 7200), "AccessKeyId": ""}, NO_KEY),
        ({**providers.metadata("t", 7200), "SecretAccessKey": "a b"}, NO_KEY),
        ({**providers.metadata("t", 7200), "Token": 5}, NO_KEY),
        ({**providers.metadata("t", 7200), "Expiration": "soon"}, "Unknown string format: soon"),
        (
            {**providers.metadata("t", 7200), "Expiration": None},
            "Parser must be a string or character stream, not NoneType",
        ),
    ],
)
def test_a_container_that_is_given_rubbish_is_told(
    program: Program, destination: Path, monkeypatch: pytest.MonkeyPatch, content: Any, told: str
) -> None:
    monkeypatch.setattr(providers.Rubbish, "content", content)
    with running(providers.Rubbish) as url:
        result = get(program, destination, container(url))
    assert_refused(result, destination, f"{RUBBISH}: {told}")


@pytest.mark.process
def test_a_process_is_found_along_the_path_and_has_the_environment_of_the_program(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    with providers.process(tmp_path, 7200) as environ:
        (tmp_path / "process").write_text(f"#!/bin/sh\n/usr/bin/env > {tmp_path}/environment\ncat {tmp_path}/answer0\n")
        providers.configuration(tmp_path, "[default]\ncredential_process = process\n")
        environ |= {"PATH": f"{tmp_path}:/usr/bin:/bin", "OURS": "1"}
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    found = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
    given = {**program.environ(), "AWS_EC2_METADATA_DISABLED": "true", **environ}
    of_shells = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    assert {name: value for name, value in found.items() if name not in of_shells} == given


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("/bin/echo rubbish", f"{RUBBISH}: Expecting value: line 1 column 1 (char 0)"),
        ("/bin/echo []", f"{RUBBISH}: 'list' object has no attribute 'get'"),
        (
            "/bin/echo '{\"Version\": 1}'",
            "credentials: boto3's credential chain failed: Error when retrieving credentials from custom-process: "
            "Missing required key in response: 'AccessKeyId'",
        ),
        (
            "/bin/sh -c 'echo the door is shut >&2; exit 1'",
            "credentials: boto3's credential chain failed: Error when retrieving credentials from custom-process: "
            "the door is shut\\n",
        ),
        (
            "/nonexistent/process",
            "credentials: /nonexistent/process, which the environment or the profile names, cannot be used: "
            "No such file or directory",
        ),
    ],
)
def test_a_process_without_credentials_is_told(
    program: Program, destination: Path, tmp_path: Path, command: str, line: str
) -> None:
    environ = providers.configuration(tmp_path, f"[default]\ncredential_process = {command}\n")
    assert_refused(get(program, destination, environ), destination, line)


def test_nobody_is_asked_for_a_code(program: Program, destination: Path, tmp_path: Path) -> None:
    with providers.role_of_a_profile(tmp_path, 3600) as environ:
        with Path(environ["AWS_CONFIG_FILE"]).open("a") as profile:
            profile.write("mfa_serial = arn:aws:iam::123456789012:mfa/me\n")
        result = get(program, destination, environ)
    assert_refused(
        result, destination, "credentials: the profile asks for an MFA code, and there is nobody to type it here"
    )


NONE_FOUND = (
    "credentials: none found: looked in the source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
    "credential_process, web identity, container credentials and EC2 metadata; "
    "on Concourse, set access_key_id and secret_access_key"
)


def test_instance_metadata_that_is_silent_is_given_up_within_seconds(program: Program, destination: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        before = time.monotonic()
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
        assert time.monotonic() - before < 5
    assert_refused(result, destination, NONE_FOUND)


def test_instance_metadata_without_a_role_is_passed_over(program: Program, destination: Path) -> None:
    with running(providers.NoRole) as url:
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
    assert_refused(result, destination, NONE_FOUND)
