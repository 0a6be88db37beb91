"""What Concourse and a pipeline see when all is well: `../README.md`, Behavior. Run against a process, whichever kind."""

import json
import re
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .program import CREDENTIALS, SESSION_TOKEN, SOURCE, VERSION, Program, files_below, get_request, rfc3339
from .test_boto3 import boto3_url


def signed_at(url: str) -> int:
    date = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    return int(datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


def get(program: Program, destination: Path, params: dict[str, Any] | None = None, **source: Any) -> dict[str, str]:
    """Run `in`, see it succeed, and return the files it left."""
    result = program.run("in", destination, request=get_request(params, **source))
    assert (result.code, result.answer["version"]) == (0, VERSION), result.stderr
    return files_below(destination)


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
def test_check_answers_that_there_is_never_a_new_version(program: Program, request_: dict[str, Any]) -> None:
    result = program.run("check", request=request_)
    assert (result.code, result.stdout, result.stderr) == (0, "[]", "")


@pytest.mark.parametrize("extra", [{}, {"params": None}, {"params": {}}, {"team": "main"}])
def test_out_answers_with_the_time_in_whole_seconds(program: Program, tmp_path: Path, extra: dict[str, Any]) -> None:
    before = int(time.time())
    result = program.run("out", tmp_path, request={"source": SOURCE, **extra})
    moment = result.answer["version"].pop("execution_date")
    assert before <= int(moment) <= time.time()
    assert str(int(moment)) == moment
    assert result.code == 0
    assert result.stderr == ""
    assert json.loads(result.stdout)["metadata"] == [
        {"name": "bucket", "value": "my-bucket"},
        {"name": "region", "value": "eu-west-1"},
    ]
    assert files_below(tmp_path) == {}


def test_in_leaves_the_url_its_end_and_its_object_in_the_destination(program: Program, destination: Path) -> None:
    before = int(time.time())
    request = get_request({"file_path": "folder/file.txt", "file_name": "file.txt", "expires_in": {"hours": 24}})
    result = program.run("in", destination, request=request)
    files = files_below(destination)
    now = signed_at(files["url"])
    assert before <= now <= time.time()
    assert sorted(files) == ["expires_at", "s3_uri", "url"]
    assert files["url"] == boto3_url(
        SOURCE,
        "GET",
        {
            "Bucket": "my-bucket",
            "Key": "folder/file.txt",
            "ResponseContentDisposition": 'attachment; filename="file.txt"',
        },
        86400,
        now,
    )
    assert files["expires_at"] == rfc3339(now + 86400)
    assert files["s3_uri"] == "s3://my-bucket/folder/file.txt"
    assert result.answer == {
        "version": VERSION,
        "metadata": [
            {"name": "bucket", "value": "my-bucket"},
            {"name": "key", "value": "folder/file.txt"},
            {"name": "region", "value": "eu-west-1"},
            {"name": "host", "value": "my-bucket.s3.eu-west-1.amazonaws.com"},
            {"name": "method", "value": "GET"},
            {"name": "expires_at", "value": rfc3339(now + 86400)},
            {"name": "file_name", "value": "file.txt"},
        ],
    }
    assert result.stderr == f"signed GET s3://my-bucket/folder/file.txt, valid until {rfc3339(now + 86400)} (24h)\n"
    assert result.code == 0


def test_a_pipeline_of_the_concoursetools_example_runs_unchanged(program: Program, destination: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": SOURCE["access_key_id"], "AWS_SECRET_ACCESS_KEY": SOURCE["secret_access_key"]}
    source = {"bucket_name": "my-bucket", "region_name": "eu-west-1"}
    put = program.run("out", destination, request={"source": source}, environ=environ)
    request = {
        "source": source,
        "version": put.answer["version"],
        "params": {"file_path": "my-file", "expires_in": {"hours": 24}, "file_name": "file.txt", "url_file": "link"},
    }
    got = program.run("in", destination, request=request, environ=environ)
    assert got.answer["version"] == put.answer["version"]
    url = (destination / "link").read_text()
    expected = {"Bucket": "my-bucket", "Key": "my-file", "ResponseContentDisposition": 'attachment; filename="file.txt"'}
    assert url == boto3_url(SOURCE, "GET", expected, 86400, signed_at(url))


@pytest.mark.parametrize("version", [None, {}, ...])
def test_in_needs_no_version(program: Program, destination: Path, version: Any) -> None:
    request = {name: value for name, value in {**get_request(), "version": version}.items() if value is not ...}
    result = program.run("in", destination, request=request)
    assert (result.code, result.answer["version"]) == (0, {})


def test_a_version_of_any_shape_comes_back_unchanged(program: Program, destination: Path) -> None:
    version = {"execution_date": "not a number", "ref": "é"}
    result = program.run("in", destination, request={**get_request(), "version": version})
    assert result.answer["version"] == version


def test_the_files_can_be_read_by_everyone_whatever_the_umask(program: Program, destination: Path) -> None:
    get(program, destination, {"file_path": "k", "url_file": "a/b/link"})
    modes = {str(path.relative_to(destination)): stat.S_IMODE(path.stat().st_mode) for path in destination.rglob("*")}
    assert modes == {"a": 0o755, "a/b": 0o755, "a/b/link": 0o644, "expires_at": 0o644, "s3_uri": 0o644}


def test_a_put_leaves_its_headers_and_a_configuration_for_curl(program: Program, destination: Path) -> None:
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
    assert {row["name"]: row["value"] for row in result.answer["metadata"]}["acl"] == "bucket-owner-full-control"


def test_a_put_without_headers_of_its_own_leaves_only_the_url(program: Program, destination: Path) -> None:
    assert sorted(get(program, destination, {"file_path": "k", "method": "PUT"})) == ["expires_at", "s3_uri", "url"]


def test_several_urls_come_in_a_folder_each_and_in_one_map(program: Program, destination: Path) -> None:
    params = {
        "expires_in": "2h",
        "file_path": "default.bin",
        "files": {
            "installer": {"file_path": "setup.exe", "file_name": "Setup.exe", "url_file": "link"},
            "default": {},
            "upload": {"s3_uri": "s3://my-bucket/up", "method": "PUT", "content_type": "text/plain", "expires_in": 60},
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
        f"signed PUT s3://my-bucket/up, valid until {rfc3339(now + 60)} (1m); send with it: content-type: text/plain",
    ]


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ({"hours": 24}, 86400),
        ({"weeks": 1}, 604800),
        ({"days": 1, "hours": 2, "minutes": 3, "seconds": 4}, 93784),
        ({"seconds": 1, "milliseconds": 1500, "microseconds": 999999}, 3),
        ({"hours": 0.5}, 1800),
        ({"hours": "24"}, 86400),
        ({"hours": 1, "minutes": -10}, 3000),
        ("90s", 90),
        ("24h", 86400),
        ("7d", 604800),
        ("1w", 604800),
        ("1h30m", 5400),
        (90, 90),
        (90.0, 90),
        ("3600", 3600),
        (1, 1),
        (604800, 604800),
        (None, 3600),
    ],
)
def test_every_form_of_a_duration_is_understood(program: Program, destination: Path, expires_in: Any, seconds: int) -> None:
    files = get(program, destination, {"file_path": "k", "expires_in": expires_in})
    assert parse_qs(urlsplit(files["url"]).query)["X-Amz-Expires"] == [str(seconds)]
    assert files["expires_at"] == rfc3339(signed_at(files["url"]) + seconds)


def test_the_default_life_is_an_hour_or_less_if_the_team_says_so(program: Program, destination: Path) -> None:
    url = get(program, destination, {"file_path": "k"}, max_expires_in="30m")["url"]
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["1800"]


@pytest.mark.parametrize(
    ("params", "disposition"),
    [
        ({"file_name": "a b.txt"}, 'attachment; filename="a b.txt"'),
        ({"file_name": 'say "hi" \\ there'}, 'attachment; filename="say \\"hi\\" \\\\ there"'),
        ({"file_name": "résumé.pdf"}, "attachment; filename=\"r_sum_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"),
        (
            {"file_name": "日本 (1).txt"},
            "attachment; filename=\"__ (1).txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%20%281%29.txt",
        ),
        ({"file_name": "a.txt", "disposition": "inline"}, 'inline; filename="a.txt"'),
        ({"disposition": "inline"}, "inline"),
        ({"disposition": "attachment"}, "attachment"),
    ],
)
def test_a_download_is_saved_under_the_name_asked_for(
    program: Program, destination: Path, params: dict[str, str], disposition: str
) -> None:
    url = get(program, destination, {"file_path": "k", **params})["url"]
    assert parse_qs(urlsplit(url).query)["response-content-disposition"] == [disposition]


def test_every_response_override_is_signed_as_boto3_does(program: Program, destination: Path) -> None:
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


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ({}, "https://my-bucket.s3.eu-west-1.amazonaws.com/k?"),
        ({"region_name": "us-east-1"}, "https://my-bucket.s3.us-east-1.amazonaws.com/k?"),
        ({"region_name": "cn-north-1"}, "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/k?"),
        ({"region_name": "eusc-de-east-1"}, "https://my-bucket.s3.eusc-de-east-1.amazonaws.eu/k?"),
        ({"bucket_name": "my.bucket"}, "https://s3.eu-west-1.amazonaws.com/my.bucket/k?"),
        ({"bucket_name": "My_Bucket"}, "https://s3.eu-west-1.amazonaws.com/My_Bucket/k?"),
        ({"use_path_style": True}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k?"),
        ({"use_path_style": "true"}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k?"),
        ({"use_path_style": "True"}, "https://s3.eu-west-1.amazonaws.com/my-bucket/k?"),
        ({"use_path_style": "false"}, "https://my-bucket.s3.eu-west-1.amazonaws.com/k?"),
        ({"disable_ssl": True}, "http://my-bucket.s3.eu-west-1.amazonaws.com/k?"),
        ({"endpoint": "minio.example.com"}, "https://minio.example.com/my-bucket/k?"),
        ({"endpoint": "minio.example.com", "disable_ssl": True}, "http://minio.example.com/my-bucket/k?"),
        ({"endpoint": "http://10.0.0.5:9000"}, "http://10.0.0.5:9000/my-bucket/k?"),
        ({"endpoint": "http://a_b:9000"}, "http://a_b:9000/my-bucket/k?"),
        ({"endpoint": "https://s3.example.com", "use_path_style": False}, "https://my-bucket.s3.example.com/k?"),
        ({"endpoint": "http://inside:9000", "public_endpoint": "s3.example.com"}, "https://s3.example.com/my-bucket/k?"),
        ({"use_dualstack_endpoint": True}, "https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/k?"),
        (
            {"use_fips_endpoint": True, "region_name": "us-east-1"},
            "https://my-bucket.s3-fips.us-east-1.amazonaws.com/k?",
        ),
        ({"use_accelerate_endpoint": True}, "https://my-bucket.s3-accelerate.amazonaws.com/k?"),
        (
            {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True},
            "https://my-bucket.s3-accelerate.dualstack.amazonaws.com/k?",
        ),
        (
            {"bucket_name": "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"},
            "https://my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/k?",
        ),
        (
            {"bucket_name": "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/my-point"},
            "https://my-point-123456789012.s3-object-lambda.eu-west-1.amazonaws.com/k?",
        ),
        (
            {"bucket_name": "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/my-point"},
            "https://my-point-123456789012.op-01ac5d28a6a232904.s3-outposts.eu-west-1.amazonaws.com/k?",
        ),
        # in small letters, as it is signed, since not every client makes them small
        ({"endpoint": "HTTPS://S3.Example.COM/Path"}, "https://s3.example.com/Path/my-bucket/k?"),
    ],
)
def test_the_url_is_at_the_host_that_the_source_describes(
    program: Program, destination: Path, source: dict[str, Any], start: str
) -> None:
    files = get(program, destination, {"file_path": "k"}, **source)
    assert files["url"].startswith(start)
    assert files["url"].count("X-Amz-Signature=") == 1


def test_an_endpoint_needs_no_region(program: Program, destination: Path) -> None:
    url = get(program, destination, {"file_path": "k"}, region_name=..., endpoint="http://localhost:9000")["url"]
    assert parse_qs(urlsplit(url).query)["X-Amz-Credential"][0].split("/")[2] == "us-east-1"


def test_a_key_is_signed_exactly_as_it_is(program: Program, destination: Path) -> None:
    files = get(program, destination, {"file_path": "//a b/é+%2F?#/"})
    assert files["url"].startswith("https://my-bucket.s3.eu-west-1.amazonaws.com///a%20b/%C3%A9%2B%252F%3F%23/?")
    assert files["s3_uri"] == "s3://my-bucket///a b/é+%2F?#/"


def test_dot_segments_in_a_key_are_signed_with_a_warning(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request({"file_path": "a/../b"}))
    assert (destination / "url").read_text().startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/a/../b?")
    assert result.stderr.splitlines()[0] == (
        "warning: params: the key has . or .. segments, which most clients collapse: download it with curl --path-as-is"
    )


def test_an_s3_uri_names_the_key_too(program: Program, destination: Path) -> None:
    assert get(program, destination, {"s3_uri": "s3://my-bucket/a/b"})["s3_uri"] == "s3://my-bucket/a/b"


def test_credentials_come_from_the_environment_where_the_source_has_none(program: Program, destination: Path) -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": SOURCE["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": SOURCE["secret_access_key"],
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
    }
    request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
    assert program.run("in", destination, request=request, environ=environ).code == 0
    url = (destination / "url").read_text()
    source = {**SOURCE, "session_token": SESSION_TOKEN}
    assert url == boto3_url(source, "GET", {"Bucket": "my-bucket", "Key": "k"}, 3600, signed_at(url))


