"""Runs the program once in each way before it is delivered, in an empty environment."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

_SOURCE = {
    "bucket_name": "my-bucket",
    "region_name": "eu-west-1",
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
_VARIABLES = {
    "AWS_REGION": _SOURCE["region_name"],
    "AWS_ACCESS_KEY_ID": _SOURCE["access_key_id"],
    "AWS_SECRET_ACCESS_KEY": _SOURCE["secret_access_key"],
}
_HOST = "https://my-bucket.s3.eu-west-1.amazonaws.com/folder/file.txt?"
_DUALSTACK = _HOST.replace(".s3.", ".s3.dualstack.")


def run(program: Path) -> None:
    """Exit with what the program printed, unless it signs as it should."""
    _expect("[]", _run(program, "check", source=_SOURCE))
    _expect(_HOST, _run(program, "presign", "s3://my-bucket/folder/file.txt", **_VARIABLES))
    for source, start in (
        (_SOURCE, _HOST),
        ({**_SOURCE, "use_dualstack_endpoint": True}, _DUALSTACK),
    ):
        with tempfile.TemporaryDirectory() as destination:
            _expect('{"version":', _run(program, "in", destination, source=source))
            _expect(start, (Path(destination) / "url").read_text())


def _run(program: Path, *arguments: str, source: object = None, **variables: str) -> str:
    request = {"source": source, "params": {"file_path": "folder/file.txt"}}
    done = subprocess.run(
        (program, *arguments),
        input=json.dumps(request),
        capture_output=True,
        check=False,
        env=variables,
        text=True,
    )
    if done.returncode:
        sys.exit(
            f"{done.stdout}{done.stderr}"
            f"binary: the program was built, but fails ({done.returncode}) as {arguments[0]}: "
            "if this is no change of app/, look at build/patches/ and build/inside/"
        )
    return done.stdout


def _expect(start: str, printed: str) -> None:
    if not printed.startswith(start):
        sys.exit(f"binary: the program was built, but instead of {start!r} printed {printed!r}")
