"""A Concourse of web node, worker and database, and a client of it.

CONCOURSE names its executable, and runs it in the namespaces of this process, which `make
test-concourse` makes; otherwise it runs as published, by docker compose.
"""

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..container import ENGINE
from ..program import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from .lab import HOSTS, REGISTRY, S3

HERE = Path(__file__).parent
COMPOSED = "198.18.0.10"  # its address in compose.yml
USER = "test"
# what the pipelines of the docs expect a credential manager to have
KEYS = f"{{access_key_id: {ACCESS_KEY_ID}, secret_access_key: {SECRET_ACCESS_KEY}}}"
VARIABLES = {
    "s3": KEYS,
    "aws": f"{KEYS[:-1]}, external_id: the-external-id}}",
    "chat": "{webhook: 'https://chat.example.com/hook'}",
}


@dataclass(frozen=True)
class Build:
    """A build that has ended."""

    id: int
    status: str
    events: list[dict[str, Any]]

    @property
    def log(self) -> str:
        """What a person sees, without colors."""
        logged = (event["data"]["payload"] for event in self.events if event["event"] == "log")
        text = "".join(logged) + "".join(
            f"{event['data']['message']}\n" for event in self.events if event["event"] == "error"
        )
        return re.sub(r"\x1b\[[0-9;]*m", "", text)


