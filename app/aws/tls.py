"""Which certificates the program's own requests trust, according to the source."""

import ssl

from ..protocol import Base, ResourceError, Source, is_true


class Tls(Base, frozen=True, kw_only=True):
    """CA certificates (PEM) to trust besides the system's, and whether to verify at all."""

    ca_bundle: str | None
    verify: bool


def resolve(source: Source) -> Tls:
    """Return what the source says. Raises ResourceError for a `ca_bundle` that OpenSSL rejects."""
    if source.ca_bundle is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=source.ca_bundle)
        except (ssl.SSLError, TypeError, ValueError):  # the latter for text that is not ASCII
            raise ResourceError(
                ("source", "ca_bundle"),
                "must be certificates in PEM format: in YAML write them with |, which keeps their "
                "line breaks",
            ) from None
    return Tls(ca_bundle=source.ca_bundle, verify=not is_true(source.skip_ssl_verification))
