"""The size of a program: all files that must be installed for it."""

import gzip
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path


def on_disk(installed: Iterable[Path]) -> int:
    """Return the total size in bytes of files and directories."""
    return sum(path.stat().st_size for path in _files(installed))


def zipped(installed: Iterable[Path]) -> int:
    """Return the total size in bytes after `gzip -9` of each file."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in _files(installed))


def distribution(name: str) -> Iterator[Path]:
    """Yield every file of an installed package and its dependencies."""
    for package in _with_dependencies(name, set()):
        for path in metadata.files(package) or ():
            yield Path(str(path.locate()))


def _files(installed: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    for path in installed:
        found.update(path.rglob("*") if path.is_dir() else [path])
    return {path for path in found if path.is_file() and not path.is_symlink()}


def _with_dependencies(name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        for requirement in metadata.requires(name) or ():
            if "extra ==" not in requirement:
                _with_dependencies(re.split(r"[^\w.-]", requirement)[0], seen)
    return seen
