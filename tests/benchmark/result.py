"""The measurements of a row, and its ratio to another."""

from dataclasses import dataclass, field
from statistics import median

from .measure import Run
from .rows import Row


@dataclass
class Result:
    """A row, its run of each round, and other figures; None if they could not be measured."""

    row: Row
    runs: list[Run] = field(default_factory=list)
    peak: int | None = None
    disk: int | None = None
    zipped: int | None = None
    instructions: int | None = None

    @property
    def wall(self) -> float:
        """The median wall time, in milliseconds."""
        return median(run.wall for run in self.runs)

    @property
    def fastest(self) -> float:
        """The shortest wall time, in milliseconds."""
        return min(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median CPU time, in milliseconds."""
        return median(run.cpu for run in self.runs)


def ratio(one: Result | None, other: Result | None) -> float | None:
    """Return the median ratio of wall times within a round, where both meet the same noise."""
    if not (one and other and one.runs and other.runs):
        return None
    return median(mine.wall / its.wall for mine, its in zip(one.runs, other.runs, strict=True))
