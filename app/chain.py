"""boto3's default credential chain: profiles, SSO, a process, web identity, ECS and EKS containers, EC2 metadata.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html. Imported only when neither the source
nor the environment has credentials, as it imports botocore.
"""

import getpass
from typing import NoReturn

from botocore.config import Config
from botocore.credentials import Credentials as Found
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound, SSOError, TokenRetrievalError
from botocore.session import Session
from botocore.utils import InstanceMetadataFetcher

from . import endpoint, network
from .credentials import Credentials
from .protocol import ResourceError, Source

# botocore moves the end of EC2's credentials on when it is less than 25 minutes off, so that long-lived programs keep
# trying: but a URL ends when they do. There is no public way
InstanceMetadataFetcher._evaluate_expiration = lambda *_: None


def _nobody(*_: object) -> NoReturn:
    raise EOFError


# where there is no terminal to ask for an MFA code on, getpass would warn, and read the request instead
getpass.fallback_getpass = _nobody  # type: ignore[attr-defined]  # not in typeshed

# for STS and SSO, where botocore would wait for five minutes
_PATIENCE = Config(
    connect_timeout=network.CONNECT,
    read_timeout=network.READ,
    retries={"mode": "standard", "total_max_attempts": network.TRIES},
)

# what botocore lets through when a process, a server or a file has something else than credentials
_RUBBISH = (AttributeError, LookupError, RecursionError, TypeError, ValueError)

_REFUSED = {
    "AssumeRole": "the role of the profile has to trust who assumes it, who needs sts:AssumeRole on it",
    "AssumeRoleWithWebIdentity": "IAM has to know the token's issuer, and the role to trust its audience and subject",
    "GetRoleCredentials": "the profile's sso_account_id and sso_role_name have to be assigned to you",
}


def find(source: Source) -> Credentials:
    """Return what the first provider of the chain that has credentials gives. Raises ResourceError when none has."""
    try:
        found = _session(source).get_credentials()
        if found is None:
            raise ResourceError(
                "credentials",
                "none found: looked in the source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
                "credential_process, web identity, container credentials and EC2 metadata; "
                "on Concourse, set access_key_id and secret_access_key",
            )
        frozen = found.get_frozen_credentials()
        if not all(map(_is_key, (frozen.access_key, frozen.secret_key, frozen.token or "none"))):
            raise ValueError("an empty key, or one with a character in it that no key has")
    except (BotoCoreError, ClientError, EOFError, OSError, RuntimeError, *_RUBBISH) as error:
        raise _failure(error) from None
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
        expires_at=_end(found),
    )


def _session(source: Source) -> Session:
    session = Session()
    session.set_default_client_config(_PATIENCE)
    if source.endpoint is None:  # a provider's region is none of AWS's, whose STS a profile may want to ask
        session.set_config_variable("region", endpoint.region(source))
    return session


def _is_key(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable() and text != "" and " " not in text


def _end(found: Found) -> int | None:
    # botocore has no public name for it, and not every provider tells
    moment = getattr(found, "_expiry_time", None)
    return int(moment.timestamp()) if moment else None


def _failure(error: Exception) -> ResourceError:
    """Return what went wrong in a sentence, and what to do."""
    match error:
        case ProfileNotFound():
            return ResourceError("AWS_PROFILE", f"names a profile that no shared file has: {error.kwargs['profile']}")
        case SSOError() | TokenRetrievalError():
            return ResourceError("credentials", "the SSO session has expired or was never begun: run aws sso login")
        case ClientError():
            answer, cure = error.response["Error"], _REFUSED.get(error.operation_name, "see the profile")
            told = f"AWS refused {error.operation_name}: {answer.get('Code')}"
            if error.operation_name == "AssumeRole":  # what others were asked with is a token, which AWS may repeat
                told = f"{told}: {answer.get('Message')}"
            return ResourceError("credentials", f"{told}: {cure}")
        case OSError(filename=str(path)):
            return ResourceError(
                "credentials", f"{path}, which the environment or the profile names, cannot be used: {error.strerror}"
            )
        case RuntimeError() if not isinstance(error, _RUBBISH):
            return ResourceError("credentials", "have expired, and so have those that came when asked again: get new ones")
        case EOFError():
            return ResourceError("credentials", "the profile asks for an MFA code, and there is nobody to type it here")
        case BotoCoreError() | OSError():
            return ResourceError("credentials", f"boto3's credential chain failed: {error}")
    told = f"no {error}" if isinstance(error, KeyError) else str(error)
    return ResourceError(
        "credentials", f"a process, server or file of boto3's credential chain has something else instead: {told}"
    )
