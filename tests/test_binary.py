"""What is true of the binary only: one file that needs nothing around it."""

import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest
import trustme

from .program import ROOT, Program, files_below, get_request
from .providers import TEMPORARY, ContainerCredentials, container, serving
from .test_boto3 import boto3_url
from .test_chain import get
from .test_contract import signed_at

# What subprocess cannot do for a root in which nothing is: change into it, become nobody, and run the program.
CHROOT = """
import os, sys
root, *command = sys.argv[1:]
os.chroot(root)
os.chdir("/")
os.setgid(65534)
os.setuid(65534)
os.execve(command[0], command, dict(pair.split("=", 1) for pair in os.environ["GIVEN"].split("\\n") if pair))
"""
BINARY = ROOT / "dist" / "s3-presigned-url"
ABOUT = ROOT / "about"
REQUEST = json.dumps(get_request()).encode()

# Of which component is each library that the linker takes something from, and each package that Nuitka compiles?
LIBRARIES = {
    "libHacl_Hash_SHA2": "python3.13",
    "libc": "glibc",
    "libcrypto": "openssl",
    "libexpat": "expat",
    "libffi": "libffi",
    "libgcc": "gcc",
    "libgcc_eh": "gcc",
    "libm": "glibc",
    "libmpdec": "python3.13",
    "libpython3.13": "python3.13",
    "libssl": "openssl",
    "libz": "zlib",
    "libzstd": "libzstd",
}
PACKAGES = {name: name for name in ("boto3", "botocore", "jmespath", "msgspec", "s3transfer", "six", "urllib3")}
PACKAGES["dateutil"] = "python-dateutil"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with the program, a destination, and nothing else: no /proc, no /tmp, no /dev, no /etc."""
    (tmp_path / "root" / "get").mkdir(parents=True)
    for name in ("s3-presigned-url", "check", "in", "out"):
        shutil.copy2(ROOT / "dist" / name, tmp_path / "root" / name, follow_symlinks=False)
    (tmp_path / "root" / "get").chmod(0o777)
    tmp_path.chmod(0o755)
    return tmp_path / "root"


def run_in(root: Path, *command: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as nobody, with `root` as its root directory and only `environ` in its environment."""
    given = "\n".join(f"{name}={value}" for name, value in environ.items())
    return subprocess.run(
        [sys.executable, "-c", CHROOT, root, *command], input=stdin, env={"GIVEN": given}, capture_output=True, check=False
    )


def test_dist_has_one_file_and_three_links(program: Program) -> None:
    found = {path.name: str(path.readlink()) if path.is_symlink() else "" for path in BINARY.parent.iterdir()}
    links = dict.fromkeys(("check", "in", "out"), "s3-presigned-url")
    assert found == {"s3-presigned-url": "", **links}


def test_the_file_is_static_and_hardened(program: Program) -> None:
    headers = subprocess.run(["readelf", "-hldW", BINARY], capture_output=True, check=True, text=True).stdout
    assert "There is no dynamic section in this file." in headers
    assert "INTERP" not in headers
    assert "GNU_RELRO" in headers
    assert next(line.split()[-2] for line in headers.splitlines() if "GNU_STACK" in line) == "RW"


