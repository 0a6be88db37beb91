"""The three steps of a Concourse resource: a request in, a response out.

https://concourse-ci.org/implementing-resource-types.html
"""

from . import output, signing
from .config import Config
from .destination import Destination
from .protocol import (
    CheckRequest,
    GetRequest,
    Params,
    Place,
    PutRequest,
    ResourceError,
    Response,
    Source,
    UrlParams,
)
from .request import S3Request
from .signing import Plan, SignedUrl
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Mapping

    from .protocol import Warn


def check(request: CheckRequest) -> list[object]:
    """Run the "check" executable: it never returns versions, but validates the source."""
    Config(request.source or Source())
    return []


def put(request: PutRequest, *, now: int) -> Response:
    """Run the "out" executable: return a new version, so that the implicit get runs.

    A version is public, and AWS keeps no record of a URL, so the version is only the time.
    """
    bucket = Config(request.source or Source()).bucket
    if request.params:
        names = ", ".join(request.params)
        raise ResourceError(
            ("params",),
            f"not supported on put; move to get_params (the implicit get signs the URL): {names}",
        )
    return Response(
        version={"execution_date": str(now)},
        metadata=output.rows(bucket=bucket.name, region=bucket.region),
    )


def get(
    request: GetRequest,
    destination: Destination,
    environ: "Mapping[str, str]",
    *,
    now: int,
    warn: "Warn",
) -> tuple[Response, list[str]]:
    """Run the "in" executable: sign, write the files, and return the response and the log."""
    config, params = Config(request.source or Source()), request.params or Params()
    signed, files = sign(config, params, environ, now=now, warn=warn)
    destination.write(files)
    several = params.files is not None
    metadata = output.summary(signed) if several else output.metadata(signed[""], params)
    log = [output.log_line(one) for one in signed.values()]
    return Response(version=request.version or {}, metadata=metadata), log


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
        for name, plan in plans.items():
            if plan.params.verify not in (None, "none"):
                _verify(signed[name], plan, config, credentials, now=now, warn=warn_as_written)
    except ResourceError as error:
        raise ResourceError(_as_written(error.place, params), error.problem) from None
    return signed, files[""] if params.files is None else output.collect(signed, files)


def _urls(params: Params) -> dict[str, tuple[UrlParams, Place]]:
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
    signed: SignedUrl,
    plan: Plan,
    config: Config,
    credentials: Credentials,
    *,
    now: int,
    warn: "Warn",
) -> None:
    """Check the object or the URL, as `verify` says. Raises ResourceError if S3 refuses."""
    from .aws import verify

    url = signed.url
    if plan.params.verify == "head":
        # as this machine reaches the bucket, and without the response overrides
        versions = [(name, value) for name, value in plan.request.query if name == "versionId"]
        read = S3Request("GET", plan.request.key, versions, {})
        url = signing.url(read, config.internal_bucket, credentials, verify.PROBE_LIFETIME, now)
    target = verify.Target(
        url=url,
        method=plan.request.method,
        mode=plan.params.verify or "",
        s3_uri=signed.s3_uri,
        region=plan.bucket.region,
        place=plan.place,
        key_field="s3_uri" if plan.params.s3_uri else "file_path",
        bucket_field=config.bucket_field,
        has_version=plan.params.version_id is not None,
    )
    verify.check(target, config.tls, warn)
