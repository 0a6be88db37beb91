"""What is compared: every way to the URL, with the same request, in the same environment."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ..program import ACCESS_KEY_ID, ROOT, SECRET_ACCESS_KEY, SOURCE, VERSION, get_request
from ..sts_server import OF_THE_ROLE, ROLE
from . import install, size
from .measure import Command, Scratch, once

IN, CHECK, OUT, PRESIGN = (f"`{step}`, binary" for step in ("in", "check", "out", "presign"))
GO, CONCOURSETOOLS = "Go, aws-sdk-go-v2", "ConcourseTools, boto3"
ROLE_IN, ROLE_BOTO3 = "`in` with a role to assume, binary", "`in` with a role to assume, boto3"
BINARY = ROOT / "dist" / "s3-presigned-url"

KEY, EXPIRES_IN = "releases/2.4.0/installer.exe", 3600
REQUEST = get_request({"file_path": KEY, "expires_in": EXPIRES_IN})
# what Concourse tells every get and put
BUILD = {
    "ATC_EXTERNAL_URL": "https://ci.example.com",
    "BUILD_ID": "4711",
    "BUILD_JOB_NAME": "share",
    "BUILD_NAME": "42",
    "BUILD_PIPELINE_NAME": "installer",
    "BUILD_TEAM_NAME": "main",
}
ROLE_REQUEST = get_request({"file_path": KEY, "expires_in": EXPIRES_IN}, aws_role_arn=ROLE)
AWS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY, "AWS_DEFAULT_REGION": "eu-west-1"}


@dataclass(frozen=True)
class Row:
    """One program, how it is run, and where it leaves its URL; or why it is missing."""

    name: str
    command: Command | None = None
    url: Path | None = None
    installed: tuple[Path, ...] = ()
    native: bool = False
    note: str = ""
    signer: str = ACCESS_KEY_ID


@dataclass(frozen=True)
class _Rows:
    scratch: Scratch
    sts: str

    def all(self) -> list[Row]:
        others = {
            "`in`, from source": self._source,
            CONCOURSETOOLS: self._concoursetools,
            "ConcourseTools, boto3, compiled by Nuitka's defaults": self._nuitka,
            "`aws s3 presign`": self._awscli,
            GO: self._go,
            "C, static, `int main(void) { return 0; }`": self._c,
            ROLE_BOTO3: self._role_with_boto3,
        }
        return [*self._binary(), *(_or_missing(name, make) for name, make in others.items())]

    def _binary(self) -> list[Row]:
        if not (BINARY.parent / "in").exists():
            return []
        file, destination = (BINARY,), str(self.scratch.destination)
        steps = {
            CHECK: self._command(BINARY.parent / "check", request={"source": SOURCE, "version": VERSION}),
            OUT: self._command(BINARY.parent / "out", destination, request={"source": SOURCE, "params": {}}),
        }
        presign = (BINARY, "presign", f"s3://{SOURCE['bucket_name']}/{KEY}", f"--expires-in={EXPIRES_IN}")
        return [
            self._get(IN, BINARY.parent / "in", installed=file, native=True),
            *(Row(name, command, None, file, True) for name, command in steps.items()),
            self._role(ROLE_IN, BINARY.parent / "in", installed=file, native=True),
            Row(PRESIGN, self._command(*presign, environ=AWS), self.scratch.stream("stdout"), file, True),
        ]

    def _source(self, name: str) -> Row:
        installed = (ROOT / "app", *size.distribution("boto3"), *size.distribution("msgspec"))
        command = (sys.executable, "-m", "app", "in")
        return self._get(name, *command, environ={"PYTHONPATH": str(ROOT)}, installed=installed, note="and CPython")

    def _concoursetools(self, name: str) -> Row:
        made = install.environment("concoursetools", "requirements.txt")
        installed = (install.packages(made), install.CONCOURSETOOLS)
        return self._get(name, made / "bin" / "python", install.CONCOURSETOOLS, installed=installed, note="and CPython")

    def _nuitka(self, name: str) -> Row:
        made = install.compiled_by_nuitka()
        return self._get(name, made, installed=(made.parent,), native=True)

    def _awscli(self, name: str) -> Row:
        made = install.environment("awscli", "requirements-awscli.txt")
        presign = ("s3", "presign", f"s3://{SOURCE['bucket_name']}/{KEY}", "--expires-in", str(EXPIRES_IN))
        environ = {**AWS, "AWS_CONFIG_FILE": str(install.HERE / "awscli.ini")}
        command = self._command(made / "bin" / "python", made / "bin" / "aws", *presign, environ=environ)
        return Row(name, command, self.scratch.stream("stdout"), (install.packages(made),), note="and CPython")

    def _go(self, name: str) -> Row:
        made = install.compiled_by_go()
        return self._get(name, made, installed=(made,), native=True)

    def _c(self, name: str) -> Row:
        made = install.compiled_by_c("empty")
        return Row(name, self._command(made), None, (made,), native=True)

    def _role_with_boto3(self, name: str) -> Row:
        made = install.environment("concoursetools", "requirements.txt")
        installed = (install.packages(made), install.ROLE)
        return self._role(name, made / "bin" / "python", install.ROLE, installed=installed, note="and CPython")

    def _role(self, name: str, *program: Path, installed: tuple[Path, ...], native: bool = False, note: str = "") -> Row:
        environ = {"AWS_ENDPOINT_URL_STS": self.sts}
        command = self._command(*program, self.scratch.destination, request=ROLE_REQUEST, environ=environ)
        url = self.scratch.destination / "url"
        return Row(name, command, url, installed, native, note, signer=OF_THE_ROLE["access_key_id"])

    def _get(
        self,
        name: str,
        *program: str | Path,
        environ: dict[str, str] | None = None,
        installed: tuple[Path, ...],
        native: bool = False,
        note: str = "",
    ) -> Row:
        command = self._command(*program, self.scratch.destination, request=REQUEST, environ=environ)
        return Row(name, command, self.scratch.destination / "url", installed, native, note)

    def _command(self, *argv: str | Path, request: object = None, environ: dict[str, str] | None = None) -> Command:
        everywhere = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.scratch.home), **BUILD}
        given = json.dumps(request).encode() if request else b""
        return Command(tuple(map(str, argv)), {**everywhere, **(environ or {})}, given)


def rows(scratch: Scratch, sts: str) -> list[Row]:
    """Return all that is compared, made where it was not yet; those that cannot be made say why. `sts` is STS's URL."""
    return _Rows(scratch, sts).all()


def verify(row: Row, scratch: Scratch) -> None:
    """Run a row once, and look at what it signed, so that no error is timed. Raises AssertionError, CommandError."""
    assert row.command
    once(row.command, scratch)
    if not row.url:
        return
    url = urlsplit(row.url.read_text().strip())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.path) == ("https", f"/{KEY}"), f"{row.name} signed for another object"
    assert url.netloc.startswith(f"{SOURCE['bucket_name']}.s3."), f"{row.name} signed for another bucket"
    assert "X-Amz-Signature" in query, f"{row.name} left no URL with a SigV4 signature"
    assert query["X-Amz-Expires"] == str(EXPIRES_IN), f"{row.name} signed for another time"
    assert query["X-Amz-Credential"].startswith(f"{row.signer}/"), f"{row.name} signed with other credentials"
    assert len(bytes.fromhex(query["X-Amz-Signature"])) == 32, f"{row.name} left a signature that is none"


def _or_missing(name: str, make: Callable[[str], Row]) -> Row:
    try:
        return make(name)
    except install.MissingError as reason:
        return Row(name, note=str(reason))
