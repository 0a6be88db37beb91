"""What the program is made of is found in what the build left; what is not known there fails it."""

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


def test_what_the_linker_took_is_found_and_not_what_it_discarded(components: ModuleType) -> None:
    assert components._linked(LINK_MAP) == {
        Path("/usr/lib/libthere.a"): {"there.o", "tables.o"},
        Path("static_src/MainProgram.o"): {""},
    }


def test_modules_are_their_packages_but_for_ours_and_the_standard_library(components: ModuleType) -> None:
    modules = [
        {"name": "app.steps", "source_path": "${cwd}/app/steps.py"},
        {"name": "dateutil.tz", "source_path": "/site/dateutil/tz.py", "distribution": "python-dateutil"},
        {"name": "embedded_models", "source_path": "/src/build/inside/embedded_models.py"},
        {"name": "json", "source_path": "${sys.prefix}/lib/python3.13/json/__init__.py"},
        {"name": "msgspec.json", "source_path": "/site/msgspec/json.py"},
    ]
    assert list(components._published(modules)) == ["python-dateutil", "msgspec"]


def test_a_package_that_is_not_pinned_fails_the_build(components: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^binary: modules of no pinned package are in the program: mystery$"):
        list(components._packages({"mystery", "six"}, tmp_path, set()))


def test_an_object_of_unknown_origin_fails_the_build(components: ModuleType) -> None:
    assert list(components._compiled([Path("module.app.o"), Path("static_src/MainProgram.o")])) == ["nuitka"]
    with pytest.raises(
        SystemExit, match=r"^binary: an object that nobody is known to have made is in the program: mystery/x\.o$"
    ):
        list(components._compiled([Path("mystery/x.o")]))


def test_a_library_whose_licence_is_not_known_fails_the_build(components: ModuleType) -> None:
    message = "binary: mystery is in the program, and its licence not in build/components.toml"
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        components._licence("mystery")


def test_what_cpython_holds_and_nobody_here_knows_fails_the_build(components: ModuleType, tmp_path: Path) -> None:
    message = "binary: python3.13 holds what build/components.toml does not know: mystery"
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        list(components._held("python3.13", tmp_path, set(), [{"name": "mystery"}]))


def test_what_is_held_is_listed_only_if_a_part_of_it_is_in_the_program(components: ModuleType, tmp_path: Path) -> None:
    assert list(components._held("python3.13", tmp_path, {"decimal.o", "json"})) == []
    (held,) = components._held("python3.13", tmp_path, {"mpdecimal.o"})
    assert (held.name, held.licence) == ("mpdecimal", "BSD-2-Clause")


def test_the_notice_in_a_source_is_read_without_its_stars(components: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "x.h").write_text(
        "/* what it does */\n/* By and\n * Copyright 2020 Somebody\n *\n * As you like.\n */\nint x;\n"
    )
    assert components._notice(tmp_path / "x.h") == "By and\nCopyright 2020 Somebody\n\nAs you like."
