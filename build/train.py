"""Makes the profile for the compiler: it counts what the interpreter does during a start."""

from pathlib import Path

from machine import run

HERE = Path(__file__).parent
FROZEN = {
    "encodings": "encodings/__init__.py",
    "encodings.aliases": "encodings/aliases.py",
    "encodings.utf_8": "encodings/utf_8.py",
}


def count(source: Path, objects: Path, libraries: list[str], log: Path) -> None:
    """Write the profile of one run of train.c next to the instrumented object files."""
    for name, path in FROZEN.items():
        freeze = ("Programs/_freeze_module", name, source / "Lib" / path, f"{name}.h")
        run(*freeze, cwd=objects, log=log)
    include = (f"-I{objects}", f"-I{source / 'Include'}")
    fixed = ("-static", "-no-pie", "-Wl,--wrap=_PyConfig_InitPathConfig")
    linked = (*libraries, "-lgcov", "-o", "train")
    run("gcc", "-O2", *fixed, *include, HERE / "train.c", *linked, cwd=objects, log=log)
    # programs that the build ran have left counts, too
    for counts in objects.rglob("*.gcda"):
        counts.unlink()
    run("./train", cwd=objects, log=log)