def test_the_file_names_no_place_of_the_machine_that_made_it(program: Program) -> None:
    content = BINARY.read_bytes()
    for place in (f"{ROOT}/", str(Path.home() / ".cache"), ".pyenv", "/tmp/tmp"):  # noqa: S108
        assert place.encode() not in content, place


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LANG": "C.UTF-8"},
        {"LANG": "xx_YY.UTF-8"},
        {"LC_ALL": "de_DE.ISO-8859-1", "LANG": "\xff"},
        {"LC_ALL": "POSIX"},
        {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "PYTHONMALLOC": "rubbish", "PYTHONHASHSEED": "rubbish"},
        {"PYTHONINSPECT": "1", "PYTHONVERBOSE": "3", "PYTHONDEVMODE": "1", "PYTHONUTF8": "7", "PYTHONTRACEMALLOC": "x"},
        {"PYTHONWARNINGS": "error", "PYTHONSTARTUP": "/get", "PYTHONIOENCODING": "utf-16", "PYTHONOPTIMIZE": "x"},
        {"LD_PRELOAD": "/nowhere.so", "LD_LIBRARY_PATH": "/nowhere", "TZ": "rubbish", "TMPDIR": "/nowhere"},
    ],
    ids=str,
)
def test_it_runs_as_nobody_in_an_empty_root_whatever_the_environment(
    program: Program, root: Path, environ: dict[str, str]
) -> None:
    done = run_in(root, "/in", "/get", stdin=REQUEST, **environ)
    assert done.stderr.startswith(b"signed GET s3://my-bucket/folder/file.txt, valid until "), done
    assert done.stderr.count(b"\n") == 1
    assert done.returncode == 0
    assert (root / "get" / "url").read_text().startswith("https://my-bucket.s3.eu-west-1.amazonaws.com/")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["/check"], b"[]"),
        (["/s3-presigned-url", "--version"], b"s3-presigned-url 0.1.0\npython 3.13."),
        (["/s3-presigned-url", "--help"], b"usage: s3-presigned-url presign s3://BUCKET/KEY"),
    ],
    ids=str,
)
def test_every_command_runs_in_an_empty_root(program: Program, root: Path, command: list[str], told: bytes) -> None:
    done = run_in(root, *command, stdin=json.dumps({"source": get_request()["source"]}).encode())
    assert done.stdout.startswith(told)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_was_there_before_stays_in_files_that_the_streams_append_to(
    program: Program, root: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("a") as appended:
        done = subprocess.run([root / "in", root / "get"], input=REQUEST, stdout=appended, stderr=appended, check=False)
    assert done.returncode == 0
    before, after = log.read_text().split("\n", 1)
    assert before == "before"
    assert after.startswith('{"version":{"execution_date":')
    assert "}signed GET s3://my-bucket/folder/file.txt, valid until " in after


def test_boto3_and_its_models_are_inside(program: Program, root: Path) -> None:
    sources = [
        {"use_dualstack_endpoint": True},
        {"use_fips_endpoint": True},
        {"use_accelerate_endpoint": True},
        {"bucket_name": "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"},
        {"region_name": "aws-global"},
    ]
    for source in sources:
        done = run_in(root, "/in", "/get", stdin=json.dumps(get_request(**source)).encode())  # type: ignore[arg-type]  # of many types
        assert done.returncode == 0, done


@pytest.mark.parametrize(
    "params",
    [
        {"file_path": "k", "response_expires": "Wed, 21 Oct 2026 07:28:00 GMT"},  # datetime's strptime
        {"file_path": "k", "file_name": "grüße.txt", "expires_in": {"hours": 0.5}},
    ],
)
def test_every_rare_import_is_inside(program: Program, root: Path, params: dict[str, object]) -> None:
    assert run_in(root, "/in", "/get", stdin=json.dumps(get_request(params)).encode()).returncode == 0


def test_what_boto3_objects_to_is_told_in_full(program: Program, root: Path) -> None:
    request = get_request(bucket_name="dotted.bucket", use_accelerate_endpoint=True)
    done = run_in(root, "/in", "/get", stdin=json.dumps(request).encode())
    line = b"source: AWS has no such address: Path-style addressing cannot be used with S3 Accelerate"
    assert (done.returncode, done.stderr) == (1, b"s3-presigned-url: in: " + line + b"\n")


def test_on_the_way_to_a_url_no_file_but_the_destination_is_opened(
    program: Program, destination: Path, tmp_path: Path
) -> None:
    if not shutil.which("strace"):
        assert "CI" not in os.environ, "CI has strace"
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-o", str(trace), "-e", "trace=%file,%network,%process"]
    subprocess.run([*strace, *program.command("in"), str(destination)], input=REQUEST, capture_output=True, check=True)
    calls = [line.split(" ", 1)[1].strip() for line in trace.read_text().splitlines()]
    named = [call for call in calls if '"' in call and str(destination) not in call and ".s3-presigned-url." not in call]
    # the C library asks for its own name; the streams are looked at by number
    made = {
        call.split("(")[0].replace("readlinkat", "readlink") for call in named
    }  # the latter is the former since glibc 2.41
    assert sorted(made - {"newfstatat"}) == ["execve", "readlink"]
    assert [call for call in named if call.startswith("newfstatat") and '""' not in call] == []
    assert [call for call in calls if call.startswith(("socket", "connect", "clone", "fork", "vfork"))] == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_server(authority: trustme.CA) -> Iterator[HTTPServer]:
    """Container credentials over TLS, for two names."""
    server = HTTPServer(("127.0.0.1", 0), ContainerCredentials)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "credentials.example").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as running:
        yield running


