"""The output of a signed URL: files, metadata, log line."""

import msgspec

from . import destination, duration, lifetime
from .protocol import Metadatum, Params, Place, ResourceError
from .request import FORM_OPTIONS, RESPONSE_OVERRIDES, SECRET_HEADERS, UPLOAD_HEADERS
from .signing import SignedUrl

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs start-up time
    from collections.abc import Mapping

# The options that are shown on the build page, as they were written. Build pages may be public:
# never a secret.
_SHOWN = (
    *("version_id", "file_name", "disposition"),
    *RESPONSE_OVERRIDES,
    *UPLOAD_HEADERS,
    "request_payer",
    *FORM_OPTIONS,
    "verify",
)


def files(signed: SignedUrl, params: Params, place: Place) -> dict[str, str]:
    """Return every file of one URL, as relative path and text.

    Raises ResourceError if `url_file` leaves the destination, or conflicts with another file.
    """
    place = (*place, "url_file")
    url_file = "/".join(destination.split(params.url_file or "url", place))
    others = {"expires_at": lifetime.timestamp(signed.expires_at), "s3_uri": signed.s3_uri}
    if signed.request.headers:
        others["headers.json"] = to_json(signed.request.headers)
    if signed.fields:
        others["fields.json"] = to_json(signed.fields)
    if signed.request.headers or signed.fields:
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


def description(signed: SignedUrl) -> dict[str, object]:
    """Return what a user of a URL needs, as one map."""
    return {
        "url": signed.url,
        "method": signed.request.method,
        "headers": signed.request.headers,
        **({"fields": signed.fields} if signed.fields else {}),
        "expires_at": lifetime.timestamp(signed.expires_at),
        "s3_uri": signed.s3_uri,
    }


def to_json(value: "Mapping[str, object]") -> str:
    """Return a map as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _curl_config(signed: SignedUrl) -> str:
    """Return a config file for curl with everything but the body, or the file of a form."""
    options = [("url", signed.url)]
    if signed.fields:
        options += [("form-string", f"{name}={value}") for name, value in signed.fields.items()]
    else:
        if signed.request.method != "HEAD":  # for which curl would wait for a body
            options.insert(0, ("request", signed.request.method))
        headers = signed.request.headers.items()
        options += [("header", f"{name}: {value}") for name, value in headers]
    head = "head\n" if signed.request.method == "HEAD" else ""
    lines = (f"{option} = {_quote(value)}\n" for option, value in options)
    return f"path-as-is\n{head}{''.join(lines)}"


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def log_line(signed: SignedUrl) -> str:
    """Return the line for the build log."""
    end, length = lifetime.timestamp(signed.expires_at), duration.short(signed.expires_in)
    headers = "".join(
        f"; send with it: {name}: {value}" for name, value in _shown_headers(signed).items()
    )
    return f"signed {signed.request.method} {signed.s3_uri}, valid until {end} ({length}){headers}"


def _shown_headers(signed: SignedUrl) -> dict[str, str]:
    """Return the headers of a request without the keys of SSE-C."""
    headers = signed.request.headers.items()
    return {name: "***" if name in SECRET_HEADERS else value for name, value in headers}


def metadata(signed: SignedUrl, params: Params) -> list[Metadatum]:
    """Return the rows of the build page: never the URL."""
    shown = {option: getattr(params, option) for option in _SHOWN}
    further = {}
    if params.headers is not None:
        options = UPLOAD_HEADERS.values()
        headers = _shown_headers(signed).items()
        further = {name: value for name, value in headers if name not in options}
    return rows(
        {
            "bucket": signed.bucket.name,
            "key": signed.request.key,
            "region": signed.bucket.region,
            "host": signed.bucket.netloc,
            "method": signed.request.method,
            "expires_at": lifetime.timestamp(signed.expires_at),
            **{option: str(value) for option, value in shown.items() if value is not None},
            **further,
        }
    )


def summary(signed: dict[str, SignedUrl]) -> list[Metadatum]:
    """Return the rows of the build page for several URLs, with the earliest expiry."""
    bucket = next(iter(signed.values())).bucket
    requests = {name: one.request for name, one in signed.items()}
    return rows(
        {
            "bucket": bucket.name,
            "region": bucket.region,
            "host": bucket.netloc,
            "expires_at": lifetime.timestamp(min(one.expires_at for one in signed.values())),
            **{f"files.{name}": f"{one.method} {one.key}" for name, one in requests.items()},
        }
    )


def rows(values: dict[str, str]) -> list[Metadatum]:
    """Return metadata in Concourse's format."""
    return [Metadatum(name=name, value=value) for name, value in values.items()]
