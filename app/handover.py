"""What a signed URL leaves behind: the files of its folder, the rows of the build page, the line in the log."""

import msgspec

from . import duration, lifetime
from .delivery import segments
from .protocol import Metadatum, ResourceError, UrlParams
from .signing import SignedUrl

# The options that show on the build page as they were written.
_ASKED_FOR = (
    "version_id",
    "file_name",
    "disposition",
    "response_content_type",
    "response_cache_control",
    "response_content_language",
    "response_content_encoding",
    "response_expires",
    "content_type",
    "acl",
    "server_side_encryption",
    "sse_kms_key_id",
    "verify",
)


def files(signed: SignedUrl, params: UrlParams, path: str) -> dict[str, str]:
    """Return relative path and text of every file for one URL.

    Raises ResourceError when `url_file` is no path inside the destination, or one of the other files.
    """
    field = f"{path}.url_file"
    url_file = "/".join(segments(params.url_file or "url", field))
    beside = {"expires_at": lifetime.timestamp(signed.expires_at), "s3_uri": signed.s3_uri}
    if signed.headers:
        beside["headers.json"] = json(signed.headers)
        beside["curl.conf"] = _curl_config(signed)
    if url_file.split("/")[0] in beside:
        raise ResourceError(field, f"is taken by another file of this step: {url_file.split('/')[0]}")
    return {url_file: signed.url, **beside}


def collected(signed: dict[str, SignedUrl], files: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the files of several URLs, each in the folder of its name, and one with all URLs.

    That one is a map, since Concourse's `load_var` redacts the strings of maps only.
    """
    below = {f"{name}/{relative}": text for name, own in files.items() for relative, text in own.items()}
    return {**below, "urls.json": json({name: one.url for name, one in signed.items()})}


def json(value: dict[str, str]) -> str:
    """Return a map as JSON for people and programs alike."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _curl_config(signed: SignedUrl) -> str:
    """Return all of the request that the signature covers, for `curl --config`: only the body is left to add."""
    options = [("request", signed.method), ("url", signed.url)]
    options += [("header", f"{name}: {value}") for name, value in signed.headers.items()]
    return "path-as-is\n" + "".join(f"{option} = {_quoted(value)}\n" for option, value in options)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def line(signed: SignedUrl) -> str:
    """Return the one line that a person reads in the build log."""
    end, length = lifetime.timestamp(signed.expires_at), duration.short(signed.expires_in)
    headers = "".join(f"; send with it: {name}: {value}" for name, value in signed.headers.items())
    return f"signed {signed.method} {signed.s3_uri}, valid until {end} ({length}){headers}"


def metadata(signed: SignedUrl, params: UrlParams, region: str) -> dict[str, str]:
    """Return what a person wants to see on the build page: public there, so never the URL or a part of it."""
    return {
        "bucket": signed.bucket,
        "key": signed.key,
        "region": region,
        "host": signed.host,
        "method": signed.method,
        "expires_at": lifetime.timestamp(signed.expires_at),
        **{option: value for option in _ASKED_FOR if (value := getattr(params, option)) is not None},
    }


def summary(signed: dict[str, SignedUrl], region: str) -> dict[str, str]:
    """Return what a person wants to see of several URLs: each object under its name, and the earliest end."""
    some = next(iter(signed.values()))
    return {
        "bucket": some.bucket,
        "region": region,
        "host": some.host,
        "expires_at": lifetime.timestamp(min(one.expires_at for one in signed.values())),
        **{f"files.{name}": f"{one.method} {one.key}" for name, one in signed.items()},
    }


def rows(values: dict[str, str]) -> list[Metadatum]:
    """Return metadata as Concourse wants it."""
    return [Metadatum(name=name, value=value) for name, value in values.items()]
