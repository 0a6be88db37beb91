"""All that crosses stdin and stdout, as msgspec Structs, and the one error that a user can cause.

The requests and responses are those of https://concourse-ci.org/implementing-resource-types.html.
What each field means, in words, is in `fields.py`.
"""

from msgspec import Raw, Struct


class ResourceError(Exception):
    """What the user has to mend: which field, named as the user wrote it, and what was wanted."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class Base(Struct, frozen=True, kw_only=True):
    """Never changed after decoding, and never shown: a Struct's own repr would print its secrets."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


# A YAML `null` is what a pipeline variable without a value becomes: it means "left out".
Text = str | None
Flag = bool | str | None

_FLAG = (True, False, "true", "false", "True", "False")

# What may stand in a field with a choice. typing.Literal would say it in the Structs, but importing typing takes longer
# than all the rest of a run (`make bench`).
CHOICES: dict[str, tuple[str | bool, ...]] = {
    "use_path_style": _FLAG,
    "disable_ssl": _FLAG,
    "skip_ssl_verification": _FLAG,
    "use_dualstack_endpoint": _FLAG,
    "use_fips_endpoint": _FLAG,
    "use_accelerate_endpoint": _FLAG,
    "disposition": ("attachment", "inline"),
    "method": ("GET", "HEAD", "PUT", "DELETE"),
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
    "verify": ("none", "head", "url"),
    "on_short_credentials": ("warn", "fail", "clamp"),
}

# Characters that a text may have. One text can go into a thousand URLs, so a request of no great size could ask for days of
# work. AWS's own limits are lower: 2,048 for an ARN, 1,024 for a key.
LONGEST_TEXT = 2048
LONGER = {"ca_bundle": 1 << 20, "session_token": 16384, "aws_web_identity_token": 20000}


def is_true(flag: Flag) -> bool:
    """Whether a flag is on; `"true"` is what becomes of a boolean in quotes."""
    return flag in (True, "true", "True")


class Checked(Base, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user writes: no unknown field or choice, no text that is endless, or empty (a variable gone wrong)."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not is_possible(name, value):
                raise ValueError(name)


def is_possible(name: str, value: object) -> bool:
    """Whether a value of the right type is one that the field of this name can have."""
    return value != "" and (name not in CHOICES or value in CHOICES[name]) and not is_too_long(name, value)


def is_too_long(name: str, value: object) -> bool:
    """Whether a value is a text with more characters than one in the field of this name may have."""
    return isinstance(value, str) and len(value) > LONGEST_TEXT and len(value) > LONGER.get(name, LONGEST_TEXT)


class Span(Checked, frozen=True, kw_only=True):
    """A duration as the arguments of Python's `timedelta`, the way the ConcourseTools example takes it."""

    weeks: int | float | str | None = None
    days: int | float | str | None = None
    hours: int | float | str | None = None
    minutes: int | float | str | None = None
    seconds: int | float | str | None = None
    milliseconds: int | float | str | None = None
    microseconds: int | float | str | None = None


Duration = int | float | str | Span


class Source(Checked, frozen=True, kw_only=True):
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
    use_path_style: Flag = None
    disable_ssl: Flag = None
    skip_ssl_verification: Flag = None
    ca_bundle: Text = None
    use_dualstack_endpoint: Flag = None
    use_fips_endpoint: Flag = None
    use_accelerate_endpoint: Flag = None
    max_expires_in: Duration | None = None


class UrlParams(Checked, frozen=True, kw_only=True):
    """What one URL is to be: every field of `get_params` that may also stand inside `files`."""

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
    url_file: Text = None
    verify: Text = None
    on_short_credentials: Text = None


class Params(UrlParams, frozen=True, kw_only=True):
    """The `get_params` of a put step, or the `params` of a get step."""

    files: dict[str, UrlParams] | None = None
    aws_web_identity_token: Text = None


Version = dict[str, str]


class CheckRequest(Base, frozen=True, kw_only=True):
    """What `check` reads. It needs no version: there is never a new one to find."""

    source: Source | None = None


class PutRequest(Base, frozen=True, kw_only=True):
    """What `out` reads. No parameter belongs here, so whatever stands in `params` is let in to be refused."""

    source: Source | None = None
    params: dict[str, Raw] | None = None


class GetRequest(Base, frozen=True, kw_only=True):
    """What `in` reads."""

    source: Source | None = None
    params: Params | None = None
    version: Version | None = None


class Metadatum(Base, frozen=True, kw_only=True):
    """One row on the build page. Concourse takes strings only."""

    name: str
    value: str


class Response(Base, frozen=True, kw_only=True):
    """What `in` and `out` print."""

    version: Version
    metadata: list[Metadatum]


DEEPEST = 100  # levels of maps and lists; a request needs five


def check_depth(json: bytes) -> None:
    """Raise RecursionError for JSON that is nested more deeply than any request.

    msgspec's decoder would go on for 10,000 levels, and with a small stack (`ulimit -s`) never come back. What is no JSON
    may pass: the depth is right up to the place where a decoder gives up.
    """
    if json.count(b"[") + json.count(b"{") <= DEEPEST:  # nearly always; some of them may even stand in strings
        return
    strings_cut_out = b"".join(json.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    level = 0
    for byte in strings_cut_out.translate(None, bytes({*range(256)} - {*b"[]{}"})):
        level += 1 if byte in b"[{" else -1
        if level > DEEPEST:
            raise RecursionError
