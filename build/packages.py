"""Unpacks and patches the program's Python packages. Nothing is installed or built."""

import hashlib
import shutil
from pathlib import Path

import interpreter
import machine
import patches
from machine import run, say

HERE = Path(__file__).parent
RECIPE = ("packages.py", "patches.py", "requirements-build.txt", "requirements.txt")
PATCHED = ("botocore", "msgspec", "nuitka")


def provide(cache: Path, python: Path) -> Path:
    """Return the folder from which to import the packages. `python` is the interpreter's folder."""
    patch_files = [path for project in PATCHED for path in patches.of(project)]
    paths = [*(HERE / name for name in RECIPE), *patch_files]
    recipe = b"".join(path.read_bytes() for path in paths)
    home = cache / f"packages-{hashlib.sha256(recipe).hexdigest()[:16]}"
    if not (home / "done").exists():
        say("packages: fetching")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _fetch(home, python)
        for project in PATCHED:
            patches.apply(project, home / "site")
        (home / "done").touch()
    return home / "site"


def _fetch(home: Path, python: Path) -> None:
    tools, archives, site, log = home / "tools", home / "archives", home / "site", home / "log"
    (wheel,) = (python / "source" / "Lib" / "ensurepip" / "_bundled").glob("pip-*.whl")
    pip = (interpreter.executable(python), "-m", "pip", "-q")
    checked = ("--require-hashes", "--no-deps", "--no-build-isolation")
    paths = {"PYTHONPATH": f"{wheel}:{tools}"}
    install = ("install", *checked, "-t", tools, "-r", HERE / "requirements-build.txt")
    run(*pip, *install, env=paths, log=log)
    download = ("download", *checked, "-d", archives, "-r", HERE / "requirements.txt")
    run(*pip, *download, env=paths, log=log)
    for archive in archives.glob("*.whl"):
        shutil.unpack_archive(archive, site, "zip")
    for archive in archives.glob("*.tar.gz"):
        machine.unpack(archive, home)
    shutil.move(next(home.glob("nuitka-*")) / "nuitka", site)
    shutil.move(next(home.glob("msgspec-*")) / "src" / "msgspec", site)
