"""What is inside the program: a bill of materials (CycloneDX 1.6), and the text of every licence.

Nothing is listed by hand. The linker's map names each library of which a part was linked, Nuitka's report each package
of which a module was included; only what their licences are called is in bom.toml.
https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).parent
LICENCES = tomllib.loads((HERE / "bom.toml").read_text())
COMMON_LICENCES = re.compile(r"/usr/share/common-licenses/[A-Z][A-Za-z0-9.-]*[A-Za-z0-9]")


@dataclass(frozen=True)
class Component:
    """Something that others made and published: a Debian source package, or a package of PyPI."""

    origin: str
    name: str
    version: str
    sha256: str = ""
    texts: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def licence(self) -> str:
        """The licence's SPDX expression."""
        name = re.sub(r"^gcc-\d+$", "gcc", self.name)
        if name not in LICENCES:
            sys.exit(f"binary: {self.name} is in the program, and its licence not in build/bom.toml")
        return str(LICENCES[name])

    def described(self) -> dict[str, Any]:
        """Return the component as CycloneDX has it."""
        arch = "?arch=source" if self.origin == "deb/debian" else ""
        hashes = [{"alg": "SHA-256", "content": self.sha256}] if self.sha256 else []
        return {
            "type": "library",
            "name": self.name,
            "version": self.version,
            "hashes": hashes,
            "licenses": [{"expression": self.licence}],
            "purl": f"pkg:{self.origin}/{quote(self.name)}@{quote(self.version)}{arch}",
        }


def write(folder: Path, version: str, components: list[Component]) -> None:
    """Write the bill (sbom.cdx.json) and the licences (licences.txt) of that version of the program."""
    folder.mkdir(parents=True, exist_ok=True)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "s3-presigned-url",
                "version": version,
                "licenses": [{"expression": "MIT"}],
            }
        },
        "components": [component.described() for component in components],
    }
    (folder / "sbom.cdx.json").write_text(json.dumps(bill, indent=1) + "\n")
    own = "s3-presigned-url: MIT\n\n" + (HERE.parent / "LICENSE").read_text()
    (folder / "licences.txt").write_text("\n\n".join((own, *_licences(components))))


def _licences(components: list[Component]) -> list[str]:
    """Return the text of each component, and then the licences that those of Debian refer to."""
    texts = ["\n\n".join(path.read_text() for path in component.texts) for component in components]
    headed = [f"{c.name} {c.version}: {c.licence}\n\n{text}" for c, text in zip(components, texts, strict=True)]
    common = sorted({path for text in texts for path in COMMON_LICENCES.findall(text) if Path(path).is_file()})
    return [*headed, *(f"{path}\n\n{Path(path).read_text()}" for path in common)]


def linked(link_map: Path, python: Path) -> list[Component]:
    """Return the Debian source packages of the libraries of which a part was linked. `python`: the interpreter's folder."""
    # "/usr/lib/x86_64-linux-gnu/libssl.a(ssl_lib.o)"
    archives = {Path(found).resolve() for found in re.findall(r"^(/\S+\.a)\(", link_map.read_text(), re.MULTILINE)}
    if not archives:
        sys.exit("binary: the linker's map names no library")
    found = {_of_debian(archive) for archive in archives if python not in archive.parents}
    return sorted({*found, _interpreter(python)}, key=lambda component: component.name)


def _interpreter(python: Path) -> Component:
    pin = tomllib.loads((HERE / "pins.toml").read_text())["python"]
    (source,) = (sha256 for name, sha256 in pin["sha256"].items() if ".orig." in name)
    return Component("deb/debian", pin["package"], pin["version"], source, (python / "source" / "debian" / "copyright",))


def _of_debian(archive: Path) -> Component:
    package = _dpkg("-S", str(archive)).split(": ")[0]
    name, version = _dpkg("-W", "-f", "${source:Package} ${source:Version}", package).split()
    return Component("deb/debian", name, version, texts=(Path(f"/usr/share/doc/{package.split(':')[0]}/copyright"),))


def _dpkg(*arguments: str) -> str:
    return subprocess.run(("dpkg-query", *arguments), capture_output=True, check=True, text=True).stdout.strip()


def included(report: Path, requirements: Path, site: Path, standard: Path) -> list[Component]:
    """Return the packages of which a module was included, and Nuitka, whose own code is in every program of its making.

    `standard` is the folder of the standard library, whose modules are the interpreter's.
    """
    imported = {module.get("name", "").partition(".")[0] for module in ET.parse(report).getroot().iter("module")}  # noqa: S314  # Nuitka wrote it
    found = []
    for line in requirements.read_text().splitlines():
        if pinned := re.fullmatch(r"(\S+)==(\S+) --hash=sha256:(\w+)", line):
            name, version, sha256 = pinned.groups()
            provided, texts = _published(name, version, site)
            if imported & provided or name == "nuitka":
                found.append(Component("pypi", name, version, sha256, texts))
            imported -= provided
    library = {*sys.stdlib_module_names, *(path.stem for path in standard.iterdir())}
    ours = {"app", "botocore_data", "embedded_certificates", "embedded_models", "msgspec_standins", "__parents_main__"}
    if unknown := imported - ours - library:
        sys.exit(f"binary: modules of no known package are in the program: {' '.join(sorted(unknown))}")
    return found


def _published(name: str, version: str, site: Path) -> tuple[set[str], tuple[Path, ...]]:
    """Return the names that a package is imported by, and the files of its licence."""
    wheel = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder = wheel if wheel.exists() else site.parent / f"{name}-{version}"
    texts = tuple(sorted(path for kind in ("LICENSE*", "NOTICE*") for path in folder.rglob(kind) if path.is_file()))
    if not wheel.exists():
        return {name}, tuple(path for path in texts if path.parent == folder)
    record = (wheel / "RECORD").read_text().splitlines()
    return {line.split(",")[0].partition("/")[0].removesuffix(".py") for line in record}, texts
