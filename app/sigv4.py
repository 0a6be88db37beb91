"""AWS Signature Version 4 for S3, in the query string: a presigned URL.

Each function is a step of
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, with the name it has
there. Nothing here reads a clock, a file or the environment.
"""

import time

try:
    # the interpreter's own SHA-256: hashlib and hmac would load OpenSSL, which takes longer than
    # the signing
    from _sha2 import sha256  # type: ignore[import-not-found]  # private to CPython, so not in typeshed
except ImportError:  # CPython 3.11 has it under another name
    from hashlib import sha256

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


class Credentials:
    """An access key; `expires_at` (Unix seconds) if the provider reported an expiry."""

    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        expires_at: int | None = None,
    ) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token
        self.expires_at = expires_at
        self._signing_keys: dict[tuple[str, str, str], bytes] = {}

    def signing_key(self, date: str, region: str, service: str) -> bytes:
        """Return the key for one day, region and service; the same for all URLs of a step."""
        scope = (date, region, service)
        if scope not in self._signing_keys:
            self._signing_keys[scope] = signing_key(self.secret_access_key, *scope)
        return self._signing_keys[scope]


def is_key(value: object) -> bool:
    """Whether this can be a key or a session token: printable ASCII without spaces."""
    return (
        isinstance(value, str)
        and value != ""
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def presign(
    *,
    method: str,
    scheme: str,
    netloc: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    region: str,
    service: str,
    credentials: Credentials,
    expires_in: int,
    now: int,
) -> str:
    """Return a URL that is valid for `expires_in` seconds from `now` (Unix seconds).

    `path` is absolute and not yet encoded. `query` holds S3's own parameters, in the order in which
    they appear in the URL. `headers`, with lower-case names, are those that the request must
    include besides `host`.
    """
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    credential_scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    signed_headers = {"host": host_header(scheme, netloc), **headers}
    parameters = [
        *query,
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{credentials.access_key_id}/{credential_scope}"),
        ("X-Amz-Date", timestamp),
        ("X-Amz-Expires", str(expires_in)),
        ("X-Amz-SignedHeaders", ";".join(sorted(signed_headers))),
    ]
    if credentials.session_token is not None:
        parameters.append(("X-Amz-Security-Token", credentials.session_token))
    pairs = [f"{uri_encode(name)}={uri_encode(value)}" for name, value in parameters]
    canonical_uri = uri_encode(path, UNRESERVED + "/")

    request = canonical_request(method, canonical_uri, pairs, signed_headers)
    to_sign = string_to_sign(timestamp, credential_scope, request)
    key = credentials.signing_key(timestamp[:8], region, service)
    signature = hmac_sha256(key, to_sign).hex()
    return f"{scheme}://{netloc}{canonical_uri}?{'&'.join(pairs)}&X-Amz-Signature={signature}"


def canonical_request(
    method: str, canonical_uri: str, pairs: list[str], headers: dict[str, str]
) -> str:
    """Return the request in the form that signer and server both compute.

    Its lines: method, URI, sorted query, sorted headers, an empty line, the names of the headers,
    and the hash of the payload, which is not signed.
    """
    canonical_headers = [
        f"{name}:{' '.join(value.split())}\n" for name, value in sorted(headers.items())
    ]
    lines = [
        method,
        canonical_uri,
        "&".join(sorted(pairs)),
        "".join(canonical_headers),
        ";".join(sorted(headers)),
    ]
    return "\n".join([*lines, "UNSIGNED-PAYLOAD"])


def string_to_sign(timestamp: str, credential_scope: str, request: str) -> str:
    """Return algorithm, time, scope and the hash of the canonical request."""
    return f"{ALGORITHM}\n{timestamp}\n{credential_scope}\n{sha256(request.encode()).hexdigest()}"


def signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """Return the key for one day, region and service."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac_sha256(key, part)
    return key


def hmac_sha256(key: bytes, message: str) -> bytes:
    """Return the HMAC (RFC 2104). The standard module would load OpenSSL (see `sha256` above)."""
    block = (sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner: bytes = sha256(block.translate(_INNER_PAD) + message.encode()).digest()
    outer: bytes = sha256(block.translate(_OUTER_PAD) + inner).digest()
    return outer


def uri_encode(text: str, safe: str = UNRESERVED) -> str:
    """Percent-encode the UTF-8 of `text`, except the characters in `safe`, in upper case."""
    if not text.strip(safe):  # safe from end to end
        return text
    return "".join(chr(byte) if chr(byte) in safe else f"%{byte:02X}" for byte in text.encode())


def host_header(scheme: str, netloc: str) -> str:
    """Return the `Host` that clients send: in lower case, without a default port (RFC 9110)."""
    return netloc.lower().removesuffix(":443" if scheme == "https" else ":80")
