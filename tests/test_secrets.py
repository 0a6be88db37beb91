"""No secret leaves by any other way than the URL: not by stdout, stderr, the side files, an exception or a repr."""

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app import crash, steps
from app.__main__ import main
from app.credentials import Credentials
from app.protocol import Params, Source
from app.signing import SignedUrl

from .program import Program, files_below, get_request

KEY = "planted+secret/key=\"'with&quotes"
TOKEN = "planted+token//==&<e>"
ID_TOKEN = "planted.id.token"
STATIC = {"access_key_id": "AKIAPLANTED", "secret_access_key": KEY, "session_token": TOKEN}


def assert_no_secret(text: str, *secrets: str) -> None:
    for secret in secrets or (KEY, TOKEN, ID_TOKEN):
        for form in (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            assert form not in text
    assert "X-Amz-Signature" not in text


@pytest.mark.parametrize(
    "params",
    [
        {"file_path": "k"},
        {"file_path": "k", "method": "PUT", "content_type": "text/plain"},
        {"files": {"a": {"file_path": "k"}, "b": {"file_path": "a/../b"}}},
        {"file_path": "k", "expires_in": "8d"},
        {"file_path": "k", "unknown": KEY},
        {"file_path": "k", "aws_web_identity_token": ID_TOKEN},
        {"file_path": "k", "aws_web_identity_token": [ID_TOKEN]},
        {"file_path": "k", "url_file": "../url"},
        {"file_path": 5},
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        {},
        {"use_dualstack_endpoint": True},
        {"use_accelerate_endpoint": True, "bucket_name": "dotted.bucket"},
        {"region_name": "nowhere"},
        {"access_key_id": ...},
        {"secret_access_key": f"{KEY}\n"},
        {"secret_access_key": [KEY]},
        {"secret_access_key": {"value": KEY}},
        {"endpoint": f"https://user:{quote(KEY, safe='')}@host"},
    ],
)
def test_a_run_tells_no_secret(program: Program, destination: Path, source: dict[str, Any], params: dict[str, Any]) -> None:
    result = program.run("in", destination, request=get_request(params, **{**STATIC, **source}))
    assert_no_secret(result.stdout + result.stderr)
    files = files_below(destination)
    assert (result.code == 0) == bool(files)
    for name, text in files.items():
        if name.split("/")[-1] not in ("url", "urls.json", "curl.conf"):
            assert_no_secret(text)
        assert KEY not in text
        assert quote(KEY, safe="") not in text


def test_no_secret_of_the_environment_is_told(program: Program, destination: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIAPLANTED", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": TOKEN}
    for debug in ("", "1"):
        for params in ({"file_path": "k"}, {"file_path": "k", "expires_in": 0}):
            request = get_request(params, access_key_id=..., secret_access_key=...)
            environ["S3_PRESIGNED_URL_DEBUG"] = debug
            result = program.run("in", destination, request=request, environ=environ)
            assert_no_secret(result.stdout + result.stderr)


@pytest.mark.parametrize(
    "stdin", [b'{"source": {"secret_access_key": "planted+secret', b'"planted+secret"', b"planted+secret"]
)
def test_a_request_that_cannot_be_read_is_not_shown(program: Program, stdin: bytes) -> None:
    result = program.run("check", input_=stdin)
    assert "planted" not in result.stdout + result.stderr


@pytest.mark.parametrize("field", ["source", "params", "version"])
def test_a_value_in_the_place_of_a_map_is_not_shown(program: Program, destination: Path, field: str) -> None:
    result = program.run("in", destination, request={**get_request(), field: KEY})
    assert result.code == 1
    assert_no_secret(result.stderr)


def run_with_a_bug(monkeypatch: pytest.MonkeyPatch, destination: Path, environ: dict[str, str]) -> tuple[int, str, str]:
    def bug(source: Source, params: Params, environ: dict[str, str], **_: Any) -> None:
        url = f"https://h/k?X-Amz-Security-Token={quote(TOKEN, safe='')}&X-Amz-Signature=abcdef0123"
        raise RuntimeError(f"{source.secret_access_key} {TOKEN!r} {ID_TOKEN} {environ} {source!r} {url} {quote(KEY)}")

    monkeypatch.setattr(steps, "sign", bug)
    request = get_request({"file_path": "k", "aws_web_identity_token": ID_TOKEN}, **STATIC)
    stdout, stderr = io.BytesIO(), io.BytesIO()
    code = main(["/opt/resource/in", str(destination)], environ, io.BytesIO(json.dumps(request).encode()), stdout, stderr)
    return code, stdout.getvalue().decode(), stderr.getvalue().decode()


def test_an_unexpected_exception_is_one_line_that_says_whose_bug_it_is(
    monkeypatch: pytest.MonkeyPatch, destination: Path
) -> None:
    code, stdout, stderr = run_with_a_bug(monkeypatch, destination, {})
    assert stderr == (
        "s3-presigned-url: in: this is a bug in s3-presigned-url 0.1.0: RuntimeError "
        "(set S3_PRESIGNED_URL_DEBUG=1 to see where, and report it)\n"
    )
    assert (code, stdout) == (1, "")


def test_in_debug_mode_the_traceback_is_told_without_the_secrets(
    monkeypatch: pytest.MonkeyPatch, destination: Path
) -> None:
    environ = {"S3_PRESIGNED_URL_DEBUG": "1", "AWS_SECRET_ACCESS_KEY": "planted-in-environ", "AWS_SESSION_TOKEN": TOKEN}
    code, stdout, stderr = run_with_a_bug(monkeypatch, destination, environ)
    lines = stderr.splitlines()
    assert lines[0] == "s3-presigned-url: in: this is a bug in s3-presigned-url 0.1.0: RuntimeError"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1].startswith("RuntimeError: *** ")
    assert_no_secret(stderr.replace("X-Amz-Signature=***", ""), KEY, TOKEN, ID_TOKEN, "planted-in-environ", "abcdef0123")
    assert "planted" not in stderr.replace("AKIAPLANTED", "")
    assert (code, stdout) == (1, "")


def test_nothing_that_holds_a_secret_shows_it_in_its_repr() -> None:
    source = Source(bucket_name="b", secret_access_key=KEY, session_token=TOKEN)
    params = Params(file_path="k", aws_web_identity_token=ID_TOKEN)
    found = Credentials(access_key_id="A", secret_access_key=KEY, session_token=TOKEN)
    signed = SignedUrl(
        url="https://h/k?X-Amz-Signature=1", method="GET", bucket="b", key="k", headers={}, expires_in=1, expires_at=1
    )
    for value in (source, params, found, signed):
        assert repr(value) == f"<{type(value).__name__}>"
        assert_no_secret(f"{value!r} {value!s} {[value]}")


def test_redaction_takes_out_what_is_given_and_nothing_else() -> None:
    assert crash.redact("a b c", set()) == "a b c"
    assert crash.redact(f"x {KEY} y {quote(KEY, safe='')} z", {KEY}) == "x *** y *** z"


def test_a_secret_of_the_request_is_known_wherever_it_stands() -> None:
    request = {
        "source": {"secret_access_key": [KEY, {"value": TOKEN}], "session_token": "", "bucket_name": "open"},
        "params": {"aws_web_identity_token": ID_TOKEN, "files": [{"session_token": "in a list"}]},
    }
    assert crash.secrets(json.dumps(request).encode(), {}) >= {KEY, TOKEN, ID_TOKEN, "in a list"}
    assert not crash.secrets(json.dumps(request).encode(), {}) & {"", "open"}
