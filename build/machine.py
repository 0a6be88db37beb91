"""Installs what a build or the tests need of the system, or names it.

usage: python3 build/machine.py source|tests     (for the tests from source, or all tests)
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from pathlib import Path

PACKAGES = {
    "file": "/usr/bin/file",  # Nuitka uses it to recognize a static program
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "libexpat1-dev": "/usr/include/expat.h",
    "libffi-dev": "/usr/share/doc/libffi-dev",
    "libssl-dev": "/usr/include/openssl/ssl.h",
    "libzstd-dev": "/usr/include/zstd.h",
    "make": "/usr/bin/make",
    "patch": "/usr/bin/patch",
    "patchelf": "/usr/bin/patchelf",  # Nuitka does not start without it
    "pkgconf": "/usr/bin/pkgconf",
    "xz-utils": "/usr/bin/xz",
    "zlib1g-dev": "/usr/include/zlib.h",
}
# What a virtual environment needs, which Debian has in a package of its own.
SOURCE = {"python3-venv": f"{sysconfig.get_path('stdlib')}/ensurepip"}
# What tests call.
TESTS = {
    **{name: f"/usr/bin/{name}" for name in ("curl", "gcc", "patch", "strace", "valgrind")},
    "libc6-dev": "/usr/include/stdio.h",
}
# What has another name elsewhere.
ELSEWHERE = {
    "libc6-dev": {
        "alpine": "musl-dev",
        "arch": "glibc",
        "fedora": "glibc-devel",
        "suse": "glibc-devel",
    }
}

# How each family of distributions installs packages.
INSTALLERS = {
    "debian": "apt-get install -y --no-install-recommends",
    "fedora": "dnf install -y",
    "alpine": "apk add",
    "suse": "zypper install -y",
    "arch": "pacman -S --noconfirm",
}

JOBS = os.cpu_count() or 1
_STARTED = time.monotonic()


def cache() -> Path:
    """Return the cache folder: $XDG_CACHE_HOME/s3-presigned-url or ~/.cache/s3-presigned-url."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3-presigned-url"


def say(line: str) -> None:
    """Print a line of progress, with the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _STARTED), 60)
    print(f"binary: {minutes}:{seconds:02} {line}", flush=True)


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


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive, whose hash has been checked."""
    # Debian 12's Python has no filters yet
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as tar:
        tar.extractall(folder, **safely)  # type: ignore[arg-type]  # noqa: S202


def provide(packages: dict[str, str] = PACKAGES) -> None:
    """Install the missing ones as root, or exit with the command that installs all of them.

    `packages` maps names to a file of each.
    """
    missing = [package for package, file in packages.items() if not Path(file).exists()]
    family = _family()
    if packages is PACKAGES and family != "debian":
        sys.exit(
            "binary: the recipe needs static libraries as Debian and Ubuntu have them: "
            "here, use a container engine: make binary ENGINE=docker (or podman)"
        )
    if not missing:
        return
    missing = [ELSEWHERE.get(package, {}).get(family, package) for package in missing]
    installer = INSTALLERS.get(family, "install:").split()
    if os.geteuid() != 0 or not shutil.which(installer[0]):
        sys.exit(f"binary: missing; run this first, as root: {' '.join([*installer, *missing])}")
    say(f"installing {' '.join(missing)}")
    update()
    run(*installer, *missing, env={"DEBIAN_FRONTEND": "noninteractive"})


def _family() -> str:
    """Return the family of this distribution, or "" if it is none of those above."""
    if sys.platform != "linux":
        return ""
    release = platform.freedesktop_os_release()
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((name for name in names if name in INSTALLERS), "")


def update() -> None:
    """Update apt's lists if run as root: they may be missing or name deleted files."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "update", "-q", "-q")


if __name__ == "__main__":
    provide({"source": SOURCE, "tests": {**SOURCE, **TESTS}}[sys.argv[1]])
