"""Three S3 servers on loopback that check signatures. moto accepts any signature.

Each keeps its bucket in a directory, uses https if it has a certificate, and also serves the bucket
at the host `my-bucket.s3.localhost`.
"""

import contextlib
import functools
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import boto3
import trustme
from botocore.config import Config

from .program import ACCESS_KEY_ID, ROOT, SECRET_ACCESS_KEY, Program, get_request

VERSITYGW = ROOT / ".cache" / "bin" / "versitygw"
INSTALLED = Path(sys.executable).parent  # where pip puts programs
REGION = "eu-west-1"
BUCKET = "my-bucket"
DOMAIN = "s3.localhost"  # the parent domain of buckets in virtual-host style


Response = tuple[int, bytes, HTTPMessage]


@dataclass(frozen=True)
class Certificate:
    """The files of a server, and the CA certificate for its clients."""

    chain: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class S3Server:
    """A server with a bucket. Tests put and read objects through boto3, which signs in a header."""

    scheme: str
    port: int
    authority: Path | None
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def objects(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET)
        return [entry["Key"] for entry in found.get("Contents", ())]

    @functools.cached_property
    def client(self) -> Any:
        # not every server supports the checksums that boto3 adds to an upload by default
        config = Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        )
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=config,
            verify=str(self.authority) if self.authority else None,
        )


def send(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    server: S3Server | None = None,
) -> Response:
    """Send a request for any host to `server`, or to loopback at the port of the URL."""
    parts = urlsplit(url)
    address = (server.host, server.port) if server else ("127.0.0.1", parts.port or 80)
    connection = HTTPConnection(parts.netloc)
    connection.sock = socket.create_connection(address, 10)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=server.authority if server else None)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
    headers = {"Host": parts.netloc, **(headers or {})}
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def sign(
    program: Program, server: S3Server, destination: Path, params: dict[str, Any], **source: Any
) -> str:
    """Return the URL that `in` writes for a server."""
    request = get_request(params, **{"endpoint": server.url, "region_name": REGION, **source})
    result = program.run("in", destination, request=request)
    assert result.code == 0, result.stderr
    return (destination / "url").read_text()


NAMES = (
    "127.0.0.1",
    "localhost",
    DOMAIN,
    f"*.{DOMAIN}",
    "files.example.com",
    "*.files.example.com",
)


def certificate(folder: Path, names: Iterable[str] = NAMES) -> Certificate:
    """Create a CA, and a certificate for every name under which tests reach a server."""
    authority = trustme.CA()
    leaf = authority.issue_cert(*names)
    files = Certificate(folder / "public.crt", folder / "private.key", folder / "authority.pem")
    leaf.private_key_pem.write_to_path(str(files.key))
    files.chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    authority.cert_pem.write_to_path(str(files.authority))
    return files


@contextlib.contextmanager
def versitygw(
    folder: Path,
    tls: Certificate | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    domain: str = "",
    **variables: str,
) -> Iterator[S3Server]:
    """Run Versity S3 Gateway, by default at a free port, which is then part of its domain.

    `variables` are further settings of it.
    """
    port = port or free_ports(1)[0]
    secured = ["--cert", str(tls.chain), "--key", str(tls.key)] if tls else []
    address = [
        *("--port", f"{host}:{port}"),
        *("--region", REGION, "--virtual-domain", domain or f"{DOMAIN}:{port}"),
    ]
    command: list[str | Path] = [VERSITYGW, *address, *secured, "--quiet", "posix", folder]
    keys = {"ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET_ACCESS_KEY}
    with _running(command, {**keys, **variables}, port, tls, host) as server:
        yield server


@contextlib.contextmanager
def seaweedfs(folder: Path, tls: Certificate | None = None) -> Iterator[S3Server]:
    """Run SeaweedFS: master, volume server, filer and S3 gateway in one process."""
    parts = ("master", "volume", "filer", "s3")
    names = [f"{part}.port{suffix}" for part in parts for suffix in ("", ".grpc")]
    ports = dict(zip([*names, "s3.port.https"], free_ports(9), strict=True))
    port = ports["s3.port.https" if tls else "s3.port"]
    secured = [f"-s3.cert.file={tls.chain}", f"-s3.key.file={tls.key}"] if tls else []
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    identities = folder / "identities.json"
    identities.write_text(json.dumps({"identities": [identity]}))
    options = [
        *(f"-{name}={ports[name]}" for name in (names if not tls else ports)),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-master.telemetry=false", "-master.electionTimeout=1s", "-filer", "-s3"),
        *(f"-s3.config={identities}", f"-s3.domainName={DOMAIN}", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=8", f"-dir={folder}"),
    ]
    with _running([INSTALLED / "weed", "server", *options, *secured], {}, port, tls) as server:
        yield server


@contextlib.contextmanager
def juicefs(folder: Path, tls: Certificate | None = None) -> Iterator[S3Server]:
    """Run MinIO's gateway, which is part of JuiceFS."""
    (port,), database = free_ports(1), f"sqlite3://{folder}/metadata"
    storage = ("--storage", "file", "--bucket", f"{folder}/data/")
    create = [str(INSTALLED / "juicefs"), "format", *storage, database, "tests"]
    subprocess.run(create, check=True, stderr=subprocess.DEVNULL)
    certificates = folder / ".minio" / "certs"  # where MinIO looks for public.crt and private.key
    certificates.mkdir(parents=True)
    for path in (tls.chain, tls.key) if tls else ():
        (certificates / path.name).write_bytes(path.read_bytes())
    options: list[str | Path] = [
        *("--multi-buckets", "--object-meta", "--domain", DOMAIN),
        *("--no-banner", "--no-usage-report"),
        *("--metrics", "127.0.0.1:0", "--cache-dir", folder / "cache", "--log", folder / "log"),
    ]
    keys = {
        "MINIO_ROOT_USER": ACCESS_KEY_ID,
        "MINIO_ROOT_PASSWORD": SECRET_ACCESS_KEY,
        "HOME": str(folder),
    }
    command = [INSTALLED / "juicefs", "gateway", *options, database, f"127.0.0.1:{port}"]
    with _running(command, keys, port, tls) as server:
        yield server


SERVERS = {"versitygw": versitygw, "seaweedfs": seaweedfs, "juicefs": juicefs}


def free_ports(number: int) -> list[int]:
    """Return unused ports below the range that the system assigns to outgoing connections."""
    with contextlib.ExitStack() as probes:
        found: list[int] = []
        while len(found) < number:
            port = random.randrange(20000, 32768)  # noqa: S311  # not a secret
            with contextlib.suppress(OSError):
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found


@contextlib.contextmanager
def _running(
    command: list[str | Path],
    environ: dict[str, str],
    port: int,
    tls: Certificate | None,
    host: str = "127.0.0.1",
) -> Iterator[S3Server]:
    """Run a server with an empty bucket until the end of the block."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            _wait_for(host, port, process, log)
            authority = tls.authority if tls else None
            server = S3Server("https" if tls else "http", port, authority, host)
            location = {"LocationConstraint": REGION}
            server.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
            yield server
        finally:
            process.kill()  # SeaweedFS takes minutes to shut down cleanly
            process.wait(10)


def _wait_for(host: str, port: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"no server on port {port}: {log.read()[-1000:].decode(errors='replace')}")
