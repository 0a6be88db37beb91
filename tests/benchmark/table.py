"""The results as a Markdown table for the README."""

from collections.abc import Iterable, Mapping

from . import rows
from .result import Result, ratio

_HEAD = (
    "one run of",
    "wall, median",
    "wall, least",
    "CPU",
    "peak memory",
    "on disk",
    "gzip -9",
    "instructions",
    "wall / Go",
    "ConcourseTools / wall",
)
_SIDES = ("---", *["---:"] * (len(_HEAD) - 1))


def table(results: Mapping[str, Result]) -> str:
    """Return the whole table."""
    tools = results.get(rows.CONCOURSETOOLS)
    lines = [_HEAD, _SIDES]
    lines += (_cells(one, results.get(one.row.go), tools) for one in results.values())
    return "\n".join(line(cells) for cells in lines)


def _cells(result: Result, go: Result | None, tools: Result | None) -> tuple[str, ...]:
    if not result.runs:
        return (f"{result.row.name}: {result.row.note}", *["-"] * (len(_HEAD) - 1))
    return (
        result.row.name,
        f"{result.wall:.2f} ms",
        f"{result.fastest:.2f} ms",
        f"{result.cpu:.2f} ms",
        mebibytes(result.peak),
        " ".join(filter(None, (mebibytes(result.disk), result.row.note))),
        mebibytes(result.zipped),
        millions(result.instructions),
        times(ratio(result, go)),
        times(ratio(tools, result)),
    )


def mebibytes(count: float | None) -> str:
    """Return a size in mebibytes, or a dash."""
    return "-" if count is None else f"{count / (1 << 20):.1f} MiB"


def millions(count: int | None) -> str:
    """Return a number of instructions in millions, or a dash."""
    return "-" if count is None else f"{count / 1e6:,.4g} million"


def times(number: float | None) -> str:
    """Return a ratio with three digits, or a dash."""
    return "-" if number is None else f"{number:,.3g}" if number < 1000 else f"{number:,.0f}"


def line(cells: Iterable[str]) -> str:
    """Return a row of the table."""
    return f"| {' | '.join(cells)} |"
