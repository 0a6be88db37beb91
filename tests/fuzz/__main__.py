"""Fuzz with atheris, guided by the coverage of app/: `python -m tests.fuzz MINUTES`, or `make fuzz`.

Every property of test_fuzz.py, and the bytes on stdin as they come, each in a process of its own and for so many minutes.
What was learned is kept in .cache/fuzz, and the next run goes on from there. An input that fails is shown as a Case: it
becomes a test in test_found.py.
"""

import gc
import subprocess
import sys
from collections.abc import Callable

import atheris

from ..program import ROOT

with atheris.instrument_imports(include=["app"]):
    from . import inputs, test_fuzz
from .invariants import Case, hold

LEARNED = ROOT / ".cache" / "fuzz"
MOST_MEMORY = 2048  # MiB, with all that fuzzer and hypothesis remember


def stdin_of(step: str) -> Callable[[bytes], None]:
    """Return the target for which the fuzzer's bytes are the request."""
    return lambda data: hold(Case(step, (".",) if step == "in" else (), data))


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
    """Run one target, in this process. It ends the process."""
    learned = LEARNED / name
    learned.mkdir(parents=True, exist_ok=True)
    (learned / "plain").write_bytes(inputs.PLAIN)
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MEMORY}", "-timeout=60", f"-dict={LEARNED}/words"]
    options += ["-max_len=4096", "-len_control=0", f"-artifact_prefix={LEARNED}/{name}."]
    gc.enable()  # which the program disables, as a run of it is over before it would pay
    atheris.Setup([sys.argv[0], *options, str(learned)], TARGETS[name])
    atheris.Fuzz()


def main(minutes: float) -> int:
    """Run every target side by side, and return whether one of them found something."""
    LEARNED.mkdir(parents=True, exist_ok=True)
    (LEARNED / "words").write_text("".join(f'"{word}"\n' for word in inputs.WORDS))
    running = {}
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.fuzz", name, str(int(minutes * 60))]
        with (LEARNED / f"{name}.log").open("w") as log:
            running[name] = subprocess.Popen(command, stdout=log, stderr=log)
    failed = 0
    for name, process in running.items():
        found = process.wait() != 0
        log_text = (LEARNED / f"{name}.log").read_text(errors="replace")
        print(f"{name}: {log_text[-4000:] if found else log_text.splitlines()[-1]}")
        failed += found
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(main(float(sys.argv[1])))
    fuzz(sys.argv[1], int(sys.argv[2]))
