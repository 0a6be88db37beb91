"""Servers that check signatures enforce what `headers` and `method: POST` ask for."""

import base64
import hashlib
import html
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .program import Program
from .servers import BUCKET, S3Server, send, sign

CUSTOMER_KEY = b"0123456789abcdefghijklmnopqrstuv"
BROWSER = shutil.which("chromium-headless-shell")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def refused(url: str, body: bytes, headers: dict[str, str], code: str) -> bool:
    status, text, _ = send(url, "PUT", body, headers)
    return status in (400, 403, 412) and f"<Code>{code}</Code>".encode() in text


def test_metadata_arrives_and_must_be_sent(
    program: Program, server: S3Server, destination: Path
) -> None:
    headers = {
        "x-amz-meta-build": "42",
        "x-amz-storage-class": "STANDARD",
        "cache-control": "no-store",
        "content-length": "5",
    }
    params = {"file_path": "report.txt", "method": "PUT", "headers": headers}
    url = sign(program, server, destination, params)
    assert json.loads((destination / "headers.json").read_text()) == headers
    assert refused(url, b"hello", {**headers, "x-amz-meta-build": "43"}, "SignatureDoesNotMatch")
    longer = {**headers, "content-length": "6"}
    assert refused(url, b"hello!", longer, "SignatureDoesNotMatch")
    assert "report.txt" not in server.objects()
    assert send(url, "PUT", b"hello", headers)[0] == 200
    stored = server.client.head_object(Bucket=BUCKET, Key="report.txt")
    assert (stored["Metadata"], stored["CacheControl"]) == ({"build": "42"}, "no-store")


# JuiceFS has neither tags nor conditional writes, and only checks MD5.
@pytest.mark.parametrize("server", ["versitygw", "seaweedfs"], indirect=True)
def test_tags_arrive(program: Program, server: S3Server, destination: Path) -> None:
    headers = {"x-amz-tagging": "team=a&env=b%20c"}
    params = {"file_path": "tagged.txt", "method": "PUT", "headers": headers}
    assert send(sign(program, server, destination, params), "PUT", b"x", headers)[0] == 200
    tags = server.client.get_object_tagging(Bucket=BUCKET, Key="tagged.txt")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "a", "env": "b c"}


@pytest.mark.parametrize("server", ["versitygw", "seaweedfs"], indirect=True)
def test_an_upload_with_if_none_match_works_once(
    program: Program, server: S3Server, destination: Path
) -> None:
    headers = {"if-none-match": "*"}
    params = {"file_path": "once.txt", "method": "PUT", "headers": headers}
    url = sign(program, server, destination, params)
    assert refused(url, b"first", {}, "SignatureDoesNotMatch")
    assert send(url, "PUT", b"first", headers)[0] == 200
    assert refused(url, b"second", headers, "PreconditionFailed")
    assert server.read("once.txt") == b"first"


def test_another_content_is_refused_by_its_md5(
    program: Program, server: S3Server, destination: Path
) -> None:
    digest = hashlib.md5(b"hello", usedforsecurity=False).digest()
    assert_only_hello({"content-md5": encoded(digest)}, program, server, destination)


@pytest.mark.parametrize("server", ["versitygw", "seaweedfs"], indirect=True)
def test_another_content_is_refused_by_its_checksum(
    program: Program, server: S3Server, destination: Path
) -> None:
    headers = {"x-amz-checksum-sha256": encoded(hashlib.sha256(b"hello").digest())}
    assert_only_hello(headers, program, server, destination)


def assert_only_hello(
    headers: dict[str, str], program: Program, server: S3Server, destination: Path
) -> None:
    """Upload the content whose checksum is signed, and see that another is refused."""
    params = {"file_path": "checked.txt", "method": "PUT", "headers": headers}
    url = sign(program, server, destination, params)
    assert refused(url, b"hullo", headers, "BadDigest")
    assert send(url, "PUT", b"hello", headers)[0] == 200
    assert server.read("checked.txt") == b"hello"


def customer_key() -> dict[str, str]:
    """Return the headers of SSE-C."""
    prefix = "x-amz-server-side-encryption-customer"
    return {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": encoded(CUSTOMER_KEY),
        f"{prefix}-key-md5": encoded(hashlib.md5(CUSTOMER_KEY, usedforsecurity=False).digest()),
    }


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_an_object_encrypted_with_the_key_of_a_customer_needs_that_key(
    program: Program, server: S3Server, destination: Path
) -> None:
    headers = customer_key()
    params = {"file_path": "secret.txt", "headers": headers}
    upload = sign(program, server, destination, {**params, "method": "PUT"})
    assert send(upload, "PUT", b"secret", headers)[0] == 200
    assert send(sign(program, server, destination, params), headers=headers)[:2] == (200, b"secret")
    assert send(sign(program, server, destination, {"file_path": "secret.txt"}))[0] == 400


