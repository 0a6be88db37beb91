"""The role to assume, according to the source. Without botocore, so that `check` is fast.

Allowed characters: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

import re
from collections.abc import Mapping

from ..protocol import Base, ResourceError, Source, is_true
from .tls import Tls

_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class Role(Base, frozen=True, kw_only=True):
    """A role, and the STS that is asked for it."""

    arn: str
    external_id: str | None
    session_name: str | None
    region: str
    use_fips: bool
    tls: Tls | None


def resolve(source: Source, region: str, tls: Tls | None) -> Role:
    """Return the role of a source.

    Raises ResourceError for an ARN, session name or external ID that STS would reject.
    """
    if source.aws_role_arn is None:
        option = "aws_role_external_id" if source.aws_role_external_id else "aws_role_session_name"
        raise ResourceError(("source", option), "requires aws_role_arn")
    if not _ARN.fullmatch(source.aws_role_arn):
        raise ResourceError(
            ("source", "aws_role_arn"),
            "must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader",
        )
    if source.aws_role_session_name and not _SESSION_NAME.fullmatch(source.aws_role_session_name):
        raise ResourceError(
            ("source", "aws_role_session_name"),
            "must be 2 to 64 letters, digits and any of _+=,.@-",
        )
    if source.aws_role_external_id and not _EXTERNAL_ID.fullmatch(source.aws_role_external_id):
        raise ResourceError(
            ("source", "aws_role_external_id"),
            "must be 2 to 1224 letters, digits and any of _+=,.@:/-",
        )
    return Role(
        arn=source.aws_role_arn,
        external_id=source.aws_role_external_id,
        session_name=source.aws_role_session_name,
        region=region,
        use_fips=is_true(source.use_fips_endpoint),
        tls=tls,
    )


def session_name(role: Role, environ: Mapping[str, str]) -> str:
    """Return the session name that CloudTrail shows, by default with the ID of the build."""
    name = f"concourse-{environ.get('BUILD_ID')}"
    has_build = environ.get("BUILD_ID") and _SESSION_NAME.fullmatch(name)
    return role.session_name or (name if has_build else "concourse")
