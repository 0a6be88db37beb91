"""The program as Concourse, tasks and people run it: a process with arguments, streams, and a nearly empty environment."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzE+planted/session==token"

CREDENTIALS = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
SOURCE = {"bucket_name": "my-bucket", "region_name": "eu-west-1", **CREDENTIALS}
VERSION = {"execution_date": "1795380913"}


def get_request(params: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    """A request for `in`: SOURCE with some fields set, or left out where the value is `...`."""
    given = {name: value for name, value in {**SOURCE, **source}.items() if value is not ...}
    return {"source": given, "params": params or {"file_path": "folder/file.txt"}, "version": VERSION}


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
        if self.kind == "source":
            return [sys.executable, "-m", "app", *([step] if step else [])]
        return [str(ROOT / "dist" / (step if step in ("check", "in", "out") else "s3-presigned-url")), *self._named(step)]

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
    ) -> Result:
        """Run a step (`check`, `in`, `out`) or a command (`presign`, ...), with nothing else in its environment."""
        given = json.dumps(request).encode() if input_ is None else input_
        process = subprocess.run(
            [*self.command(step), *map(str, arguments)],
            input=given,
            capture_output=True,
            env={**self.environ(), **(environ or {})},
            cwd=cwd,
            timeout=120,
            check=False,
        )
        return Result(process.returncode, process.stdout.decode(), process.stderr.decode())

    def environ(self) -> dict[str, str]:
        if self.kind == "source":
            return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return {"PATH": "/usr/bin:/bin"}


def rfc3339(moment: float) -> str:
    """A moment in Unix seconds, as `expires_at` has it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def files_below(directory: Path) -> dict[str, str]:
    """Every file with its text, by its path."""
    return {
        str(path.relative_to(directory)): path.read_text() for path in sorted(directory.rglob("*")) if not path.is_dir()
    }
