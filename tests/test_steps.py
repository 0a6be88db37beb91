"""`app/steps.py` and `config.py`: what happens once, and in which order."""

import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from app import bucket, credentials, lifetime

from .expect import assert_failed, expiring_in
from .program import Program, get_request


def test_1000_files_resolve_the_source_once(program: Program, destination: Path) -> None:
    files = {str(number): {"file_path": f"k{number}", "verify": "none"} for number in range(1000)}
    with (
        mock.patch.object(bucket, "resolve", wraps=bucket.resolve) as resolved,
        mock.patch.object(bucket, "_name", wraps=bucket._name) as bucket_checked,
        mock.patch.object(bucket, "_region", wraps=bucket._region) as region_checked,
        mock.patch.object(lifetime, "maximum", wraps=lifetime.maximum) as maximum_checked,
        mock.patch.object(credentials, "_combine", wraps=credentials._combine) as keys_checked,
    ):
        result = program.run("in", destination, request=get_request({"files": files}))
    assert (result.code, len(result.stderr.splitlines())) == (0, 1000)
    for checked in (resolved, bucket_checked, region_checked, maximum_checked, keys_checked):
        # the binary has another process
        assert checked.call_count == (1 if program.kind == "source" else 0)


def test_warnings_are_printed_before_the_error(program: Program, destination: Path) -> None:
    params = {"file_path": "a/../k", "verify": "head", "on_short_credentials": "warn"}
    request = get_request(
        params, endpoint="http://127.0.0.1:1", access_key_id=..., secret_access_key=...
    )
    result = program.run("in", destination, request=request, environ=expiring_in(650))
    first, second, error = result.stderr.splitlines()
    assert first == (
        "warning: params: the key has . or .. segments, which most clients collapse: "
        "download it with curl --path-as-is"
    )
    assert second.startswith("warning: params.expires_in: the credentials expire in 10 minutes ")
    assert error == (
        "s3-presigned-url: in: params.verify: 127.0.0.1:1: connection refused: "
        "check host and port, and that the server is running"
    )
    assert (result.code, result.stdout, list(destination.iterdir())) == (1, "", [])


@pytest.mark.parametrize(
    ("params", "line"),
    [
        (
            {"expires_in": "8d", "files": {"a": {"file_path": "k"}}},
            "params.expires_in: must be between 1 second and 7 days, got 8 days",
        ),
        (
            {"files": {"a": {"file_path": "k", "expires_in": "8d"}}},
            "params.files.a.expires_in: must be between 1 second and 7 days, got 8 days",
        ),
        (
            {"expires_in": {"hours": "x"}, "files": {"a": {"file_path": "k"}}},
            "params.expires_in.hours: must be a number, got 'x'",
        ),
        (
            {"url_file": "s3_uri", "files": {"a": {"file_path": "k"}}},
            "params.url_file: conflicts with a file this step writes: s3_uri",
        ),
        (
            {"files": {"a.b": {"file_path": "k", "url_file": "/"}}},
            "params.files.a.b.url_file: must be a relative path that stays inside the destination, "
            "such as url or links/url",
        ),
    ],
)
def test_an_error_names_the_place_where_the_user_wrote_the_option(
    program: Program, destination: Path, params: dict[str, object], line: str
) -> None:
    request = {**get_request(), "params": params}
    assert_failed(program.run("in", destination, request=request), destination, line)


def test_a_warning_names_the_place_where_the_user_wrote_the_option(
    program: Program, destination: Path
) -> None:
    files = {"a": {"file_path": "k"}, "b": {"file_path": "k", "expires_in": "2h"}}
    request = get_request(
        {"expires_in": "1h", "files": files}, access_key_id=..., secret_access_key=...
    )
    result = program.run("in", destination, request=request, environ=expiring_in(600))
    places = [line.split(": ")[1] for line in result.stderr.splitlines()[:2]]
    assert places == ["params.expires_in", "params.files.b.expires_in"]


@pytest.mark.process
def test_a_stray_print_of_a_library_does_not_reach_stdout() -> None:
    script = (
        "import runpy, sys\n"
        "from app import steps\n"
        "check = steps.check\n"
        "steps.check = lambda request: print('stray') or check(request)\n"
        "sys.argv = ['check']\n"
        "runpy.run_module('app', run_name='__main__')\n"
    )
    request = json.dumps(get_request()).encode()
    done = subprocess.run(
        [sys.executable, "-c", script], input=request, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"[]", b"stray\n")
