"""The behavior of successful runs, as described in `../README.md`."""

import json
import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from .expect import boto3_url, expiring_in, get, query, rfc3339, signed_at
from .program import (
    SESSION_TOKEN,
    SOURCE,
    VARIABLES,
    VERSION,
    Program,
    files_below,
    get_request,
    without_ellipses,
)
from .test_bucket import ADDRESSES
from .test_duration import DURATIONS
from .test_request import DISPOSITIONS


@pytest.mark.parametrize(
    "request_",
    [
        {"source": SOURCE},
        {"source": SOURCE, "version": None},
        {"source": SOURCE, "version": {}},
        {"source": SOURCE, "version": VERSION},
        {"source": SOURCE, "params": None, "unknown": 1},
        {"source": {"bucket": "my-bucket", "region_name": "eu-west-1"}},
    ],
)
def test_check_returns_no_versions(program: Program, request_: dict[str, Any]) -> None:
    result = program.run("check", request=request_)
    assert (result.code, result.stdout, result.stderr) == (0, "[]", "")


@pytest.mark.parametrize("extra", [{}, {"params": None}, {"params": {}}, {"team": "main"}])
def test_out_returns_the_time(program: Program, tmp_path: Path, extra: dict[str, Any]) -> None:
    before = int(time.time())
    result = program.run("out", tmp_path, request={"source": SOURCE, **extra})
    version = result.answer["version"]
    assert list(version) == ["execution_date", "nanoseconds"]
    assert before <= int(version["execution_date"]) <= time.time()
    assert 0 <= int(version["nanoseconds"]) < 10**9
    assert {text: str(int(text)) for text in version.values()} == {t: t for t in version.values()}
    assert result.code == 0
    assert result.stderr == ""
    assert json.loads(result.stdout)["metadata"] == [
        {"name": "bucket", "value": "my-bucket"},
        {"name": "region", "value": "eu-west-1"},
    ]
    assert files_below(tmp_path) == {}


def test_every_put_has_a_version_of_its_own(program: Program, tmp_path: Path) -> None:
    runs = [program.run("out", tmp_path, request={"source": SOURCE}) for _ in range(20)]
    assert len({run.stdout for run in runs}) == 20


def test_in_writes_the_url_its_expiry_and_the_s3_uri(program: Program, destination: Path) -> None:
    before = int(time.time())
    request = get_request(
        {"file_path": "folder/file.txt", "file_name": "file.txt", "expires_in": {"hours": 24}}
    )
    result = program.run("in", destination, request=request)
    files = files_below(destination)
    now = signed_at(files["url"])
    assert before <= now <= time.time()
    assert sorted(files) == ["expires_at", "s3_uri", "url"]
    parameters = {
        "Bucket": "my-bucket",
        "Key": "folder/file.txt",
        "ResponseContentDisposition": 'attachment; filename="file.txt"',
    }
    end = rfc3339(now + 86400)
    assert files["url"] == boto3_url(SOURCE, "GET", parameters, 86400, now)
    assert files["expires_at"] == end
    assert files["s3_uri"] == "s3://my-bucket/folder/file.txt"
    assert result.answer == {
        "version": VERSION,
        "metadata": [
            {"name": "bucket", "value": "my-bucket"},
            {"name": "key", "value": "folder/file.txt"},
            {"name": "region", "value": "eu-west-1"},
            {"name": "host", "value": "my-bucket.s3.eu-west-1.amazonaws.com"},
            {"name": "method", "value": "GET"},
            {"name": "expires_at", "value": end},
            {"name": "file_name", "value": "file.txt"},
        ],
    }
    assert result.stderr == f"signed GET s3://my-bucket/folder/file.txt, valid until {end} (24h)\n"
    assert result.code == 0


def test_a_pipeline_of_the_concoursetools_example_runs_unchanged(
    program: Program, destination: Path
) -> None:
    source = {"bucket_name": "my-bucket", "region_name": "eu-west-1"}
    put = program.run("out", destination, request={"source": source}, environ=VARIABLES)
    request = {
        "source": source,
        "version": put.answer["version"],
        "params": {
            "file_path": "my-file",
            "expires_in": {"hours": 24},
            "file_name": "file.txt",
            "url_file": "link",
        },
    }
    got = program.run("in", destination, request=request, environ=VARIABLES)
    assert got.answer["version"] == put.answer["version"]
    url = (destination / "link").read_text()
    expected = {
        "Bucket": "my-bucket",
        "Key": "my-file",
        "ResponseContentDisposition": 'attachment; filename="file.txt"',
    }
    assert url == boto3_url(SOURCE, "GET", expected, 86400, signed_at(url))


