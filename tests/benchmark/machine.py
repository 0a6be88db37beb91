"""Describe the machine and the versions, without which the figures mean nothing."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from . import install

_PACKAGES = {
    "concoursetools": ("concoursetools", "boto3"),
    "nuitka": ("nuitka",),
    "awscli": ("awscli",),
}


def described() -> str:
    """Return the date, the processor, the kernel and every version."""
    return f"{here()}; {', '.join(_versions())}"


def here() -> str:
    """Return the date, the processor and the kernel."""
    return f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, Linux {platform.release()}"


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = f"{found[1]}, " if found else ""  # Linux on arm64 has no name for it
    return f"{model}{platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def _versions() -> Iterator[str]:
    yield f"CPython {platform.python_version()}"
    for name, packages in _PACKAGES.items():
        environment = install.CACHE / name
        if environment.exists():
            found = metadata.distributions(path=[str(install.packages(environment))])
            installed = {one.name.lower(): one.version for one in found}
            available = [package for package in packages if package in installed]
            yield from (f"{package} {installed[package]}" for package in available)
    if go := shutil.which("go"):
        version = [go, "env", "GOVERSION"]
        done = subprocess.run(version, capture_output=True, text=True, check=True)
        yield done.stdout.strip()
        modules = (install.HERE / "presign-go" / "go.mod").read_text()
        sdk = re.search(r"aws-sdk-go-v2 v(\S+)", modules)
        yield f"aws-sdk-go-v2 {sdk[1] if sdk else '?'}"
