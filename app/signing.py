"""Plans and signs one URL."""

from . import lifetime, request, sigv4
from .bucket import Bucket
from .config import Config
from .protocol import Params, Place, ResourceError
from .request import S3Request
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs start-up time
    from .protocol import Warn

_MAX_REQUEST = 8192  # bytes of request line and headers that Amazon S3 accepts


class Plan:
    """Everything about a URL that does not need credentials. `place` is where its params are.

    Raises ResourceError for params that do not describe a URL.
    """

    def __init__(self, params: Params, config: Config, place: Place) -> None:
        self.params = params
        self.place = place
        self.bucket = config.bucket
        self.request = request.build(params, config.bucket.name, place)
        if params.headers is not None:
            from . import headers

            self.request.headers.update(headers.check(params.headers, params, place))
        if self.request.method == "POST":
            from . import policy

            self.request = policy.with_form(self.request, params, self.bucket, place)
        self.expires_in = lifetime.requested(params, config.max_expires_in, place)


class SignedUrl:
    """A presigned URL of `bucket`, and the request that it authorizes.

    `fields` are those of a form, with method POST. `expires_at` (Unix seconds) is the effective
    end, the earlier of the URL's and the credentials'; `expires_in` is the number of seconds until
    then, at the time of signing.
    """

    def __init__(
        self,
        url: str,
        fields: dict[str, str] | None,
        bucket: Bucket,
        request: S3Request,
        expires_in: int,
        expires_at: int,
    ) -> None:
        self.url = url
        self.fields = fields
        self.bucket = bucket
        self.request = request
        self.expires_in = expires_in
        self.expires_at = expires_at

    @property
    def s3_uri(self) -> str:
        """The object as AWS's own tools write it."""
        return f"s3://{self.bucket.name}/{self.request.key}"


def sign(plan: Plan, credentials: Credentials, *, now: int, warn: "Warn") -> SignedUrl:
    """Sign one URL.

    Raises ResourceError if the credentials expire too early, or if S3 would refuse the request.
    """
    for problem in request.key_warnings(plan.request.key):
        warn(plan.place, problem)
    expires_in = lifetime.limit_to_credentials(
        plan.expires_in,
        credentials,
        now=now,
        policy=plan.params.on_short_credentials,
        place=plan.place,
        warn=warn,
    )
    end = lifetime.end(expires_in, credentials, now)
    fields = None
    if plan.request.form is not None:
        from . import policy

        signed, fields = policy.sign(plan.request, plan.bucket, credentials, expires_in, now)
    else:
        signed = url(plan.request, plan.bucket, credentials, expires_in, now)
        _check_length(signed, plan, warn)
    return SignedUrl(signed, fields, plan.bucket, plan.request, end - now, end)


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


def _check_length(signed: str, plan: Plan, warn: "Warn") -> None:
    """Refuse a request that is longer than S3 accepts; warn of it elsewhere."""
    _, _, host, target = signed.split("/", 3)
    lines = [f"{plan.request.method} /{target} HTTP/1.1", f"Host: {host}"]
    lines += (f"{name}: {value}" for name, value in plan.request.headers.items())
    length = sum(len(line) + 2 for line in lines)
    if length <= _MAX_REQUEST:
        return
    problem = f"the request would have {length} bytes, and Amazon S3 accepts {_MAX_REQUEST}"
    advice = "shorten the key, file_name or headers"
    if plan.bucket.on_aws:
        raise ResourceError(plan.place, f"{problem}: {advice}")
    warn(plan.place, f"{problem}, as may this server: {advice}")