@pytest.mark.parametrize("version", [None, {}, ...])
def test_in_needs_no_version(program: Program, destination: Path, version: Any) -> None:
    request = without_ellipses({**get_request(), "version": version})
    result = program.run("in", destination, request=request)
    assert (result.code, result.answer["version"]) == (0, {})


def test_a_version_of_any_shape_is_returned_unchanged(program: Program, destination: Path) -> None:
    version = {"execution_date": "not a number", "ref": "é"}
    result = program.run("in", destination, request={**get_request(), "version": version})
    assert result.answer["version"] == version


def test_files_are_readable_by_everyone(program: Program, destination: Path) -> None:
    get(program, destination, {"file_path": "k", "url_file": "a/b/link"})
    modes = {
        str(path.relative_to(destination)): stat.S_IMODE(path.stat().st_mode)
        for path in destination.rglob("*")
    }
    assert modes == {
        "a": 0o755,
        "a/b": 0o755,
        "a/b/link": 0o644,
        "expires_at": 0o644,
        "s3_uri": 0o644,
    }


def test_an_upload_writes_its_headers_and_a_config_for_curl(
    program: Program, destination: Path
) -> None:
    params = {
        "file_path": "up/load.txt",
        "method": "PUT",
        "content_type": 'text/plain; charset="utf-8"',
        "acl": "bucket-owner-full-control",
        "server_side_encryption": "aws:kms",
        "sse_kms_key_id": "alias/my-key",
    }
    result = program.run("in", destination, request=get_request(params))
    files = files_below(destination)
    now = signed_at(files["url"])
    parameters = {
        "Bucket": "my-bucket",
        "Key": "up/load.txt",
        "ContentType": 'text/plain; charset="utf-8"',
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/my-key",
    }
    assert files["url"] == boto3_url(SOURCE, "PUT", parameters, 3600, now)
    assert json.loads(files["headers.json"]) == {
        "content-type": 'text/plain; charset="utf-8"',
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/my-key",
    }
    assert files["curl.conf"] == (
        "path-as-is\n"
        'request = "PUT"\n'
        f'url = "{files["url"]}"\n'
        'header = "content-type: text/plain; charset=\\"utf-8\\""\n'
        'header = "x-amz-acl: bucket-owner-full-control"\n'
        'header = "x-amz-server-side-encryption: aws:kms"\n'
        'header = "x-amz-server-side-encryption-aws-kms-key-id: alias/my-key"\n'
    )
    assert result.stderr == (
        f"signed PUT s3://my-bucket/up/load.txt, valid until {rfc3339(now + 3600)} (1h)"
        '; send with it: content-type: text/plain; charset="utf-8"'
        "; send with it: x-amz-acl: bucket-owner-full-control"
        "; send with it: x-amz-server-side-encryption: aws:kms"
        "; send with it: x-amz-server-side-encryption-aws-kms-key-id: alias/my-key\n"
    )
    metadata = {row["name"]: row["value"] for row in result.answer["metadata"]}
    assert metadata["acl"] == "bucket-owner-full-control"


def test_an_upload_without_headers_writes_no_headers_or_config(
    program: Program, destination: Path
) -> None:
    files = get(program, destination, {"file_path": "k", "method": "PUT"})
    assert sorted(files) == ["expires_at", "s3_uri", "url"]


