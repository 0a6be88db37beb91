"""The S3 request that a URL authorizes: method, key, query and headers.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (with its response overrides),
API_HeadObject.html, API_PutObject.html and API_DeleteObject.html.
"""

from .protocol import Place, ResourceError, UrlParams
from .sigv4 import uri_encode

READ_METHODS = ("GET", "HEAD")
# In the query they have the same name, with hyphens.
RESPONSE_OVERRIDES = (
    "response_content_type",
    "response_cache_control",
    "response_content_language",
    "response_content_encoding",
    "response_expires",
)
PUT_HEADERS = {
    "content_type": "content-type",
    "acl": "x-amz-acl",
    "server_side_encryption": "x-amz-server-side-encryption",
    "sse_kms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
}
_MAX_KEY = 1024  # bytes
# RFC 8187, attr-char: the characters that need no encoding in `filename*`
_ATTR_CHAR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"


class S3Request:
    """A request without its signature. The names of headers are in lower case."""

    def __init__(
        self, method: str, key: str, query: list[tuple[str, str]], headers: dict[str, str]
    ) -> None:
        self.method = method
        self.key = key
        self.query = query
        self.headers = headers


def build(params: UrlParams, bucket: str, place: Place) -> S3Request:
    """Return the request that the params, which are at `place`, describe. Raises ResourceError."""
    method = params.method or "GET"
    if method not in READ_METHODS:
        for option in ("file_name", "disposition", *RESPONSE_OVERRIDES):
            _check_unset(params, option, "can only be used with method GET or HEAD", method, place)
    if method != "PUT":
        for option in PUT_HEADERS:
            _check_unset(params, option, "can only be used with method PUT", method, place)
    elif params.version_id is not None:
        raise ResourceError(
            (*place, "version_id"),
            "cannot be used with PUT: an upload always creates a new version",
        )
    return S3Request(
        method, _key(params, bucket, place), _query(params, place), _headers(params, place)
    )


def _check_unset(params: UrlParams, option: str, rule: str, method: str, place: Place) -> None:
    if getattr(params, option) is not None:
        raise ResourceError((*place, option), f"{rule} (method is {method})")


def _key(params: UrlParams, bucket: str, place: Place) -> str:
    if params.s3_uri is not None:
        place = (*place, "s3_uri")
        if params.file_path is not None:
            raise ResourceError(place, "cannot be combined with file_path")
        start = f"s3://{bucket}/"
        key = params.s3_uri.removeprefix(start)
        if not key or key == params.s3_uri:
            raise ResourceError(
                place, f"must start with {start} (the bucket in source), followed by a key"
            )
    elif params.file_path is not None:
        place, key = (*place, "file_path"), params.file_path
    else:
        hint = " (for a put step, in get_params)" if place == ("params",) else ""
        raise ResourceError(
            (*place, "file_path"), f"required: the key of the object, such as folder/file.txt{hint}"
        )
    size = len(key.encode())
    if size > _MAX_KEY:
        raise ResourceError(place, f"must be at most {_MAX_KEY} bytes of UTF-8, got {size}")
    return key


def has_dot_segments(key: str) -> bool:
    """Whether clients that remove `.` and `..` segments (RFC 3986) would request another key."""
    return "." in key and not {".", ".."}.isdisjoint(key.split("/"))


def _query(params: UrlParams, place: Place) -> list[tuple[str, str]]:
    query = []
    disposition = _content_disposition(params, place)
    if disposition is not None:
        query.append(("response-content-disposition", disposition))
    for option in RESPONSE_OVERRIDES:
        value = _header_value(params, option, place)
        if value is not None:
            query.append((option.replace("_", "-"), value))
    if params.response_expires is not None:
        _check_http_date(params.response_expires, (*place, "response_expires"))
    if params.version_id is not None:
        query.append(("versionId", params.version_id))
    return query


def _headers(params: UrlParams, place: Place) -> dict[str, str]:
    if params.sse_kms_key_id is not None and not (params.server_side_encryption or "").startswith(
        "aws:kms"
    ):
        raise ResourceError(
            (*place, "sse_kms_key_id"), "requires server_side_encryption: aws:kms (or aws:kms:dsse)"
        )
    values = (
        (header, _header_value(params, option, place)) for option, header in PUT_HEADERS.items()
    )
    return {header: value for header, value in values if value is not None}


def _header_value(params: UrlParams, option: str, place: Place) -> str | None:
    value: str | None = getattr(params, option)
    if value is not None and not (
        value.isascii() and value.isprintable() and value == value.strip()
    ):
        raise ResourceError(
            (*place, option), "must be printable ASCII, without leading or trailing spaces"
        )
    return value


def _content_disposition(params: UrlParams, place: Place) -> str | None:
    """Return the `Content-Disposition` of the download (RFC 6266), or None for the object's own."""
    if params.file_name is None:
        return params.disposition
    name = params.file_name
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in name):
        raise ResourceError(
            (*place, "file_name"),
            "must not contain control characters, such as line breaks or tabs",
        )
    ascii_name = "".join(character if character < "\x7f" else "_" for character in name)
    quoted = ascii_name.replace("\\", "\\\\").replace('"', '\\"')
    value = f'{params.disposition or "attachment"}; filename="{quoted}"'
    return value if name.isascii() else f"{value}; filename*=UTF-8''{uri_encode(name, _ATTR_CHAR)}"


def _check_http_date(value: str, place: Place) -> None:
    from datetime import datetime

    form = "%a, %d %b %Y %H:%M:%S GMT"
    try:
        if (
            datetime.strptime(value, form).strftime(form) == value
        ):  # this also checks the day of the week
            return
    except ValueError:
        pass
    raise ResourceError(place, "must be an HTTP date, such as Wed, 21 Oct 2026 07:28:00 GMT")
