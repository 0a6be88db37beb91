"""What Nuitka is told that its options cannot say."""

import marshal
from pathlib import Path
from types import CodeType
from typing import Any

from nuitka.plugins.PluginBase import NuitkaPluginBase

HERE = Path(__file__).parent

# boto3 is faster as bytecode than as C: most of its time goes into imports, and its C is ten times the size.
BYTECODE = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}

# Modules with a class that is made from its annotations. The rest do without, as those of functions are for type checkers.
ANNOTATED = {f"app.{name}" for name in ("credentials", "endpoint", "fields", "operation", "protocol", "signing", "verify")}


class Plugin(NuitkaPluginBase):  # type: ignore[misc]  # Nuitka is not typed
    """Compile the program itself, and put our start-up code beside Nuitka's."""

    plugin_name = "s3-presigned-url"

    def decideCompilation(self, module_name: Any) -> str | None:  # noqa: N802  # the name is Nuitka's
        """Say which modules stay bytecode."""
        if module_name == "datetime":  # on the way to each URL: it would be the one module there that is bytecode
            return "compiled"
        return "bytecode" if module_name.getTopLevelPackageName() in BYTECODE else None

    def decideAnnotations(self, module_name: Any) -> bool | None:  # noqa: N802
        """Say where annotations count."""
        return False if module_name.isBelowNamespace("app") and module_name.asString() not in ANNOTATED else None

    def onFrozenModuleBytecode(self, module_name: Any, is_package: bool, bytecode: CodeType) -> CodeType:  # noqa: N802
        """Put off what the start would import of `encodings`."""
        if module_name != "encodings":
            return bytecode
        early = (HERE / "inside" / "early_encodings.py").read_text()
        whole = early.replace('ORIGINAL = b""', f"ORIGINAL = {marshal.dumps(bytecode)!r}")
        return compile(whole, "encodings/__init__.py", "exec", dont_inherit=True, optimize=2)

    def getExtraCodeFiles(self) -> dict[str, str]:  # noqa: N802
        """Give the C code that is compiled and linked with Nuitka's own: msgspec's core, and our start."""
        core = '#define _GNU_SOURCE\n#include "_core.c"\n'
        return {"msgspec.c": core, "startup.c": (HERE / "startup.c").read_text()}
