"""Files that appear in the destination whole or not at all, and never outside it."""

import posix  # what os is made of; see _environ in __main__.py
import time

from .protocol import ResourceError

_LONGEST_PATH = 1024  # bytes, for which the directories on the way are made one by one


def segments(relative: str, field: str) -> list[str]:
    """Split a relative path into names. Raises ResourceError, naming `field`, for one that is not, or that leads out."""
    names = [name for name in relative.split("/") if name not in ("", ".")]
    leads_out = relative.startswith("/") or ".." in names
    if leads_out or relative.endswith("/") or not names or not relative.isprintable():
        raise ResourceError(field, "must be a relative path that stays inside the destination, such as url or links/url")
    if len(relative.encode()) > _LONGEST_PATH:
        raise ResourceError(field, f"must be a path of at most {_LONGEST_PATH} bytes")
    return names


class Destination:
    """The directory that Concourse gives to `in`, and the files that were put there in this run."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._placed: list[list[str]] = []
        self._made: list[list[str]] = []

    def place(self, files: dict[str, str]) -> None:
        """Write every file (relative path to text, mode 0644), or none of them.

        Raises ResourceError, with nothing left behind, when one of them cannot be written.
        """
        for relative, text in files.items():
            try:
                self._place(segments(relative, relative), text)
            except OSError as error:
                self.withdraw()
                raise ResourceError(f"{self.path}/{relative}", f"cannot be written: {error.strerror}") from None

    def withdraw(self) -> None:
        """Remove what was placed, as nobody is to use a half of it."""
        for names, remove in (
            *((names, posix.unlink) for names in self._placed),
            *((names, posix.rmdir) for names in self._made[::-1]),
        ):
            try:
                parent = self._open(names[:-1])
                try:
                    remove(names[-1], dir_fd=parent)
                finally:
                    posix.close(parent)
            except OSError:
                continue  # what cannot be removed is no reason to keep the rest
        self._placed, self._made = [], []

    def _place(self, names: list[str], text: str) -> None:
        parent = self._open(names[:-1])
        staged = f".s3-presigned-url.{posix.getpid()}.{time.time_ns()}"
        try:
            self._placed.append([*names[:-1], staged])  # noted before it is there, as a signal may come in between
            _write(staged, text.encode(), parent)
            self._placed.append(names)
            posix.rename(staged, names[-1], src_dir_fd=parent, dst_dir_fd=parent)
        finally:
            posix.close(parent)

    def _open(self, names: list[str]) -> int:
        """Open a directory below the destination, made where missing. No symbolic link is followed on the way."""
        directory = posix.open(self.path, posix.O_RDONLY | posix.O_DIRECTORY)
        for depth, name in enumerate(names, 1):
            parent = directory
            try:
                try:
                    self._made.append(names[:depth])  # noted before it is there, as above
                    posix.mkdir(name, 0o755, dir_fd=parent)
                except FileExistsError:
                    self._made.pop()
                directory = posix.open(name, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW, dir_fd=parent)
            finally:
                posix.close(parent)
        return directory


def _write(name: str, content: bytes, parent: int) -> None:
    file = posix.open(name, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW, 0o600, dir_fd=parent)
    try:
        while content:
            content = content[posix.write(file, content) :]
        posix.fchmod(file, 0o644)  # whatever the umask is: the next step may run as another user
    finally:
        posix.close(file)
