"""Stand-ins for modules that msgspec's C core looks up on import, but our Structs do not need.

Importing the real ones, above all `typing`, took half of a start. Later imports are not affected.
As a result, msgspec does not support Enum, UUID, Decimal or `typing` in this program. `app` does
not use them, and the contract tests run against the binary.
"""

import sys

NAMES = ("abc", "decimal", "enum", "re", "types", "typing", "uuid")

Module = type(sys)  # types.ModuleType, without importing types


class Nothing:
    """A type without instances."""

    unknown = None  # for uuid.SafeUUID.unknown


class Standin(Module):  # type: ignore[misc, valid-type]  # a variable, to mypy
    """A module in which every name is `Nothing`."""

    UnionType = type(int | None)

    def __getattr__(self, name: str) -> type:
        return Nothing


class Utils(Standin):
    """Replaces `msgspec._utils`, which is for generics, data classes and typed dictionaries."""

    # never modified
    _CONCRETE_TYPES = {kind: kind for kind in (dict, frozenset, list, set, tuple)}  # noqa: RUF012

    @staticmethod
    def get_class_annotations(struct: type) -> dict[str, object]:
        """Return the types of a Struct's fields, including inherited fields."""
        found: dict[str, object] = {}
        for base in struct.__mro__:
            # importing inspect is slow
            for name, type_ in base.__dict__.get("__annotations__", {}).items():  # noqa: RUF063
                found.setdefault(name, type_)
        return found


class lent:  # noqa: N801  # used as a function, without importing contextlib
    """Replace modules that are not imported yet with stand-ins, for the duration of the block."""

    def __enter__(self) -> None:
        self.names = [name for name in (*NAMES, "msgspec._utils") if name not in sys.modules]
        for name in self.names:
            sys.modules[name] = (Utils if name == "msgspec._utils" else Standin)(name)

    def __exit__(self, *failure: object) -> None:
        for name in self.names:
            del sys.modules[name]
