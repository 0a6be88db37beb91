"""The image as it is built, and as Concourse's worker runs it."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app

from . import container
from .container import INSIDE, RESOURCE, ROOT_OUTSIDE, ContainerProgram
from .program import CREDENTIALS, ROOT, files_below, get_request
from .servers import versitygw

REQUEST = json.dumps(get_request()).encode()
EVERY_KEY = ["description", "licenses", "revision", "source", "title", "version"]


@pytest.fixture
def spec(program: ContainerProgram, destination: Path) -> Iterator[dict[str, Any]]:
    """The container of one `in`, without a network."""
    with container.volume(destination) as mounted:
        command = [str(RESOURCE / "in"), str(INSIDE)]
        environ = list(program.environment)
        yield container.specification(program.root, command, environ, {INSIDE: mounted}, network=False, cwd="/")


def run(spec: dict[str, Any], given: bytes = REQUEST) -> subprocess.CompletedProcess[bytes]:
    with contextlib.ExitStack() as stack:
        return container.run_container(stack, spec, given)


def test_it_has_the_program_with_its_links_and_nothing_else_of_ours(program: ContainerProgram) -> None:
    found = {
        path.name: str(path.readlink()) if path.is_symlink() else "" for path in (program.root / "opt/resource").iterdir()
    }
    links = dict.fromkeys(("check", "in", "out"), "s3-presigned-url")
    assert found == {"s3-presigned-url": "", **links}
    assert [path.name for path in (program.root / "opt").iterdir()] == ["resource"]
    about = program.root / "usr/share/doc/s3-presigned-url"
    assert sorted(path.name for path in about.iterdir()) == ["licences.txt", "sbom.cdx.json"]


def test_it_is_distroless_with_certificates(program: ContainerProgram) -> None:
    assert "Distroless" in (program.root / "etc/os-release").resolve().read_text()
    assert "BEGIN CERTIFICATE" in (program.root / "etc/ssl/certs/ca-certificates.crt").read_text()
    for name in ("bin/sh", "usr/bin/python3", "usr/bin/apt"):
        assert not (program.root / name).exists()


def test_no_file_but_those_of_the_base_may_be_written_by_others(program: ContainerProgram) -> None:
    for path in (program.root / "opt").rglob("*"):
        assert path.is_symlink() or not stat.S_IMODE(path.stat().st_mode) & 0o022, path


def test_its_labels_say_what_it_is(program: ContainerProgram) -> None:
    labels = container.configuration(container.IMAGE)["Labels"]
    prefix = "org.opencontainers.image."
    assert sorted(name.removeprefix(prefix) for name in labels if name.startswith(prefix)) == EVERY_KEY
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.strip()
    assert labels[f"{prefix}title"] == "s3-presigned-url"
    assert labels[f"{prefix}version"] == app.__version__
    assert labels[f"{prefix}revision"] == commit.strip()
    assert labels[f"{prefix}licenses"] == "MIT"


def test_the_dockerfile_alone_gives_it_the_version(program: ContainerProgram) -> None:
    assert f"ARG VERSION={app.__version__}\n" in (ROOT / "Dockerfile").read_text()


def test_it_runs_as_root_like_concourses_own(program: ContainerProgram) -> None:
    assert container.configuration(container.IMAGE).get("User", "") in ("", "0", "root")


@pytest.mark.parametrize("cwd", ["/", "/tmp", "/tmp/build/get", "/opt/resource"])  # noqa: S108  # in the container
def test_it_runs_from_any_working_directory(spec: dict[str, Any], cwd: str) -> None:
    spec["process"]["cwd"] = cwd
    done = run(spec)
    assert (done.returncode, json.loads(done.stdout)["version"]) == (0, {"execution_date": "1795380913"})


def test_it_needs_no_variable_at_all(spec: dict[str, Any]) -> None:
    spec["process"]["env"] = []
    assert run(spec).returncode == 0


def test_what_it_hands_over_belongs_to_the_containers_root(spec: dict[str, Any]) -> None:
    assert run(spec).returncode == 0
    mounted = next(Path(mount["source"]) for mount in spec["mounts"] if mount["destination"] == str(INSIDE))
    owners = {path.stat().st_uid for path in mounted.iterdir()}
    assert (owners, sorted(path.name for path in mounted.iterdir())) == ({ROOT_OUTSIDE}, ["expires_at", "s3_uri", "url"])


def test_without_capabilities_it_still_signs(spec: dict[str, Any]) -> None:
    spec["process"]["capabilities"] = {}
    spec["process"]["noNewPrivileges"] = True
    assert run(spec).returncode == 0


def test_an_abort_ends_it_at_once_and_leaves_nothing(spec: dict[str, Any], tmp_path: Path) -> None:
    # as a worker does: the container is up, and the step is one more process in it
    with container.bundle(spec) as (folder, name):
        up = subprocess.Popen(["runc", "run", "--bundle", str(folder), name], stdin=subprocess.PIPE)
        wait_until_running(name)
        step = ["runc", "exec", "--pid-file", str(tmp_path / "pid"), name, str(RESOURCE / "in"), str(INSIDE)]
        with subprocess.Popen(step, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            os.kill(ready(tmp_path / "pid"), signal.SIGTERM)
            told = process.communicate(timeout=10)
        assert (process.returncode, *told) == (1, b"", b"s3-presigned-url: in: interrupted\n")
        subprocess.run(["runc", "kill", name, "KILL"], check=True)
        up.communicate()
    mounted = next(Path(mount["source"]) for mount in spec["mounts"] if mount["destination"] == str(INSIDE))
    assert files_below(mounted) == {}


def ready(pid_file: Path) -> int:
    """The step's process id out here, once it has a handler for SIGTERM: then it waits for its request."""
    for _ in range(200):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            caught = next(
                line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")
            )
            if int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1):
                return pid
        time.sleep(0.05)
    raise AssertionError("the step did not start")


