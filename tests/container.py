"""Run the image in runc containers, with a specification like that of Concourse's worker.

The worker's specification: https://github.com/concourse/concourse/tree/master/worker/runtime/spec
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .program import Program, Result

IMAGE = os.environ.get("IMAGE", "s3-presigned-url")
ENGINE = os.environ.get("ENGINE", "docker")
RESOURCE = Path("/opt/resource")
DESTINATION = Path("/tmp/build/get")  # where Concourse mounts it
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # what engines call them

# An unprivileged container has a user namespace, whose root is the highest user ID outside.
ROOT_OUTSIDE = 65534
IDS = [
    {"containerID": 0, "hostID": ROOT_OUTSIDE, "size": 1},
    {"containerID": 1, "hostID": 1, "size": ROOT_OUTSIDE - 1},
]
CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
]

Spec = dict[str, Any]


@dataclass(frozen=True)
class Image:
    """An unpacked image: its root directory, and its configuration (Env, Labels, User, ...)."""

    root: Path
    config: dict[str, Any]
    architecture: str

    @property
    def emulated(self) -> bool:
        """Whether this machine runs it with qemu-user, through binfmt_misc."""
        return self.architecture != ARCHITECTURES.get(platform.machine(), platform.machine())


def engine(*arguments: str) -> str:
    """Run the container engine, and return its output."""
    command = [ENGINE, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.strip()


@contextlib.contextmanager
def unpacked(tag: str) -> Iterator[Image]:
    """Yield an unpacked image, which is removed at the end of the block."""
    root = Path(tempfile.mkdtemp(prefix="image-"))
    container = engine("create", tag, "/none")
    try:
        with subprocess.Popen([ENGINE, "export", container], stdout=subprocess.PIPE) as export:
            extract = ["tar", "-x", "-C", str(root), "--numeric-owner"]
            subprocess.run(extract, stdin=export.stdout, check=True)
        root.chmod(0o755)
        give_to_container_root(root)
        found = json.loads(engine("image", "inspect", tag))[0]
        yield Image(root, found["Config"], found["Architecture"])
    finally:
        engine("rm", container)
        shutil.rmtree(root)


def give_to_container_root(path: Path) -> None:
    """Give root's files to the container's root, as the worker does with images and volumes."""
    for found in (path, *path.rglob("*")):
        if found.lstat().st_uid == 0:
            os.chown(found, ROOT_OUTSIDE, ROOT_OUTSIDE, follow_symlinks=False)


def specification(
    image: Image, *command: str | Path, mounts: dict[Path, Path], network: bool = False
) -> Spec:
    """Return the container of a command. `mounts` maps paths inside to paths outside.

    Its environment is the image's. Its root file system is read-only, unlike the worker's. With
    `network` it shares the network of the machine and, as on a worker, its files for name lookup.
    """
    for outside in mounts.values():
        give_to_container_root(outside)
    private = ["nosuid", "noexec", "nodev"]
    names = ("/etc/hosts", "/etc/resolv.conf") if network else ()
    namespaces = ["pid", "ipc", "uts", "mount", "user", "cgroup", *([] if network else ["network"])]
    return {
        "ociVersion": "1.0.2",
        "hostname": "resource",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "cwd": "/",
            "args": [*map(str, command)],
            "env": [*image.config["Env"]],
            "capabilities": dict.fromkeys(
                ("bounding", "effective", "inheritable", "permitted"), CAPABILITIES
            ),
        },
        "root": {"path": str(image.root), "readonly": True},
        "mounts": [
            _mount("/proc", "proc", "proc", *private),
            _mount("/dev", "tmpfs", "tmpfs", "nosuid", "mode=755", "size=64k"),
            _mount("/dev/shm", "tmpfs", "shm", *private, "mode=1777"),
            _mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777"),
            *(_mount(inside, "bind", outside, "rbind", "rw") for inside, outside in mounts.items()),
            *(_mount(name, "bind", name, "bind", "ro") for name in names),
        ],
        "linux": {
            "namespaces": [{"type": name} for name in namespaces],
            "uidMappings": IDS,
            "gidMappings": IDS,
        },
    }


def _mount(inside: str | Path, kind: str, source: str | Path, *options: str) -> Spec:
    return {
        "destination": str(inside),
        "type": kind,
        "source": str(source),
        "options": list(options),
    }


@contextlib.contextmanager
def bundle(spec: Spec) -> Iterator[tuple[Path, str]]:
    """Yield a directory from which runc creates a container, and a name for it."""
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        (Path(folder) / "config.json").write_text(json.dumps(spec))
        yield Path(folder), Path(folder).name


def run(spec: Spec, request: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a container to its end, with a request on stdin."""
    with bundle(spec) as (folder, name):
        command = ["runc", "run", "--bundle", str(folder), name]
        return subprocess.run(command, input=request, capture_output=True, timeout=120, check=False)


@dataclass(frozen=True)
class ContainerProgram(Program):
    """The program in the image. Each run is a container that mounts the test's directory."""

    image: Image

    def command(self, step: str) -> list[str]:
        """Return the command that runs a step or a command in the image."""
        if step in ("check", "in", "out"):
            return [str(RESOURCE / step)]
        return [str(RESOURCE / "s3-presigned-url"), *self._named(step)]

    def run(
        self,
        step: str,
        *arguments: str | Path,
        request: Any = None,
        environ: dict[str, str] | None = None,
        cwd: Path | None = None,
        input_: bytes | None = None,
        spawn: bool = True,
    ) -> Result:
        """Run a step or a command in a container."""
        directory = cwd or next((path for path in arguments if isinstance(path, Path)), None)
        mounts = _named_in(environ or {})
        if directory and directory.exists():
            mounts[DESTINATION] = directory
            arguments = tuple(
                DESTINATION if argument == directory else argument for argument in arguments
            )
        command = [*self.command(step), *arguments]
        spec = specification(self.image, *command, mounts=mounts, network=True)
        spec["process"]["env"] += [f"{name}={value}" for name, value in (environ or {}).items()]
        spec["process"]["cwd"] = str(DESTINATION if cwd else "/")
        process = run(spec, json.dumps(request).encode() if input_ is None else input_)
        printed = [
            stream.decode().replace(str(DESTINATION), str(directory))
            for stream in (process.stdout, process.stderr)
        ]
        return Result(process.returncode, *printed)


def _named_in(environ: dict[str, str]) -> dict[Path, Path]:
    """Return the test's files named in variables, to be mounted under the same paths."""
    temporary = f"{tempfile.gettempdir()}/"
    values = [part for value in environ.values() for part in value.split(":")]
    named = [Path(value) for value in values if value.startswith(temporary)]
    return {path: path for path in named if path.exists()}
