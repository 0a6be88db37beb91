"""What is endless is refused early, and never followed to its end."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.protocol import check_depth

from .program import SECRET_ACCESS_KEY, SOURCE, Program, files_below, get_request
from .test_refusals import assert_refused

TOO_DEEP = "stdin: must be a request in JSON, not nested this deeply"


@pytest.mark.process
def test_a_small_stack_is_enough_to_refuse_what_is_nested_deeply(program: Program) -> None:
    for stdin in (b"[" * 600_000, b'{"source":' * 100_000, b'{"x":' + b"[" * 200 + b"]" * 200 + b"}"):
        process = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *program.command("check")],
            input=stdin,
            env=program.environ(),
            capture_output=True,
            check=False,
        )
        assert process.stderr.decode() == f"s3-presigned-url: check: {TOO_DEEP}\n"
        assert (process.returncode, process.stdout) == (1, b"")


@pytest.mark.parametrize("stdin", ["[" * 100 + "]" * 100, "[" * 100 + '"\\"[[[\\\\"' + "]" * 100, "{},[]," * 1000])
def test_a_hundred_levels_are_not_too_deep_nor_are_brackets_in_strings_or_side_by_side(stdin: str) -> None:
    check_depth(stdin.encode())
    with pytest.raises(RecursionError):
        check_depth(b"[" * 101 + stdin.encode())


def test_brackets_in_a_text_are_no_levels(program: Program, destination: Path) -> None:
    name = '{["' * 300
    assert program.run("in", destination, request=get_request({"file_path": "k", "file_name": name})).code == 0


@pytest.mark.process
def test_of_a_request_of_64_mib_little_more_than_1_is_read(program: Program, destination: Path, tmp_path: Path) -> None:
    with (tmp_path / "request").open("w+b") as request:
        request.truncate(64 << 20)
        process = subprocess.run(
            [*program.command("in"), destination], stdin=request, env=program.environ(), capture_output=True, check=False
        )
        assert os.lseek(request.fileno(), 0, os.SEEK_CUR) <= (1 << 20) + (1 << 16)
    assert process.stderr == b"s3-presigned-url: in: stdin: must be a request of at most 1 MiB\n"
    assert (process.returncode, process.stdout, files_below(destination)) == (1, b"", {})


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"file_path": "k" * 2049}, "params.file_path: must be at most 2048 characters, got 2049"),
        (
            {"files": {"a": {"file_path": "k", "file_name": "n" * 5000}}},
            "params.files.a.file_name: must be at most 2048 characters, got 5000",
        ),
        ({"file_path": "k", "url_file": "a/" * 1024 + "b"}, "params.url_file: must be at most 2048 characters, got 2049"),
        ({"file_path": "k", "url_file": "a/" * 512 + "b"}, "params.url_file: must be a path of at most 1024 bytes"),
        (
            {"file_path": "k", "files": {str(number): {} for number in range(1001)}},
            "params.files: must have at most 1000 entries, got 1001",
        ),
    ],
)
def test_texts_paths_and_files_have_a_limit(
    program: Program, destination: Path, params: dict[str, object], line: str
) -> None:
    assert_refused(program, destination, "in", line, request=get_request(params))


def test_a_secret_that_is_too_long_is_not_shown(program: Program, destination: Path) -> None:
    line = "source.secret_access_key: must be at most 2048 characters, got 4000"
    request = {"source": {**SOURCE, "secret_access_key": SECRET_ACCESS_KEY * 100}}
    assert_refused(program, destination, "in", line, request=request)


def test_certificates_and_session_tokens_may_be_long(program: Program, destination: Path) -> None:
    certificates = "-----BEGIN CERTIFICATE-----\n" + "A" * 500_000
    request = get_request(ca_bundle=certificates, session_token="t" * 16384)
    assert program.run("in", destination, request=request).code == 0


def test_a_line_of_the_log_is_cut_where_nobody_reads_on(program: Program) -> None:
    result = program.run("check", input_=json.dumps({"source": {"x" * 1_000_000: 1}}).encode())
    assert result.stderr == "s3-presigned-url: check: source." + "x" * 9968 + "\n"
    assert (result.code, result.stdout) == (1, "")