def test_a_tls_connection_trusts_what_the_machine_trusts(
    program: Program, destination: Path, tmp_path: Path, secure_server: HTTPServer, authority: trustme.CA
) -> None:
    certificates = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificates))
    url = f"https://localhost:{secure_server.server_port}/credentials"
    result = get(program, destination, {**container(url), "SSL_CERT_FILE": str(certificates)})
    assert result.code == 0, result.stderr
    signed = (destination / "url").read_text()
    assert signed == boto3_url(TEMPORARY, "GET", {"Bucket": "my-bucket", "Key": "k"}, 3600, signed_at(signed))


def test_a_certificate_of_an_unknown_authority_is_refused(
    program: Program, destination: Path, secure_server: HTTPServer
) -> None:
    result = get(program, destination, container(f"https://localhost:{secure_server.server_port}/credentials"))
    assert result.stderr.startswith("s3-presigned-url: in: credentials: boto3's credential chain failed: ")
    assert "CERTIFICATE_VERIFY_FAILED" in result.stderr
    assert (result.code, list(destination.iterdir())) == (1, [])


def test_certificates_are_inside_for_where_the_system_has_none(
    program: Program, root: Path, secure_server: HTTPServer
) -> None:
    (root / "etc").mkdir()
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    request = json.dumps(get_request(access_key_id=..., secret_access_key=...)).encode()
    url = f"https://localhost:{secure_server.server_port}/credentials"
    done = run_in(root, "/in", "/get", stdin=request, **container(url))
    # the public authorities that are inside do not know the test's, so its certificate is looked at, and refused
    assert b"CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert b"unable to get local issuer certificate" in done.stderr


def answer_as_name_server(server: socket.socket, name: str, address: str) -> None:
    """Answer one question for an IPv4 address, and any other with nothing."""
    asked = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    while True:
        try:
            query, sender = server.recvfrom(512)
        except OSError:
            return  # closed: the test is over
        question = query[12 : query.index(b"\0", 12) + 5]
        wanted = question.startswith(asked) and question[-4:] == b"\0\1\0\1"
        header = query[:2] + struct.pack(">HHHHH", 0x8180, 1, int(wanted), 0, 0)
        found = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address) if wanted else b""
        server.sendto(header + question + found, sender)


def test_names_are_looked_up_with_the_name_server_of_the_machine(
    program: Program, root: Path, secure_server: HTTPServer, authority: trustme.CA
) -> None:
    (root / "etc").mkdir()
    (root / "etc" / "resolv.conf").write_text("nameserver 127.0.0.153\n")
    authority.cert_pem.write_to_path(str(root / "ca.pem"))
    request = json.dumps(get_request(access_key_id=..., secret_access_key=...)).encode()
    environ = container(f"https://credentials.example:{secure_server.server_port}/credentials")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
        name_server.bind(("127.0.0.153", 53))
        arguments = (name_server, "credentials.example", "127.0.0.1")
        threading.Thread(target=answer_as_name_server, args=arguments, daemon=True).start()
        done = run_in(root, "/in", "/get", stdin=request, **environ, SSL_CERT_FILE="/ca.pem")
    assert done.returncode == 0, done.stderr
    assert (root / "get" / "url").exists()


def test_the_programs_own_calendar_is_that_of_the_c_library(program: Program, tmp_path: Path) -> None:
    """Every day from 1900 to 2500, at its first and its last second."""
    source = (ROOT / "build" / "startup.c").read_text()
    function = source[source.index("struct tm *__wrap_gmtime_r") : source.index("struct tm *__wrap_localtime_r")]
    (tmp_path / "calendar.c").write_text(
        "#define _GNU_SOURCE\n#include <string.h>\n#include <time.h>\n"
        + function
        + """
        int main(void) {
            for (time_t day = -25567; day < 193900; day++) {
                for (int last = 0; last < 2; last++) {
                    time_t moment = day * 86400 + last * 86399;
                    struct tm ours, theirs;
                    __wrap_gmtime_r(&moment, &ours);
                    gmtime_r(&moment, &theirs);
                    if (ours.tm_year != theirs.tm_year || ours.tm_mon != theirs.tm_mon || ours.tm_mday != theirs.tm_mday
                        || ours.tm_hour != theirs.tm_hour || ours.tm_min != theirs.tm_min || ours.tm_sec != theirs.tm_sec
                        || ours.tm_wday != theirs.tm_wday || ours.tm_yday != theirs.tm_yday || ours.tm_isdst != 0) {
                        return 1;
                    }
                }
            }
            return 0;
        }"""
    )
    subprocess.run(["gcc", "-o", tmp_path / "calendar", tmp_path / "calendar.c"], check=True)
    subprocess.run([tmp_path / "calendar"], check=True)


