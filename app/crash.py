"""What is said about an exception that nobody expected: that it is our bug, and no secret, whatever is in it."""

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from . import __version__
from .credentials import Credentials
from .fields import SECRET
from .protocol import check_depth

DEBUG = "S3_PRESIGNED_URL_DEBUG"
_ENVIRONMENT = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_SIGNED = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s'\"]*", re.IGNORECASE)

_found: set[str] = set()


def never_tell(credentials: Credentials) -> Credentials:
    """Return the credentials, their secrets noted: they were found on the way, so they are not in the request."""
    _found.update(secret for secret in (credentials.secret_access_key, credentials.session_token) if secret)
    return credentials


def report(error: Exception, request: bytes, environ: Mapping[str, str]) -> list[str]:
    """Return one line, and in debug mode the lines of the traceback, with every secret of this run taken out.

    Without debug mode only the type of the exception is told: its text could hold anything.
    """
    line = f"this is a bug in s3-presigned-url {__version__}: {type(error).__name__}"
    if environ.get(DEBUG) != "1":
        return [f"{line} (set {DEBUG}=1 to see where, and report it)"]
    text = "".join(traceback.format_exception(error))
    return [line, *redact(text, secrets(request, environ)).splitlines()]


def secrets(request: bytes, environ: Mapping[str, str]) -> set[str]:
    """Return every secret that this run was given, or has found."""
    try:
        check_depth(request)
        given = set(_in_value(msgspec.json.decode(request)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        given = set()
    return given | _found | {environ[name] for name in _ENVIRONMENT if environ.get(name)}


def _in_value(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Every text in or below a field that holds a secret, also where it has another type than it should."""
    if isinstance(value, str):
        if secret and value:
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _in_value(inner, secret=secret or name in SECRET)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_value(inner, secret=secret)


def redact(text: str, given: set[str]) -> str:
    """Return the text without the secrets, as they are, or encoded for a URL or a literal, and without signatures."""
    forms = {form for secret in given for form in (secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1])}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return _SIGNED.sub(r"\1***", text)
