"""Builds CPython from Debian's source, with every extension module built in.

usage: python3 build/interpreter.py     (on its own, so that it can be a layer of an image)
"""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import debian
import machine
import train
from machine import run, say

HERE = Path(__file__).parent
RECIPE = ("debian.py", "interpreter.py", "interpreter.toml", "pins.toml", "train.c", "train.py")


def provide(cache: Path) -> Path:
    """Return the interpreter's folder. Builds it if this recipe is not in the cache."""
    home = cache / f"interpreter-{_fingerprint()}"
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _build(home)
        (home / "done").touch()
    return home


def _fingerprint() -> str:
    compiler = subprocess.run(("gcc", "--version"), capture_output=True, check=True).stdout
    recipe = b"".join((HERE / name).read_bytes() for name in RECIPE)
    return hashlib.sha256(recipe + compiler).hexdigest()[:16]


def _build(home: Path) -> None:
    config = tomllib.loads((HERE / "interpreter.toml").read_text())
    source, objects, log = home / "source", home / "objects", home / "log"
    objects.mkdir()
    say("interpreter: fetching the source")
    _fetch(tomllib.loads((HERE / "pins.toml").read_text())["python"], home, source)
    say("interpreter: configuring")
    profile = ("-fprofile-dir=.", f"-fprofile-prefix-path={objects}")
    # -g0: debug information is stripped anyway, and would double the build time
    flags = [*config["cflags"], "-g0", f"-ffile-prefix-map={home}=.", *profile]
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
    make = partial(run, "make", "-j2", cwd=objects, env=fixed, log=log)
    say("interpreter: compiling for the training run (about 3 minutes on 2 cores)")
    make("profile-gen-stamp")
    train.count(source, objects, _libraries(objects), log)
    make("clean-retain-profile")
    (objects / "profile-run-stamp").touch()
    say("interpreter: compiling with the profile (about 3 minutes)")
    make()
    run("make", "install", f"DESTDIR={home}", cwd=objects, log=log)
    # Nuitka links this one library, so it becomes a linker script that names all of them
    library = home / "python" / "lib" / "libpython3.13.a"
    library.write_text(f"GROUP({' '.join(_libraries(objects))})\n")
    _keep_encodings(home / "python" / "lib" / "python3.13" / "encodings", set(config["encodings"]))


def _fetch(pin: dict[str, Any], home: Path, source: Path) -> None:
    apt = home / "apt"
    wanted = f"{pin['package']}={pin['version']}"
    command = ("apt-get", *debian.apt(apt, pin["suite"]), "source", "--download-only", wanted)
    if subprocess.run(command, cwd=apt, capture_output=True, check=False).returncode:
        sys.exit(
            f"binary: cannot download the source of {wanted}: "
            "if it is gone from Debian's archive, run `make pins`"
        )
    for name, sha256 in pin["sha256"].items():
        if hashlib.sha256((apt / name).read_bytes()).hexdigest() != sha256:
            sys.exit(f"binary: sha256 mismatch for {name} (build/pins.toml)")
    description = apt / f"{pin['package']}_{pin['version']}.dsc"
    run("dpkg-source", "--no-check", "-x", description, source, log=home / "log")


def _libraries(objects: Path) -> list[str]:
    """Return the libraries of the interpreter, and those that its extension modules need."""
    archives = (
        "libpython3.13.a",
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
