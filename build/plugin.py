"""What Nuitka is told that its options cannot say."""

from pathlib import Path
from typing import Any

from nuitka.plugins.PluginBase import NuitkaPluginBase

# boto3 is faster as bytecode than as C: most of its time goes into imports, and its C is ten times the size.
BYTECODE = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}


class Plugin(NuitkaPluginBase):  # type: ignore[misc]  # Nuitka is not typed
    """Compile the program itself, and put our start-up code beside Nuitka's."""

    plugin_name = "s3-presigned-url"

    def decideCompilation(self, module_name: Any) -> str | None:  # noqa: N802  # the name is Nuitka's
        """Say which modules stay bytecode."""
        return "bytecode" if module_name.getTopLevelPackageName() in BYTECODE else None

    def getExtraCodeFiles(self) -> dict[str, str]:  # noqa: N802
        """Give the C code that is compiled and linked with Nuitka's own: msgspec's core, and our start."""
        core = '#define _GNU_SOURCE\n#include "_core.c"\n'
        return {"msgspec.c": core, "startup.c": (Path(__file__).parent / "startup.c").read_text()}
