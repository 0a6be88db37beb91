"""The CA certificates that this machine trusts, where Go's and AWS's programs look for them.

https://pkg.go.dev/crypto/x509#SystemCertPool: a bundle, and every file in a directory, such as
those that a Concourse worker mounts with `--certs-dir`.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from botocore.httpsession import DEFAULT_CA_BUNDLE

from ..protocol import ResourceError

# Debian and Alpine, RHEL and Fedora, SUSE, and others
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def certificates() -> str:
    """Return the certificates (PEM) that this machine trusts, or botocore's if it has none.

    `AWS_CA_BUNDLE` replaces all others. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's
    bundle and directories. Raises ResourceError for a variable whose file cannot be read.
    """
    if os.environ.get("AWS_CA_BUNDLE"):
        return "\n".join(_blocks(_named("AWS_CA_BUNDLE")))
    if os.environ.get("SSL_CERT_FILE"):
        texts = [_named("SSL_CERT_FILE")]
    else:
        texts = [_read(path) for path in filter(Path.is_file, map(Path, _BUNDLES))][:1]
    named = os.environ.get("SSL_CERT_DIR")
    for directory in named.split(os.pathsep) if named else _DIRECTORIES:
        texts += map(_read, _files(Path(directory)))
    # each only once: a bundle often repeats the directory
    found = dict.fromkeys(block for text in texts for block in _blocks(text))
    return "\n".join(found) or _bundled()


def _named(variable: str) -> str:
    path = os.environ[variable]
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError as error:
        raise ResourceError((variable,), f"cannot read {path}: {error.strerror}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""  # like Go: a file in the directory may be unreadable


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files of a directory, without further links to the same file."""
    seen = set()
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return
    for path in paths:
        real = path.resolve()
        if real not in seen and real.is_file():
            seen.add(real)
            yield real


def _blocks(text: str) -> Iterator[str]:
    """Yield the certificates of a file, without the comments between them."""
    for part in text.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if end:
            yield f"{_BEGIN}{body}{_END}"


def _bundled() -> str:
    try:
        from botocore_data import CERTIFICATES  # only in the binary: see build/data.py
    except ImportError:
        return _read(Path(DEFAULT_CA_BUNDLE))
    return zlib.decompress(CERTIFICATES).decode()
