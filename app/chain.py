"""boto3's default credential chain: profiles, SSO, a process, web identity, ECS and EKS containers, EC2 metadata.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html. Imported only when neither the source
nor the environment has credentials, as it imports botocore.
"""

import logging

from botocore.credentials import Credentials as Found
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from .credentials import Credentials
from .protocol import ResourceError

# what botocore would tell its programmer on stderr, where a line of ours is expected
logging.getLogger("botocore").addHandler(logging.NullHandler())


def find() -> Credentials:
    """Return what the first provider of the chain that has credentials gives. Raises ResourceError when none has."""
    try:
        found = Session().get_credentials()
        if found is None:
            raise ResourceError(
                "credentials",
                "none found: looked in the source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
                "credential_process, web identity, container credentials and EC2 metadata; "
                "on Concourse, set access_key_id and secret_access_key",
            )
        frozen = found.get_frozen_credentials()
    except (BotoCoreError, OSError, ValueError) as error:  # ValueError: a process or server that answers rubbish
        raise ResourceError("credentials", f"boto3's credential chain failed: {error}") from None
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
        expires_at=_end(found),
    )


def _end(found: Found) -> int | None:
    # botocore has no public name for it, and not every provider tells
    moment = getattr(found, "_expiry_time", None)
    return int(moment.timestamp()) if moment else None
