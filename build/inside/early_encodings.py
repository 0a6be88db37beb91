"""What the package `encodings` is until more is wanted of it than that the interpreter starts.

A start asks once, for UTF-8: for the names of files, and for the three streams. The real package, and `codecs`, of which
it is made, took a tenth of it, while the interpreter encodes and decodes UTF-8 without them.
`plugin.py` puts this in the place of the package, with the package's code in ORIGINAL.
"""

import _codecs  # what codecs is made of

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from typing import Any

ORIGINAL = b""


class Incremental:
    """An encoder or decoder of a stream, which makes the real one when it is used."""

    _real: "Any"

    def __init__(self, errors: str) -> None:
        self._errors = errors

    def __getattr__(self, name: str) -> object:
        if name != "_real":
            return getattr(self._real, name)
        from encodings import utf_8

        self._real = getattr(utf_8, type(self).__name__)(self._errors)
        return self._real


class IncrementalEncoder(Incremental):
    """`utf_8.IncrementalEncoder`."""


class IncrementalDecoder(Incremental):
    """`utf_8.IncrementalDecoder`."""


class Codec(tuple):  # type: ignore[type-arg]  # of four, none of which is ever called
    """As much of a codec as a stream looks at."""

    name = "utf-8"
    incrementalencoder = IncrementalEncoder
    incrementaldecoder = IncrementalDecoder


def answer_start(encoding: str) -> "Any":
    """Search for an encoding, as one that `codecs` registers, while no other than UTF-8 is asked for."""
    return Codec([None] * 4)


def search_function(encoding: str) -> "Any":
    """Search for an encoding in the real package."""
    return __getattr__("search_function")(encoding)


def started() -> None:
    """Have the answer forgotten, as others would use more of a codec. Called by startup.c."""
    _codecs.unregister(answer_start)
    _codecs.register(search_function)


def __getattr__(name: str) -> "Any":
    """Become the real package, as something is looked for in it."""
    import marshal

    early = search_function
    del globals()["__getattr__"]
    exec(marshal.loads(ORIGINAL), globals())  # noqa: S102, S302  # the code that was compiled into the program
    _codecs.unregister(early)
    if name not in globals():
        raise AttributeError(name)
    return globals()[name]


_codecs.register(answer_start)
