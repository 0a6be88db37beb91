"""`app/cli.py`: the command line for tasks and local use."""

import json
import subprocess
from pathlib import Path

import pytest

from app import __version__
from app.messages import fields
from app.protocol import Params, Source

from .expect import boto3_url, signed_at
from .program import SOURCE, VARIABLES, Program, files_below, get_request

OBJECT = "s3://my-bucket/folder/file.txt"


def test_presign_prints_the_url_and_logs_to_stderr(program: Program) -> None:
    options = ["--region-name", "eu-west-1", "--expires-in", "24h", "--file-name", "file.txt"]
    result = program.run("presign", OBJECT, *options, environ=VARIABLES)
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
    result = program.run("presign", OBJECT, environ={**VARIABLES, variable: "sa-east-1"})
    assert result.stdout.startswith("https://my-bucket.s3.sa-east-1.amazonaws.com/folder/file.txt?")


def test_the_option_takes_precedence_over_the_environment(program: Program) -> None:
    environ = {**VARIABLES, "AWS_REGION": "sa-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    result = program.run("presign", OBJECT, "--region-name", "eu-north-1", environ=environ)
    assert result.stdout.startswith("https://my-bucket.s3.eu-north-1.amazonaws.com/")
    result = program.run("presign", OBJECT, environ=environ)
    assert result.stdout.startswith("https://my-bucket.s3.sa-east-1.")


def test_bucket_and_key_may_be_options_too(program: Program) -> None:
    options = ["--bucket-name", "my-bucket", "--file-path", "k", "--region-name", "eu-west-1"]
    result = program.run("presign", *options, environ=VARIABLES)
    assert result.stdout.startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/k?")


def test_the_arn_of_an_access_point_may_contain_a_slash(program: Program) -> None:
    uri = "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point/folder/k"
    result = program.run("presign", uri, "--region-name", "eu-west-1", environ=VARIABLES)
    assert result.stdout.startswith(
        "https://my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/folder/k?"
    )


def test_flags_can_be_negated(program: Program) -> None:
    options = [OBJECT, "--region-name", "eu-west-1"]
    result = program.run("presign", *options, "--use-path-style", environ=VARIABLES)
    assert result.stdout.startswith("https://s3.eu-west-1.amazonaws.com/my-bucket/folder/file.txt?")
    options += ["--endpoint", "s3.example.com", "--no-use-path-style"]
    result = program.run("presign", *options, environ=VARIABLES)
    assert result.stdout.startswith("https://my-bucket.s3.example.com/folder/file.txt?")


def test_with_url_file_the_url_is_written_to_that_file_only(
    program: Program, tmp_path: Path
) -> None:
    options = ["--region-name", "eu-west-1", "--url-file", "out/url"]
    result = program.run("presign", OBJECT, *options, environ=VARIABLES, cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "")
    assert list(files_below(tmp_path)) == ["out/url"]
    url = (tmp_path / "out/url").read_text()
    parameters = {"Bucket": "my-bucket", "Key": "folder/file.txt"}
    assert url == boto3_url(SOURCE, "GET", parameters, 3600, signed_at(url))
    assert "X-Amz" not in result.stderr


def test_several_files_are_printed_as_one_map(program: Program) -> None:
    files = json.dumps({"a": {"file_path": "x"}, "b": {"file_path": "y"}})
    options = ["--bucket-name", "my-bucket", "--region-name", "eu-west-1", "--files", files]
    answer = program.run("presign", *options, environ=VARIABLES).answer
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
        (["s3://my-bucket", *REGION],
         "s3://BUCKET/KEY: must start with s3://my-bucket/ (the bucket in source), followed by a "
         "key"),
        (["s3://a/k", *REGION],
         "s3://BUCKET/KEY: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and "
         "dots, such as my-bucket"),
        ([OBJECT, "another"], "usage: presign takes one s3://BUCKET/KEY and options; see --help"),
        ([OBJECT],
         "--region-name: required: the region of the bucket, such as eu-west-1, or AWS_REGION"),
        ([OBJECT, *REGION, "--expires-in", "8d"],
         "--expires-in: must be between 1 second and 7 days, got 8 days"),
        ([OBJECT, *REGION, "--expires-in"],
         "usage: argument --expires-in: expected one argument"),
        ([OBJECT, *REGION, "--fiel-name", "x"],
         "--fiel-name: no such option: did you mean --file-name?"),
        ([OBJECT, *REGION, "--zzz"],
         "--zzz: no such option"),
        ([OBJECT, *REGION, "--use-path"],
         "--use-path: no such option: did you mean --use-path-style?"),
        ([OBJECT, *REGION, "--method", "get"],
         "--method: must be GET, HEAD, PUT, DELETE or POST, got 'get'"),
        ([OBJECT, *REGION, "--acl", "private"],
         "--acl: can only be used with method PUT or POST (method is GET)"),
        ([OBJECT, *REGION, "--file-path", "k"],
         "s3://BUCKET/KEY: cannot be combined with file_path"),
        ([OBJECT, *REGION, "--bucket-name", "other"],
         "s3://BUCKET/KEY: must start with s3://other/ (the bucket in source), followed by a key"),
        (["--files", "{", *REGION],
         "--files: must be a map in JSON: Input data was truncated"),
        (["--files", "[" * 100000, *REGION],
         "--files: JSON is nested too deeply (limit: 100 levels)"),
        (["--bucket-name", "my-bucket", "--files", '{"a": {"fil_path": "k"}}', *REGION],
         "--files.a.fil_path: unknown field: did you mean file_path?"),
        ([OBJECT, *REGION, "--secret-access-key", "planted"],
         "--secret-access-key: not accepted as an option (command lines are visible to other "
         "users): use the environment"),
        ([OBJECT, *REGION, "--session-token=planted"],
         "--session-token: not accepted as an option (command lines are visible to other users): "
         "use the environment"),
        ([OBJECT, *REGION, "--url-file", "../url"],
         "--url-file: must be a relative path that stays inside the destination, such as url or "
         "links/url"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_option(
    program: Program, arguments: list[str], line: str
) -> None:
    result = program.run("presign", *arguments, environ=VARIABLES)
    assert result.stderr == f"s3-presigned-url: presign: {line}\n"
    assert (result.code, result.stdout) == (1, "")


@pytest.mark.process
def test_an_argument_that_is_not_utf_8_is_refused(program: Program) -> None:
    process = subprocess.run(
        [*program.command("presign"), b"s3://my-bucket/\xff", "--region-name", "eu-west-1"],
        env={**program.environ(), **VARIABLES},
        capture_output=True,
        check=False,
    )
    assert process.stderr == b"s3-presigned-url: presign: usage: arguments must be valid UTF-8\n"
    assert (process.returncode, process.stdout) == (1, b"")


def test_an_unknown_command_is_refused(program: Program) -> None:
    result = program.run("sign", environ=VARIABLES)
    line = "s3-presigned-url: sign: usage: must be presign, check, in, out, --help or --version\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", line)


@pytest.mark.parametrize("command", ["check", "out"])
def test_the_steps_can_be_called_by_name(program: Program, command: str) -> None:
    result = program.run(command, request={"source": SOURCE})
    assert result.code == 0


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("--help", []), ("-h", []), ("help", []), ("presign", ["--help"]), ("", [])],
)
def test_help_lists_every_option_except_the_secret_ones(
    program: Program, command: str, arguments: list[str]
) -> None:
    result = program.run(command, *arguments)
    assert (result.code, result.stderr) == (0, "")
    words = result.stdout.replace(",", " ").split()
    for name in (*Source.__struct_fields__, *Params.__struct_fields__):
        option = f"--{name.replace('_', '-')}"
        assert (option in words) != (name in fields.SECRET), name
    assert len(result.stdout.splitlines()) < 100


def test_version_prints_the_versions_of_the_program_and_its_parts(program: Program) -> None:
    result = program.run("--version")
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert result.stdout.splitlines()[0] == f"s3-presigned-url {__version__}"
    parts = ["s3-presigned-url", "python", "msgspec", "boto3", "openssl"]
    assert names == [*parts, *(["nuitka"] * (program.kind != "source"))]
    assert (result.code, result.stderr) == (0, "")


def test_in_can_be_called_by_name(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request())
    assert (result.code, sorted(files_below(destination))) == (0, ["expires_at", "s3_uri", "url"])
