"""`build/components.py`: components are found in the build output, and unknown ones refused."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from .program import ROOT

LINK_MAP = """\
Archive member included to satisfy reference by file (symbol)

/usr/lib/libgone.a(gone.o)     main.o (gone)

Discarded input sections

 .text.gone     0x0000000000000000     0x1234 /usr/lib/libgone.a(gone.o)

Linker script and memory map

LOAD /usr/lib/libgone.a
LOAD /usr/lib/libthere.a
 .text          0x0000000000001000        0x0 /usr/lib/libgone.a(gone.o)
 .text.there    0x0000000000001000      0x1d0 /usr/lib/libthere.a(there.o)
 .rodata.of.a.long.name
                0x00000000000011d0       0x20 /usr/lib/libthere.a(tables.o)
 .debug_info    0x0000000000000000      0x900 /usr/lib/libgone.a(gone.o)
 .data          0x0000000000002000        0x8 static_src/MainProgram.o
"""


@pytest.fixture
def components(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "build")
    return importlib.import_module("components")


def test_linked_objects_are_found_and_discarded_ones_are_ignored(components: ModuleType) -> None:
    assert components._linked(LINK_MAP) == {
        Path("/usr/lib/libthere.a"): {"there.o", "tables.o"},
        Path("static_src/MainProgram.o"): {""},
    }


def test_modules_belong_to_packages_except_ours_and_the_standard_library(
    components: ModuleType,
) -> None:
    modules = [
        {"name": "app.steps", "source_path": "${cwd}/app/steps.py"},
        {
            "name": "dateutil.tz",
            "source_path": "/site/dateutil/tz.py",
            "distribution": "python-dateutil",
        },
        {"name": "embedded_models", "source_path": "/src/build/inside/embedded_models.py"},
        {"name": "json", "source_path": "${sys.prefix}/lib/python3.13/json/__init__.py"},
        {"name": "msgspec.json", "source_path": "/site/msgspec/json.py"},
    ]
    assert list(components._published(modules)) == ["python-dateutil", "msgspec"]


def test_an_unpinned_package_is_refused(components: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^binary: modules from unpinned packages: mystery$"):
        list(components._packages({"mystery", "six"}, tmp_path, set()))


def test_an_unknown_object_file_is_refused(components: ModuleType) -> None:
    known = [Path("module.app.o"), Path("static_src/MainProgram.o")]
    assert list(components._compiled(known)) == ["nuitka"]
    message = "binary: unknown object file in the program: mystery/x.o"
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        list(components._compiled([Path("mystery/x.o")]))


def test_a_library_with_an_unknown_license_is_refused(components: ModuleType) -> None:
    message = "binary: add the license of mystery to build/components.toml"
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        components._licence("mystery")


def test_an_unknown_component_of_cpython_is_refused(components: ModuleType, tmp_path: Path) -> None:
    message = "binary: add to build/components.toml, as bundled in python3.13: mystery"
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        list(components._held("python3.13", tmp_path, set(), [{"name": "mystery"}]))


def test_a_bundled_component_is_listed_only_if_a_part_of_it_is_linked(
    components: ModuleType, tmp_path: Path
) -> None:
    assert list(components._held("python3.13", tmp_path, {"decimal.o", "json"})) == []
    (bundled,) = components._held("python3.13", tmp_path, {"mpdecimal.o"})
    assert (bundled.name, bundled.licence) == ("mpdecimal", "BSD-2-Clause")


def test_a_notice_in_a_source_file_is_read_without_comment_marks(
    components: ModuleType, tmp_path: Path
) -> None:
    header = tmp_path / "x.h"
    comment = "/* By and\n * Copyright 2020 Somebody\n *\n * As you like.\n */\n"
    header.write_text(f"/* what it does */\n{comment}int x;\n")
    assert components._notice(header) == "By and\nCopyright 2020 Somebody\n\nAs you like."
