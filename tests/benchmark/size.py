"""How much room a program takes: all the files that have to be installed for it."""

import gzip
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path


def on_disk(installed: Iterable[Path]) -> int:
    """Return the bytes in files, and in all files below directories."""
    return sum(path.stat().st_size for path in _files(installed))


def zipped(installed: Iterable[Path]) -> int:
    """Return the bytes of the same, each file put through `gzip -9`."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in _files(installed))


def distribution(name: str) -> Iterator[Path]:
    """Every file of an installed package, and of those that it needs."""
    for needed in _needed(name, set()):
        for path in metadata.files(needed) or ():
            yield Path(str(path.locate()))


def _files(installed: Iterable[Path]) -> set[Path]:
    below = (found for path in installed for found in ([path] if not path.is_dir() else path.rglob("*")))
    return {path for path in below if path.is_file() and not path.is_symlink()}


def _needed(name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        for requirement in metadata.requires(name) or ():
            if "extra ==" not in requirement:
                _needed(re.split(r"[^\w.-]", requirement)[0], seen)
    return seen
