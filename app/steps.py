"""The three steps of a Concourse resource: a request in, a response out.

https://concourse-ci.org/docs/resource-types/implementing
"""

from . import output, signing
from .config import Config
from .destination import Destination
from .protocol import Params, Place, ResourceError, Response, Source, Version
from .request import READ_METHODS, SECRET_HEADERS, S3Request
from .signing import Plan, SignedUrl
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Mapping

    from .aws.verify import Target
    from .protocol import Warn


def check(source: Source) -> list[object]:
    """Run the "check" executable: it never returns versions, but validates the source."""
    Config(source)
    return []


def put(source: Source, params: "Mapping[str, object]", *, now: int) -> Response:
    """Run the "out" executable: return a new version, so that the implicit get runs.

    A version is public, and AWS keeps no record of a URL, so the version is only the time: `now`,
    in Unix nanoseconds. Concourse would take two puts with the same version for one.
    """
    bucket = Config(source).bucket
    if params:
        raise ResourceError(
            ("params",),
            "not supported on put; move to get_params (the implicit get signs the URL): "
            + ", ".join(params),
        )
    return Response(
        version={"execution_date": str(now // 10**9), "nanoseconds": str(now % 10**9)},
        metadata=output.rows({"bucket": bucket.name, "region": bucket.region}),
    )


def get(
    source: Source,
    params: Params,
    version: Version,
    destination: Destination,
    environ: "Mapping[str, str]",
    *,
    now: int,
    warn: "Warn",
) -> tuple[Response, list[str]]:
    """Run the "in" executable: sign, write the files, and return the response and the log."""
    signed, files = sign(Config(source), params, environ, now=now, warn=warn)
    destination.write(files)
    several = params.files is not None
    metadata = output.summary(signed) if several else output.metadata(signed[""], params)
    log = [output.log_line(one) for one in signed.values()]
    return Response(version=version, metadata=metadata), log


def sign(
    config: Config, params: Params, environ: "Mapping[str, str]", *, now: int, warn: "Warn"
) -> tuple[dict[str, SignedUrl], dict[str, str]]:
    """Return each signed URL by its name in `files` (else `""`), and the files to write."""

    def warn_as_written(place: Place, problem: str) -> None:
        warn(_as_written(place, params), problem)

    try:
        plans = {name: Plan(own, config, place) for name, (own, place) in _urls(params).items()}
        credentials = config.credentials.find(
            params.aws_web_identity_token,
            environ,
            lifetime=max(plan.expires_in for plan in plans.values()),
            now=now,
            warn=warn_as_written,
        )
        signed, files = {}, {}
        for name, plan in plans.items():
            signed[name] = signing.sign(plan, credentials, now=now, warn=warn_as_written)
            files[name] = output.files(signed[name], plan.params, plan.place)
        _verify(plans, signed, config, credentials, now=now, warn=warn_as_written)
    except ResourceError as error:
        raise ResourceError(_as_written(error.place, params), error.problem) from None
    return signed, files[""] if params.files is None else output.collect(signed, files)


def _urls(params: Params) -> dict[str, tuple[Params, Place]]:
    """Return the params of each URL, with their place."""
    if params.files is None:
        return {"": (params, ("params",))}
    from . import entries

    return entries.split(params)


def _as_written(place: Place, params: Params) -> Place:
    """Return where the user wrote an option."""
    if params.files is None:
        return place
    from . import entries

    return entries.as_written(place, params)


def _verify(
    plans: dict[str, Plan],
    signed: dict[str, SignedUrl],
    config: Config,
    credentials: Credentials,
    *,
    now: int,
    warn: "Warn",
) -> None:
    """Check each object or URL, as `verify` says. Raises ResourceError if S3 refuses."""
    names = [name for name, plan in plans.items() if plan.params.verify not in (None, "none")]
    if names:
        from .aws import verify

        targets = [_target(plans[name], signed[name], config, credentials, now) for name in names]
        verify.check(targets, config.tls, warn)


def _target(
    plan: Plan, signed: SignedUrl, config: Config, credentials: Credentials, now: int
) -> "Target":
    """Return what to request: the URL itself, or one of our own that changes nothing."""
    from .aws.verify import PROBE_LIFETIME, Target

    request, bucket = plan.request, config.bucket
    is_read = request.method in READ_METHODS
    if plan.params.verify == "head":  # as this machine reaches the bucket
        bucket = config.internal_bucket
    needed = [pair for pair in request.query if pair[0] in ("versionId", "x-amz-request-payer")]
    if not is_read:
        request = S3Request("GET", "", [("list-type", "2"), ("max-keys", "0"), *needed], {})
    elif plan.params.verify == "head":  # without response overrides and conditions
        own = {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
        request = S3Request("GET", request.key, needed, own)
    url = signed.url
    if request is not plan.request:
        url = signing.url(request, bucket, credentials, PROBE_LIFETIME, now)
    secrets = [credentials.secret_access_key, credentials.session_token or ""]
    secrets += (value for name, value in request.headers.items() if name in SECRET_HEADERS)
    return Target(
        url=url,
        method=request.method,
        headers=request.headers,
        changes=None if is_read else plan.request.method,
        s3_uri=signed.s3_uri,
        region=bucket.region,
        place=plan.place,
        key_field="s3_uri" if plan.params.s3_uri else "file_path",
        bucket_field=config.bucket_field,
        has_version=plan.params.version_id is not None,
        secrets=frozenset(filter(None, secrets)),
    )
