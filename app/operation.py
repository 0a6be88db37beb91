"""What one URL lets its holder do: the method, the object, and the query and headers that go with it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (with its response overrides), API_HeadObject,
API_PutObject and API_DeleteObject.
"""

from msgspec import Struct

from .protocol import ResourceError, UrlParams
from .sigv4 import uri_encode

_LONGEST_KEY = 1024
_READ_ONLY = {
    "response_content_type": "response-content-type",
    "response_cache_control": "response-cache-control",
    "response_content_language": "response-content-language",
    "response_content_encoding": "response-content-encoding",
    "response_expires": "response-expires",
}
_PUT_ONLY = {
    "content_type": "content-type",
    "acl": "x-amz-acl",
    "server_side_encryption": "x-amz-server-side-encryption",
    "sse_kms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
}
# RFC 8187, attr-char: what may stand unencoded in `filename*`
_ATTRIBUTE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"


class Operation(Struct, frozen=True):
    """One request to S3, but for its signature; names in `query` and `headers` are those on the wire."""

    method: str
    key: str
    query: list[tuple[str, str]]
    headers: dict[str, str]


def of(params: UrlParams, bucket: str, path: str) -> Operation:
    """Return what the params ask for. Raises ResourceError, with `path` before the name of the field."""
    method = params.method or "GET"
    reads = method in ("GET", "HEAD")
    for option in ("file_name", "disposition", *_READ_ONLY):
        if getattr(params, option) is not None and not reads:
            raise ResourceError(f"{path}.{option}", f"only with method GET or HEAD, got {method}")
    for option in _PUT_ONLY:
        if getattr(params, option) is not None and method != "PUT":
            raise ResourceError(f"{path}.{option}", f"only with method PUT, got {method}")
    if params.version_id is not None and method == "PUT":
        raise ResourceError(f"{path}.version_id", "not with method PUT, which makes a new version of the object")
    return Operation(method, key(params, bucket, path), _query(params, path), _headers(params, path))


def key(params: UrlParams, bucket: str, path: str) -> str:
    """Return the key exactly as S3 has it. Raises ResourceError when there is none or it cannot be one."""
    field, name = f"{path}.file_path", params.file_path
    if params.s3_uri is not None:
        if name is not None:
            raise ResourceError(f"{path}.s3_uri", "stands for file_path: set only one of them")
        field, start = f"{path}.s3_uri", f"s3://{bucket}/"
        name = params.s3_uri.removeprefix(start)
        if not name or name == params.s3_uri:
            raise ResourceError(field, f"must be {start} (the bucket of the source) and then a key")
    if name is None:
        hint = " (for a put step, in its get_params)" if path == "params" else ""
        raise ResourceError(field, f"required: the key of the object, such as folder/file.txt{hint}")
    size = len(name.encode())
    if size > _LONGEST_KEY:
        raise ResourceError(field, f"must be at most {_LONGEST_KEY} bytes of UTF-8, got {size}")
    return name


def has_dot_segments(name: str) -> bool:
    """Whether most clients would ask for another key than this one: RFC 3986 has them collapse `.` and `..`."""
    return "." in name and not {".", ".."}.isdisjoint(name.split("/"))


def _query(params: UrlParams, path: str) -> list[tuple[str, str]]:
    query = []
    disposition = content_disposition(params, path)
    if disposition is not None:
        query.append(("response-content-disposition", disposition))
    query += _header_values(params, _READ_ONLY, path)
    if params.response_expires is not None:
        _check_http_date(params.response_expires, f"{path}.response_expires")
    if params.version_id is not None:
        query.append(("versionId", params.version_id))
    return query


def _headers(params: UrlParams, path: str) -> dict[str, str]:
    if params.sse_kms_key_id is not None and not (params.server_side_encryption or "").startswith("aws:kms"):
        raise ResourceError(
            f"{path}.sse_kms_key_id", "only together with server_side_encryption: aws:kms (or aws:kms:dsse)"
        )
    return dict(_header_values(params, _PUT_ONLY, path))


def _header_values(params: UrlParams, names: dict[str, str], path: str) -> list[tuple[str, str]]:
    found = [(option, getattr(params, option)) for option in names]
    for option, value in found:
        if value is not None and not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ResourceError(f"{path}.{option}", "must be printable ASCII, as the value of an HTTP header is")
    return [(names[option], value) for option, value in found if value is not None]


def content_disposition(params: UrlParams, path: str) -> str | None:
    """Return the `Content-Disposition` of the download (RFC 6266), or None to leave it as the object has it."""
    if params.file_name is None:
        return params.disposition
    name = params.file_name
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in name):
        raise ResourceError(f"{path}.file_name", "must not have control characters, such as line breaks or tabs")
    ascii_name = "".join(character if character < "\x7f" else "_" for character in name)
    quoted = ascii_name.replace("\\", "\\\\").replace('"', '\\"')
    value = f'{params.disposition or "attachment"}; filename="{quoted}"'
    return value if name.isascii() else f"{value}; filename*=UTF-8''{uri_encode(name, _ATTRIBUTE)}"


def _check_http_date(value: str, field: str) -> None:
    from datetime import datetime

    form = "%a, %d %b %Y %H:%M:%S GMT"
    try:
        if datetime.strptime(value, form).strftime(form) == value:  # so the day of the week has to be right as well
            return
    except ValueError:
        pass
    raise ResourceError(field, "must be an HTTP date, such as Wed, 21 Oct 2026 07:28:00 GMT")
