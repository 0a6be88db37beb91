"""Turns input into the Structs of `protocol.py`, or explains why it cannot."""

import msgspec

from .bounds import check_depth
from .protocol import Base, Place, ResourceError

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from typing import Any, TypeVar

    Fields = TypeVar("Fields", bound=Base)


def from_json(json: bytes, type_: "Any", place: Place = ()) -> "Any":
    """Return the JSON at `place` as a `type_`. Raises ResourceError for a mistake in it."""
    try:
        check_depth(json)
        return msgspec.json.decode(json, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        from .messages import validation

        raise validation.explain_json(json, type_, place) from None


def from_map(value: "dict[str, Any]", struct: "type[Fields]", place: Place) -> "Fields":
    """Return the map at `place` as a `struct`. Raises ResourceError for a mistake in it."""
    try:
        return msgspec.convert(value, struct)
    except msgspec.ValidationError as error:
        from .messages import validation

        mistake = validation.explain(value, struct, place)
        raise mistake or ResourceError(place, str(error)) from None
