"""One process, measured from outside: wall and CPU time, and in runs of their own, peak memory and instructions."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """What is run: a program by its full path, all of its environment, and its standard input."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    request: bytes = b""

    def under(self, *launcher: str) -> "Command":
        """Return the same, started by another program."""
        return Command((*launcher, *self.argv), self.environ, self.request)


@dataclass(frozen=True)
class Run:
    """What one run took, in milliseconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Scratch:
    """The directory that all runs take place in: Concourse's destination, made anew for each, and the streams beside it."""

    directory: Path

    @property
    def home(self) -> Path:
        """A home directory without a configuration of anyone's."""
        return self.directory

    @property
    def destination(self) -> Path:
        """The directory that is handed to `in` and `out`."""
        return self.directory / "destination"

    def stream(self, name: str) -> Path:
        """The file behind a standard stream."""
        return self.directory / name

    def prepare(self, request: bytes) -> None:
        """Empty the destination, and lay out the request."""
        shutil.rmtree(self.destination, ignore_errors=True)
        self.destination.mkdir()
        self.stream("stdin").write_bytes(request)


class CommandError(Exception):
    """A program that did not exit with 0, so that its time means nothing."""


def once(command: Command, scratch: Scratch) -> Run:
    """Run a program to its end. Raises CommandError."""
    scratch.prepare(command.request)
    with (
        scratch.stream("stdin").open("rb") as stdin,
        scratch.stream("stdout").open("wb") as stdout,
        scratch.stream("stderr").open("wb") as stderr,
    ):
        streams = [(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number, stream in enumerate((stdin, stdout, stderr))]
        started = time.perf_counter_ns()
        process = os.posix_spawn(command.argv[0], command.argv, command.environ, file_actions=streams)
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter_ns() - started
    if status:
        raise CommandError(f"{' '.join(command.argv)}: status {status}\n{scratch.stream('stderr').read_text()}")
    return Run(wall / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3)


def peak(command: Command, scratch: Scratch, launcher: Path) -> int:
    """Return a program's peak memory in bytes, as told by the compiled peak.c. Raises CommandError."""
    report = scratch.stream("peak")
    once(command.under(str(launcher), str(report)), scratch)
    return int(report.read_text()) << 10


@dataclass(frozen=True)
class Counter:
    """A tool that counts the instructions of a program, and says so in the file that its launcher names REPORT.

    Not on stderr, as a program may do more when something stands there already.
    """

    name: str
    launcher: tuple[str, ...]
    report: str
    native_only: bool

    def count(self, command: Command, scratch: Scratch) -> int | None:
        """Return how many instructions a run took, or None where the tool cannot tell."""
        report = scratch.stream("count")
        try:
            once(command.under(*(part.replace("REPORT", str(report)) for part in self.launcher)), scratch)
        except CommandError:
            return None
        found = re.search(self.report, report.read_text(), re.MULTILINE)
        return int(found[1]) if found else None


def counter() -> Counter | None:
    """Return what counts instructions here: the processor, or a simulation of it, which takes 50 times as long."""
    if perf := shutil.which("perf"):
        stat = (perf, "stat", "-e", "instructions:u", "-x,")
        counted = Counter("perf", (*stat, "-o", "REPORT", "--"), r"^(\d+),,instructions", False)
        tried = subprocess.run([*stat, "true"], capture_output=True, text=True, check=False)
        if re.search(counted.report, tried.stderr, re.MULTILINE):  # a virtual machine often has no such counter
            return counted
    if valgrind := shutil.which("valgrind"):
        simulated = (valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=REPORT")
        return Counter("callgrind", simulated, r"Collected : (\d+)", True)
    return None
