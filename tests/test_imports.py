"""The imports of `app/`: which modules depend on which, and which of them a run imports."""

import ast
import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from .program import ROOT, get_request

# From the entry point down. A module imports only from its own layer and from those below.
LAYERS = (
    ("app.__main__",),
    ("app.cli",),
    ("app.steps", "app.options", "app.shared_config"),
    ("app.entries", "app.output", "app.destination"),
    ("app.signing",),
    ("app.config", "app.headers", "app.policy"),
    ("app.credentials",),
    ("app.bucket",),
    ("app.decoding",),
    ("app.aws", "app.messages"),
    ("app.request", "app.lifetime"),
    ("app.duration", "app.endpoint", "app.sigv4"),
    ("app.protocol",),
    ("app.bounds", "app.partitions", "app"),
)
# On the way to every URL. The others are imported only when needed.
ALWAYS = {
    "app",
    "app.__main__",
    "app.bounds",
    "app.bucket",
    "app.config",
    "app.credentials",
    "app.decoding",
    "app.destination",
    "app.duration",
    "app.lifetime",
    "app.output",
    "app.partitions",
    "app.protocol",
    "app.request",
    "app.signing",
    "app.sigv4",
    "app.steps",
}
# A slow one, such as `os` or `typing`, would take longer than the rest of the run.
STANDARD_LIBRARY = {"_signal", "_sha2", "datetime", "gc", "msgspec", "posix", "sys", "time"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in (ROOT / "app").rglob("*.py")}


def imports(name: str, *, everywhere: bool = True) -> set[str]:
    """Return the modules that a module imports, also inside functions unless told otherwise."""
    tree = ast.parse(SOURCES[name].read_text())
    package = name if SOURCES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(
                [*(above if node.level else ()), *([node.module] if node.module else ())]
            )
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= inner & SOURCES.keys() or {base}
    return found


GRAPH = {name: imports(name) & SOURCES.keys() - {name} for name in SOURCES}


def layer(name: str) -> int:
    """Return the number of a module's layer, from the top; a sub-package is in one layer."""
    for candidate in (name, name.rpartition(".")[0]):
        for number, names in enumerate(LAYERS):
            if candidate in names and not (candidate == "app" and name != "app"):
                return number
    raise AssertionError(f"tests/test_imports.py: {name} is in no layer")


def test_no_imports_are_circular() -> None:
    circle: list[str] = []
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_no_module_imports_a_higher_layer() -> None:
    offenders = [
        f"{name} imports {imported}"
        for name, imported_ones in GRAPH.items()
        for imported in imported_ones
        if layer(imported) < layer(name)
    ]
    assert offenders == []


def test_only_the_sub_package_aws_imports_botocore() -> None:
    offenders = {
        name
        for name in SOURCES
        for imported in imports(name)
        if imported.partition(".")[0] in ("boto3", "botocore", "urllib3")
        and not name.startswith("app.aws.")
    }
    assert offenders == set()


def test_what_is_imported_for_every_url_imports_no_slow_module() -> None:
    offenders = {
        f"{name} imports {imported}"
        for name in ALWAYS
        for imported in imports(name, everywhere=False) - SOURCES.keys() - STANDARD_LIBRARY
    }
    assert offenders == set()


LOADED = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"
RUN = (
    "import io, json; from app.__main__ import main; "
    "main(['in', sys.argv[1]], {}, io.BytesIO(sys.argv[2].encode()), io.BytesIO(), io.BytesIO())"
)


def loaded_by(code: str, *arguments: str) -> set[str]:
    """Return the modules that some code imports in a new process."""
    process = subprocess.run(
        [sys.executable, "-c", LOADED.format(code), *arguments],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    return set(process.stdout.split())


def test_a_run_imports_only_the_modules_on_the_way_to_a_url(destination: Path) -> None:
    params = {"file_path": "k", "file_name": "é", "expires_in": {"hours": 1}}
    request = json.dumps(get_request(params))
    loaded = loaded_by(RUN, str(destination), request)
    own = loaded - loaded_by("import io, json, msgspec, os, time, gc")
    assert own - {"_sha2", "hashlib", "_hashlib", "_blake2"} == ALWAYS
    assert (destination / "url").exists()


def test_botocore_is_imported_if_its_endpoint_rules_are_needed(destination: Path) -> None:
    request = json.dumps(get_request({"file_path": "k"}, use_dualstack_endpoint=True))
    assert "botocore" in loaded_by(RUN, str(destination), request)
