"""Nuitka plugin: settings that have no command-line option."""

import ast
from pathlib import Path
from typing import Any

from nuitka.plugins.PluginBase import NuitkaPluginBase

HERE = Path(__file__).parent

# These are faster as bytecode: most of their time goes into imports, and C is ten times larger.
BYTECODE = {"botocore", "dateutil", "jmespath", "six", "urllib3"}


class Plugin(NuitkaPluginBase):  # type: ignore[misc]  # Nuitka is not typed
    """Selects what is compiled, and adds our start-up code to Nuitka's."""

    plugin_name = "s3-presigned-url"

    def decideCompilation(self, module_name: Any) -> str | None:
        """Return "compiled" or "bytecode", or None for Nuitka's default."""
        # every URL needs it, and it would be the only bytecode module imported
        if module_name == "datetime":
            return "compiled"
        return "bytecode" if module_name.getTopLevelPackageName() in BYTECODE else None

    def decideAnnotations(self, module_name: Any) -> bool | None:
        """Return False to drop a module's annotations: only classes, such as Structs, need them."""
        name = module_name.asString()
        return False if name.startswith("app.") and not _has_annotated_class(name) else None

    def getExtraCodeFiles(self) -> dict[str, str]:
        """Return C code to link with Nuitka's own: msgspec's core and our start-up code."""
        core = '#define _GNU_SOURCE\n#include "_core.c"\n'
        return {"msgspec.c": core, "startup.c": (HERE / "startup.c").read_text()}


def _has_annotated_class(name: str) -> bool:
    path = HERE.parent.joinpath(*name.split("."))
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return any(isinstance(statement, ast.AnnAssign) for node in classes for statement in node.body)
