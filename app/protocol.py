"""Everything that crosses stdin and stdout, as msgspec Structs, and the error class.

The requests and responses are those of https://concourse-ci.org/docs/resource-types/implementing.
The meaning of each field is in `messages/fields.py`.
"""

from msgspec import Raw, Struct

from . import bounds

# The way to a field, such as ("params", "files", "linux", "expires_in"), or one word for anything
# else.
Place = tuple[str, ...]

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Callable

    # Prints a warning: the place, and the problem.
    Warn = Callable[[Place, str], None]


class ResourceError(Exception):
    """A user error: the place, as written in the pipeline, and what is wrong with it."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{'.'.join(self.place)}: {self.problem}"


class Base(Struct, frozen=True, kw_only=True):
    """Immutable, and never printed: the repr of a Struct would show its secrets."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


# `null` is what a pipeline variable without a value becomes. It means "unset".
Text = str | None
Flag = bool | str | None

# Allowed values. typing.Literal could say this in the Structs, but importing typing takes longer
# than the rest of a run.
FLAGS = (True, False, "true", "false", "True", "False")
CHOICES: dict[str, tuple[str | bool | int, ...]] = {
    "use_path_style": FLAGS,
    "disable_ssl": FLAGS,
    "skip_ssl_verification": FLAGS,
    "use_dualstack_endpoint": FLAGS,
    "use_fips_endpoint": FLAGS,
    "use_accelerate_endpoint": FLAGS,
    "bucket_endpoint": FLAGS,
    "disposition": ("attachment", "inline"),
    "method": ("GET", "HEAD", "PUT", "DELETE", "POST"),
    "acl": (
        "private",
        "public-read",
        "public-read-write",
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
    ),
    "server_side_encryption": ("AES256", "aws:backup", "aws:fsx", "aws:kms", "aws:kms:dsse"),
    "request_payer": ("requester",),
    "success_status": (200, 201, 204, "200", "201", "204"),
    "verify": ("none", "head", "url"),
    "on_short_credentials": ("warn", "fail", "clamp"),
}


def is_true(flag: Flag) -> bool:
    """Whether a flag is on. A quoted boolean counts as a boolean."""
    return flag in (True, "true", "True")


def is_allowed(field: str, value: object) -> bool:
    """Whether a value of the right type is allowed: not empty, not too long, and a choice."""
    too_long = (
        isinstance(value, str)
        and len(value) > bounds.MAX_TEXT
        and len(value) > bounds.max_text(field)
    )
    return value != "" and not too_long and (field not in CHOICES or value in CHOICES[field])


class Input(Base, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """User input: rejects unknown fields, invalid choices, empty and overlong strings."""

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value is not None and not is_allowed(field, value):
                raise ValueError(field)


class Span(Input, frozen=True, kw_only=True):
    """A duration as arguments of Python's `timedelta`, as in the ConcourseTools example."""

    weeks: int | float | str | None = None
    days: int | float | str | None = None
    hours: int | float | str | None = None
    minutes: int | float | str | None = None
    seconds: int | float | str | None = None
    milliseconds: int | float | str | None = None
    microseconds: int | float | str | None = None


Duration = int | float | str | Span
Headers = dict[str, str | bool | int]
Size = int | str | None


class Source(Input, frozen=True, kw_only=True):
    """The `source` of the resource in the pipeline."""

    bucket_name: Text = None
    bucket: Text = None
    region_name: Text = None
    access_key_id: Text = None
    secret_access_key: Text = None
    session_token: Text = None
    aws_role_arn: Text = None
    aws_role_external_id: Text = None
    aws_role_session_name: Text = None
    endpoint: Text = None
    public_endpoint: Text = None
    bucket_endpoint: Flag = None
    sts_endpoint: Text = None
    use_path_style: Flag = None
    disable_ssl: Flag = None
    skip_ssl_verification: Flag = None
    ca_bundle: Text = None
    use_dualstack_endpoint: Flag = None
    use_fips_endpoint: Flag = None
    use_accelerate_endpoint: Flag = None
    max_expires_in: Duration | None = None


class Params(Input, frozen=True, kw_only=True):
    """The `get_params` of a put step, or the `params` of a get step."""

    file_path: Text = None
    s3_uri: Text = None
    version_id: Text = None
    expires_in: Duration | None = None
    file_name: Text = None
    disposition: Text = None
    response_content_type: Text = None
    response_cache_control: Text = None
    response_content_language: Text = None
    response_content_encoding: Text = None
    response_expires: Text = None
    method: Text = None
    content_type: Text = None
    acl: Text = None
    server_side_encryption: Text = None
    sse_kms_key_id: Text = None
    headers: Headers | None = None
    request_payer: Text = None
    min_size: Size = None
    max_size: Size = None
    success_status: Size = None
    success_redirect: Text = None
    url_file: Text = None
    verify: Text = None
    on_short_credentials: Text = None
    # each entry is a map of Params, without these two fields
    files: dict[str, dict[str, object]] | None = None
    aws_web_identity_token: Text = None


Version = dict[str, str]


class Request(Base, frozen=True, kw_only=True):
    """The request of any step. `in` takes `Params`; the params of `out` are refused with advice."""

    source: Source | None = None
    params: Raw = Raw(b"null")
    version: Version | None = None


class Metadatum(Base, frozen=True, kw_only=True):
    """A row on the build page. Concourse takes strings only."""

    name: str
    value: str


class Response(Base, frozen=True, kw_only=True):
    """The response of `in` and `out`."""

    version: Version
    metadata: list[Metadatum]
