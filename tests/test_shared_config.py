"""`app/shared_config.py`: the same settings give the same address as with `aws s3 presign`."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from .benchmark import install
from .program import ROOT, VARIABLES, Program

OBJECT = "s3://my-bucket/folder/file.txt"
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}
S3 = {"AWS_ENDPOINT_URL_S3": "http://s3.variable:9000"}
GLOBAL = {"AWS_ENDPOINT_URL": "http://global.variable:9000"}
IGNORE = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
ENDPOINT_OPTION = ["--endpoint-url", "http://option:9000"]
NO_KEYS: dict[str, str] = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

PROFILES = """\
[default]
region = eu-central-1
[profile minio]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
endpoint_url = http://global.profile:9000
services = local
[profile plain]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
endpoint_url = http://global.profile:9000
[profile ignoring]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
endpoint_url = http://global.profile:9000
ignore_configured_endpoint_urls = true
[profile virtual]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
endpoint_url = http://global.profile:9000
s3 =
    addressing_style = virtual
[profile path]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
s3 =
    addressing_style = path
[profile accelerated]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
s3 =
    use_accelerate_endpoint = true
    addressing_style = path
[profile dual]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
s3 =
    use_dualstack_endpoint = true
[profile fips]
region = us-east-2
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
use_fips_endpoint = true
[profile keys]
region = eu-north-1
aws_access_key_id = AKIAOFTHEPROFILE
aws_secret_access_key = secret
[services local]
s3 =
    endpoint_url = http://s3.profile:9000
sts =
    endpoint_url = http://sts.profile:9000
