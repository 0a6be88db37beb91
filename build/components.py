"""Finds the components of the program that others made.

The linker map names every object file in the program, and Nuitka's report every module. Debian's
package database has the package of a library, and CPython's own bill of materials what it bundles.
"""

import json
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).parent
KNOWN = tomllib.loads((HERE / "components.toml").read_text())
OURS = {"app", "botocore_data", *(path.stem for path in (HERE / "inside").glob("*.py"))}

# Written by Nuitka: C code of our modules, their constants, a module table, the plugin's C code.
_GENERATED = ("module.", "__constants", "__loader.", "plugins/")
_NUITKAS_OWN = "static_src/"


@dataclass(frozen=True)
class Component:
    """A third-party component. `sha256` is the hash of the archive that it was unpacked from."""

    name: str
    version: str
    licence: str
    purl: str = ""
    sha256: str = ""
    texts: tuple[str, ...] = ()
    holds: tuple["Component", ...] = ()


def find(link_map: Path, report: Path, python: Path, site: Path) -> list[Component]:
    """Return all components. `python` is the interpreter's build folder, `site` the packages'."""
    objects = _linked(link_map.read_text())
    listed = ET.parse(report).iter("module")  # noqa: S314  # Nuitka's own report
    modules = {name: module.attrib for module in listed if (name := module.get("name"))}
    interpreter = [file for file in objects if file.is_relative_to(python)]
    parts = {name for file in interpreter for name in objects[file]}
    libraries = [file for file in objects if file.is_absolute() and file not in interpreter]
    return [
        _interpreter(python / "source", {*parts, *modules}),
        *sorted({_of_debian(file) for file in libraries}, key=lambda component: component.name),
        *_packages({*_published(modules.values()), *_compiled(objects)}, site, set(modules)),
    ]


def _linked(link_map: str) -> dict[Path, set[str]]:
    """Return the files that are part of the running program, and which objects of the archives."""
    found: dict[Path, set[str]] = {}
    # " .text.SSL_new  0x00000000004a1b20      0x5d3 /usr/lib/x86_64-linux-gnu/libssl.a(ssl_lib.o)"
    section = re.compile(
        r" 0x0*([1-9a-f][0-9a-f]*) +0x([1-9a-f][0-9a-f]*) (\S+?)(?:\((\S+)\))?$", re.MULTILINE
    )
    memory_map = link_map.partition("\nLinker script and memory map\n")[2]
    for _, _, file, name in section.findall(memory_map):
        if file.endswith((".a", ".o")):
            path = Path(file).resolve() if file.startswith("/") else Path(file)
            found.setdefault(path, set()).add(name)
    return found


def _interpreter(source: Path, parts: set[str]) -> Component:
    pin = tomllib.loads((HERE / "pins.toml").read_text())["python"]
    name, version = pin["package"], pin["version"]
    (sha256,) = (sums["sha256"] for file, sums in pin["files"].items() if ".orig." in file)
    bill = json.loads((source / "Misc" / "sbom.spdx.json").read_text())
    return Component(
        name,
        version,
        _licence(name),
        _purl_of_debian(name, version, pin["suite"]),
        sha256,
        ((source / "LICENSE").read_text(), (source / "Doc" / "license.rst").read_text()),
        tuple(_held(name, source, parts, bill["packages"])),
    )


def _of_debian(file: Path) -> Component:
    """Return the Debian source package of a library or of an object file of the C compiler."""
    package = _dpkg("-S", str(file)).split(": ")[0]
    name, version = _dpkg("-W", "-f", "${source:Package} ${source:Version}", package).split()
    suite = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    notice = Path("/usr/share/doc", package.partition(":")[0], "copyright").read_text()
    licence = _licence(re.sub(r"^gcc-\d+$", "gcc", name))
    purl = _purl_of_debian(name, version, suite[1] if suite else "")
    return Component(name, version, licence, purl, texts=(notice,))


