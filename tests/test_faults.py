"""Whatever fails around the program, and wherever it is stopped: the files are whole or absent, and one line says why."""

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

from .program import SOURCE, Program, Result, files_below, get_request
from .test_hostile import signed_for

pytestmark = pytest.mark.process

REQUEST = json.dumps(get_request({"file_path": "k", "url_file": "links/url"})).encode()
STRACE = ("strace", "-qqo", "/dev/null")
FILES = ["expires_at", "links/url", "s3_uri"]
HOST = "my-bucket.s3.eu-west-1.amazonaws.com"
URL = re.compile(rf"https://{HOST}/k\d*\?\S+&X-Amz-Signature=[0-9a-f]{{64}}")


def run(
    program: Program, destination: Path, *before: str | Path, limits: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `in` with `before` in front of its command, such as strace, or with `limits` set."""

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which is ignored below a shell's background job
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


# The calls that make a file, how each can fail, and what each makes in turn. An interpreter's start has none of them.
CALLS = {
    "mkdirat": ("ENOSPC: No space left on device", ["links/url"]),
    "write": ("ENOSPC: No space left on device", ["links/url", "expires_at", "s3_uri", "stdout"]),
    "fchmod": ("EROFS: Read-only file system", ["links/url", "expires_at", "s3_uri"]),
    "renameat": ("EIO: Input/output error", ["links/url", "expires_at", "s3_uri"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_call_that_fails_is_told_and_leaves_nothing(program: Program, destination: Path, call: str) -> None:
    (error, problem), names = CALLS[call][0].split(": "), CALLS[call][1]
    for number, name in enumerate(names, 1):
        done = run(program, destination, *STRACE, "-e", f"inject={call}:error={error}:when={number}")
        place = name if name == "stdout" else f"{destination}/{name}"
        assert_failed(done, destination, f"{place}: cannot be written: {problem}")
    done = run(program, destination, *STRACE, "-e", f"inject={call}:error={error}:when={len(names) + 1}")
    assert (done.returncode, sorted(files_below(destination))) == (0, FILES)


def test_a_destination_that_cannot_be_opened_is_told(program: Program, destination: Path) -> None:
    for error, problem in (
        ("EMFILE", "Too many open files"),
        ("EACCES", "Permission denied"),
        ("EIO", "Input/output error"),
        ("ESTALE", "Stale file handle"),
    ):
        fault = [*STRACE, "-P", str(destination), "-e", f"inject=openat:error={error}"]
        assert_failed(
            run(program, destination, *fault), destination, f"{destination}/links/url: cannot be written: {problem}"
        )


def test_a_limit_on_the_size_of_files_is_told(program: Program, destination: Path) -> None:
    for most in (0, 1, 300):
        limits = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
        done = run(program, destination, limits=limits)
        assert_failed(done, destination, f"{destination}/links/url: cannot be written: File too large")


@pytest.fixture
def mounting() -> list[str]:
    """What runs a script with file systems of its own. A container that is being built may be forbidden it."""
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "/bin/sh", "-c"]
    if subprocess.run([*command, "mount -t tmpfs none /mnt"], capture_output=True, check=False).returncode:
        assert "CI" not in os.environ, "CI may mount"
        pytest.skip("nothing can be mounted here")
    return command


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("size=4k", "expires_at: cannot be written: No space left on device"),  # a page: room for one file
        ("nr_inodes=1", "links/url: cannot be written: No space left on device"),
        ("ro", "links/url: cannot be written: Read-only file system"),
    ],
)
def test_a_file_system_that_takes_no_more_is_told(
    program: Program, destination: Path, mounting: list[str], options: str, line: str
) -> None:
    script = f'mount -t tmpfs -o {options} none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'
    assert_failed(run(program, destination, *mounting, script, destination), destination, f"{destination}/{line}")


def test_a_reader_of_stdout_that_has_gone_is_told(program: Program, destination: Path) -> None:
    script = "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.execvp(sys.argv[1], sys.argv[1:])"
    done = run(program, destination, sys.executable, "-c", script)
    assert_failed(done, destination, "stdout: cannot be written: Broken pipe")


def test_a_reader_of_stderr_that_has_gone_is_no_reason_to_fail(program: Program, destination: Path) -> None:
    script = "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 2); os.execvp(sys.argv[1], sys.argv[1:])"
    done = run(program, destination, sys.executable, "-c", script)
    assert (done.returncode, sorted(files_below(destination))) == (0, FILES)


def points(program: Program, destination: Path, trace: Path) -> list[str]:
    """Each system call of a run from when it heeds SIGTERM, as strace names it: which one, and the how manieth."""
    run(program, destination, "strace", "-qqo", trace)
    clear(destination)
    lines = trace.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("rt_sigaction(SIGTERM, {"))
    names = [line.partition("(")[0] for line in lines if "(" in line]
    named = [(name, names[: number + 1].count(name)) for number, name in enumerate(names)]
    return [f"inject={name}:when={count}" for name, count in named[first + 1 :]]


def struck(
    program: Program, destination: Path, trace: Path, point: str, name: str
) -> subprocess.CompletedProcess[bytes] | None:
    """Run with a signal at a system call; None if no such call was made, as two runs need not make the same.

    From source the number of files that Python opens depends on its caches.
    """
    done = run(program, destination, "strace", "-qo", trace, "-e", f"{point}:signal={name}")
    if re.search(rf"^(--- |\+\+\+ killed by ){name}", trace.read_text(), re.MULTILINE):
        return done
    clear(destination)
    return None


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_an_abort_at_any_point_leaves_all_or_nothing(
    program: Program, destination: Path, tmp_path: Path, name: str
) -> None:
    codes = []
    for point in points(program, destination, tmp_path / "trace"):
        done = struck(program, destination, tmp_path / "trace", point, name)
        if done is None:
            continue
        codes.append(done.returncode)
        if done.returncode == 0:
            assert_succeeded(done, destination)
        else:
            assert_failed(done, destination, "interrupted")
        clear(destination)
    assert codes == sorted(codes, reverse=True), "with the answer on its way to stdout it is too late"
    assert codes.count(1) > 25
    assert codes.count(0) > 1


def test_a_kill_at_any_point_leaves_a_whole_url_or_none(program: Program, destination: Path, tmp_path: Path) -> None:
    whole = []
    for point in points(program, destination, tmp_path / "trace"):
        done = struck(program, destination, tmp_path / "trace", point, "SIGKILL")
        if done is None:
            continue
        assert (done.returncode, done.stderr[:6]) in ((-signal.SIGKILL, b""), (-signal.SIGKILL, b"signed"))
        url = destination / "links/url"
        whole.append(url.exists())
        assert not url.exists() or URL.fullmatch(url.read_text())
        clear(destination)
    assert whole == sorted(whole)
    assert set(whole) == {False, True}


def test_without_anything_random_but_the_system_call_it_runs(program: Program, destination: Path) -> None:
    fault = [*STRACE, "-P", "/dev/urandom", "-e", "inject=open,openat:error=ENOENT"]
    assert_succeeded(run(program, destination, *fault), destination)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What runs a program at another time."""
    built = tmp_path_factory.mktemp("clock") / "clock"
    subprocess.run(
        ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", built, Path(__file__).parent / "clock.c"], check=True
    )
    return built


@pytest.mark.parametrize(
    ("now", "end"),
    [(0, "1970-01-01T01:00:00Z"), (2**31 - 1, "2038-01-19T04:14:07Z"), (4102444800, "2100-01-01T01:00:00Z")],
)
def test_it_signs_at_any_time(program: Program, destination: Path, clock: Path, now: int, end: str) -> None:
    assert_succeeded(run(program, destination, clock, str(now)), destination)
    assert (destination / "links/url").read_text() == signed_for(HOST, now)
    assert (destination / "expires_at").read_text() == end


@pytest.mark.parametrize("now", [0, 4102444800])
def test_boto3_signs_at_any_time(program: Program, destination: Path, clock: Path, now: int) -> None:
    request = json.dumps(get_request({"file_path": "k"}, use_dualstack_endpoint=True)).encode()
    command = [str(clock), str(now), *program.command("in"), str(destination)]
    subprocess.run(command, input=request, env=program.environ(), capture_output=True, check=True)
    host = "my-bucket.s3.dualstack.eu-west-1.amazonaws.com"
    assert (destination / "url").read_text() == signed_for(host, now)


@pytest.mark.parametrize("debug", ["0", "1"])
def test_what_nobody_expected_is_told_as_our_bug_and_in_debug_mode_with_a_redacted_traceback(
    program: Program, destination: Path, clock: Path, debug: str
) -> None:
    """The clock is beyond what Python can tell. A word of its complaint is the secret."""
    request = json.dumps(get_request(secret_access_key="timestamp")).encode()
    command = [str(clock), str(2**62), *program.command("in"), str(destination)]
    environ = {**program.environ(), "S3_PRESIGNED_URL_DEBUG": debug}
    done = subprocess.run(command, input=request, env=environ, capture_output=True, check=False)
    first, *traceback = done.stderr.decode().splitlines()
    told = f"s3-presigned-url: in: this is a bug in s3-presigned-url {__version__}: OverflowError"
    if debug == "1":
        assert (first, traceback[0]) == (told, "Traceback (most recent call last):")
        assert any(re.fullmatch(r'  File ".*app[./]__main__(\.py)?[">]+, line \d+, in step', line) for line in traceback)
        assert re.fullmatch(r"OverflowError: \*\*\* too large to convert to C _?PyTime_t", traceback[-1])
    else:
        assert (first, traceback) == (f"{told} (set S3_PRESIGNED_URL_DEBUG=1 to see where, and report it)", [])
    assert (done.returncode, done.stdout, list(destination.iterdir())) == (1, b"", [])


def runs_at_once(program: Program, destinations: list[Path]) -> Iterator[Result]:
    """One run for each destination, all at the same time."""
    running = []
    for number, destination in enumerate(destinations):
        command = [*program.command("in"), str(destination)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=program.environ(), **pipes)  # type: ignore[call-overload]  # of one value
        running.append((process, json.dumps({"source": SOURCE, "params": {"file_path": f"k{number}"}}).encode()))
    for process, request in running:
        process.stdin.write(request)
        process.stdin.close()
    for process, _ in running:
        yield Result(process.wait(120), process.stdout.read().decode(), process.stderr.read().decode())
        process.stdout.close()
        process.stderr.close()


def test_a_hundred_runs_at_once_in_one_destination_leave_one_whole_url(program: Program, destination: Path) -> None:
    for number, result in enumerate(runs_at_once(program, [destination] * 100)):
        assert result.stderr.startswith(f"signed GET s3://my-bucket/k{number}, valid until "), result
        assert result.code == 0
    assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]
    assert URL.fullmatch((destination / "url").read_text())


def test_a_hundred_runs_at_once_in_many_destinations_do_not_mix(program: Program, tmp_path: Path) -> None:
    destinations = [tmp_path / str(number) for number in range(100)]
    for destination in destinations:
        destination.mkdir()
    assert {result.code for result in runs_at_once(program, destinations)} == {0}
    for number, destination in enumerate(destinations):
        assert (destination / "s3_uri").read_text() == f"s3://my-bucket/k{number}"
        assert (destination / "url").read_text().startswith(f"https://{HOST}/k{number}?")
