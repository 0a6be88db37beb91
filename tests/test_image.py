"""The content of the image, and its runs on a Concourse worker."""

import contextlib
import json
import os
import signal
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest
import trustme

import app

from . import container
from .container import DESTINATION, RESOURCE, ROOT_OUTSIDE, ContainerProgram, Image, Spec
from .program import CREDENTIALS, ROOT, VERSION, files_below, get_request
from .providers import AUTHORIZATION, ContainerCredentials, serving
from .providers import container as container_credentials
from .servers import REGION, send, versitygw

REQUEST = json.dumps(get_request()).encode()


@pytest.fixture
def image(program: ContainerProgram) -> Image:
    return program.image


@pytest.fixture
def get(image: Image, destination: Path) -> Spec:
    """The container of one `in`, without a network."""
    return container.specification(
        image, RESOURCE / "in", DESTINATION, mounts={DESTINATION: destination}
    )


def assert_signed(spec: Spec, destination: Path) -> None:
    done = container.run(spec, REQUEST)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == VERSION
    assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]


def test_it_has_the_program_its_links_and_its_bill_of_materials(image: Image) -> None:
    resource, about = image.root / "opt/resource", image.root / "usr/share/doc/s3-presigned-url"
    found = {
        path.name: str(path.readlink()) if path.is_symlink() else "" for path in resource.iterdir()
    }
    links = dict.fromkeys(("check", "in", "out"), "s3-presigned-url")
    assert found == {"s3-presigned-url": "", **links}
    assert [path.name for path in (image.root / "opt").iterdir()] == ["resource"]
    assert sorted(path.name for path in about.iterdir()) == ["licences.txt", "sbom.cdx.json"]


def test_it_is_distroless_with_certificates(image: Image) -> None:
    assert 'PRETTY_NAME="Distroless"' in (image.root / "usr/lib/os-release").read_text()
    assert "BEGIN CERTIFICATE" in (image.root / "etc/ssl/certs/ca-certificates.crt").read_text()
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    programs = [path for path in files if path.read_bytes().startswith(b"\x7fELF")]
    assert programs == [image.root / "opt/resource/s3-presigned-url"]


def test_only_root_may_change_the_program(image: Image) -> None:
    for path in (image.root / "opt", *(image.root / "opt").rglob("*")):
        assert path.is_symlink() or not stat.S_IMODE(path.stat().st_mode) & 0o022, path


def test_its_labels_describe_it(image: Image) -> None:
    labels = dict(image.config["Labels"])
    prefix = "org.opencontainers.image."
    ours = {name: text for name, text in labels.items() if name.startswith(prefix)}
    git = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    description = "A Concourse CI resource type that hands a pipeline a presigned S3 URL"
    assert ours == {
        "org.opencontainers.image.description": description,
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.revision": commit.strip(),
        "org.opencontainers.image.source": app.__repository__,
        "org.opencontainers.image.title": "s3-presigned-url",
        "org.opencontainers.image.version": app.__version__,
        **labels_of_base(os.environ.get("STATIC", "")),
    }


def labels_of_base(image: str) -> dict[str, str]:
    """Return the labels that record a base image, if it is pinned by its digest."""
    name, _, digest = image.partition("@")
    base = "org.opencontainers.image.base"
    return {f"{base}.name": name, f"{base}.digest": digest} if digest else {}


def test_it_runs_as_root_like_concourses_own_resources(image: Image) -> None:
    assert image.config.get("User", "") in ("", "0", "root")


DIRECTORIES = ["/", "/tmp", "/tmp/build/get", "/opt/resource"]  # noqa: S108  # in the container


@pytest.mark.parametrize("cwd", DIRECTORIES)
def test_it_runs_in_any_working_directory(get: Spec, destination: Path, cwd: str) -> None:
    get["process"]["cwd"] = cwd
    assert_signed(get, destination)


def test_it_needs_no_environment_variable(get: Spec, destination: Path) -> None:
    get["process"]["env"] = []
    assert_signed(get, destination)


def test_it_needs_no_capability(get: Spec, destination: Path) -> None:
    get["process"] |= {"capabilities": {}, "noNewPrivileges": True}
    assert_signed(get, destination)


def test_it_writes_only_to_the_destination(get: Spec, destination: Path) -> None:
    get["mounts"] = [{**mount, "options": [*mount["options"], "ro"]} for mount in get["mounts"]]
    get["mounts"][-1]["options"].remove("ro")
    assert_signed(get, destination)


def test_its_output_belongs_to_the_root_of_the_container(get: Spec, destination: Path) -> None:
    assert_signed(get, destination)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in destination.iterdir()}
    assert owners == {(ROOT_OUTSIDE, ROOT_OUTSIDE)}


