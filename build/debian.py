"""Finds source packages on this machine's Debian mirror, without changing apt's configuration."""

import subprocess
import sys
from pathlib import Path

import machine


def apt(home: Path, suite: str) -> tuple[str, ...]:
    """Return apt options that add a suite's source packages, with all of apt's files in `home`."""
    (home / "lists" / "partial").mkdir(parents=True)
    (home / "sources.list").write_text(_source_list(suite))
    private = {
        "APT::Sandbox::User": "root",
        "Dir::Cache": home,
        "Dir::Etc::SourceList": home / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": home / "lists",
    }
    options = ("-q", *(f"-o{key}={value}" for key, value in private.items()))
    machine.run("apt-get", *options, "update", cwd=home, log=home / "log")
    return options


def _source_list(suite: str) -> str:
    command = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)")
    filters = ("Created-By: Packages", "Origin: Debian", "Component: main")
    machine.update()
    listed = subprocess.run((*command, *filters), capture_output=True, text=True, check=True)
    if not listed.stdout:
        sys.exit("binary: no package lists: run `apt-get update` as root on a Debian machine")
    lines = set()
    for target in listed.stdout.splitlines():
        uri, release = target.split()
        _, dash, pocket = release.partition("-")
        lines.add(
            f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} "
            f"{suite}{dash}{pocket} main\n"
        )
    return "".join(sorted(lines))
