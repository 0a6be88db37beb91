"""What gives credentials to a machine, a container or a person, on loopback and on disk: all that boto3's chain asks.

Each provider is a function of a folder to keep files in and of how long its credentials last, in seconds; with a further
life it gives other credentials when it is asked again. It yields the variables under which the program finds it.
"""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from .program import ACCESS_KEY_ID, CREDENTIALS, SECRET_ACCESS_KEY, SESSION_TOKEN, SOURCE, rfc3339

TEMPORARY = {**SOURCE, "session_token": SESSION_TOKEN}
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
STALE = "stale"  # the session token of what is given before the last credentials
SSO_TOKEN = "signed in"

Environ = dict[str, str]


class CredentialServer(BaseHTTPRequestHandler):
    """A server that gives away credentials; subclasses say how it is asked."""

    lives: ClassVar[list[int]] = [7200]

    def given(self) -> dict[str, str]:
        last = len(self.lives) == 1
        return metadata(SESSION_TOKEN if last else STALE, self.lives[0] if last else self.lives.pop(0))

    def answer(self, content: Any, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content.encode() if isinstance(content, str) else json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        pass


class ContainerCredentials(CredentialServer):
    """What ECS and EKS Pod Identity have at AWS_CONTAINER_CREDENTIALS_FULL_URI."""

    authorizations: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.authorizations.append(self.headers["Authorization"])
        self.answer(self.given())


class InstanceMetadata(CredentialServer):
    """EC2's, version 2: nothing without the token that it gave."""

    def do_PUT(self) -> None:
        well = self.path == "/latest/api/token" and self.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
        self.answer("of EC2" if well else "", 200 if well else 400)

    def do_GET(self) -> None:
        if self.headers["x-aws-ec2-metadata-token"] != "of EC2":
            self.answer("", 401)
        elif self.path == "/latest/meta-data/iam/security-credentials/":
            self.answer("my-role")
        else:
            assert self.path == "/latest/meta-data/iam/security-credentials/my-role"
            self.answer({"Code": "Success", "Type": "AWS-HMAC", **self.given()})


class NoRole(InstanceMetadata):
    """EC2's, of an instance without a role."""

    def do_GET(self) -> None:
        self.answer("", 404)


class SsoPortal(CredentialServer):
    """IAM Identity Center's, for whoever has signed in."""

    def do_GET(self) -> None:
        assert self.path == f"/federation/credentials?role_name=Reader&account_id={ACCOUNT}"
        if self.headers["x-amz-sso_bearer_token"] != SSO_TOKEN:
            self.answer({"__type": "UnauthorizedException", "message": "Session token not found or invalid"}, 401)
            return
        given = self.given()
        end = int(time.mktime(time.strptime(given["Expiration"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
        found = {
            "accessKeyId": given["AccessKeyId"],
            "secretAccessKey": given["SecretAccessKey"],
            "sessionToken": given["Token"],
            "expiration": end * 1000,
        }
        self.answer({"roleCredentials": found})


class Proxy(BaseHTTPRequestHandler):
    """A proxy that lets nobody through, and remembers where they were going."""

    asked: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        self.send_error(403)

    def log_message(self, *_: Any) -> None:
        pass


class Rubbish(CredentialServer):
    """A server that has something else."""

    content: ClassVar[Any] = None

    def do_GET(self) -> None:
        self.answer(self.content)


def metadata(token: str, life: int) -> dict[str, str]:
    """Credentials as AWS's metadata services write them."""
    return {
        "AccessKeyId": ACCESS_KEY_ID,
        "SecretAccessKey": SECRET_ACCESS_KEY,
        "Token": token,
        "Expiration": rfc3339(int(time.time()) + life),
    }


@contextlib.contextmanager
def serving(server: HTTPServer) -> Iterator[HTTPServer]:
    """Answer requests until the end of the block."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve until the end of the block, at the URL that it is given."""
    with serving(HTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto's server, as STS and the rest of AWS, until the end of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def session_of(access_key_id: str) -> dict[str, Any]:
    """The source that signs with the temporary credentials of a role, by their key."""
    roles = [role for account in sts_backends.values() for backend in account.values() for role in backend.assumed_roles]
    (role,) = (role for role in roles if role.access_key_id == access_key_id)
    return {
        **SOURCE,
        "access_key_id": access_key_id,
        "secret_access_key": role.secret_access_key,
        "session_token": role.session_token,
    }


def container(url: str) -> Environ:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "may I"}


def configuration(folder: Path, text: str) -> Environ:
    (folder / "config").write_text(text)
    return {"AWS_CONFIG_FILE": str(folder / "config")}


@contextlib.contextmanager
def environment(_: Path, life: int) -> Iterator[Environ]:
    yield {
        "AWS_ACCESS_KEY_ID": CREDENTIALS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["secret_access_key"],
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_CREDENTIAL_EXPIRATION": metadata("", life)["Expiration"],
    }


@contextlib.contextmanager
def process(folder: Path, *lives: int) -> Iterator[Environ]:
    for number, life in enumerate(lives):
        found = metadata(SESSION_TOKEN if number == len(lives) - 1 else STALE, life)
        (folder / f"answer{number}").write_text(json.dumps({"Version": 1, "SessionToken": found.pop("Token"), **found}))
    script = folder / "process"
    script.write_text(f"#!/bin/sh\ncd {folder}\ncat answer0\n[ ! -e answer1 ] || mv answer1 answer0\n")
    script.chmod(0o755)
    yield configuration(folder, f"[default]\ncredential_process = {script}\n")


@contextlib.contextmanager
def ecs(_: Path, *lives: int) -> Iterator[Environ]:
    ContainerCredentials.lives = [*lives]
    with running(ContainerCredentials) as url:
        yield container(f"{url}/credentials")


@contextlib.contextmanager
def eks_pod_identity(folder: Path, *lives: int) -> Iterator[Environ]:
    (folder / "token").write_text("may I, from a file")
    ContainerCredentials.lives = [*lives]
    with running(ContainerCredentials) as url:
        yield {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(folder / "token"),
        }


@contextlib.contextmanager
def ec2(_: Path, *lives: int) -> Iterator[Environ]:
    InstanceMetadata.lives = [*lives]
    with running(InstanceMetadata) as url:
        yield {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_EC2_METADATA_DISABLED": "false"}


@contextlib.contextmanager
def sso(folder: Path, *lives: int) -> Iterator[Environ]:
    """A profile that names a session, as `aws configure sso` writes it now."""
    SsoPortal.lives = [*lives]
    with running(SsoPortal) as url:
        yield {**signed_in(folder, "ours"), **sso_profile(folder), "AWS_ENDPOINT_URL_SSO": url}


@contextlib.contextmanager
def sso_without_session(folder: Path, *lives: int) -> Iterator[Environ]:
    """A profile as it was written before there were sessions."""
    SsoPortal.lives = [*lives]
    start = "https://ours.awsapps.com/start"
    profile = f"[default]\nsso_start_url = {start}\nsso_region = eu-central-1\n"
    text = f"{profile}sso_account_id = {ACCOUNT}\nsso_role_name = Reader\n"
    with running(SsoPortal) as url:
        yield {**signed_in(folder, start), **configuration(folder, text), "AWS_ENDPOINT_URL_SSO": url}


def sso_profile(folder: Path) -> Environ:
    session = "[sso-session ours]\nsso_start_url = https://ours.awsapps.com/start\nsso_region = eu-central-1\n"
    profile = f"[default]\nsso_session = ours\nsso_account_id = {ACCOUNT}\nsso_role_name = Reader\n"
    return configuration(folder, session + profile)


def signed_in(folder: Path, name: str, life: int = 28800, token: str = SSO_TOKEN) -> Environ:
    """What `aws sso login` leaves in a home, for a session or a start URL."""
    cache = folder / "home" / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    file = cache / f"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}.json"
    file.write_text(json.dumps({"accessToken": token, "expiresAt": metadata("", life)["Expiration"]}))
    return {"HOME": str(folder / "home")}


@contextlib.contextmanager
def role_of_a_profile(folder: Path, life: int) -> Iterator[Environ]:
    user = "[profile user]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"
    profile = f"[profile reader]\nrole_arn = {ROLE}\nsource_profile = user\nduration_seconds = {life}\n"
    with moto() as url:
        variables = configuration(folder, user.format(**CREDENTIALS) + profile)
        yield {**variables, "AWS_PROFILE": "reader", "AWS_ENDPOINT_URL_STS": url}


@contextlib.contextmanager
def role_of_a_container(folder: Path, life: int) -> Iterator[Environ]:
    """A profile whose role is assumed with what the container is given."""
    profile = f"[default]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\nduration_seconds = {life}\n"
    with moto() as url, ecs(folder, 7200) as variables:
        yield {**variables, **configuration(folder, profile), "AWS_ENDPOINT_URL_STS": url}


@contextlib.contextmanager
def web_identity(folder: Path, life: int) -> Iterator[Environ]:
    """As in a pod of EKS with a role for its service account. Its session is always of an hour."""
    assert life == 3600
    (folder / "token").write_text("of the pod")
    with moto() as url:
        yield {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
            "AWS_ROLE_ARN": ROLE,
            "AWS_ENDPOINT_URL_STS": url,
        }
