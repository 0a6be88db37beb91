"""The bill of materials says what is in the binary, and cannot be made for what it does not know."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from .program import ROOT

REPORT = '<nuitka-compilation-report><module name="{}"/><module name="json.decoder"/></nuitka-compilation-report>'


@pytest.fixture
def bom() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "build"))
    try:
        yield importlib.import_module("bom")
    finally:
        sys.path.remove(str(ROOT / "build"))


def test_a_library_whose_licence_is_not_known_fails_the_build(bom: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"^binary: mystery is in the program, and its licence not in build/bom\.toml$"):
        bom.Component("deb/debian", "mystery", "1.0").described()


def test_a_module_of_no_known_package_fails_the_build(bom: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT.format("mystery.part"))
    (tmp_path / "requirements.txt").write_text("")
    with pytest.raises(SystemExit, match=r"^binary: modules of no known package are in the program: mystery$"):
        bom.included(tmp_path / "report.xml", tmp_path / "requirements.txt", tmp_path, tmp_path)


def test_a_package_of_which_nothing_is_included_is_not_listed(bom: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT.format("one"))
    (tmp_path / "requirements.txt").write_text("one==1.0 --hash=sha256:aa\ntwo==2.0 --hash=sha256:bb\n")
    found = bom.included(tmp_path / "report.xml", tmp_path / "requirements.txt", tmp_path, tmp_path)
    assert [(component.name, component.sha256) for component in found] == [("one", "aa")]


def test_a_map_that_names_no_library_fails_the_build(bom: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "map").write_text("LOAD crt1.o\n")
    with pytest.raises(SystemExit, match=r"^binary: the linker's map names no library$"):
        bom.linked(tmp_path / "map", tmp_path)
