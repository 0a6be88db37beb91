"""Responses of STS for a scripted server."""

import time

from .expect import rfc3339
from .scripted import Answer

ROLE = "arn:aws:iam::123456789012:role/reader"
OF_THE_ROLE = {
    "access_key_id": "ASIAROLE",
    "secret_access_key": "secret/of+role",
    "session_token": "token//of+role==",
}
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def session(length: int, action: str = "AssumeRole") -> Answer:
    """Return the role's credentials, which expire in `length` seconds."""
    return Answer(
        200,
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result><Credentials>'
        f"<AccessKeyId>{OF_THE_ROLE['access_key_id']}</AccessKeyId>"
        f"<SecretAccessKey>{OF_THE_ROLE['secret_access_key']}</SecretAccessKey>"
        f"<SessionToken>{OF_THE_ROLE['session_token']}</SessionToken>"
        f"<Expiration>{rfc3339(time.time() + length)}</Expiration>"
        f"</Credentials></{action}Result></{action}Response>",
    )


def refusal(code: str, message: str = "refused", status: int = 400) -> Answer:
    """Return an error response."""
    return Answer(
        status,
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>",
    )
