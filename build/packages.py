"""Unpacks the program's Python packages as they were published. Nothing is installed or built."""

import hashlib
import shutil
from pathlib import Path

from machine import run, say

HERE = Path(__file__).parent
RECIPE = ("packages.py", "requirements-build.txt", "requirements.txt")


def provide(cache: Path, interpreter: Path) -> Path:
    """Return the folder from which to import the packages."""
    recipe = b"".join((HERE / name).read_bytes() for name in RECIPE)
    home = cache / f"packages-{hashlib.sha256(recipe).hexdigest()[:16]}"
    if not (home / "done").exists():
        say("packages: fetching")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _fetch(home, interpreter)
        (home / "done").touch()
    return home / "site"


def _fetch(home: Path, interpreter: Path) -> None:
    tools, archives, site, log = home / "tools", home / "archives", home / "site", home / "log"
    (wheel,) = (interpreter / "source" / "Lib" / "ensurepip" / "_bundled").glob("pip-*.whl")
    pip = (interpreter / "python" / "bin" / "python3.13", "-m", "pip", "-q")
    checked = ("--require-hashes", "--no-deps", "--no-build-isolation")
    paths = {"PYTHONPATH": f"{wheel}:{tools}"}
    install = ("install", *checked, "-t", tools, "-r", HERE / "requirements-build.txt")
    run(*pip, *install, env=paths, log=log)
    download = ("download", *checked, "-d", archives, "-r", HERE / "requirements.txt")
    run(*pip, *download, env=paths, log=log)
    for archive in archives.glob("*.whl"):
        shutil.unpack_archive(archive, site, "zip")
    for archive in archives.glob("*.tar.gz"):
        shutil.unpack_archive(archive, home, filter="data")
    shutil.move(next(home.glob("nuitka-*")) / "nuitka", site)
    shutil.move(next(home.glob("msgspec-*")) / "src" / "msgspec", site)
