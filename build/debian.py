"""Source packages of Debian, from wherever this machine gets its own packages, without touching its configuration."""

import subprocess
import sys
from pathlib import Path

import machine


def apt(home: Path, suite: str) -> tuple[str, ...]:
    """Return options for apt's programs with which they know the source packages of a suite, kept under `home`."""
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
    form = "$(REPO_URI) $(RELEASE)"
    command = ("apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian", "Component: main")
    machine.update()
    targets = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not targets:
        sys.exit("binary: this needs a Debian machine with package lists: do `apt-get update` as root")
    lines = set()
    for target in targets.splitlines():
        uri, release = target.split()
        _, dash, pocket = release.partition("-")
        lines.add(f"deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {uri} {suite}{dash}{pocket} main\n")
    return "".join(sorted(lines))
