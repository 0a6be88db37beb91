"""The main job, as Concourse does it, against an S3 server in this process: no AWS account, nothing left behind.

`make demo` runs it. moto's server takes any signature; that the signatures are right is what `make test` proves.
"""

import json
import logging
import sys
import tempfile
import urllib.request
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from .program import ACCESS_KEY_ID, CREDENTIALS, ROOT, SECRET_ACCESS_KEY, Program

BUCKET, KEY, REGION = "releases", "app/2.4.0/notes & known issues.txt", "eu-west-1"
CONTENT = (ROOT / "README.md").read_bytes()


def say(title: str, *lines: str) -> None:
    """Print one step for a person."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    for line in lines:
        print(f"  {line}")


def run(program: Program, step: str, *arguments: Path, request: dict[str, object]) -> dict[str, object]:
    """Run one step, show what went in and what came out, and return the answer."""
    result = program.run(step, *arguments, request=request)
    shown = json.dumps(request).replace(SECRET_ACCESS_KEY, "***")
    say(" ".join(["$", step, *map(str, arguments)]), f"stdin  {shown}", f"stdout {result.stdout}")
    for line in result.stderr.splitlines():
        print(f"  stderr {line}")
    if result.code != 0:
        sys.exit(f"{step} failed")
    return result.answer  # type: ignore[no-any-return]  # JSON


def main() -> None:
    """Put a file into a bucket, have its URL signed, download it with nothing but the URL, and compare."""
    program = Program(sys.argv[1])
    logging.getLogger("werkzeug").disabled = True  # its log has the whole URL
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="demo-") as directory:
            host, port = server.get_host_and_port()
            show_the_main_job(program, f"http://{host}:{port}", Path(directory))
    finally:
        server.stop()


def show_the_main_job(program: Program, endpoint: str, directory: Path) -> None:
    """Do what a `put` step and its implicit `get` do, and then what the one who has the URL does."""
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
    say(f"An S3 server on {endpoint}, with an object of {len(CONTENT)} bytes in it", f"s3://{BUCKET}/{KEY}")

    source = {"bucket_name": BUCKET, "region_name": REGION, "endpoint": endpoint, **CREDENTIALS}
    params = {"file_path": KEY, "file_name": "notes.txt", "expires_in": {"hours": 24}}
    put, get = directory / "put", directory / "get"
    put.mkdir()
    get.mkdir()
    run(program, "check", request={"source": source})
    version = run(program, "out", put, request={"source": source})["version"]
    run(program, "in", get, request={"source": source, "params": params, "version": version})

    url = (get / "url").read_text()
    say("What the next step of the pipeline finds", *(f"{path.name:<12}{shown(path)}" for path in sorted(get.iterdir())))
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310  # the server above
        downloaded, disposition = response.read(), response.headers["Content-Disposition"]
    say("Downloaded with nothing but the URL", f"{len(downloaded)} bytes, Content-Disposition: {disposition}")
    if downloaded != CONTENT or disposition != 'attachment; filename="notes.txt"':
        sys.exit("DEMO FAILED: what came back is not what was put there")
    print(f"\nDEMO PASSED ({program.kind}): the URL handed over the same {len(downloaded)} bytes that were put there.")


def shown(path: Path) -> str:
    """The text of a file, but not the signature in it."""
    url, found, _ = path.read_text().partition("X-Amz-Signature=")
    return url + (f"{found}..." if found else "")


if __name__ == "__main__":
    main()
