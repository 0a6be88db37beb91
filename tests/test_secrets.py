"""No secret is printed or written, except in the URL."""

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app import __version__, steps
from app.__main__ import main
from app.bucket import Bucket
from app.config import Config
from app.messages import crash, redaction
from app.protocol import Params, Source
from app.request import S3Request
from app.signing import SignedUrl
from app.sigv4 import Credentials

from .program import ISSUES, Program, files_below, get_request

KEY = "planted+secret/key=\"'with&quotes"
TOKEN = "planted+token//==&<e>"
ID_TOKEN = "planted.id.token"
STATIC = {"access_key_id": "AKIAPLANTED", "secret_access_key": KEY, "session_token": TOKEN}


def assert_no_secret(text: str, *secrets: str) -> None:
    for secret in secrets or (KEY, TOKEN, ID_TOKEN):
        quoted = (quote(secret, safe=""), quote(secret))
        for form in (secret, *quoted, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
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
def test_a_run_prints_no_secret(
    program: Program, destination: Path, source: dict[str, Any], params: dict[str, Any]
) -> None:
    result = program.run("in", destination, request=get_request(params, **{**STATIC, **source}))
    assert_no_secret(result.stdout + result.stderr)
    files = files_below(destination)
    assert (result.code == 0) == bool(files)
    for name, text in files.items():
        if name.split("/")[-1] not in ("url", "urls.json", "curl.conf"):
            assert_no_secret(text)
        assert KEY not in text
        assert quote(KEY, safe="") not in text


def test_no_secret_of_the_environment_is_printed(program: Program, destination: Path) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_SESSION_TOKEN": TOKEN,
    }
    for debug in ("", "1"):
        for params in ({"file_path": "k"}, {"file_path": "k", "expires_in": 0}):
            request = get_request(params, access_key_id=..., secret_access_key=...)
            environ["S3_PRESIGNED_URL_DEBUG"] = debug
            result = program.run("in", destination, request=request, environ=environ)
            assert_no_secret(result.stdout + result.stderr)


@pytest.mark.parametrize(
    "stdin",
    [b'{"source": {"secret_access_key": "planted+secret', b'"planted+secret"', b"planted+secret"],
)
def test_an_invalid_request_is_not_printed(program: Program, stdin: bytes) -> None:
    result = program.run("check", input_=stdin)
    assert "planted" not in result.stdout + result.stderr


@pytest.mark.parametrize("field", ["source", "params", "version"])
def test_a_value_in_place_of_a_map_is_not_printed(
    program: Program, destination: Path, field: str
) -> None:
    result = program.run("in", destination, request={**get_request(), field: KEY})
    assert result.code == 1
    assert_no_secret(result.stderr)


def run_with_a_bug(
    monkeypatch: pytest.MonkeyPatch, destination: Path, environ: dict[str, str]
) -> tuple[int, str, str]:
    def bug(config: Config, params: Params, environ: dict[str, str], **_: Any) -> None:
        query = f"X-Amz-Credential=AKIAPLANTED%2F2026&X-Amz-Security-Token={quote(TOKEN, safe='')}"
        url = f"https://h/k?{query}&X-Amz-Signature=abcdef0123"
        raise RuntimeError(
            f"{KEY} {TOKEN!r} {ID_TOKEN} {environ} {config!r} {params!r} {url} {quote(KEY)}"
        )

    monkeypatch.setattr(steps, "sign", bug)
    request = get_request({"file_path": "k", "aws_web_identity_token": ID_TOKEN}, **STATIC)
    stdin, stdout, stderr = io.BytesIO(json.dumps(request).encode()), io.BytesIO(), io.BytesIO()
    code = main(["/opt/resource/in", str(destination)], environ, stdin, stdout, stderr)
    return code, stdout.getvalue().decode(), stderr.getvalue().decode()


def test_an_unexpected_exception_is_reported_as_an_internal_error_in_one_line(
    monkeypatch: pytest.MonkeyPatch, destination: Path
) -> None:
    code, stdout, stderr = run_with_a_bug(monkeypatch, destination, {})
    assert stderr == (
        f"s3-presigned-url: in: internal error (RuntimeError) in s3-presigned-url {__version__}. "
        f"Please report it at {ISSUES}; S3_PRESIGNED_URL_DEBUG=1 shows a redacted traceback\n"
    )
    assert (code, stdout) == (1, "")


