"""What the environment and the config files of AWS's tools say about an address, for `presign`.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html. The tests compare with
the AWS CLI.
"""

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from collections.abc import Mapping

# Where a field of the source may be set, in order of precedence: by a variable, or in a profile.
_SETTINGS = {
    "region_name": ("AWS_REGION", "AWS_DEFAULT_REGION", "region"),
    "endpoint": (
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "services.s3.endpoint_url",
        "endpoint_url",
    ),
    "sts_endpoint": (
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL",
        "services.sts.endpoint_url",
        "endpoint_url",
    ),
    "use_path_style": ("s3.addressing_style",),
    "use_accelerate_endpoint": ("s3.use_accelerate_endpoint",),
    "use_dualstack_endpoint": (
        "s3.use_dualstack_endpoint",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "use_dualstack_endpoint",
    ),
    "use_fips_endpoint": ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
}
_IGNORE_ENDPOINTS = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")
_AWS_ONLY = ("use_accelerate_endpoint", "use_dualstack_endpoint", "use_fips_endpoint")
_FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
}
_MAX_FILE = 1 << 16  # bytes of a file that are searched; one that is longer is parsed


def find(
    given: "Mapping[str, object]", profile: str | None, environ: "Mapping[str, str]"
) -> tuple[dict[str, str | bool], dict[str, str]]:
    """Return the fields of a source that are not `given` as options, and where each was found.

    Raises ResourceError for a profile that does not exist.
    """
    config = _config(given, profile, environ)
    found, origins = {}, {}
    for field, names in _SETTINGS.items():
        origin, value = _first(names, environ, config)
        if value and field not in given:
            found[field], origins[field] = value, origin
    if _is_true(_first(_IGNORE_ENDPOINTS, environ, config)[1]):
        found.pop("endpoint", None)
        found.pop("sts_endpoint", None)
    has_endpoint = "endpoint" in found or "endpoint" in given
    if "aws_role_arn" not in given or not has_endpoint:
        found.pop("sts_endpoint", None)
    flags = {
        option: True for option in _AWS_ONLY if _is_true(found.pop(option, "")) and not has_endpoint
    }
    style = found.pop("use_path_style", "")
    if style == "path" or (style == "virtual" and has_endpoint):
        flags["use_path_style"] = style == "path" and "use_accelerate_endpoint" not in flags
    return {**found, **flags}, origins


def _first(
    names: tuple[str, ...], environ: "Mapping[str, str]", config: "Mapping[str, str]"
) -> tuple[str, str]:
    """Return the first setting that has a value: where it is, for an error, and the value."""
    for name in names:
        if environ.get(name):
            return name, environ[name]
        if config.get(name):
            return f"profile {config['profile']}.{name}", config[name]
    return "", ""


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def _config(
    given: "Mapping[str, object]", profile: str | None, environ: "Mapping[str, str]"
) -> "Mapping[str, str]":
    """Return the settings of the profile, if there may be one that matters.

    botocore reads it, whose import takes longer than all else, so a file is first searched for the
    names.
    """
    is_named = profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    if not is_named:
        has_region = "region_name" in given or _first(_SETTINGS["region_name"], environ, {})[1]
        searched = {
            name.rpartition(".")[2].encode()
            for field, names in _SETTINGS.items()
            if not (field == "region_name" and has_region)
            for name in names
            if name.islower()
        }
        texts = [_read(path, environ) for path in _paths(environ)]
        if not any(text is None or name in text for text in texts for name in searched):
            return {}
    from .aws import profiles

    return profiles.read(profile)


def _paths(environ: "Mapping[str, str]") -> list[str]:
    return [environ.get(variable) or path for variable, path in _FILES.items()]


def _read(path: str, environ: "Mapping[str, str]") -> bytes | None:
    """Return the content of a file, empty if there is none; None if only botocore can read it."""
    if path.startswith("~/") and environ.get("HOME"):
        path = environ["HOME"] + path[1:]
    if path.startswith("~") or "$" in path:
        return None
    try:
        file = posix.open(path, posix.O_RDONLY)
    except OSError:
        return b""
    try:
        text = posix.read(file, _MAX_FILE)
    except OSError:
        return None
    finally:
        posix.close(file)
    return text if len(text) < _MAX_FILE else None
