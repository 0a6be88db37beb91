"""The secrets of this run, and how to remove them from a text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from ..bounds import check_depth
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


def redact(text: str, request: bytes, environ: Mapping[str, str]) -> str:
    """Return the text without the secrets of this run, in any encoding, and without signatures."""
    given = (
        _in_request(request)
        | _remembered
        | {environ[name] for name in _VARIABLES if environ.get(name)}
    )
    forms = {
        form
        for secret in given
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
            yield from _in_value(inner, secret=secret or name in SECRET)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_value(inner, secret=secret)
