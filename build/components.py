"""What others made of which the program is made: found, not listed.

The linker's map names every object that is in the program, Nuitka's report every module; Debian's package database knows
whose a library is, and CPython's own bill of materials what it holds of others.
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

# What Nuitka writes and compiles: our modules as C, their constants, the table of modules, and the plugin's C code.
_GENERATED = ("module.", "__constants", "__loader.", "plugins/")
_NUITKAS_OWN = "static_src/"


@dataclass(frozen=True)
class Component:
    """Something that others made and published. `sha256` is that of the archive that was unpacked for it."""

    name: str
    version: str
    licence: str
    purl: str = ""
    sha256: str = ""
    texts: tuple[str, ...] = ()
    holds: tuple["Component", ...] = ()


def find(link_map: Path, report: Path, python: Path, site: Path) -> list[Component]:
    """Return all components. `python` is the folder of the interpreter's build, `site` that of the packages."""
    objects = _linked(link_map.read_text())
    modules = {name: module.attrib for module in ET.parse(report).iter("module") if (name := module.get("name"))}  # noqa: S314  # Nuitka's
    pythons = {name for file, names in objects.items() for name in names if file.is_relative_to(python)}
    libraries = [file for file in objects if file.is_absolute() and not file.is_relative_to(python)]
    return [
        _interpreter(python / "source", {*pythons, *modules}),
        *sorted({_of_debian(file) for file in libraries}, key=lambda component: component.name),
        *_packages({*_published(modules.values()), *_compiled(objects)}, site, set(modules)),
    ]


def _linked(link_map: str) -> dict[Path, set[str]]:
    """Return the files of which something is in memory when the program runs, and of archives, the names of the objects."""
    found: dict[Path, set[str]] = {}
    # " .text.SSL_new  0x00000000004a1b20      0x5d3 /usr/lib/x86_64-linux-gnu/libssl.a(ssl_lib.o)"
    section = re.compile(r" 0x0*([1-9a-f][0-9a-f]*) +0x([1-9a-f][0-9a-f]*) (\S+?)(?:\((\S+)\))?$", re.MULTILINE)
    for _, _, file, name in section.findall(link_map.partition("\nLinker script and memory map\n")[2]):
        if file.endswith((".a", ".o")):
            found.setdefault(Path(file).resolve() if file.startswith("/") else Path(file), set()).add(name)
    return found


def _interpreter(source: Path, parts: set[str]) -> Component:
    pin = tomllib.loads((HERE / "pins.toml").read_text())["python"]
    (sha256,) = (sha256 for name, sha256 in pin["sha256"].items() if ".orig." in name)
    return Component(
        pin["package"],
        pin["version"],
        _licence(pin["package"]),
        _purl_of_debian(pin["package"], pin["version"], pin["suite"]),
        sha256,
        ((source / "LICENSE").read_text(), (source / "Doc" / "license.rst").read_text()),
        tuple(
            _held(pin["package"], source, parts, json.loads((source / "Misc" / "sbom.spdx.json").read_text())["packages"])
        ),
    )


def _of_debian(file: Path) -> Component:
    """Return the source package that a library or an object of the C compiler comes from."""
    package = _dpkg("-S", str(file)).split(": ")[0]
    name, version = _dpkg("-W", "-f", "${source:Package} ${source:Version}", package).split()
    suite = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    notice = Path("/usr/share/doc", package.partition(":")[0], "copyright").read_text()
    licence = _licence(re.sub(r"^gcc-\d+$", "gcc", name))
    return Component(name, version, licence, _purl_of_debian(name, version, suite[1] if suite else ""), texts=(notice,))