def wait_until_running(name: str) -> None:
    for _ in range(200):
        state = subprocess.run(["runc", "state", name], capture_output=True, check=False)
        if state.returncode == 0 and json.loads(state.stdout)["status"] == "running":
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} did not start")


def test_the_main_job_runs_against_a_server_that_checks_signatures(
    program: ContainerProgram, destination: Path, tmp_path: Path
) -> None:
    (tmp_path / "served").mkdir()
    with versitygw(tmp_path / "served") as server:
        (server.bucket("my-bucket") / "file.txt").write_text("the content\n")
        source = {"bucket_name": "my-bucket", "region_name": "eu-west-1", "endpoint": server.url, **CREDENTIALS}
        put = program.run("out", destination, request={"source": source, "params": {}})
        params = {"file_path": "file.txt", "file_name": "renamed.txt", "expires_in": {"hours": 24}}
        version = put.answer["version"]
        got = program.run("in", destination, request={"source": source, "params": params, "version": version})
        assert (got.code, got.answer["version"]) == (0, version)
        url = (destination / "url").read_text()
        download = subprocess.run(["curl", "-sS", "-i", url], capture_output=True, check=True, text=True).stdout
    assert download.startswith("HTTP/1.1 200 OK")
    assert 'Content-Disposition: attachment; filename="renamed.txt"' in download.replace(
        "content-disposition", "Content-Disposition"
    )
    assert download.endswith("\r\n\r\nthe content\n")


def test_a_worker_may_mount_its_own_certificates(spec: dict[str, Any], program: ContainerProgram, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    (certificates / "ca-certificates.crt").write_text("no certificate\n")
    with container.volume(certificates) as mounted:
        source = {"destination": "/etc/ssl/certs", "type": "bind", "source": str(mounted), "options": ["rbind", "ro"]}
        spec["mounts"].append(source)
        assert run(spec).returncode == 0
