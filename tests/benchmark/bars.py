"""The limits that the binary must keep, as a checklist."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import rows
from .result import Result, ratio
from .table import mebibytes, times

# What the limits were set on. Figures of another architecture are not compared with them.
ARCHITECTURE = "x86_64"


@dataclass(frozen=True)
class Bar:
    """A figure and its limit. The figure is None if it could not be measured."""

    name: str
    figure: float | None
    limit: float
    show: Callable[[float | None], str]
    least: bool = False

    @property
    def failed(self) -> bool:
        """Whether the figure was measured and misses the limit."""
        if self.figure is None:
            return False
        return self.figure < self.limit if self.least else self.figure > self.limit

    def __str__(self) -> str:
        verdict = "not measured" if self.figure is None else "FAILED" if self.failed else "passed"
        bound = f"{'≥' if self.least else '≤'} {self.show(self.limit)}"
        box = "[x]" if verdict == "passed" else "[ ]"
        return f"- {box} {self.name}: {self.show(self.figure)}, bar {bound}: {verdict}"


def bars(results: Mapping[str, Result]) -> list[Bar]:
    """Return every bar, or none without the binary or on another architecture."""
    get = results.get(rows.IN)
    if not get or platform.machine() != ARCHITECTURE:
        return []
    steps = [results[name] for name in (rows.IN, rows.CHECK, rows.OUT)]
    peaks = [result.peak for result in steps if result.peak is not None]
    peak = max(peaks, default=None)
    concoursetools = ratio(results.get(rows.CONCOURSETOOLS), get)
    role = ratio(results.get(rows.ROLE_IN), results.get(rows.ROLE_BOTO3))
    return [
        Bar("`in` / Go", ratio(get, results.get(rows.GO)), 3.3, times),
        Bar("ConcourseTools / `in`", concoursetools, 13, times, least=True),
        # not slower, except for noise
        Bar("`check` / `in`", ratio(results[rows.CHECK], get), 1.02, times),
        Bar("`out` / `in`", ratio(results[rows.OUT], get), 1.02, times),
        Bar("`presign` / `in`", ratio(results[rows.PRESIGN], get), 1.25, times),
        Bar("1,000 `files` / Go", ratio(results[rows.FILES], results.get(rows.GO_FILES)), 2, times),
        Bar("`in` with a role / boto3", role, 0.45, times),
        Bar("peak memory of `in`, `check` and `out`", peak, 20 << 20, mebibytes),
        Bar("the file", get.disk, 26 << 20, mebibytes),
        Bar("the file after gzip -9", get.zipped, 10 << 20, mebibytes),
    ]
