"""`verify`: sends a request to S3 before the URL is written, and explains a refusal.

The request is a GET of the first byte, even for `head`, because S3 gives no reason in its response
to a HEAD. What would change an object is not sent; the bucket is listed instead, whose response
depends on address, region and credentials too. The reasons of Amazon S3:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

import re
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from urllib3.exceptions import HTTPError

from .. import duration
from ..lifetime import EXPIRED
from ..messages.redaction import redact
from ..protocol import Place, ResourceError
from . import http
from .tls import Tls

if TYPE_CHECKING:
    from ..protocol import Warn

PROBE_LIFETIME = 300  # seconds; of the URLs that only this program uses
_MIN_SKEW = 120  # seconds from which a clock is reported as wrong
_MAX_RESPONSE = 65536  # bytes that are read of a response
_MAX_MESSAGE = 200  # characters of the server's message that are passed on
# One of these is in every response of Amazon S3 and of the servers that speak its protocol.
_VENDOR_HEADERS = ("x-amz-", "x-goog-", "x-rgw-", "x-minio-", "x-oss-", "x-obs-", "x-cos-", "opc-")


class Target(NamedTuple):
    """A request that verifies a URL, and the names of its fields for errors.

    `changes` is the method of the URL if that would change the object: then the request lists the
    bucket. `secrets` are removed from what the server responds.
    """

    url: str
    method: str
    headers: dict[str, str]
    changes: str | None
    s3_uri: str
    region: str
    place: Place
    key_field: str
    bucket_field: str
    has_version: bool
    secrets: frozenset[str]


class Response(NamedTuple):
    """A response of a server. `code`, `message` and `region` are from the XML of an error."""

    status: int
    headers: Any
    code: str
    message: str
    region: str
    has_body: bool

    @property
    def is_s3(self) -> bool:
        """Whether a server that speaks the protocol of S3 has sent it, and not any web server."""
        names = [name.lower() for name in self.headers]
        return bool(self.code) or any(name.startswith(_VENDOR_HEADERS) for name in names)

    @property
    def has_object(self) -> bool:
        """Whether it is the response to a request for the first byte of an existing object."""
        if self.status == 206:
            return "content-range" in self.headers
        # 416: an empty object has no first byte; 304: a condition in the URL's own headers
        return self.status in (304, 416) or (self.status == 200 and self.is_s3)

    @property
    def clock_skew(self) -> int:
        """Seconds by which this machine's clock is ahead of S3's, rounded to minutes, 0 if few."""
        try:
            theirs = parsedate_to_datetime(self.headers.get("date", "")).timestamp()
        except ValueError:
            return 0
        skew = 60 * round((time.time() - theirs) / 60)
        return skew if abs(skew) >= _MIN_SKEW else 0


Meaning = tuple[str, str]  # the field that is wrong, and the problem

_SIGNATURE = "credentials", "signature mismatch: wrong secret key, or a proxy rewrites host or path"
_UNKNOWN_KEY = "credentials", "unknown access key: deleted, or from another provider or partition?"
_NO_BUCKET = "bucket", "no such bucket"
_JUST_STATUS = "responded with {said}"
_PROXY_LOGIN = "the proxy requires authentication (407): set HTTPS_PROXY=http://USER:PASSWORD@HOST"
_MEANINGS: dict[str, Meaning] = {
    "NoSuchVersion": ("version_id", "no such version of {uri}"),
    "NoSuchBucket": _NO_BUCKET,
    "BucketNotFound": _NO_BUCKET,  # Oracle Cloud
    "NoSuchAccessPoint": ("bucket", "no such access point"),
    "MethodNotAllowed": ("version_id", "this version is a delete marker"),
    "InvalidObjectState": ("key", "{uri} is archived (S3 Glacier) and must be restored first"),
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "XAdminUserNotFound": _UNKNOWN_KEY,  # Versity S3 Gateway
    "InvalidSecurity": _UNKNOWN_KEY,  # Google Cloud Storage
    "ExpiredToken": ("credentials", EXPIRED),
    "TokenRefreshRequired": ("credentials", EXPIRED),
    "InvalidToken": ("credentials", "invalid session token: copy it together with its two keys"),
    "SignatureDoesNotMatch": _SIGNATURE,
    "RequestTimeTooSkewed": ("clock", "this machine's clock is wrong: enable NTP"),
    "IllegalLocationConstraintException": ("region_name", "wrong region: {message}"),
    "InvalidRegionName": ("region_name", "wrong region: {message}"),  # Cloudflare R2
    "SlowDown": ("verify", "too many requests: {message}"),
}
# For codes that do not say enough: a part of the message in lower case.
_BY_MESSAGE: tuple[tuple[str, str, Meaning], ...] = (
    ("AccessDenied", "expired", ("expires_in", "the URL expired before it could be verified")),
    ("AccessDenied", "no such key", _UNKNOWN_KEY),  # Garage
    ("AccessDenied", "signature", _SIGNATURE),  # Garage
    ("AccessDenied", "kms", ("key", "{kms}")),
    ("KMS.", "", ("key", "{kms}")),
    ("InvalidArgument", "version id", ("version_id", "invalid: {message}")),
    ("InvalidArgument", "access key", ("credentials", "invalid access key: {message}")),
    ("Authorization", "region", ("region_name", "wrong region: {message}")),
    ("Authorization", "scope", ("region_name", "wrong region: {message}")),
)
_KMS = (
    "encrypted with a KMS key the signer cannot use: "
    "it needs kms:Decrypt, and the key must be enabled"
)


def check(targets: Sequence[Target], tls: Tls | None, warn: "Warn") -> None:
    """Raise ResourceError unless S3 returns every object. All requests share one time limit."""
    sessions: dict[str, http.Session] = {}
    with http.time_limit():
        for target in targets:
            place = (*target.place, "verify")
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(target.url))
            with http.request(place, http.host(target.url)):
                if origin not in sessions:
                    sessions[origin] = http.Session(tls, target.url)
                response = _send(sessions[origin], target)
            if target.changes:
                if not (response.status == 200 and response.is_s3) and not _is_denied(response):
                    raise _refusal(response, target)
                warn(
                    place,
                    f"checked the bucket, its region and the credentials, but not whether the "
                    f"{target.changes} is allowed: that would perform it",
                )
            elif not response.has_object:
                raise _refusal(response, target)


def _is_denied(response: Response) -> bool:
    """Whether the signer may not list the bucket, but the signature is right."""
    return response.code == "AccessDenied" and _meaning(response)[0] == "verify"


def _send(session: http.Session, target: Target) -> Response:
    """Return S3's response. Redirects are not followed; transient errors are retried twice."""
    attempt = 0
    while True:
        attempt += 1
        try:
            response = _receive(session, target)
            if response.status < 500 or attempt == http.ATTEMPTS:
                return response
        except http.RETRYABLE:
            if attempt == http.ATTEMPTS:
                raise
        time.sleep(attempt * 0.2)


