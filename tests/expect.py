"""What results are compared with: the URLs of boto3 and of our signer, success, failure."""

import functools
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials

from app import sigv4

from .program import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    VERSION,
    Program,
    Result,
    files_below,
    get_request,
)

BOTO3_METHODS = {
    "GET": "get_object",
    "HEAD": "head_object",
    "PUT": "put_object",
    "DELETE": "delete_object",
}
IP_ADDRESSES = ("http://127.0.0.1", "http://10.0.0.5", "http://[::1]")
SESSION = botocore.session.Session()


@functools.cache
def client(
    region: str,
    endpoint: str | None = None,
    *,
    path_style: bool = False,
    ssl: bool = True,
    dualstack: bool = False,
    fips: bool = False,
    accelerate: bool = False,
) -> Any:
    """Return botocore's client for S3. It takes 20 ms to create, so one serves many credentials."""
    return SESSION.create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        use_ssl=ssl,
        aws_access_key_id="replaced",
        aws_secret_access_key="below",
        config=Config(
            signature_version="s3v4",
            use_dualstack_endpoint=dualstack,
            use_fips_endpoint=fips,
            s3={
                "addressing_style": "path" if path_style else "virtual",
                "us_east_1_regional_endpoint": "regional",
                "use_accelerate_endpoint": accelerate,
            },
        ),
    )


def boto3_url(
    source: dict[str, Any], method: str, parameters: dict[str, Any], expires_in: int, now: int
) -> str:
    """Return the URL that boto3 signs, with its clock stopped at `now`."""
    with mock.patch(
        "botocore.auth.get_current_datetime", return_value=datetime.fromtimestamp(now, UTC)
    ):
        url: str = client_for(source).generate_presigned_url(
            BOTO3_METHODS[method], parameters, expires_in
        )
    return url


def client_for(source: dict[str, Any]) -> Any:
    """Return botocore's client for the address of a source, with its credentials."""
    endpoint = source.get("public_endpoint") or source.get("endpoint")
    path_style = source.get(
        "use_path_style", endpoint is not None and not source["bucket_name"].startswith("arn:")
    )
    if "." in source["bucket_name"] and endpoint and endpoint.startswith(IP_ADDRESSES):
        # where we differ on purpose: over http boto3 puts a dotted bucket before an IP address,
        # and http://my.bucket.10.0.0.5/ cannot be resolved
        path_style = True
    if endpoint:  # boto3 keeps capitals in the host, although it signs for lower case
        scheme, _, rest = endpoint.rpartition("://")
        host, slash, path = rest.partition("/")
        endpoint = f"{scheme}://{host.lower()}{slash}{path}".rstrip("/")
    made = client(
        source["region_name"],
        endpoint,
        path_style=path_style,
        ssl=not source.get("disable_ssl", False),
        dualstack=source.get("use_dualstack_endpoint", False),
        fips=source.get("use_fips_endpoint", False),
        accelerate=source.get("use_accelerate_endpoint", False),
    )
    made._request_signer._credentials = BotocoreCredentials(
        source["access_key_id"], source["secret_access_key"], source.get("session_token")
    )
    return made


def signed_for(host: str, now: int) -> str:
    """Return the URL that SOURCE's credentials sign for the key `k` and an hour."""
    return sigv4.presign(
        method="GET",
        scheme="https",
        netloc=host,
        path="/k",
        query=[],
        headers={},
        region="eu-west-1",
        service="s3",
        credentials=sigv4.Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY),
        expires_in=3600,
        now=now,
    )


def query(url: str) -> dict[str, str]:
    """Return the query parameters of a URL, which has each only once."""
    return {
        name: value for name, (value,) in parse_qs(urlsplit(url).query, strict_parsing=True).items()
    }


def signed_at(url: str) -> int:
    """Return when a URL was signed, in Unix seconds."""
    return int(
        datetime.strptime(query(url)["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        .replace(tzinfo=UTC)
        .timestamp()
    )


def rfc3339(moment: float) -> str:
    """Return a moment in Unix seconds as `expires_at` has it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def expiring_in(seconds: int) -> dict[str, str]:
    """Return variables with temporary credentials."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_CREDENTIAL_EXPIRATION": rfc3339(time.time() + seconds),
    }


def get(
    program: Program, destination: Path, params: dict[str, Any] | None = None, **source: Any
) -> dict[str, str]:
    """Run `in`, see it succeed, and return the files that it left."""
    result = program.run("in", destination, request=get_request(params, **source))
    assert (result.code, result.answer["version"]) == (0, VERSION), result.stderr
    return files_below(destination)


def assert_failed(
    result: Result, destination: Path, line: str, *, step: str = "in", warnings: str = ""
) -> None:
    """See that a run failed with this one line (after warnings), and left nothing."""
    assert result.stderr == f"{warnings}s3-presigned-url: {step}: {line}\n"
    assert (result.code, result.stdout) == (1, "")
    assert files_below(destination) == {}


def assert_refused(program: Program, destination: Path, step: str, line: str, **given: Any) -> None:
    """Run a step, and see it fail with this one line."""
    arguments = [] if step == "check" else [destination]
    assert_failed(program.run(step, *arguments, **given), destination, line, step=step)