def test_several_urls_are_written_to_a_directory_each_and_to_one_map(
    program: Program, destination: Path
) -> None:
    params = {
        "expires_in": "2h",
        "file_path": "default.bin",
        "files": {
            "installer": {"file_path": "setup.exe", "file_name": "Setup.exe", "url_file": "link"},
            "default": {},
            "upload": {
                "s3_uri": "s3://my-bucket/up",
                "method": "PUT",
                "content_type": "text/plain",
                "expires_in": 60,
            },
        },
    }
    result = program.run("in", destination, request=get_request(params))
    files = files_below(destination)
    assert sorted(files) == [
        "default/expires_at",
        "default/s3_uri",
        "default/url",
        "installer/expires_at",
        "installer/link",
        "installer/s3_uri",
        "upload/curl.conf",
        "upload/expires_at",
        "upload/headers.json",
        "upload/s3_uri",
        "upload/url",
        "urls.json",
    ]
    assert json.loads(files["urls.json"]) == {
        "installer": files["installer/link"],
        "default": files["default/url"],
        "upload": files["upload/url"],
    }
    now = signed_at(files["default/url"])
    assert files["default/s3_uri"] == "s3://my-bucket/default.bin"
    assert files["installer/s3_uri"] == "s3://my-bucket/setup.exe"
    assert files["installer/expires_at"] == rfc3339(now + 7200)
    assert files["upload/expires_at"] == rfc3339(now + 60)
    assert result.answer["metadata"] == [
        {"name": "bucket", "value": "my-bucket"},
        {"name": "region", "value": "eu-west-1"},
        {"name": "host", "value": "my-bucket.s3.eu-west-1.amazonaws.com"},
        {"name": "expires_at", "value": rfc3339(now + 60)},
        {"name": "files.installer", "value": "GET setup.exe"},
        {"name": "files.default", "value": "GET default.bin"},
        {"name": "files.upload", "value": "PUT up"},
    ]
    assert result.stderr.splitlines() == [
        f"signed GET s3://my-bucket/setup.exe, valid until {rfc3339(now + 7200)} (2h)",
        f"signed GET s3://my-bucket/default.bin, valid until {rfc3339(now + 7200)} (2h)",
        f"signed PUT s3://my-bucket/up, valid until {rfc3339(now + 60)} (1m); "
        "send with it: content-type: text/plain",
    ]


def test_every_form_of_a_duration_is_accepted(program: Program, destination: Path) -> None:
    entries = {str(number): {"expires_in": value} for number, (value, _) in enumerate(DURATIONS)}
    expected = {str(number): seconds for number, (_, seconds) in enumerate(DURATIONS)}
    files = get(program, destination, {"file_path": "k", "files": {**entries, "default": {}}})
    for name, seconds in {**expected, "default": 3600}.items():
        url = files[f"{name}/url"]
        assert query(url)["X-Amz-Expires"] == str(seconds)
        assert files[f"{name}/expires_at"] == rfc3339(signed_at(url) + seconds)


def test_the_default_lifetime_is_limited_by_the_source(program: Program, destination: Path) -> None:
    url = get(program, destination, {"file_path": "k"}, max_expires_in="30m")["url"]
    assert query(url)["X-Amz-Expires"] == "1800"


def test_a_download_is_saved_under_the_requested_name(program: Program, destination: Path) -> None:
    entries = {str(number): params for number, (params, _) in enumerate(DISPOSITIONS)}
    files = get(program, destination, {"file_path": "k", "files": entries})
    signed = [query(files[f"{name}/url"])["response-content-disposition"] for name in entries]
    assert signed == [disposition for _, disposition in DISPOSITIONS]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_the_requester_pays_by_a_parameter_that_browsers_can_send(
    program: Program, destination: Path, method: str
) -> None:
    params = {"file_path": "k", "method": method, "request_payer": "requester"}
    files = get(program, destination, params)
    assert query(files["url"])["x-amz-request-payer"] == "requester"
    assert query(files["url"])["X-Amz-SignedHeaders"] == "host"
    assert "headers.json" not in files


def test_every_response_override_is_signed_as_in_boto3(program: Program, destination: Path) -> None:
    params = {
        "file_path": "k",
        "version_id": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
        "response_content_type": "text/plain",
        "response_cache_control": "no-store",
        "response_content_language": "en, fr",
        "response_content_encoding": "gzip",
        "response_expires": "Wed, 21 Oct 2026 07:28:00 GMT",
    }
    url = get(program, destination, params)["url"]
    parameters = {
        "Bucket": "my-bucket",
        "Key": "k",
        "ResponseContentType": "text/plain",
        "ResponseCacheControl": "no-store",
        "ResponseContentLanguage": "en, fr",
        "ResponseContentEncoding": "gzip",
        "ResponseExpires": "Wed, 21 Oct 2026 07:28:00 GMT",
        "VersionId": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
    }
    assert url == boto3_url(SOURCE, "GET", parameters, 3600, signed_at(url))


@pytest.mark.parametrize(("source", "address"), ADDRESSES)
def test_the_address_of_a_url_follows_from_the_source(
    program: Program, destination: Path, source: dict[str, Any], address: str
) -> None:
    files = get(program, destination, {"file_path": "k"}, **source)
    assert files["url"].startswith(f"{address}?")
    assert files["url"].count("X-Amz-Signature=") == 1


def test_an_endpoint_needs_no_region(program: Program, destination: Path) -> None:
    source = {"region_name": ..., "endpoint": "http://localhost:9000"}
    url = get(program, destination, {"file_path": "k"}, **source)["url"]
    assert query(url)["X-Amz-Credential"].split("/")[2] == "us-east-1"


