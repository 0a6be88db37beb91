"""The command line that tasks and people use."""

import json
import subprocess
from pathlib import Path

import pytest

from app import __version__, fields
from app.protocol import Params, Source

from .program import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SOURCE, Program, files_below, get_request
from .test_boto3 import boto3_url
from .test_contract import signed_at

ENVIRON = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
OBJECT = "s3://my-bucket/folder/file.txt"


def test_presign_prints_the_url_and_tells_of_it_on_stderr(program: Program) -> None:
    options = ["--region-name", "eu-west-1", "--expires-in", "24h", "--file-name", "file.txt"]
    result = program.run("presign", OBJECT, *options, environ=ENVIRON)
    url = result.stdout.removesuffix("\n")
    parameters = {
        "Bucket": "my-bucket",
        "Key": "folder/file.txt",
        "ResponseContentDisposition": 'attachment; filename="file.txt"',
    }
    assert result.stdout == f"{url}\n"
    assert url == boto3_url(SOURCE, "GET", parameters, 86400, signed_at(url))
    assert result.stderr.startswith("signed GET s3://my-bucket/folder/file.txt, valid until ")
    assert result.code == 0


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_may_come_from_the_environment(program: Program, variable: str) -> None:
    result = program.run("presign", OBJECT, environ={**ENVIRON, variable: "sa-east-1"})
    assert result.stdout.startswith("https://my-bucket.s3.sa-east-1.amazonaws.com/folder/file.txt?")


