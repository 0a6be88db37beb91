"""Measure every row in turn, and print the table and the bars. Progress is printed on stderr."""

import contextlib
import sys
import tempfile
from pathlib import Path

from ..scripted import scripted
from ..sts_server import session
from . import install, machine, measure, size
from .bars import ARCHITECTURE, bars
from .measure import Scratch
from .result import Result
from .rows import EXPIRES_IN, Row, rows, verify
from .table import table

WARM_UP = 2


def main(rounds: int) -> int:
    """Measure, print, and return the exit code: 1 if a bar is missed."""
    with (
        tempfile.TemporaryDirectory() as directory,
        scripted(lambda handler: session(EXPIRES_IN)(handler)) as sts,
    ):
        scratch = Scratch(Path(directory))
        results = {row.name: Result(row) for row in rows(scratch, sts.url)}
        available = [result for result in results.values() if result.row.command]
        for result in available:
            verify(result.row, scratch)
        _run_rounds(available, scratch, rounds)
        counter = _measure_once(available, scratch)
    rounds_note = f"medians of {rounds} rounds, each running every row once"
    print(f"{machine.described()}; {rounds_note}: `make bench RUNS={rounds}`\n")
    print(table(results))
    print(f"\nInstructions: {counter or 'no counter is available here'}.")
    checklist = bars(results)
    lines = [*map(str, checklist)] or [f"No bars: they are for dist/in on {ARCHITECTURE}."]
    print("\n" + "\n".join(lines))
    return int(any(bar.failed for bar in checklist))


def _run_rounds(results: list[Result], scratch: Scratch, rounds: int) -> None:
    for number in range(-WARM_UP, rounds):
        _log(f"round {number + 1} of {rounds}" if number >= 0 else "warming up")
        for result in results:
            run = measure.once(_command(result.row), scratch)
            if number >= 0:
                result.runs.append(run)


def _measure_once(results: list[Result], scratch: Scratch) -> str:
    """Measure everything except time, and return the name of the instruction counter."""
    counter = measure.counter()
    for result in results:
        row, command = result.row, _command(result.row)
        _log(f"sizes, peak memory and instructions of {row.name}")
        with contextlib.suppress(install.MissingError):
            result.peak = measure.peak(command, scratch, install.compiled_by_c("peak"))
        result.disk = size.on_disk(row.installed)
        result.zipped = size.zipped(row.installed) if row.native else None
        if counter and (row.native or not counter.native_only):
            result.instructions = counter.count(command, scratch)
    return counter.name if counter else ""


def _command(row: Row) -> measure.Command:
    assert row.command, "only available programs are measured"
    return row.command


def _log(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
