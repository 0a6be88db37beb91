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
         "--expires-in: requires a value, such as --expires-in=VALUE"),
        ([OBJECT, "--expires-in", "--region", "eu-west-1"],
         "--expires-in: requires a value, such as --expires-in=VALUE"),
        ([OBJECT, *REGION, "--expires-in="],
         "--expires-in: must not be empty: give it a value, or leave it out"),
        ([OBJECT, *REGION, "--profile="],
         "--profile: must not be empty: give it a value, or leave it out"),
        ([OBJECT, *REGION, "-x"], "-x: no such option"),
        ([OBJECT, *REGION, "--reg", "x"], "--reg: no such option: did you mean --region?"),
        ([OBJECT, *REGION, "--use-path-style=maybe"],
         "--use-path-style: must be true or false, got 'maybe'"),
        ([OBJECT, *REGION, "--cache-control", "no-store"],
         "--cache-control: no such option: it is a header: set cache-control in --headers"),
        ([OBJECT, *REGION, "--output", "yaml"], "--output: must be text or json, got 'yaml'"),
        ([OBJECT, *REGION, "--method", "POST"],
         "--method: POST has fields besides the URL: add --output json"),
        ([OBJECT, *REGION, "--headers", '{"x-amz-meta-a": [1]}'],
         "--headers: must be a map of names to values, such as {x-amz-meta-build: 42}, got a map"),
        ([OBJECT, *REGION, "--headers", '{"X-Amz-Server-Side-Encryption-Customer-Key": "planted"}'],
         "--headers.X-Amz-Server-Side-Encryption-Customer-Key: not accepted as an option (command "
         "lines are visible to other users): use the step in"),
        ([OBJECT, *REGION, "--ca-bundle", "/missing.pem"],
         "--ca-bundle: cannot read /missing.pem: No such file or directory"),
        ([OBJECT, *REGION, "--profile", "missing"],
         "--profile: profile missing not found in the AWS config files"),
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
def test_help_fits_a_screen_and_names_only_options_that_exist(
    program: Program, command: str, arguments: list[str]
) -> None:
    result = program.run(command, *arguments)
    assert (result.code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "--help all" in result.stdout
    every = program.run("--help", "all").stdout.split()
    assert {word for word in result.stdout.split() if word.startswith("--")} <= {
        *every,
        "--version",
    }


@pytest.mark.parametrize(("command", "arguments"), [("--help", []), ("presign", ["--help"])])
def test_help_all_lists_every_option_except_the_secret_ones(
    program: Program, command: str, arguments: list[str]
) -> None:
    result = program.run(command, *arguments, "all")
    assert (result.code, result.stderr) == (0, "")
    words = result.stdout.replace(",", " ").split()
    for name in (*Source.__struct_fields__, *Params.__struct_fields__):
        option = f"--{name.replace('_', '-')}"
        assert (option in words) != (name in fields.SECRET), name
    aws = ["--region", "--endpoint-url", "--profile", "--no-verify-ssl", "--output"]
    assert [option for option in aws if option not in words] == []
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_an_option_has_its_value_after_a_space_or_an_equals_sign(program: Program) -> None:
    for options in (["--region", "eu-north-1"], ["--region=eu-north-1"]):
        result = program.run("presign", *options, OBJECT, environ=VARIABLES)
        assert result.stdout.startswith("https://my-bucket.s3.eu-north-1.amazonaws.com/")


def test_two_hyphens_end_the_options(program: Program) -> None:
    options = ["--region-name", "eu-west-1", "--", OBJECT]
    result = program.run("presign", *options, environ=VARIABLES)
    assert result.stdout.startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/folder/file.txt?")
    result = program.run("presign", "--", "--region-name", environ=VARIABLES)
    line = "s3-presigned-url: presign: usage: presign takes the object as s3://BUCKET/KEY\n"
    assert result.stderr == line


def test_output_json_has_what_in_would_write(program: Program, destination: Path) -> None:
    params: dict[str, object] = {
        "s3_uri": OBJECT,
        "method": "PUT",
        "content_type": "text/plain",
        "headers": {"x-amz-meta-build": 42},
    }
    options = [
        *(OBJECT, "--region-name", "eu-west-1", "--method", "PUT", "--output", "json"),
        *("--content-type", "text/plain", "--headers", '{"x-amz-meta-build": 42}'),
    ]
    result = program.run("presign", *options, environ=VARIABLES)
    url = result.answer["url"]
    assert program.run("in", destination, request=get_request(params)).code == 0
    files = files_below(destination)
    assert result.answer == {
        "url": url,
        "method": "PUT",
        "headers": json.loads(files["headers.json"]),
        "expires_at": result.answer["expires_at"],
        "s3_uri": files["s3_uri"],
    }
    assert url.split("X-Amz-Date")[0] == files["url"].split("X-Amz-Date")[0]


def test_output_json_has_the_fields_of_a_form(program: Program) -> None:
    options = [OBJECT, "--region-name", "eu-west-1", "--method", "POST", "--output", "json"]
    answer = program.run("presign", *options, environ=VARIABLES).answer
    assert list(answer) == ["url", "method", "headers", "fields", "expires_at", "s3_uri"]
    assert (answer["url"], answer["fields"]["key"]) == (
        "https://my-bucket.s3.eu-west-1.amazonaws.com/",
        "folder/file.txt",
    )


def test_output_json_of_several_files_is_a_map_of_maps(program: Program, tmp_path: Path) -> None:
    options = [
        *("--bucket-name", "my-bucket", "--region-name", "eu-west-1", "--output", "json"),
        *("--files", '{"a": {"file_path": "x"}}', "--url-file", "urls.json"),
    ]
    result = program.run("presign", *options, environ=VARIABLES, cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "")
    assert json.loads((tmp_path / "urls.json").read_text())["a"]["s3_uri"] == "s3://my-bucket/x"


def test_version_prints_the_versions_of_the_program_and_its_parts(program: Program) -> None:
    result = program.run("--version")
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert result.stdout.splitlines()[0] == f"s3-presigned-url {__version__}"
    parts = ["s3-presigned-url", "python", "msgspec", "botocore", "openssl"]
    assert names == [*parts, *(["nuitka"] * (program.kind != "source"))]
    assert (result.code, result.stderr) == (0, "")


def test_in_can_be_called_by_name(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request())
    assert (result.code, sorted(files_below(destination))) == (0, ["expires_at", "s3_uri", "url"])