def test_every_library_of_the_linkers_map_is_in_the_bill(program: Program) -> None:
    found = set(re.findall(r"/(lib[^/\s]*?)(?:-[\d.]+)?\.a\(", (ABOUT / "linker.map").read_text()))
    assert found <= LIBRARIES.keys()
    assert {LIBRARIES[name] for name in found} <= listed()
    assert {"libc", "libssl", "libpython3.13"} <= found


def test_every_package_of_nuitkas_report_is_in_the_bill(program: Program) -> None:
    report = (ABOUT / "modules.xml").read_text()
    modules = re.findall(r'<module name="([^".]+)[^>]* source_path="([~/][^"]*)"', report)
    found = {name for name, path in modules if "/build/inside/" not in path}
    assert found == PACKAGES.keys()
    assert set(PACKAGES.values()) <= listed()


def listed() -> set[str]:
    """The names in the bill of materials, and gcc without its number."""
    components = json.loads((ABOUT / "sbom.cdx.json").read_text())["components"]
    return {re.sub(r"^gcc-\d+$", "gcc", component["name"]) for component in components}


def with_limit(limit: str, destination: Path, **source: bool) -> subprocess.CompletedProcess[bytes]:
    """Run `in` under a limit, such as `-n 5`, as the shell's ulimit takes it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'ulimit {limit}; exec "$@"', "sh", ROOT / "dist" / "in", destination],
        input=json.dumps(get_request(**source)).encode(),  # type: ignore[arg-type]  # of many types
        env={},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.process
@pytest.mark.parametrize("boto3", [False, True])
def test_it_signs_in_64_mib_of_address_space_and_says_that_it_cannot_in_less(
    program: Program, destination: Path, boto3: bool
) -> None:
    for limit in (28672, 32768, 49152, 65535):  # with much less than the first, the kernel cannot start it
        done = with_limit(f"-v {limit}", destination, use_dualstack_endpoint=boto3)
        line = b"s3-presigned-url: cannot start: needs 64 MiB of memory (ulimit -v 65536)\n"
        assert (done.returncode, done.stdout, done.stderr, files_below(destination)) == (1, b"", line, {})
    done = with_limit("-v 65536", destination, use_dualstack_endpoint=boto3)
    assert (done.returncode, sorted(files_below(destination))) == (0, ["expires_at", "s3_uri", "url"])


@pytest.mark.process
def test_few_descriptors_are_enough_and_too_few_are_told(program: Program, destination: Path) -> None:
    for most in (3, 4):
        done = with_limit(f"-n {most}", destination)
        line = f"s3-presigned-url: in: {destination}/url: cannot be written: Too many open files\n"
        assert (done.returncode, done.stdout, done.stderr.decode(), files_below(destination)) == (1, b"", line, {})
    assert with_limit("-n 5", destination).returncode == 0


@pytest.mark.process
def test_with_nothing_random_at_all_it_says_that_it_cannot_start(program: Program, destination: Path) -> None:
    # the first file that it opens would be /dev/urandom
    faults = ["-e", "inject=getrandom:error=ENOSYS", "-e", "inject=openat:error=ENOENT:when=1"]
    strace = ["strace", "-qqo", "/dev/null", *faults]
    done = subprocess.run(
        [*strace, ROOT / "dist" / "in", destination], input=REQUEST, env={}, capture_output=True, check=False
    )
    line = b"s3-presigned-url: cannot start: failed to get random numbers to initialize Python\n"
    assert (done.returncode, done.stdout, done.stderr, files_below(destination)) == (1, b"", line, {})


@pytest.mark.process
def test_a_stdin_that_is_a_directory_is_told(program: Program, destination: Path) -> None:
    command = ["/bin/sh", "-c", 'exec "$@" </', "sh", *program.command("in"), str(destination)]
    done = subprocess.run(command, env={}, capture_output=True, check=False)
    line = b"s3-presigned-url: cannot start: <stdin> is a directory, cannot continue\n"
    assert (done.returncode, done.stdout, done.stderr, files_below(destination)) == (1, b"", line, {})