def test_the_option_comes_before_the_environment(program: Program) -> None:
    environ = {**ENVIRON, "AWS_REGION": "sa-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    result = program.run("presign", OBJECT, "--region-name", "eu-north-1", environ=environ)
    assert result.stdout.startswith("https://my-bucket.s3.eu-north-1.amazonaws.com/")
    assert program.run("presign", OBJECT, environ=environ).stdout.startswith("https://my-bucket.s3.sa-east-1.")


def test_bucket_and_key_may_be_options_too(program: Program) -> None:
    options = ["--bucket-name", "my-bucket", "--file-path", "k", "--region-name", "eu-west-1"]
    result = program.run("presign", *options, environ=ENVIRON)
    assert result.stdout.startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/k?")


def test_an_access_point_has_a_slash_of_its_own(program: Program) -> None:
    uri = "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point/folder/k"
    result = program.run("presign", uri, "--region-name", "eu-west-1", environ=ENVIRON)
    assert result.stdout.startswith("https://my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/folder/k?")


def test_a_flag_is_an_option_with_a_no(program: Program) -> None:
    options = [OBJECT, "--region-name", "eu-west-1"]
    result = program.run("presign", *options, "--use-path-style", environ=ENVIRON)
    assert result.stdout.startswith("https://s3.eu-west-1.amazonaws.com/my-bucket/folder/file.txt?")
    result = program.run("presign", *options, "--endpoint", "s3.example.com", "--no-use-path-style", environ=ENVIRON)
    assert result.stdout.startswith("https://my-bucket.s3.example.com/folder/file.txt?")


def test_with_url_file_the_url_is_in_that_file_and_not_in_the_log(program: Program, tmp_path: Path) -> None:
    options = ["--region-name", "eu-west-1", "--url-file", "out/url"]
    result = program.run("presign", OBJECT, *options, environ=ENVIRON, cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "")
    assert list(files_below(tmp_path)) == ["out/url"]
    url = (tmp_path / "out/url").read_text()
    parameters = {"Bucket": "my-bucket", "Key": "folder/file.txt"}
    assert url == boto3_url(SOURCE, "GET", parameters, 3600, signed_at(url))
    assert "X-Amz" not in result.stderr


def test_several_files_are_printed_as_one_map(program: Program) -> None:
    files = json.dumps({"a": {"file_path": "x"}, "b": {"file_path": "y"}})
    options = ["--bucket-name", "my-bucket", "--region-name", "eu-west-1", "--files", files]
    answer = program.run("presign", *options, environ=ENVIRON).answer
    assert {name: url.split("?")[0] for name, url in answer.items()} == {
        "a": "https://my-bucket.s3.eu-west-1.amazonaws.com/x",
        "b": "https://my-bucket.s3.eu-west-1.amazonaws.com/y",
    }


REGION = ["--region-name", "eu-west-1"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "usage: presign s3://BUCKET/KEY [OPTION ...]; see --help"),
        (["my-bucket/k"], "usage: presign takes the object as s3://BUCKET/KEY"),
        (["s3://my-bucket", *REGION], "s3://BUCKET/KEY: must be s3://my-bucket/ (the bucket of the source) and then a key"),
        (["s3://a/k", *REGION], "s3://BUCKET/KEY: must be the name of a bucket: 3 to 63 lower-case letters, digits, "
                                "hyphens and dots, such as my-bucket"),
        ([OBJECT, "another"], "usage: presign takes one s3://BUCKET/KEY and options; see --help"),
        ([OBJECT], "--region-name: required: the region of the bucket, such as eu-west-1, or in AWS_REGION"),
        ([OBJECT, *REGION, "--expires-in", "8d"], "--expires-in: must be between 1 second and 7 days, got 8 days"),
        ([OBJECT, *REGION, "--expires-in"], "usage: argument --expires-in: expected one argument"),
        ([OBJECT, *REGION, "--fiel-name", "x"], "--fiel-name: no such option: did you mean --file-name?"),
        ([OBJECT, *REGION, "--zzz"], "--zzz: no such option"),
        ([OBJECT, *REGION, "--use-path"], "--use-path: no such option: did you mean --use-path-style?"),
        ([OBJECT, *REGION, "--method", "get"], "--method: must be GET, HEAD, PUT or DELETE, got 'get'"),
        ([OBJECT, *REGION, "--acl", "private"], "--acl: only with method PUT, got GET"),
        ([OBJECT, *REGION, "--file-path", "k"], "s3://BUCKET/KEY: stands for file_path: set only one of them"),
        ([OBJECT, *REGION, "--bucket-name", "other"],
         "s3://BUCKET/KEY: must be s3://other/ (the bucket of the source) and then a key"),
        (["--files", "{", *REGION], "--files: must be a map in JSON: Input data was truncated"),
        (["--files", "[" * 100000, *REGION], "--files: must be a map in JSON, not nested this deeply"),
        (["--bucket-name", "my-bucket", "--files", '{"a": {"fil_path": "k"}}', *REGION],
         "--files.a.fil_path: unknown field: did you mean file_path?"),
        ([OBJECT, *REGION, "--secret-access-key", "planted"],
         "--secret-access-key: no such option, as others can read a command line: credentials come from the environment"),
        ([OBJECT, *REGION, "--session-token=planted"],
         "--session-token: no such option, as others can read a command line: credentials come from the environment"),
        ([OBJECT, *REGION, "--url-file", "../url"],
         "--url-file: must be a relative path that stays inside the destination, such as url or links/url"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_option(program: Program, arguments: list[str], line: str) -> None:
    result = program.run("presign", *arguments, environ=ENVIRON)
    assert result.stderr == f"s3-presigned-url: presign: {line}\n"
    assert (result.code, result.stdout) == (1, "")


@pytest.mark.process
def test_an_argument_that_is_no_text_is_refused(program: Program) -> None:
    process = subprocess.run(
        [*program.command("presign"), b"s3://my-bucket/\xff", "--region-name", "eu-west-1"],
        env={**program.environ(), **ENVIRON},
        capture_output=True,
        check=False,
    )
    assert process.stderr == b"s3-presigned-url: presign: usage: arguments must be valid UTF-8\n"
    assert (process.returncode, process.stdout) == (1, b"")


def test_an_unknown_command_is_refused(program: Program) -> None:
    result = program.run("sign", environ=ENVIRON)
    line = "s3-presigned-url: sign: usage: must be presign, check, in, out, --help or --version\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", line)


@pytest.mark.parametrize("command", ["check", "out"])
def test_the_steps_can_be_called_by_name(program: Program, command: str) -> None:
    result = program.run(command, request={"source": SOURCE})
    assert result.code == 0


@pytest.mark.parametrize(
    ("command", "arguments"), [("--help", []), ("-h", []), ("help", []), ("presign", ["--help"]), ("", [])]
)
def test_help_is_short_and_names_every_option_but_the_secret_ones(
    program: Program, command: str, arguments: list[str]
) -> None:
    result = program.run(command, *arguments)
    assert (result.code, result.stderr) == (0, "")
    for name in (*Source.__struct_fields__, *Params.__struct_fields__):
        assert (f"--{name.replace('_', '-')}" in result.stdout.replace(",", " ").split()) != (name in fields.SECRET), name
    assert len(result.stdout.splitlines()) < 100


def test_version_prints_the_version_and_what_is_inside(program: Program) -> None:
    result = program.run("--version")
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert result.stdout.splitlines()[0] == f"s3-presigned-url {__version__}"
    assert names == [
        "s3-presigned-url",
        "python",
        "msgspec",
        "boto3",
        "openssl",
        *(["nuitka"] * (program.kind != "source")),
    ]
    assert (result.code, result.stderr) == (0, "")


def test_in_by_its_name_is_the_same_step(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request())
    assert (result.code, sorted(files_below(destination))) == (0, ["expires_at", "s3_uri", "url"])
