"""Move the pins of the binary to what is published now; `make pins` calls it. Then look at `git diff`, and test.

usage: python3 build/pins.py     (with pip and uv beside this Python)
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import debian
import machine

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
SOURCES = ("msgspec", "nuitka")  # compiled; everything else is taken as a wheel, which is only unpacked


def main() -> None:
    """Write every file of pins in this folder anew."""
    groups = PROJECT["dependency-groups"]
    head = "# The compiler, and the packages that the program is made of.\n--no-binary msgspec\n"
    _requirements("requirements.txt", head, [*PROJECT["project"]["dependencies"], *groups["compiler"]])
    head = "# What it takes to look into a source distribution; nothing of it is in the program.\n"
    _requirements("requirements-build.txt", head, groups["build"])
    _python()


def _requirements(name: str, head: str, wanted: list[str]) -> None:
    """Pin the newest versions of what is wanted and of what that needs, each by the hash of the archive that is taken."""
    resolve = ("-m", "uv", "pip", "compile", "-q", "--no-header", "--no-annotate", "--python-version=3.13", "-")
    resolved = _output(sys.executable, *resolve, input_="\n".join(wanted)).split()
    with tempfile.TemporaryDirectory() as archives:
        pip = ("-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps", "-d", archives)
        _output(sys.executable, *pip, f"--no-binary={','.join(SOURCES)}", *resolved)
        hashes = {_project(path.name): hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(archives).iterdir()}
    lines = [f"{pin} --hash=sha256:{hashes[_project(pin)]}\n" for pin in resolved]
    (HERE / name).write_text(head + "".join(lines))


def _project(name: str) -> str:
    """Return the project of an archive or a pin, however it spells it."""
    return re.split(r"==|-\d", name)[0].lower().replace("_", "-")


def _python() -> None:
    path = HERE / "pins.toml"
    pin = tomllib.loads(path.read_text())["python"]
    machine.provide()
    with tempfile.TemporaryDirectory() as home:
        options = debian.apt(Path(home) / "apt", pin["suite"])
        shown = _output("apt-cache", *options, "showsrc", "--only-source", pin["package"])
    newest = max(shown.strip().split("\n\n"), key=_version_key)
    version = _field(newest, "Version")
    sums = re.findall(r"^ ([0-9a-f]{64}) \d+ (\S+)$", newest, re.MULTILINE)
    files = "".join(f'"{name}" = "{sha256}"\n' for sha256, name in sums if not name.endswith(".asc"))
    kept = path.read_text().partition("version = ")[0]
    path.write_text(f'{kept}version = "{version}"\n\n[python.sha256]\n{files}')


def _version_key(paragraph: str) -> list[tuple[int, str]]:
    """Order versions of one release and its security updates, such as 3.13.5-2+deb13u5."""
    return [(int(digits or 0), rest) for digits, rest in re.findall(r"(\d*)(\D*)", _field(paragraph, "Version"))]


def _field(paragraph: str, name: str) -> str:
    (value,) = re.findall(rf"^{name}: (.*)$", paragraph, re.MULTILINE)
    return str(value)


def _output(*command: str, input_: str = "") -> str:
    return subprocess.run(command, input=input_, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    main()