@dataclass(frozen=True)
class Concourse:
    """A running Concourse. `dump` returns all of its database, `logs` all that it printed."""

    url: str
    home: Path
    dump: Callable[[], str]
    logs: Callable[[], str]

    def run(self, pipeline: dict[str, Any], name: str, job: str) -> Build:
        """Set a pipeline, run a job of it, and return the build when it has ended.

        On a busy machine Concourse may lose what a process prints right before it exits
        (https://github.com/concourse/concourse/issues/6775). A build that ended so is run again.
        """
        self.set(pipeline, name)
        build = self.ended(self.trigger(name, job))
        for _ in range(2):
            if build.status != "errored" or not build.log.endswith("EOF\n"):
                break
            print(f"Concourse lost the output of a step of {name}: run again", file=sys.__stderr__)
            build = self.ended(self.trigger(name, job))
        return build

    def set(self, pipeline: dict[str, Any], name: str) -> None:
        """Set and unpause a pipeline."""
        path = self.home / f"{name}.yml"
        path.write_text(yaml.safe_dump(pipeline))
        self._fly("set-pipeline", "-n", "-p", name, "-c", str(path))
        self._fly("unpause-pipeline", "-p", name)

    def check(self, pipeline: str, resource: str) -> str:
        """Look for versions of a resource, and return what fly prints."""
        return self._fly_prints("check-resource", "-r", f"{pipeline}/{resource}")[1]

    def validate(self, path: Path, **variables: str) -> str:
        """Return what fly says of a pipeline, which may have no warnings."""
        given = [part for name in variables for part in ("-v", f"{name}={variables[name]}")]
        return self._fly_prints("validate-pipeline", "--strict", "-c", str(path), *given)[1]

    def trigger(self, pipeline: str, job: str) -> int:
        """Start a build, and return its ID."""
        path = f"/teams/main/pipelines/{pipeline}/jobs/{job}/builds"
        return int(self.get(path, method="POST")["id"])

    def status(self, build: int) -> str:
        """Return how a build stands."""
        return str(self.get(f"/builds/{build}")["status"])

    def abort(self, build: int) -> None:
        """Abort a build."""
        self.get(f"/builds/{build}/abort", method="PUT")

    def ended(self, build: int, seconds: float = 120) -> Build:
        """Wait for the end of a build."""
        wait_until(lambda: self.status(build) not in ("pending", "started"), seconds)
        return Build(build, self.status(build), self.events(build))

    def events(self, build: int) -> list[dict[str, Any]]:
        """Return the events of a build that has ended."""
        found = []
        with self._open(f"/builds/{build}/events") as stream:
            for line in stream:
                if line.startswith(b"event: end"):
                    break
                if line.startswith(b"data: {"):
                    found.append(json.loads(line[6:]))
        return found

    def get(self, path: str, method: str = "GET") -> Any:
        """Return what the API responds."""
        with self._open(path, method) as response:
            text = response.read()
        return json.loads(text) if text else None

    def text(self, path: str) -> str:
        """Return what the API responds, as it is."""
        with self._open(path) as response:
            body: bytes = response.read()
        return body.decode()

    def info(self) -> str:
        """Return what an API that is up says to anybody."""
        with urllib.request.urlopen(f"{self.url}/api/v1/info", timeout=5) as response:  # noqa: S310
            text: bytes = response.read()
        return text.decode()

    def has_worker(self) -> bool:
        """Return whether builds can run."""
        return [worker["state"] for worker in self.get("/workers")] == ["running"]

    def login(self) -> None:
        """Log in with FLY, or else with the fly that every Concourse offers."""
        if "FLY" not in os.environ:
            machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
            address = f"{self.url}/api/v1/cli?arch={machine}&platform=linux"
            urllib.request.urlretrieve(address, self.home / "fly")  # noqa: S310
            (self.home / "fly").chmod(0o755)
        self._fly("login", "-c", self.url, "-u", USER, "-p", USER)

    def _open(self, path: str, method: str = "GET") -> Any:
        targets = yaml.safe_load((self.home / ".flyrc").read_text())["targets"]
        headers = {"Authorization": f"Bearer {targets['tests']['token']['value']}"}
        request = urllib.request.Request(  # noqa: S310  # the server above
            f"{self.url}/api/v1{path}", headers=headers, method=method
        )
        return urllib.request.urlopen(request, timeout=60)  # noqa: S310

    def _fly(self, *arguments: str) -> None:
        code, printed = self._fly_prints(*arguments)
        assert code == 0, printed

    def _fly_prints(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [os.environ.get("FLY", self.home / "fly"), "-t", "tests", *arguments],
            env={**os.environ, "HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


def wait_until(ready: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so. Raises AssertionError after a number of seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if ready():
                return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} seconds")


@contextlib.contextmanager
def running(folder: Path, certificates: Path, settings: dict[str, str]) -> Iterator[Concourse]:
    """Run Concourse in an empty folder. Containers trust the certificates in a folder."""
    start = _native if os.environ.get("CONCOURSE") else _composed
    settings = {"CONCOURSE_WORKER_CERTS_DIR": str(certificates), **settings}
    with start(folder, settings) as concourse:
        wait_until(lambda: concourse.info() != "", 120)
        concourse.login()
        wait_until(concourse.has_worker, 60)
        yield concourse


def _environment(folder: Path, address: str, settings: dict[str, str]) -> dict[str, str]:
    """Return the settings of `concourse quickstart`, and write the files that they name."""
    defaults = folder / "resource-type-defaults.yml"
    mirror = {"insecure": True, "registry_mirror": {"host": REGISTRY}}
    defaults.write_text(yaml.safe_dump({"registry-image": mirror}))
    hosts = [" ".join((host, *names)) for host, names in HOSTS.items()]
    worker = {
        "ADDITIONAL_HOSTS": ",".join(hosts),
        "ALLOW_HOST_ACCESS": "true",
        "DNS_SERVER": S3,  # there is none: every name is in the files for it
        "EXTERNAL_IP": address,
        "MTU": "1500",  # that of loopback is too much for a bridge
        "NETWORK_POOL": "198.19.0.0/16",
    }
    return {
        "CONCOURSE_EXTERNAL_URL": f"http://{address}:8080",
        "CONCOURSE_ADD_LOCAL_USER": f"{USER}:{USER}",
        "CONCOURSE_MAIN_TEAM_LOCAL_USER": USER,
        "CONCOURSE_CLIENT_SECRET": "client",
        "CONCOURSE_TSA_CLIENT_SECRET": "tsa",
        "CONCOURSE_POSTGRES_USER": "postgres",
        "CONCOURSE_POSTGRES_DATABASE": "postgres",
        "CONCOURSE_BASE_RESOURCE_TYPE_DEFAULTS": str(defaults),
        # otherwise a build waits for up to half a minute before it starts
        "CONCOURSE_COMPONENT_RUNNER_INTERVAL": "1s",
        "CONCOURSE_LIDAR_SCANNER_INTERVAL": "1s",
        "CONCOURSE_BUILD_TRACKER_INTERVAL": "1s",
        "CONCOURSE_WORKER_NAME": "tests",
        "CONCOURSE_WORKER_RUNTIME": "containerd",
        "CONCOURSE_WORKER_BAGGAGECLAIM_DRIVER": "overlay",
        **{f"CONCOURSE_WORKER_CONTAINERD_{name}": value for name, value in worker.items()},
        **settings,
    }


@contextlib.contextmanager
def _native(folder: Path, settings: dict[str, str]) -> Iterator[Concourse]:
    """Run CONCOURSE, with containerd, CNI and PostgreSQL of this machine."""
    program = Path(os.environ["CONCOURSE"]).resolve()
    _output(program, "generate-key", "-t", "rsa", "-f", folder / "signing-key")
    environ = {
        **_environment(folder, S3, settings),
        **_runtime(folder, program.parent),
        "CONCOURSE_POSTGRES_HOST": str(folder / "database"),
        "CONCOURSE_SESSION_SIGNING_KEY": str(folder / "signing-key"),
        "CONCOURSE_WORKER_RESOURCE_TYPES": os.environ.get(
            "RESOURCE_TYPES", str(program.parent.parent / "resource-types")
        ),
        "CONCOURSE_WORKER_WORK_DIR": str(folder / "worker"),
    }
    (folder / "worker").mkdir()
    variables = [f"--dummy-creds-var={name}={value}" for name, value in VARIABLES.items()]
    log = folder / "concourse.log"
    with _postgres(folder) as programs, log.open("wb") as stream:
        process = subprocess.Popen(
            [program, "quickstart", *variables],
            env={"PATH": os.environ["PATH"], **environ},
            stdout=stream,
            stderr=stream,
        )
        try:
            yield Concourse(
                f"http://{S3}:8080",
                folder,
                lambda: _output(programs / "pg_dump", "-h", folder / "database", "-U", "postgres"),
                log.read_text,
            )
        finally:
            _end_containers(program.parent)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            _unmount(folder)


def _end_containers(programs: Path) -> None:
    """End the containers of the worker, and with them their control groups."""
    found = shutil.which("ctr", path=f"{programs}:{os.environ['PATH']}")
    assert found, "ctr is a part of containerd"
    ctr = (found, "--namespace", "concourse")
    for task in _output(*ctr, "tasks", "list", "--quiet").split():
        # one that ends by itself at this moment is as good
        subprocess.run([*ctr, "tasks", "delete", "--force", task], check=False, capture_output=True)
    for group in sorted(Path("/sys/fs/cgroup").glob("**/garden/**"), reverse=True):
        with contextlib.suppress(OSError):  # another worker uses it
            group.rmdir()


def _unmount(folder: Path) -> None:
    """Unmount the volumes of a worker."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if Path(mount).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", mount], check=True)


def _runtime(folder: Path, programs: Path) -> dict[str, str]:
    """Return where the worker finds what Concourse's release has beside its executable."""
    if (programs / "containerd").exists():
        return {}
    config, init = folder / "containerd.toml", folder / "init"
    config.write_text("version = 2\n")
    subprocess.run(["gcc", "-static", "-o", init, HERE / "init.c"], check=True)
    plugins = next(
        path for path in ("/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin") if Path(path).exists()
    )
    found = {
        "BIN": shutil.which("containerd") or "",
        "CNI_PLUGINS_DIR": plugins,
        "CONFIG": str(config),
        "INIT_BIN": str(init),
    }
    return {f"CONCOURSE_WORKER_CONTAINERD_{name}": value for name, value in found.items()}


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[Path]:
    """Run PostgreSQL, with its socket in its database, and yield where its programs are."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    programs = installed[-1] if installed else Path(shutil.which("initdb") or "initdb").parent
    data = folder / "database"
    data.mkdir()
    shutil.chown(data, "postgres")
    with (folder / "postgres.log").open("wb") as log:
        create = ("-D", str(data), "-A", "trust", "-U", "postgres")
        subprocess.run(
            [programs / "initdb", *create],
            user="postgres",
            check=True,
            stdout=log,
        )
        options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={data}")
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options, "-c", "fsync=off"],
            user="postgres",
            stdout=log,
            stderr=log,
        )
    try:
        ready = (str(programs / "pg_isready"), "-q", "-h", str(data))
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, 30)
        yield programs
    finally:
        process.send_signal(2)
        process.wait(30)


@contextlib.contextmanager
def _composed(folder: Path, settings: dict[str, str]) -> Iterator[Concourse]:
    """Run Concourse as published, by compose.yml."""
    environ = {
        **_environment(folder, COMPOSED, settings),
        "CONCOURSE_POSTGRES_HOST": "198.18.0.11",
        "CONCOURSE_WORKER_WORK_DIR": "/worker-state",
    }
    lines = [f"{name}={value}\n" for name, value in environ.items()]
    (folder / "environment").write_text("".join(lines))
    names = {
        "CERTIFICATES": settings["CONCOURSE_WORKER_CERTS_DIR"],
        "FOLDER": str(folder),
        **{f"VAR_{name}": value for name, value in VARIABLES.items()},
    }
    compose = (ENGINE, "compose", "-f", str(HERE / "compose.yml"))

    def run(*arguments: str) -> str:
        return _output(*compose, *arguments, environ={**os.environ, **names})

    try:
        run("up", "--detach", "--quiet-pull")
        yield Concourse(
            f"http://{COMPOSED}:8080",
            folder,
            lambda: run("exec", "-T", "db", "pg_dump", "-U", "postgres"),
            lambda: run("logs", "--no-color"),
        )
    finally:
        run("down", "--volumes", "--timeout", "5")


def _output(*command: str | Path, environ: dict[str, str] | None = None) -> str:
    return subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, check=True, text=True
    ).stdout
