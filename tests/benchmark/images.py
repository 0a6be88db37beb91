"""Our image beside the same resource made in the usual way: its size, and the time of one `in` in a container.

Both are made by the same engine, and run by runc as Concourse's worker runs them. What runc takes is in both times.
"""

import contextlib
import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .. import container
from ..program import ROOT
from . import machine
from .bars import Bar
from .rows import BUILD, REQUEST
from .table import line, times

USUAL = "s3-presigned-url-usual"
DOCKERFILE = Path(__file__).parent / "usual.Dockerfile"
WARM_UP = 2

_HEAD = ("image", "compressed", "unpacked", "files", "packages", "one `in` in a container")
_SIDES = ("---", *["---:"] * (len(_HEAD) - 1))


@dataclass
class Measured:
    """An image, and what one run after the other took, in milliseconds."""

    name: str
    image: container.Image
    runs: list[float] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """Every file in it, links not counted."""
        return [path for path in self.image.root.rglob("*") if path.is_file() and not path.is_symlink()]

    @property
    def unpacked(self) -> int:
        """The bytes in its files."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def compressed(self) -> int:
        """The bytes of its file system as one archive after gzip, as in a registry."""
        archive = ["tar", "-c", "-C", str(self.image.root), "--sort=name", "--numeric-owner", "."]
        return len(gzip.compress(subprocess.run(archive, stdout=subprocess.PIPE, check=True).stdout, 6))

    @property
    def packages(self) -> int:
        """Debian's packages and those of PyPI, and of what is in our binary those that its bill of materials lists."""
        database, base = self.image.root / "var/lib/dpkg/status", self.image.root / "var/lib/dpkg/status.d"
        debian = database.read_text() if database.exists() else "\n".join(path.read_text() for path in base.glob("*"))
        bill = self.image.root / "usr/share/doc/s3-presigned-url/sbom.cdx.json"
        inside = json.loads(bill.read_text())["components"] if bill.exists() else []
        pypi = list(self.image.root.rglob("*.dist-info"))
        return len(re.findall(r"^Package: ", debian, re.MULTILINE)) + len(pypi) + len(inside)


def main(rounds: int, build: list[str]) -> int:
    """Make the usual image, measure both in turn, print, and return the exit code: 1 if a bar is not kept."""
    subprocess.run([container.ENGINE, "build", *build, "-t", USUAL, "-f", DOCKERFILE, ROOT], stdout=sys.stderr, check=True)
    with contextlib.ExitStack() as stack:
        tags = {"this one": container.IMAGE, "slim Debian, Python, boto3, ConcourseTools": USUAL}
        ours, usual = (Measured(name, stack.enter_context(container.unpacked(tag))) for name, tag in tags.items())
        for number in range(-WARM_UP, rounds):
            for one in (ours, usual):
                took = _run(one.image)
                if number >= 0:
                    one.runs.append(took)
        bars = [Bar("compressed", ours.compressed, 12e6, megabytes), Bar("unpacked", ours.unpacked, 30e6, megabytes)]
        with_what = ", ".join((machine.here(), *_versions()))
        print(f"{with_what}; medians of {rounds} rounds, in turn: `make bench-image RUNS={rounds}`\n")
        print("\n".join(line(cells) for cells in (_HEAD, _SIDES, *_cells(ours, usual))))
    ratio = median(slow / quick for slow, quick in zip(usual.runs, ours.runs, strict=True))
    print(f"\nThe usual one takes {times(ratio)} times as long.\n\n" + "\n".join(map(str, bars)))
    return int(any(bar.failed for bar in bars))


def _run(image: container.Image) -> float:
    with tempfile.TemporaryDirectory() as got:
        mounts = {container.DESTINATION: Path(got)}
        spec = container.specification(image, container.RESOURCE / "in", container.DESTINATION, mounts=mounts)
        spec["process"]["env"] += [f"{name}={value}" for name, value in BUILD.items()]
        started = time.perf_counter()
        done = container.run(spec, json.dumps(REQUEST).encode())
        took = (time.perf_counter() - started) * 1e3
        if done.returncode or not (Path(got) / "url").read_text().startswith("https://"):
            sys.exit(f"no URL was signed: {done.stderr.decode()}")
    return took


def _versions() -> Iterator[str]:
    for program in (container.ENGINE, "runc"):
        yield subprocess.run([program, "--version"], capture_output=True, check=True, text=True).stdout.splitlines()[0]


def _cells(*measured: Measured) -> Iterator[tuple[str, ...]]:
    for one in measured:
        sizes = megabytes(one.compressed), megabytes(one.unpacked), str(len(one.files)), str(one.packages)
        yield (one.name, *sizes, f"{median(one.runs):.0f} ms")


def megabytes(count: float | None) -> str:
    """A number of bytes for people, in the units of registries."""
    return "-" if count is None else f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
