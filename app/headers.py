"""The `headers` of a request: any further header that is signed. Imported only if there are some.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html: the URL's user must
send every signed header with the same value.
"""

from .bounds import MAX_TEXT
from .protocol import Headers, Params, Place, ResourceError
from .request import UPLOAD_HEADERS, is_header_value

_NAME = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # RFC 9110, in lower case
_SIGNATURE = "is set by the signature"
_TRANSPORT = "cannot be signed: clients and proxies change it"
_REFUSED = {
    "host": "is set by the client",
    "authorization": _SIGNATURE,
    "x-amz-date": _SIGNATURE,
    "x-amz-security-token": _SIGNATURE,
    "x-amz-content-sha256": _SIGNATURE,
    # botocore does not sign these four
    "expect": _TRANSPORT,
    "transfer-encoding": _TRANSPORT,
    "user-agent": _TRANSPORT,
    "x-amzn-trace-id": _TRANSPORT,
    # RFC 9110, 7.6.1: they are for one connection
    "connection": _TRANSPORT,
    "keep-alive": _TRANSPORT,
    "proxy-authorization": _TRANSPORT,
    "proxy-connection": _TRANSPORT,
    "te": _TRANSPORT,
    "trailer": _TRANSPORT,
    "upgrade": _TRANSPORT,
}


def check(headers: Headers, params: Params, place: Place) -> dict[str, str]:
    """Return `headers` with names in lower case. Raises ResourceError for one that is invalid."""
    place = (*place, "headers")
    options = {name: option for option, name in UPLOAD_HEADERS.items()}
    options["x-amz-request-payer"] = "request_payer"
    checked: dict[str, str] = {}
    for written, value in headers.items():
        name, own = written.lower(), (*place, written)
        if not name or name.strip(_NAME):
            raise ResourceError(own, "must be the name of a header, such as x-amz-meta-build")
        if name in _REFUSED:
            raise ResourceError(own, _REFUSED[name])
        if name in checked:
            raise ResourceError(own, "is there twice (names are case-insensitive)")
        option = options.get(name)
        if option is not None and getattr(params, option) is not None:
            raise ResourceError(own, f"cannot be combined with {option}: set only one of the two")
        checked[name] = _text(value, own)
    return checked


def _text(value: str | bool | int, place: Place) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text:
        raise ResourceError(place, "must not be empty: give it a value, or leave it out")
    if len(text) > MAX_TEXT:
        raise ResourceError(place, f"must be at most {MAX_TEXT} characters, got {len(text)}")
    if not is_header_value(text):
        raise ResourceError(place, "must be printable ASCII, without leading or trailing spaces")
    return text
