"""Run by the AWS CLI's own Python: many `aws s3 presign` in one process, as each takes 0.3 s.

stdin has a list of {"arguments", "environ"}, stdout a list of URLs, or of exceptions.
"""

import contextlib
import io
import json
import os
import sys
from typing import Any

from awscli.clidriver import create_clidriver
from botocore.config import Config


def presign(arguments: list[str], environ: dict[str, str]) -> str:
    """Return what `aws s3 presign` prints."""
    own = os.environ.get("AWS_DATA_PATH", "")  # set by awscli when it was imported
    os.environ.clear()
    os.environ.update(environ, AWS_DATA_PATH=own)
    driver: Any = create_clidriver()
    # its default is still the signature that S3 had before SigV4
    driver.session.set_default_client_config(Config(signature_version="s3v4"))
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        driver.main(["s3", "presign", *arguments])
    return stdout.getvalue().strip() or stderr.getvalue().strip()


if __name__ == "__main__":
    json.dump([presign(**case) for case in json.load(sys.stdin)], sys.stdout)
