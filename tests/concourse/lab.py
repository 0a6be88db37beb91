"""What the pipelines talk to: S3, a chat, AWS's STS, and an image registry.

They listen on addresses that containers of builds reach. The names of AWS and of the chat lead
there, with certificates of a CA that the containers trust.
"""

import contextlib
import json
import shutil
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ..container import IMAGE, engine
from ..program import ROOT, SECRET_ACCESS_KEY
from ..scripted import Answer, Server, hang, scripted
from ..servers import BUCKET, REGION, Certificate, S3Server, certificate, versitygw
from ..sts_server import OF_THE_ROLE, session

# of the range for tests of networks (RFC 2544)
S3, CHAT, STS = "198.18.0.1", "198.18.0.2", "198.18.0.3"
SILENT = 9999  # a port of S3's address that accepts connections and does not respond
REGISTRY = f"{S3}:5000"
CRANE = ROOT / ".cache" / "bin" / "crane"

_S3_NAME = f"s3.{REGION}.amazonaws.com"
HOSTS = {
    S3: [_S3_NAME, f"{BUCKET}.{_S3_NAME}"],
    CHAT: ["chat.example.com"],
    STS: [f"sts.{REGION}.amazonaws.com"],
}
OBJECTS = {
    "folder/file.txt": b"a file of the first pipeline\n",
    "releases/1.4.0/app-linux.tgz": b"for linux\n",
    "releases/1.4.0/app-macos.zip": b"for macos\n",
    "reports/2026-11.pdf": b"a report\n",
}
SECRETS = [
    SECRET_ACCESS_KEY,
    OF_THE_ROLE["secret_access_key"],
    OF_THE_ROLE["session_token"],
]


@dataclass(frozen=True)
class Lab:
    """The running servers. `folder` has the files that Concourse needs."""

    folder: Path
    s3: S3Server
    chat: Server
    sts: Server
    silent: Server
    access_log: Path

    def links(self) -> list[str]:
        """Return the links that were posted to the chat."""
        return [json.loads(request.body)["text"] for request in self.chat.requests]

    def secrets(self) -> set[str]:
        """Return what belongs in no log: keys, tokens, and signatures of used and posted URLs."""
        urls = " ".join((self.access_log.read_text(), *self.links()))
        signed = urls.split("X-Amz-Signature=")[1:]
        requests = [parse_qs(request.body.decode()) for request in self.sts.requests]
        tokens = [token for query in requests for token in query.get("WebIdentityToken", ())]
        return {*SECRETS, *(text[:64] for text in signed), *tokens}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Lab]:
    """Run the servers. This machine needs the addresses, and the registry gets the images."""
    certificates = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    for name in ("s3", "s3-versions"):
        (folder / name).mkdir()
    access_log = folder / "access.log"
    with (
        versitygw(
            folder / "s3",
            certificates,
            host=S3,
            port=443,
            domain=_S3_NAME,
            VGW_ACCESS_LOG=str(access_log),
            VGW_VERSIONING_DIR=str(folder / "s3-versions"),
        ) as s3,
        scripted(Answer(200, "ok\n"), tls=context, address=(CHAT, 443)) as chat,
        scripted(_assume_role, tls=context, address=(STS, 443)) as sts,
        scripted(hang, address=(S3, SILENT)) as silent,
        _registry(folder),
    ):
        for key, content in OBJECTS.items():
            s3.put(key, content)
        yield Lab(folder, s3, chat, sts, silent, access_log)


def _assume_role(handler: Any) -> None:
    """Respond like STS to AssumeRole and AssumeRoleWithWebIdentity."""
    (action,) = parse_qs(handler.body.decode())["Action"]
    session(3600, action)(handler)


def _certificates(folder: Path) -> Certificate:
    """Create a CA, in a directory for the worker's --certs-dir, and a certificate for all names."""
    files = certificate(folder, [S3, *(name for names in HOSTS.values() for name in names)])
    trusted = folder / "certs"
    trusted.mkdir()
    shutil.copy(files.authority, trusted / "ca-certificates.crt")
    return files


@contextlib.contextmanager
def _registry(folder: Path) -> Iterator[None]:
    """Serve our image, and one in place of curlimages/curl that trusts the CA."""
    with (folder / "registry.log").open("wb") as log:
        (folder / "registry").mkdir()
        options = ("--address", REGISTRY, "--disk", str(folder / "registry"))
        process = subprocess.Popen([CRANE, "registry", "serve", *options], stdout=log, stderr=log)
    try:
        _push(folder, IMAGE, "owner/s3-presigned-url")
        _push(folder, f"{IMAGE}-curl", "curlimages/curl")
        trust = (folder / "certs" / "ca-certificates.crt").read_bytes()
        with tarfile.open(folder / "trust.tar", "w") as tar:
            info = tarfile.TarInfo("etc/ssl/certs/ca-certificates.crt")
            info.size = len(trust)
            tar.addfile(info, BytesIO(trust))
        image = f"{REGISTRY}/curlimages/curl:latest"
        append = ("append", "--base", image, "--new_layer", folder / "trust.tar")
        _crane(*append, "--new_tag", image)
        yield
    finally:
        process.kill()
        process.wait()


def _push(folder: Path, image: str, repository: str) -> None:
    archive = folder / "image.tar"
    archive.unlink(missing_ok=True)
    engine("save", "--output", str(archive), image)
    _crane("push", archive, f"{REGISTRY}/{repository}:latest")


def _crane(*arguments: str | Path) -> None:
    subprocess.run([CRANE, "--insecure", *arguments], check=True, capture_output=True, timeout=120)
