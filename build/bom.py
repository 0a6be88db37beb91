"""Writes the bill of materials (CycloneDX 1.6), and the full text of every license and notice.

https://cyclonedx.org/docs/1.6/json/
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from components import Component

# Debian's notices refer to these files for the text of common licenses.
_COMMON_LICENCES = re.compile(r"/usr/share/common-licenses/[A-Z][A-Za-z0-9.-]*[A-Za-z0-9]")


def write_bill(
    path: Path, program: Path, version: str, components: list[Component], images: list[str]
) -> None:
    """Write the bill of materials. It does not depend on when or where the program was built.

    `images` are the base images that it was built in and ships on, if it was built in one.
    """
    itself = {
        "type": "application",
        "bom-ref": program.name,
        "name": program.name,
        "version": version,
        "licenses": [{"expression": "MIT"}],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(program.read_bytes()).hexdigest()}],
    }
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {
            "component": itself,
            "properties": [{"name": f"{program.name}:base-image", "value": x} for x in images],
        },
        "components": [_described(component) for component in components],
    }
    path.write_text(json.dumps(bill, indent=1) + "\n")


def _described(component: Component, holder: str = "") -> dict[str, Any]:
    """Return a component in CycloneDX form, with the components that it bundles inside it."""
    reference = component.purl or f"{holder}#{component.name}"
    optional = {
        "version": component.version,
        "purl": component.purl,
        "hashes": [{"alg": "SHA-256", "content": component.sha256}] if component.sha256 else [],
        "components": [_described(held, reference) for held in component.holds],
    }
    return {
        "type": "library",
        "bom-ref": reference,
        "name": component.name,
        "licenses": [{"expression": component.licence}],
        **{name: value for name, value in optional.items() if value},
    }


def write_licences(path: Path, own: str, components: list[Component]) -> None:
    """Write a table of all components and licenses, starting with ours, and then the texts."""
    everything = [("s3-presigned-url", "MIT", (own,)), *_listed(components)]
    table = "\n".join(f"{name:<50} {licence}" for name, licence, _ in everything)
    titled = [(name, text) for name, _, texts in everything for text in texts]
    common = {Path(path).resolve() for _, text in titled for path in _COMMON_LICENCES.findall(text)}
    titled += [(str(path), path.read_text()) for path in sorted(common) if path.is_file()]
    rule = "=" * 80
    sections = (f"{rule}\n{title}\n{rule}\n\n{text.strip()}" for title, text in titled)
    path.write_text("\n\n".join((table, *sections)) + "\n")


def _listed(
    components: Iterable[Component], holder: str = ""
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for component in components:
        words = (component.name, component.version, f"in {holder}" if holder else "")
        yield " ".join(filter(None, words)), component.licence, component.texts
        yield from _listed(component.holds, component.name)