def test_in_debug_mode_the_traceback_is_printed_without_secrets(
    monkeypatch: pytest.MonkeyPatch, destination: Path
) -> None:
    environ = {
        "S3_PRESIGNED_URL_DEBUG": "1",
        "AWS_SECRET_ACCESS_KEY": "planted-in-environ",
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_SECURITY_TOKEN": "planted-old-name",
    }
    code, stdout, stderr = run_with_a_bug(monkeypatch, destination, environ)
    lines = stderr.splitlines()
    assert lines[0] == (
        f"s3-presigned-url: in: internal error (RuntimeError) in s3-presigned-url {__version__}. "
        f"Please report it at {ISSUES}"
    )
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1].startswith("RuntimeError: *** ")
    shown = stderr.replace("X-Amz-Signature=***", "")
    assert_no_secret(shown, KEY, TOKEN, ID_TOKEN, "planted-in-environ", "abcdef0123")
    assert "planted" not in stderr.lower()
    assert (code, stdout) == (1, "")


def test_a_repr_shows_no_secret() -> None:
    source = Source(bucket_name="b", secret_access_key=KEY, session_token=TOKEN)
    params = Params(file_path="k", aws_web_identity_token=ID_TOKEN)
    found = Credentials("A", KEY, TOKEN)
    bucket = Bucket("b", "https", "h", "", "eu-west-1")
    upload = S3Request("PUT", "k", [], {"secret": KEY})
    fields = {"x-amz-security-token": TOKEN}
    signed = SignedUrl("https://h/k?X-Amz-Signature=1", fields, bucket, upload, 1, 1)
    keys = {"access_key_id": "A", "secret_access_key": "planted"}
    config = Config(Source(bucket_name="bucket", region_name="eu-west-1", **keys))
    for value in (source, params, found, signed, signed.request, config, config.credentials):
        assert_no_secret(f"{value!r} {value!s} {[value]}")


def redact(text: str, *, request: Any = None, environ: dict[str, str] | None = None) -> str:
    return redaction.redact(text, redaction.secrets(json.dumps(request).encode(), environ or {}))


def test_redaction_removes_secrets_in_every_encoding_and_nothing_else() -> None:
    request = {"source": {"secret_access_key": KEY, "bucket_name": "open"}}
    assert redact("a b c", request=request) == "a b c"
    text = f"x {KEY} y {quote(KEY, safe='')} z {quote(KEY)} {KEY!r} open"
    assert redact(text, request=request) == "x *** y *** z *** '***' open"


def test_redaction_removes_the_secrets_anywhere_in_a_request() -> None:
    request = {
        "source": {
            "secret_access_key": [KEY, {"value": TOKEN}],
            "session_token": "",
            "bucket_name": "open",
        },
        "params": {"aws_web_identity_token": ID_TOKEN, "files": [{"session_token": "in a list"}]},
    }
    text = f"{KEY} {TOKEN} {ID_TOKEN} in a list open"
    assert redact(text, request=request) == "*** *** *** *** open"


@pytest.mark.parametrize(
    "variable", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]
)
def test_redaction_removes_the_secrets_of_the_environment(variable: str) -> None:
    assert redact("a planted b", environ={variable: "planted"}) == "a *** b"


@pytest.mark.parametrize(
    "parameter", ["X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential", "x-amz-signature"]
)
def test_redaction_removes_the_secret_parameters_of_a_url(parameter: str) -> None:
    assert redact(f"https://h/k?{parameter}=ab%2Fcd&x=y") == f"https://h/k?{parameter}=***&x=y"


def test_redaction_removes_the_credentials_found_elsewhere() -> None:
    redaction.remember(Credentials("ASIAROLE", "secret-of-role", "role-token"))
    error = ValueError("secret-of-role role-token")
    lines = crash.report(error, b"", {"S3_PRESIGNED_URL_DEBUG": "1"})
    assert lines[-1] == "ValueError: *** ***"
