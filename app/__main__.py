"""Entry point. Dispatches on argv[0], and is the only place that prints and exits."""

import gc

gc.disable()  # a run is too short for it to pay off; before the imports, which would trigger it

import _signal  # type: ignore[import-not-found]  # the C part of signal, without its enumerations
import posix
import sys
import time

import msgspec
from msgspec import Raw

from . import bounds, decoding, steps
from .destination import Destination
from .protocol import Params, Place, Request, ResourceError, Source

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

PROGRAM = "s3-presigned-url"
STEPS = ("check", "in", "out")

_CLOSED = OSError(9, "Bad file descriptor")  # EBADF: Python has no stream for a closed descriptor


def main(
    argv: list[str],
    environ: "Mapping[str, str]",
    stdin: "BinaryIO | None",
    stdout: "BinaryIO | None",
    stderr: "BinaryIO | None",
    settle: "Callable[[], object]" = lambda: None,
) -> int:
    """Run what `argv` asks for, and return the exit code: 0, or 1 after an error on stderr.

    `settle` is called once the outcome is final; from then on signals are ignored, so that the
    response and the files agree.
    """
    called_as, arguments = argv[0].rpartition("/")[2], argv[1:]
    if called_as not in STEPS:
        called_as, arguments = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    run = Run(called_as, environ, stderr, settle)
    try:
        output, log = run.step(arguments, stdin) if called_as in STEPS else run.command(arguments)
        run.finish(output, log, stdout)
    except ResourceError as error:
        return run.fail(str(error))
    except KeyboardInterrupt:
        return run.fail("interrupted")
    except MemoryError:
        return run.fail("not enough memory")
    # the one error boundary: no traceback may reach a build log unredacted
    except Exception as error:  # noqa: BLE001
        from .messages import crash

        return run.fail(*crash.report(error, run.request, environ))
    return 0


class Run:
    """One run of the program: its streams, and the files to remove on failure."""

    def __init__(
        self,
        called_as: str,
        environ: "Mapping[str, str]",
        stderr: "BinaryIO | None",
        settle: "Callable[[], object]",
    ) -> None:
        self.called_as = called_as
        self.request = b""
        self._environ = environ
        self._stderr = stderr
        self._settle = settle
        self._destination: Destination | None = None

    def step(self, arguments: list[str], stdin: "BinaryIO | None") -> tuple[bytes, list[str]]:
        """Run one of Concourse's executables. Return its output, and the lines for the log."""
        if self.called_as == "in" and len(arguments) != 1:
            raise ResourceError(("usage",), "in DESTINATION_DIR < request.json")
        self.request = _read(stdin)
        request = decoding.from_json(self.request, Request)
        source = request.source or Source()
        log: list[str] = []
        response: object
        if self.called_as == "check":
            response = steps.check(source)
        elif self.called_as == "out":
            given = decoding.from_json(bytes(request.params), dict[str, Raw] | None, ("params",))
            response = steps.put(source, given or {}, now=time.time_ns())
        else:
            self._destination = Destination(arguments[0])
            params = decoding.from_json(bytes(request.params), Params | None, ("params",))
            response, log = steps.get(
                source,
                params or Params(),
                request.version or {},
                self._destination,
                self._environ,
                now=int(time.time()),
                warn=self.warn,
            )
        return msgspec.json.encode(response), log

    def command(self, arguments: list[str]) -> tuple[bytes, list[str]]:
        """Run a command for people and tasks. Return its output, and the lines for the log."""
        from . import cli

        self._destination = Destination(".")
        now = int(time.time())
        return cli.run(
            self.called_as, arguments, self._destination, self._environ, now=now, warn=self.warn
        )

    def warn(self, place: Place, problem: str) -> None:
        """Print a warning."""
        self._print(f"warning: {'.'.join(place)}: {problem}")

    def finish(self, output: bytes, log: list[str], stdout: "BinaryIO | None") -> None:
        """Write the output, the last thing that can fail, and then the log."""
        self._settle()
        try:
            if stdout is None:
                raise _CLOSED
            stdout.write(output)
            stdout.flush()
        except OSError as error:
            raise ResourceError(("stdout",), f"cannot be written: {error.strerror}") from None
        for line in log:
            self._print(line)

    def fail(self, line: str, *details: str) -> int:
        """Print the error, remove the files, and return the exit code."""
        self._settle()
        if self._destination:
            self._destination.remove()
        self._print(f"{PROGRAM}: {self.called_as}: {line}")
        for detail in details:
            self._print(detail)
        return 1

    def _print(self, line: str) -> None:
        """Print a line on stderr. Non-printable characters are escaped."""
        line = line[: bounds.MAX_LOG_LINE]
        if not line.isprintable():
            line = "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode() for c in line
            )
        if self._stderr is not None:
            try:
                self._stderr.write(f"{line}\n".encode())
                self._stderr.flush()
            except OSError:
                pass  # stderr is closed


def _read(stdin: "BinaryIO | None") -> bytes:
    request = b""
    try:
        if stdin is None:
            raise _CLOSED
        while chunk := stdin.read(1 << 16):
            request += chunk
            if len(request) > bounds.MAX_REQUEST:
                raise ResourceError(
                    ("stdin",), f"request is larger than {bounds.MAX_REQUEST >> 20} MiB"
                )
    except OSError as error:
        raise ResourceError(("stdin",), f"cannot be read: {error.strerror}") from None
    return request


def _called_as() -> str:
    # in the compiled program sys.argv[0] is the target of the symlink
    compiled = globals().get("__compiled__")
    return compiled.original_argv0 if compiled else sys.argv[0]


def _environ() -> dict[str, str]:
    """Return os.environ, without importing os, which would take a fifth of the start-up time."""
    pairs = posix.environ.items()
    return {
        name.decode(errors="surrogateescape"): value.decode(errors="surrogateescape")
        for name, value in pairs
    }


def _ignore_signals() -> None:
    for number in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, _signal.SIG_IGN)


if __name__ == "__main__":
    # a stream is None, and has no buffer, if its descriptor is closed
    stdin, stdout, stderr = (
        getattr(stream, "buffer", None) for stream in (sys.stdin, sys.stdout, sys.stderr)
    )
    sys.stdout = sys.stderr  # keep stray prints of libraries off stdout, which carries the response
    _signal.signal(
        _signal.SIGTERM, _signal.default_int_handler
    )  # an aborted build: as Ctrl-C, remove partial results
    try:
        code = main(
            [_called_as(), *sys.argv[1:]], _environ(), stdin, stdout, stderr, _ignore_signals
        )
    except KeyboardInterrupt:  # a second signal, just after the first
        code = 1
    # skip interpreter shutdown (25 % of a run); everything is already flushed
    posix._exit(code)
