import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import Program
from .servers import SERVERS, S3Server, certificate


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--program",
        choices=("source", "binary", "image"),
        default="source",
        help="the program under test: app/, the binary in dist/, or the image IMAGE of ENGINE",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of the binary and of the image where it is not the program under test.

    What needs a Concourse runs only if it is named.
    """
    if collection_path.name == "concourse":
        return None if "tests/concourse" in config.args else True
    only = {
        "test_bill.py": ("binary", "image"),
        "test_binary.py": ("binary",),
        "test_image.py": ("image",),
    }
    kind = config.getoption("--program")
    return True if kind not in only.get(collection_path.name, (kind,)) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run every test against the source, and against another program those that run a program.

    A test with the mark `process` starts the program in a way of its own, or needs another program,
    so it is not for the image.
    """
    kind = config.getoption("--program")
    if kind != "source":
        items[:] = [item for item in items if "program" in getattr(item, "fixturenames", ())]
    if kind == "image":
        items[:] = [item for item in items if not item.get_closest_marker("process")]


@pytest.fixture(scope="session")
def program(pytestconfig: pytest.Config) -> Iterator[Program]:
    kind = pytestconfig.getoption("--program")
    if kind != "image":
        yield Program(kind)
        return
    from . import container

    with container.unpacked(container.IMAGE) as image:
        yield container.ContainerProgram(kind, image)


@pytest.fixture(autouse=True)
def _left_out_where_emulated(request: pytest.FixtureRequest) -> None:
    """Skip what qemu-user cannot show. The mark `native` has the reason."""
    if mark := request.node.get_closest_marker("native"):
        image = getattr(request.getfixturevalue("program"), "image", None)
        if image and image.emulated:
            pytest.skip(f"emulated: {mark.args[0]}")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    directory = tmp_path / "get"
    directory.mkdir()
    return directory


@pytest.fixture
def quick_timeout(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """From source, wait less than 30 seconds for a server that does not respond.

    As with the real limits, they are reached in the third attempt, after up to 3 seconds of pauses.
    """
    if pytestconfig.getoption("--program") == "source":
        setitimer = signal.setitimer
        monkeypatch.setattr(
            "app.aws.http.signal.setitimer",
            lambda which, seconds: setitimer(which, seconds and 11.5),
        )
        monkeypatch.setattr("app.aws.http.READ", 4)


@pytest.fixture(autouse=True)
def _no_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the credentials, profile and region of this machine, also from boto3 in this process."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    with SERVERS[request.param](tmp_path_factory.mktemp("s3")) as running:
        running.put("hello.txt", b"hello")
        yield running


@pytest.fixture(scope="module", params=SERVERS)
def secure_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("s3")
    with SERVERS[request.param](folder, certificate(folder)) as running:
        running.put("hello.txt", b"hello")
        yield running
