"""Installs what a build needs: a compiler, static libraries, and tools for sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "dpkg-dev": "/usr/bin/dpkg-source",
    "file": "/usr/bin/file",  # Nuitka uses it to recognize a static program
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "libexpat1-dev": "/usr/include/expat.h",
    "libffi-dev": "/usr/share/doc/libffi-dev",
    "libssl-dev": "/usr/include/openssl/ssl.h",
    "libzstd-dev": "/usr/include/zstd.h",
    "make": "/usr/bin/make",
    "patchelf": "/usr/bin/patchelf",  # Nuitka does not start without it
    "pkgconf": "/usr/bin/pkgconf",
    "xz-utils": "/usr/bin/xz",
    "zlib1g-dev": "/usr/include/zlib.h",
}


def cache() -> Path:
    """Return the cache folder: $XDG_CACHE_HOME/s3-presigned-url or ~/.cache/s3-presigned-url."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3-presigned-url"


def say(line: str) -> None:
    """Print a line of progress."""
    print(f"binary: {line}", flush=True)


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    log: Path | None = None,
) -> None:
    """Run a command. If it fails and its output goes to a log, exit with the end of the log."""
    environ = {**os.environ, **(env or {})}
    if log is None:
        subprocess.run(command, cwd=cwd, env=environ, check=True)
        return
    with log.open("a") as file:
        code = subprocess.run(
            command, cwd=cwd, env=environ, stdout=file, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        failed = " ".join(map(str, command))
        sys.exit(f"{tail}\nbinary: command failed: {failed}\nbinary: full log: {log}")


def provide() -> None:
    """Install missing packages if run as root. Otherwise exit with their names."""
    missing = [package for package, witness in PACKAGES.items() if not Path(witness).exists()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"binary: install these packages first (Debian's names): {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    update()
    command = ("apt-get", "install", "-q", "-y", "--no-install-recommends", *missing)
    run(*command, env={"DEBIAN_FRONTEND": "noninteractive"})


def update() -> None:
    """Update the package lists if run as root: they may be missing or name deleted files."""
    if os.geteuid() == 0:
        run("apt-get", "update", "-q", "-q")