def _receive(session: http.Session, target: Target) -> Response:
    first_byte = {} if target.changes else {"Range": "bytes=0-0"}
    headers = HeadersDict({**first_byte, **target.headers})
    request = AWSPreparedRequest(target.method, target.url, headers, None, stream_output=True)
    response = session.send(request)
    body = b""
    try:
        body = response.raw.read(_MAX_RESPONSE, decode_content=False)
        # of limited size, and expat stops entity expansion
        error = ElementTree.fromstring(body if response.status_code >= 300 else b"")  # noqa: S314
    except (HTTPError, ElementTree.ParseError):  # no usable XML error: fall back to the status
        error = ElementTree.Element("Error")
    code, message, region = (_find(error, name) for name in ("Code", "Message", "Region"))
    message = redact(" ".join(message.split()), set(target.secrets))[:_MAX_MESSAGE]
    region = response.headers.get("x-amz-bucket-region", region)
    if not region and (expected := re.search(r"expecting '([\w-]+)'", message)):
        region = expected[1]
    return Response(
        response.status_code, response.headers, code, message, region, has_body=bool(body)
    )


def _find(error: ElementTree.Element, name: str) -> str:
    """Return the text of the first element of this name, at any depth and in any namespace."""
    elements = (one for one in error.iter() if str(one.tag).rpartition("}")[2] == name)
    return next((one.text or "" for one in elements), "")


def _refusal(response: Response, target: Target) -> ResourceError:
    """Return what a response that is not the object means, and what to do."""
    host = http.host(target.url)
    field, problem = _clock(response, host) or _region(response, target) or _meaning(response)
    places: dict[str, Place] = {
        "clock": ("clock",),
        "credentials": ("credentials",),
        "bucket": ("source", target.bucket_field),
        "region_name": ("source", "region_name"),
        "key": (*target.place, target.key_field),
    }
    words = {
        "uri": target.s3_uri,
        "action": "s3:GetObjectVersion" if target.has_version else "s3:GetObject",
        "kms": _KMS,
        "message": response.message,
        "said": f"{response.status} {response.code}".strip(),
        "region": response.region,
        "redirect": _redirect_host(response),
    }
    place = places.get(field, (*target.place, field))
    return ResourceError(place, f"{host}: {problem.format_map(words)}")


def _clock(response: Response, host: str) -> Meaning | None:
    skew = response.clock_skew
    if response.status not in (400, 403) or not skew:
        return None
    difference = f"{duration.words(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the server's"
    return "clock", f"this machine's clock is {difference}: enable NTP"


def _region(response: Response, target: Target) -> Meaning | None:
    if response.status in (301, 307, 400) and response.region not in ("", target.region):
        return "region_name", "wrong region: the bucket is in {region}"
    if response.status in (301, 302, 303, 307, 308):
        return (
            "verify",
            "redirects{redirect}, where the signature is invalid: fix endpoint or region_name",
        )
    return None


def _meaning(response: Response) -> Meaning:
    """Return what code, message and status of a response mean, in this order."""
    message = response.message.lower()
    for code, part, meaning in _BY_MESSAGE:
        if response.code.startswith(code) and part in message:
            return meaning
    return _MEANINGS.get(response.code) or _by_status(response)


def _by_status(response: Response) -> Meaning:
    is_delete_marker = response.headers.get("x-amz-delete-marker", "").lower() == "true"
    match response.status:
        case 407:
            return "verify", _PROXY_LOGIN
        case 405 if is_delete_marker:
            return _MEANINGS["MethodNotAllowed"]
        case 404 if is_delete_marker:
            return "key", "object not found: {uri} (its latest version is a delete marker)"
    if response.has_body and not response.is_s3:
        return (
            "verify",
            "responded with {said}, but not like S3: check the address, and proxies in between",
        )
    match response.status:
        case 401:
            return "credentials", "the credentials were rejected"
        case 403:
            return (
                "verify",
                "access denied: the signer lacks {action} on {uri}, or the object does not exist "
                "(without s3:ListBucket S3 reports both alike)",
            )
        case 404:
            return "key", "object not found: {uri}"
    return "verify", "responded with {said}: {message}" if response.message else _JUST_STATUS


def _redirect_host(response: Response) -> str:
    """Return ` to HOST`, without path and query, which may hold a signature."""
    location = response.headers.get("location", "")
    host = location.partition("//")[2].partition("/")[0].partition("?")[0]
    return f" to {host}" if host else ""
