"""`app/aws/trust.py` and `proxy.py`: as Go's and AWS's programs on the same worker."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from app.aws import proxy, trust

from . import providers
from .expect import assert_failed
from .program import Program, Result, get_request
from .scripted import Answer, Server, scripted

FOUND = Answer(206, "h", {"Content-Range": "bytes 0-0/5"})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[Server]:
    """A server whose certificate only `authority` vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with scripted(FOUND, tls=context) as running:
        yield running


@pytest.fixture
def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def verify(
    program: Program, destination: Path, url: str, environ: dict[str, str] | None = None
) -> Result:
    request = get_request({"file_path": "k", "verify": "url"}, endpoint=url)
    return program.run("in", destination, request=request, environ=environ)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_variable_can_name_a_bundle(
    program: Program,
    destination: Path,
    tmp_path: Path,
    server: Server,
    pem: str,
    variable: str,
) -> None:
    (tmp_path / "bundle.pem").write_text(
        f"# a comment\n{trustme.CA().cert_pem.bytes().decode()}{pem}"
    )
    environ = {variable: str(tmp_path / "bundle.pem")}
    result = verify(program, destination, server.url, environ)
    assert result.code == 0, result.stderr


def test_a_variable_can_name_directories_of_certificates(
    program: Program, destination: Path, tmp_path: Path, server: Server, pem: str
) -> None:
    """The files have any name, as `certs_dir` of a Concourse worker may have them."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (second / "folder").mkdir(parents=True)
    (second / "ours.txt").write_text(pem)
    (second / "README").write_bytes(b"\xff not a certificate")
    (second / "nowhere").symlink_to(tmp_path / "missing")
    environ = {"SSL_CERT_DIR": f"{first}:{second}:{tmp_path}/missing"}
    result = verify(program, destination, server.url, environ)
    assert result.code == 0, result.stderr


def test_an_unknown_ca_is_refused_also_with_other_certificates(
    program: Program, destination: Path, tmp_path: Path, server: Server
) -> None:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    host = server.url.removeprefix("https://")
    problem = "certificate verification failed: unable to get local issuer certificate"
    line = f"params.verify: {host}: {problem} (for a private CA, set ca_bundle)"
    path = str(tmp_path / "ca.pem")
    variables: list[dict[str, str]] = [
        {},
        {"AWS_CA_BUNDLE": path},
        {"SSL_CERT_FILE": path, "SSL_CERT_DIR": str(tmp_path)},
    ]
    for environ in variables:
        assert_failed(verify(program, destination, server.url, environ), destination, line)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_variable_that_names_no_file_is_reported(
    program: Program, destination: Path, server: Server, variable: str
) -> None:
    result = verify(program, destination, server.url, {variable: "/nowhere/ca.pem"})
    line = f"{variable}: cannot read /nowhere/ca.pem: No such file or directory"
    assert_failed(result, destination, line)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty system, whose bundles and directories are below this path."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    bundles = [str(tmp_path) + path for path in trust._BUNDLES]
    directories = [str(tmp_path) + path for path in trust._DIRECTORIES]
    monkeypatch.setattr(trust, "_BUNDLES", bundles)
    monkeypatch.setattr(trust, "_DIRECTORIES", directories)
    return tmp_path


@pytest.mark.parametrize("path", trust._BUNDLES)
def test_the_bundle_of_the_system_is_trusted(system: Path, pem: str, path: str) -> None:
    bundle = Path(f"{system}{path}")
    bundle.parent.mkdir(parents=True)
    bundle.write_text(pem)
    assert trust.certificates() == pem.strip()


@pytest.mark.parametrize("directory", trust._DIRECTORIES)
def test_certificates_in_a_directory_of_the_system_are_trusted_beside_the_bundle(
    system: Path, pem: str, directory: str
) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    folder = Path(f"{system}{directory}")
    folder.mkdir(parents=True)
    (folder / "a.crt").write_text(other)
    (folder / "1234abcd.0").symlink_to(folder / "a.crt")
    bundle = system / "etc/pki/tls/cacert.pem"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(pem + other)
    assert trust.certificates() == f"{pem.strip()}\n{other.strip()}"


def test_a_system_without_certificates_trusts_those_of_botocore(system: Path) -> None:
    assert trust.certificates().count("BEGIN CERTIFICATE") > 100


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_proxied"),
    [
        ("", "https://s3.example.com", True),
        ("*", "https://s3.example.com", False),
        ("example.com", "https://s3.example.com", False),
        ("example.com", "https://example.com", False),
        ("example.com", "https://notexample.com", True),
        (".example.com", "https://s3.example.com", False),
        ("*.example.com", "https://s3.example.com", False),
        ("*.example.com", "https://example.org", True),
        ("other, Example.COM ,", "https://s3.example.com", False),
        ("s3.example.com:443", "https://s3.example.com", False),
        ("s3.example.com:8443", "https://s3.example.com", True),
        ("s3.example.com:8443", "https://s3.example.com:8443", False),
        ("10.0.0.0/8", "https://10.1.2.3:9000", False),
        ("10.0.0.0/8", "https://11.1.2.3", True),
        ("10.0.0.0/8", "https://s3.example.com", True),
        ("10.1.2.3/8", "https://10.9.9.9", False),
        ("10.0.0.0/99", "https://10.1.2.3", True),
        ("10.1.2.3", "https://10.1.2.3", False),
        ("10.1.2.3:9000", "https://10.1.2.3:9000", False),
        ("10.1.2.3:9000", "https://10.1.2.3:9001", True),
        ("2.3", "https://10.1.2.3", True),
        ("fd00::/8", "https://[fd00::1]:9000", False),
        ("[fd00::1]:9000", "https://[fd00::1]:9000", False),
        ("fd00::1", "https://[fd00::1]:9000", False),
        ("fd00::2", "https://[fd00::1]:9000", True),
        ("", "https://localhost:9000", False),
        ("", "https://127.0.0.1:9000", False),
        ("", "https://[::1]:9000", False),
    ],
)
@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_no_proxy_has_names_wildcards_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, spelling: Any, no_proxy: str, url: str, is_proxied: bool
) -> None:
    monkeypatch.setenv(spelling("https_proxy"), "http://proxy:3128")
    monkeypatch.setenv(spelling("no_proxy"), no_proxy)
    assert proxy.proxies(url) == ({"https": "http://proxy:3128"} if is_proxied else {})


def test_each_scheme_has_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:1")
    assert proxy.proxies("http://s3.example.com") == {"http": "http://proxy:1"}
    assert proxy.proxies("https://s3.example.com") == {}


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (
            403,
            "the proxy refused to connect (403 Forbidden): check HTTPS_PROXY, HTTP_PROXY and "
            "NO_PROXY in the environment",
        ),
        (
            407,
            "the proxy requires authentication (407): set HTTPS_PROXY=http://USER:PASSWORD@HOST",
        ),
    ],
)
def test_the_refusal_of_a_proxy_is_reported_as_its_own(
    program: Program, destination: Path, status: int, problem: str
) -> None:
    targets: list[str] = []
    with providers.running(providers.Proxy, targets=targets, status=status) as url:
        environ = {"HTTPS_PROXY": url}
        result = verify(program, destination, "https://s3.example.com", environ)
    assert_failed(result, destination, f"params.verify: s3.example.com: {problem}")
    assert targets == ["s3.example.com:443"]


def test_a_proxy_that_is_not_there_is_reported(program: Program, destination: Path) -> None:
    environ = {"HTTPS_PROXY": "http://127.0.0.1:1"}
    result = verify(program, destination, "https://s3.example.com", environ)
    problem = (
        "the proxy did not respond: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment"
    )
    assert_failed(result, destination, f"params.verify: s3.example.com: {problem}")


def test_a_server_in_no_proxy_is_asked_without_the_proxy(
    program: Program, destination: Path
) -> None:
    with scripted(FOUND) as server:
        url = server.url.replace("localhost", "127.0.0.1")
        environ = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"}
        assert verify(program, destination, url, environ).code == 0