def _packages(names: set[str], site: Path, modules: set[str]) -> Iterator[Component]:
    """Return the packages of these names, which must be pinned."""
    pins = re.findall(r"^(\S+)==(\S+) --hash=sha256:(\w+)", (HERE / "requirements.txt").read_text(), re.MULTILINE)
    if strangers := names - {name for name, _, _ in pins}:
        sys.exit(f"binary: modules of no pinned package are in the program: {' '.join(sorted(strangers))}")
    for name, version, sha256 in pins:
        if name in names:
            licence, purl = _licence(name), f"pkg:pypi/{name}@{version}"
            held = tuple(_held(name, site / name, modules))
            yield Component(name, version, licence, purl, sha256, tuple(_notices(name, version, site)), held)


def _published(modules: Iterable[dict[str, str]]) -> Iterator[str]:
    """Return the packages that the modules are of: all but ours and those of the standard library."""
    for module in modules:
        name = module["name"].partition(".")[0]
        if not module["source_path"].startswith("${sys.prefix}") and name not in OURS:
            yield module.get("distribution", name)


def _compiled(objects: Iterable[Path]) -> Iterator[str]:
    """Return Nuitka, if anything but our modules was compiled to objects that are no library's: its own code."""
    for name in (str(file) for file in objects if not file.is_absolute()):
        if name.startswith(_NUITKAS_OWN):
            yield "nuitka"
        elif not name.startswith(_GENERATED):
            sys.exit(f"binary: an object that nobody is known to have made is in the program: {name}")


def _notices(name: str, version: str, site: Path) -> Iterator[str]:
    """Return the licence of a package and its notices, from what its wheel installs or from its source distribution."""
    wheel, source = site / f"{name.replace('-', '_')}-{version}.dist-info", site.parent / f"{name}-{version}"
    for pattern in ("LICENSE*", "NOTICE*"):
        found = wheel.rglob(pattern) if wheel.exists() else source.glob(pattern)
        yield from (path.read_text() for path in sorted(found) if path.is_file())


def _held(holder: str, source: Path, parts: set[str], own_bill: Iterable[dict[str, Any]] = ()) -> Iterator[Component]:
    """Return what is in the program of what a component holds of others, by components.toml and by its own bill."""
    known, told = KNOWN["holds"].get(holder, {}), {package["name"]: package for package in own_bill}
    if strangers := told.keys() - known.keys():
        sys.exit(f"binary: {holder} holds what build/components.toml does not know: {' '.join(sorted(strangers))}")
    for name, fact in known.items():
        if any(part.startswith(fact.get("part", "")) for part in parts):
            texts = (_notice(source / fact["text"]),) if "text" in fact else ()
            if package := told.get(name):
                version, url = package["versionInfo"], quote(package["downloadLocation"], safe="")
                sha256 = next(one["checksumValue"] for one in package["checksums"] if one["algorithm"] == "SHA256")
                purl = f"pkg:generic/{name}@{version}?download_url={url}"
                yield Component(name, version, fact["licence"], purl, sha256, texts)
            else:
                yield Component(name, "", fact["licence"], texts=texts)


def _notice(path: Path) -> str:
    """Return a file, or of C code, the first comment that speaks of copyright, without its stars."""
    if path.suffix not in (".c", ".h"):
        return path.read_text()
    comments = re.findall(r"/\*(.*?)\*/", path.read_text(), re.DOTALL)
    comment = next(comment for comment in comments if "copyright" in comment.lower())
    return "\n".join(re.sub(r"^ ?\* ?", "", line).rstrip() for line in comment.strip().splitlines())


def _licence(name: str) -> str:
    if name not in KNOWN["licences"]:
        sys.exit(f"binary: {name} is in the program, and its licence not in build/components.toml")
    return str(KNOWN["licences"][name])


def _purl_of_debian(name: str, version: str, suite: str) -> str:
    return f"pkg:deb/debian/{name}@{quote(version, safe=':')}?arch=source&distro={suite}"


def _dpkg(*arguments: str) -> str:
    return subprocess.run(("dpkg-query", *arguments), capture_output=True, check=True, text=True).stdout.strip()
