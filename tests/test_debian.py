"""`build/debian.py` and `machine.py`: sources by their hash, and what a machine lacks."""

import hashlib
import importlib
import io
import platform
import re
import sys
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

from .program import ROOT


def archive(**files: str) -> bytes:
    """Return a .tar.xz of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


ORIG = archive(**{"Count-1/count.py": "one\n"})
PATCHED = archive(
    **{
        "debian/patches/series": "# a comment\ntwo.diff\n",
        "debian/patches/two.diff": "--- a/count.py\n+++ b/count.py\n@@ -1 +1 @@\n-one\n+two\n",
    }
)
CONTENTS = {"count_1.orig.tar.xz": ORIG, "count_1-1.debian.tar.xz": PATCHED}
PIN: dict[str, Any] = {
    "package": "count",
    "version": "1-1",
    "suite": "trixie",
    "files": {
        name: {
            "sha1": hashlib.sha1(content).hexdigest(),  # noqa: S324  # only an address
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in CONTENTS.items()
    },
}


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, on a machine without apt."""
    monkeypatch.syspath_prepend(ROOT / "build")
    module = importlib.import_module("debian")
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    return module


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What an archive on loopback has, by the path of each file."""
    files = {f"/{PIN['files'][name]['sha1']}": content for name, content in CONTENTS.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("DEBIAN_ARCHIVE", f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        yield files
        server.shutdown()


def test_a_source_that_no_mirror_has_comes_from_the_permanent_archive_by_its_hash(
    debian: ModuleType, snapshot: dict[str, bytes], tmp_path: Path
) -> None:
    files = debian.fetch(PIN, tmp_path / "archives")
    debian.unpack(files, tmp_path / "source")
    assert (tmp_path / "source" / "count.py").read_text() == "two\n"


def test_a_source_with_another_hash_is_refused(
    debian: ModuleType, snapshot: dict[str, bytes], tmp_path: Path
) -> None:
    snapshot[f"/{PIN['files']['count_1.orig.tar.xz']['sha1']}"] = b"another"
    with pytest.raises(SystemExit) as caught:
        debian.fetch(PIN, tmp_path / "archives")
    line = "binary: sha256 mismatch for count_1.orig.tar.xz (build/pins.toml)"
    assert str(caught.value) == line


def test_a_source_that_is_nowhere_is_named_with_what_can_be_set(
    debian: ModuleType, snapshot: dict[str, bytes], tmp_path: Path
) -> None:
    snapshot.clear()
    with pytest.raises(SystemExit) as caught:
        debian.fetch(PIN, tmp_path / "archives")
    assert re.fullmatch(
        r"binary: cannot download http://127\.0\.0\.1:\d+/[0-9a-f]{40}: HTTP Error 404: Not Found; "
        r"set DEBIAN_ARCHIVE to a mirror of it \(default: https://snapshot\.debian\.org/file\)",
        str(caught.value),
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, on a machine where the user is not root."""
    monkeypatch.syspath_prepend(ROOT / "build")
    module = importlib.import_module("machine")
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    return module


MISSING = {"curl": "/nowhere/curl", "libc6-dev": "/nowhere/stdio.h", "sh": "/bin/sh"}


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "apt-get install -y --no-install-recommends curl libc6-dev"),
        (
            {"ID": "ubuntu", "ID_LIKE": "debian"},
            "apt-get install -y --no-install-recommends curl libc6-dev",
        ),
        ({"ID": "fedora"}, "dnf install -y curl glibc-devel"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install -y curl glibc-devel"),
        ({"ID": "alpine"}, "apk add curl musl-dev"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install -y curl glibc-devel"),
        ({"ID": "arch"}, "pacman -S --noconfirm curl glibc"),
        ({"ID": "other"}, "install: curl libc6-dev"),
    ],
)
def test_all_that_is_missing_is_named_at_once_with_the_command_that_installs_it(
    machine: ModuleType, monkeypatch: pytest.MonkeyPatch, release: dict[str, str], command: str
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    with pytest.raises(SystemExit) as caught:
        machine.provide(MISSING)
    assert str(caught.value) == f"binary: missing; run this first, as root: {command}"


@pytest.mark.parametrize("release", [{"ID": "fedora"}, {"ID": "alpine"}, {"ID": "other"}])
def test_where_the_recipe_cannot_work_the_container_engine_is_offered(
    machine: ModuleType, monkeypatch: pytest.MonkeyPatch, release: dict[str, str]
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    with pytest.raises(SystemExit) as caught:
        machine.provide()
    assert str(caught.value) == (
        "binary: the recipe needs static libraries as Debian and Ubuntu have them: "
        "here, use a container engine: make binary ENGINE=docker (or podman)"
    )


def test_macos_has_no_binary_either(machine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="make binary ENGINE=docker"):
        machine.provide()


def test_nothing_is_printed_or_installed_where_nothing_is_missing(
    machine: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "run", lambda *command, **_: pytest.fail(f"ran {command}"))
    machine.provide({"sh": "/bin/sh"})
    assert capfd.readouterr() == ("", "")
