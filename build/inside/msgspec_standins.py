"""Stand-ins for modules that msgspec's C core looks up on import, but our Structs do not need.

Importing the real ones, above all `typing`, took half of a start. Later imports are not affected.
As a result, msgspec does not support Enum, UUID, Decimal or `typing` in this program. `app` does
not use them, and the contract tests run against the binary.
"""

import sys

# What the core of this version looks up. A name that is missing here stops the program's start,
# and so the build, which runs the program.
NAMES = {
    "abc": ("ABCMeta", "_abc_init"),
    "decimal": ("Decimal",),
    "enum": ("EnumMeta",),
    "re": ("compile",),
    "types": ("UnionType",),
    "typing": (
        *("Any", "ClassVar", "Final", "Generic", "Literal", "TypeAliasType", "TypeVar", "Union"),
        "_GenericAlias",
    ),
    "uuid": ("SafeUUID", "UUID"),
    "msgspec._utils": (
        *("_AnnotatedAlias", "_CONCRETE_TYPES", "call_annotate_forwardref"),
        *("convert_generic_alias", "get_class_annotations", "get_dataclass_info"),
        *("get_type_hints", "get_typeddict_info", "rebuild"),
    ),
}


class Nothing:
    """A type without instances."""

    unknown = None  # for uuid.SafeUUID.unknown


def _class_annotations(struct: type) -> dict[str, object]:
    """Return the types of a Struct's fields, including inherited fields."""
    found: dict[str, object] = {}
    for base in struct.__mro__:
        # importing inspect is slow
        for name, type_ in base.__dict__.get("__annotations__", {}).items():  # noqa: RUF063
            found.setdefault(name, type_)
    return found


# The few that are used.
_REAL = {
    "UnionType": type(int | None),
    "_CONCRETE_TYPES": {kind: kind for kind in (dict, frozenset, list, set, tuple)},
    "get_class_annotations": _class_annotations,
}


class Standin(type(sys)):  # type: ignore[misc]  # types.ModuleType, without importing types
    """A module with the names that the core looks up, of which nearly all are `Nothing`."""

    def __getattr__(self, name: str) -> object:
        if name in NAMES[str(self.__name__)]:
            return _REAL.get(name, Nothing)
        raise AttributeError(
            f"msgspec's core looks up {self.__name__}.{name}, which it did not before: "
            "see build/inside/msgspec_standins.py"
        )


class lent:  # noqa: N801  # used as a function, without importing contextlib
    """Replace modules that are not imported yet with stand-ins, for the duration of the block."""

    def __enter__(self) -> None:
        self.names = [name for name in NAMES if name not in sys.modules]
        for name in self.names:
            sys.modules[name] = Standin(name)

    def __exit__(self, *failure: object) -> None:
        for name in self.names:
            del sys.modules[name]
