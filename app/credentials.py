"""Finds credentials: in the source, the environment or boto3's chain, or by assuming a role.

Variables: https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
"""

from .bucket import Bucket
from .protocol import Place, ResourceError, Source
from .sigv4 import Credentials, is_key

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Mapping

    from .aws.tls import Tls
    from .protocol import Warn


_ROLE_OPTIONS = ("aws_role_arn", "aws_role_external_id", "aws_role_session_name", "sts_endpoint")


class Provider:
    """Where credentials for a bucket come from, according to the source.

    A `profile` takes precedence over the environment. Raises ResourceError for incomplete or
    invalid credentials in the source.
    """

    def __init__(
        self, source: Source, bucket: Bucket, tls: "Tls | None", profile: str | None
    ) -> None:
        self._static = _combine(
            (("source", "access_key_id"), source.access_key_id),
            (("source", "secret_access_key"), source.secret_access_key),
            (("source", "session_token"), source.session_token),
            on_aws=bucket.on_aws,
        )
        self._role = None
        if any(getattr(source, option) is not None for option in _ROLE_OPTIONS):
            from .aws import role

            self._role = role.resolve(source, bucket.region, tls, on_aws=bucket.on_aws)
        self._region = bucket.region
        self._on_aws = bucket.on_aws
        self._tls = tls
        self._profile = profile

    def find(
        self,
        web_identity_token: str | None,
        environ: "Mapping[str, str]",
        *,
        lifetime: int,
        now: int,
        warn: "Warn",
    ) -> Credentials:
        """Return the credentials to sign with; those of a role should outlast `lifetime` seconds.

        Raises ResourceError if there are none, if they are incomplete, or if AWS refuses the role.
        """
        if self._role is None:
            if web_identity_token:
                raise ResourceError(
                    ("params", "aws_web_identity_token"), "requires source.aws_role_arn"
                )
            return self._find_without_role(environ)
        from .aws import sts
        from .messages import redaction

        caller = None if web_identity_token else self._find_without_role(environ)
        assumed = sts.assume(
            self._role, caller, web_identity_token, environ, lifetime=lifetime, now=now, warn=warn
        )
        return redaction.remember(assumed)

    def _find_without_role(self, environ: "Mapping[str, str]") -> Credentials:
        found = self._static
        if found is None and self._profile is None:
            found = _from_environment(environ, on_aws=self._on_aws)
        if found is None:
            from .aws import chain
            from .messages import redaction

            # the region of another provider is not one of AWS's
            region = self._region if self._on_aws else None
            found = redaction.remember(chain.find(region, self._tls, environ, self._profile))
            if self._on_aws:
                _check_token(found, ("credentials",))
        return found


def _from_environment(environ: "Mapping[str, str]", *, on_aws: bool) -> Credentials | None:
    if not environ.get("AWS_ACCESS_KEY_ID"):  # without it botocore ignores the other variables
        return None
    old = environ.get("AWS_SECURITY_TOKEN") and not environ.get("AWS_SESSION_TOKEN")
    token = "AWS_SECURITY_TOKEN" if old else "AWS_SESSION_TOKEN"
    expiration = environ.get("AWS_CREDENTIAL_EXPIRATION")
    return _combine(
        (("AWS_ACCESS_KEY_ID",), environ["AWS_ACCESS_KEY_ID"]),
        (("AWS_SECRET_ACCESS_KEY",), environ.get("AWS_SECRET_ACCESS_KEY") or None),
        ((token,), environ.get(token) or None),
        expires_at=_unix_seconds(expiration) if expiration else None,
        on_aws=on_aws,
    )


def _combine(
    access_key_id: tuple[Place, str | None],
    secret_access_key: tuple[Place, str | None],
    session_token: tuple[Place, str | None],
    expires_at: int | None = None,
    *,
    on_aws: bool,
) -> Credentials | None:
    """Return credentials made of three values, each with its place; None if there are none."""
    for place, value in (access_key_id, secret_access_key, session_token):
        if value is not None and not is_key(value):
            raise ResourceError(
                place,
                "contains whitespace or another invalid character: check for a trailing newline",
            )
    (id_place, id_), (secret_place, secret) = access_key_id, secret_access_key
    token_place, token = session_token
    if id_ and secret:
        credentials = Credentials(id_, secret, token, expires_at)
        if on_aws:
            _check_token(credentials, token_place)
        return credentials
    if id_:
        raise ResourceError(secret_place, f"required when {'.'.join(id_place)} is set")
    if secret:
        raise ResourceError(id_place, f"required when {'.'.join(secret_place)} is set")
    if token:
        both = f"{'.'.join(id_place)} and {'.'.join(secret_place)}"
        raise ResourceError(token_place, f"requires {both}")
    return None


def _check_token(credentials: Credentials, place: Place) -> None:
    """Raise ResourceError for a temporary key of AWS without its session token.

    Prefixes: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
    """
    if credentials.access_key_id.startswith("ASIA") and credentials.session_token is None:
        raise ResourceError(place, "session token required: ASIA... is a temporary access key")


def _unix_seconds(timestamp: str) -> int:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        raise ResourceError(
            ("AWS_CREDENTIAL_EXPIRATION",), "must be a time such as 2026-11-23T20:51:47Z"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
