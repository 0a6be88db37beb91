"""The interpreter inside the program: CPython from Debian's source, with every extension module built in.

usage: python3 build/interpreter.py     (on its own, so that an image can keep it as a layer)
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
    """Return the folder of the interpreter, built first if this recipe was never followed on this machine."""
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
    # debug information, which is stripped in the end, would make the profile-guided build twice as long
    nameless = (f"-ffile-prefix-map={home}=.", "-fprofile-dir=.", f"-fprofile-prefix-path={objects}")
    flags = [*config["cflags"], "-g0", *nameless]
    run(
        "../source/configure",
        *config["options"],
        f"CFLAGS={' '.join(flags)}",
        *(f"py_cv_module_{name}=n/a" for name in config["without"]),
        cwd=objects,
        env={"MODULE_BUILDTYPE": "static"},
        log=log,
    )
    # dates and the order of sets must not show in what is compiled
    make = partial(run, "make", "-j2", cwd=objects, env={"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0"}, log=log)
    say("interpreter: compiling, to be trained (about 3 minutes on 2 cores)")
    make("profile-gen-stamp")
    train.count(source, objects, _libraries(objects), log)
    make("clean-retain-profile")
    (objects / "profile-run-stamp").touch()
    say("interpreter: compiling, guided by that (about 3 minutes)")
    make()
    run("make", "install", f"DESTDIR={home}", cwd=objects, log=log)
    # one library, as Nuitka links no other, which is a linker script
    (home / "python" / "lib" / "libpython3.13.a").write_text(f"GROUP({' '.join(_libraries(objects))})\n")
    _keep_encodings(home / "python" / "lib" / "python3.13" / "encodings", set(config["encodings"]))


def _fetch(pin: dict[str, Any], home: Path, source: Path) -> None:
    apt = home / "apt"
    wanted = f"{pin['package']}={pin['version']}"
    command = ("apt-get", *debian.apt(apt, pin["suite"]), "source", "--download-only", wanted)
    if subprocess.run(command, cwd=apt, capture_output=True, check=False).returncode:
        sys.exit(f"binary: Debian no longer has the source of {wanted}: `make pins` moves the pin")
    for name, sha256 in pin["sha256"].items():
        if hashlib.sha256((apt / name).read_bytes()).hexdigest() != sha256:
            sys.exit(f"binary: {name} is not the file that build/pins.toml names")
    run("dpkg-source", "--no-check", "-x", apt / f"{pin['package']}_{pin['version']}.dsc", source, log=home / "log")


def _libraries(objects: Path) -> list[str]:
    """Name the libraries of the interpreter, and of all that its extension modules need."""
    archives = ("libpython3.13.a", "Modules/_decimal/libmpdec/libmpdec.a", "Modules/_hacl/libHacl_Hash_SHA2.a")
    system = ("-lssl", "-lcrypto", "-lzstd", "-lexpat", "-lz", "-lffi", "-lm")  # OpenSSL uses zstd from Debian 13 on
    return [*(str(objects / archive) for archive in archives), *system]


def _keep_encodings(folder: Path, names: set[str]) -> None:
    for path in folder.glob("*.py"):
        if path.stem not in names:
            path.unlink()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)


if __name__ == "__main__":
    machine.provide()
    provide(machine.cache())
