"""What the machine must have: a compiler, the static libraries, and the tools that fetch and unpack sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "dpkg-dev": "/usr/bin/dpkg-source",
    "file": "/usr/bin/file",  # with which Nuitka tells that a program is static
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "libexpat1-dev": "/usr/include/expat.h",
    "libffi-dev": "/usr/share/doc/libffi-dev",
    "libssl-dev": "/usr/include/openssl/ssl.h",
    "libzstd-dev": "/usr/include/zstd.h",
    "make": "/usr/bin/make",
    "patchelf": "/usr/bin/patchelf",  # without which Nuitka does not begin
    "pkgconf": "/usr/bin/pkgconf",
    "xz-utils": "/usr/bin/xz",
    "zlib1g-dev": "/usr/include/zlib.h",
}


def cache() -> Path:
    """Return the folder for what takes long to make: $XDG_CACHE_HOME/s3-presigned-url, or ~/.cache/s3-presigned-url."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3-presigned-url"


def say(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"binary: {line}", flush=True)


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, log: Path | None = None) -> None:
    """Run a command; where its output goes to a log, show the end of it if the command fails."""
    environ = {**os.environ, **(env or {})}
    if log is None:
        subprocess.run(command, cwd=cwd, env=environ, check=True)
        return
    with log.open("a") as file:
        code = subprocess.run(command, cwd=cwd, env=environ, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        sys.exit(f"{tail}\nbinary: failed: {' '.join(map(str, command))}\nbinary: the whole log is {log}")


def provide() -> None:
    """Install what is missing where that is allowed, or say what to install."""
    missing = [package for package, witness in PACKAGES.items() if not Path(witness).exists()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"binary: please install (the names are Debian's): {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    update()
    run("apt-get", "install", "-q", "-y", "--no-install-recommends", *missing, env={"DEBIAN_FRONTEND": "noninteractive"})


def update() -> None:
    """Fetch the lists of packages, where that is allowed: a fresh machine has none, and old ones name what is gone."""
    if os.geteuid() == 0:
        run("apt-get", "update", "-q", "-q")
