"""Adds botocore's CA certificates to the program, for systems without any.

`data.py` generates `botocore_data`: CERTIFICATES is compressed PEM.
"""

import os
import zlib
from typing import Any

from botocore_data import CERTIFICATES

SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def system_certificates() -> str | None:
    """Return the path of the system's CA certificates, or None if it has none."""
    paths = (os.environ.get("SSL_CERT_FILE"), SYSTEM_CERTIFICATES)
    return next((path for path in paths if path and os.path.isfile(path)), None)


def trust(session: Any) -> None:
    """Make botocore's HTTP session trust the system's CA certificates, or else the program's."""
    setup = session._setup_ssl_cert

    def setup_ssl_cert(self: Any, pool: Any, url: str, verify: bool | str) -> None:
        setup(self, pool, url, verify)
        if verify is True and url.lower().startswith("https"):
            pool.ca_certs = system_certificates()
            if pool.ca_certs is None:
                given = self._get_pool_manager_kwargs().get("ca_cert_data") or ""
                pool.conn_kw["ca_cert_data"] = given + zlib.decompress(CERTIFICATES).decode()

    session._setup_ssl_cert = setup_ssl_cert
