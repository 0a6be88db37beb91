"""The programs to compare, with the same request and the same environment."""

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
FILES, GO_FILES = "`in` with 1,000 `files`, binary", "Go, aws-sdk-go-v2, 1,000 files"
ROLE_IN, ROLE_BOTO3 = "`in` with a role to assume, binary", "`in` with a role to assume, boto3"
BINARY = ROOT / "dist" / "s3-presigned-url"

KEY, EXPIRES_IN = "releases/2.4.0/installer.exe", 3600
URI = f"s3://{SOURCE['bucket_name']}/{KEY}"
REQUEST = get_request({"file_path": KEY, "expires_in": EXPIRES_IN})
ENTRIES = {f"f{number}": {"file_path": f"releases/{number}"} for number in range(999)}
FILES_REQUEST = get_request(
    {"expires_in": EXPIRES_IN, "files": {**ENTRIES, "one": {"file_path": KEY}}}
)
# the variables that Concourse sets for every get and put
BUILD = {
    "ATC_EXTERNAL_URL": "https://ci.example.com",
    "BUILD_ID": "4711",
    "BUILD_JOB_NAME": "share",
    "BUILD_NAME": "42",
    "BUILD_PIPELINE_NAME": "installer",
    "BUILD_TEAM_NAME": "main",
}
ROLE_REQUEST = get_request({"file_path": KEY, "expires_in": EXPIRES_IN}, aws_role_arn=ROLE)
AWS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@dataclass(frozen=True)
class Row:
    """A program, its command, and the file of its URL; or the reason why it is missing.

    `go` is the row of the program in Go that does the same.
    """

    name: str
    command: Command | None = None
    url: Path | None = None
    installed: tuple[Path, ...] = ()
    native: bool = False
    note: str = ""
    signer: str = ACCESS_KEY_ID
    go: str = GO


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
            GO_FILES: self._go_files,
            "C, static, `int main(void) { return 0; }`": self._c,
            ROLE_BOTO3: self._role_with_boto3,
        }
        return [*self._binary(), *(_or_missing(name, make) for name, make in others.items())]

    def _binary(self) -> list[Row]:
        if not (BINARY.parent / "in").exists():
            return []
        check, get, out = (BINARY.parent / step for step in ("check", "in", "out"))
        file, stdout = (BINARY,), self.scratch.stream("stdout")
        check_request = {"source": SOURCE, "version": VERSION}
        out_request = {"source": SOURCE, "params": {}}
        check_command = self._command(check, request=check_request)
        out_command = self._command(out, self.scratch.destination, request=out_request)
        presign = (BINARY, "presign", URI, f"--expires-in={EXPIRES_IN}")
        return [
            self._get(IN, get, installed=file, native=True),
            Row(CHECK, check_command, None, file, native=True),
            Row(OUT, out_command, None, file, native=True),
            self._role(ROLE_IN, get, installed=file, native=True),
            self._files(FILES, get, installed=file),
            Row(PRESIGN, self._command(*presign, environ=AWS), stdout, file, native=True),
        ]

    def _source(self, name: str) -> Row:
        installed = (ROOT / "app", *size.distribution("boto3"), *size.distribution("msgspec"))
        command = (sys.executable, "-m", "app", "in")
        environ = {"PYTHONPATH": str(ROOT)}
        return self._get(name, *command, environ=environ, installed=installed, note="and CPython")

    def _concoursetools(self, name: str) -> Row:
        environment = install.environment("concoursetools", "requirements.txt")
        installed = (install.packages(environment), install.CONCOURSETOOLS)
        command = (environment / "bin" / "python", install.CONCOURSETOOLS)
        return self._get(name, *command, installed=installed, note="and CPython")

    def _nuitka(self, name: str) -> Row:
        program = install.compiled_by_nuitka()
        return self._get(name, program, installed=(program.parent,), native=True)

    def _awscli(self, name: str) -> Row:
        environment = install.environment("awscli", "requirements-awscli.txt")
        aws = (environment / "bin" / "python", environment / "bin" / "aws")
        presign = ("s3", "presign", URI, "--expires-in", str(EXPIRES_IN))
        environ = {**AWS, "AWS_CONFIG_FILE": str(install.HERE / "awscli.ini")}
        command = self._command(*aws, *presign, environ=environ)
        installed = (install.packages(environment),)
        return Row(name, command, self.scratch.stream("stdout"), installed, note="and CPython")

    def _go(self, name: str) -> Row:
        program = install.compiled_by_go()
        return self._get(name, program, installed=(program,), native=True)

    def _go_files(self, name: str) -> Row:
        program = install.compiled_by_go()
        return self._files(name, program, installed=(program,))

    def _files(self, name: str, program: Path, installed: tuple[Path, ...]) -> Row:
        destination = self.scratch.destination
        command = self._command(program, destination, request=FILES_REQUEST)
        url = destination / "one" / "url"
        return Row(name, command, url, installed, native=True, go=GO_FILES)

    def _c(self, name: str) -> Row:
        program = install.compiled_by_c("empty")
        return Row(name, self._command(program), None, (program,), native=True)

    def _role_with_boto3(self, name: str) -> Row:
        environment = install.environment("concoursetools", "requirements.txt")
        installed = (install.packages(environment), install.ROLE)
        command = (environment / "bin" / "python", install.ROLE)
        return self._role(name, *command, installed=installed, note="and CPython")

    def _role(
        self,
        name: str,
        *program: Path,
        installed: tuple[Path, ...],
        native: bool = False,
        note: str = "",
    ) -> Row:
        destination, environ = self.scratch.destination, {"AWS_ENDPOINT_URL_STS": self.sts}
        command = self._command(*program, destination, request=ROLE_REQUEST, environ=environ)
        signer = OF_THE_ROLE["access_key_id"]
        return Row(name, command, destination / "url", installed, native, note, signer)

    def _get(
        self,
        name: str,
        *program: str | Path,
        environ: dict[str, str] | None = None,
        installed: tuple[Path, ...],
        native: bool = False,
        note: str = "",
    ) -> Row:
        destination = self.scratch.destination
        command = self._command(*program, destination, request=REQUEST, environ=environ)
        return Row(name, command, destination / "url", installed, native, note)

    def _command(
        self, *argv: str | Path, request: object = None, environ: dict[str, str] | None = None
    ) -> Command:
        path, home = "/usr/local/bin:/usr/bin:/bin", str(self.scratch.home)
        variables = {"PATH": path, "HOME": home, **BUILD, **(environ or {})}
        stdin = json.dumps(request).encode() if request else b""
        return Command(tuple(map(str, argv)), variables, stdin)


