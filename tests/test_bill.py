"""The bill of materials and the licences, beside the binary and in the image, tell what is inside: no more, no less."""

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
    "boto3": [],
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
    "s3transfer": [],
    "six": [],
    "urllib3": [],
    "zlib": [],
}


@dataclass(frozen=True)
class Shipped:
    """What is handed over: the program, and the two files about it."""

    program: bytes
    bill: str
    licences: str

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        """By name, and gcc without its number."""
        listed = json.loads(self.bill)["components"]
        return {re.sub(r"^gcc-\d+$", "gcc", component["name"]): component for component in listed}


@pytest.fixture(scope="module")
def shipped(program: Program) -> Shipped:
    resource, about = ROOT / "dist", ROOT / "about"
    if program.kind == "image":
        root: Path = program.image.root  # type: ignore[attr-defined]  # ContainerProgram's
        resource, about = root / "opt/resource", root / "usr/share/doc/s3-presigned-url"
    bill, licences = (about / "sbom.cdx.json").read_text(), (about / "licences.txt").read_text()
    return Shipped((resource / "s3-presigned-url").read_bytes(), bill, licences)


def test_the_bill_is_cyclonedx(shipped: Shipped) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shipped.bill) is None


def test_the_bill_lists_every_component_with_what_it_holds_of_others(shipped: Shipped) -> None:
    listed = shipped.components
    listed.pop("libzstd", None)  # of OpenSSL, from Debian 13 on
    assert {name: [held["name"] for held in one.get("components", [])] for name, one in listed.items()} == COMPONENTS


def test_the_bill_is_of_this_program(shipped: Shipped) -> None:
    itself = json.loads(shipped.bill)["metadata"]["component"]
    assert itself["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(shipped.program).hexdigest()}]
    assert (itself["name"], itself["version"]) == ("s3-presigned-url", app.__version__)


def test_the_versions_are_those_that_the_program_tells(program: Program, shipped: Shipped) -> None:
    told = dict(line.split() for line in program.run("--version").stdout.splitlines())
    assert told.pop("s3-presigned-url") == app.__version__
    told["python3.13"] = told.pop("python")
    assert told == {name: upstream(shipped, name) for name in told}


def test_the_versions_are_those_that_the_libraries_wrote_into_the_program(shipped: Shipped) -> None:
    for signature in (
        f"OpenSSL {upstream(shipped, 'openssl')} ",
        f"expat_{upstream(shipped, 'expat')}\0",
        f"\0{upstream(shipped, 'zlib')}\0",
    ):
        assert signature.encode() in shipped.program, signature


def upstream(shipped: Shipped, name: str) -> str:
    """The version as those who wrote it call it: Debian's 1:1.3.dfsg+really1.3.1-1 is 1.3.1."""
    version: str = shipped.components[name]["version"]
    return version if name == "python-dateutil" else re.findall(r"\d+(?:\.\d+)+", version.partition("-")[0])[-1]


def test_what_was_pinned_by_its_hash_is_listed_with_it(shipped: Shipped) -> None:
    pinned = {name for name, component in shipped.components.items() if "hashes" in component}
    assert sorted(COMPONENTS.keys() - pinned) == ["expat", "gcc", "glibc", "libffi", "openssl", "zlib"]


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
def test_the_licences_are_there_in_full(shipped: Shipped, sentence: str) -> None:
    assert sentence in shipped.licences


def test_every_component_is_in_the_table_of_licences(shipped: Shipped) -> None:
    table = shipped.licences.partition("\n\n")[0]
    for component in everything(json.loads(shipped.bill)["components"]):
        (licence,) = component["licenses"]
        assert re.search(rf"^{re.escape(component['name'])} .*{re.escape(licence['expression'])}$", table, re.MULTILINE)


def everything(components: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for component in components:
        yield component
        yield from everything(component.get("components", []))


def test_the_reason_for_each_component_is_written_down() -> None:
    table = (ROOT / "build/README.md").read_text().partition("| component | why |")[2].partition("\n\n")[0]
    reasons = re.findall(r"^\| (\w[^|]*) \| ", table, re.MULTILINE)
    assert sorted(name for names in reasons for name in names.split(", ")) == sorted(COMPONENTS)
