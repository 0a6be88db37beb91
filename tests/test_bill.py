"""The bill of materials and the license texts list exactly what is in the program."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import app

from .program import ROOT, Program

COMPONENTS = {
    "botocore": ["mozilla-ca-certificates", "requests", "six", "urllib3"],
    "expat": [],
    "gcc": [],
    "glibc": [],
    "jmespath": [],
    "libffi": [],
    "msgspec": ["musl", "ryu", "wuffs", "yyjson"],
    "nuitka": [],
    "openssl": [],
    "python-dateutil": [],
    "python3.13": ["hacl-star", "libb2", "mpdecimal"],
    "six": [],
    "urllib3": [],
    "zlib": [],
}


@dataclass(frozen=True)
class Shipped:
    """The program, and the two files that describe it."""

    program: bytes
    bill: str
    licenses: str

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        """The listed components by name, with gcc's version number removed."""
        listed = json.loads(self.bill)["components"]
        return {re.sub(r"^gcc-\d+$", "gcc", component["name"]): component for component in listed}


@pytest.fixture(scope="module")
def shipped(program: Program) -> Shipped:
    resource, about = ROOT / "dist", ROOT / "about"
    if program.kind == "image":
        root: Path = program.image.root  # type: ignore[attr-defined]  # ContainerProgram's
        resource, about = root / "opt/resource", root / "usr/share/doc/s3-presigned-url"
    bill, licenses = (about / "sbom.cdx.json").read_text(), (about / "licences.txt").read_text()
    return Shipped((resource / "s3-presigned-url").read_bytes(), bill, licenses)


def test_the_bill_of_the_image_names_its_base_images(program: Program, shipped: Shipped) -> None:
    properties = json.loads(shipped.bill)["metadata"]["properties"]
    assert {found["name"] for found in properties} <= {"s3-presigned-url:base-image"}
    if program.kind == "image":
        names = [re.split("[:@]", found["value"])[0] for found in properties]
        assert names == ["docker.io/library/debian", "gcr.io/distroless/static-debian13"]


def test_the_bill_is_valid_cyclonedx(shipped: Shipped) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shipped.bill) is None


def test_every_component_is_listed_with_the_components_it_bundles(shipped: Shipped) -> None:
    listed = {
        name: [bundled["name"] for bundled in component.get("components", [])]
        for name, component in shipped.components.items()
    }
    listed.pop("libzstd", None)  # a dependency of OpenSSL since Debian 13
    assert listed == COMPONENTS


def test_the_bill_describes_this_program(shipped: Shipped) -> None:
    itself = json.loads(shipped.bill)["metadata"]["component"]
    sha256 = hashlib.sha256(shipped.program).hexdigest()
    assert itself["hashes"] == [{"alg": "SHA-256", "content": sha256}]
    assert (itself["name"], itself["version"]) == ("s3-presigned-url", app.__version__)


def test_the_versions_match_those_that_the_program_prints(
    program: Program, shipped: Shipped
) -> None:
    printed = dict(line.split() for line in program.run("--version").stdout.splitlines())
    assert printed.pop("s3-presigned-url") == app.__version__
    printed["python3.13"] = printed.pop("python")
    assert printed == {name: upstream(shipped, name) for name in printed}


def test_the_versions_match_those_embedded_in_the_program(shipped: Shipped) -> None:
    for signature in (
        f"OpenSSL {upstream(shipped, 'openssl')} ",
        f"expat_{upstream(shipped, 'expat')}\0",
        f"\0{upstream(shipped, 'zlib')}\0",
    ):
        assert signature.encode() in shipped.program, signature


def upstream(shipped: Shipped, name: str) -> str:
    """Return the upstream version: Debian's 1:1.3.dfsg+really1.3.1-1 is 1.3.1."""
    version: str = shipped.components[name]["version"]
    if name == "python-dateutil":
        return version
    *_, upstream_version = re.findall(r"\d+(?:\.\d+)+", version.partition("-")[0])
    return str(upstream_version)


def test_pinned_components_are_listed_with_their_hash(shipped: Shipped) -> None:
    pinned = {name for name, component in shipped.components.items() if "hashes" in component}
    unpinned = sorted(COMPONENTS.keys() - pinned)
    assert unpinned == ["expat", "gcc", "glibc", "libffi", "openssl", "zlib"]


@pytest.mark.parametrize(
    "sentence",
    [
        "s3-presigned-url                                   MIT",
        "Copyright (c) 2026 the s3-presigned-url authors",
        "Python Software Foundation License Version 2",
        "Copyright (c) 2016-2022 INRIA, CMU and Microsoft Corporation",
        "Written in 2012 by Samuel Neves",
        "Copyright (c) 2008-2020 Stefan Krah",
        "GCC RUNTIME LIBRARY EXCEPTION",
        "The GNU C Library is free software; you can redistribute it and/or",
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "Thai Open Source Software Center Ltd",
        "Jean-loup Gailly",
        "Anthony Green",
        "The OpenSSL Project",
        "Mozilla Public License Version 2.0",
        "Copyright 2013 Kenneth Reitz",
        "Copyright (c) 2021, Jim Crist-Harif",
        "copyright Rich Felker et. al",
        "Copyright 2018 Ulf Adams",
        "Copyright 2020 The Wuffs Authors",
        "Copyright (c) 2020 YaoYuan",
        "Nuitka Runtime Library Exception",
        "Copyright (c) 2008-2020 Andrey Petrov and contributors",
        "Copyright (c) 2010-2024 Benjamin Peterson",
        "Copyright 2017- Paul Ganssle",
    ],
)
def test_the_license_texts_are_complete(shipped: Shipped, sentence: str) -> None:
    assert sentence in shipped.licenses


def test_every_component_is_in_the_table_of_licenses(shipped: Shipped) -> None:
    table = shipped.licenses.partition("\n\n")[0]
    for component in with_bundled(json.loads(shipped.bill)["components"]):
        (license_,) = component["licenses"]
        row = rf"^{re.escape(component['name'])} .*{re.escape(license_['expression'])}$"
        assert re.search(row, table, re.MULTILINE)


def with_bundled(components: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for component in components:
        yield component
        yield from with_bundled(component.get("components", []))


def test_the_readme_of_the_build_gives_a_reason_for_each_component(program: Program) -> None:
    readme = (ROOT / "build/README.md").read_text()
    table = readme.partition("| component | why |")[2].partition("\n\n")[0]
    reasons = re.findall(r"^\| (\w[^|]*) \| ", table, re.MULTILINE)
    assert sorted(name for names in reasons for name in names.split(", ")) == sorted(COMPONENTS)
