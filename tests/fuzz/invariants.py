"""The invariants of every run, for hypothesis, for atheris, and for inputs that once failed."""

import contextlib
import io
import json
import os
import re
import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock
from urllib.parse import quote

from app.__main__ import STEPS, main

from ..program import Program

KEY = "Planted+Secret/Key=&\"'<>"
TOKEN = "Planted+Session/Token==&\"'<>"

TIME_LIMIT = 20  # seconds; a run takes milliseconds, but the machine may be busy
MEMORY_LIMIT = 256 << 20  # bytes, including the interpreter and boto3

_SIGNED = re.compile(r"https?://\S+[&?]X-Amz-Signature=[0-9a-f]{64}")
# in a URL, in fields.json, and in the curl.conf of a form
_TOKEN_IN_OUTPUT = re.compile(
    r"X-Amz-Security-Token=[^&\s\"]*|\"x-amz-security-token(\": \"|=)(\\.|[^\"\\])*"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Case:
    """The input of a run in the destination. `beside` is the text of the file `../beside`."""

    step: str
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    environ: dict[str, str] = field(default_factory=dict)
    beside: str = "untouched"


@dataclass(frozen=True)
class Outcome:
    """The exit code and output of a run."""

    code: int
    stdout: bytes
    stderr: bytes


def check(case: Case, run: "Callable[[Case, Path], Outcome] | None" = None) -> None:
    """Run a case, by default in this process, and check the invariants."""
    with tempfile.TemporaryDirectory() as folder:
        destination, beside = Path(folder, "get"), Path(folder, "beside")
        destination.mkdir()
        beside.write_text(case.beside)
        try:
            started = time.monotonic()
            outcome = (run or in_process)(case, destination)
            assert time.monotonic() - started < TIME_LIMIT
            _check(case, outcome, destination)
            assert {path.name for path in Path(folder).iterdir()} == {"beside", "get"}
            assert beside.read_text() == case.beside
        except BaseException as error:
            error.add_note(f"in: {case!r}")
            raise


def in_process(case: Case, destination: Path) -> Outcome:
    """Run a case in this process, which is fast and visible to a coverage-guided fuzzer."""
    stdout, stderr = io.BytesIO(), io.BytesIO()
    argv = ["s3-presigned-url", case.step, *case.arguments]
    with (
        contextlib.chdir(destination),
        mock.patch.dict(os.environ, case.environ, clear=True),
        no_network(),
    ):
        code = main(argv, case.environ, io.BytesIO(case.stdin), stdout, stderr)
    return Outcome(code, stdout.getvalue(), stderr.getvalue())


def as_process(program: Program) -> Callable[[Case, Path], Outcome]:
    """Return a function that runs a case as a process, with a memory limit."""

    def run(case: Case, destination: Path) -> Outcome:
        process = subprocess.run(
            [*program.command(case.step), *case.arguments],
            input=case.stdin,
            capture_output=True,
            env={**case.environ, **program.environ()},
            cwd=destination,
            timeout=TIME_LIMIT,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT)),
        )
        return Outcome(process.returncode, process.stdout, process.stderr)

    return run


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Refuse every connection at once, without pauses between the attempts."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
        mock.patch.object(time, "sleep"),
    ):
        yield


def _check(case: Case, outcome: Outcome, destination: Path) -> None:
    lines = outcome.stderr.decode().split("\n")
    assert lines.pop() == "", "the last line is complete"
    assert all(line.isprintable() for line in lines)
    found = [path for path in destination.rglob("*") if not path.is_dir()]
    files = {str(path.relative_to(destination)): path for path in found}
    if outcome.code == 0:
        assert all(line.startswith(("signed ", "warning: ")) for line in lines)
        _check_answer(case, outcome.stdout, files)
        _check_files(files)
    else:
        assert outcome.code == 1
        assert outcome.stdout == b""
        (line,) = lines
        assert line.startswith("s3-presigned-url: "), line
        assert "internal error" not in line, line
        assert list(destination.iterdir()) == []
    for text in (*lines, outcome.stdout.decode(), *(path.read_text() for path in files.values())):
        _check_secrets(text)


def _check_answer(case: Case, stdout: bytes, files: dict[str, Path]) -> None:
    if case.step in STEPS:
        answer = json.loads(stdout, parse_constant=_refuse)
        if case.step == "check":
            assert answer == []
            return
        assert answer.keys() == {"version", "metadata"}
        assert all(isinstance(value, str) for value in answer["version"].values())
        texts = [text for row in answer["metadata"] for text in (row["name"], row["value"])]
        assert all(isinstance(text, str) for text in texts)
        assert "X-Amz-" not in json.dumps(answer["version"])
        assert bool(files) == (case.step == "in")
    elif files:
        assert stdout == b""
    elif stdout[:1] == b"{":
        values = json.loads(stdout, parse_constant=_refuse)
        described = [values] if "s3_uri" in values else values.values()
        urls = [one if isinstance(one, str) else one["url"] for one in described]
        assert all(_SIGNED.fullmatch(url) or "fields" in values for url in urls)
    elif not stdout.startswith(b"s3-presigned-url presign "):  # the help
        assert _SIGNED.fullmatch(stdout.decode().removesuffix("\n"))


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def _check_files(files: dict[str, Path]) -> None:
    """Check that every file is complete, and that no temporary file is left."""
    for name, path in files.items():
        text = path.read_text()
        assert path.stat().st_mode & 0o7777 == 0o644
        match path.name:
            case "expires_at":
                assert _MOMENT.fullmatch(text)
            case "s3_uri":
                assert text.startswith("s3://")
            case "curl.conf":
                assert _SIGNED.search(text) or '"x-amz-signature=' in text
            case "headers.json" | "fields.json" | "urls.json":
                assert json.loads(text)
            case _ if (path.parent / "fields.json").exists():
                assert text.startswith("http")
            case _:
                assert _SIGNED.fullmatch(text) or json.loads(text), name


def _check_secrets(text: str) -> None:
    shown = _TOKEN_IN_OUTPUT.sub("", text)
    for secret in (KEY, TOKEN):
        quoted = (quote(secret, safe=""), quote(secret))
        for form in (secret, *quoted, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            assert form not in shown
