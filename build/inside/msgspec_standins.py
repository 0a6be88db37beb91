"""Stand-ins for what msgspec's C core looks up as it starts, though no Struct of ours needs it.

The real modules, `typing` above all, took half of a start. They are imported as usual by whoever asks for them later.
What this costs: msgspec knows no Enum, UUID, Decimal, nor anything of `typing` in this program; `app/protocol.py` does
without, and the tests of the contract run against the binary.
"""

import sys

NAMES = ("abc", "decimal", "enum", "re", "types", "typing", "uuid")

Module = type(sys)


class Nothing:
    """What nothing is an instance of."""

    unknown = None  # uuid.SafeUUID.unknown is looked up as well


class Standin(Module):  # type: ignore[misc, valid-type]  # the type of modules, without importing `types`
    """A module that has every name: each is `Nothing`."""

    UnionType = type(int | None)

    def __getattr__(self, name: str) -> type:
        return Nothing


class Utils(Standin):
    """In the place of `msgspec._utils`, which is about generic types, data classes and typed dictionaries."""

    _CONCRETE_TYPES = {kind: kind for kind in (dict, frozenset, list, set, tuple)}  # noqa: RUF012  # never changed

    @staticmethod
    def get_class_annotations(struct: type) -> dict[str, object]:
        """Return the types of a Struct's fields, its own and the inherited."""
        found: dict[str, object] = {}
        for base in struct.__mro__:
            for name, type_ in base.__dict__.get("__annotations__", {}).items():  # noqa: RUF063  # inspect is no small import
                found.setdefault(name, type_)
        return found


class lent:  # noqa: N801  # used as a function, without importing contextlib
    """Put the stand-ins in the place of the modules that are not imported yet, for as long as the block takes."""

    def __enter__(self) -> None:
        self.names = [name for name in (*NAMES, "msgspec._utils") if name not in sys.modules]
        for name in self.names:
            sys.modules[name] = (Utils if name == "msgspec._utils" else Standin)(name)

    def __exit__(self, *failure: object) -> None:
        for name in self.names:
            del sys.modules[name]
