"""The image as Concourse's worker runs it: runc, with the worker's namespaces, user map, capabilities and mounts.

What the worker sets: https://github.com/concourse/concourse/tree/master/worker/runtime/spec
"""

import contextlib
import json
import os
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
STEPS = ("check", "in", "out")
INSIDE = Path("/tmp/build/get")  # noqa: S108  # where Concourse mounts the destination

# Concourse runs containers without privileges in a user namespace: root there is the highest user id outside.
ROOT_OUTSIDE = 65534
CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
]
TMPFS = ["nosuid", "nodev", "mode=1777"]


def engine(*arguments: str) -> str:
    """Run docker, or what stands in for it, and return what it prints."""
    return subprocess.run([ENGINE, *arguments], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


@contextlib.contextmanager
def exported(image: str) -> Iterator[Path]:
    """The image's file system as a folder, until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    folder.chmod(0o755)
    container = engine("create", image, "/none")
    try:
        with subprocess.Popen([ENGINE, "export", container], stdout=subprocess.PIPE) as export:
            subprocess.run(["tar", "-x", "-C", folder, "--numeric-owner"], stdin=export.stdout, check=True)
        yield folder
    finally:
        engine("rm", container)
        shutil.rmtree(folder)


def configuration(image: str) -> dict[str, Any]:
    """What the image says of itself: environment, user, labels."""
    described: dict[str, Any] = json.loads(engine("image", "inspect", image))[0]["Config"]
    return described


def specification(
    root: Path, arguments: list[str], environ: list[str], mounts: dict[Path, Path], *, network: bool, cwd: str
) -> dict[str, Any]:
    """The container, as the OCI runtime specification has it. `mounts`: path inside to path outside."""
    namespaces = ["pid", "ipc", "uts", "mount", "user", "cgroup", *([] if network else ["network"])]
    ids = [
        {"containerID": 0, "hostID": ROOT_OUTSIDE, "size": 1},
        {"containerID": 1, "hostID": 1, "size": ROOT_OUTSIDE - 1},
    ]
    return {
        "ociVersion": "1.0.2",
        "hostname": "resource",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "cwd": cwd,
            "args": arguments,
            "env": environ,
            "capabilities": dict.fromkeys(("bounding", "effective", "inheritable", "permitted"), CAPABILITIES),
        },
        "root": {"path": str(root), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": TMPFS},  # noqa: S108
            *(
                {"destination": str(inside), "type": "bind", "source": str(outside), "options": ["rbind", "rw"]}
                for inside, outside in mounts.items()
            ),
        ],
        "linux": {"namespaces": [{"type": name} for name in namespaces], "uidMappings": ids, "gidMappings": ids},
    }


@contextlib.contextmanager
def bundle(spec: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """A folder that runc can run, and the name of the container."""
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        (Path(folder) / "config.json").write_text(json.dumps(spec))
        yield Path(folder), Path(folder).name


@contextlib.contextmanager
def volume(outside: Path) -> Iterator[Path]:
    """A copy of a folder that belongs to the container's root, as Concourse's volumes do; its content comes back."""
    with tempfile.TemporaryDirectory(prefix="volume-") as folder:
        copy = Path(folder) / "content"
        shutil.copytree(outside, copy, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            os.chown(path, ROOT_OUTSIDE, ROOT_OUTSIDE, follow_symlinks=False)
        Path(folder).chmod(0o755)
        copy.chmod(0o755)
        yield copy
        shutil.rmtree(outside)
        shutil.copytree(copy, outside, symlinks=True)


@contextlib.contextmanager
def readable(outside: Path) -> Iterator[Path]:
    """A copy of a file that everyone may read, since the container's root is nobody out here."""
    with tempfile.TemporaryDirectory(prefix="file-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(shutil.copy(outside, folder))
        copy.chmod(0o644)
        yield copy


@dataclass(frozen=True)
class ContainerProgram(Program):
    """The program in the image: each run is a container, with the first directory among the arguments mounted."""

    root: Path = Path("/")
    environment: tuple[str, ...] = ()

    def command(self, step: str) -> list[str]:
        """The program by its path in the image."""
        return [str(RESOURCE / step)] if step in STEPS else [str(RESOURCE / "s3-presigned-url"), *self._named(step)]

    def run(
        self,
        step: str,
        *arguments: str | Path,
        request: Any = None,
        environ: dict[str, str] | None = None,
        cwd: Path | None = None,
        input_: bytes | None = None,
    ) -> Result:
        directory = cwd or next((argument for argument in arguments if isinstance(argument, Path)), None)
        with contextlib.ExitStack() as stack:
            mounts = {}
            if directory and directory.is_dir():
                mounts[INSIDE] = stack.enter_context(volume(directory))
            for value in (environ or {}).values():
                if value.startswith("/") and Path(value).exists() and not Path(value).is_relative_to("/etc"):
                    mounts[Path(value)] = stack.enter_context(readable(Path(value)))
            inside = [
                str(INSIDE) if argument == directory and INSIDE in mounts else str(argument) for argument in arguments
            ]
            command = (
                [str(RESOURCE / step)] if step in STEPS else [str(RESOURCE / "s3-presigned-url"), *([step] if step else [])]
            )
            spec = specification(
                self.root,
                [*command, *inside],
                [*self.environment, *(f"{name}={value}" for name, value in (environ or {}).items())],
                mounts,
                network=True,
                cwd=str(INSIDE) if cwd else "/",
            )
            given = json.dumps(request).encode() if input_ is None else input_
            process = run_container(stack, spec, given)
        told = [stream.decode().replace(str(INSIDE), str(directory)) for stream in (process.stdout, process.stderr)]
        return Result(process.returncode, *told)


def run_container(stack: contextlib.ExitStack, spec: dict[str, Any], given: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a container to its end, stdout apart from stderr."""
    folder, name = stack.enter_context(bundle(spec))
    return subprocess.run(
        ["runc", "run", "--bundle", folder, name], input=given, capture_output=True, timeout=120, check=False
    )
