"""The S3 request that a URL authorizes: method, key, query and headers.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (with its response overrides),
API_HeadObject.html, API_PutObject.html and API_DeleteObject.html.
"""

from .protocol import Params, Place, ResourceError
from .sigv4 import uri_encode

READ_METHODS = ("GET", "HEAD")
WRITE_METHODS = ("PUT", "POST")
# In the query they have the same name, with hyphens.
RESPONSE_OVERRIDES = (
    "response_content_type",
    "response_cache_control",
    "response_content_language",
    "response_content_encoding",
    "response_expires",
)
UPLOAD_HEADERS = {
    "content_type": "content-type",
    "acl": "x-amz-acl",
    "server_side_encryption": "x-amz-server-side-encryption",
    "sse_kms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
}
FORM_OPTIONS = ("min_size", "max_size", "success_status", "success_redirect")
# The keys of SSE-C: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
SECRET_HEADERS = frozenset(
    {
        "x-amz-server-side-encryption-customer-key",
        "x-amz-copy-source-server-side-encryption-customer-key",
    }
)
_MAX_KEY = 1024  # bytes
# RFC 8187, attr-char: the characters that need no encoding in `filename*`
_ATTR_CHAR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"


class S3Request:
    """A request without its signature. The names of headers are in lower case.

    With method POST it has a `form` in place of headers: fields, and conditions of its policy.
    """

    def __init__(
        self,
        method: str,
        key: str,
        query: list[tuple[str, str]],
        headers: dict[str, str],
        form: "tuple[dict[str, str], list[object]] | None" = None,
    ) -> None:
        self.method = method
        self.key = key
        self.query = query
        self.headers = headers
        self.form = form


def build(params: Params, bucket: str, place: Place) -> S3Request:
    """Return the request that the params, which are at `place`, describe. Raises ResourceError."""
    method = params.method or "GET"
    if method not in READ_METHODS:
        for option in ("file_name", "disposition", *RESPONSE_OVERRIDES):
            _check_unset(params, option, "GET or HEAD", method, place)
    if method not in WRITE_METHODS:
        for option in UPLOAD_HEADERS:
            _check_unset(params, option, "PUT or POST", method, place)
    elif params.version_id is not None:
        problem = f"cannot be used with {method}: an upload always creates a new version"
        raise ResourceError((*place, "version_id"), problem)
    if method != "POST":
        for option in FORM_OPTIONS:
            _check_unset(params, option, "POST", method, place)
    key = _key(params, bucket, place)
    return S3Request(method, key, _query(params, place), _headers(params, place))


def _check_unset(params: Params, option: str, allowed: str, method: str, place: Place) -> None:
    if getattr(params, option) is not None:
        problem = f"can only be used with method {allowed} (method is {method})"
        raise ResourceError((*place, option), problem)


def _key(params: Params, bucket: str, place: Place) -> str:
    if params.s3_uri is not None:
        place = (*place, "s3_uri")
        if params.file_path is not None:
            raise ResourceError(place, "cannot be combined with file_path")
        start = f"s3://{bucket}/"
        key = params.s3_uri.removeprefix(start)
        if not key or key == params.s3_uri:
            problem = f"must start with {start} (the bucket in source), followed by a key"
            raise ResourceError(place, problem)
    elif params.file_path is not None:
        place, key = (*place, "file_path"), params.file_path
    else:
        hint = " (for a put step, in get_params)" if place == ("params",) else ""
        problem = f"required: the key of the object, such as folder/file.txt{hint}"
        raise ResourceError((*place, "file_path"), problem)
    size = len(key.encode())
    if size > _MAX_KEY:
        raise ResourceError(place, f"must be at most {_MAX_KEY} bytes of UTF-8, got {size}")
    return key


def key_warnings(key: str) -> list[str]:
    """Return what is suspicious about a key."""
    warnings = []
    # clients remove these segments (RFC 3986)
    if "." in key and not {".", ".."}.isdisjoint(key.split("/")):
        warnings.append(
            "the key has . or .. segments, which most clients collapse: "
            "download it with curl --path-as-is"
        )
    if key[-1:].isspace():
        warnings.append(
            f"the key ends in {key[len(key.rstrip()) :]!r}, which is part of it: "
            "remove it, or load the variable with format: trim"
        )
    return warnings


def _query(params: Params, place: Place) -> list[tuple[str, str]]:
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
    if params.request_payer is not None:  # in the query, so that a browser can use the URL
        query.append(("x-amz-request-payer", params.request_payer))
    return query


def _headers(params: Params, place: Place) -> dict[str, str]:
    uses_kms = (params.server_side_encryption or "").startswith("aws:kms")
    if params.sse_kms_key_id is not None and not uses_kms:
        problem = "requires server_side_encryption: aws:kms (or aws:kms:dsse)"
        raise ResourceError((*place, "sse_kms_key_id"), problem)
    values = (
        (name, _header_value(params, option, place)) for option, name in UPLOAD_HEADERS.items()
    )
    return {name: value for name, value in values if value is not None}


def _header_value(params: Params, option: str, place: Place) -> str | None:
    value: str | None = getattr(params, option)
    if value is not None and not is_header_value(value):
        problem = "must be printable ASCII, without leading or trailing spaces"
        raise ResourceError((*place, option), problem)
    return value


def is_header_value(value: str) -> bool:
    """Whether clients send this value of a header unchanged."""
    return value.isascii() and value.isprintable() and value == value.strip()


def _content_disposition(params: Params, place: Place) -> str | None:
    """Return the `Content-Disposition` of the download (RFC 6266), or None for the object's own.

    Browsers decode `%`, `=?` and escapes in `filename` (RFC 6266, appendix D), so a name with them
    is in `filename*`, which is exact.
    """
    if params.file_name is None:
        return params.disposition
    name = params.file_name
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in name):
        problem = "must not contain control characters, such as line breaks or tabs"
        raise ResourceError((*place, "file_name"), problem)
    plain = name
    if not name.isascii() or "%" in name or '"' in name or "\\" in name or "=?" in name:
        plain = "".join(c if c < "\x7f" and c not in '%"\\' else "_" for c in name)
        plain = plain.replace("=?", "__")
    value = f'{params.disposition or "attachment"}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{uri_encode(name, _ATTR_CHAR)}"


def _check_http_date(value: str, place: Place) -> None:
    from datetime import datetime

    form = "%a, %d %b %Y %H:%M:%S GMT"
    try:
        if datetime.strptime(value, form).strftime(form) == value:  # so the day must be right too
            return
    except ValueError:
        pass
    raise ResourceError(place, "must be an HTTP date, such as Wed, 21 Oct 2026 07:28:00 GMT")
