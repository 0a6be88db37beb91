"""Environment variables and files of the machine do not change what static credentials sign."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .expect import assert_failed, signed_at, signed_for
from .program import VERSION, Program, files_below, get_request

GARBAGE = "[default\nregion\n= \0\xff\n"
# Each value is invalid, or would change the address or the signature.
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAOFTHEMACHINE",
    "AWS_SECRET_ACCESS_KEY": "of-the-machine",
    "AWS_SESSION_TOKEN": "of-the-machine",
    "AWS_CREDENTIAL_EXPIRATION": "yesterday",
    "AWS_REGION": "sa-east-1",
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_PROFILE": "nowhere",
    "AWS_DEFAULT_PROFILE": "nowhere",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "garbage",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_S3_USE_ARN_REGION": "false",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "legacy",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": "garbage",
    "AWS_STS_REGIONAL_ENDPOINTS": "garbage",
    "AWS_SIGV4A_SIGNING_REGION_SET": "*",
    "AWS_AUTH_SCHEME_PREFERENCE": "sigv4a,garbage",
    "AWS_ACCOUNT_ID": "garbage",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "garbage",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "garbage",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "garbage",
    "AWS_DISABLE_REQUEST_COMPRESSION": "garbage",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "garbage",
    "AWS_DEFAULTS_MODE": "garbage",
    "AWS_RETRY_MODE": "garbage",
    "AWS_MAX_ATTEMPTS": "garbage",
    "AWS_METADATA_SERVICE_TIMEOUT": "garbage",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "garbage",
    "AWS_SDK_UA_APP_ID": "garbage\n" * 20,
    "AWS_CSM_ENABLED": "garbage",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_DATA_PATH": "/nowhere",
    "AWS_ROLE_ARN": "garbage",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1",
    "AWS_BEARER_TOKEN_S3": "garbage",
    "AWS_LAMBDA_FUNCTION_NAME": "garbage",
    "AWS_EXECUTION_ENV": "garbage",
}
OTHER = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "garbage://",
    "https_proxy": "http://user:pass@127.0.0.1:1",
    "ALL_PROXY": "socks5://127.0.0.1:1",
    "NO_PROXY": "*",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "CURL_CA_BUNDLE": "/nowhere",
    "SSL_CERT_FILE": "/nowhere",
    "SSL_CERT_DIR": "/nowhere",
    "SSLKEYLOGFILE": "/nowhere/keys",  # botocore's client opens it
    "OPENSSL_CONF": "/nowhere",
    "OPENSSL_MODULES": "/nowhere",
    "BOTO_CONFIG": "/nowhere",
    "LANG": "xx_YY.UTF-8",
    "LC_ALL": "garbage",
    "LC_CTYPE": "de_DE.ISO-8859-1",
    "LANGUAGE": "xx",
    "TZ": ":/nowhere",
    "TZDIR": "/nowhere",
    "TMPDIR": "/nowhere",
    "LD_LIBRARY_PATH": "/nowhere",
    "LD_BIND_NOW": "1",
    "MALLOC_ARENA_MAX": "0",
    "GLIBC_TUNABLES": "glibc.malloc.perturb=42",
    "BASH_ENV": "/nowhere",
    "HOSTALIASES": "/nowhere",
    "RES_OPTIONS": "garbage",
    "NUITKA_PYTHONPATH": "/nowhere",
    "NUITKA_ORIGINAL_ARGV0": "check",
    "NUITKA_LAUNCH_TOKEN": "garbage",
    "BUILD_ID": "\n",
    "HOME": "/nowhere",
}
# those with which an interpreter can start; test_binary.py has the others
PYTHON = {
    "PYTHONDEVMODE": "1",
    "PYTHONVERBOSE": "",
    "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONIOENCODING": "utf-16",
    "PYTHONINSPECT": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUNBUFFERED": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONINTMAXSTRDIGITS": "640",
    "PYTHONMALLOC": "debug",
    "PYTHONTRACEMALLOC": "5",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONBREAKPOINT": "garbage",
    "PYTHONUSERBASE": "/nowhere",
}
HOSTS: list[tuple[dict[str, Any], str]] = [
    ({}, "my-bucket.s3.eu-west-1.amazonaws.com"),
    ({"use_dualstack_endpoint": True}, "my-bucket.s3.dualstack.eu-west-1.amazonaws.com"),
    (
        {"bucket_name": "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"},
        "my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
    ),
]


def assert_unaffected(
    program: Program,
    destination: Path,
    environ: dict[str, str],
    hosts: list[tuple[dict[str, Any], str]] = HOSTS,
) -> None:
    for source, host in hosts:
        request = get_request({"file_path": "k"}, **source)
        result = program.run("in", destination, request=request, environ=environ, spawn=True)
        assert result.stderr.startswith("signed GET s3://"), result.stderr
        assert (result.code, result.stderr.count("\n"), result.answer["version"]) == (0, 1, VERSION)
        url = (destination / "url").read_text()
        assert url == signed_for(host, signed_at(url))
        assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]


@pytest.mark.parametrize("name", AWS)
def test_with_static_credentials_no_aws_variable_changes_the_url(
    program: Program, destination: Path, name: str
) -> None:
    resolved_by_boto3 = HOSTS[1:2]  # boto3 alone would respect the variable
    assert_unaffected(program, destination, {name: AWS[name]}, resolved_by_boto3)


@pytest.mark.parametrize(
    "environ",
    [AWS, OTHER, PYTHON, {**AWS, **OTHER, **PYTHON}],
    ids=["aws", "around", "python", "all of them"],
)
def test_with_static_credentials_no_variables_change_the_url(
    program: Program, destination: Path, environ: dict[str, str]
) -> None:
    assert_unaffected(program, destination, environ)


def test_with_static_credentials_no_config_file_of_aws_is_read(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    for text in (
        GARBAGE,
        "[default]\nregion = sa-east-1\nendpoint_url = http://h\n"
        "use_fips_endpoint = true\nretry_mode = garbage\n"
        "s3 =\n  addressing_style = path\n  use_accelerate_endpoint = true\nproxy = garbage\n",
    ):
        for name in ("config", "credentials"):
            (home / ".aws" / name).write_bytes(text.encode("latin-1"))
        assert_unaffected(program, destination, {"HOME": str(home)})
        variables = {
            "AWS_CONFIG_FILE": f"{home}/.aws/config",
            "AWS_SHARED_CREDENTIALS_FILE": f"{home}/.aws/credentials",
        }
        assert_unaffected(program, destination, variables)


def test_a_malformed_config_file_is_reported_if_it_is_needed(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    configuration = tmp_path / "config"
    for text in (GARBAGE, "no section", "[default]\ns3 =\n  garbage\n", "[profile"):
        configuration.write_bytes(text.encode("latin-1"))
        request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
        environ = {"AWS_CONFIG_FILE": str(configuration), "AWS_EC2_METADATA_DISABLED": "true"}
        result = program.run("in", destination, request=request, environ=environ)
        problem = f"Unable to parse config file: {configuration}"
        line = f"credentials: boto3's credential chain failed: {problem}"
        assert_failed(result, destination, line)


@pytest.mark.process
def test_a_deleted_working_directory_is_ignored(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    for source, _ in HOSTS:
        gone = tmp_path / "gone"
        gone.mkdir()
        leave = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
        process = subprocess.run(
            ["/bin/sh", "-c", leave, "sh", gone, *program.command("in"), destination],
            input=json.dumps(get_request(**source)).encode(),
            env=program.environ(),
            capture_output=True,
            check=False,
        )
        assert process.stderr.startswith(b"signed GET s3://"), process.stderr
        assert process.returncode == 0
        assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("AWS_ENDPOINT_URL", "garbage", "Invalid endpoint: garbage"),
        ("AWS_ENDPOINT_URL_STS", "://", "Invalid endpoint: ://"),
    ],
)
def test_a_variable_that_prevents_requests_is_reported(
    program: Program, destination: Path, name: str, value: str, problem: str
) -> None:
    request = get_request(aws_role_arn="arn:aws:iam::123456789012:role/deploy")
    result = program.run("in", destination, request=request, environ={name: value})
    line = f"source.aws_role_arn: AWS STS: cannot send the request: {problem}"
    assert_failed(result, destination, line)
