"""A source, resolved once, at the start of `check`, `out`, `in` and `presign`."""

from . import bucket, lifetime
from .credentials import Provider
from .protocol import Source, is_true


class Config:
    """The settings of a resource. Raises ResourceError for the first mistake in its source.

    `internal_bucket` is `bucket` as this machine reaches it; it differs with `public_endpoint`.
    `bucket_field` is the name under which the source has the bucket. `profile`, of the config files
    of AWS's tools, is where credentials come from that the source does not have.
    """

    def __init__(self, source: Source, *, profile: str | None = None) -> None:
        self.bucket, self.internal_bucket = bucket.resolve(source)
        self.bucket_field = "bucket" if source.bucket else "bucket_name"
        self.max_expires_in = lifetime.maximum(source)
        self.tls = None
        if source.ca_bundle is not None or is_true(source.skip_ssl_verification):
            from .aws import tls

            self.tls = tls.resolve(source)
        self.credentials = Provider(source, self.internal_bucket, self.tls, profile)
