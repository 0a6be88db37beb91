"""Real S3 servers on loopback that check signatures: three, of three makers. moto takes any signature.

Each holds its bucket in a folder, speaks https where it is given a certificate, and knows the bucket also under the name
`my-bucket.s3.localhost`.
"""

import contextlib
import functools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
import trustme
from botocore.config import Config

from .program import ACCESS_KEY_ID, ROOT, SECRET_ACCESS_KEY

VERSITYGW = ROOT / ".cache" / "bin" / "versitygw"
INSTALLED = Path(sys.executable).parent  # where pip puts programs
REGION = "eu-west-1"
BUCKET = "my-bucket"
DOMAIN = "s3.localhost"  # what buckets are below, where they are in the host


@dataclass(frozen=True)
class Certificate:
    """Files for a server, and the authority for its clients."""

    chain: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class S3Server:
    """A server with an empty bucket. What tests put there and read back goes through boto3, signed in a header."""

    scheme: str
    port: int
    authority: Path | None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def objects(self) -> list[str]:
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    @functools.cached_property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            # not every server knows the checksums that boto3 adds to an upload of its own accord
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
            verify=str(self.authority) if self.authority else None,
        )


def certificate(folder: Path) -> Certificate:
    """Make a certificate, for all the names by which a test may know a server, and its authority."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost", DOMAIN, f"*.{DOMAIN}", "files.example.com", "*.files.example.com")
    made = Certificate(folder / "public.crt", folder / "private.key", folder / "authority.pem")
    leaf.private_key_pem.write_to_path(str(made.key))
    made.chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    authority.cert_pem.write_to_path(str(made.authority))
    return made


@contextlib.contextmanager
def versitygw(folder: Path, tls: Certificate | None = None) -> Iterator[S3Server]:
    """Versity S3 Gateway."""
    (port,) = free_ports(1)
    secured = ["--cert", str(tls.chain), "--key", str(tls.key)] if tls else []
    address = ["--port", f"127.0.0.1:{port}", "--region", REGION, "--virtual-domain", f"{DOMAIN}:{port}"]
    keys = {"ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET_ACCESS_KEY}
    with _running([VERSITYGW, *address, *secured, "--quiet", "posix", folder], keys, port, tls) as server:
        yield server


@contextlib.contextmanager
def seaweedfs(folder: Path, tls: Certificate | None = None) -> Iterator[S3Server]:
    """SeaweedFS: a master, a volume server, a filer and the S3 gateway before them, in one process."""
    names = [f"{name}.port{suffix}" for name in ("master", "volume", "filer", "s3") for suffix in ("", ".grpc")]
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
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.electionTimeout=1s", "-filer", "-s3"),
        *(f"-s3.config={identities}", f"-s3.domainName={DOMAIN}", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.volumeSizeLimitMB=64", "-volume.max=8", f"-dir={folder}"),
    ]
    with _running([INSTALLED / "weed", "server", *options, *secured], {}, port, tls) as server:
        yield server


@contextlib.contextmanager
def juicefs(folder: Path, tls: Certificate | None = None) -> Iterator[S3Server]:
    """MinIO's gateway, as it is part of JuiceFS."""
    (port,), database = free_ports(1), f"sqlite3://{folder}/metadata"
    storage = ("--storage", "file", "--bucket", f"{folder}/data/")
    subprocess.run([INSTALLED / "juicefs", "format", *storage, database, "tests"], check=True, stderr=subprocess.DEVNULL)
    certificates = folder / ".minio" / "certs"  # where MinIO looks for public.crt and private.key
    certificates.mkdir(parents=True)
    for path in (tls.chain, tls.key) if tls else ():
        (certificates / path.name).write_bytes(path.read_bytes())
    options: list[str | Path] = [
        *("--multi-buckets", "--object-meta", "--domain", DOMAIN, "--no-banner", "--no-usage-report"),
        *("--metrics", "127.0.0.1:0", "--cache-dir", folder / "cache", "--log", folder / "log"),
    ]
    keys = {"MINIO_ROOT_USER": ACCESS_KEY_ID, "MINIO_ROOT_PASSWORD": SECRET_ACCESS_KEY, "HOME": str(folder)}
    command = [INSTALLED / "juicefs", "gateway", *options, database, f"127.0.0.1:{port}"]
    with _running(command, keys, port, tls) as server:
        yield server


SERVERS = {"versitygw": versitygw, "seaweedfs": seaweedfs, "juicefs": juicefs}


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens at, below those that the system gives to outgoing connections in the meantime."""
    with contextlib.ExitStack() as probes:
        found: list[int] = []
        while len(found) < number:
            port = random.randrange(20000, 32768)  # noqa: S311  # no secret
            with contextlib.suppress(OSError):
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found


@contextlib.contextmanager
def _running(command: list[str | Path], environ: dict[str, str], port: int, tls: Certificate | None) -> Iterator[S3Server]:
    """Run a server until the end of the block, with an empty bucket."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            _wait_for(port, process, log)
            server = S3Server("https" if tls else "http", port, tls.authority if tls else None)
            server.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            yield server
        finally:
            process.kill()  # what it holds is thrown away, and SeaweedFS takes minutes to leave politely
            process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"no server on port {port}: {log.read()[-1000:].decode(errors='replace')}")
