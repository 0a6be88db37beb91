"""The output of a signed URL: files, metadata, log line."""

import msgspec

from . import destination, duration, lifetime
from .protocol import Metadatum, Place, ResourceError, UrlParams
from .request import PUT_HEADERS, RESPONSE_OVERRIDES
from .signing import SignedUrl

# The options that are shown on the build page, as they were written. Build pages may be public:
# never a secret.
_SHOWN = ("version_id", "file_name", "disposition", *RESPONSE_OVERRIDES, *PUT_HEADERS, "verify")


def files(signed: SignedUrl, params: UrlParams, place: Place) -> dict[str, str]:
    """Return every file of one URL, as relative path and text.

    Raises ResourceError if `url_file` leaves the destination, or conflicts with another file.
    """
    place = (*place, "url_file")
    url_file = "/".join(destination.split(params.url_file or "url", place))
    others = {"expires_at": lifetime.timestamp(signed.expires_at), "s3_uri": signed.s3_uri}
    if signed.request.headers:
        others["headers.json"] = to_json(signed.request.headers)
        others["curl.conf"] = _curl_config(signed)
    first = url_file.partition("/")[0]
    if first in others:
        raise ResourceError(place, f"conflicts with a file this step writes: {first}")
    return {url_file: signed.url, **others}


def collect(signed: dict[str, SignedUrl], files_of: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the files of several URLs, each in its own directory, and one file with all URLs.

    That one is a map, because Concourse's `load_var` redacts strings in maps only.
    """
    nested = {
        f"{name}/{path}": text for name, own in files_of.items() for path, text in own.items()
    }
    return {**nested, "urls.json": to_json({name: one.url for name, one in signed.items()})}


def to_json(value: dict[str, str]) -> str:
    """Return a map as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _curl_config(signed: SignedUrl) -> str:
    """Return a config file for curl with method, URL and headers: only the body is missing."""
    options = [("request", signed.request.method), ("url", signed.url)]
    options += [("header", f"{name}: {value}") for name, value in signed.request.headers.items()]
    return "path-as-is\n" + "".join(f"{option} = {_quote(value)}\n" for option, value in options)


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def log_line(signed: SignedUrl) -> str:
    """Return the line for the build log."""
    end, length = lifetime.timestamp(signed.expires_at), duration.short(signed.expires_in)
    headers = "".join(
        f"; send with it: {name}: {value}" for name, value in signed.request.headers.items()
    )
    return f"signed {signed.request.method} {signed.s3_uri}, valid until {end} ({length}){headers}"


def metadata(signed: SignedUrl, params: UrlParams) -> list[Metadatum]:
    """Return the rows of the build page: never the URL."""
    asked_for = {
        option: value for option in _SHOWN if (value := getattr(params, option)) is not None
    }
    return rows(
        bucket=signed.bucket.name,
        key=signed.request.key,
        region=signed.bucket.region,
        host=signed.bucket.netloc,
        method=signed.request.method,
        expires_at=lifetime.timestamp(signed.expires_at),
        **asked_for,
    )


def summary(signed: dict[str, SignedUrl]) -> list[Metadatum]:
    """Return the rows of the build page for several URLs, with the earliest expiry."""
    bucket = next(iter(signed.values())).bucket
    return rows(
        bucket=bucket.name,
        region=bucket.region,
        host=bucket.netloc,
        expires_at=lifetime.timestamp(min(one.expires_at for one in signed.values())),
        **{
            f"files.{name}": f"{one.request.method} {one.request.key}"
            for name, one in signed.items()
        },
    )


def rows(**values: str) -> list[Metadatum]:
    """Return metadata in Concourse's format."""
    return [Metadatum(name=name, value=value) for name, value in values.items()]
