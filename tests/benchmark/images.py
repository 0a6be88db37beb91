"""The image beside the same resource made in the usual way: sizes, and the time of one `in` in a container.

`make bench-image` runs it. A container is made as Concourse's worker makes one, by runc; what runc itself takes is in both.
"""

import contextlib
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from .. import container
from ..program import get_request
from . import machine
from .bars import Bar
from .table import mebibytes, times

HERE = Path(__file__).parent
USUAL = "s3-presigned-url-usual"
REQUEST = json.dumps(get_request({"file_path": "releases/2.4.0/installer.exe", "expires_in": 3600})).encode()
WARM_UP = 2


@dataclass
class Image:
    """An image's file system, and what was measured of it."""

    name: str
    root: Path
    environment: list[str]
    seconds: list[float] = field(default_factory=list)

    @property
    def files(self) -> list[Path]:
        return [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]

    @property
    def unpacked(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    @property
    def packages(self) -> int:
        """Debian's packages, and those of PyPI, on the disk or in the program."""
        debian = [path for path in (self.root / "var/lib/dpkg/status.d").glob("*") if path.suffix != ".md5sums"]
        status = self.root / "var/lib/dpkg/status"
        listed = status.read_text().count("\nPackage: ") + 1 if status.exists() and status.stat().st_size else 0
        bill = self.root / "usr/share/doc/s3-presigned-url/sbom.cdx.json"
        inside = len(json.loads(bill.read_text())["components"]) if bill.exists() else 0
        return len(debian) + listed + inside + len(list(self.root.rglob("*.dist-info")))

    def compressed(self) -> int:
        """The bytes of its file system as one gzipped archive, which is what a registry would hold."""
        archive = subprocess.run(
            ["tar", "-c", "-C", self.root, "--sort=name", "."], stdout=subprocess.PIPE, check=True
        ).stdout
        return len(gzip.compress(archive, 6))

    def run(self) -> float:
        """Return the seconds that one `in` takes, with its container."""
        with contextlib.ExitStack() as stack:
            got = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            mounts = {container.INSIDE: stack.enter_context(container.volume(got))}
            command = [str(container.RESOURCE / "in"), str(container.INSIDE)]
            spec = container.specification(self.root, command, self.environment, mounts, network=False, cwd="/")
            folder, name = stack.enter_context(container.bundle(spec))
            begun = time.perf_counter()
            done = subprocess.run(
                ["runc", "run", "--bundle", folder, name], input=REQUEST, capture_output=True, check=False
            )
            spent = time.perf_counter() - begun
        if done.returncode:
            sys.exit(f"{self.name}: {done.stderr.decode()}")
        return spent


def main(rounds: int, build: list[str]) -> int:
    """Measure both, print the table, and return the exit code: 1 if a bar is not kept."""
    container.engine("build", *build, "-t", USUAL, "-f", str(HERE / "usual.Dockerfile"), str(HERE.parent.parent))
    with contextlib.ExitStack() as stack:
        images = [
            Image(name, stack.enter_context(container.exported(tag)), container.configuration(tag)["Env"])
            for name, tag in (("this image", container.IMAGE), ("Debian slim, boto3, ConcourseTools", USUAL))
        ]
        for number in range(-WARM_UP, rounds):
            for image in images:
                seconds = image.run()
                if number >= 0:
                    image.seconds.append(seconds)
        print(f"{machine.described()}; medians of {rounds} rounds: `make bench-image RUNS={rounds}`\n")
        print(
            "| image | compressed | unpacked | files | packages | one `in` in a container |\n|---|---:|---:|---:|---:|---:|"
        )
        compressed = [image.compressed() for image in images]
        for image, zipped in zip(images, compressed, strict=True):
            wall = f"{statistics.median(image.seconds) * 1000:.0f} ms"
            sizes = f"{zipped / 1e6:.1f} MB | {image.unpacked / 1e6:.1f} MB"
            print(f"| {image.name} | {sizes} | {len(image.files)} | {image.packages} | {wall} |")
        ours, usual = images
        bars = [
            Bar("compressed", compressed[0], 12e6, mebibytes),
            Bar("unpacked", ours.unpacked, 30e6, mebibytes),
        ]
    ratio = statistics.median(slow / fast for slow, fast in zip(usual.seconds, ours.seconds, strict=True))
    print(f"\nIn a container: {times(ratio)} times faster.\n" + "\n".join(map(str, bars)))
    return int(any(bar.failed for bar in bars))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
