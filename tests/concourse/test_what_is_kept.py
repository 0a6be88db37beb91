"""Nothing that Concourse keeps has a secret, but where a pipeline puts it itself.

It runs last, so that what is searched is that of all other pipelines.
"""

import json

from .concourse import Concourse
from .documented import blocks, first, pipeline, task
from .lab import Lab

(_PUT, LOAD, *_) = first()["jobs"][0]["plan"]
CARELESS = task('curl -fsS -o file "$URL"; echo "$URL"', URL="((.:download-url))")


def kept(concourse: Concourse) -> dict[str, str]:
    """Return all that Concourse keeps and shows, by what it is."""
    found = {"database": concourse.dump(), "logs": concourse.logs()}
    for build in concourse.get("/builds?limit=1000"):
        path = f"/builds/{build['id']}"
        found[f"{path}/events"] = json.dumps(concourse.events(build["id"]))
        # a check has neither a plan nor resources, and a build that never started has none
        planned = "job_name" in build and "start_time" in build
        for part in ("", "/resources", "/plan") if planned else ("",):
            found[path + part] = concourse.text(path + part)
    for one in concourse.get("/teams/main/pipelines"):
        path = f"/teams/main/pipelines/{one['name']}"
        for part in ("/config", "/resources", "/resource-types"):
            found[path + part] = concourse.text(path + part)
        for resource in concourse.get(f"{path}/resources"):
            versions = f"{path}/resources/{resource['name']}/versions"
            found[versions] = concourse.text(versions)
    return found


def leaks(found: dict[str, str], secrets: set[str]) -> list[str]:
    """Return where there is a secret."""
    return [name for name, text in found.items() if any(secret in text for secret in secrets)]


def run_careless(concourse: Concourse) -> int:
    """Run a pipeline that prints the URL itself, and return the build."""
    build = concourse.run(pipeline([_PUT, LOAD, CARELESS]), "careless", "job")
    assert build.status == "succeeded", build.log
    return build.id


def test_no_secret_is_kept(concourse: Concourse, lab: Lab) -> None:
    run_careless(concourse)
    found = kept(concourse)
    assert len(lab.secrets()) > 3
    assert leaks(found, lab.secrets()) == []
    # the search would find something
    assert leaks(found, {"folder/file.txt"}) != []


def test_without_redaction_only_what_a_pipeline_prints_is_kept(
    unredacted: Concourse, lab: Lab
) -> None:
    build = run_careless(unredacted)
    careful = unredacted.run(first(), "first", "share")
    assert careful.status == "succeeded", careful.log
    (files,) = blocks("README.md", "### Several files")
    assert unredacted.run(pipeline(files), "files", "job").status == "succeeded"
    assert leaks(kept(unredacted), lab.secrets()) == ["database", f"/builds/{build}/events"]
