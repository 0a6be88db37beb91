"""`verify`: sends a request to S3 before the URL is written, and explains a refusal.

The request is a GET of the first byte, even for `head`, because S3 gives no reason in its response
to a HEAD. The reasons: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from urllib3.exceptions import HTTPError

from .. import duration
from ..lifetime import EXPIRED
from ..protocol import Place, ResourceError
from ..request import READ_METHODS
from . import http
from .tls import Tls

if TYPE_CHECKING:
    from ..protocol import Warn

PROBE_LIFETIME = 300  # seconds; of the URL that `head` signs for itself
_MIN_SKEW = 120  # seconds from which a clock is reported as wrong
_MAX_RESPONSE = 65536  # bytes that are read of a response


Meaning = tuple[str, str]  # the field that is wrong, and the problem
_UNKNOWN_KEY = "credentials", "unknown access key: deleted, or from another provider or partition?"
_MEANINGS: dict[str, Meaning] = {
    "NoSuchVersion": ("version_id", "no such version of {uri}"),
    "NoSuchBucket": ("bucket", "no such bucket"),
    "NoSuchAccessPoint": ("bucket", "no such access point"),
    "MethodNotAllowed": ("version_id", "this version is a delete marker"),
    "InvalidObjectState": ("key", "{uri} is archived (S3 Glacier) and must be restored first"),
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "XAdminUserNotFound": _UNKNOWN_KEY,  # Versity S3 Gateway's
    "ExpiredToken": ("credentials", EXPIRED),
    "TokenRefreshRequired": ("credentials", EXPIRED),
    "InvalidToken": ("credentials", "invalid session token: copy it together with its two keys"),
    "SignatureDoesNotMatch": (
        "credentials",
        "signature mismatch: wrong secret key, or a proxy rewrites host or path",
    ),
}


class Target(NamedTuple):
    """What to verify, and the names of its fields for errors. `method` is the presigned one."""

    url: str
    method: str
    mode: str
    s3_uri: str
    region: str
    place: Place
    key_field: str
    bucket_field: str
    has_version: bool


class Response(NamedTuple):
    """A response of S3. `code`, `message` and `region` are from the XML of an error, or empty."""

    status: int
    headers: Any
    code: str
    message: str
    region: str

    @property
    def clock_skew(self) -> int:
        """Seconds by which this machine's clock is ahead of S3's, rounded to minutes, 0 if few."""
        try:
            theirs = parsedate_to_datetime(self.headers.get("date", "")).timestamp()
        except ValueError:
            return 0
        skew = 60 * round((time.time() - theirs) / 60)
        return skew if abs(skew) >= _MIN_SKEW else 0


def check(target: Target, tls: Tls | None, warn: "Warn") -> None:
    """Raise ResourceError unless S3 returns the object.

    An upload or a deletion is never tried, because trying it would perform it; a warning says so.
    """
    place = (*target.place, "verify")
    if target.method not in READ_METHODS:
        warn(place, f"skipped: verifying a {target.method} would perform it")
        return
    method = target.method if target.mode == "url" else "GET"
    response = _send(method, target.url, tls, place)
    # 416 means that an empty object has no first byte
    if response.status not in (200, 206, 416):
        raise _refusal(response, target)


def _send(method: str, url: str, tls: Tls | None, place: Place) -> Response:
    """Return S3's response to a request for the first byte. Redirects are not followed.

    Transient errors are retried twice. Raises ResourceError of `place`.
    """
    with http.request(place, http.host(url)):
        session = http.Session(tls, url)
        attempt = 0
        while True:
            attempt += 1
            try:
                response = _receive(session, method, url)
                if response.status < 500 or attempt == http.ATTEMPTS:
                    return response
            except http.RETRYABLE:
                if attempt == http.ATTEMPTS:
                    raise
            time.sleep(attempt * 0.2)


def _receive(session: http.Session, method: str, url: str) -> Response:
    first_byte = HeadersDict({"Range": "bytes=0-0"})
    response = session.send(AWSPreparedRequest(method, url, first_byte, None, stream_output=True))
    try:
        failed = response.status_code >= 300
        body = response.raw.read(_MAX_RESPONSE, decode_content=False) if failed else b""
        # of limited size, and expat stops entity expansion
        error = ElementTree.fromstring(body)  # noqa: S314
    except (HTTPError, ElementTree.ParseError):  # no usable XML error: fall back to the status
        error = ElementTree.Element("Error")
    code, message, region = (error.findtext(name, "") for name in ("Code", "Message", "Region"))
    region = response.headers.get("x-amz-bucket-region", region)
    return Response(response.status_code, response.headers, code, message, region)


def _refusal(response: Response, target: Target) -> ResourceError:
    """Return what a response that is not the object means, and what to do."""
    field, problem = (
        _clock(response, target)
        or _region(response, target)
        or _by_code(response)
        or _by_status(response)
    )
    places: dict[str, Place] = {
        "clock": ("clock",),
        "credentials": ("credentials",),
        "bucket": ("source", target.bucket_field),
        "region_name": ("source", "region_name"),
        "key": (*target.place, target.key_field),
    }
    action = "s3:GetObjectVersion" if target.has_version else "s3:GetObject"
    problem = problem.format(uri=target.s3_uri, host=http.host(target.url), action=action)
    return ResourceError(places.get(field, (*target.place, field)), problem)


def _clock(response: Response, target: Target) -> Meaning | None:
    skew = response.clock_skew
    if response.status not in (400, 403) or not skew:
        return None
    difference = f"{duration.words(abs(skew))} {'ahead of' if skew > 0 else 'behind'}"
    return "clock", f"this machine's clock is {difference} {{host}}'s: enable NTP"


def _region(response: Response, target: Target) -> Meaning | None:
    if response.status in (301, 307, 400) and response.region not in ("", target.region):
        return "region_name", f"wrong region: the bucket is in {_literal(response.region)}"
    if response.status in (301, 302, 303, 307, 308):
        to = _literal(_redirect_host(response))
        return (
            "verify",
            f"{{host}} redirects{to}, where the signature is invalid: fix endpoint or region_name",
        )
    return None


def _by_code(response: Response) -> Meaning | None:
    code, message = response.code, response.message
    if code == "AccessDenied" and "expired" in message:
        return "expires_in", "the URL expired before it could be verified: increase expires_in"
    if code.startswith("KMS.") or (response.status == 403 and "kms" in message.lower()):
        return (
            "key",
            "encrypted with a KMS key the signer cannot use: it needs kms:Decrypt, and the key "
            "must be enabled",
        )
    return _MEANINGS.get(code)


def _by_status(response: Response) -> Meaning:
    if response.status == 403:
        return "verify", (
            "access denied: the signer lacks {action} on {uri}, or the object does not exist "
            "(without s3:ListBucket S3 reports both alike)"
        )
    if response.status == 404:
        return "key", "object not found: {uri}"
    return "verify", f"{{host}} responded with {response.status} {_literal(response.code)}".rstrip()


def _literal(text: str) -> str:
    """Return a text of the server's for a template."""
    return text.replace("{", "{{").replace("}", "}}")


def _redirect_host(response: Response) -> str:
    """Return ` to HOST`, without path and query, which may hold a signature."""
    location = response.headers.get("location", "")
    host = location.partition("//")[2].partition("/")[0].partition("?")[0]
    return f" to {host}" if host else ""
