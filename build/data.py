"""Generates the module `botocore_data`: the part of botocore's data that the program can use."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

# S3, and what the credential chain may call: STS for roles, the others for SSO and `aws login`.
SERVICES = ("s3", "signin", "sso", "sso-oidc", "sts")
COMMON = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
UNUSED = ("examples-1", "paginators-1", "paginators-1.sdk-extras", "waiters-2")


def write(botocore: Path, module: Path) -> None:
    """Write the generated module to the path `module`."""
    files = {name: _compressed(_load(path)) for name, path in sorted(_wanted(botocore / "data"))}
    certificates = zlib.compress(_certificates((botocore / "cacert.pem").read_text()).encode(), 9)
    module.write_text(f"FILES = {files!r}\nCERTIFICATES = {certificates!r}\n")


def _wanted(data: Path) -> list[tuple[str, Path]]:
    paths = [data / f"{name}.json" for name in COMMON]
    paths += [path for service in SERVICES for path in (data / service).glob("*/*.json*")]
    names = [
        str(path.relative_to(data)).removesuffix(".gz").removesuffix(".json") for path in paths
    ]
    named = zip(names, paths, strict=True)
    return [(name, path) for name, path in named if not name.endswith(UNUSED)]


def _load(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _compressed(content: Any) -> bytes:
    text = json.dumps(_without_documentation(content), separators=(",", ":"))
    return zlib.compress(text.encode(), 9)


def _without_documentation(value: Any) -> Any:
    """Return a model with its documentation emptied, which is three quarters of its size.

    The keys stay, because botocore reads some of them.
    """
    if isinstance(value, dict):
        return {
            k: "" if _is_documentation(k, v) else _without_documentation(v)
            for k, v in value.items()
        }
    return [_without_documentation(item) for item in value] if isinstance(value, list) else value


def _is_documentation(key: str, value: Any) -> bool:
    return key == "documentation" and isinstance(value, str)


def _certificates(pem: str) -> str:
    """Return the certificates without the comments between them."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return "".join(f"{begin}{block.split(end)[0]}{end}\n" for block in pem.split(begin)[1:])
