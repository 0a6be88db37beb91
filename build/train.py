"""The profile that guides the compiler: what the interpreter counts while it starts, as it does in the program."""

from pathlib import Path

from machine import run

HERE = Path(__file__).parent
FROZEN = {
    "encodings": "encodings/__init__.py",
    "encodings.aliases": "encodings/aliases.py",
    "encodings.utf_8": "encodings/utf_8.py",
}


def count(source: Path, objects: Path, libraries: list[str], log: Path) -> None:
    """Leave counts beside the object files, which were made to count: those of train.c, and no others."""
    for name, path in FROZEN.items():
        run("Programs/_freeze_module", name, source / "Lib" / path, f"{name}.h", cwd=objects, log=log)
    include = (f"-I{objects}", f"-I{source / 'Include'}")
    fixed = ("-static", "-no-pie", "-Wl,--wrap=_PyConfig_InitPathConfig")
    run("gcc", "-O2", *fixed, *include, HERE / "train.c", *libraries, "-lgcov", "-o", "train", cwd=objects, log=log)
    for counts in objects.rglob("*.gcda"):
        counts.unlink()  # of what the build itself ran
    run("./train", cwd=objects, log=log)
