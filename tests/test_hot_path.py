"""The way to a URL loads what it uses and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

from .program import ROOT, get_request

LOADED = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"
RUN = (
    "import io, json; from app.__main__ import main; "
    "main(['in', sys.argv[1]], {}, io.BytesIO(sys.argv[2].encode()), io.BytesIO(), io.BytesIO())"
)


def loaded_by(code: str, *arguments: str) -> set[str]:
    process = subprocess.run(
        [sys.executable, "-c", LOADED.format(code), *arguments],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    return set(process.stdout.split())


def test_beside_itself_and_msgspec_a_run_loads_only_the_hash(destination: Path) -> None:
    request = json.dumps(get_request({"file_path": "k", "file_name": "é", "expires_in": {"hours": 1}}))
    own = loaded_by(RUN, str(destination), request) - loaded_by("import io, json, msgspec, os, time, gc")
    assert own - {"_sha2", "hashlib", "_hashlib", "_blake2"} == {
        "app",
        "app.__main__",
        "app.credentials",
        "app.delivery",
        "app.duration",
        "app.endpoint",
        "app.handover",
        "app.lifetime",
        "app.operation",
        "app.protocol",
        "app.signing",
        "app.sigv4",
        "app.steps",
    }
    assert (destination / "url").exists()


def test_boto3_is_loaded_where_its_endpoint_rules_are_needed(destination: Path) -> None:
    request = json.dumps(get_request({"file_path": "k"}, use_dualstack_endpoint=True))
    assert "boto3" in loaded_by(RUN, str(destination), request)
