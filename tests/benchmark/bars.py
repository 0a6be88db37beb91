"""What the binary must hold, as a checklist."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import rows
from .result import Result, ratio
from .table import mebibytes, times


@dataclass(frozen=True)
class Bar:
    """A figure, and the limit that it must keep; a figure of None could not be measured."""

    name: str
    figure: float | None
    limit: float
    show: Callable[[float | None], str]
    least: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was measured, and found wanting."""
        if self.figure is None:
            return False
        return self.figure < self.limit if self.least else self.figure > self.limit

    def __str__(self) -> str:
        verdict = "not measured" if self.figure is None else "FAILED" if self.failed else "passed"
        bound = f"{'≥' if self.least else '≤'} {self.show(self.limit)}"
        return f"- [{'x' if verdict == 'passed' else ' '}] {self.name}: {self.show(self.figure)}, bar {bound}: {verdict}"


def bars(results: Mapping[str, Result]) -> list[Bar]:
    """Return every bar, or none where there is no binary."""
    get = results.get(rows.IN)
    if not get:
        return []
    steps = [results[name] for name in (rows.IN, rows.CHECK, rows.OUT)]
    peaks = [result.peak for result in steps if result.peak is not None]
    return [
        Bar("`in` / Go", ratio(get, results.get(rows.GO)), 3.3, times),
        Bar("ConcourseTools / `in`", ratio(results.get(rows.CONCOURSETOOLS), get), 13, times, least=True),
        Bar("`check` / `in`", ratio(results[rows.CHECK], get), 1.02, times),  # no slower, but for the noise
        Bar("`out` / `in`", ratio(results[rows.OUT], get), 1.02, times),
        Bar("`in` with a role / boto3", ratio(results.get(rows.ROLE_IN), results.get(rows.ROLE_BOTO3)), 0.7, times),
        Bar("peak memory of `in`, `check` and `out`", max(peaks, default=None), 20 << 20, mebibytes),
        Bar("the file", get.disk, 26 << 20, mebibytes),
        Bar("the file after gzip -9", get.zipped, 10 << 20, mebibytes),
    ]
