"""Measure a process: wall and CPU time; peak memory and instructions in separate runs."""

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
    """A program with its full path and arguments, its whole environment, and its stdin."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    request: bytes = b""

    def under(self, *launcher: str) -> "Command":
        """Return the same command, started by another program."""
        return Command((*launcher, *self.argv), self.environ, self.request)


@dataclass(frozen=True)
class Run:
    """The times of one run in milliseconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Scratch:
    """The directory of all runs, with their streams and a destination created anew for each."""

    directory: Path

    @property
    def home(self) -> Path:
        """A home directory without configuration files."""
        return self.directory

    @property
    def destination(self) -> Path:
        """The directory argument of `in` and `out`."""
        return self.directory / "destination"

    def stream(self, name: str) -> Path:
        """Return the file of a standard stream."""
        return self.directory / name

    def prepare(self, request: bytes) -> None:
        """Empty the destination, and write the request to stdin."""
        shutil.rmtree(self.destination, ignore_errors=True)
        self.destination.mkdir()
        self.stream("stdin").write_bytes(request)


class CommandError(Exception):
    """A program failed, so its time means nothing."""


def once(command: Command, scratch: Scratch) -> Run:
    """Run a program to its end. Raises CommandError."""
    scratch.prepare(command.request)
    with (
        scratch.stream("stdin").open("rb") as stdin,
        scratch.stream("stdout").open("wb") as stdout,
        scratch.stream("stderr").open("wb") as stderr,
    ):
        streams = [
            (os.POSIX_SPAWN_DUP2, stream.fileno(), number)
            for number, stream in enumerate((stdin, stdout, stderr))
        ]
        started = time.perf_counter_ns()
        program, *_ = command.argv
        process = os.posix_spawn(program, command.argv, command.environ, file_actions=streams)
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter_ns() - started
    if status:
        printed = scratch.stream("stderr").read_text()
        raise CommandError(f"{' '.join(command.argv)}: status {status}\n{printed}")
    return Run(wall / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3)


def peak(command: Command, scratch: Scratch, launcher: Path) -> int:
    """Return a program's peak memory in bytes, measured by peak.c. Raises CommandError."""
    report = scratch.stream("peak")
    once(command.under(str(launcher), str(report)), scratch)
    return int(report.read_text()) << 10


@dataclass(frozen=True)
class Counter:
    """A tool that counts the instructions of a program.

    It reports to the file REPORT of its launcher and not to stderr, because a program may do more
    work if stderr is not empty.
    """

    name: str
    launcher: tuple[str, ...]
    report: str
    native_only: bool

    def count(self, command: Command, scratch: Scratch) -> int | None:
        """Return the number of instructions of a run, or None if the tool fails."""
        report = scratch.stream("count")
        launcher = [part.replace("REPORT", str(report)) for part in self.launcher]
        try:
            once(command.under(*launcher), scratch)
        except CommandError:
            return None
        found = re.search(self.report, report.read_text(), re.MULTILINE)
        return int(found[1]) if found else None


def counter() -> Counter | None:
    """Return a counter that works here: perf, or the simulation of callgrind, 50 times slower."""
    if perf := shutil.which("perf"):
        stat = (perf, "stat", "-e", "instructions:u", "-x,")
        counted = Counter("perf", (*stat, "-o", "REPORT", "--"), r"^(\d+),,instructions", False)
        tried = subprocess.run([*stat, "true"], capture_output=True, text=True, check=False)
        # many virtual machines have no such counter
        if re.search(counted.report, tried.stderr, re.MULTILINE):
            return counted
    if valgrind := shutil.which("valgrind"):
        callgrind = (valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null")
        return Counter("callgrind", (*callgrind, "--log-file=REPORT"), r"Collected : (\d+)", True)
    return None
