import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import Program


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--program",
        choices=("source", "binary", "image"),
        default="source",
        help="what the contract is held against: `python -m app`, the binary in dist/, or the image IMAGE that ENGINE has",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is only true of the binary or of the image is only asked of it."""
    only = {"test_bill.py": ("binary", "image"), "test_binary.py": ("binary",), "test_image.py": ("image",)}
    kind = config.getoption("--program")
    return True if kind not in only.get(collection_path.name, (kind,)) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run every test against the source, and against another program those that run a program.

    A test with the mark `process` starts the program in a way of its own, or another program: in the image is neither.
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


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    directory = tmp_path / "get"
    directory.mkdir()
    return directory


@pytest.fixture(autouse=True)
def _no_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, profile or region of whoever runs the tests, also not for boto3 in this process."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
