"""Assumes a role: temporary credentials from AWS STS.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
API_AssumeRoleWithWebIdentity.html.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED
from botocore.exceptions import ClientError
from botocore.handlers import disable_signing
from botocore.session import Session

from .. import duration
from ..lifetime import EXPIRED
from ..messages.redaction import redact
from ..protocol import ResourceError
from ..sigv4 import Credentials
from . import http
from .role import Role, session_name

if TYPE_CHECKING:
    from ..protocol import Warn

# Session lengths in seconds. What a role allows is between the last two.
_MINIMUM, _ALWAYS_ALLOWED, _MAXIMUM = 900, 3600, 43200
_MARGIN = 60  # seconds by which a session should outlast the URL
_MAX_SKEW = 300  # seconds of difference between our clock and AWS's that are ignored

_ROLE = ("source", "aws_role_arn")
_REGION = ("source", "region_name")
_TOKEN = ("params", "aws_web_identity_token")
_CREDENTIALS = ("credentials",)
_NOT_ENABLED = (
    _REGION,
    "STS is not enabled in this region: enable it in the account's IAM settings",
)
_REFUSED = {
    "AccessDenied": (
        _ROLE,
        "access denied: the credentials need sts:AssumeRole on this role, and its trust policy "
        "must allow them "
        "(with aws_role_external_id if it requires one)",
    ),
    "InvalidClientTokenId": (
        _CREDENTIALS,
        "unknown access key: deleted, or from another partition?",
    ),
    "ExpiredToken": (_CREDENTIALS, EXPIRED),
    "SignatureDoesNotMatch": (_CREDENTIALS, "secret_access_key does not match access_key_id"),
    "RegionDisabledException": _NOT_ENABLED,
}
_TOKEN_REFUSED = {
    "AccessDenied": (
        _ROLE,
        "access denied: the role's trust policy must allow sts:AssumeRoleWithWebIdentity for the "
        "token's issuer, "
        "audience and subject",
    ),
    "InvalidIdentityToken": (
        _TOKEN,
        "token rejected: IAM needs an OIDC provider for its issuer and audience",
    ),
    "IDPRejectedClaim": (_TOKEN, "token rejected: it has expired, or its issuer has revoked it"),
    "IDPCommunicationError": (
        _TOKEN,
        "STS cannot reach the token's issuer (its keys must be publicly readable)",
    ),
    "ExpiredTokenException": (_TOKEN, "the token has expired: fetch a new one in this build"),
    "RegionDisabledException": _NOT_ENABLED,
}


def assume(
    role: Role,
    credentials: Credentials | None,
    web_identity_token: str | None,
    environ: Mapping[str, str],
    *,
    lifetime: int,
    now: int,
    warn: "Warn",
) -> Credentials:
    """Assume a role with `credentials`, or with `web_identity_token`.

    The session outlasts a URL of `lifetime` seconds if the role allows it. If not, it has the
    hour that every role allows, after a warning. Raises ResourceError if STS refuses, or does not
    respond.
    """
    with http.request(_ROLE, "AWS STS"):
        client = _client(role, credentials)
    host = http.host(client.meta.endpoint_url)
    with http.request(_ROLE, host):
        ask = partial(_ask, client, role, web_identity_token, environ)
        try:
            session, length = _longest_session(ask, _length(lifetime), warn)
        except ClientError as error:
            raise _refusal(error, host, credentials, web_identity_token) from None
    return Credentials(
        access_key_id=session["AccessKeyId"],
        secret_access_key=session["SecretAccessKey"],
        session_token=session["SessionToken"],
        expires_at=_expiry(int(session["Expiration"].timestamp()), now + length),
    )


def _length(lifetime: int) -> int:
    """Return the session length to request; for a URL of up to 1 h, one that every role allows."""
    if lifetime <= _ALWAYS_ALLOWED:
        return min(max(lifetime + _MARGIN, _MINIMUM), _ALWAYS_ALLOWED)
    return min(lifetime + _MARGIN, _MAXIMUM)


def _longest_session(ask: Callable[[int], Any], length: int, warn: "Warn") -> tuple[Any, int]:
    """Return the session and its length: as requested, or the hour that every role allows."""
    try:
        return ask(length), length
    except ClientError as error:
        if length <= _ALWAYS_ALLOWED or "DurationSeconds" not in _message(error):
            raise
    warn(_ROLE, f"does not allow a session of {duration.words(length)}; using 1 hour instead")
    return ask(_ALWAYS_ALLOWED), _ALWAYS_ALLOWED


def _expiry(reported: int, computed: int) -> int:
    """Return the expiry in local time, by which URLs are dated; small clock skew is ignored."""
    return computed if abs(reported - computed) <= _MAX_SKEW else reported


def _client(role: Role, credentials: Credentials | None) -> Any:
    """Return a client for STS in the role's region, which sends its requests through `http`."""
    # registering the handlers of all services would take a tenth of the whole run
    session = Session(include_builtin_handlers=False)
    session.register("choose-signer.sts.AssumeRoleWithWebIdentity", disable_signing)
    session.set_config_variable("sts_regional_endpoints", "regional")
    client = session.create_client(
        "sts",
        region_name=role.region,
        endpoint_url=role.endpoint_url,
        aws_access_key_id=credentials and credentials.access_key_id,
        aws_secret_access_key=credentials and credentials.secret_access_key,
        aws_session_token=credentials and credentials.session_token,
        config=http.config(
            signature_version=None if credentials else UNSIGNED, use_fips_endpoint=role.use_fips
        ),
    )
    connection = http.Session(role.tls, client.meta.endpoint_url)
    client.meta.events.register("before-send.sts", lambda request, **_: connection.send(request))
    return client


def _ask(
    client: Any, role: Role, web_identity_token: str | None, environ: Mapping[str, str], length: int
) -> Any:
    request = {
        "RoleArn": role.arn,
        "RoleSessionName": session_name(role, environ),
        "DurationSeconds": length,
    }
    if web_identity_token:
        response = client.assume_role_with_web_identity(
            **request, WebIdentityToken=web_identity_token
        )
    else:
        if role.external_id:
            request["ExternalId"] = role.external_id
        response = client.assume_role(**request)
    return response["Credentials"]


def _message(error: ClientError) -> str:
    return str(error.response["Error"].get("Message"))


def _refusal(
    error: ClientError, host: str, credentials: Credentials | None, web_identity_token: str | None
) -> ResourceError:
    code = error.response["Error"].get("Code")
    secrets = [web_identity_token]
    if credentials:
        secrets += credentials.secret_access_key, credentials.session_token
    message = redact(_message(error), {secret for secret in secrets if secret})
    if "ignature expired" in message or "ignature not yet current" in message:
        return ResourceError(("clock",), f"{host}: this machine's clock is wrong: {message}")
    known = _TOKEN_REFUSED if web_identity_token else _REFUSED
    place, problem = known.get(str(code), (_ROLE, f"responded with {code}: {message}"))
    return ResourceError(place, f"{host}: {problem}")
