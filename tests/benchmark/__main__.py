"""Run everything in turn, and print the table and the bars. What is being done is told on stderr."""

import contextlib
import sys
import tempfile
from pathlib import Path

from ..scripted import scripted
from ..sts_server import session
from . import install, machine, measure, size
from .bars import bars
from .measure import Scratch
from .result import Result
from .rows import EXPIRES_IN, Row, rows, verify
from .table import table

WARM_UP = 2


def main(rounds: int) -> int:
    """Measure, print, and return the exit code: 1 if a bar is not kept."""
    with tempfile.TemporaryDirectory() as directory, scripted(lambda handler: session(EXPIRES_IN)(handler)) as sts:
        scratch = Scratch(Path(directory))
        results = {row.name: Result(row) for row in rows(scratch, sts.url)}
        there = [result for result in results.values() if result.row.command]
        for result in there:
            verify(result.row, scratch)
        _take_turns(there, scratch, rounds)
        counter = _besides(there, scratch)
    checklist = bars(results)
    print(f"{machine.described()}; medians of {rounds} rounds, each running every row once: `make bench RUNS={rounds}`\n")
    print(table(results))
    print(f"\nInstructions: {counter}." if counter else "\nInstructions: nothing here can count them.")
    print("\n" + ("\n".join(map(str, checklist)) or "Without dist/in, there is no row of the binary, and no bar to keep."))
    return int(any(bar.failed for bar in checklist))


def _take_turns(results: list[Result], scratch: Scratch, rounds: int) -> None:
    for number in range(-WARM_UP, rounds):
        _tell(f"round {number + 1} of {rounds}" if number >= 0 else "warming up")
        for result in results:
            run = measure.once(_command(result.row), scratch)
            if number >= 0:
                result.runs.append(run)


def _besides(results: list[Result], scratch: Scratch) -> str:
    """Measure what needs no rounds, and return what counted the instructions."""
    counter = measure.counter()
    for result in results:
        row, command = result.row, _command(result.row)
        _tell(f"sizes, peak memory and instructions of {row.name}")
        with contextlib.suppress(install.MissingError):
            result.peak = measure.peak(command, scratch, install.compiled_by_c("peak"))
        result.disk = size.on_disk(row.installed)
        result.zipped = size.zipped(row.installed) if row.native else None
        if counter and (row.native or not counter.native_only):
            result.instructions = counter.count(command, scratch)
    return counter.name if counter else ""


def _command(row: Row) -> measure.Command:
    assert row.command, "only what is there is measured"
    return row.command


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
