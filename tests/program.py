"""The program as Concourse, tasks and people run it, in a nearly empty environment."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from app.__main__ import main

ROOT = Path(__file__).parent.parent

ISSUES = "https://github.com/OWNER/s3-presigned-url/issues"
ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzE+planted/session==token"

CREDENTIALS = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
VARIABLES = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
SOURCE = {"bucket_name": "my-bucket", "region_name": "eu-west-1", **CREDENTIALS}
VERSION = {"execution_date": "1795380913"}


def get_request(params: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    """Return a request for `in`: SOURCE with some fields set, or left out if the value is `...`."""
    return {
        "source": without_ellipses({**SOURCE, **source}),
        "params": params or {"file_path": "folder/file.txt"},
        "version": VERSION,
    }


def without_ellipses(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields whose value is `...`."""
    return {name: value for name, value in fields.items() if value is not ...}


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Program:
    """One way to run the program: from source, or the binary through its symlinks."""

    kind: str

    def command(self, step: str) -> list[str]:
        """Return the command line of a process that runs a step or a command such as `presign`."""
        if self.kind == "source":
            return [sys.executable, "-m", "app", *([step] if step else [])]
        return [
            str(ROOT / "dist" / (step if step in ("check", "in", "out") else "s3-presigned-url")),
            *self._named(step),
        ]

    @staticmethod
    def _named(step: str) -> list[str]:
        return [step] if step not in ("", "check", "in", "out") else []

    def run(
        self,
        step: str,
        *arguments: str | Path,
        request: Any = None,
        environ: dict[str, str] | None = None,
        cwd: Path | None = None,
        input_: bytes | None = None,
        spawn: bool = False,
    ) -> Result:
        """Run a step or a command with nothing else in its environment.

        From source it runs in this process, which is quicker, unless `spawn` says otherwise.
        """
        stdin = json.dumps(request).encode() if input_ is None else input_
        variables = {**self.environ(), **(environ or {})}
        run = _in_process if self.kind == "source" and not spawn else self._spawn
        return run(step, *map(str, arguments), stdin=stdin, environ=variables, cwd=cwd)

    def _spawn(
        self, step: str, *arguments: str, stdin: bytes, environ: dict[str, str], cwd: Path | None
    ) -> Result:
        process = subprocess.run(
            [*self.command(step), *arguments],
            input=stdin,
            capture_output=True,
            env=environ,
            cwd=cwd,
            timeout=120,
            check=False,
        )
        return Result(process.returncode, process.stdout.decode(), process.stderr.decode())

    def environ(self) -> dict[str, str]:
        """Return the variables that a process needs to start."""
        if self.kind == "source":
            return {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        return {"PATH": "/usr/bin:/bin"}


def _in_process(
    step: str, *arguments: str, stdin: bytes, environ: dict[str, str], cwd: Path | None
) -> Result:
    stdout, stderr, stray = io.BytesIO(), io.BytesIO(), io.StringIO()
    argv = ["s3-presigned-url", *([step] if step else []), *arguments]
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(stray),
        contextlib.redirect_stderr(stray),
        mock.patch.dict(os.environ, environ, clear=True),
    ):
        code = main(argv, environ, io.BytesIO(stdin), stdout, stderr)
    assert stray.getvalue() == "", "libraries print nothing"
    return Result(code, stdout.getvalue().decode(), stderr.getvalue().decode())


def files_below(directory: Path) -> dict[str, str]:
    """Return every file with its text, by its path."""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in sorted(directory.rglob("*"))
        if not path.is_dir()
    }
