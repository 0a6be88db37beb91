import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import concourse as concourse_
from . import lab as lab_
from .concourse import Concourse
from .lab import Lab


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A directory that the user of PostgreSQL may enter, too."""
    with tempfile.TemporaryDirectory(prefix="concourse-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def lab(folder: Path) -> Iterator[Lab]:
    """The servers, at addresses that this machine has for as long as they run."""
    native = "CONCOURSE" in os.environ
    addresses = (lab_.S3, lab_.CHAT, lab_.STS)
    try:
        if native:
            ip("link", "set", "lo", "up")
            # which Concourse and CNI use under these names, whatever else runs on this machine
            for path in ("/run/containerd", "/var/lib/cni"):
                Path(path).mkdir(parents=True, exist_ok=True)
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        for address in addresses:
            ip("address", "add", f"{address}/32", "dev", "lo")
        with lab_.running(folder) as running:
            yield running
    finally:
        for address in addresses:
            ip("address", "delete", f"{address}/32", "dev", "lo")


@pytest.fixture(scope="session")
def only(lab: Lab) -> Iterator[Callable[..., Concourse]]:
    """Run Concourse with some settings. One with other settings ends first."""
    running: dict[str, Concourse] = {}
    with contextlib.ExitStack() as stack:

        def start(**settings: str) -> Concourse:
            if str(settings) not in running:
                stack.close()
                running.clear()
                home = Path(tempfile.mkdtemp(dir=lab.folder))
                home.chmod(0o755)
                concourse = concourse_.running(home, lab.folder / "certs", settings)
                running[str(settings)] = stack.enter_context(concourse)
            return running[str(settings)]

        yield start


@pytest.fixture
def concourse(only: Callable[..., Concourse]) -> Concourse:
    """Concourse as it is by default."""
    return only()


@pytest.fixture
def unredacted(only: Callable[..., Concourse]) -> Concourse:
    """Concourse that redacts nothing."""
    return only(CONCOURSE_DISABLE_REDACT_SECRETS="true")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
