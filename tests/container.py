"""The image as Concourse's worker runs it: in containers made by runc, from a specification like the worker's.

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
DESTINATION = Path("/tmp/build/get")  # noqa: S108  # where Concourse mounts it

# Without privileges a container is in a user namespace: its root is the highest user out here, and all of it is root's.
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
    """An image, unpacked: the folder of its file system, and what it says of itself (Env, Labels, User, ...)."""

    root: Path
    config: dict[str, Any]


def engine(*arguments: str) -> str:
    """Run docker, or what stands in for it, and return what it prints."""
    return subprocess.run([ENGINE, *arguments], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


@contextlib.contextmanager
def unpacked(tag: str) -> Iterator[Image]:
    """An image of the engine, until the end of the block."""
    root = Path(tempfile.mkdtemp(prefix="image-"))
    container = engine("create", tag, "/none")
    try:
        with subprocess.Popen([ENGINE, "export", container], stdout=subprocess.PIPE) as export:
            subprocess.run(["tar", "-x", "-C", root, "--numeric-owner"], stdin=export.stdout, check=True)
        root.chmod(0o755)
        hand_over(root)
        yield Image(root, json.loads(engine("image", "inspect", tag))[0]["Config"])
    finally:
        engine("rm", container)
        shutil.rmtree(root)


def hand_over(path: Path) -> None:
    """Make what is root's out here the container's root's, as the worker does with images and volumes."""
    for found in (path, *path.rglob("*")):
        if found.lstat().st_uid == 0:
            os.chown(found, ROOT_OUTSIDE, ROOT_OUTSIDE, follow_symlinks=False)


def specification(image: Image, *command: str | Path, mounts: dict[Path, Path], network: bool = False) -> Spec:
    """A container for a command, with an environment of the image's own. `mounts` maps paths inside to paths outside.

    The root file system is read-only, which the worker's is not. With `network` the container has that of the machine, and
    as from the worker, files that say who is who there.
    """
    for outside in mounts.values():
        hand_over(outside)
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
            "capabilities": dict.fromkeys(("bounding", "effective", "inheritable", "permitted"), CAPABILITIES),
        },
        "root": {"path": str(image.root), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": private},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*private, "mode=1777"]},  # noqa: S108
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},  # noqa: S108
            *(
                {"destination": str(inside), "type": "bind", "source": str(outside), "options": ["rbind", "rw"]}
                for inside, outside in mounts.items()
            ),
            *({"destination": name, "type": "bind", "source": name, "options": ["bind", "ro"]} for name in names),
        ],
        "linux": {"namespaces": [{"type": name} for name in namespaces], "uidMappings": IDS, "gidMappings": IDS},
    }


@contextlib.contextmanager
def bundle(spec: Spec) -> Iterator[tuple[Path, str]]:
    """A folder that runc makes a container of, and a name for it."""
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        (Path(folder) / "config.json").write_text(json.dumps(spec))
        yield Path(folder), Path(folder).name


def run(spec: Spec, request: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a container to its end, with a request on stdin, and stdout apart from stderr."""
    with bundle(spec) as (folder, name):
        command = ["runc", "run", "--bundle", str(folder), name]
        return subprocess.run(command, input=request, capture_output=True, timeout=120, check=False)


@dataclass(frozen=True)
class ContainerProgram(Program):
    """The program in the image. Each run is a container, in which the test's directory is the destination."""

    image: Image

    def command(self, step: str) -> list[str]:
        """Return the program by its path in the image."""
        own = ("check", "in", "out")
        return [str(RESOURCE / step)] if step in own else [str(RESOURCE / "s3-presigned-url"), *self._named(step)]

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
        mounts = _named_in(environ or {})
        if directory and directory.exists():
            mounts[DESTINATION] = directory
            arguments = tuple(DESTINATION if argument == directory else argument for argument in arguments)
        spec = specification(self.image, *self.command(step), *arguments, mounts=mounts, network=True)
        spec["process"]["env"] += [f"{name}={value}" for name, value in (environ or {}).items()]
        spec["process"]["cwd"] = str(DESTINATION if cwd else "/")
        process = run(spec, json.dumps(request).encode() if input_ is None else input_)
        told = [stream.decode().replace(str(DESTINATION), str(directory)) for stream in (process.stdout, process.stderr)]
        return Result(process.returncode, *told)


def _named_in(environ: dict[str, str]) -> dict[Path, Path]:
    """The files and folders of the test that variables name: they are in the container under the same paths."""
    ours = [Path(value) for value in environ.values() if value.startswith(f"{tempfile.gettempdir()}/")]
    return {path: path for path in ours if path.exists()}
