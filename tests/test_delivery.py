"""Files are whole or absent, and inside the destination."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.delivery import Destination
from app.protocol import ResourceError

from .program import Program, files_below, get_request


def test_a_symlink_in_the_destination_leads_nowhere(program: Program, destination: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (destination / "link").symlink_to(outside)
    result = program.run("in", destination, request=get_request({"file_path": "k", "url_file": "link/url"}))
    assert result.stderr == f"s3-presigned-url: in: {destination}/link/url: cannot be written: Not a directory\n"
    assert (result.code, result.stdout) == (1, "")
    assert list(outside.iterdir()) == []
    assert [path.name for path in destination.iterdir()] == ["link"]


def test_a_symlink_in_the_place_of_the_file_is_replaced_and_not_followed(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (destination / "url").symlink_to(victim)
    assert program.run("in", destination, request=get_request()).code == 0
    assert victim.read_text() == "untouched"
    assert (destination / "url").read_text().startswith("https://")
    assert not (destination / "url").is_symlink()


def test_a_missing_destination_is_told(program: Program, tmp_path: Path) -> None:
    result = program.run("in", tmp_path / "missing", request=get_request())
    line = f"s3-presigned-url: in: {tmp_path}/missing/url: cannot be written: No such file or directory\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", line)


def test_a_destination_that_is_a_file_is_told(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = program.run("in", tmp_path / "file", request=get_request())
    line = f"s3-presigned-url: in: {tmp_path}/file/url: cannot be written: Not a directory\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", line)


def test_a_directory_in_the_place_of_one_file_leaves_none_of_the_others(program: Program, destination: Path) -> None:
    (destination / "s3_uri").mkdir()
    result = program.run("in", destination, request=get_request())
    assert result.stderr == f"s3-presigned-url: in: {destination}/s3_uri: cannot be written: Is a directory\n"
    assert (result.code, result.stdout) == (1, "")
    assert files_below(destination) == {}


def test_a_full_disk_leaves_nothing(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def write(file: int, content: bytes) -> int:
        written.append(file)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return os.pwrite(file, content[:4], 0) if len(written) == 1 else len(content)

    monkeypatch.setattr("app.delivery.posix.write", write)
    with pytest.raises(ResourceError) as caught:
        Destination(str(destination)).place({"deep/er/a": "12345678", "b": "x"})
    assert str(caught.value) == f"{destination}/b: cannot be written: No space left on device"
    assert list(destination.rglob("*")) == []


def test_a_short_write_is_continued(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr("app.delivery.posix.write", lambda file, content: write(file, content[:3]))
    Destination(str(destination)).place({"a": "12345678"})
    assert files_below(destination) == {"a": "12345678"}


def test_what_was_placed_can_be_withdrawn_with_the_directories_made_for_it(destination: Path) -> None:
    (destination / "kept").mkdir()
    placed = Destination(str(destination))
    placed.place({"kept/a": "1", "new/er/b": "2", "c": "3"})
    placed.withdraw()
    assert [str(path.relative_to(destination)) for path in destination.rglob("*")] == ["kept"]


@pytest.mark.process
def test_a_closed_stdout_fails_and_takes_the_files_back(program: Program, destination: Path) -> None:
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
def test_a_closed_stdin_is_told(program: Program) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *program.command("check")],
        env=program.environ(),
        capture_output=True,
        check=False,
    )
    assert process.stderr == b"s3-presigned-url: check: stdin: cannot be read: Bad file descriptor\n"
    assert (process.returncode, process.stdout) == (1, b"")


@pytest.mark.process
def test_a_closed_stderr_is_no_reason_to_fail(program: Program, destination: Path) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *program.command("in"), str(destination)],
        input=json.dumps(get_request()).encode(),
        env=program.environ(),
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (process.returncode, len(json.loads(process.stdout))) == (0, 2)
