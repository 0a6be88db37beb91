"""boto3's default credential chain: profiles, SSO, web identity, containers, EC2 and others.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

import getpass
from collections.abc import Mapping
from typing import Any, NoReturn

from botocore.credentials import Credentials as BotocoreCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.session import Session
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

from .. import partitions
from ..lifetime import EXPIRED
from ..protocol import ResourceError
from ..sigv4 import Credentials, is_key
from . import http, profiles
from .tls import Tls

# botocore extends the reported expiry of EC2 credentials near their end; a URL needs the real one.
# No public API.
InstanceMetadataFetcher._evaluate_expiration = lambda *_: None


def _refuse_prompt(*_: object) -> NoReturn:
    raise EOFError


# without a terminal getpass would warn, and read the MFA code from stdin, which has the request
getpass.fallback_getpass = _refuse_prompt  # type: ignore[attr-defined]  # not in typeshed

_PLACE = ("credentials",)
_NONE_FOUND = (
    "none found in source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
    "credential_process, web identity, container credentials and EC2 metadata; on Concourse, set "
    "access_key_id and secret_access_key"
)
# raised by botocore for malformed provider output
_MALFORMED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)

_REFUSED = {
    "AssumeRole": (
        "the caller needs sts:AssumeRole, and the role's trust policy must allow the caller"
    ),
    "AssumeRoleWithWebIdentity": (
        "IAM needs an OIDC provider for the token's issuer, and the role's trust policy must allow "
        "its audience and subject"
    ),
    "GetRoleCredentials": (
        "the sso_account_id and sso_role_name of the profile must be assigned to you"
    ),
}


def find(
    region: str | None, tls: Tls | None, environ: Mapping[str, str], profile: str | None
) -> Credentials:
    """Return the credentials of the first provider that has some, or of a profile.

    Roles of profiles are assumed in `region`. Without one, the bucket is not on AWS: then nothing
    is sent to AWS's STS, unless AWS_ENDPOINT_URL_STS says so. Raises ResourceError if no provider
    has any credentials.
    """
    hosts = [""]

    def send(request: Any, **_: Any) -> Any:
        hosts.append(http.host(request.url))
        is_private = region is None and not environ.get("AWS_ENDPOINT_URL_STS")
        if is_private and hosts[-1].startswith("sts.") and partitions.is_aws(hosts[-1]):
            raise ResourceError(
                _PLACE,
                f"the profile or environment has a role, and {hosts[-1]} is not the STS of the "
                "provider: set AWS_ENDPOINT_URL_STS",
            )
        return http.Session(tls, request.url).send(request)

    try:
        session = Session(profile=profile)
        session.set_default_client_config(http.config())
        session.register("before-send", send)
        if region is not None:
            session.set_config_variable("region", region)
        _trust_container_certificates(session, tls, environ)
        found = session.get_credentials()
        if found is None:
            problem = f"none found in profile {profile}" if profile else _NONE_FOUND
            raise ResourceError(_PLACE, problem)
        frozen = found.get_frozen_credentials()
        if not all(map(is_key, (frozen.access_key, frozen.secret_key, frozen.token or "none"))):
            raise ValueError("a key is empty, or contains an invalid character")
    except (BotoCoreError, ClientError, EOFError, OSError, RuntimeError, *_MALFORMED) as error:
        if isinstance(error, ProfileNotFound):
            raise profiles.not_found(error, is_option=profile is not None) from None
        raise _explain(error, hosts[-1]) from None
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
        expires_at=_expiry(found),
    )


def _trust_container_certificates(
    session: Session, tls: Tls | None, environ: Mapping[str, str]
) -> None:
    """Have the credentials of a container fetched as all other requests are sent."""
    url = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    if url.startswith("https:"):
        provider = session.get_component("credential_provider").get_provider("container-role")
        provider._fetcher = ContainerMetadataFetcher(http.Session(tls, url))


def _expiry(found: BotocoreCredentials) -> int | None:
    # botocore has no public name for it, and not every provider reports one
    moment = getattr(found, "_expiry_time", None)
    return int(moment.timestamp()) if moment else None


def _explain(error: Exception, host: str) -> ResourceError:
    """Return what went wrong with a request to `host`, or without one, and what to do."""
    match error:
        case SSOError() | TokenRetrievalError():
            return ResourceError(_PLACE, "no valid SSO session: run aws sso login")
        case ClientError():
            answer, advice = (
                error.response["Error"],
                _REFUSED.get(error.operation_name, "check the profile"),
            )
            refusal = f"{host} refused {error.operation_name}: {answer.get('Code')}"
            if (
                error.operation_name == "AssumeRole"
            ):  # other operations carry a token that AWS may echo
                refusal = f"{refusal}: {answer.get('Message')}"
            return ResourceError(_PLACE, f"{refusal}: {advice}")
        case OSError(filename=str(path)):
            return ResourceError(
                _PLACE,
                f"{path}, from the environment or the profile, cannot be used: {error.strerror}",
            )
        case RuntimeError() if not isinstance(error, _MALFORMED):
            return ResourceError(_PLACE, f"{EXPIRED} and could not be refreshed")
        case EOFError():
            return ResourceError(
                _PLACE, "the profile requires an MFA code, which cannot be entered here"
            )
        case BotoCoreError() | OSError():
            return ResourceError(_PLACE, f"boto3's credential chain failed: {error}")
    problem = f"missing {error}" if isinstance(error, KeyError) else str(error)
    return ResourceError(
        _PLACE, f"boto3's credential chain returned malformed credentials: {problem}"
    )
