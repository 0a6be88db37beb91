"""Builds dist/s3-presigned-url, a static ELF file, from app/. README.md explains how and why.

usage: python3 build/binary.py

CPython and the packages are cached in $XDG_CACHE_HOME/s3-presigned-url, or else in
~/.cache/s3-presigned-url, and rebuilt when their recipe changes.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

import bom
import components
import data
import interpreter
import machine
import packages
import trial
from machine import run, say

HERE = Path(__file__).parent
ROOT = HERE.parent
DIST = ROOT / "dist"
# Bill of materials and licenses, which ship with the program, and the files they are made from.
ABOUT = ROOT / "about"
PROGRAM = "s3-presigned-url"
LINKS = ("check", "in", "out")

COMPILE_FLAGS = (
    "-O2",
    "-fstack-protector-strong",
    "-D_FORTIFY_SOURCE=2",
    "-ffunction-sections",
    "-fdata-sections",
)
LINK_FLAGS = (
    "-static",
    # a position-independent program adjusts 48,000 addresses at each start: 8 % of it (README.md)
    "-no-pie",
    "-Wl,-z,relro,-z,now,-z,noexecstack",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
)

# Nuitka does not see these: they are imported by C code, by name, or not at all.
INCLUDED = ("datetime", "botocore.handlers", "botocore.regions", "html.parser")
# Nuitka finds these, or adds them of its own accord, but the program never uses them.
EXCLUDED = (
    "_sysconfigdata_*",  # contains paths of this build
    "asyncio",
    "boto3",
    "ctypes",
    "msgspec._core",  # linked: see startup.c
    "msgspec._utils",  # replaced: see msgspec_standins.py
    "multiprocessing",
    "s3transfer",
    "typing_extensions",
    "unittest",
    "urllib3.contrib",
    # of the standard library, what no module of the program imports
    *("__hello__", "__phello__", "_aix_support", "_android_support", "_apple_support"),
    *("_osx_support", "_pydatetime", "_pydecimal", "_pyio", "_pyrepl", "cmd", "code", "codeop"),
    *("colorsys", "filecmp", "fileinput", "ftplib", "getopt", "graphlib", "imaplib"),
    *("modulefinder", "nturl2path", "pdb", "pickletools", "poplib", "pstats", "py_compile"),
    *("pyclbr", "pydoc", "rlcompleter", "sched", "statistics", "symtable", "tarfile", "timeit"),
    *("tkinter", "tomllib", "trace", "tracemalloc", "webbrowser"),
)


def main() -> None:
    """Build the program, after everything that it needs and that is not in the cache."""
    started = time.time()
    machine.provide()
    say("step 1 of 5: the interpreter (2 minutes on 2 cores, unless it is cached)")
    python = interpreter.provide(machine.cache())
    say("step 2 of 5: the packages")
    site = packages.provide(machine.cache(), python)
    with tempfile.TemporaryDirectory() as work:
        _compile(interpreter.executable(python), site, Path(work))
        program = Path(work) / "app.dist" / PROGRAM
        say("step 4 of 5: trying the program")
        trial.run(program)
        say("step 5 of 5: listing the components")
        _describe(program, python, site)
        _deliver(program, started)
    say("done")


def _compile(python: Path, site: Path, work: Path) -> None:
    say("step 3 of 5: compiling (1 minute on 2 cores)")
    ABOUT.mkdir(exist_ok=True)
    log = ABOUT / "nuitka.log"
    log.unlink(missing_ok=True)
    shutil.copytree(ROOT / "app", work / "app", ignore=shutil.ignore_patterns("__pycache__"))
    data.write(site / "botocore", work / "botocore_data.py")
    nameless = _nameless(work, python.parents[2], site)
    environ = {
        "CFLAGS": " ".join((*COMPILE_FLAGS, f"-I{site / 'msgspec'}", *nameless)),
        "LDFLAGS": " ".join((*LINK_FLAGS, f"-Wl,-Map={ABOUT / 'linker.map'}")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # otherwise the order of Nuitka's output differs between builds
        "PYTHONPATH": f"{site}:{HERE / 'inside'}:{work}",
        "SOURCE_DATE_EPOCH": "0",
    }
    options = (
        "--mode=standalone",
        "--file-reference-choice=frozen",
        "--static-libpython=yes",
        "--lto=no",
        f"--jobs={machine.JOBS}",
        "--deployment",
        "--python-flag=-m",
        "--python-flag=isolated",
        "--python-flag=no_site",
        "--python-flag=no_docstrings",
        *(f"--include-module={name}" for name in INCLUDED),
        *(f"--nofollow-import-to={name}" for name in EXCLUDED),
        "--disable-plugin=multiprocessing",
        f"--user-plugin={HERE / 'plugin.py'}",
        "--noinclude-data-files=*",
        "--disable-ccache",
        "--no-progressbar",
        "--assume-yes-for-downloads",
        f"--report={ABOUT / 'modules.xml'}",
        f"--output-filename={PROGRAM}",
    )
    run(python, "-m", "nuitka", *options, "app", cwd=work, env=environ, log=log)


def _nameless(*folders: Path) -> list[str]:
    """Return flags that keep the names of these folders out of the program, for equal builds."""
    return [f"-ffile-prefix-map={folder}=." for folder in folders]


def _describe(program: Path, python: Path, site: Path) -> None:
    found = components.find(ABOUT / "linker.map", ABOUT / "modules.xml", python, site)
    text = (ROOT / "app" / "__init__.py").read_text()
    version = text.partition('__version__ = "')[2].partition('"')[0]
    images = os.environ.get("BASE_IMAGES", "").split()
    bom.write_bill(ABOUT / "sbom.cdx.json", program, version, found, images)
    bom.write_licences(ABOUT / "licences.txt", (ROOT / "LICENSE").read_text(), found)
    say(f"{ABOUT.name}: bill of materials and licenses of {len(found)} components")


def _deliver(program: Path, started: float) -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    shutil.copy2(program, DIST / PROGRAM)
    # the time of the start, so that make sees changes made to app/ during the build
    os.utime(DIST / PROGRAM, (started, started))
    for link in LINKS:
        (DIST / link).symlink_to(PROGRAM)
    say(f"{DIST.name}/{PROGRAM}: {(DIST / PROGRAM).stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
