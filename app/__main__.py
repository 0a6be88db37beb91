"""The entry: what was I called as, read the request, run that step, print. The one place that prints and exits."""

import gc

gc.disable()  # a run is over before a collection would pay for itself; first, as the imports would set some off

import _signal  # type: ignore[import-not-found]  # what signal is made of, without its enumerations
import posix
import sys
import time

import msgspec

from . import steps
from .delivery import Destination
from .protocol import Base, CheckRequest, GetRequest, PutRequest, ResourceError, check_depth

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from collections.abc import Callable, Mapping
    from typing import BinaryIO, TypeVar

    Request = TypeVar("Request", bound=Base)

PROGRAM = "s3-presigned-url"
STEPS = ("check", "in", "out")
LONGEST_REQUEST = 1 << 20  # bytes; Concourse's have a few hundred, and a bundle of CA certificates may be among them
LONGEST_LINE = 10_000  # characters; the longest key, with each of its characters escaped, is not cut

_CLOSED = OSError(9, "Bad file descriptor")  # EBADF, as the system would say it; Python has no stream then


def main(
    argv: list[str],
    environ: "Mapping[str, str]",
    stdin: "BinaryIO | None",
    stdout: "BinaryIO | None",
    stderr: "BinaryIO | None",
    settle: "Callable[[], object]" = lambda: None,
) -> int:
    """Run what `argv` asks for, and return the exit code: 0, or 1 after one line on stderr that says why.

    `settle` is called when the outcome is decided, so that no interrupt comes between the answer and its files.
    """
    called_as, arguments = argv[0].rpartition("/")[2], argv[1:]
    if called_as not in STEPS:
        called_as, arguments = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    run = Run(called_as, environ, stderr, settle)
    try:
        answer = run.step(arguments, stdin) if called_as in STEPS else run.command(arguments)
        run.print(answer, stdout)
    except ResourceError as error:
        return run.failed(str(error))
    except KeyboardInterrupt:
        return run.failed("interrupted")
    except MemoryError:
        return run.failed("not enough memory")
    except Exception as error:  # noqa: BLE001  # the one boundary: no traceback may reach a build log unredacted
        from . import crash

        return run.failed(*crash.report(error, run.request, environ))
    return 0


class Run:
    """One run of the program: where its words go, and what has to be taken back if it fails."""

    def __init__(
        self, called_as: str, environ: "Mapping[str, str]", stderr: "BinaryIO | None", settle: "Callable[[], object]"
    ) -> None:
        self.called_as = called_as
        self.request = b""
        self._environ = environ
        self._stderr = stderr
        self._settle = settle
        self._told: list[str] = []
        self._destination: Destination | None = None

    def step(self, arguments: list[str], stdin: "BinaryIO | None") -> bytes:
        """Run one of Concourse's executables, and return what it prints."""
        self.request = _read(stdin)
        now = int(time.time())
        if self.called_as == "check":
            return msgspec.json.encode(steps.check(_decode(self.request, CheckRequest)))
        if self.called_as == "out":
            return msgspec.json.encode(steps.put(_decode(self.request, PutRequest), now=now))
        if len(arguments) != 1:
            raise ResourceError("usage", "in DESTINATION_DIR < request.json")
        self._destination = Destination(arguments[0])
        request = _decode(self.request, GetRequest)
        return msgspec.json.encode(steps.get(request, self._destination, self._environ, now=now, log=self._told.append))

    def command(self, arguments: list[str]) -> bytes:
        """Run what people and tasks call, and return what it prints."""
        from . import cli

        self._destination = Destination(".")
        return cli.run(
            self.called_as, arguments, self._destination, self._environ, now=int(time.time()), log=self._told.append
        )

    def print(self, answer: bytes, stdout: "BinaryIO | None") -> None:
        """Write the answer, the last thing that can fail, and then what there is to tell of it."""
        self._settle()
        try:
            if stdout is None:
                raise _CLOSED
            stdout.write(answer)
            stdout.flush()
        except OSError as error:
            raise ResourceError("stdout", f"cannot be written: {error.strerror}") from None
        for line in self._told:
            self._log(line)

    def failed(self, line: str, *details: str) -> int:
        """Say why, leave nothing behind, and return the exit code."""
        self._settle()
        if self._destination:
            self._destination.withdraw()
        self._log(f"{PROGRAM}: {self.called_as}: {line}")
        for detail in details:
            self._log(detail)
        return 1

    def _log(self, line: str) -> None:
        """Write one line for a person: what cannot be printed is escaped, so a key with a line break stays in its line."""
        line = line[:LONGEST_LINE]
        if not line.isprintable():
            line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        if self._stderr is not None:
            try:
                self._stderr.write(f"{line}\n".encode())
                self._stderr.flush()
            except OSError:
                pass  # nobody listens, which is no reason to fail


def _read(stdin: "BinaryIO | None") -> bytes:
    request = b""
    try:
        if stdin is None:
            raise _CLOSED
        while chunk := stdin.read(1 << 16):
            request += chunk
            if len(request) > LONGEST_REQUEST:
                raise ResourceError("stdin", f"must be a request of at most {LONGEST_REQUEST >> 20} MiB")
    except OSError as error:
        raise ResourceError("stdin", f"cannot be read: {error.strerror}") from None
    return request


def _decode(request: bytes, type_: "type[Request]") -> "Request":
    try:
        check_depth(request)
        return msgspec.json.decode(request, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        from . import refusals

        raise refusals.of_request(request, type_) from None


def _called_as() -> str:
    # in the compiled program sys.argv[0] is the file behind the symlink, not the name that was called
    compiled = globals().get("__compiled__")
    return compiled.original_argv0 if compiled else sys.argv[0]


def _environ() -> dict[str, str]:
    """Return what os.environ would, without importing os: the abstract classes that it needs take a fifth of a start."""
    pairs = posix.environ.items()
    return {name.decode(errors="surrogateescape"): value.decode(errors="surrogateescape") for name, value in pairs}


def _ignore_interrupts() -> None:
    for number in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, _signal.SIG_IGN)


if __name__ == "__main__":
    # a stream is None, and has no buffer, when its descriptor was closed
    stdin, stdout, stderr = (getattr(stream, "buffer", None) for stream in (sys.stdin, sys.stdout, sys.stderr))
    sys.stdout = sys.stderr  # a stray print of a library must not get between Concourse and the answer
    _signal.signal(_signal.SIGTERM, _signal.default_int_handler)  # an aborted build: as Ctrl-C, take back what is half done
    try:
        code = main([_called_as(), *sys.argv[1:]], _environ(), stdin, stdout, stderr, _ignore_interrupts)
    except KeyboardInterrupt:  # the second one, just after the first
        code = 1
    # without the interpreter's own shutdown, a quarter of the run: all that was written is flushed
    posix._exit(code)
