"""A real S3 server on loopback that checks signatures: Versity S3 Gateway over a folder. moto takes any signature."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .program import ACCESS_KEY_ID, ROOT, SECRET_ACCESS_KEY

VERSITYGW = ROOT / ".cache" / "bin" / "versitygw"
REGION = "eu-west-1"


@dataclass(frozen=True)
class S3Server:
    url: str
    folder: Path

    def bucket(self, name: str) -> Path:
        """The folder that is a bucket, made if it is not there."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def versitygw(folder: Path) -> Iterator[S3Server]:
    """Serve a folder as S3, until the end of the block."""
    port = free_port()
    process = subprocess.Popen(
        [VERSITYGW, "--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet", "posix", folder],
        env={**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET_ACCESS_KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield S3Server(f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}")
