"""Which certificates the program's own requests trust, according to the source."""

from ..protocol import Base, ResourceError, Source, is_true


class Tls(Base, frozen=True, kw_only=True):
    """CA certificates (PEM) to trust besides the system's, and whether to verify at all."""

    ca_bundle: str | None
    verify: bool


def resolve(source: Source) -> Tls:
    """Return what the source says. Raises ResourceError for a `ca_bundle` that is not PEM."""
    if source.ca_bundle is not None and "-----BEGIN CERTIFICATE-----" not in source.ca_bundle:
        raise ResourceError(
            ("source", "ca_bundle"),
            "must be certificates in PEM format, with their BEGIN and END lines",
        )
    return Tls(ca_bundle=source.ca_bundle, verify=not is_true(source.skip_ssl_verification))
