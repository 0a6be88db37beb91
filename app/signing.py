"""Plans and signs one URL."""

from . import lifetime, request, sigv4
from .bucket import Bucket
from .config import Config
from .protocol import Place, UrlParams
from .request import S3Request
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from .protocol import Warn


class Plan:
    """Everything about a URL that does not need credentials. `place` is where its params are.

    Raises ResourceError for params that do not describe a URL.
    """

    def __init__(self, params: UrlParams, config: Config, place: Place) -> None:
        self.params = params
        self.place = place
        self.bucket = config.bucket
        self.request = request.build(params, config.bucket.name, place)
        self.expires_in = lifetime.requested(params, config.max_expires_in, place)


class SignedUrl:
    """A presigned URL of `bucket`, and the request that it authorizes.

    `expires_at` (Unix seconds) is the effective end, the earlier of the URL's and the credentials';
    `expires_in` is the number of seconds until then, at the time of signing.
    """

    def __init__(
        self, url: str, bucket: Bucket, request: S3Request, expires_in: int, expires_at: int
    ) -> None:
        self.url = url
        self.bucket = bucket
        self.request = request
        self.expires_in = expires_in
        self.expires_at = expires_at

    @property
    def s3_uri(self) -> str:
        """The object as AWS's own tools write it."""
        return f"s3://{self.bucket.name}/{self.request.key}"


def sign(plan: Plan, credentials: Credentials, *, now: int, warn: "Warn") -> SignedUrl:
    """Sign one URL. Raises ResourceError if the credentials expire too early."""
    s3_request = plan.request
    if request.has_dot_segments(s3_request.key):
        warn(
            plan.place,
            "the key has . or .. segments, which most clients collapse: download it with curl "
            "--path-as-is",
        )
    expires_in = lifetime.limit_to_credentials(
        plan.expires_in,
        credentials,
        now=now,
        policy=plan.params.on_short_credentials,
        place=plan.place,
        warn=warn,
    )
    end = lifetime.end(expires_in, credentials, now)
    signed = url(s3_request, plan.bucket, credentials, expires_in, now)
    return SignedUrl(signed, plan.bucket, s3_request, expires_in=end - now, expires_at=end)


def url(
    s3_request: S3Request, bucket: Bucket, credentials: Credentials, expires_in: int, now: int
) -> str:
    """Return the presigned URL of a request."""
    return sigv4.presign(
        method=s3_request.method,
        scheme=bucket.scheme,
        netloc=bucket.netloc,
        path=f"{bucket.path}/{s3_request.key}",
        query=s3_request.query,
        headers=s3_request.headers,
        region=bucket.region,
        service=bucket.service,
        credentials=credentials,
        expires_in=expires_in,
        now=now,
    )