@pytest.fixture
def running(get: Spec) -> Iterator[str]:
    """The name of a running container, whose process is an `in` that waits for its request."""
    requests, never = os.pipe()
    with container.bundle(get) as (folder, name):
        start = ["runc", "run", "--detach", "--bundle", str(folder), name]
        subprocess.run(
            start, stdin=requests, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
        )
        yield name
        subprocess.run(["runc", "delete", "--force", name], check=True)
    os.close(requests)
    os.close(never)


def test_a_step_runs_in_a_running_container(running: str, destination: Path) -> None:
    step = ["runc", "exec", running, str(RESOURCE / "in"), str(DESTINATION)]
    done = subprocess.run(step, input=REQUEST, capture_output=True, check=True)
    assert json.loads(done.stdout)["version"] == VERSION
    assert sorted(files_below(destination)) == ["expires_at", "s3_uri", "url"]


@pytest.mark.native("qemu-user catches SIGTERM before the program does: see waiting()")
def test_an_aborted_step_ends_at_once_and_leaves_nothing(
    running: str, destination: Path, tmp_path: Path
) -> None:
    pid_file, pipe = tmp_path / "pid", subprocess.PIPE
    runc = ["runc", "exec", "--pid-file", str(pid_file), running]
    step = [*runc, str(RESOURCE / "in"), str(DESTINATION)]
    with subprocess.Popen(step, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        os.kill(waiting(pid_file), signal.SIGTERM)
        printed = process.communicate(timeout=10)
    assert (process.returncode, *printed) == (1, b"", b"s3-presigned-url: in: interrupted\n")
    assert files_below(destination) == {}


def waiting(pid_file: Path) -> int:
    """Return the process ID outside, once the process waits for its request and catches SIGTERM."""
    for _ in range(400):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            (caught,) = (line for line in status if line.startswith("SigCgt"))
            if int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1):
                return pid
        time.sleep(0.025)
    raise AssertionError("the step did not start")


def test_put_and_get_sign_a_url_that_a_server_accepts(
    image: Image, destination: Path, tmp_path: Path
) -> None:
    put = tmp_path / "put"
    put.mkdir()
    (tmp_path / "s3").mkdir()
    with versitygw(tmp_path / "s3") as server:
        server.put("file.txt", b"the content\n")
        server_address = {"endpoint": server.url, "region_name": REGION}
        source = {"bucket_name": "my-bucket", **server_address, **CREDENTIALS}
        version = step(image, "out", put, {"source": source})["version"]
        params = {"file_path": "file.txt", "file_name": "renamed.txt", "expires_in": {"hours": 24}}
        request = {"source": source, "params": params, "version": version}
        assert step(image, "in", destination, request)["version"] == version
        status, body, headers = send((destination / "url").read_text())
    assert (status, body) == (200, b"the content\n")
    assert headers["Content-Disposition"] == 'attachment; filename="renamed.txt"'


def step(image: Image, name: str, directory: Path, request: dict[str, object]) -> dict[str, object]:
    inside = DESTINATION.with_name({"in": "get", "out": "put"}[name])
    mounts = {inside: directory}
    spec = container.specification(image, RESOURCE / name, inside, mounts=mounts, network=True)
    done = container.run(spec, json.dumps(request).encode())
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("mounted", [True, False])
def test_it_trusts_the_certificates_that_a_worker_mounts(
    image: Image, destination: Path, tmp_path: Path, mounted: bool
) -> None:
    authority, certificates = trustme.CA(), tmp_path / "certificates"
    certificates.mkdir()
    authority.cert_pem.write_to_path(str(certificates / "ca-certificates.crt"))
    mounts = {DESTINATION: destination}
    if mounted:
        mounts[Path("/etc/ssl/certs")] = certificates
    spec = container.specification(image, RESOURCE / "in", DESTINATION, mounts=mounts, network=True)
    with serving(secure_server(authority)) as server:
        variables = container_credentials(f"https://127.0.0.1:{server.server_port}/credentials")
        spec["process"]["env"] += [f"{name}={value}" for name, value in variables.items()]
        request = get_request({"file_path": "k"}, access_key_id=..., secret_access_key=...)
        done = container.run(spec, json.dumps(request).encode())
    assert (done.returncode == 0) == mounted, done.stderr
    assert (b"CERTIFICATE_VERIFY_FAILED" in done.stderr) == (not mounted)


def secure_server(authority: trustme.CA) -> HTTPServer:
    """Return a server of container credentials over TLS."""
    attributes = {"lifetimes": [7200], "authorization": AUTHORIZATION}
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (ContainerCredentials,), attributes))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server
