"""One URL, from what was asked for to what is handed over."""

from . import endpoint, lifetime, operation, sigv4
from .credentials import Credentials
from .endpoint import Endpoint
from .operation import Operation
from .protocol import Base, ResourceError, Source, UrlParams

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from collections.abc import Callable


class SignedUrl(Base, frozen=True, kw_only=True):
    """A presigned URL and what is worth telling about it.

    `expires_at` (Unix seconds) is the effective end, the earlier of the URL's and the credentials';
    `expires_in` is how many seconds off that was at the time of signing.
    """

    url: str
    method: str
    bucket: str
    key: str
    headers: dict[str, str]
    expires_in: int
    expires_at: int

    @property
    def s3_uri(self) -> str:
        """The object, as AWS's own tools write it."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def host(self) -> str:
        """The host that answers it, with its port if it has one of its own."""
        return self.url.split("/", 3)[2]


def sign(
    source: Source, params: UrlParams, credentials: Credentials, *, now: int, path: str, warn: "Callable[[str], None]"
) -> SignedUrl:
    """Sign one URL. `path` is where the params stand (`params`, `params.files.NAME`), for errors and warnings.

    Raises ResourceError.
    """
    if params.verify not in (None, "none"):
        raise ResourceError(f"{path}.verify", "this version cannot verify yet: leave it out, or set none")
    bucket = endpoint.bucket(source)
    wanted = operation.of(params, bucket, path)
    if operation.has_dot_segments(wanted.key):
        warn(f"{path}: the key has . or .. segments, which most clients collapse: download it with curl --path-as-is")
    expires_in = lifetime.with_credentials(
        lifetime.requested(params, source, path),
        credentials,
        now=now,
        policy=params.on_short_credentials,
        path=path,
        warn=warn,
    )
    end = lifetime.end(expires_in, credentials, now)
    return SignedUrl(
        url=_url(source, wanted, credentials, expires_in, now),
        method=wanted.method,
        bucket=bucket,
        key=wanted.key,
        headers=wanted.headers,
        expires_in=end - now,
        expires_at=end,
    )


def _url(source: Source, wanted: Operation, credentials: Credentials, expires_in: int, now: int) -> str:
    if endpoint.needs_boto3(source):
        from . import aws

        return aws.presign(source, wanted, credentials, expires_in)
    place: Endpoint = endpoint.resolve(source)
    return sigv4.presign(
        method=wanted.method,
        scheme=place.scheme,
        netloc=place.netloc,
        path=f"{place.path}/{wanted.key}",
        query=wanted.query,
        headers=wanted.headers,
        region=endpoint.region(source),
        access_key_id=credentials.access_key_id,
        secret_access_key=credentials.secret_access_key,
        session_token=credentials.session_token,
        expires_in=expires_in,
        now=now,
    )
