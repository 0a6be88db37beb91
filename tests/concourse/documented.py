"""The pipelines and steps that README and docs show, by the heading above them."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from ..program import ROOT
from .lab import REGISTRY

README = "README.md"


def blocks(path: str, heading: str) -> list[Any]:
    """Return the YAML below a heading and above the next, with our image in the registry."""
    text = (ROOT / path).read_text().replace("ghcr.io/OWNER/", f"{REGISTRY}/owner/")
    section = text.split(f"\n{heading}\n", 1)[1] if heading else text
    section = re.split(r"^#+ ", section.removeprefix("# "), maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^```yaml\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return [yaml.safe_load(block) for block in found]


def first() -> dict[str, Any]:
    """Return the first pipeline of the README."""
    (pipeline,) = blocks(README, "")
    return dict(pipeline)


def pipeline(plan: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the first pipeline with a job named "job" of this plan instead of its own."""
    return {**first(), "jobs": [{"name": "job", "plan": list(plan)}], **more}


def task(script: str, *inputs: str, **params: str) -> dict[str, Any]:
    """Return a task that runs a script with curl."""
    return {
        "task": "look",
        "config": {
            "platform": "linux",
            "image_resource": {
                "type": "registry-image",
                "source": {"repository": "curlimages/curl"},
            },
            "inputs": [{"name": name} for name in inputs],
            "params": params,
            "run": {"path": "sh", "user": "root", "args": ["-euc", script]},
        },
    }
