"""`app/aws/chain.py`: boto3's credential chain, over real connections.

Not tested: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, which ECS sets, because its host is always
169.254.170.2. It differs from AWS_CONTAINER_CREDENTIALS_FULL_URI only in this.
"""

import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from . import providers
from .expect import assert_failed, boto3_url, query, rfc3339, signed_at
from .program import ACCESS_KEY_ID, CREDENTIALS, SOURCE, Program, Result, get_request
from .providers import STALE, TEMPORARY, container, moto, running
from .scripted import Answer, scripted
from .sts_server import refusal

Provider = Callable[..., AbstractContextManager[dict[str, str]]]

PROCESS = pytest.param(providers.process, marks=pytest.mark.process, id="process")
REFRESHABLE = [PROCESS, providers.ecs, providers.eks_pod_identity, providers.ec2]
SSO = [providers.sso, providers.sso_without_session]
OF_ANY_LIFETIME = [*REFRESHABLE, providers.environment, *SSO]
REPORTING_EXPIRY = [*OF_ANY_LIFETIME, providers.role_of_a_profile, providers.role_of_a_container]


def with_each(provider: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("provider", provider, ids=lambda function: function.__name__)


def get(
    program: Program, destination: Path, environ: dict[str, str], spawn: bool = False, **params: Any
) -> Result:
    request = get_request({"file_path": "k", **params}, access_key_id=..., secret_access_key=...)
    environ = {"AWS_EC2_METADATA_DISABLED": "true", **environ}
    # botocore looks for the home directory only once in a process
    spawn = spawn or "HOME" in environ
    return program.run("in", destination, request=request, environ=environ, spawn=spawn)


def assert_signed(
    destination: Path, source: dict[str, Any] | None = None, expires_in: int = 3600
) -> None:
    """Compare with boto3's URL for `source`, or for the credentials of the provider or the role."""
    url = (destination / "url").read_text()
    key = query(url)["X-Amz-Credential"].split("/")[0]
    source = source or (TEMPORARY if key == ACCESS_KEY_ID else providers.session_of(key))
    parameters = {"Bucket": "my-bucket", "Key": "k"}
    assert url == boto3_url(source, "GET", parameters, expires_in, signed_at(url))


@with_each(REPORTING_EXPIRY)
def test_credentials_that_outlast_the_url_sign_without_a_warning(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 7200) as environ:
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    assert_signed(destination)
    end = rfc3339(signed_at((destination / "url").read_text()) + 3600)
    assert (destination / "expires_at").read_text() == end
    assert result.stderr == f"signed GET s3://my-bucket/k, valid until {end} (1h)\n"


@with_each(REPORTING_EXPIRY)
def test_credentials_that_expire_before_the_url_cause_a_warning(
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
        r"warning: params.expires_in: the credentials expire in (30|29) minutes( \d+ seconds?)?; "
        r"the URL \(requested: 1 hour\) will stop working then",
        warning,
    )
    assert line.startswith(f"signed GET s3://my-bucket/k, valid until {end} (")


@with_each(REPORTING_EXPIRY)
def test_credentials_that_expire_before_the_url_are_refused_on_demand(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 1800) as environ:
        result = get(program, destination, environ, on_short_credentials="fail")
    left = re.search(r"expire in ([^;]*);", result.stderr)
    line = (
        f"params.expires_in: the credentials expire in {left and left[1]}; the URL (requested: "
        "1 hour) will stop working then: shorten expires_in or use longer-lived credentials"
    )
    assert_failed(result, destination, line)


@with_each(REPORTING_EXPIRY)
def test_a_url_is_clamped_to_its_credentials_on_demand(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 1800) as environ:
        result = get(program, destination, environ, on_short_credentials="clamp")
    assert result.code == 0, result.stderr
    url = (destination / "url").read_text()
    lifetime = int(query(url)["X-Amz-Expires"])
    assert 1780 <= lifetime <= 1810
    assert_signed(destination, expires_in=lifetime)
    assert (destination / "expires_at").read_text() == rfc3339(signed_at(url) + lifetime)
    assert result.stderr.count("\n") == 1


@with_each(REFRESHABLE)
def test_credentials_that_are_about_to_expire_are_refreshed(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    for lifetime in (-60, 30, 300):
        with provider(tmp_path, lifetime, 7200) as environ:
            result = get(program, destination, environ)
        assert result.code == 0, result.stderr
        assert_signed(destination)
        assert STALE not in (destination / "url").read_text()
        assert result.stderr.count("\n") == 1


@with_each(OF_ANY_LIFETIME)
def test_credentials_that_expire_within_a_minute_are_refused(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 30) as environ:
        result = get(program, destination, environ)
    left = re.search(r"expire in (\d+)", result.stderr)
    line = f"credentials: the credentials expire in {left and left[1]} seconds"
    assert_failed(result, destination, line)


@with_each(OF_ANY_LIFETIME)
def test_expired_credentials_are_refused(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, -60) as environ:
        result = get(program, destination, environ)
    again = "" if provider is providers.environment else " and could not be refreshed"
    assert_failed(result, destination, f"credentials: the credentials have expired{again}")


def test_a_web_identity_lasts_an_hour(program: Program, destination: Path, tmp_path: Path) -> None:
    before = int(time.time())
    with providers.web_identity(tmp_path, 3600) as environ:
        result = get(program, destination, environ, expires_in="2h")
    assert result.code == 0, result.stderr
    assert_signed(destination, expires_in=7200)
    end = (destination / "expires_at").read_text()
    assert rfc3339(before + 3600) <= end <= rfc3339(time.time() + 3600)
    assert "; the URL (requested: 2 hours) will stop working then\n" in result.stderr


def test_the_instance_metadata_of_moto_is_used(program: Program, destination: Path) -> None:
    with moto() as url:
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    credentials_of_moto = {
        "access_key_id": "test-key",
        "secret_access_key": "test-secret-key",
        "session_token": "test-session-token",
    }
    assert_signed(destination, {**SOURCE, **credentials_of_moto})


def test_a_container_that_rejects_the_token_is_reported(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    with providers.ecs(tmp_path, 7200) as environ:
        environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "another"
        result = get(program, destination, environ)
    line = "s3-presigned-url: in: credentials: boto3's credential chain failed: "
    assert result.stderr.startswith(line)
    assert (result.code, result.stdout) == (1, "")


KEYS = "aws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"


def test_a_profile_of_the_shared_files_is_used(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "credentials"
    default = KEYS.format(access_key_id="other", secret_access_key="other")
    shared.write_text(f"[default]\n{default}[mine]\n{KEYS.format(**CREDENTIALS)}")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_PROFILE": "mine"}
    result = get(program, destination, environ)
    assert result.code == 0, result.stderr
    assert_signed(destination, SOURCE)


def test_the_shared_files_in_the_home_directory_are_used(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".aws").mkdir(parents=True)
    shared = tmp_path / "home" / ".aws" / "credentials"
    shared.write_text(f"[default]\n{KEYS.format(**CREDENTIALS)}")
    result = get(program, destination, {"HOME": str(tmp_path / "home")})
    assert result.code == 0, result.stderr
    assert_signed(destination, SOURCE)


@pytest.mark.parametrize(
    ("region", "sts"),
    [
        ("eu-west-1", "sts.eu-west-1.amazonaws.com:443"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn:443"),
    ],
)
def test_a_role_is_assumed_in_the_region_of_the_bucket(
    program: Program, destination: Path, tmp_path: Path, region: str, sts: str
) -> None:
    targets: list[str] = []
    with (
        running(providers.Proxy, targets=targets) as proxy,
        providers.role_of_a_profile(tmp_path, 3600) as environ,
    ):
        del environ["AWS_ENDPOINT_URL_STS"]
        environ["HTTPS_PROXY"] = proxy
        request = get_request(
            {"file_path": "k"}, access_key_id=..., secret_access_key=..., region_name=region
        )
        result = program.run("in", destination, request=request, environ=environ)
    assert targets == [sts] * 3
    problem = f'Failed to connect to proxy URL: "{proxy}"'
    assert_failed(result, destination, f"credentials: boto3's credential chain failed: {problem}")


REFUSED = refusal("AccessDenied", "User is not authorized", 403)


@pytest.mark.parametrize(
    ("provider", "line"),
    [
        (
            providers.role_of_a_profile,
            "credentials: {} refused AssumeRole: AccessDenied: User is not authorized: the caller "
            "needs sts:AssumeRole, and the role's trust policy must allow the caller",
        ),
        (
            providers.web_identity,
            # without the message, because AWS may echo the token in it
            "credentials: {} refused AssumeRoleWithWebIdentity: AccessDenied: IAM needs an OIDC "
            "provider for the token's issuer, and the role's trust policy must allow its audience "
            "and subject",
        ),
    ],
)
def test_a_refused_role_is_reported(
    program: Program, destination: Path, tmp_path: Path, provider: Provider, line: str
) -> None:
    with scripted(REFUSED) as sts, provider(tmp_path, 3600) as environ:
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_STS": sts.url})
    assert_failed(result, destination, line.format(sts.url.removeprefix("http://")))


def test_a_failing_sts_is_tried_three_times(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    with scripted(Answer(500, "")) as sts, providers.role_of_a_profile(tmp_path, 3600) as environ:
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_STS": sts.url})
    assert [received.method for received in sts.requests] == ["POST"] * 3
    advice = "the caller needs sts:AssumeRole, and the role's trust policy must allow the caller"
    refusal = f"{sts.url.removeprefix('http://')} refused AssumeRole: 500: Internal Server Error"
    assert_failed(result, destination, f"credentials: {refusal}: {advice}")


@pytest.mark.parametrize(
    "session",
    [{"lifetime": -60}, {"token": "signed out"}],
    ids=["expired", "revoked"],
)
def test_an_invalid_sso_session_is_reported(
    program: Program, destination: Path, tmp_path: Path, session: dict[str, Any]
) -> None:
    with running(providers.SsoPortal, lifetimes=[7200]) as url:
        environ = {
            **providers.signed_in(tmp_path, "ours", **session),
            **providers.sso_profile(tmp_path),
        }
        result = get(program, destination, {**environ, "AWS_ENDPOINT_URL_SSO": url})
    assert_failed(result, destination, "credentials: no valid SSO session: run aws sso login")


def test_a_missing_sso_session_is_reported(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    result = get(program, destination, {**providers.sso_profile(tmp_path), "HOME": str(tmp_path)})
    assert_failed(result, destination, "credentials: no valid SSO session: run aws sso login")


def test_a_missing_profile_is_reported(program: Program, destination: Path) -> None:
    result = get(program, destination, {"AWS_PROFILE": "missing"})
    line = "AWS_PROFILE: profile missing not found in the AWS config files"
    assert_failed(result, destination, line)


def test_a_malformed_config_file_is_reported(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    result = get(program, destination, providers.configuration(tmp_path, "rubbish\n"))
    problem = f"Unable to parse config file: {tmp_path}/config"
    assert_failed(result, destination, f"credentials: boto3's credential chain failed: {problem}")


@pytest.mark.parametrize("provider", [providers.web_identity, providers.eks_pod_identity])
def test_a_missing_token_file_is_reported(
    program: Program, destination: Path, tmp_path: Path, provider: Provider
) -> None:
    with provider(tmp_path, 3600) as environ:
        (tmp_path / "token").unlink()
        result = get(program, destination, environ)
    problem = "from the environment or the profile, cannot be used: No such file or directory"
    assert_failed(result, destination, f"credentials: {tmp_path}/token, {problem}")


def test_an_unreachable_container_server_is_reported(program: Program, destination: Path) -> None:
    result = get(program, destination, container("http://127.0.0.1:1/credentials"))
    problem = (
        "Error when retrieving credentials from container-role: Error retrieving metadata: "
        "Received error when attempting to retrieve container metadata: Could not connect to the "
        'endpoint URL: "http://127.0.0.1:1/credentials"'
    )
    assert_failed(result, destination, f"credentials: boto3's credential chain failed: {problem}")


INVALID_KEY = "a key is empty, or contains an invalid character"
MALFORMED = "credentials: boto3's credential chain returned malformed credentials"
PROCESS_FAILED = (
    "credentials: boto3's credential chain failed: Error when retrieving credentials from "
    "custom-process"
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "missing 'AccessKeyId'"),
        ([], "list indices must be integers or slices, not str"),
        (
            "[" * 100000,
            "maximum recursion depth exceeded while decoding a JSON array from a unicode string",
        ),
        ({**providers.metadata("t", 7200), "AccessKeyId": ""}, INVALID_KEY),
        ({**providers.metadata("t", 7200), "SecretAccessKey": "a b"}, INVALID_KEY),
        ({**providers.metadata("t", 7200), "Token": 5}, INVALID_KEY),
        ({**providers.metadata("t", 7200), "Expiration": "soon"}, "Unknown string format: soon"),
        (
            {**providers.metadata("t", 7200), "Expiration": None},
            "Parser must be a string or character stream, not NoneType",
        ),
    ],
)
def test_malformed_credentials_of_a_container_are_reported(
    program: Program, destination: Path, content: Any, problem: str
) -> None:
    with running(providers.Malformed, content=content) as url:
        result = get(program, destination, container(url))
    assert_failed(result, destination, f"{MALFORMED}: {problem}")


@pytest.mark.process
def test_a_process_is_found_on_the_path_and_inherits_the_environment(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    with providers.process(tmp_path, 7200) as environ:
        script = f"#!/bin/sh\n/usr/bin/env > {tmp_path}/environment\ncat {tmp_path}/answer0\n"
        (tmp_path / "process").write_text(script)
        providers.configuration(tmp_path, "[default]\ncredential_process = process\n")
        environ |= {"PATH": f"{tmp_path}:/usr/bin:/bin", "OURS": "1"}
        result = get(program, destination, environ, spawn=True)
    assert result.code == 0, result.stderr
    lines = (tmp_path / "environment").read_text().splitlines()
    inherited = dict(line.split("=", 1) for line in lines)
    for set_by_shells in ("PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"):
        inherited.pop(set_by_shells, None)
    assert inherited == {**program.environ(), "AWS_EC2_METADATA_DISABLED": "true", **environ}


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("/bin/echo rubbish", f"{MALFORMED}: Expecting value: line 1 column 1 (char 0)"),
        ("/bin/echo []", f"{MALFORMED}: 'list' object has no attribute 'get'"),
        (
            "/bin/echo '{\"Version\": 1}'",
            f"{PROCESS_FAILED}: Missing required key in response: 'AccessKeyId'",
        ),
        (
            "/bin/sh -c 'echo the door is shut >&2; exit 1'",
            f"{PROCESS_FAILED}: the door is shut\\n",
        ),
        (
            "/nonexistent/process",
            "credentials: /nonexistent/process, from the environment or the profile, cannot be "
            "used: No such file or directory",
        ),
    ],
)
def test_a_process_without_credentials_is_reported(
    program: Program, destination: Path, tmp_path: Path, command: str, line: str
) -> None:
    environ = providers.configuration(tmp_path, f"[default]\ncredential_process = {command}\n")
    assert_failed(get(program, destination, environ), destination, line)


def test_an_mfa_prompt_is_refused(program: Program, destination: Path, tmp_path: Path) -> None:
    with providers.role_of_a_profile(tmp_path, 3600) as environ:
        with Path(environ["AWS_CONFIG_FILE"]).open("a") as profile:
            profile.write("mfa_serial = arn:aws:iam::123456789012:mfa/me\n")
        result = get(program, destination, environ)
    line = "credentials: the profile requires an MFA code, which cannot be entered here"
    assert_failed(result, destination, line)


NONE_FOUND = (
    "credentials: none found in source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
    "credential_process, web identity, container credentials and EC2 metadata; "
    "on Concourse, set access_key_id and secret_access_key"
)


@pytest.mark.native("it takes longer than the limit, which is for a real processor")
def test_unresponsive_instance_metadata_times_out_within_seconds(
    program: Program, destination: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        before = time.monotonic()
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
        assert time.monotonic() - before < 5
    assert_failed(result, destination, NONE_FOUND)


def test_instance_metadata_without_a_role_is_skipped(program: Program, destination: Path) -> None:
    with running(providers.NoRole, lifetimes=[7200]) as url:
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}
        result = get(program, destination, environ)
    assert_failed(result, destination, NONE_FOUND)
