"""Compare our image with a typical one: its size, and the time of one `in` in a container.

Both are built by the same engine and run by runc, as on a worker. Both times include runc's own.
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
    """An image, and the duration of each run in milliseconds."""

    name: str
    image: container.Image
    runs: list[float] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        """Every file in the image, without links."""
        found = self.image.root.rglob("*")
        return [path for path in found if path.is_file() and not path.is_symlink()]

    @property
    def unpacked(self) -> int:
        """The total size of its files in bytes."""
        return sum(path.stat().st_size for path in self.files)

    @property
    def compressed(self) -> int:
        """The size of its file system in bytes as one gzip archive, as in a registry."""
        tar = ["tar", "-c", "-C", str(self.image.root), "--sort=name", "--numeric-owner", "."]
        archive = subprocess.run(tar, stdout=subprocess.PIPE, check=True).stdout
        return len(gzip.compress(archive, 6))

    @property
    def packages(self) -> int:
        """The number of Debian and PyPI packages, and of components in our bill of materials."""
        root = self.image.root
        database, distroless = root / "var/lib/dpkg/status", root / "var/lib/dpkg/status.d"
        parts = [database] if database.exists() else [*distroless.glob("*")]
        debian = "\n".join(path.read_text() for path in parts)
        bill = root / "usr/share/doc/s3-presigned-url/sbom.cdx.json"
        components = json.loads(bill.read_text())["components"] if bill.exists() else []
        pypi = list(root.rglob("*.dist-info"))
        return len(re.findall(r"^Package: ", debian, re.MULTILINE)) + len(pypi) + len(components)


def main(rounds: int, build: list[str]) -> int:
    """Build the usual image, measure both in turn, print, and return 1 if a bar is missed."""
    command = [container.ENGINE, "build", *build, "-t", USUAL, "-f", str(DOCKERFILE), str(ROOT)]
    subprocess.run(command, stdout=sys.stderr, check=True)
    with contextlib.ExitStack() as stack:
        tags = {"this one": container.IMAGE, "slim Debian, Python, boto3, ConcourseTools": USUAL}
        ours, usual = (
            Measured(name, stack.enter_context(container.unpacked(tag)))
            for name, tag in tags.items()
        )
        if ours.image.emulated:
            sys.exit(f"the image is for {ours.image.architecture}: emulated, times mean nothing")
        for number in range(-WARM_UP, rounds):
            for one in (ours, usual):
                duration = _run(one.image)
                if number >= 0:
                    one.runs.append(duration)
        bars = [
            Bar("compressed", ours.compressed, 12e6, megabytes),
            Bar("unpacked", ours.unpacked, 30e6, megabytes),
        ]
        setup = ", ".join((machine.here(), *_versions()))
        print(f"{setup}; medians of {rounds} rounds, in turn: `make bench-image RUNS={rounds}`\n")
        print("\n".join(line(cells) for cells in (_HEAD, _SIDES, *_cells(ours, usual))))
    ratio = median(slow / quick for slow, quick in zip(usual.runs, ours.runs, strict=True))
    print(f"\nThe usual one takes {times(ratio)} times as long.\n\n" + "\n".join(map(str, bars)))
    return int(any(bar.failed for bar in bars))


def _run(image: container.Image) -> float:
    with tempfile.TemporaryDirectory() as got:
        mounts = {container.DESTINATION: Path(got)}
        command = (container.RESOURCE / "in", container.DESTINATION)
        spec = container.specification(image, *command, mounts=mounts)
        spec["process"]["env"] += [f"{name}={value}" for name, value in BUILD.items()]
        started = time.perf_counter()
        done = container.run(spec, json.dumps(REQUEST).encode())
        duration = (time.perf_counter() - started) * 1e3
        if done.returncode or not (Path(got) / "url").read_text().startswith("https://"):
            sys.exit(f"no URL was signed: {done.stderr.decode()}")
    return duration


def _versions() -> Iterator[str]:
    for program in (container.ENGINE, "runc"):
        version = [program, "--version"]
        done = subprocess.run(version, capture_output=True, check=True, text=True)
        yield done.stdout.splitlines()[0]


def _cells(*measured: Measured) -> Iterator[tuple[str, ...]]:
    for one in measured:
        sizes = (megabytes(one.compressed), megabytes(one.unpacked))
        counts = (str(len(one.files)), str(one.packages))
        yield (one.name, *sizes, *counts, f"{median(one.runs):.0f} ms")


def megabytes(count: float | None) -> str:
    """Return a size in megabytes, the unit of registries, or a dash."""
    return "-" if count is None else f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
