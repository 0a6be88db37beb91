"""Failures and aborts at any point: files are complete or absent, and one line gives the reason."""

import functools
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import __version__

from .expect import signed_for
from .program import ISSUES, SOURCE, Program, Result, files_below, get_request

pytestmark = pytest.mark.process

REQUEST = json.dumps(get_request({"file_path": "k", "url_file": "links/url"})).encode()
STRACE = ("strace", "-qqo", "/dev/null")
FILES = ["expires_at", "links/url", "s3_uri"]
HOST = "my-bucket.s3.eu-west-1.amazonaws.com"
URL = re.compile(rf"https://{HOST}/k\d*\?\S+&X-Amz-Signature=[0-9a-f]{{64}}")


def run(
    program: Program,
    destination: Path,
    *before: str | Path,
    limits: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `in` under another program, such as strace, or with limits."""

    def prepare() -> None:
        # background jobs of a shell ignore SIGINT
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limits:
            limits()

    return subprocess.run(
        [*before, *program.command("in"), destination],
        input=REQUEST,
        env=program.environ(),
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=prepare,
    )


def assert_failed(done: subprocess.CompletedProcess[bytes], destination: Path, line: str) -> None:
    assert done.stderr.decode() == f"s3-presigned-url: in: {line}\n"
    assert (done.returncode, done.stdout, list(destination.iterdir())) == (1, b"", [])


def assert_succeeded(done: subprocess.CompletedProcess[bytes], destination: Path) -> None:
    assert (done.returncode, json.loads(done.stdout).keys()) == (0, {"version", "metadata"})
    assert done.stderr.startswith(b"signed GET s3://my-bucket/k, valid until ")
    assert sorted(files_below(destination)) == FILES
    assert URL.fullmatch((destination / "links/url").read_text())


def clear(destination: Path) -> None:
    for path in sorted(destination.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


# The system calls that create a file, with an error, and the files that each creates in turn. The
# start of an interpreter makes none of them.
CALLS = {
    "mkdirat": ("ENOSPC: No space left on device", ["links/url"]),
    "write": ("ENOSPC: No space left on device", ["links/url", "expires_at", "s3_uri", "stdout"]),
    "fchmod": ("EROFS: Read-only file system", ["links/url", "expires_at", "s3_uri"]),
    "renameat": ("EIO: Input/output error", ["links/url", "expires_at", "s3_uri"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_failing_call_is_reported_and_leaves_nothing(
    program: Program, destination: Path, call: str
) -> None:
    (error, problem), names = CALLS[call][0].split(": "), CALLS[call][1]
    fault = f"inject={call}:error={error}"
    for number, name in enumerate(names, 1):
        done = run(program, destination, *STRACE, "-e", f"{fault}:when={number}")
        place = name if name == "stdout" else f"{destination}/{name}"
        assert_failed(done, destination, f"{place}: cannot be written: {problem}")
    done = run(program, destination, *STRACE, "-e", f"{fault}:when={len(names) + 1}")
    assert (done.returncode, sorted(files_below(destination))) == (0, FILES)


def test_a_destination_that_cannot_be_opened_is_reported(
    program: Program, destination: Path
) -> None:
    for error, problem in (
        ("EMFILE", "Too many open files"),
        ("EACCES", "Permission denied"),
        ("EIO", "Input/output error"),
        ("ESTALE", "Stale file handle"),
    ):
        fault = [*STRACE, "-P", str(destination), "-e", f"inject=openat:error={error}"]
        line = f"{destination}/links/url: cannot be written: {problem}"
        assert_failed(run(program, destination, *fault), destination, line)


def test_a_limit_on_the_size_of_files_is_reported(program: Program, destination: Path) -> None:
    for size in (0, 1, 300):
        limits = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
        done = run(program, destination, limits=limits)
        line = f"{destination}/links/url: cannot be written: File too large"
        assert_failed(done, destination, line)


@pytest.fixture
def mounting() -> list[str]:
    """Return a command that runs a script with mounts of its own, which not every container may."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", "--mount", *user, "/bin/sh", "-c"]
    attempt = [*command, "mount -t tmpfs none /mnt"]
    if subprocess.run(attempt, capture_output=True, check=False).returncode:
        assert "CI" not in os.environ, "CI may mount"
        pytest.skip("mounting is not permitted here")
    return command


