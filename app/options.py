"""The options of `presign`: every field of source and params, and those of `aws s3 presign`.

Parsed by hand, because importing argparse takes longer than everything else that `presign` does.
"""

from .messages import fields
from .protocol import Params, ResourceError, Source

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs start-up time
    from collections.abc import Iterator

USAGE = ("usage",)
# Options of the AWS CLI with another name here.
_AWS_NAMES = {
    "--region": "region_name",
    "--endpoint-url": "endpoint",
}
# What is neither in source nor in params; `profile` is one of the AWS CLI too.
_OWN = ("profile", "output")
_OUTPUTS = ("text", "json")


def parse(arguments: list[str]) -> dict[str, str | bool]:
    """Return the given options by field, and `uri`; `help` if it is asked for.

    Options may be written `--name value`, `--name=value`, and for flags `--name` and `--no-name`;
    `--` ends them. Raises ResourceError for an unknown option.
    """
    values, flags = _tables()
    options: dict[str, str | bool] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument in ("--help", "-h"):
            return {"help": next(rest, "")}
        if argument == "--":
            for uri in rest:
                _set_uri(options, uri)
        elif argument.startswith("-"):
            field, value = _option(argument, rest, values, flags)
            options[field] = value
        else:
            _set_uri(options, argument)
    if options.get("output", "text") not in _OUTPUTS:
        raise ResourceError(("--output",), f"must be text or json, got {options['output']!r}")
    return options


def _option(
    argument: str,
    rest: "Iterator[str]",
    values: dict[str, str],
    flags: dict[str, tuple[str, bool]],
) -> tuple[str, str | bool]:
    """Return the field of an option, and its value, which may be the next argument."""
    option, equals, value = argument.partition("=")
    if option in flags and not equals:
        return flags[option]
    if option not in values:
        from .messages import validation

        raise ResourceError((option,), validation.explain_option(option, [*values, *flags]))
    if not equals:
        value = next(rest, "--")
        if value.startswith("--"):
            raise ResourceError((option,), f"requires a value, such as {option}=VALUE")
    if not value:
        raise ResourceError((option,), "must not be empty: give it a value, or leave it out")
    return values[option], value


def _set_uri(options: dict[str, str | bool], uri: str) -> None:
    if "uri" in options:
        raise ResourceError(USAGE, "presign takes one s3://BUCKET/KEY and options; see --help")
    options["uri"] = uri


def _tables() -> tuple[dict[str, str], dict[str, tuple[str, bool]]]:
    """Return the options with a value, and the flags with what they set."""
    values = {fields.option(own): own for own in _OWN} | _AWS_NAMES
    flags = {"--no-verify-ssl": ("skip_ssl_verification", True)}
    for field in (*Source.__struct_fields__, *Params.__struct_fields__):
        option = fields.option(field)
        if field in fields.SECRET:
            continue
        if fields.is_flag(field):
            flags[option] = (field, True)
            flags[f"--no-{option[2:]}"] = (field, False)
        values[option] = field  # a flag too: --use-path-style=false
    return values, flags
