"""The package `encodings` during a start: only the little that the interpreter needs of it.

A start looks up one encoding, UTF-8, for file names and the three streams. The real package, with
`codecs`, took a tenth of a start, although the interpreter can encode and decode UTF-8 itself.
`plugin.py` puts this module in the place of the package, and the package's code into ORIGINAL.
"""

import _codecs  # the C part of codecs

TYPE_CHECKING = False
if TYPE_CHECKING:  # type checking only: importing it costs start-up time
    from typing import Any

ORIGINAL = b""


class Incremental:
    """An encoder or decoder of a stream. It creates the real one on first use."""

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


class Codec(tuple):  # type: ignore[type-arg]  # of four items, none of which is called
    """The part of a codec that a stream looks at."""

    name = "utf-8"
    incrementalencoder = IncrementalEncoder
    incrementaldecoder = IncrementalDecoder


def answer_start(encoding: str) -> "Any":
    """Return the codec for UTF-8, the only encoding that is looked up during a start."""
    return Codec([None] * 4)


def search_function(encoding: str) -> "Any":
    """Return the codec from the real package."""
    return __getattr__("search_function")(encoding)


def started() -> None:
    """Unregister `answer_start`, because later users need complete codecs. Called by startup.c."""
    _codecs.unregister(answer_start)
    _codecs.register(search_function)


def __getattr__(name: str) -> "Any":
    """Return an attribute of the real package, after becoming that package."""
    import marshal

    early = search_function
    del globals()["__getattr__"]
    # safe: ORIGINAL is part of the program
    exec(marshal.loads(ORIGINAL), globals())  # noqa: S102, S302
    _codecs.unregister(early)
    if name not in globals():
        raise AttributeError(name)
    return globals()[name]


_codecs.register(answer_start)
