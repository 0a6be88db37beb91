"""The Python packages inside the program, as they were published: unpacked, not installed, so that nothing is built."""

import hashlib
import shutil
from pathlib import Path

from machine import run, say

HERE = Path(__file__).parent
RECIPE = ("packages.py", "requirements-build.txt", "requirements.txt")


def provide(cache: Path, interpreter: Path) -> Path:
    """Return the folder to import them from."""
    fingerprint = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in RECIPE)).hexdigest()[:16]
    home = cache / f"packages-{fingerprint}"
    if not (home / "done").exists():
        say("packages: fetching")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _fetch(home, interpreter)
        (home / "done").touch()
    return home / "site"


def _fetch(home: Path, interpreter: Path) -> None:
    tools, archives, site, log = home / "tools", home / "archives", home / "site", home / "log"
    (pip,) = (interpreter / "source" / "Lib" / "ensurepip" / "_bundled").glob("pip-*.whl")
    command = (interpreter / "python" / "bin" / "python3.13", "-m", "pip", "-q")
    checked = ("--require-hashes", "--no-deps", "--no-build-isolation")
    paths = {"PYTHONPATH": f"{pip}:{tools}"}
    run(*command, "install", *checked, "-t", tools, "-r", HERE / "requirements-build.txt", env=paths, log=log)
    run(*command, "download", *checked, "-d", archives, "-r", HERE / "requirements.txt", env=paths, log=log)
    for wheel in archives.glob("*.whl"):
        shutil.unpack_archive(wheel, site, "zip")
    for source in archives.glob("*.tar.gz"):
        shutil.unpack_archive(source, home, filter="data")
    shutil.move(next(home.glob("nuitka-*")) / "nuitka", site)
    shutil.move(next(home.glob("msgspec-*")) / "src" / "msgspec", site)