"""


class Case(NamedTuple):
    """Options, variables and config files."""

    arguments: tuple[str, ...] | list[str]
    environ: dict[str, str]
    config: str = ""


SAME = {
    "region of the variable": Case([], REGION),
    "region of the option": Case(["--region", "sa-east-1"], REGION),
    "region of the default profile": Case([], {}, PROFILES),
    "region of the variable before the profile": Case([], REGION, PROFILES),
    "region of the option before the profile": Case(["--region", "sa-east-1"], {}, PROFILES),
    "region of a named profile": Case([], {"AWS_PROFILE": "path"}, PROFILES),
    "region of the variable before a named profile": Case(["--profile", "path"], REGION, PROFILES),
    "the profile of the option before the variable": Case(
        ["--profile", "path"], {"AWS_PROFILE": "minio"}, PROFILES
    ),
    "the older variable of the profile": Case([], {"AWS_DEFAULT_PROFILE": "minio"}, PROFILES),
    "both variables of the profile": Case(
        [], {"AWS_DEFAULT_PROFILE": "minio", "AWS_PROFILE": "path"}, PROFILES
    ),
    "China": Case([], {"AWS_DEFAULT_REGION": "cn-north-1"}),
    "endpoint of S3": Case([], {**REGION, **S3}),
    "endpoint of all services": Case([], {**REGION, **GLOBAL}),
    "endpoint of S3 before that of all services": Case([], {**REGION, **S3, **GLOBAL}),
    "endpoint of the option before the variable": Case(ENDPOINT_OPTION, {**REGION, **S3}),
    "endpoint without a region": Case([], {**S3, "AWS_DEFAULT_REGION": "us-east-1"}),
    "endpoint of AWS": Case(["--endpoint-url", "https://s3.eu-west-1.amazonaws.com"], REGION),
    "endpoint with a path": Case(["--endpoint-url", "http://option:9000/storage/v1"], REGION),
    "endpoint of services in the profile": Case(["--profile", "minio"], {}, PROFILES),
    "endpoint of the profile": Case(["--profile", "plain"], {}, PROFILES),
    "endpoint of a variable before the profile": Case(["--profile", "minio"], GLOBAL, PROFILES),
    "endpoint of the option before the profile": Case(
        ["--profile", "minio", *ENDPOINT_OPTION], {}, PROFILES
    ),
    "endpoints are ignored": Case([], {**REGION, **S3, **GLOBAL, **IGNORE}),
    "endpoints of the profile are ignored": Case(["--profile", "minio"], IGNORE, PROFILES),
    "endpoints are ignored by the profile": Case(["--profile", "ignoring"], S3, PROFILES),
    "the variable says not to ignore": Case(
        ["--profile", "ignoring"],
        {**S3, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
        PROFILES,
    ),
    "ignored endpoints, but an option": Case(ENDPOINT_OPTION, {**REGION, **S3, **IGNORE}),
    "virtual-host style with an endpoint": Case(["--profile", "virtual"], {}, PROFILES),
    "virtual-host style with the option": Case(
        ["--profile", "virtual", *ENDPOINT_OPTION], {}, PROFILES
    ),
    "path style on AWS": Case(["--profile", "path"], {}, PROFILES),
    "path style with an endpoint": Case(["--profile", "path", *ENDPOINT_OPTION], {}, PROFILES),
    "Transfer Acceleration": Case(["--profile", "accelerated"], {}, PROFILES),
    "dual-stack of the profile": Case(["--profile", "dual"], {}, PROFILES),
    "dual-stack of the variable": Case([], {**REGION, "AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    "FIPS of the variable": Case(
        [], {"AWS_DEFAULT_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "TRUE"}
    ),
    "FIPS of the variable off": Case(
        ["--profile", "fips"], {"AWS_USE_FIPS_ENDPOINT": "false"}, PROFILES
    ),
    "FIPS is ignored with an endpoint": Case(["--profile", "fips"], S3, PROFILES),
    "keys of the profile": Case(["--profile", "keys"], NO_KEYS, PROFILES),
    "keys of the profile before the variables": Case(["--profile", "keys"], {}, PROFILES),
    "keys of the variables before those of AWS_PROFILE": Case(
        [], {"AWS_PROFILE": "keys"}, PROFILES
    ),
    "lifetime": Case(["--expires-in", "60"], REGION),
    "no certificates": Case(["--no-verify-ssl"], REGION),
}
# Where we differ on purpose, and what we do: see docs/presign.md.
DIFFERENT = {
    "the region is in us-east-1, whose host is regional here": (
        Case([], {"AWS_DEFAULT_REGION": "us-east-1"}),
        "https://my-bucket.s3.us-east-1.amazonaws.com/folder/file.txt",
    ),
    "FIPS is in another region, which they sign for the host of us-east-1": (
        Case(["--profile", "fips"], {}, PROFILES),
        "https://my-bucket.s3-fips.us-east-2.amazonaws.com/folder/file.txt",
    ),
    "the variable of the other AWS tools has the region": (
        Case([], {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-3"}),
        "https://my-bucket.s3.eu-west-1.amazonaws.com/folder/file.txt",
    ),
    "there is no region": (
        Case([], {}),
        "--region-name: required: the region of the bucket, such as eu-west-1, or AWS_REGION",
    ),
    "the endpoint of AWS is in another region": (
        Case(["--endpoint-url", "https://s3.eu-west-3.amazonaws.com"], REGION),
        "--endpoint: is in eu-west-3, but the region is eu-west-1: change one of the two",
    ),
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return what the AWS CLI prints for every case."""
    directory = tmp_path_factory.mktemp("awscli")
    python = install.environment("awscli", "requirements-awscli.txt") / "bin" / "python"
    cases = {**SAME, **{name: case for name, (case, _) in DIFFERENT.items()}}
    inputs = [
        {"arguments": [OBJECT, *case.arguments], "environ": variables(case, directory)}
        for case in cases.values()
    ]
    done = subprocess.run(
        [python, ROOT / "tests/aws_presign.py"],
        input=json.dumps(inputs).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return dict(zip(cases, json.loads(done.stdout), strict=True))


def variables(case: Case, directory: Path) -> dict[str, str]:
    """Return the variables of a case, with its files in a home of its own."""
    home = directory / f"home{abs(hash(case.config))}"
    (home / ".aws").mkdir(parents=True, exist_ok=True)
    if case.config:
        (home / ".aws" / "config").write_text(case.config)
    found = {"PATH": "/usr/bin:/bin", "HOME": str(home), **VARIABLES, **case.environ}
    return {name: value for name, value in found.items() if value}


def ours(program: Program, case: Case, directory: Path) -> str:
    environ = variables(case, directory)
    result = program.run("presign", OBJECT, *case.arguments, environ=environ)
    return result.stdout.strip() or result.stderr.strip()


def compared(url: str) -> dict[str, Any]:
    """Return what is compared: host, path, region, credential and lifetime."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    region = query["X-Amz-Credential"][0].split("/")[2]
    # the AWS CLI signs for the global host of AWS, we for the regional one
    netloc = parts.netloc.replace(".s3.amazonaws.com", f".s3.{region}.amazonaws.com")
    return {
        "address": f"{parts.scheme}://{netloc}{parts.path}",
        "credential": query["X-Amz-Credential"],
        "lifetime": query["X-Amz-Expires"],
    }


@pytest.mark.process
@pytest.mark.parametrize("name", SAME)
def test_the_address_is_that_of_the_aws_cli(
    program: Program, theirs: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    assert compared(ours(program, SAME[name], tmp_path)) == compared(theirs[name])


@pytest.mark.process
@pytest.mark.parametrize("name", DIFFERENT)
def test_where_we_differ_from_the_aws_cli_it_is_on_purpose(
    program: Program, theirs: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    case, expected = DIFFERENT[name]
    printed = ours(program, case, tmp_path)
    url, line = f"{expected}?", f"s3-presigned-url: presign: {expected}"
    assert printed == line or printed.startswith(url)
    assert theirs[name].startswith("http")
    assert not theirs[name].startswith(url)
