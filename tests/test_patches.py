"""`build/patches.py`: a patch that does not fit stops the build, and names itself."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from .program import ROOT

PATCHES = sorted((ROOT / "build" / "patches").rglob("*.patch"))
PATCH = """\
Says two.

--- a/count.py
+++ b/count.py
@@ -1,2 +1,2 @@
 # counts
-one
+two
"""


@pytest.fixture
def patches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with one patch of a project named `counter`."""
    monkeypatch.syspath_prepend(ROOT / "build")
    module = importlib.import_module("patches")
    (tmp_path / "patches" / "counter").mkdir(parents=True)
    (tmp_path / "patches" / "counter" / "two.patch").write_text(PATCH)
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "patches")
    return module


def test_a_patch_changes_the_source_that_it_was_made_for(
    patches: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "count.py").write_text("# counts\none\n")
    patches.apply("counter", tmp_path)
    assert (tmp_path / "count.py").read_text() == "# counts\ntwo\n"


@pytest.mark.parametrize("text", ["# counts\nuno\n", "# adds\none\n", ""])
def test_a_source_that_has_changed_stops_the_build_with_the_name_of_the_patch(
    patches: ModuleType, tmp_path: Path, text: str
) -> None:
    (tmp_path / "count.py").write_text(text)
    with pytest.raises(SystemExit) as caught:
        patches.apply("counter", tmp_path)
    assert str(caught.value).endswith(
        "binary: build/patches/counter/two.patch does not fit this version of counter: "
        "see its head for what it is for, and adapt or remove it"
    )


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_the_head_of_a_patch_says_why_what_it_is_worth_and_what_upstream_could_do(
    path: Path,
) -> None:
    head = path.read_text().partition("\n--- a/")[0]
    assert re.search(
        r"^(Worth: [\d.]+ million instructions|Needed to be right)", head, re.MULTILINE
    )
    assert re.search(r"^Upstream: ", head, re.MULTILINE)


def test_every_patch_is_in_the_table_of_the_build() -> None:
    text = (ROOT / "build" / "README.md").read_text()
    named = set(re.findall(r"`patches/(\S+?\.patch)`", text))
    assert named == {str(path.relative_to(ROOT / "build" / "patches")) for path in PATCHES}