Form = dict[str, Any]
FORM: Form = {
    "file_path": "incoming/report.txt",
    "method": "POST",
    "content_type": "text/plain",
    "min_size": 2,
    "max_size": 10,
    "headers": {"x-amz-meta-build": "42"},
}


def curl(folder: Path, name: str, content: bytes, *changes: tuple[str, str]) -> int:
    """Upload a file with nothing but curl.conf, and return the status."""
    upload = folder / name
    upload.write_bytes(content)
    config = folder / "curl.conf"
    text = config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "changed.conf").write_text(text)
    status = [
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
        "--max-time",
        "20",
    ]
    options = ["--config", str(folder / "changed.conf"), "--form", f"file=@{upload}"]
    return int(subprocess.run(["curl", *status, *options], check=True, stdout=-1).stdout)


def test_curl_uploads_within_the_bounds_of_a_form_and_not_beyond(
    program: Program, server: S3Server, destination: Path
) -> None:
    sign(program, server, destination, FORM)
    assert curl(destination, "a.txt", b"x") == 400
    assert curl(destination, "a.txt", b"x" * 11) == 400
    assert "incoming/report.txt" not in server.objects()
    assert curl(destination, "a.txt", b"x" * 10) == 204
    stored = server.client.get_object(Bucket=BUCKET, Key="incoming/report.txt")
    assert (stored["Body"].read(), stored["Metadata"]) == (b"x" * 10, {"build": "42"})
    assert stored["ContentType"] == "text/plain"


@pytest.mark.parametrize(
    "change",
    [
        ("key=incoming/", "key=outgoing/"),
        ("Content-Type=text/plain", "Content-Type=text/html"),
        ("x-amz-meta-build=42", "x-amz-meta-build=43"),
        ("policy=eyJ", "policy=eyK"),
    ],
)
def test_a_form_with_another_key_type_metadata_or_policy_is_refused(
    program: Program, server: S3Server, destination: Path, change: tuple[str, str]
) -> None:
    sign(program, server, destination, FORM)
    before = server.objects()
    assert curl(destination, "b.txt", b"hello", change) in (400, 403)
    assert server.objects() == before


# Versity S3 Gateway stores the file under `${filename}`, literally.
@pytest.mark.parametrize("server", ["seaweedfs", "juicefs"], indirect=True)
def test_the_last_segment_of_a_key_can_be_the_name_of_the_file(
    program: Program, server: S3Server, destination: Path
) -> None:
    sign(program, server, destination, {**FORM, "file_path": "inbox/${filename}"})
    assert curl(destination, "a b.txt", b"hello") == 204
    assert server.read("inbox/a b.txt") == b"hello"


def test_a_form_answers_with_the_status_that_was_asked_for(
    program: Program, server: S3Server, destination: Path
) -> None:
    for status in (200, 201):
        sign(program, server, destination, {**FORM, "success_status": status})
        assert curl(destination, "c.txt", b"hello") == status


def test_a_prefix_of_a_content_type_allows_every_type_that_begins_so(
    program: Program, server: S3Server, destination: Path
) -> None:
    sign(program, server, destination, {**FORM, "content_type": "image/*"})
    added = ('form-string = "key', 'form-string = "Content-Type={}"\nform-string = "key')
    for type_, status in (("image/png", 204), ("text/html", 403)):
        change = (added[0], added[1].format(type_))
        assert curl(destination, "d.png", b"hello", change) == status


PAGE = """<!DOCTYPE html>
<form action="{action}" method="post" enctype="multipart/form-data">{fields}</form>
<script>
  const input = document.createElement("input"), chosen = new DataTransfer();
  input.type = input.name = "file";
  chosen.items.add(new File(["by a browser".slice(0, {length})], "page.txt"));
  input.files = chosen.files;
  document.forms[0].append(input);
  document.forms[0].submit();
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="needs chromium-headless-shell")
@pytest.mark.process
def test_a_browser_uploads_with_a_form(
    program: Program, server: S3Server, destination: Path
) -> None:
    params = {
        **FORM,
        "file_path": "incoming/page.txt",
        "success_status": 201,
        "headers": {"x-amz-meta-note": '"a" & <b>'},
    }
    action = sign(program, server, destination, params)
    fields = json.loads((destination / "fields.json").read_text())
    page = destination / "page.html"
    for length, stored in ((12, False), (9, True)):
        page.write_text(form_page(action, fields, length))
        options = ["--no-sandbox", "--virtual-time-budget=10000", "--dump-dom"]
        command = [str(BROWSER), *options, page.as_uri()]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        assert ("incoming/page.txt" in server.objects()) is stored
    assert server.read("incoming/page.txt") == b"by a brow"
    note = server.client.head_object(Bucket=BUCKET, Key="incoming/page.txt")["Metadata"]["note"]
    assert note == '"a" & <b>'


def form_page(action: str, fields: dict[str, str], length: int) -> str:
    """Return a page that uploads the first characters of a text when it is opened."""
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    return (
        PAGE.replace("{action}", html.escape(action))
        .replace("{fields}", inputs)
        .replace("{length}", str(length))
    )
