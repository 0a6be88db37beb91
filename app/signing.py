"""One URL, from what was asked for to what is handed over."""

from . import endpoint, lifetime, operation, sigv4
from .credentials import Credentials
from .endpoint import Endpoint
from .operation import Operation
from .protocol import Base, Source, UrlParams

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


class Plan:
    """All that can be settled about a URL before anyone is asked for credentials.

    `path` is where its params stand (`params`, `params.files.NAME`), for errors and warnings. Raises ResourceError for
    params that make no URL.
    """

    def __init__(self, source: Source, params: UrlParams, path: str) -> None:
        self.params = params
        self.path = path
        self.operation = operation.of(params, endpoint.bucket(source), path)
        self.expires_in = lifetime.requested(params, source, path)


def sign(source: Source, plan: Plan, credentials: Credentials, *, now: int, warn: "Callable[[str], None]") -> SignedUrl:
    """Sign one URL, and with `verify` try it. Raises ResourceError."""
    wanted = plan.operation
    if operation.has_dot_segments(wanted.key):
        warn(f"{plan.path}: the key has . or .. segments, which most clients collapse: download it with curl --path-as-is")
    expires_in = lifetime.with_credentials(
        plan.expires_in,
        credentials,
        now=now,
        policy=plan.params.on_short_credentials,
        path=plan.path,
        warn=warn,
    )
    end = lifetime.end(expires_in, credentials, now)
    signed = SignedUrl(
        url=url(source, wanted, credentials, expires_in, now),
        method=wanted.method,
        bucket=endpoint.bucket(source),
        key=wanted.key,
        headers=wanted.headers,
        expires_in=end - now,
        expires_at=end,
    )
    if plan.params.verify not in (None, "none"):
        from . import verify

        verify.check(source, plan, signed, credentials, now=now, warn=warn)
    return signed


def url(source: Source, wanted: Operation, credentials: Credentials, expires_in: int, now: int) -> str:
    """Return a URL for an operation, signed here, or by boto3 where the address is one of those that only it knows."""
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
