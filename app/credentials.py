"""Whose signature it is: credentials from the source, else from the environment, else from boto3's chain, or a role's.

Variables: https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
"""

from .protocol import Base, Params, ResourceError, Source

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from collections.abc import Callable, Mapping


class Credentials(Base, frozen=True, kw_only=True):
    """An access key; `expires_at` (Unix seconds) where the one who gave it said when it ends."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires_at: int | None = None


def find(
    source: Source,
    params: Params,
    environ: "Mapping[str, str]",
    *,
    lasting: int,
    now: int,
    warn: "Callable[[str], None]",
) -> Credentials:
    """Return the credentials to sign with; those of a role are asked to last for `lasting` seconds.

    Raises ResourceError when there are none, or half of them, or AWS does not let them assume the role.
    """
    if params.aws_web_identity_token and not source.aws_role_arn:
        raise ResourceError("params.aws_web_identity_token", "only together with source.aws_role_arn, the role to assume")
    if source.aws_role_arn:
        from . import crash, sts

        found = None if params.aws_web_identity_token else _found(source, environ)
        return crash.never_tell(sts.assume(source, params, found, environ, lasting=lasting, now=now, warn=warn))
    return _found(source, environ)


def _found(source: Source, environ: "Mapping[str, str]") -> Credentials:
    found = of_source(source) or _of_environment(environ)
    if found is None:
        from . import chain, crash

        return crash.never_tell(chain.find(source))
    return found


def of_source(source: Source) -> Credentials | None:
    """Return the static credentials in the source, if any. Raises ResourceError for a part without the other."""
    if source.aws_role_arn:
        from . import role

        role.check(source)
    for option in ("aws_role_external_id", "aws_role_session_name"):
        if getattr(source, option) is not None and not source.aws_role_arn:
            raise ResourceError(f"source.{option}", "only together with aws_role_arn, the role to assume")
    return _pair(
        ("source.access_key_id", source.access_key_id),
        ("source.secret_access_key", source.secret_access_key),
        ("source.session_token", source.session_token),
        expires_at=None,
    )


def _of_environment(environ: "Mapping[str, str]") -> Credentials | None:
    if not environ.get("AWS_ACCESS_KEY_ID"):  # as in botocore: without it the other variables mean nothing
        return None
    token = "AWS_SESSION_TOKEN" if environ.get("AWS_SESSION_TOKEN") else "AWS_SECURITY_TOKEN"  # the latter is its old name
    expiration = environ.get("AWS_CREDENTIAL_EXPIRATION")
    return _pair(
        ("AWS_ACCESS_KEY_ID", environ["AWS_ACCESS_KEY_ID"]),
        ("AWS_SECRET_ACCESS_KEY", environ.get("AWS_SECRET_ACCESS_KEY") or None),
        (token, environ.get(token) or None),
        expires_at=_unix_seconds(expiration) if expiration else None,
    )


def _pair(
    access_key_id: tuple[str, str | None],
    secret_access_key: tuple[str, str | None],
    session_token: tuple[str, str | None],
    expires_at: int | None,
) -> Credentials | None:
    """Put together what was found under each name."""
    for field, value in (access_key_id, secret_access_key, session_token):
        if value is not None and (not value.isascii() or not value.isprintable() or " " in value):
            raise ResourceError(
                field, "has a space, a line break or another character in it that no key has: copy it again"
            )
    if not access_key_id[1] and not secret_access_key[1]:
        if session_token[1]:
            raise ResourceError(session_token[0], f"only together with {access_key_id[0]} and {secret_access_key[0]}")
        return None
    for (field, value), (other, _) in ((access_key_id, secret_access_key), (secret_access_key, access_key_id)):
        if not value:
            raise ResourceError(field, f"required together with {other}")
    return Credentials(
        access_key_id=access_key_id[1] or "",
        secret_access_key=secret_access_key[1] or "",
        session_token=session_token[1],
        expires_at=expires_at,
    )


def _unix_seconds(timestamp: str) -> int:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        raise ResourceError("AWS_CREDENTIAL_EXPIRATION", "must be a time such as 2026-11-23T20:51:47Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
