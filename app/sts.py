"""Temporary credentials from AWS STS, by assuming the source's role.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and API_AssumeRoleWithWebIdentity. It is botocore
that speaks to STS; imported only where there is a role.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from . import duration, endpoint, network, role
from .credentials import Credentials
from .protocol import Params, ResourceError, Source, is_true

_SHORTEST, _ALWAYS_ALLOWED, _LONGEST = 900, 3600, 43200  # seconds of a session; between the last two, as the role has it
_MARGIN = 60  # seconds by which a session should outlast the URL
_SKEW = 300  # seconds by which our clock and AWS's may differ

_ROLE, _TOKEN = "source.aws_role_arn", "params.aws_web_identity_token"
_REFUSED = {
    "AccessDenied": (
        _ROLE,
        "AWS STS does not let these credentials assume it: they need sts:AssumeRole on it, and its trust policy has to "
        "name them, with aws_role_external_id if it asks for one",
    ),
    "InvalidClientTokenId": (
        "credentials",
        "AWS STS does not know the access key: is it deleted, or of another partition?",
    ),
    "ExpiredToken": ("credentials", "have expired: get new ones"),
    "SignatureDoesNotMatch": ("credentials", "the secret access key does not belong to the access key: copy both again"),
    "RegionDisabledException": ("source.region_name", "AWS STS is switched off there: activate it in the account's IAM"),
}
_TOKEN_REFUSED = {
    "AccessDenied": (
        _ROLE,
        "AWS STS does not let the token assume it: its trust policy has to allow sts:AssumeRoleWithWebIdentity for the "
        "token's issuer, audience and subject",
    ),
    "InvalidIdentityToken": (_TOKEN, "AWS STS does not take it: IAM needs an OIDC provider for its issuer and audience"),
    "IDPRejectedClaim": (_TOKEN, "AWS STS does not take it: it has expired, or its issuer has withdrawn it"),
    "IDPCommunicationError": (_TOKEN, "AWS STS does not reach its issuer, whose keys have to be public: try again"),
    "ExpiredTokenException": (_TOKEN, "has expired: fetch a new one in this build"),
    "RegionDisabledException": _REFUSED["RegionDisabledException"],
}


def assume(
    source: Source,
    params: Params,
    found: Credentials | None,
    environ: Mapping[str, str],
    *,
    lasting: int,
    now: int,
    warn: Callable[[str], None],
) -> Credentials:
    """Assume the role with `aws_web_identity_token`, or else with the credentials that were `found`.

    The session outlasts a URL of `lasting` seconds, where the role allows that; where not, it has the hour that every
    role allows, after a warning. Raises ResourceError when STS refuses, or does not answer.
    """
    with network.request(_ROLE, "AWS STS"):
        ask = partial(_ask, _client(source, found), source, params, environ)
        try:
            answer, length = _longest(ask, _length(lasting), warn)
        except ClientError as error:
            raise _refusal(error, params) from None
    return Credentials(
        access_key_id=answer["AccessKeyId"],
        secret_access_key=answer["SecretAccessKey"],
        session_token=answer["SessionToken"],
        expires_at=_end(int(answer["Expiration"].timestamp()), now + length),
    )


def _length(lasting: int) -> int:
    """Return how long a session to ask for: no URL of an hour is to ask for more than every role allows."""
    if lasting <= _ALWAYS_ALLOWED:
        return min(max(lasting + _MARGIN, _SHORTEST), _ALWAYS_ALLOWED)
    return min(lasting + _MARGIN, _LONGEST)


def _longest(ask: Callable[[int], Any], length: int, warn: Callable[[str], None]) -> tuple[Any, int]:
    """Return what STS gives, and for how long: as wanted, or else for the hour that every role allows."""
    try:
        return ask(length), length
    except ClientError as error:
        if length <= _ALWAYS_ALLOWED or "DurationSeconds" not in _message(error):
            raise
    warn(f"{_ROLE}: allows no session of {duration.words(length)}, so it was asked for one of 1 hour")
    return ask(_ALWAYS_ALLOWED), _ALWAYS_ALLOWED


def _end(told: int, reckoned: int) -> int:
    """Return when a session ends by our own clock, with which the URL is dated too: STS's may be a little off."""
    return reckoned if abs(told - reckoned) <= _SKEW else told


def _client(source: Source, found: Credentials | None) -> Any:
    """Return a client for STS in the region of the bucket, which makes its requests as `network` does."""
    session = Session()
    session.set_config_variable("sts_regional_endpoints", "regional")
    client = session.create_client(
        "sts",
        region_name=endpoint.region(source),
        aws_access_key_id=found and found.access_key_id,
        aws_secret_access_key=found and found.secret_access_key,
        aws_session_token=found and found.session_token,
        config=Config(
            signature_version=None if found else UNSIGNED,
            use_fips_endpoint=is_true(source.use_fips_endpoint),
            retries={"mode": "standard", "total_max_attempts": network.TRIES},
        ),
    )
    http = network.Session(source, client.meta.endpoint_url)
    client.meta.events.register("before-send.sts", lambda request, **_: http.send(request))
    return client


def _ask(client: Any, source: Source, params: Params, environ: Mapping[str, str], length: int) -> Any:
    asked = {
        "RoleArn": source.aws_role_arn,
        "RoleSessionName": role.session_name(source, environ),
        "DurationSeconds": length,
    }
    if params.aws_web_identity_token:
        answer = client.assume_role_with_web_identity(**asked, WebIdentityToken=params.aws_web_identity_token)
    else:
        if source.aws_role_external_id:
            asked["ExternalId"] = source.aws_role_external_id
        answer = client.assume_role(**asked)
    return answer["Credentials"]


def _message(error: ClientError) -> str:
    return str(error.response["Error"].get("Message"))


def _refusal(error: ClientError, params: Params) -> ResourceError:
    code, message = error.response["Error"].get("Code"), _message(error)
    if "ignature expired" in message or "ignature not yet current" in message:
        return ResourceError("clock", f"AWS STS says that it is wrong: {message}")
    if params.aws_web_identity_token:
        message = message.replace(params.aws_web_identity_token, "***")
    known = _TOKEN_REFUSED if params.aws_web_identity_token else _REFUSED
    return ResourceError(*known.get(code, (_ROLE, f"AWS STS answered {code}: {message}")))