def test_credentials_of_the_source_come_before_those_of_the_environment(program: Program, destination: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "OTHER", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other"}
    assert program.run("in", destination, request=get_request({"file_path": "k"}), environ=environ).code == 0
    url = (destination / "url").read_text()
    assert url == boto3_url(SOURCE, "GET", {"Bucket": "my-bucket", "Key": "k"}, 3600, signed_at(url))


def short_lived(seconds: int) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": CREDENTIALS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["secret_access_key"],
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_CREDENTIAL_EXPIRATION": rfc3339(time.time() + seconds),
    }


def test_credentials_that_end_before_the_url_are_warned_of(program: Program, destination: Path) -> None:
    environ = short_lived(1825)
    request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=environ)
    warning, told = result.stderr.splitlines()
    assert re.fullmatch(
        r"warning: params.expires_in: the credentials end in 30 minutes \d+ seconds, "
        r"before the URL would \(1 hour\), and the URL ends with them",
        warning,
    )
    assert (destination / "expires_at").read_text() == environ["AWS_CREDENTIAL_EXPIRATION"]
    assert f"valid until {environ['AWS_CREDENTIAL_EXPIRATION']} (30m" in told
    assert {"name": "expires_at", "value": environ["AWS_CREDENTIAL_EXPIRATION"]} in result.answer["metadata"]
    assert "X-Amz-Expires=3600&" in (destination / "url").read_text()


