"""The role to assume, according to the source. Without botocore, so that `check` is fast.

Allowed characters: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

import re
from collections.abc import Mapping

from ..endpoint import Endpoint
from ..protocol import Base, ResourceError, Source, is_true
from .tls import Tls

_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12})?:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class Role(Base, frozen=True, kw_only=True):
    """A role, and the STS that is asked for it: at `endpoint_url`, or AWS's in `region`."""

    arn: str
    external_id: str | None
    session_name: str | None
    region: str
    endpoint_url: str | None
    use_fips: bool
    tls: Tls | None


def resolve(source: Source, region: str, tls: Tls | None, *, on_aws: bool) -> Role:
    """Return the role of a source.

    Raises ResourceError for an ARN, session name or external ID that STS would reject, and for a
    private provider without `sts_endpoint`: its credentials must not be offered to AWS's STS.
    """
    arn = source.aws_role_arn
    if arn is None:
        options = ("aws_role_external_id", "aws_role_session_name", "sts_endpoint")
        option = next(option for option in options if getattr(source, option) is not None)
        raise ResourceError(("source", option), "requires aws_role_arn")
    endpoint_url = None
    if source.sts_endpoint is not None:
        place = ("source", "sts_endpoint")
        disable_ssl = is_true(source.disable_ssl)
        endpoint_url = Endpoint(source.sts_endpoint, place, disable_ssl=disable_ssl).url
    elif not on_aws:
        raise ResourceError(
            ("source", "sts_endpoint"),
            "required with aws_role_arn and endpoint: the STS of the provider",
        )
    match = _ARN.fullmatch(arn)
    if not match or (endpoint_url is None and not match[1]):
        raise ResourceError(
            ("source", "aws_role_arn"),
            "must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader",
        )
    _check_format("aws_role_session_name", source, _SESSION_NAME, "2 to 64", "_+=,.@-")
    _check_format("aws_role_external_id", source, _EXTERNAL_ID, "2 to 1224", "_+=,.@:/-")
    return Role(
        arn=arn,
        external_id=source.aws_role_external_id,
        session_name=source.aws_role_session_name,
        region=region,
        endpoint_url=endpoint_url,
        use_fips=is_true(source.use_fips_endpoint),
        tls=tls,
    )


def _check_format(
    option: str, source: Source, pattern: re.Pattern[str], length: str, characters: str
) -> None:
    value = getattr(source, option)
    if value is not None and not pattern.fullmatch(value):
        problem = f"must be {length} letters, digits and any of {characters}"
        raise ResourceError(("source", option), problem)


def session_name(role: Role, environ: Mapping[str, str]) -> str:
    """Return the session name that CloudTrail shows, by default with the ID of the build."""
    name = f"concourse-{environ.get('BUILD_ID')}"
    has_build = environ.get("BUILD_ID") and _SESSION_NAME.fullmatch(name)
    return role.session_name or (name if has_build else "concourse")
