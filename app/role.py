"""The role to assume, as the source names it; imported only where it names one.

What each part may look like: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

import re
from collections.abc import Mapping

from .protocol import ResourceError, Source

_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


def check(source: Source) -> None:
    """Raise ResourceError for a role, session name or external id that STS would not read."""
    if not _ARN.fullmatch(source.aws_role_arn or ""):
        raise ResourceError(
            "source.aws_role_arn", "must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader"
        )
    if source.aws_role_session_name and not _SESSION_NAME.fullmatch(source.aws_role_session_name):
        raise ResourceError("source.aws_role_session_name", "must be 2 to 64 letters, digits and any of _+=,.@-")
    if source.aws_role_external_id and not _EXTERNAL_ID.fullmatch(source.aws_role_external_id):
        raise ResourceError("source.aws_role_external_id", "must be 2 to 1224 letters, digits and any of _+=,.@:/-")


def session_name(source: Source, environ: Mapping[str, str]) -> str:
    """Return the name under which AWS's logs show what is done with the role."""
    of_build = f"concourse-{environ.get('BUILD_ID')}"
    fits = environ.get("BUILD_ID") and _SESSION_NAME.fullmatch(of_build)
    return source.aws_role_session_name or (of_build if fits else "concourse")
