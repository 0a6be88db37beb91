"""The command line for tasks and people. The fields of source and params are its options."""

import argparse
import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from . import __version__, output, steps
from .bounds import MAX_DEPTH, check_depth
from .config import Config
from .destination import Destination, split
from .messages import fields, validation
from .protocol import Base, Params, Place, ResourceError, Source

if TYPE_CHECKING:
    from .protocol import Warn

_USAGE = """s3-presigned-url presign s3://BUCKET/KEY [OPTION ...]
       s3-presigned-url check|out|in [DIRECTORY] < REQUEST
       s3-presigned-url --help|--version"""
_ABOUT = """presign prints a presigned URL for an object in S3. check, out and in are the
executables of a Concourse resource type: they read Concourse's JSON request."""
_CREDENTIALS = """Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, or AWS_PROFILE and the rest of boto3's chain), never from options:
command lines are visible to other users of the machine."""

_USAGE_PLACE = ("usage",)
_URI_PLACE = ("s3://BUCKET/KEY",)

Fields = TypeVar("Fields", bound=Base)


def run(
    command: str,
    arguments: list[str],
    destination: Destination,
    environ: Mapping[str, str],
    *,
    now: int,
    warn: "Warn",
) -> tuple[bytes, list[str]]:
    """Run `presign`, `--help` or `--version`. Return its output, and the lines for the log.

    Raises ResourceError, whose place is the option.
    """
    if command in ("--help", "-h", "help") or (
        command == "presign" and {"--help", "-h"} & {*arguments}
    ):
        return _parser().format_help().encode(), []
    if command == "--version":
        return _versions().encode(), []
    if command != "presign":
        raise ResourceError(_USAGE_PLACE, "must be presign, check, in, out, --help or --version")
    options = _parse(arguments)

    def warn_as_option(place: Place, problem: str) -> None:
        warn(_as_option(place, options), problem)

    try:
        return _presign(options, destination, environ, now=now, warn=warn_as_option)
    except ResourceError as error:
        problem = (
            f"{error.problem}, or AWS_REGION"
            if error.place == ("source", "region_name")
            else error.problem
        )
        raise ResourceError(_as_option(error.place, options), problem) from None


def _presign(
    options: dict[str, Any],
    destination: Destination,
    environ: Mapping[str, str],
    *,
    now: int,
    warn: "Warn",
) -> tuple[bytes, list[str]]:
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    defaults = {"region_name": region} if region else {}
    config = Config(_fields_of(Source, {**defaults, **options}, ("source",)))
    params = _fields_of(Params, options, ("params",))
    signed, _ = steps.sign(config, params, environ, now=now, warn=warn)
    urls = {name: one.url for name, one in signed.items()}
    text = urls[""] if params.files is None else output.to_json(urls)
    log = [output.log_line(one) for one in signed.values()]
    if params.url_file is None:
        return f"{text.rstrip()}\n".encode(), log
    destination.write({"/".join(split(params.url_file, ("params", "url_file"))): text})
    return b"", log


def _parse(arguments: list[str]) -> dict[str, Any]:
    """Return the given options by field name. Raises ResourceError for an unknown one."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:  # Python decodes invalid UTF-8 to surrogates
        raise ResourceError(_USAGE_PLACE, "arguments must be valid UTF-8") from None
    given, unknown = _parser().parse_known_args(arguments)
    options = vars(given)
    for argument in unknown:
        option = argument.partition("=")[0]
        name = option.removeprefix("--").replace("-", "_")
        if name in fields.SECRET:
            raise ResourceError(
                (option,),
                "not accepted as an option (command lines are visible to other users): use the "
                "environment",
            )
        if option.startswith("--"):
            close = difflib.get_close_matches(
                name, [*fields.SOURCE, *fields.PARAMS], n=1, cutoff=0.7
            )
            hint = f": did you mean {_option(close[0])}?" if close else ""
            raise ResourceError((option,), f"no such option{hint}")
    if unknown:
        raise ResourceError(
            _USAGE_PLACE, "presign takes one s3://BUCKET/KEY and options; see --help"
        )
    if "uri" in options:
        options["s3_uri"] = options["uri"]
        if not {"bucket_name", "bucket"} & options.keys():
            options["bucket_name"] = _bucket(options["uri"])
    if not {"file_path", "s3_uri", "files"} & options.keys():
        raise ResourceError(_USAGE_PLACE, "presign s3://BUCKET/KEY [OPTION ...]; see --help")
    if "files" in options:
        options["files"] = _from_json(options["files"])
    return options


def _bucket(uri: str) -> str:
    rest = uri.removeprefix("s3://")
    if rest == uri:
        raise ResourceError(_USAGE_PLACE, "presign takes the object as s3://BUCKET/KEY")
    if rest.startswith("arn:"):  # the ARN of an access point contains a slash
        before, kind, after = rest.partition("accesspoint/")
        return f"{before}{kind}{after.partition('/')[0]}"
    return rest.partition("/")[0]


def _from_json(text: str) -> Any:
    try:
        check_depth(text.encode())
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ResourceError(("--files",), f"must be a map in JSON: {error}") from None
    except RecursionError:
        raise ResourceError(
            ("--files",), f"JSON is nested too deeply (limit: {MAX_DEPTH} levels)"
        ) from None


def _fields_of(struct: type[Fields], options: dict[str, Any], place: Place) -> Fields:
    given = {name: value for name, value in options.items() if name in struct.__struct_fields__}
    return validation.convert(given, struct, place)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _as_option(place: Place, options: Mapping[str, Any]) -> Place:
    """Return the place as an option: `--max-expires-in`, `--files.linux.method`."""
    if place[0] not in ("source", "params") or len(place) == 1:
        return place
    if "uri" in options and place[1] in ("s3_uri", "bucket_name"):
        return _URI_PLACE
    return _option(place[1]), *place[2:]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ResourceError(_USAGE_PLACE, message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        usage=_USAGE,
        description=_ABOUT,
        epilog=_CREDENTIALS,
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "uri",
        nargs="?",
        metavar="s3://BUCKET/KEY",
        help="the object, instead of --bucket-name and --file-path",
    )
    for title, table in (("address", fields.SOURCE), ("request", fields.PARAMS)):
        group = parser.add_argument_group(title)
        for name in table:
            if name in fields.SECRET:
                continue
            if fields.is_flag(name):
                group.add_argument(
                    _option(name),
                    action=argparse.BooleanOptionalAction,
                    help=fields.help_text(name),
                )
            else:
                group.add_argument(_option(name), metavar="VALUE", help=fields.help_text(name))
    return parser


def _versions() -> str:
    from .aws import versions

    found = {"s3-presigned-url": __version__, **versions.of_libraries()}
    compiled = globals().get("__compiled__")
    if compiled:
        found["nuitka"] = f"{compiled.major}.{compiled.minor}.{compiled.micro}"
    return "".join(f"{name} {version}\n" for name, version in found.items())