def test_a_key_is_signed_unchanged(program: Program, destination: Path) -> None:
    files = get(program, destination, {"file_path": "//a b/é+%2F?#/"})
    assert files["url"].startswith(
        "https://my-bucket.s3.eu-west-1.amazonaws.com///a%20b/%C3%A9%2B%252F%3F%23/?"
    )
    assert files["s3_uri"] == "s3://my-bucket///a b/é+%2F?#/"


def test_dot_segments_in_a_key_are_signed_with_a_warning(
    program: Program, destination: Path
) -> None:
    result = program.run("in", destination, request=get_request({"file_path": "a/../b"}))
    url = (destination / "url").read_text()
    assert url.startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/a/../b?")
    assert result.stderr.splitlines()[0] == (
        "warning: params: the key has . or .. segments, which most clients collapse: download it "
        "with curl --path-as-is"
    )


def test_an_s3_uri_can_replace_the_key(program: Program, destination: Path) -> None:
    files = get(program, destination, {"s3_uri": "s3://my-bucket/a/b"})
    assert files["s3_uri"] == "s3://my-bucket/a/b"


@pytest.mark.parametrize("token", ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"])
def test_credentials_come_from_the_environment_if_the_source_has_none(
    program: Program, destination: Path, token: str
) -> None:
    environ = {**VARIABLES, token: SESSION_TOKEN}
    request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
    assert program.run("in", destination, request=request, environ=environ).code == 0
    url = (destination / "url").read_text()
    source = {**SOURCE, "session_token": SESSION_TOKEN}
    parameters = {"Bucket": "my-bucket", "Key": "k"}
    assert url == boto3_url(source, "GET", parameters, 3600, signed_at(url))


def test_credentials_of_the_source_take_precedence_over_those_of_the_environment(
    program: Program, destination: Path
) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "OTHER",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
    }
    request = get_request({"file_path": "k"})
    assert program.run("in", destination, request=request, environ=environ).code == 0
    url = (destination / "url").read_text()
    parameters = {"Bucket": "my-bucket", "Key": "k"}
    assert url == boto3_url(SOURCE, "GET", parameters, 3600, signed_at(url))


def test_credentials_that_expire_before_the_url_cause_a_warning(
    program: Program, destination: Path
) -> None:
    environ = expiring_in(1825)
    request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=environ)
    warning, signed = result.stderr.splitlines()
    assert re.fullmatch(
        r"warning: params.expires_in: the credentials expire in 30 minutes \d+ seconds; "
        r"the URL \(requested: 1 hour\) will stop working then",
        warning,
    )
    end = environ["AWS_CREDENTIAL_EXPIRATION"]
    assert (destination / "expires_at").read_text() == end
    assert f"valid until {end} (30m" in signed
    assert {"name": "expires_at", "value": end} in result.answer["metadata"]
    assert "X-Amz-Expires=3600&" in (destination / "url").read_text()


def test_a_url_can_be_clamped_to_its_credentials(program: Program, destination: Path) -> None:
    environ = expiring_in(1800)
    params = {"file_path": "k", "on_short_credentials": "clamp"}
    request = get_request(params, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=environ)
    url = (destination / "url").read_text()
    lifetime = int(query(url)["X-Amz-Expires"])
    assert rfc3339(signed_at(url) + lifetime) == environ["AWS_CREDENTIAL_EXPIRATION"]
    assert len(result.stderr.splitlines()) == 1


def test_credentials_that_outlast_the_url_cause_no_warning(
    program: Program, destination: Path
) -> None:
    params = {"file_path": "k", "on_short_credentials": "fail"}
    request = get_request(params, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=expiring_in(7200))
    assert len(result.stderr.splitlines()) == 1
    assert "(1h)" in result.stderr


def test_null_means_unset(program: Program, destination: Path) -> None:
    unset = dict.fromkeys(("file_name", "expires_in", "files", "method"))
    params = {"file_path": "k", **unset}
    files = get(program, destination, params, session_token=None, endpoint=None)
    assert sorted(files) == ["expires_at", "s3_uri", "url"]


def test_files_of_an_earlier_run_are_replaced(program: Program, destination: Path) -> None:
    get(program, destination, {"file_path": "first"})
    assert get(program, destination, {"file_path": "second"})["s3_uri"] == "s3://my-bucket/second"


def test_a_line_break_in_a_key_is_escaped_in_the_log(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request({"file_path": "a\nsigned GET b"}))
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("signed GET s3://my-bucket/a\\nsigned GET b, valid until ")
