"""Fetches source packages of Debian: from this machine's mirror, or from the permanent archive.

A mirror has only the newest version of a release. https://snapshot.debian.org has every version
that there ever was, by its hash (https://salsa.debian.org/snapshot-team/snapshot, API).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import machine

ARCHIVE = "https://snapshot.debian.org/file"


def fetch(pin: dict[str, Any], folder: Path) -> list[Path]:
    """Return the files of a pinned source package. Exits if one cannot be had with its hash."""
    folder.mkdir()
    wanted = f"{pin['package']}={pin['version']}"
    if not (shutil.which("apt-get") and from_mirror(wanted, pin["suite"], folder)):
        address = os.environ.get("DEBIAN_ARCHIVE", ARCHIVE)
        machine.say(f"fetching {wanted} from {address}, as this machine's mirror does not have it")
        for name, sums in pin["files"].items():
            _download(f"{address}/{sums['sha1']}", folder / name)
    for name, sums in pin["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums["sha256"]:
            sys.exit(f"binary: sha256 mismatch for {name} (build/pins.toml)")
    return [folder / name for name in pin["files"]]


def unpack(files: list[Path], source: Path) -> None:
    """Unpack a source package of format "3.0 (quilt)", with Debian's patches applied."""
    work = source.parent / "unpacked"
    for path in files:
        if ".tar." in path.name:
            machine.unpack(path, work)
    patches = work / "debian" / "patches"
    (upstream,) = (path for path in work.iterdir() if path.name != "debian")
    upstream.rename(source)
    for line in (patches / "series").read_text().splitlines():
        if name := line.partition("#")[0].strip():
            machine.run("patch", "-p1", "-s", "-i", patches / name, cwd=source)
    shutil.rmtree(work)


def from_mirror(wanted: str, suite: str, folder: Path) -> bool:
    """Download a source package with apt, and return whether the mirror has it."""
    options = apt(folder, suite)
    if options is None:
        return False
    command = ("apt-get", *options, "source", "--download-only", wanted)
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def apt(home: Path, suite: str) -> tuple[str, ...] | None:
    """Return apt options that add a suite's source packages, with all of apt's files in `home`.

    None if this machine has no lists of Debian's packages.
    """
    sources = _source_list(suite)
    (home / "lists" / "partial").mkdir(parents=True)
    (home / "sources.list").write_text(sources)
    private = {
        "APT::Sandbox::User": "root",
        "Dir::Cache": home,
        "Dir::Etc::SourceList": home / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": home / "lists",
    }
    options = ("-q", *(f"-o{key}={value}" for key, value in private.items()))
    if sources:
        machine.run("apt-get", *options, "update", cwd=home, log=home / "log")
    return options if sources else None


def _download(address: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(address, timeout=60) as response:  # noqa: S310  # checked by hash
            path.write_bytes(response.read())
    except OSError as error:
        if isinstance(error, HTTPError):
            error.close()
        sys.exit(
            f"binary: cannot download {address}: {error}; set DEBIAN_ARCHIVE to a mirror of it "
            f"(default: {ARCHIVE})"
        )


def _source_list(suite: str) -> str:
    command = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)")
    filters = ("Created-By: Packages", "Origin: Debian", "Component: main")
    machine.update()
    listed = subprocess.run((*command, *filters), capture_output=True, text=True, check=True)
    lines = set()
    for target in listed.stdout.splitlines():
        uri, release = target.split()
        _, dash, pocket = release.partition("-")
        lines.add(
            f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} "
            f"{suite}{dash}{pocket} main\n"
        )
    return "".join(sorted(lines))
