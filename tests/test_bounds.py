"""`app/bounds.py`: input that is too large is refused early."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from app.bounds import check_depth

from .expect import assert_refused
from .program import SECRET_ACCESS_KEY, SOURCE, Program, files_below, get_request

TOO_DEEP = "stdin: JSON is nested too deeply (limit: 100 levels)"


@pytest.mark.process
def test_deeply_nested_json_is_refused_even_with_a_small_stack(program: Program) -> None:
    closed = b'{"x":' + b"[" * 200 + b"]" * 200 + b"}"
    for stdin in (b"[" * 600_000, b'{"source":' * 100_000, closed):
        process = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -s 512; exec "$@"', "sh", *program.command("check")],
            input=stdin,
            env=program.environ(),
            capture_output=True,
            check=False,
        )
        assert process.stderr.decode() == f"s3-presigned-url: check: {TOO_DEEP}\n"
        assert (process.returncode, process.stdout) == (1, b"")


@pytest.mark.parametrize(
    "stdin", ["[" * 100 + "]" * 100, "[" * 100 + '"\\"[[[\\\\"' + "]" * 100, "{},[]," * 1000]
)
def test_100_levels_are_accepted_and_only_nested_brackets_outside_strings_count(
    stdin: str,
) -> None:
    check_depth(stdin.encode())
    with pytest.raises(RecursionError):
        check_depth(b"[" * 101 + stdin.encode())


def test_brackets_in_a_file_name_are_not_counted(program: Program, destination: Path) -> None:
    request = get_request({"file_path": "k", "file_name": '{["' * 300})
    assert program.run("in", destination, request=request).code == 0


@pytest.mark.process
def test_reading_stops_at_1_mib(program: Program, destination: Path, tmp_path: Path) -> None:
    with (tmp_path / "request").open("w+b") as request:
        request.truncate(64 << 20)
        process = subprocess.run(
            [*program.command("in"), destination],
            stdin=request,
            env=program.environ(),
            capture_output=True,
            check=False,
        )
        assert os.lseek(request.fileno(), 0, os.SEEK_CUR) <= (1 << 20) + (1 << 16)
    assert process.stderr == b"s3-presigned-url: in: stdin: request is larger than 1 MiB\n"
    assert (process.returncode, process.stdout, files_below(destination)) == (1, b"", {})


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"file_path": "k" * 2049}, "params.file_path: must be at most 2048 characters, got 2049"),
        (
            {"files": {"a": {"file_path": "k", "file_name": "n" * 5000}}},
            "params.files.a.file_name: must be at most 2048 characters, got 5000",
        ),
        (
            {"file_path": "k", "url_file": "a/" * 1024 + "b"},
            "params.url_file: must be at most 2048 characters, got 2049",
        ),
        (
            {"file_path": "k", "url_file": "a/" * 512 + "b"},
            "params.url_file: must be a path of at most 1024 bytes",
        ),
        (
            {"file_path": "k", "files": {str(number): {} for number in range(1001)}},
            "params.files: must have at most 1000 entries, got 1001",
        ),
    ],
)
def test_long_strings_long_paths_and_too_many_files_are_refused(
    program: Program, destination: Path, params: dict[str, object], line: str
) -> None:
    assert_refused(program, destination, "in", line, request=get_request(params))


def test_a_secret_that_is_too_long_is_not_shown(program: Program, destination: Path) -> None:
    line = "source.secret_access_key: must be at most 2048 characters, got 4000"
    request = {"source": {**SOURCE, "secret_access_key": SECRET_ACCESS_KEY * 100}}
    assert_refused(program, destination, "in", line, request=request)


def test_certificates_and_session_tokens_may_be_long(program: Program, destination: Path) -> None:
    certificates = trustme.CA().cert_pem.bytes().decode() * 600
    assert len(certificates) > 400_000
    source: dict[str, Any] = {
        "ca_bundle": certificates,
        "session_token": "t" * 16384,
        "endpoint": "https://h",
    }
    assert program.run("in", destination, request=get_request(**source)).code == 0


def test_a_request_that_s3_refuses_for_its_length_is_refused(
    program: Program, destination: Path
) -> None:
    """A key and a name of 355 characters that take 9 bytes each in a URL, and a long token."""
    params = {"file_path": "日" * 100, "file_name": "日" * 255}
    request = get_request(params, session_token="t" * 3300)
    line = (
        "params: the request would have 8723 bytes, and Amazon S3 accepts 8192: shorten the key, "
        "file_name or headers"
    )
    assert_refused(program, destination, "in", line, request=request)
    request["source"]["endpoint"] = "https://s3.eu-west-1.amazonaws.com"
    assert_refused(program, destination, "in", line, request=request)


def test_headers_count_in_the_length_of_a_request(program: Program, destination: Path) -> None:
    headers = {f"x-amz-meta-{number}": "v" * 2000 for number in range(4)}
    params = {"file_path": "k", "method": "PUT", "headers": headers}
    line = (
        "params: the request would have 8452 bytes, and Amazon S3 accepts 8192: shorten the key, "
        "file_name or headers"
    )
    assert_refused(program, destination, "in", line, request=get_request(params))


def test_of_a_long_request_to_another_server_there_is_a_warning(
    program: Program, destination: Path
) -> None:
    request = get_request({"file_path": "k"}, session_token="t" * 9000, endpoint="https://h")
    result = program.run("in", destination, request=request)
    assert result.code == 0
    assert result.stderr.splitlines()[0] == (
        "warning: params: the request would have 9325 bytes, and Amazon S3 accepts 8192, as may "
        "this server: shorten the key, file_name or headers"
    )


def test_the_longest_request_that_s3_accepts_is_signed(program: Program, destination: Path) -> None:
    request = get_request({"file_path": "k"}, session_token="t" * 7800)
    result = program.run("in", destination, request=request)
    url = (destination / "url").read_text()
    host, target = url.removeprefix("https://").split("/", 1)
    length = len(f"GET /{target} HTTP/1.1\r\nHost: {host}\r\n")
    request["source"]["session_token"] = "t" * (7800 + 8192 - length)
    assert program.run("in", destination, request=request).code == 0
    request["source"]["session_token"] += "t"
    result = program.run("in", destination, request=request)
    assert "would have 8193 bytes" in result.stderr


def test_a_log_line_is_truncated_after_10000_characters(program: Program) -> None:
    result = program.run("check", input_=json.dumps({"source": {"x" * 1_000_000: 1}}).encode())
    assert result.stderr == "s3-presigned-url: check: source." + "x" * 9968 + "\n"
    assert (result.code, result.stdout) == (1, "")
