"""`verify`: try before handing over, and say what to do where S3 refuses.

The request is a GET of the first byte, for `head` too: S3 gives no reason with its answer to a HEAD. The reasons:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Imported only where `verify` asks for it.
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from urllib3.exceptions import HTTPError

from . import duration, endpoint, network, signing
from .credentials import Credentials
from .operation import Operation
from .protocol import ResourceError, Source
from .signing import Plan, SignedUrl

_LIFE = 300  # seconds that the URL lives which `head` signs for itself
_SKEW = 120  # seconds by which a clock must be wrong to be blamed
_LONGEST_ANSWER = 65536  # bytes that are read of one
_READS = ("GET", "HEAD")

Place = tuple[str, str]  # at which field, and what to do

_KEY_UNKNOWN = ("credentials", "S3 does not know the access key: is it deleted, or of another provider or partition?")
_EXPIRED = ("credentials", "have expired: get new ones")
_REGION = ("source.region_name", "is not the region of the bucket, which is {region}")
_ARCHIVED = ("{path}.{key}", "is archived (S3 Glacier): restore {uri}, as it cannot be read before")
_KMS = (
    "{path}.{key}",
    "is encrypted with a KMS key that cannot be used: the signer needs kms:Decrypt, and the key to be enabled",
)
_DENIED = (
    "{path}.verify",
    "S3 denies the signer {action} on {uri}: allow it (and s3:ListBucket, without which S3 says the same of an object that "
    "does not exist)",
)
_NO_OBJECT = ("{path}.{key}", "S3 has no such object: {uri}")
_NO_ANSWER = ("{path}.verify", "{server} answered {said}: try again, or look there for the reason")
_REFUSED: dict[str, Place] = {
    "NoSuchKey": _NO_OBJECT,
    "NoSuchVersion": ("{path}.version_id", "S3 has no such version of {uri}"),
    "NoSuchBucket": ("source.{bucket}", "S3 has no such bucket there"),
    "NoSuchAccessPoint": ("source.{bucket}", "S3 has no such access point there"),
    "MethodNotAllowed": ("{path}.version_id", "is a delete marker, and there is nothing to read"),
    "InvalidObjectState": _ARCHIVED,
    "InvalidAccessKeyId": _KEY_UNKNOWN,
    "XAdminUserNotFound": _KEY_UNKNOWN,  # Versity S3 Gateway's word for it
    "ExpiredToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": ("credentials", "S3 does not take the session token: copy it again, with the keys that it came with"),
    "SignatureDoesNotMatch": (
        "credentials",
        "S3 comes to another signature: the secret key is not that of the access key, or a proxy changes host or path",
    ),
    "KMS.DisabledException": _KMS,
    "KMS.NotFoundException": _KMS,
    "KMS.KMSInvalidStateException": _KMS,
}  # fmt: skip


class Answer(NamedTuple):
    """What S3 said; of an error, its `code` and `message`, and the region that it names, as far as it gave them."""

    status: int
    headers: Any
    code: str
    message: str
    region: str


def check(
    source: Source, plan: Plan, signed: SignedUrl, credentials: Credentials, *, now: int, warn: Callable[[str], None]
) -> None:
    """Raise ResourceError unless S3 hands over the object: by the URL itself, or with `head` as the worker sees S3.

    An upload or a deletion is never tried, as that would do it; a warning says so.
    """
    field = f"{plan.path}.verify"
    if signed.method not in _READS:
        warn(f"{field}: not tried, as a try of a {signed.method} would do it")
        return
    url, method = signed.url, signed.method
    if plan.params.verify == "head":
        fields = {name: getattr(source, name) for name in source.__struct_fields__}
        seen_by_us = Source(**{**fields, "public_endpoint": None})
        wanted = plan.operation
        versions = [(name, value) for name, value in wanted.query if name == "versionId"]
        read = Operation("GET", wanted.key, versions, {})
        url, method = signing.url(seen_by_us, read, credentials, _LIFE, max(now, int(time.time()))), "GET"
    answer = ask(source, method, url, field)
    # 416: there is no first byte in an object without any, which is there all the same
    if answer.status not in (200, 206, 416):
        raise _refusal(answer, source, plan, signed, network.host(url))


def ask(source: Source, method: str, url: str, field: str) -> Answer:
    """Return what S3 answers to a request for the first byte, without following it elsewhere.

    An overloaded server, or a broken connection, is tried again twice. Raises ResourceError of `field`.
    """
    with network.request(field, network.host(url)):
        session = network.Session(source, url)
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = _answer(session, method, url)
                if answer.status < 500 or attempt == network.TRIES:
                    return answer
            except network.BROKEN:
                if attempt == network.TRIES:
                    raise
            time.sleep(attempt * 0.2)


def _answer(session: network.Session, method: str, url: str) -> Answer:
    range_ = HeadersDict({"Range": "bytes=0-0"})
    response = session.send(AWSPreparedRequest(method, url, range_, None, stream_output=True))
    try:
        body = response.raw.read(_LONGEST_ANSWER, decode_content=False) if response.status_code >= 300 else b""
        told = ElementTree.fromstring(body)  # noqa: S314  # of a bounded size, and expat stops entities that multiply
    except (HTTPError, ElementTree.ParseError):  # no reason, or one that cannot be read: the status has to do
        told = ElementTree.Element("Error")
    finally:
        response.raw.close()
    code, message, region = (told.findtext(name, "") for name in ("Code", "Message", "Region"))
    region = response.headers.get("x-amz-bucket-region", region)
    return Answer(response.status_code, response.headers, code, message, region)


def _refusal(answer: Answer, source: Source, plan: Plan, signed: SignedUrl, server: str) -> ResourceError:
    """Return what to tell of an answer that is not the object."""
    field, problem = _reason(answer, endpoint.region(source))
    words = {
        "path": plan.path,
        "key": "s3_uri" if plan.params.s3_uri else "file_path",
        "bucket": "bucket" if source.bucket else "bucket_name",
        "uri": signed.s3_uri,
        "region": answer.region,
        "action": "s3:GetObjectVersion" if plan.params.version_id else "s3:GetObject",
        "server": server,
        "said": f"{answer.status} {answer.code}".rstrip(),
        "there": _redirection(answer.headers.get("location", "")),
        "skew": _skew(answer),
    }
    return ResourceError(field.format_map(words), problem.format_map(words))


def _reason(answer: Answer, region: str) -> Place:
    if answer.status in (400, 403) and _skew(answer):
        return "clock", "is {skew} that of {server}: set this machine's right"
    if answer.status in (301, 307, 400) and answer.region not in ("", region):
        return _REGION
    if answer.status in (301, 302, 303, 307, 308):
        return (
            "{path}.verify",
            "{server} redirects{there}, where the signature is not good: set endpoint or region_name",
        )
    if "expired" in answer.message and answer.code == "AccessDenied":
        return "{path}.expires_in", "was over before the URL could be tried: ask for more"
    if "kms" in answer.message.lower() and answer.status == 403:
        return _KMS
    if answer.code in _REFUSED:
        return _REFUSED[answer.code]
    return {403: _DENIED, 404: _NO_OBJECT}.get(answer.status, _NO_ANSWER)


def _skew(answer: Answer) -> str:
    """Return by how much this machine's clock is ahead or behind, if by more than a moment; `""` if it is right."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return ""
    skew = 60 * round((time.time() - theirs) / 60)
    side = "ahead of" if skew > 0 else "behind"
    return f"{duration.words(abs(skew))} {side}" if abs(skew) >= _SKEW else ""


def _redirection(location: str) -> str:
    """Say where to, but not with path and query, in which there may be a signature."""
    there = location.partition("//")[2].partition("/")[0].partition("?")[0]
    return f" to {there}" if there else ""
