"""The secrets of this run, and how to remove them from a text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from ..bounds import check_depth
from ..request import SECRET_HEADERS
from ..sigv4 import Credentials
from .fields import SECRET

_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_SIGNED = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s'\"]*", re.IGNORECASE)

_remembered: set[str] = set()


def remember(credentials: Credentials) -> Credentials:
    """Register the secrets of credentials that are not part of the request, and return them."""
    _remembered.update(
        secret for secret in (credentials.secret_access_key, credentials.session_token) if secret
    )
    return credentials


def secrets(request: bytes, environ: Mapping[str, str]) -> set[str]:
    """Return the secrets of this run."""
    given = {environ[name] for name in _VARIABLES if environ.get(name)}
    return given | _remembered | _in_request(request)


def redact(text: str, secrets: set[str]) -> str:
    """Return the text without the secrets, in any encoding, and without signatures."""
    forms = {
        form
        for secret in secrets
        for form in (secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1])
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return _SIGNED.sub(r"\1***", text)


def _in_request(request: bytes) -> set[str]:
    try:
        check_depth(request)
        return set(_in_value(msgspec.json.decode(request)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()


def _in_value(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Yield every string in a secret field, even if the field has the wrong type."""
    if isinstance(value, str):
        if secret and value:
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            is_secret = name in SECRET or name.lower() in SECRET_HEADERS
            yield from _in_value(inner, secret=secret or is_secret)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_value(inner, secret=secret)
