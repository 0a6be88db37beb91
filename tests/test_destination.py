"""`app/destination.py`: files are complete or absent, and inside the destination."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.destination import Destination
from app.protocol import ResourceError

from .program import Program, files_below, get_request


def test_a_symlink_in_the_destination_is_not_followed(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (destination / "link").symlink_to(outside)
    request = get_request({"file_path": "k", "url_file": "link/url"})
    result = program.run("in", destination, request=request)
    line = f"{destination}/link/url: cannot be written: Not a directory"
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout) == (1, "")
    assert list(outside.iterdir()) == []
    assert [path.name for path in destination.iterdir()] == ["link"]


def test_a_symlink_in_place_of_the_file_is_replaced(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (destination / "url").symlink_to(victim)
    assert program.run("in", destination, request=get_request()).code == 0
    assert victim.read_text() == "untouched"
    assert (destination / "url").read_text().startswith("https://")
    assert not (destination / "url").is_symlink()


def test_a_missing_destination_is_reported(program: Program, tmp_path: Path) -> None:
    result = program.run("in", tmp_path / "missing", request=get_request())
    line = f"{tmp_path}/missing/url: cannot be written: No such file or directory"
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout) == (1, "")


def test_a_destination_that_is_a_file_is_reported(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = program.run("in", tmp_path / "file", request=get_request())
    line = f"{tmp_path}/file/url: cannot be written: Not a directory"
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout) == (1, "")


def test_if_one_file_cannot_be_written_no_file_is_left(program: Program, destination: Path) -> None:
    (destination / "s3_uri").mkdir()
    result = program.run("in", destination, request=get_request())
    line = f"{destination}/s3_uri: cannot be written: Is a directory"
    assert result.stderr == f"s3-presigned-url: in: {line}\n"
    assert (result.code, result.stdout) == (1, "")
    assert files_below(destination) == {}


def test_a_full_disk_leaves_nothing(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def write(file: int, content: bytes) -> int:
        calls.append(file)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return os.pwrite(file, content[:4], 0) if len(calls) == 1 else len(content)

    monkeypatch.setattr("app.destination.posix.write", write)
    with pytest.raises(ResourceError) as caught:
        Destination(str(destination)).write({"deep/er/a": "12345678", "b": "x"})
    assert str(caught.value) == f"{destination}/b: cannot be written: No space left on device"
    assert list(destination.rglob("*")) == []


def test_a_short_write_is_continued(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def short_write(file: int, content: bytes) -> int:
        return write(file, content[:3])

    monkeypatch.setattr("app.destination.posix.write", short_write)
    Destination(str(destination)).write({"a": "12345678"})
    assert files_below(destination) == {"a": "12345678"}


def test_written_files_can_be_removed_with_the_directories_created_for_them(
    destination: Path,
) -> None:
    (destination / "kept").mkdir()
    written = Destination(str(destination))
    written.write({"kept/a": "1", "new/er/b": "2", "c": "3"})
    written.remove()
    assert [str(path.relative_to(destination)) for path in destination.rglob("*")] == ["kept"]


@pytest.mark.process
def test_if_stdout_cannot_be_written_no_file_is_left(program: Program, destination: Path) -> None:
    for redirection, line in (
        (">&-", "cannot be written: Bad file descriptor"),
        (">/dev/full", "cannot be written: No space left on device"),
    ):
        command = 'exec "$@" ' + redirection
        process = subprocess.run(
            ["/bin/sh", "-c", command, "sh", *program.command("in"), str(destination)],
            input=json.dumps(get_request()).encode(),
            env=program.environ(),
            capture_output=True,
            check=False,
        )
        assert process.stderr.decode() == f"s3-presigned-url: in: stdout: {line}\n"
        assert (process.returncode, files_below(destination)) == (1, {})


@pytest.mark.process
def test_a_closed_stdin_is_reported(program: Program) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *program.command("check")],
        env=program.environ(),
        capture_output=True,
        check=False,
    )
    line = b"s3-presigned-url: check: stdin: cannot be read: Bad file descriptor\n"
    assert process.stderr == line
    assert (process.returncode, process.stdout) == (1, b"")


@pytest.mark.process
def test_a_closed_stderr_is_ignored(program: Program, destination: Path) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *program.command("in"), str(destination)],
        input=json.dumps(get_request()).encode(),
        env=program.environ(),
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (process.returncode, len(json.loads(process.stdout))) == (0, 2)
