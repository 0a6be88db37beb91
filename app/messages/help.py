"""The help of the command line: what people need daily on one screen, and every option."""

import textwrap

from ..protocol import Params, Source
from . import fields

_SHORT = """\
s3-presigned-url presign s3://BUCKET/KEY [OPTION ...]

Prints a presigned URL, with which anyone can use the object until it expires.

  --expires-in 24h     lifetime: 1s to 7d, or in seconds (default: 1h)
  --method PUT         GET (default), HEAD, PUT, DELETE, or POST for a form
  --file-name NAME     name under which a browser saves the download
  --headers JSON       headers that the request must send
  --region NAME        region of the bucket (else AWS_REGION, or the profile's)
  --endpoint-url URL   other server (else AWS_ENDPOINT_URL_S3, or the profile's)
  --profile NAME       profile in ~/.aws/config (else AWS_PROFILE)
  --url-file PATH      write to a file, not to stdout, which may be a build log
  --output json        print url, method, headers, expires_at and s3_uri
  --help all           print every option

Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN, or from the profile and the rest of boto3's chain.
The exit code is 0, or 1 after an error, which is one line on stderr.

  s3-presigned-url presign s3://my-bucket/report.pdf --expires-in 7d
  s3-presigned-url presign s3://my-bucket/a.tgz --method PUT --expires-in 30m
  s3-presigned-url check|out|in [DIRECTORY] < REQUEST    # as Concourse calls it
  s3-presigned-url --version
"""
_ALL = """\
s3-presigned-url presign s3://BUCKET/KEY [OPTION ...]

Options may be written --name value or --name=value; flags --name or --no-name. `--` ends them.
Credentials are not options, because command lines are visible to other users.
"""
_TITLES = {Source: "Address and credentials:", Params: "Request:"}
_OWN = {
    "--profile": "profile in the config files of AWS's tools (default: AWS_PROFILE)",
    "--output": "what to print (default: text, the URL): text or json",
    "--region": "--region-name",
    "--endpoint-url": "--endpoint",
    "--no-verify-ssl": "--skip-ssl-verification",
    "--help": "this; --help all: every option",
}
_DIFFERENT = {"ca_bundle": "file with additional CA certificates (PEM) to trust"}
_JSON = ("headers", "files")
_COLUMN = 32


def short() -> str:
    """Return one screen of help."""
    return _SHORT


def every_option() -> str:
    """Return a line of help for every option."""
    lines = [_ALL]
    for struct, title in _TITLES.items():
        lines.append(title)
        for field in struct.__struct_fields__:
            if field not in fields.SECRET:
                lines += _lines(fields.option(field), _DIFFERENT.get(field) or _meaning(field))
        lines.append("")
    lines.append("As for `aws s3 presign`, and others:")
    for option, meaning in _OWN.items():
        lines += _lines(option, f"= {meaning}" if meaning.startswith("--") else meaning)
    return "\n".join(lines) + "\n"


def _meaning(field: str) -> str:
    meaning = fields.help_text(field)
    return f"{meaning}, in JSON" if field in _JSON else meaning


def _lines(option: str, meaning: str) -> list[str]:
    """Return an option and its meaning, in columns of at most 100 characters."""
    lines = textwrap.wrap(meaning, 100 - _COLUMN, break_on_hyphens=False)
    heads = [f"  {option}".ljust(_COLUMN), *[" " * _COLUMN] * (len(lines) - 1)]
    return [f"{head}{line}" for head, line in zip(heads, lines, strict=True)]
