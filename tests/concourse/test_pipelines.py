"""Every pipeline of README and docs does what it says."""

import base64
import json
import re
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from ..expect import boto3_url, signed_at
from ..servers import REGION, send
from ..sts_server import OF_THE_ROLE
from . import documented
from .concourse import Build, Concourse
from .documented import README, blocks, pipeline, task
from .lab import OBJECTS, Lab

POST_LINK = task(
    'curl -fsS --json "{\\"text\\": \\"$(cat s3-presigned-url/url)\\"}" https://chat.example.com/hook',
    "s3-presigned-url",
)
UPLOADS, CREDENTIALS, EXAMPLES = "docs/uploads.md", "docs/credentials.md", "docs/examples.md"


def succeeded(build: Build) -> str:
    """Return the log of a build that succeeded."""
    assert build.status == "succeeded", build.log
    return build.log


def signed(log: str, method: str, key: str, lifetime: str) -> bool:
    """Return whether the log has the line about a signed URL."""
    end = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    line = (
        rf"^signed {method} s3://my-bucket/{re.escape(key)}, valid until {end} \({lifetime}\)(;|$)"
    )
    return bool(re.search(line, log, re.MULTILINE))


def digest(key: str) -> str:
    """Return what sha256sum prints of an object."""
    return sha256(OBJECTS[key]).hexdigest()


def test_the_first_pipeline_posts_a_link_that_downloads_the_file(
    concourse: Concourse, lab: Lab
) -> None:
    log = succeeded(concourse.run(documented.first(), "first", "share"))
    assert signed(log, "GET", "folder/file.txt", "24h")
    assert send(lab.links()[-1], server=lab.s3)[:2] == (200, OBJECTS["folder/file.txt"])


def test_a_pipeline_of_the_concoursetools_example_runs_unchanged(
    concourse: Concourse, lab: Lab
) -> None:
    put = {
        "put": "s3-presigned-url",
        "get_params": {
            "file_path": "folder/file.txt",
            "file_name": "file.txt",
            "expires_in": {"hours": 24},
        },
    }
    load = {"load_var": "s3-url", "file": "s3-presigned-url/url"}
    use = task('curl -fsS -D - -o file "$URL"; sha256sum file', URL="((.:s3-url))")
    log = succeeded(concourse.run(pipeline([put, load, use]), "concoursetools", "job"))
    assert digest("folder/file.txt") in log
    assert 'attachment; filename="file.txt"' in log


def test_a_task_downloads_what_the_put_signed(concourse: Concourse) -> None:
    (put,), (download,) = blocks(README, "### Download")
    plan = [put, download, task("sha256sum report/november.pdf", "report")]
    log = succeeded(concourse.run(pipeline(plan), "download", "job"))
    assert signed(log, "GET", "reports/2026-11.pdf", "2d")
    assert digest("reports/2026-11.pdf") in log


UPLOAD = "curl --fail --silent --show-error -K upload-link/curl.conf --upload-file file"


def test_an_upload_succeeds_once_and_only_with_its_headers(concourse: Concourse, lab: Lab) -> None:
    ((put,),) = blocks(README, "### Upload")
    status = "curl -s -o answer -w 'without headers: %{http_code}\\n'"
    without = f'{status} --upload-file file "$(cat upload-link/url)"'
    again = f"{UPLOAD} || echo refused"
    script = f"echo a report > file; {without}; {UPLOAD}; {again}"
    plan = [put, task(script, "upload-link")]
    log = succeeded(concourse.run(pipeline(plan), "upload", "job"))
    assert signed(log, "PUT", "incoming/report.pdf", "30m")
    assert "without headers: 403" in log
    assert "The requested URL returned error: 412" in log
    assert lab.s3.read("incoming/report.pdf") == b"a report\n"


