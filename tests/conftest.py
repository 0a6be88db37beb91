import os
from pathlib import Path

import pytest

from .program import Program


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--program",
        choices=("source", "binary"),
        default="source",
        help="what the contract is held against: `python -m app`, or the binary in dist/",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is only true of the binary is only asked of the binary."""
    return True if collection_path.name == "test_binary.py" and config.getoption("--program") != "binary" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run every test against the source, and against another program those that run a program."""
    if config.getoption("--program") != "source":
        items[:] = [item for item in items if "program" in getattr(item, "fixturenames", ())]


@pytest.fixture(scope="session")
def program(pytestconfig: pytest.Config) -> Program:
    return Program(pytestconfig.getoption("--program"))


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
