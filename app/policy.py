"""POST policies: uploads with an HTML form, within bounds. Imported only for `method: POST`.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html and, for the
fields of the form, sigv4-post-example.html and RESTObjectPOST.html there.
"""

import base64
import json
import time

from .bucket import Bucket
from .protocol import Params, Place, ResourceError
from .request import S3Request
from .sigv4 import ALGORITHM, UNRESERVED, Credentials, hmac_sha256, uri_encode

MAX_UPLOAD = 5 << 30  # bytes
_FILENAME = "${filename}"
# What a form may hold besides `x-amz-` fields, under the names that S3 gives them.
_FIELDS = {
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-type": "Content-Type",
    "expires": "Expires",
    "tagging": "tagging",
    "x-amz-acl": "acl",
}
_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}


def with_form(request: S3Request, params: Params, bucket: Bucket, place: Place) -> S3Request:
    """Return a request with method POST with its form; the headers become fields.

    Raises ResourceError for what a form cannot hold.
    """
    if bucket.name.startswith("arn:") or bucket.name.endswith("--op-s3"):
        raise ResourceError((*place, "method"), "POST cannot be used with an access point")
    if params.request_payer is not None:
        raise ResourceError((*place, "request_payer"), "cannot be used with POST")
    if _FILENAME in request.key.removesuffix(_FILENAME):
        option = "s3_uri" if params.s3_uri else "file_path"
        problem = f"can only contain {_FILENAME} at its end: S3 replaces it by the name of the file"
        raise ResourceError((*place, option), problem)
    fields: dict[str, str] = {}
    conditions: list[object] = []
    for name, value in request.headers.items():
        field = _FIELDS.get(name, name if name.startswith("x-amz-") else None)
        if field is None or name == "x-amz-tagging":
            advice = ": set tagging, which takes XML" if name == "x-amz-tagging" else ""
            raise ResourceError((*place, "headers", name), f"cannot be a field of a form{advice}")
        if name == "content-type" and value.endswith("*"):
            conditions.append(["starts-with", "$Content-Type", value[:-1]])
        else:
            fields[field] = value
    if params.success_status is not None:
        fields["success_action_status"] = str(params.success_status)
    if params.success_redirect is not None:
        _check_redirect(params.success_redirect, (*place, "success_redirect"))
        fields["success_action_redirect"] = params.success_redirect
    conditions += ({name: value} for name, value in fields.items())
    if params.min_size is not None or params.max_size is not None:
        conditions.append(["content-length-range", *_sizes(params, place)])
    return S3Request("POST", request.key, [], {}, (fields, conditions))


def sign(
    request: S3Request, bucket: Bucket, credentials: Credentials, expires_in: int, now: int
) -> tuple[str, dict[str, str]]:
    """Return the address of the form, and all its fields but the file."""
    fields, conditions = request.form or ({}, [])
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{timestamp[:8]}/{bucket.region}/{bucket.service}/aws4_request"
    key = request.key
    own = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{credentials.access_key_id}/{scope}",
        "x-amz-date": timestamp,
    }
    if credentials.session_token is not None:
        own["x-amz-security-token"] = credentials.session_token
    is_prefix = key.endswith(_FILENAME)
    about_key = ["starts-with", "$key", key.removesuffix(_FILENAME)] if is_prefix else {"key": key}
    policy = {
        "expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + expires_in)),
        "conditions": [
            *conditions,
            {"bucket": bucket.name},
            about_key,
            *({name: value} for name, value in own.items()),
        ],
    }
    # in the layout of json.dumps, as boto3 writes it
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    signing = credentials.signing_key(timestamp[:8], bucket.region, bucket.service)
    signed = {
        **fields,
        "key": key,
        **own,
        "policy": encoded,
        "x-amz-signature": hmac_sha256(signing, encoded).hex(),
    }
    path = uri_encode(bucket.path or "/", UNRESERVED + "/")
    return f"{bucket.scheme}://{bucket.netloc}{path}", signed


def _sizes(params: Params, place: Place) -> tuple[int, int]:
    least = 0 if params.min_size is None else _bytes(params.min_size, (*place, "min_size"))
    most = MAX_UPLOAD if params.max_size is None else _bytes(params.max_size, (*place, "max_size"))
    if least > most:
        problem = f"must be at least min_size ({least} bytes), got {most} bytes"
        raise ResourceError((*place, "max_size"), problem)
    return least, most


def _bytes(size: int | str, place: Place) -> int:
    """Return a size in bytes: a number, or one with a unit such as MB (10^6) or MiB (2^20)."""
    text = str(size).strip().upper()
    digits = text.rstrip("KMGIB")
    number, unit = digits.strip(), text[len(digits) :]
    if not (number.isascii() and number.isdecimal() and len(number) < 16) or unit not in {
        "",
        *_UNITS,
    }:
        raise ResourceError(place, f"must be bytes, such as 1048576, 10MB or 10MiB, got {size!r}")
    count = int(number) * _UNITS.get(unit, 1)
    if count > MAX_UPLOAD:
        raise ResourceError(place, f"must be at most 5 GiB ({MAX_UPLOAD} bytes), got {count} bytes")
    return count


def _check_redirect(url: str, place: Place) -> None:
    scheme, separator, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not separator or not rest:
        raise ResourceError(place, "must be a URL, such as https://example.com/thanks")
    if not (url.isascii() and url.isprintable() and " " not in url):
        raise ResourceError(place, "must be percent-encoded ASCII, without spaces")
