"""Applies the patches in patches/, each of which says in its head what it is for.

`patch` refuses a hunk whose surroundings have changed, so a new version of what is patched stops
the build.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / "patches"


def of(project: str) -> list[Path]:
    """Return the patches of a project."""
    return sorted((FOLDER / project).glob("*.patch"))


def apply(project: str, source: Path) -> None:
    """Patch the source of a project. Exits if it is not the source that a patch was made for."""
    for path in of(project):
        command = ("patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-d", source, "-i", path)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(
                f"{done.stdout}{done.stderr}"
                f"binary: build/{path.relative_to(HERE)} does not fit this version of {project}: "
                "see its head for what it is for, and adapt or remove it"
            )
