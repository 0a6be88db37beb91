"""The three steps of a Concourse resource: a request in, a response out.

https://concourse-ci.org/implementing-resource-types.html
"""

from . import credentials, endpoint, handover, lifetime, signing
from .delivery import Destination
from .protocol import CheckRequest, GetRequest, Params, PutRequest, ResourceError, Response, Source, UrlParams
from .signing import SignedUrl

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from collections.abc import Callable, Mapping

    Log = Callable[[str], None]

_MOST_FILES = 1000


def check(request: CheckRequest) -> list[object]:
    """Run the "check" executable: there is never a new version to find, but a mistake in the source is told."""
    source = validated(request.source)
    if endpoint.needs_boto3(source):
        from . import aws

        aws.check(source)
    return []


def put(request: PutRequest, *, now: int) -> Response:
    """Run the "out" executable: make a version, so that the implicit get has something to get.

    The version is only a moment, in whole seconds: it is public, and AWS keeps no record of a URL.
    """
    source = validated(request.source)
    if request.params:
        names = ", ".join(request.params)
        raise ResourceError("params", f"move these to get_params, since it is the get of a put that signs: {names}")
    shown = {"bucket": endpoint.bucket(source), "region": endpoint.region(source)}
    return Response(version={"execution_date": str(now)}, metadata=handover.rows(shown))


def get(request: GetRequest, destination: Destination, environ: "Mapping[str, str]", *, now: int, log: "Log") -> Response:
    """Run the "in" executable: sign, and leave what was signed in the destination."""
    source, params = validated(request.source), request.params or Params()
    signed, files = sign(source, params, environ, now=now, log=log)
    destination.place(files)
    for one in signed.values():
        log(handover.line(one))
    region = endpoint.region(source)
    shown = handover.metadata(signed[""], params, region) if params.files is None else handover.summary(signed, region)
    return Response(version=request.version or {}, metadata=handover.rows(shown))


def sign(
    source: Source, params: Params, environ: "Mapping[str, str]", *, now: int, log: "Log"
) -> tuple[dict[str, SignedUrl], dict[str, str]]:
    """Return what was signed, by its name in `files` (or "" without `files`), and every file to hand over."""

    def warn(text: str) -> None:
        log(f"warning: {text}")

    try:
        plans = {name: signing.Plan(source, wanted, path) for name, (wanted, path) in _wanted(params).items()}
        lasting = max(plan.expires_in for plan in plans.values())
        found = credentials.find(source, params, environ, lasting=lasting, now=now, warn=warn)
        signed = {name: signing.sign(source, plan, found, now=now, warn=warn) for name, plan in plans.items()}
        files = {name: handover.files(one, plans[name].params, plans[name].path) for name, one in signed.items()}
    except ResourceError as error:
        raise _as_written(error, params) from None
    if params.files is None:
        return signed, files[""]
    return signed, handover.collected(signed, files)


def validated(source: Source | None) -> Source:
    """Return the source, every mistake in it found now and not in a later step. Raises ResourceError."""
    source = source or Source()
    endpoint.bucket(source)
    endpoint.region(source)
    endpoint.validate(source)
    credentials.of_source(source)
    lifetime.allowed(source)
    return source


def _wanted(params: Params) -> dict[str, tuple[UrlParams, str]]:
    """Return the params of each URL by its name, and where they stand. Raises ResourceError."""
    if params.files is None:
        return {"": (params, "params")}
    if not params.files:
        raise ResourceError("params.files", "must have at least one entry, such as {installer: {file_path: setup.exe}}")
    if len(params.files) > _MOST_FILES:
        raise ResourceError("params.files", f"must have at most {_MOST_FILES} entries, got {len(params.files)}")
    for name in params.files:
        if name in ("", ".", "..", "urls.json") or "/" in name or not name.isprintable():
            raise ResourceError(f"params.files.{name}", "must be a plain name, since it becomes a directory")
    return {name: (_merged(params, inner), f"params.files.{name}") for name, inner in params.files.items()}


def _merged(outer: Params, inner: UrlParams) -> UrlParams:
    """Return the params of one entry: its own, else those beside `files`; of the two ways to name an object, only one."""
    own = {option: value for option in inner.__struct_fields__ if (value := getattr(inner, option)) is not None}
    inherited = {option: getattr(outer, option) for option in inner.__struct_fields__}
    if own.keys() & {"file_path", "s3_uri"}:
        inherited.update(file_path=None, s3_uri=None)
    return UrlParams(**{**inherited, **own})


def _as_written(error: ResourceError, outer: Params) -> ResourceError:
    """Return the error with the path at which the user wrote the field: within the entry, or beside `files`."""
    for name, inner in (outer.files or {}).items():
        option = error.field.removeprefix(f"params.files.{name}.")
        if getattr(inner, option.partition(".")[0], 0) is None and getattr(outer, option.partition(".")[0]) is not None:
            return ResourceError(f"params.{option}", error.problem)
    return error
