"""The command line for tasks and people: the fields of source and params as options, under the same names."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import msgspec

from . import __version__, fields, handover, refusals, steps
from .delivery import Destination, segments
from .protocol import Base, Params, ResourceError, Source, check_depth

_USAGE = """s3-presigned-url presign s3://BUCKET/KEY [OPTION ...]
       s3-presigned-url check|out|in [DIRECTORY] < REQUEST
       s3-presigned-url --help|--version"""
_ABOUT = """presign prints a presigned URL for an object in S3. check, out and in are the executables
of a Concourse resource type: they read Concourse's JSON request."""
_CREDENTIALS = """Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, or AWS_PROFILE and the rest of boto3's chain), never from options:
other users of the machine can read a command line."""

Fields = TypeVar("Fields", bound=Base)


def run(
    command: str,
    arguments: list[str],
    destination: Destination,
    environ: Mapping[str, str],
    *,
    now: int,
    log: Callable[[str], None],
) -> bytes:
    """Run `presign`, `--help` or `--version`, and return what it prints. Raises ResourceError, naming the option."""
    if command in ("--help", "-h", "help") or (command == "presign" and {"--help", "-h"} & {*arguments}):
        return _parser().format_help().encode()
    if command == "--version":
        return _versions().encode()
    if command != "presign":
        raise ResourceError("usage", "must be presign, check, in, out, --help or --version")
    options = _parse(arguments)
    try:
        return _presign(options, destination, environ, now=now, log=log)
    except ResourceError as error:
        raise _as_option(error, options) from None


def _presign(
    options: dict[str, Any],
    destination: Destination,
    environ: Mapping[str, str],
    *,
    now: int,
    log: Callable[[str], None],
) -> bytes:
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    defaults = {"region_name": region} if region else {}
    source = steps.validated(_convert({**defaults, **options}, fields.SOURCE, Source, "source."))
    params = _convert(options, fields.PARAMS, Params, "params.")
    signed, _ = steps.sign(source, params, environ, now=now, log=log)
    urls = {name: one.url for name, one in signed.items()}
    text = urls[""] if params.files is None else handover.json(urls)
    if params.url_file is not None:
        destination.place({"/".join(segments(params.url_file, "params.url_file")): text})
    for one in signed.values():
        log(handover.line(one))
    return b"" if params.url_file is not None else f"{text.rstrip()}\n".encode()


def _parse(arguments: list[str]) -> dict[str, Any]:
    """Return the options that were given, by the name of their field. Raises ResourceError for one that is none."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:  # what was no UTF-8 came as surrogates
        raise ResourceError("usage", "arguments must be valid UTF-8") from None
    given, unknown = _parser().parse_known_args(arguments)
    options = vars(given)
    for argument in unknown:
        option = argument.split("=")[0]
        name = option.removeprefix("--").replace("-", "_")
        if name in fields.SECRET:
            raise ResourceError(
                option, "no such option, as others can read a command line: credentials come from the environment"
            )
        if option.startswith("--"):
            close = difflib.get_close_matches(name, [*fields.SOURCE, *fields.PARAMS], n=1, cutoff=0.7)
            raise ResourceError(option, f"no such option: did you mean {_option(close[0])}?" if close else "no such option")
    if unknown:
        raise ResourceError("usage", "presign takes one s3://BUCKET/KEY and options; see --help")
    if "uri" in options:
        options["s3_uri"] = options["uri"]
        if not {"bucket_name", "bucket"} & options.keys():
            options["bucket_name"] = _bucket(options["uri"])
    if not {"file_path", "s3_uri", "files"} & options.keys():
        raise ResourceError("usage", "presign s3://BUCKET/KEY [OPTION ...]; see --help")
    if "files" in options:
        options["files"] = _json(options["files"])
    return options


def _bucket(uri: str) -> str:
    rest = uri.removeprefix("s3://")
    if rest == uri:
        raise ResourceError("usage", "presign takes the object as s3://BUCKET/KEY")
    if rest.startswith("arn:"):  # the ARN of an access point has a slash of its own
        before, kind, after = rest.partition("accesspoint/")
        return f"{before}{kind}{after.partition('/')[0]}"
    return rest.partition("/")[0]


def _json(text: str) -> Any:
    try:
        check_depth(text.encode())
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ResourceError("--files", f"must be a map in JSON: {error}") from None
    except RecursionError:
        raise ResourceError("--files", "must be a map in JSON, not nested this deeply") from None


def _convert(options: dict[str, Any], table: Mapping[str, object], type_: type[Fields], path: str) -> Fields:
    given = {name: value for name, value in options.items() if name in table}
    try:
        return msgspec.convert(given, type_)
    except msgspec.ValidationError:
        raise refusals.of_value(given, type_, path) from None


def _option(name: str) -> str:
    """`max_expires_in` as an option; what follows a point is within a map of the user's own."""
    name, point, rest = name.partition(".")
    return f"--{name.replace('_', '-')}{point}{rest}"


def _as_option(error: ResourceError, options: Mapping[str, Any]) -> ResourceError:
    """Return the error with the field as it was written here, and not in a pipeline."""
    place, _, name = error.field.partition(".")
    if place not in ("source", "params"):
        return error
    if "uri" in options and name in ("s3_uri", "bucket_name"):
        return ResourceError("s3://BUCKET/KEY", error.problem)
    problem = f"{error.problem}, or in AWS_REGION" if name == "region_name" else error.problem
    return ResourceError(_option(name), problem) if name else error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ResourceError("usage", message)


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
        "uri", nargs="?", metavar="s3://BUCKET/KEY", help="the object, instead of --bucket-name and --file-path"
    )
    for title, table in (("where the object is", fields.SOURCE), ("what the URL is to be", fields.PARAMS)):
        group = parser.add_argument_group(title)
        for name, field in table.items():
            if name in fields.SECRET:
                continue
            if field.form == fields.FLAG:
                group.add_argument(_option(name), action=argparse.BooleanOptionalAction, help=field.meaning)
            else:
                group.add_argument(_option(name), metavar="VALUE", help=field.meaning)
    return parser


def _versions() -> str:
    import ssl

    import boto3

    versions = {
        "s3-presigned-url": __version__,
        "python": sys.version.split()[0],
        "msgspec": msgspec.__version__,
        "boto3": boto3.__version__,
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
    compiled = globals().get("__compiled__")
    if compiled:
        versions["nuitka"] = f"{compiled.major}.{compiled.minor}.{compiled.micro}"
    return "".join(f"{name} {version}\n" for name, version in versions.items())
