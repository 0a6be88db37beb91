"""The providers of boto3's credential chain, on loopback and on disk.

Each provider is a function of a directory for its files and the lifetime of its credentials, in
seconds. With several lifetimes, each further request returns the next credentials. It yields the
environment variables that point to it.
"""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from .expect import rfc3339
from .program import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, SOURCE, VARIABLES

TEMPORARY = {**SOURCE, "session_token": SESSION_TOKEN}
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
STALE = "stale"  # the session token of all but the last credentials
SSO_TOKEN = "signed in"
AUTHORIZATION = "token of the container"

Environ = dict[str, str]


class CredentialServer(BaseHTTPRequestHandler):
    """A server of credentials. Subclasses define the protocol; `running` sets the attributes."""

    lifetimes: list[int]

    def credentials(self) -> dict[str, str]:
        if len(self.lifetimes) == 1:
            return metadata(SESSION_TOKEN, self.lifetimes[0])
        return metadata(STALE, self.lifetimes.pop(0))

    def respond(self, content: Any, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        text = content if isinstance(content, str) else json.dumps(content)
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


class ContainerCredentials(CredentialServer):
    """The server of ECS and EKS Pod Identity at AWS_CONTAINER_CREDENTIALS_FULL_URI."""

    authorization: str

    def do_GET(self) -> None:
        if self.headers["Authorization"] == self.authorization:
            self.respond(self.credentials())
        else:
            self.respond("", 401)


class InstanceMetadata(CredentialServer):
    """The metadata service of EC2, version 2: it requires the token that it issued."""

    def do_PUT(self) -> None:
        lifetime = self.headers["x-aws-ec2-metadata-token-ttl-seconds"]
        if (self.path, lifetime) == ("/latest/api/token", "21600"):
            self.respond("of EC2")
        else:
            self.respond("", 400)

    def do_GET(self) -> None:
        if self.headers["x-aws-ec2-metadata-token"] != "of EC2":
            self.respond("", 401)
        elif self.path == "/latest/meta-data/iam/security-credentials/":
            self.respond("my-role")
        else:
            assert self.path == "/latest/meta-data/iam/security-credentials/my-role"
            self.respond({"Code": "Success", "Type": "AWS-HMAC", **self.credentials()})


class NoRole(InstanceMetadata):
    """The metadata service of an instance without a role."""

    def do_GET(self) -> None:
        self.respond("", 404)


class SsoPortal(CredentialServer):
    """The portal of IAM Identity Center."""

    def do_GET(self) -> None:
        assert self.path == f"/federation/credentials?role_name=Reader&account_id={ACCOUNT}"
        if self.headers["x-amz-sso_bearer_token"] != SSO_TOKEN:
            message = "Session token not found or invalid"
            self.respond({"__type": "UnauthorizedException", "message": message}, 401)
            return
        issued = self.credentials()
        local = time.mktime(time.strptime(issued["Expiration"], "%Y-%m-%dT%H:%M:%SZ"))
        role_credentials = {
            "accessKeyId": issued["AccessKeyId"],
            "secretAccessKey": issued["SecretAccessKey"],
            "sessionToken": issued["Token"],
            "expiration": int(local - time.timezone) * 1000,
        }
        self.respond({"roleCredentials": role_credentials})


class Proxy(BaseHTTPRequestHandler):
    """A proxy that refuses every connection and records its target."""

    targets: list[str]
    status = 403

    def do_CONNECT(self) -> None:
        self.targets.append(self.path)
        self.send_error(self.status)

    def log_message(self, *_: Any) -> None:
        pass


class Malformed(CredentialServer):
    """A server that responds with `content`."""

    content: Any

    def do_GET(self) -> None:
        self.respond(self.content)


def metadata(token: str, lifetime: int) -> dict[str, str]:
    """Return credentials in the format of AWS's metadata services."""
    return {
        "AccessKeyId": ACCESS_KEY_ID,
        "SecretAccessKey": SECRET_ACCESS_KEY,
        "Token": token,
        "Expiration": rfc3339(int(time.time()) + lifetime),
    }


@contextlib.contextmanager
def serving(server: HTTPServer) -> Iterator[HTTPServer]:
    """Serve until the end of the block."""
    poll_interval = 0.01  # seconds
    thread = threading.Thread(target=server.serve_forever, args=(poll_interval,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def running(handler: type[BaseHTTPRequestHandler], **attributes: Any) -> Iterator[str]:
    """Serve until the end of the block, and yield the server's URL."""
    with serving(HTTPServer(("127.0.0.1", 0), type("Handler", (handler,), attributes))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """Run moto's server, which emulates AWS, until the end of the block, and yield its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def session_of(access_key_id: str) -> dict[str, Any]:
    """Return a source with the role credentials that moto issued under this access key."""
    roles = [
        role
        for account in sts_backends.values()
        for backend in account.values()
        for role in backend.assumed_roles
    ]
    (role,) = (role for role in roles if role.access_key_id == access_key_id)
    return {
        **SOURCE,
        "access_key_id": access_key_id,
        "secret_access_key": role.secret_access_key,
        "session_token": role.session_token,
    }


def container(url: str) -> Environ:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
    }


def configuration(folder: Path, text: str) -> Environ:
    (folder / "config").write_text(text)
    return {"AWS_CONFIG_FILE": str(folder / "config")}


@contextlib.contextmanager
def environment(_: Path, lifetime: int) -> Iterator[Environ]:
    yield {
        **VARIABLES,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_CREDENTIAL_EXPIRATION": metadata("", lifetime)["Expiration"],
    }


@contextlib.contextmanager
def process(folder: Path, *lifetimes: int) -> Iterator[Environ]:
    for number, lifetime in enumerate(lifetimes):
        found = metadata(SESSION_TOKEN if number == len(lifetimes) - 1 else STALE, lifetime)
        (folder / f"answer{number}").write_text(
            json.dumps({"Version": 1, "SessionToken": found.pop("Token"), **found})
        )
    script = folder / "process"
    script.write_text(
        f"#!/bin/sh\ncd {folder}\ncat answer0\n[ ! -e answer1 ] || mv answer1 answer0\n"
    )
    script.chmod(0o755)
    yield configuration(folder, f"[default]\ncredential_process = {script}\n")


@contextlib.contextmanager
def ecs(_: Path, *lifetimes: int) -> Iterator[Environ]:
    with running(ContainerCredentials, lifetimes=[*lifetimes], authorization=AUTHORIZATION) as url:
        yield container(f"{url}/credentials")


@contextlib.contextmanager
def eks_pod_identity(folder: Path, *lifetimes: int) -> Iterator[Environ]:
    (folder / "token").write_text("token from a file")
    with running(
        ContainerCredentials, lifetimes=[*lifetimes], authorization="token from a file"
    ) as url:
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(folder / "token"),
        }


@contextlib.contextmanager
def ec2(_: Path, *lifetimes: int) -> Iterator[Environ]:
    with running(InstanceMetadata, lifetimes=[*lifetimes]) as url:
        yield {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}


@contextlib.contextmanager
def sso(folder: Path, *lifetimes: int) -> Iterator[Environ]:
    """A profile with an SSO session, as `aws configure sso` writes it today."""
    with running(SsoPortal, lifetimes=[*lifetimes]) as url:
        yield {**signed_in(folder, "ours"), **sso_profile(folder), "AWS_ENDPOINT_URL_SSO": url}


@contextlib.contextmanager
def sso_without_session(folder: Path, *lifetimes: int) -> Iterator[Environ]:
    """A profile in the legacy format, without an SSO session."""
    start = "https://ours.awsapps.com/start"
    profile = f"[default]\nsso_start_url = {start}\nsso_region = eu-central-1\n"
    text = f"{profile}sso_account_id = {ACCOUNT}\nsso_role_name = Reader\n"
    with running(SsoPortal, lifetimes=[*lifetimes]) as url:
        yield {
            **signed_in(folder, start),
            **configuration(folder, text),
            "AWS_ENDPOINT_URL_SSO": url,
        }


def sso_profile(folder: Path) -> Environ:
    start = "https://ours.awsapps.com/start"
    session = f"[sso-session ours]\nsso_start_url = {start}\nsso_region = eu-central-1\n"
    profile = f"[default]\nsso_session = ours\nsso_account_id = {ACCOUNT}\nsso_role_name = Reader\n"
    return configuration(folder, session + profile)


def signed_in(folder: Path, name: str, lifetime: int = 28800, token: str = SSO_TOKEN) -> Environ:
    """Write the token that `aws sso login` caches for a session name or a start URL."""
    cache = folder / "home" / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    file = cache / f"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}.json"
    file.write_text(
        json.dumps({"accessToken": token, "expiresAt": metadata("", lifetime)["Expiration"]})
    )
    return {"HOME": str(folder / "home")}


@contextlib.contextmanager
def role_of_a_profile(folder: Path, lifetime: int) -> Iterator[Environ]:
    keys = f"aws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n"
    role = f"role_arn = {ROLE}\nsource_profile = user\nduration_seconds = {lifetime}\n"
    with moto() as url:
        variables = configuration(folder, f"[profile user]\n{keys}[profile reader]\n{role}")
        yield {**variables, "AWS_PROFILE": "reader", "AWS_ENDPOINT_URL_STS": url}


@contextlib.contextmanager
def role_of_a_container(folder: Path, lifetime: int) -> Iterator[Environ]:
    """A profile whose role is assumed with the credentials of the container."""
    role = f"role_arn = {ROLE}\ncredential_source = EcsContainer\nduration_seconds = {lifetime}\n"
    with moto() as url, ecs(folder, 7200) as variables:
        variables |= configuration(folder, f"[default]\n{role}")
        yield {**variables, "AWS_ENDPOINT_URL_STS": url}


@contextlib.contextmanager
def web_identity(folder: Path, lifetime: int) -> Iterator[Environ]:
    """Credentials of an EKS pod with a role for its service account; sessions last one hour."""
    assert lifetime == 3600
    (folder / "token").write_text("of the pod")
    with moto() as url:
        yield {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
            "AWS_ROLE_ARN": ROLE,
            "AWS_ENDPOINT_URL_STS": url,
        }
