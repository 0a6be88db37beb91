"""Writes files atomically, confined to the destination."""

import posix  # part of os; importing os costs start-up time
import time

from .bounds import MAX_PATH
from .protocol import Place, ResourceError


def split(path: str, place: Place) -> list[str]:
    """Split a relative path. Raises ResourceError for one that leads out of the destination."""
    names = [name for name in path.split("/") if name not in ("", ".")]
    leads_out = path.startswith("/") or ".." in names
    if leads_out or path.endswith("/") or not names or not path.isprintable():
        raise ResourceError(
            place,
            "must be a relative path that stays inside the destination, such as url or links/url",
        )
    if len(path.encode()) > MAX_PATH:
        raise ResourceError(place, f"must be a path of at most {MAX_PATH} bytes")
    return names


class Destination:
    """The directory that Concourse gives to `in`, and the files that this run has written there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._files: list[list[str]] = []
        self._directories: list[list[str]] = []

    def write(self, files: dict[str, str]) -> None:
        """Write every file (relative path to text, mode 0644), or none of them.

        Raises ResourceError, with nothing left behind, if one of them cannot be written.
        """
        by_directory: dict[tuple[str, ...], list[str]] = {}
        for path in files:
            by_directory.setdefault(tuple(split(path, (path,))[:-1]), []).append(path)
        path = ""
        try:
            for directory, paths in by_directory.items():
                path = paths[0]
                parent = self._open(list(directory))
                try:
                    for path in paths:
                        name = split(path, (path,))[-1]
                        self._write(parent, [*directory, name], files[path])
                finally:
                    posix.close(parent)
        except OSError as error:
            self.remove()
            raise ResourceError(
                (f"{self.path}/{path}",), f"cannot be written: {error.strerror}"
            ) from None

    def remove(self) -> None:
        """Remove what was written, so that no partial result remains."""
        for names, remove in (
            *((names, posix.unlink) for names in self._files),
            *((names, posix.rmdir) for names in self._directories[::-1]),
        ):
            try:
                parent = self._open(names[:-1])
                try:
                    remove(names[-1], dir_fd=parent)
                finally:
                    posix.close(parent)
            except OSError:
                continue  # best effort
        self._files, self._directories = [], []

    def _write(self, parent: int, names: list[str], text: str) -> None:
        temporary = f".s3-presigned-url.{posix.getpid()}.{time.time_ns()}"
        # recorded first: a signal may arrive in between
        self._files.append([*names[:-1], temporary])
        _create(temporary, text.encode(), parent)
        self._files.append(names)
        posix.rename(temporary, names[-1], src_dir_fd=parent, dst_dir_fd=parent)

    def _open(self, names: list[str]) -> int:
        """Open a directory in the destination, created if missing. Symlinks are not followed."""
        directory = posix.open(self.path, posix.O_RDONLY | posix.O_DIRECTORY)
        for depth, name in enumerate(names, 1):
            parent = directory
            try:
                try:
                    self._directories.append(names[:depth])  # recorded first, as above
                    posix.mkdir(name, 0o755, dir_fd=parent)
                except FileExistsError:
                    self._directories.pop()
                directory = posix.open(
                    name, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW, dir_fd=parent
                )
            finally:
                posix.close(parent)
        return directory


def _create(name: str, content: bytes, parent: int) -> None:
    file = posix.open(
        name, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW, 0o600, dir_fd=parent
    )
    try:
        while content:
            content = content[posix.write(file, content) :]
        posix.fchmod(file, 0o644)  # regardless of the umask: the next step may run as another user
    finally:
        posix.close(file)