def test_an_upload_without_headers_needs_none(concourse: Concourse, lab: Lab) -> None:
    ((put,),) = blocks(README, "### Upload")
    params = {"method": "PUT", "file_path": "incoming/plain.bin"}
    script = 'echo plain > file; curl -fsS --upload-file file "$(cat upload-link/url)"'
    plan = [{**put, "get_params": params}, task(script, "upload-link")]
    log = succeeded(concourse.run(pipeline(plan), "upload-plain", "job"))
    assert signed(log, "PUT", "incoming/plain.bin", "1h")
    assert lab.s3.read("incoming/plain.bin") == b"plain\n"


def test_an_upload_carries_metadata_and_tags(concourse: Concourse, lab: Lab) -> None:
    ((put,),) = blocks(UPLOADS, "## PUT: signed headers")
    number = {
        "task": "number",
        "config": {
            **task("echo 4711 > build/id")["config"],
            "outputs": [{"name": "build"}],
        },
    }
    load = {"load_var": "build-id", "file": "build/id", "format": "trim"}
    plan = [number, load, put, task(f"echo tagged > file; {UPLOAD}", "upload-link")]
    succeeded(concourse.run(pipeline(plan), "upload-headers", "job"))
    key = put["get_params"]["file_path"]
    found = lab.s3.client.get_object(Bucket="my-bucket", Key=key)
    assert found["Body"].read() == b"tagged\n"
    assert (found["Metadata"], found["ContentType"]) == ({"build": "4711"}, "application/pdf")
    tags = lab.s3.client.get_object_tagging(Bucket="my-bucket", Key=key)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "payments", "retention": "30d"}


def test_an_upload_once_is_refused_the_second_time(concourse: Concourse, lab: Lab) -> None:
    ((put,),) = blocks(UPLOADS, "## Upload once")
    script = f"echo first > file; {UPLOAD}; echo second > file; {UPLOAD} || echo refused"
    log = succeeded(concourse.run(pipeline([put, task(script, "upload-link")]), "once", "job"))
    assert "The requested URL returned error: 412" in log
    assert lab.s3.read(put["get_params"]["file_path"]) == b"first\n"


def test_a_form_uploads_what_it_allows_and_nothing_else(concourse: Concourse, lab: Lab) -> None:
    ((put,),) = blocks(UPLOADS, "## POST: a form")
    post = "curl --silent -K upload-form/curl.conf -o answer -w '%{http_code}\\n'"
    script = (
        f"echo image > file; echo form: $({post} -F Content-Type=image/png -F file=@file);"
        f"echo text: $({post} -F Content-Type=text/plain -F file=@file)"
    )
    log = succeeded(concourse.run(pipeline([put, task(script, "upload-form")]), "form", "job"))
    assert signed(log, "POST", "incoming/${filename}", "7d")
    assert "form: 303" in log
    assert "text: 403" in log
    # this server does not replace the variable: see docs/providers.md
    assert lab.s3.read("incoming/${filename}") == b"image\n"


def test_several_files_have_a_variable_each(concourse: Concourse) -> None:
    ((put, load),) = blocks(README, "### Several files")
    script = 'curl -fsS "$LINUX" | sha256sum; curl -fsS "$MACOS" | sha256sum; ls links'
    use = task(script, "links", LINUX="((.:links.linux))", MACOS="((.:links.macos))")
    log = succeeded(concourse.run(pipeline([put, load, use]), "files", "job"))
    for key in ("releases/1.4.0/app-linux.tgz", "releases/1.4.0/app-macos.zip"):
        assert signed(log, "GET", key, "7d")
        assert digest(key) in log


def test_across_signs_a_url_for_each_value(concourse: Concourse) -> None:
    (plan,) = blocks(EXAMPLES, "## One URL per value")
    log = succeeded(concourse.run(pipeline(plan), "across", "job"))
    for key in ("releases/1.4.0/app-linux.tgz", "releases/1.4.0/app-macos.zip"):
        assert digest(key) in log


