"""The command line for tasks and people."""

import msgspec

from . import __version__, decoding, options, output, shared_config, steps
from .bounds import MAX_DEPTH, check_depth
from .config import Config
from .destination import Destination, split
from .messages import fields as names
from .protocol import Params, Place, ResourceError, Source
from .request import SECRET_HEADERS
from .signing import SignedUrl

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Mapping
    from typing import Any

    from .protocol import Warn

_URI_PLACE = ("s3://BUCKET/KEY",)


def run(
    command: str,
    arguments: list[str],
    destination: Destination,
    environ: "Mapping[str, str]",
    *,
    now: int,
    warn: "Warn",
) -> tuple[bytes, list[str]]:
    """Run `presign`, `--help` or `--version`. Return its output, and the lines for the log.

    Raises ResourceError, whose place is the option.
    """
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:  # Python decodes invalid UTF-8 to surrogates
        raise ResourceError(options.USAGE, "arguments must be valid UTF-8") from None
    if command == "--version":
        return _versions().encode(), []
    if command in ("--help", "-h", "help"):
        return _help(arguments[0] if arguments else ""), []
    if command != "presign":
        raise ResourceError(options.USAGE, "must be presign, check, in, out, --help or --version")
    given = options.parse(arguments)
    if "help" in given:
        return _help(given["help"]), []
    return _presign(_fields(given), destination, environ, now=now, warn=warn)


def _help(topic: str | bool) -> bytes:
    from .messages import help as texts

    return (texts.every_option() if topic == "all" else texts.short()).encode()


def _presign(
    given: "dict[str, Any]",
    destination: Destination,
    environ: "Mapping[str, str]",
    *,
    now: int,
    warn: "Warn",
) -> tuple[bytes, list[str]]:
    profile = given.get("profile")
    found, origins = shared_config.find(given, profile, environ)

    def as_written(place: Place) -> Place:
        return _as_written(place, given, origins)

    try:
        source = decoding.from_map({**found, **_of(Source, given)}, Source, ("source",))
        params = decoding.from_map(_of(Params, given), Params, ("params",))
        signed, _ = steps.sign(
            Config(source, profile=profile),
            params,
            environ,
            now=now,
            warn=lambda place, problem: warn(as_written(place), problem),
        )
        text = _text(signed, params, as_json=given.get("output") == "json")
        log = [output.log_line(one) for one in signed.values()]
        if params.url_file is None:
            return f"{text.rstrip()}\n".encode(), log
        path = "/".join(split(params.url_file, ("params", "url_file")))
    except ResourceError as error:
        hint = ", or AWS_REGION" if error.place == ("source", "region_name") else ""
        raise ResourceError(as_written(error.place), f"{error.problem}{hint}") from None
    destination.write({path: text})
    return b"", log


def _fields(given: "dict[str, str | bool]") -> "dict[str, Any]":
    """Return the options with the values of their fields. Raises ResourceError."""
    fields: dict[str, Any] = {**given}
    if "uri" in given:
        fields["s3_uri"] = given["uri"]
        if not {"bucket_name", "bucket"} & given.keys():
            fields["bucket_name"] = _bucket(str(given["uri"]))
    if not {"file_path", "s3_uri", "files"} & fields.keys():
        raise ResourceError(options.USAGE, "presign s3://BUCKET/KEY [OPTION ...]; see --help")
    for field in ("headers", "files"):
        if field in given:
            fields[field] = _from_json(str(given[field]), names.option(field))
            _check_public(fields[field], (names.option(field),))
    if "ca_bundle" in given:
        fields["ca_bundle"] = _read(str(given["ca_bundle"]), names.option("ca_bundle"))
    return fields


def _of(struct: type[Source] | type[Params], given: "Mapping[str, object]") -> "dict[str, Any]":
    return {name: value for name, value in given.items() if name in struct.__struct_fields__}


def _bucket(uri: str) -> str:
    rest = uri.removeprefix("s3://")
    if rest == uri:
        raise ResourceError(options.USAGE, "presign takes the object as s3://BUCKET/KEY")
    if rest.startswith("arn:"):  # the ARN of an access point contains a slash
        before, kind, after = rest.partition("accesspoint/")
        return f"{before}{kind}{after.partition('/')[0]}"
    return rest.partition("/")[0]


def _from_json(text: str, option: str) -> "Any":
    try:
        check_depth(text.encode())
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ResourceError((option,), f"must be a map in JSON: {error}") from None
    except RecursionError:
        raise ResourceError(
            (option,), f"JSON is nested too deeply (limit: {MAX_DEPTH} levels)"
        ) from None


def _check_public(value: object, place: Place) -> None:
    """Raise ResourceError for the key of SSE-C, which is a secret, anywhere in a map."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.lower() in SECRET_HEADERS:
                raise ResourceError(
                    (*place, name),
                    f"{names.NOT_AN_OPTION}: use the step in",
                )
            _check_public(inner, (*place, name))


def _read(path: str, option: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123  # importing pathlib takes longer than signing
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ResourceError((option,), f"cannot read {path}: {reason}") from None


def _text(signed: dict[str, SignedUrl], params: Params, *, as_json: bool) -> str:
    if as_json:
        described = {name: output.description(one) for name, one in signed.items()}
        return output.to_json(described[""] if params.files is None else described)
    for one in signed.values():
        if one.fields:
            raise ResourceError(
                ("params", "method"), "POST has fields besides the URL: add --output json"
            )
    urls = {name: one.url for name, one in signed.items()}
    return urls[""] if params.files is None else output.to_json(urls)


def _as_written(place: Place, given: "Mapping[str, object]", origins: "Mapping[str, str]") -> Place:
    """Return the place as an option (`--files.linux.method`), or where the setting was found."""
    if place[0] not in ("source", "params") or len(place) == 1:
        return place
    field = place[1]
    if place[0] == "source" and field in origins:
        return (origins[field],)
    if "uri" in given and field in ("s3_uri", "bucket_name"):
        return _URI_PLACE
    return names.option(field), *place[2:]


def _versions() -> str:
    from .aws import versions

    found = {"s3-presigned-url": __version__, **versions.of_libraries()}
    compiled = globals().get("__compiled__")
    if compiled:
        found["nuitka"] = f"{compiled.major}.{compiled.minor}.{compiled.micro}"
    return "".join(f"{name} {version}\n" for name, version in found.items())