@pytest.mark.parametrize(
    ("options", "line"),
    [
        # one page has room for one file
        ("size=4k", "expires_at: cannot be written: No space left on device"),
        ("nr_inodes=1", "links/url: cannot be written: No space left on device"),
        ("ro", "links/url: cannot be written: Read-only file system"),
    ],
)
def test_a_full_or_read_only_file_system_is_reported(
    program: Program, destination: Path, mounting: list[str], options: str, line: str
) -> None:
    script = f'mount -t tmpfs -o {options} none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'
    done = run(program, destination, *mounting, script, destination)
    assert_failed(done, destination, f"{destination}/{line}")


CLOSED_PIPE = (
    "import os, sys; reader, writer = os.pipe(); os.close(reader); os.dup2(writer, {number}); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


def test_a_closed_pipe_on_stdout_is_reported(program: Program, destination: Path) -> None:
    script = CLOSED_PIPE.format(number=1)
    done = run(program, destination, sys.executable, "-c", script)
    assert_failed(done, destination, "stdout: cannot be written: Broken pipe")


def test_a_closed_pipe_on_stderr_is_ignored(program: Program, destination: Path) -> None:
    script = CLOSED_PIPE.format(number=2)
    done = run(program, destination, sys.executable, "-c", script)
    assert (done.returncode, sorted(files_below(destination))) == (0, FILES)


def points(program: Program, destination: Path, trace: Path) -> list[str]:
    """Return every system call after the handler of SIGTERM is set, as options for strace."""
    run(program, destination, "strace", "-qqo", trace)
    clear(destination)
    lines = trace.read_text().splitlines()
    first = next(
        number for number, line in enumerate(lines) if line.startswith("rt_sigaction(SIGTERM, {")
    )
    names = [line.partition("(")[0] for line in lines if "(" in line]
    counted = [(name, names[: number + 1].count(name)) for number, name in enumerate(names)]
    return [f"inject={name}:when={count}" for name, count in counted[first + 1 :]]


def run_with_signal(
    program: Program, destination: Path, trace: Path, point: str, name: str
) -> subprocess.CompletedProcess[bytes] | None:
    """Run with a signal at a system call. Return None if the run does not make this call.

    From source, the calls of two runs differ, because the files that Python opens depend on caches.
    """
    done = run(program, destination, "strace", "-qo", trace, "-e", f"{point}:signal={name}")
    if re.search(rf"^(--- |\+\+\+ killed by ){name}", trace.read_text(), re.MULTILINE):
        return done
    clear(destination)
    return None


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_an_abort_at_any_point_leaves_all_files_or_none(
    program: Program, destination: Path, tmp_path: Path, name: str
) -> None:
    codes = []
    for point in points(program, destination, tmp_path / "trace"):
        done = run_with_signal(program, destination, tmp_path / "trace", point, name)
        if done is None:
            continue
        codes.append(done.returncode)
        if done.returncode == 0:
            assert_succeeded(done, destination)
        else:
            assert_failed(done, destination, "interrupted")
        clear(destination)
    # signals are ignored as soon as the response is being written
    assert codes == sorted(codes, reverse=True)
    assert codes.count(1) > 25
    assert codes.count(0) > 1


def test_a_kill_at_any_point_leaves_a_complete_url_or_none(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    written = []
    for point in points(program, destination, tmp_path / "trace"):
        done = run_with_signal(program, destination, tmp_path / "trace", point, "SIGKILL")
        if done is None:
            continue
        assert done.returncode == -signal.SIGKILL
        assert done.stderr[:6] in (b"", b"signed")
        url = destination / "links/url"
        written.append(url.exists())
        assert not url.exists() or URL.fullmatch(url.read_text())
        clear(destination)
    assert written == sorted(written)
    assert set(written) == {False, True}


def test_it_runs_without_dev_urandom(program: Program, destination: Path) -> None:
    fault = [*STRACE, "-P", "/dev/urandom", "-e", "inject=open,openat:error=ENOENT"]
    assert_succeeded(run(program, destination, *fault), destination)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that runs another one with a fixed time."""
    built, source = tmp_path_factory.mktemp("clock") / "clock", Path(__file__).parent / "clock.c"
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", built, source], check=True)
    return built


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (0, "1970-01-01T01:00:00Z"),
        (2**31 - 1, "2038-01-19T04:14:07Z"),
        (4102444800, "2100-01-01T01:00:00Z"),
    ],
)
def test_it_signs_at_any_time(
    program: Program, destination: Path, clock: Path, now: int, end: str
) -> None:
    assert_succeeded(run(program, destination, clock, str(now)), destination)
    assert (destination / "links/url").read_text() == signed_for(HOST, now)
    assert (destination / "expires_at").read_text() == end


@pytest.mark.parametrize("now", [0, 4102444800])
def test_boto3_signs_at_any_time(
    program: Program, destination: Path, clock: Path, now: int
) -> None:
    request = json.dumps(get_request({"file_path": "k"}, use_dualstack_endpoint=True)).encode()
    command = [str(clock), str(now), *program.command("in"), str(destination)]
    subprocess.run(command, input=request, env=program.environ(), capture_output=True, check=True)
    host = "my-bucket.s3.dualstack.eu-west-1.amazonaws.com"
    assert (destination / "url").read_text() == signed_for(host, now)


@pytest.mark.parametrize("debug", ["0", "1"])
def test_an_unexpected_exception_is_reported_and_has_a_redacted_traceback_in_debug_mode(
    program: Program, destination: Path, clock: Path, debug: str
) -> None:
    """The clock is out of Python's range, and the secret is a word of the error message."""
    request = json.dumps(get_request(secret_access_key="timestamp")).encode()
    command = [str(clock), str(2**62), *program.command("in"), str(destination)]
    environ = {**program.environ(), "S3_PRESIGNED_URL_DEBUG": debug}
    done = subprocess.run(command, input=request, env=environ, capture_output=True, check=False)
    first, *traceback = done.stderr.decode().splitlines()
    line = (
        "s3-presigned-url: in: internal error (OverflowError) in "
        f"s3-presigned-url {__version__}. Please report it at {ISSUES}"
    )
    if debug == "1":
        assert (first, traceback[0]) == (line, "Traceback (most recent call last):")
        frame = re.compile(r'  File ".*app[./]__main__(\.py)?[">]+, line \d+, in step')
        assert any(map(frame.fullmatch, traceback))
        message = r"OverflowError: \*\*\* too large to convert to C _?PyTime_t"
        assert re.fullmatch(message, traceback[-1])
    else:
        assert first == f"{line}; S3_PRESIGNED_URL_DEBUG=1 shows a redacted traceback"
        assert traceback == []
    assert (done.returncode, done.stdout, list(destination.iterdir())) == (1, b"", [])


def runs_at_once(program: Program, destinations: list[Path]) -> Iterator[Result]:
    """Run `in` once for each destination, all at the same time."""
    running = []
    for number, destination in enumerate(destinations):
        command = [*program.command("in"), str(destination)]
        process = subprocess.Popen(
            command,
            env=program.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        request = {"source": SOURCE, "params": {"file_path": f"k{number}"}}
        running.append((process, json.dumps(request).encode()))
    for process, stdin in running:
        assert process.stdin
        process.stdin.write(stdin)
        process.stdin.close()
    for process, _ in running:
        assert process.stdout
        assert process.stderr
        with process.stdout as stdout, process.stderr as stderr:
            yield Result(process.wait(120), stdout.read().decode(), stderr.read().decode())


def test_100_concurrent_runs_in_one_destination_leave_one_complete_url(
    program: Program, destination: Path
) -> None:
    for number, result in enumerate(runs_at_once(program, [destination] * 100)):
        line = f"signed GET s3://my-bucket/k{number}, valid until "
        assert result.stderr.startswith(line), result
        assert result.code == 0
    assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]
    assert URL.fullmatch((destination / "url").read_text())


def test_100_concurrent_runs_in_many_destinations_do_not_mix(
    program: Program, tmp_path: Path
) -> None:
    destinations = [tmp_path / str(number) for number in range(100)]
    for destination in destinations:
        destination.mkdir()
    assert {result.code for result in runs_at_once(program, destinations)} == {0}
    for number, destination in enumerate(destinations):
        assert (destination / "s3_uri").read_text() == f"s3://my-bucket/k{number}"
        url = (destination / "url").read_text()
        assert url.startswith(f"https://{HOST}/k{number}?")