def test_a_url_can_be_clamped_to_the_life_of_its_credentials(program: Program, destination: Path) -> None:
    environ = short_lived(1800)
    params = {"file_path": "k", "on_short_credentials": "clamp"}
    request = get_request(params, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=environ)
    url = (destination / "url").read_text()
    life = int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])
    assert rfc3339(signed_at(url) + life) == environ["AWS_CREDENTIAL_EXPIRATION"]
    assert len(result.stderr.splitlines()) == 1


def test_credentials_that_outlive_the_url_are_not_mentioned(program: Program, destination: Path) -> None:
    request = get_request({"file_path": "k", "on_short_credentials": "fail"}, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=short_lived(7200))
    assert len(result.stderr.splitlines()) == 1
    assert "(1h)" in result.stderr


def test_null_means_left_out(program: Program, destination: Path) -> None:
    params = {"file_path": "k", "file_name": None, "expires_in": None, "files": None, "method": None}
    assert sorted(get(program, destination, params, session_token=None, endpoint=None)) == ["expires_at", "s3_uri", "url"]


def test_a_file_of_an_earlier_run_is_replaced(program: Program, destination: Path) -> None:
    get(program, destination, {"file_path": "first"})
    assert get(program, destination, {"file_path": "second"})["s3_uri"] == "s3://my-bucket/second"


def test_a_line_break_in_a_key_stays_in_its_line(program: Program, destination: Path) -> None:
    result = program.run("in", destination, request=get_request({"file_path": "a\nsigned GET b"}))
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("signed GET s3://my-bucket/a\\nsigned GET b, valid until ")
