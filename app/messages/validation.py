"""Explains why a request was rejected: where, what was expected, and what was perhaps meant.

msgspec stops at the first mistake, its messages are for programmers, and its paths do not name the
keys of maps. So this compares the decoded value with the Structs again, field by field.
"""

import difflib
from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

import msgspec

from .. import bounds
from ..protocol import Base, Input, Params, Place, ResourceError, Source, is_allowed
from . import fields

# What other tools have as options of their own, and belongs in `headers` here.
_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "x-amz-checksum-sha256",
    "x-amz-expected-bucket-owner",
    "x-amz-object-lock-mode",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
)
_HEADER_OF = {
    **{name.removeprefix("x-amz-").replace("-", ""): name for name in _HEADERS},
    "metadata": "x-amz-meta-NAME",
    "tags": "x-amz-tagging",
}


def explain_json(json: bytes, type_: Any, place: Place) -> ResourceError:
    """Return the first mistake in JSON at `place` that is not a valid `type_`.

    The place of what was read from stdin is `()`.
    """
    stdin = ("stdin",)
    if not json.strip():
        return ResourceError(
            stdin, 'is empty: must be a request, such as {"source": {"bucket_name": "my-bucket"}}'
        )
    try:
        bounds.check_depth(json)
        value = msgspec.json.decode(json)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ResourceError(stdin, f"invalid JSON: {error}")
    except RecursionError:
        return ResourceError(stdin, f"JSON is nested too deeply (limit: {bounds.MAX_DEPTH} levels)")
    if place:
        mistake = _explain_field(value, type_, place)
    elif isinstance(value, dict):
        mistake = explain(value, type_, place)
    else:
        mistake = ResourceError(stdin, f"must be a JSON object, got {_kind(value)}")
    return mistake or ResourceError(stdin, "not a valid Concourse request")


def explain(value: dict[str, Any], struct: type[Base], place: Place) -> ResourceError | None:
    """Return the first mistake in a map at `place` that is not a valid `struct`."""
    types = get_type_hints(struct)
    if issubclass(struct, Input) and (unknown := [name for name in value if name not in types]):
        return _unknown(unknown, struct, place)
    mistakes = (
        _explain_field(value[name], type_, (*place, name))
        for name, type_ in types.items()
        if name in value and type_ is not msgspec.Raw  # which is explained when it is decoded
    )
    return next(filter(None, mistakes), None)


def _explain_field(value: Any, type_: Any, place: Place) -> ResourceError | None:
    name = place[-1]
    try:
        converted = msgspec.convert(value, type_)
        if converted is None or is_allowed(name, converted):
            return None
    except msgspec.ValidationError:
        pass
    if isinstance(value, dict):
        struct = next(
            (part for part in get_args(type_) if isinstance(part, type) and issubclass(part, Base)),
            None,
        )
        if struct:
            return explain(value, struct, place)
        if place == ("params", "files"):
            name, entry = next(
                (name, entry) for name, entry in value.items() if not isinstance(entry, dict)
            )
            return ResourceError(
                (*place, name),
                f"must be a map such as {{file_path: setup.exe}}, got {_kind(entry)}",
            )
        if place == ("version",):
            name, text = next(
                (name, text) for name, text in value.items() if not isinstance(text, str)
            )
            return ResourceError(
                (*place, name), f"must be a string, got {_kind(text)}{_advice(text)}"
            )
    if value == "":
        return ResourceError(place, "must not be empty: give it a value, or leave it out")
    if isinstance(value, str) and len(value) > bounds.max_text(name):
        return ResourceError(
            place, f"must be at most {bounds.max_text(name)} characters, got {len(value)}"
        )
    expected = fields.form(name)
    # a string is only shown where another form is expected, so it is not a secret
    shown = isinstance(value, str) and len(place) > 1
    got = repr(value[:60]) if shown else _kind(value)
    advice = _advice(value) if expected == "a string" else ""
    return ResourceError(place, f"must be {expected}, got {got}{advice}")


def _unknown(names: list[str], struct: type[Base], place: Place) -> ResourceError:
    """Return an error that names every unknown field, each with a hint if there is one."""
    known = struct.__struct_fields__
    hints = [_hint(name, known, place) for name in names]
    listing = f"must be one of {', '.join(known)}"
    if len(names) == 1:
        return ResourceError((*place, names[0]), f"unknown field: {hints[0] or listing}")
    described = ", ".join(
        f"{name} ({hint})" if hint else name for name, hint in zip(names, hints, strict=True)
    )
    return ResourceError(
        place, f"unknown fields: {described}{'' if all(hints) else f': {listing}'}"
    )


def _hint(name: str, known: tuple[str, ...], place: Place) -> str:
    if place[:-1] == ("params", "files") and name in Params.__struct_fields__:
        return "not allowed inside files: set it next to files, it applies to every entry"
    if name in Source.__struct_fields__:
        return "it belongs in the source of the resource"
    if name in Params.__struct_fields__:
        return "it belongs in get_params"
    header = _header(name)
    if header and "headers" in known:
        return f"it is a header: set {header} in headers"
    return _similar(name, known)


def explain_option(option: str, known: Sequence[str]) -> str:
    """Return what is wrong with an option of the command line that is not one of the known."""
    name = option.removeprefix("--")
    if name.replace("-", "_") in fields.SECRET:
        return f"{fields.NOT_AN_OPTION}: use the environment"
    header = _header(name)
    hint = f"it is a header: set {header} in --headers" if header else _similar(option, known)
    return f"no such option{f': {hint}' if hint else ''}"


def _header(name: str) -> str | None:
    """Return the header that other tools have as an option of this name."""
    return _HEADER_OF.get(name.lower().replace("_", "").replace("-", "").removeprefix("xamz"))


def _similar(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else ""


def _advice(value: Any) -> str:
    return ": quote it" if isinstance(value, int | float) else ""


def _kind(value: Any) -> str:
    """Return what a value is, without showing a string, which may be a secret."""
    match value:
        case str():
            return "a string"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case dict():
            return "a map"
        case list():
            return "a list"
        case _:
            return "null"
