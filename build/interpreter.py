"""Builds CPython from Debian's source, with every extension module built in.

usage: python3 build/interpreter.py     (on its own, so that it can be a layer of an image)
"""

import hashlib
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import debian
import machine
import patches
from machine import run, say

HERE = Path(__file__).parent
RECIPE = ("debian.py", "interpreter.py", "interpreter.toml", "patches.py", "pins.toml")
PIN: dict[str, Any] = tomllib.loads((HERE / "pins.toml").read_text())["python"]
NAME: str = PIN["package"]  # python3.13: also the name of the program and of its folders


def provide(cache: Path) -> Path:
    """Return the interpreter's folder. Builds it if this recipe is not in the cache."""
    home = cache / f"interpreter-{_fingerprint()}"
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _build(home)
        (home / "done").touch()
    return home


def executable(home: Path) -> Path:
    """Return the program of an interpreter, which runs Nuitka."""
    return home / "python" / "bin" / NAME


def _fingerprint() -> str:
    compiler = subprocess.run(("gcc", "--version"), capture_output=True, check=True).stdout
    paths = [*(HERE / name for name in RECIPE), *patches.of("cpython")]
    recipe = b"".join(path.read_bytes() for path in paths)
    return hashlib.sha256(recipe + compiler).hexdigest()[:16]


def _build(home: Path) -> None:
    config = tomllib.loads((HERE / "interpreter.toml").read_text())
    source, objects, log = home / "source", home / "objects", home / "log"
    objects.mkdir()
    say("interpreter: fetching the source")
    debian.unpack(debian.fetch(PIN, home / "archives"), source)
    patches.apply("cpython", source)
    say("interpreter: configuring")
    # -g0: debug information is stripped anyway, and would double the build time
    flags = [*config["cflags"], "-g0", f"-ffile-prefix-map={home}=."]
    run(
        "../source/configure",
        *config["options"],
        f"CFLAGS={' '.join(flags)}",
        *(f"py_cv_module_{name}=n/a" for name in config["without"]),
        cwd=objects,
        env={"MODULE_BUILDTYPE": "static"},
        log=log,
    )
    # dates and the order of sets must not affect what is compiled
    fixed = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0"}
    say("interpreter: compiling")
    run("make", f"-j{machine.JOBS}", cwd=objects, env=fixed, log=log)
    run("make", "install", f"DESTDIR={home}", cwd=objects, log=log)
    # Nuitka links this one library, so it becomes a linker script that names all of them
    library = home / "python" / "lib" / f"lib{NAME}.a"
    library.write_text(f"GROUP({' '.join(_libraries(objects))})\n")
    _keep_encodings(home / "python" / "lib" / NAME / "encodings", set(config["encodings"]))


def _libraries(objects: Path) -> list[str]:
    """Return the libraries of the interpreter, and those that its extension modules need."""
    archives = (
        f"lib{NAME}.a",
        "Modules/_decimal/libmpdec/libmpdec.a",
        "Modules/_hacl/libHacl_Hash_SHA2.a",
    )
    # zstd is for OpenSSL, since Debian 13
    system = ("-lssl", "-lcrypto", "-lzstd", "-lexpat", "-lz", "-lffi", "-lm")
    return [*(str(objects / archive) for archive in archives), *system]


def _keep_encodings(folder: Path, names: set[str]) -> None:
    for path in folder.glob("*.py"):
        if path.stem not in names:
            path.unlink()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)


if __name__ == "__main__":
    machine.provide()
    provide(machine.cache())