def _packages(names: set[str], site: Path, modules: set[str]) -> Iterator[Component]:
    """Return the packages with these names, all of which must be pinned."""
    requirements = (HERE / "requirements.txt").read_text()
    pins = re.findall(r"^(\S+)==(\S+) --hash=sha256:(\w+)", requirements, re.MULTILINE)
    if unpinned := names - {name for name, _, _ in pins}:
        sys.exit(f"binary: modules from unpinned packages: {' '.join(sorted(unpinned))}")
    for name, version, sha256 in pins:
        if name in names:
            licence, purl = _licence(name), f"pkg:pypi/{name}@{version}"
            texts = tuple(_notices(name, version, site))
            held = tuple(_held(name, site / name, modules))
            yield Component(name, version, licence, purl, sha256, texts, held)


def _published(modules: Iterable[dict[str, str]]) -> Iterator[str]:
    """Return the packages of the modules, except our own modules and the standard library."""
    for module in modules:
        name = module["name"].partition(".")[0]
        if not module["source_path"].startswith("${sys.prefix}") and name not in OURS:
            yield module.get("distribution", name)


def _compiled(objects: Iterable[Path]) -> Iterator[str]:
    """Return "nuitka" for object files of its own code. Exits if an object file is unknown."""
    for name in (str(file) for file in objects if not file.is_absolute()):
        if name.startswith(_NUITKAS_OWN):
            yield "nuitka"
        elif not name.startswith(_GENERATED):
            sys.exit(f"binary: unknown object file in the program: {name}")


def _notices(name: str, version: str, site: Path) -> Iterator[str]:
    """Return a package's license and notices, from its wheel or from its source distribution."""
    wheel = site / f"{name.replace('-', '_')}-{version}.dist-info"
    source = site.parent / f"{name}-{version}"
    for pattern in ("LICENSE*", "NOTICE*"):
        found = wheel.rglob(pattern) if wheel.exists() else source.glob(pattern)
        yield from (path.read_text() for path in sorted(found) if path.is_file())


def _held(
    holder: str, source: Path, parts: set[str], own_bill: Iterable[dict[str, Any]] = ()
) -> Iterator[Component]:
    """Return what `holder` bundles, according to components.toml and its own bill, if linked in."""
    known = KNOWN["holds"].get(holder, {})
    listed = {package["name"]: package for package in own_bill}
    if unknown := listed.keys() - known.keys():
        names = " ".join(sorted(unknown))
        sys.exit(f"binary: add to build/components.toml, as bundled in {holder}: {names}")
    for name, fact in known.items():
        if any(part.startswith(fact.get("part", "")) for part in parts):
            texts = (_notice(source / fact["text"]),) if "text" in fact else ()
            if package := listed.get(name):
                version, url = package["versionInfo"], quote(package["downloadLocation"], safe="")
                sums = package["checksums"]
                sha256 = next(x["checksumValue"] for x in sums if x["algorithm"] == "SHA256")
                purl = f"pkg:generic/{name}@{version}?download_url={url}"
                yield Component(name, version, fact["licence"], purl, sha256, texts)
            else:
                yield Component(name, "", fact["licence"], texts=texts)


def _notice(path: Path) -> str:
    """Return a text, or the first comment with "copyright" if it is C code, without its stars."""
    if path.suffix not in (".c", ".h"):
        return path.read_text()
    comments = re.findall(r"/\*(.*?)\*/", path.read_text(), re.DOTALL)
    comment = next(comment for comment in comments if "copyright" in comment.lower())
    return "\n".join(re.sub(r"^ ?\* ?", "", line).rstrip() for line in comment.strip().splitlines())


def _licence(name: str) -> str:
    if name not in KNOWN["licences"]:
        sys.exit(f"binary: add the license of {name} to build/components.toml")
    return str(KNOWN["licences"][name])


def _purl_of_debian(name: str, version: str, suite: str) -> str:
    return f"pkg:deb/debian/{name}@{quote(version, safe=':')}?arch=source&distro={suite}"


def _dpkg(*arguments: str) -> str:
    command = ("dpkg-query", *arguments)
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
