"""Run check, out and in like Concourse, against an S3 server in this process, without AWS.

`make demo` runs it. moto's server does not check signatures: `make test` does.
"""

import json
import logging
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from .program import ACCESS_KEY_ID, CREDENTIALS, ROOT, SECRET_ACCESS_KEY, Program

BUCKET, KEY, REGION = "releases", "app/2.4.0/notes & known issues.txt", "eu-west-1"
CONTENT = (ROOT / "README.md").read_bytes()


def say(title: str, *lines: str) -> None:
    """Print a title, and lines below it."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    for line in lines:
        print(f"  {line}")


def run(
    program: Program, step: str, *arguments: Path, request: dict[str, object]
) -> dict[str, object]:
    """Run one step, print its input and output, and return the response."""
    result = program.run(step, *arguments, request=request)
    stdin = json.dumps(request).replace(SECRET_ACCESS_KEY, "***")
    say(" ".join(["$", step, *map(str, arguments)]), f"stdin  {stdin}", f"stdout {result.stdout}")
    for line in result.stderr.splitlines():
        print(f"  stderr {line}")
    if result.code != 0:
        sys.exit(f"{step} failed")
    return result.answer  # type: ignore[no-any-return]  # JSON


def main() -> None:
    """Upload a file, sign its URL, download it with the URL alone, and compare."""
    program = Program(sys.argv[1])
    logging.getLogger("werkzeug").disabled = True  # it would log the whole URL
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="demo-") as directory:
            host, port = server.get_host_and_port()
            show_put_and_get(program, f"http://{host}:{port}", Path(directory))
    finally:
        server.stop()


def show_put_and_get(program: Program, endpoint: str, directory: Path) -> None:
    """Run the scripts of a `put` step and of its implicit `get`, and use the URL."""
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
    title = f"An S3 server at {endpoint}, with an object of {len(CONTENT)} bytes"
    say(title, f"s3://{BUCKET}/{KEY}")

    source = {"bucket_name": BUCKET, "region_name": REGION, "endpoint": endpoint, **CREDENTIALS}
    params = {"file_path": KEY, "file_name": "notes.txt", "expires_in": {"hours": 24}}
    put, get = directory / "put", directory / "get"
    put.mkdir()
    get.mkdir()
    run(program, "check", request={"source": source})
    version = run(program, "out", put, request={"source": source})["version"]
    run(program, "in", get, request={"source": source, "params": params, "version": version})

    url = (get / "url").read_text()
    files = [f"{path.name:<12}{redacted(path)}" for path in sorted(get.iterdir())]
    say("Files for the next step of the pipeline", *files)
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310  # the server above
        downloaded, disposition = response.read(), response.headers["Content-Disposition"]
    size = f"{len(downloaded)} bytes"
    say("Downloaded with the URL alone", f"{size}, Content-Disposition: {disposition}")
    if downloaded != CONTENT or disposition != 'attachment; filename="notes.txt"':
        sys.exit("DEMO FAILED: the download differs from the upload")
    request = {"source": source, "params": params, "version": version}
    kinds = ["source", *([program.kind] if program.kind != "source" else [])]
    times = {kind: time_of_in(Program(kind), get, request) for kind in kinds}
    say("Time of in", *(f"{time_:5.1f} ms  {kind}" for kind, time_ in times.items()))
    print(f"\nDEMO PASSED ({program.kind}): the URL returned the same {size} that were uploaded.")


def time_of_in(program: Program, destination: Path, request: dict[str, object]) -> float:
    """Return the shortest of five runs, in milliseconds."""

    def once() -> float:
        started = time.perf_counter()
        program.run("in", destination, request=request, spawn=True)
        return (time.perf_counter() - started) * 1000

    return min(once() for _ in range(5))


def redacted(path: Path) -> str:
    """Return the text of a file without the signature."""
    url, found, _ = path.read_text().partition("X-Amz-Signature=")
    return url + (f"{found}..." if found else "")


if __name__ == "__main__":
    main()