def rows(scratch: Scratch, sts: str) -> list[Row]:
    """Return every row, with a note if a program cannot be built. `sts` is the URL of STS."""
    return _Rows(scratch, sts).all()


def verify(row: Row, scratch: Scratch) -> None:
    """Check the URL of one run, so that no error is timed. Raises AssertionError, CommandError."""
    assert row.command
    once(row.command, scratch)
    if not row.url:
        return
    url = urlsplit(row.url.read_text().strip())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.path) == ("https", f"/{KEY}"), f"{row.name} signed for another object"
    bucket = url.netloc.partition(".s3.")[0]
    assert bucket == SOURCE["bucket_name"], f"{row.name} signed for another bucket"
    assert "X-Amz-Signature" in query, f"{row.name} left no URL with a SigV4 signature"
    assert query["X-Amz-Expires"] == str(EXPIRES_IN), f"{row.name} signed another lifetime"
    signer = query["X-Amz-Credential"].partition("/")[0]
    assert signer == row.signer, f"{row.name} signed with other credentials"
    signature = bytes.fromhex(query["X-Amz-Signature"])
    assert len(signature) == 32, f"{row.name} left a malformed signature"


def _or_missing(name: str, make: Callable[[str], Row]) -> Row:
    try:
        return make(name)
    except install.MissingError as reason:
        return Row(name, note=str(reason))
