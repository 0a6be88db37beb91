"""Says what is wrong with a request that msgspec did not take: where, what was wanted, and what was perhaps meant.

msgspec stops at the first mistake with a message for programmers, and its paths do not name the keys of maps. So the
plain value is gone through again, field by field, beside the Structs. Only ever imported to refuse.
"""

import difflib
from typing import Any, get_args, get_type_hints

import msgspec

from . import fields
from .fields import Field
from .protocol import (
    LONGER,
    LONGEST_TEXT,
    Base,
    Params,
    ResourceError,
    Source,
    Span,
    UrlParams,
    check_depth,
    is_possible,
    is_too_long,
)

_FIELDS: dict[type[Base], dict[str, Field]] = {
    Source: fields.SOURCE,
    Params: fields.PARAMS,
    UrlParams: fields.PARAMS,
    Span: fields.SPAN,
}


def of_request(stdin: bytes, request: type[Base]) -> ResourceError:
    """Return the first mistake in what came on stdin, where a `request` was expected."""
    if not stdin.strip():
        return ResourceError("stdin", 'is empty: must be a request, such as {"source": {"bucket_name": "my-bucket"}}')
    try:
        check_depth(stdin)
        value = msgspec.json.decode(stdin)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ResourceError("stdin", f"must be a request in JSON: {error}")
    except RecursionError:
        return ResourceError("stdin", "must be a request in JSON, not nested this deeply")
    if not isinstance(value, dict):
        return ResourceError("stdin", f"must be a request, a JSON object, got {_kind(value, show=False)}")
    return of_value(value, request, "")


def of_value(value: dict[str, Any], struct: type[Base], path: str) -> ResourceError:
    """Return the first mistake in a map that was to become `struct`, under `path`."""
    return _mistake(value, struct, path) or ResourceError(path or "stdin", "must be a request as Concourse sends it")


def _mistake(value: dict[str, Any], struct: type[Base], path: str) -> ResourceError | None:
    types = get_type_hints(struct)
    known = _FIELDS.get(struct, fields.OBJECTS)
    if struct in _FIELDS:
        for name in value:
            if name not in types:
                return ResourceError(f"{path}{name}", f"unknown field{_meant(name, struct, list(types))}")
    for name, type_ in types.items():
        if name in value:
            mistake = _field_mistake(value[name], type_, known[name].form, name, path)
            if mistake:
                return mistake
    return None


def _field_mistake(value: Any, type_: Any, form: str, name: str, path: str) -> ResourceError | None:
    try:
        converted = msgspec.convert(value, type_)
        if converted is None or is_possible(name, converted):
            return None
    except msgspec.ValidationError:
        pass
    inner = next((part for part in get_args(type_) if isinstance(part, type) and issubclass(part, Base)), None)
    if inner and isinstance(value, dict):
        return _mistake(value, inner, f"{path}{name}.")
    if name == "files" and isinstance(value, dict):
        return _files_mistake(value, f"{path}{name}")
    if name == "version" and isinstance(value, dict):
        part, other = next((part, text) for part, text in value.items() if not isinstance(text, str))
        return _unlike("a string", other, f"version.{part}", show=False)
    if value == "":
        return ResourceError(f"{path}{name}", "must not be empty: give it a value, or leave it out")
    if is_too_long(name, value):
        longest = LONGER.get(name, LONGEST_TEXT)
        return ResourceError(f"{path}{name}", f"must be at most {longest} characters, got {len(value)}")
    return _unlike(form, value, f"{path}{name}", show=bool(path) and name not in fields.SECRET)


def _unlike(form: str, value: Any, field: str, *, show: bool) -> ResourceError:
    cure = ": write it in quotes" if form == "a string" and isinstance(value, int | float) else ""
    return ResourceError(field, f"must be {form}, got {_kind(value, show=show)}{cure}")


def _files_mistake(entries: dict[str, Any], path: str) -> ResourceError | None:
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            return ResourceError(
                f"{path}.{name}", f"must be a map such as {{file_path: setup.exe}}, got {_kind(entry, show=False)}"
            )
        mistake = _mistake(entry, UrlParams, f"{path}.{name}.")
        if mistake:
            return mistake
    return None


def _meant(name: str, struct: type[Base], known: list[str]) -> str:
    """Return where the field belongs, or the name that was perhaps meant, or all of them."""
    if struct is UrlParams and name in fields.PARAMS:
        return ": it belongs beside files, as it is for all of them"
    for table, place in ((fields.SOURCE, "the source of the resource"), (fields.PARAMS, "get_params")):
        if name in table:
            return f": it belongs in {place}"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f": did you mean {close[0]}?" if close else f": must be one of {', '.join(known)}"


def _kind(value: Any, *, show: bool) -> str:
    """Say what a value is. A text is shown only where it can be no secret."""
    match value:
        case str():
            return f"{value[:60]!r}" if show else "a string"
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
