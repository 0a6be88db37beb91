"""Fuzz with atheris, guided by the coverage of app/: `python -m tests.fuzz MINUTES` or `make fuzz`.

The targets are the properties of test_fuzz.py and raw bytes on stdin, each in a process of its own.
The corpus is kept in .cache/fuzz, where the next run continues. A failing input is printed as a
Case: add it to test_found.py.
"""

import gc
import subprocess
import sys
from collections.abc import Callable

import atheris

from ..program import ROOT

with atheris.instrument_imports(include=["app"]):
    from . import inputs, test_fuzz
from .invariants import Case, check

CORPUS = ROOT / ".cache" / "fuzz"
MEMORY_LIMIT = 2048  # MiB, including what the fuzzer and hypothesis store


def stdin_of(step: str) -> Callable[[bytes], None]:
    """Return a target that passes the fuzzer's bytes as the request."""
    return lambda data: check(Case(step, (".",) if step == "in" else (), data))


TARGETS: dict[str, Callable[[bytes], object]] = {
    "in": stdin_of("in"),
    "out": stdin_of("out"),
    **{
        name.removeprefix("test_any_"): test.hypothesis.fuzz_one_input
        for name, test in vars(test_fuzz).items()
        if name.startswith("test_any_")
    },
}


def fuzz(name: str, seconds: int) -> None:
    """Run one target in this process, and exit."""
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "plain").write_bytes(inputs.PLAIN)
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_LIMIT}", "-timeout=60"]
    options += [f"-dict={CORPUS}/words", "-max_len=4096", "-len_control=0"]
    options += [f"-artifact_prefix={CORPUS}/{name}."]
    gc.enable()  # the program disables it, because a normal run is too short
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main(minutes: float) -> int:
    """Run all targets in parallel, and return the exit code: 1 if one of them found a failure."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    (CORPUS / "words").write_text("".join(f'"{word}"\n' for word in inputs.WORDS))
    running = {}
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.fuzz", name, str(int(minutes * 60))]
        with (CORPUS / f"{name}.log").open("w") as log:
            running[name] = subprocess.Popen(command, stdout=log, stderr=log)
    failed = 0
    for name, process in running.items():
        found = process.wait() != 0
        log_text = (CORPUS / f"{name}.log").read_text(errors="replace")
        print(f"{name}: {log_text[-4000:] if found else log_text.splitlines()[-1]}")
        failed += found
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(main(float(sys.argv[1])))
    fuzz(sys.argv[1], int(sys.argv[2]))
