"""What docs/troubleshooting.md says of Concourse's own messages is what Concourse prints."""

import time

from ..program import ROOT
from . import documented
from .concourse import Build, Concourse, wait_until
from .documented import pipeline

TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()
PUT = {"put": "s3-presigned-url", "inputs": [], "get_params": {"file_path": "folder/file.txt"}}
LOAD = {"load_var": "url", "file": "s3-presigned-url/url"}


def assert_documented(build: Build, message: str) -> None:
    assert (build.status in ("errored", "failed"), message in build.log) == (True, True), build.log
    assert f"* `{message}`" in TROUBLESHOOTING


def test_without_get_there_is_no_artifact(concourse: Concourse) -> None:
    build = concourse.run(pipeline([{**PUT, "no_get": True}, LOAD]), "no-get", "job")
    assert_documented(build, "unknown artifact source: 's3-presigned-url' in file path 'url'")


def test_another_url_file_is_not_found(concourse: Concourse) -> None:
    params = {**PUT["get_params"], "url_file": "download/link"}  # type: ignore[dict-item]
    build = concourse.run(pipeline([{**PUT, "get_params": params}, LOAD]), "url-file", "job")
    assert_documented(build, "file 'url' not found within artifact")


def test_params_of_a_put_are_refused(concourse: Concourse) -> None:
    put = {"put": "s3-presigned-url", "params": {"file_path": "folder/file.txt"}}
    build = concourse.run(pipeline([put]), "params", "job")
    line = (
        "out: params: not supported on put; move to get_params "
        "(the implicit get signs the URL): file_path"
    )
    assert f"s3-presigned-url: {line}" in build.log
    assert f"* `{line}`" in TROUBLESHOOTING


def test_a_get_before_any_put_waits_for_a_version(concourse: Concourse) -> None:
    concourse.set(pipeline([{"get": "s3-presigned-url", "trigger": True}]), "get-only")
    build = concourse.trigger("get-only", "job")
    time.sleep(15)
    assert concourse.status(build) == "pending"
    reasons = str(concourse.get(f"/builds/{build}/preparation"))
    concourse.abort(build)
    assert "latest version of resource not found" in reasons
    assert "* `latest version of resource not found`" in TROUBLESHOOTING


def test_a_get_with_trigger_runs_after_every_put(concourse: Concourse) -> None:
    put = {"name": "sign", "plan": [PUT]}
    params = {"file_path": "folder/file.txt"}
    get = {"get": "s3-presigned-url", "trigger": True, "params": params}
    jobs = [put, {"name": "use", "plan": [get]}]

    def ended() -> list[str]:
        builds = concourse.get("/teams/main/pipelines/trigger/jobs/use/builds")
        return [build["status"] for build in builds if "end_time" in build]

    for number in (1, 2):
        assert concourse.run(pipeline([], jobs=jobs), "trigger", "sign").status == "succeeded"
        wait_until(lambda: len(ended()) == number, 60)  # noqa: B023  # called in this round only
    assert ended() == ["succeeded"] * 2


def test_a_check_passes_without_credentials_and_the_get_fails(concourse: Concourse) -> None:
    (resource,) = documented.first()["resources"]
    source = {"bucket_name": "my-bucket", "region_name": "eu-west-1"}
    resources = [{**resource, "source": source}]
    build = concourse.run(pipeline([PUT], resources=resources), "no-credentials", "job")
    assert "s3-presigned-url: in: credentials: none found" in build.log
    assert concourse.check("no-credentials", "s3-presigned-url").endswith("succeeded\n")


def test_a_check_that_passed_is_not_run_again(concourse: Concourse) -> None:
    (resource,) = documented.first()["resources"]
    concourse.set(pipeline([PUT], resources=[{**resource, "check_every": "2s"}]), "checked")
    path = "/teams/main/pipelines/checked/resources/s3-presigned-url"
    wait_until(lambda: concourse.get(path).get("last_checked") is not None, 60)
    checked = concourse.get(path)["last_checked"]
    time.sleep(10)
    assert concourse.get(path)["last_checked"] == checked


def test_a_typo_in_the_source_is_refused_by_the_check(concourse: Concourse) -> None:
    (resource,) = documented.first()["resources"]
    resources = [{**resource, "source": {**resource["source"], "regoin_name": "eu-west-1"}}]
    concourse.set(pipeline([PUT], resources=resources), "typo")
    message = concourse.check("typo", "s3-presigned-url")
    line = "check: source.regoin_name: unknown field: did you mean region_name?"
    assert f"s3-presigned-url: {line}" in message
