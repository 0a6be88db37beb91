"""Updates all pins in this folder to the newest versions. Afterwards review `git diff` and test.

usage: python3 build/pins.py     (`make pins` runs it; this Python needs pip and uv)
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import debian
import interpreter
import machine

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
# From source, to be compiled. All others are wheels, which are only unpacked.
SOURCES = ("msgspec", "nuitka")


def main() -> None:
    """Rewrite every file with pins in this folder."""
    groups = PROJECT["dependency-groups"]
    head = "# The compiler, and the packages in the program.\n--no-binary msgspec\n"
    wanted = [*PROJECT["project"]["dependencies"], *groups["compiler"]]
    _requirements("requirements.txt", head, wanted)
    head = "# For reading the metadata of source distributions; not in the program.\n"
    _requirements("requirements-build.txt", head, groups["build"])
    _python()


def _requirements(name: str, head: str, wanted: list[str]) -> None:
    """Pin the newest versions of `wanted` and its dependencies, with the archives' hashes."""
    uv = ("-m", "uv", "pip", "compile", "-q")
    options = (
        "--no-header",
        "--no-annotate",
        f"--python-version={interpreter.NAME.removeprefix('python')}",
        "-",
    )
    resolved = _output(sys.executable, *uv, *options, input_="\n".join(wanted)).split()
    with tempfile.TemporaryDirectory() as archives:
        pip = ("-m", "pip", "-q", "--disable-pip-version-check")
        download = ("download", "--no-deps", "-d", archives, f"--no-binary={','.join(SOURCES)}")
        _output(sys.executable, *pip, *download, *resolved)
        hashes = {
            _project(path.name): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(archives).iterdir()
        }
    lines = [f"{pin} --hash=sha256:{hashes[_project(pin)]}\n" for pin in resolved]
    (HERE / name).write_text(head + "".join(lines))


def _project(name: str) -> str:
    """Return the normalized project name of an archive or a pin."""
    return re.split(r"==|-\d", name)[0].lower().replace("_", "-")


def _python() -> None:
    path = HERE / "pins.toml"
    pin = tomllib.loads(path.read_text())["python"]
    machine.provide()
    with tempfile.TemporaryDirectory() as home:
        options = debian.apt(Path(home) / "apt", pin["suite"])
        if options is None:
            sys.exit("binary: only a Debian machine knows the newest source package")
        shown = _output("apt-cache", *options, "showsrc", "--only-source", pin["package"])
        newest = max(shown.strip().split("\n\n"), key=_version_key)
        version = _field(newest, "Version")
        archives = Path(home) / "archives"
        archives.mkdir()
        if not debian.from_mirror(f"{pin['package']}={version}", pin["suite"], archives):
            sys.exit(f"binary: cannot download {pin['package']} {version}")
        files = "".join(
            f'[python.files."{path.name}"]\n'
            # the permanent archive has no other address
            f'sha1 = "{hashlib.sha1(path.read_bytes()).hexdigest()}"\n'  # noqa: S324
            f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n'
            for path in sorted(archives.glob("*.tar.xz"), reverse=True)
        )
    before, _, rest = path.read_text().partition("version = ")
    comment = rest[rest.index("\n\n#") : rest.index("[python.files")]
    path.write_text(f'{before}version = "{version}"{comment}{files}')


def _version_key(paragraph: str) -> list[tuple[int, str]]:
    """Return a sort key for versions of one release, such as 3.13.5-2+deb13u5."""
    parts = re.findall(r"(\d*)(\D*)", _field(paragraph, "Version"))
    return [(int(digits or 0), rest) for digits, rest in parts]


def _field(paragraph: str, name: str) -> str:
    (value,) = re.findall(rf"^{name}: (.*)$", paragraph, re.MULTILINE)
    return str(value)


def _output(*command: str, input_: str = "") -> str:
    done = subprocess.run(command, input=input_, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