def test_puts_in_parallel_leave_a_url_each(concourse: Concourse) -> None:
    (plan,) = blocks(EXAMPLES, "## In parallel")
    use = task('for one in linux macos; do curl -fsS "$(cat $one/url)"; done', "linux", "macos")
    log = succeeded(concourse.run(pipeline([*plan, use]), "in-parallel", "job"))
    assert "for linux" in log
    assert "for macos" in log


def test_the_version_that_s3_resource_got_is_signed(concourse: Concourse, lab: Lab) -> None:
    (chain,) = blocks(README, "### After concourse/s3-resource")
    versioning = {"Status": "Enabled"}
    lab.s3.client.put_bucket_versioning(Bucket="my-bucket", VersioningConfiguration=versioning)
    lab.s3.put("releases/app.tgz", b"the version that is shared\n")
    chain = {**documented.first(), **chain}
    chain["jobs"][0]["plan"].append(POST_LINK)
    log = succeeded(concourse.run(chain, "chain", "publish"))
    assert signed(log, "GET", "releases/app.tgz", "24h")
    lab.s3.put("releases/app.tgz", b"a later version\n")
    assert send(lab.links()[-1], server=lab.s3)[:2] == (200, b"the version that is shared\n")


def test_a_task_signs_with_the_image(concourse: Concourse) -> None:
    ((sign,),) = blocks(README, "### In a task")
    use = task('curl -fsS "$(cat link/url)" | sha256sum', "link")
    log = succeeded(concourse.run(pipeline([sign, use], resources=[]), "in-a-task", "job"))
    assert digest("folder/file.txt") in log


def requests_of_sts(lab: Lab, action: str) -> list[dict[str, str]]:
    """Return the parameters of the requests that STS got."""
    queries = [parse_qs(request.body.decode()) for request in lab.sts.requests]
    plain = [{name: values[0] for name, values in query.items()} for query in queries]
    return [query for query in plain if query["Action"] == action]


def assert_signed_by_the_role(url: str) -> None:
    """The S3 server knows no session tokens, so boto3 says how the URL has to be."""
    source = {"bucket_name": "my-bucket", "region_name": REGION, **OF_THE_ROLE}
    parameters = {"Bucket": "my-bucket", "Key": "folder/file.txt"}
    assert url == boto3_url(source, "GET", parameters, 3600, signed_at(url))


def test_a_role_is_assumed_by_key(concourse: Concourse, lab: Lab) -> None:
    source, *_ = blocks(CREDENTIALS, "## A role")
    (resource,) = documented.first()["resources"]
    put = {"put": "s3-presigned-url", "get_params": {"file_path": "folder/file.txt"}}
    by_key = pipeline([put, POST_LINK], resources=[{**resource, **source}])
    succeeded(concourse.run(by_key, "by-key", "job"))
    assert_signed_by_the_role(lab.links()[-1])
    asked = requests_of_sts(lab, "AssumeRole")[-1]
    assert asked["RoleArn"] == source["source"]["aws_role_arn"]
    assert asked["ExternalId"] == "the-external-id"
    assert re.fullmatch(r"concourse-\d+", asked["RoleSessionName"])


def test_a_role_is_assumed_by_the_pipeline_itself(concourse: Concourse, lab: Lab) -> None:
    (shown,) = blocks(CREDENTIALS, "## The pipeline itself")
    by_token = {**documented.first(), **shown}
    by_token["jobs"][0]["plan"].append(POST_LINK)
    succeeded(concourse.run(by_token, "by-token", "share"))
    assert_signed_by_the_role(lab.links()[-1])
    asked = requests_of_sts(lab, "AssumeRoleWithWebIdentity")[-1]
    claims = claims_of(asked["WebIdentityToken"])
    assert (claims["aud"], claims["sub"]) == ("sts.amazonaws.com", "main/by-token")


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JSON web token, whose signature STS checks."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims
