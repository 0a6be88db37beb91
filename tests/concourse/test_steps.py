"""Steps side by side, and aborted ones."""

import time
from typing import Any

import pytest

from . import documented
from .concourse import Concourse, wait_until
from .documented import pipeline
from .lab import S3, SILENT, Lab

NUMBERS = range(10)


@pytest.mark.parametrize("kind", ["equal", "different"])
def test_ten_puts_in_parallel_leave_ten_versions_and_wait_for_no_lock(
    concourse: Concourse, kind: str
) -> None:
    keys = [f"folder/{number}" if kind == "different" else "folder/file.txt" for number in NUMBERS]
    puts = [
        {
            "put": f"link-{number}",
            "resource": "s3-presigned-url",
            "inputs": [],
            "get_params": {"file_path": key},
        }
        for number, key in zip(NUMBERS, keys, strict=True)
    ]
    name = f"parallel-{kind}"
    build = concourse.run(pipeline([{"in_parallel": puts}]), name, "job")
    assert build.status == "succeeded", build.log
    assert "waiting to acquire resource lock" not in build.log
    assert build.log.count("signed GET s3://my-bucket/folder/") == 10
    outputs = concourse.get(f"/builds/{build.id}/resources")["outputs"]
    assert len({str(output["version"]) for output in outputs}) == 10


def test_an_aborted_step_ends_within_two_seconds_and_signs_nothing(
    concourse: Concourse, lab: Lab
) -> None:
    (resource,) = documented.first()["resources"]
    source: dict[str, Any] = {**resource["source"], "endpoint": f"http://{S3}:{SILENT}"}
    put = {
        "put": "s3-presigned-url",
        "get_params": {"file_path": "folder/file.txt", "verify": "head"},
    }
    concourse.set(pipeline([put], resources=[{**resource, "source": source}]), "abort")
    build = concourse.trigger("abort", "job")
    wait_until(lambda: lab.silent.requests != [], 60)
    started = time.monotonic()
    concourse.abort(build)
    ended = concourse.ended(build, 10)
    assert time.monotonic() - started < 2
    assert ended.status == "aborted"
    assert "s3-presigned-url: in: interrupted" in ended.log
    assert "signed GET" not in ended.log
