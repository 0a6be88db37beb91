"""The settings of a profile in the config files of AWS's tools."""

from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.session import Session

from ..protocol import ResourceError


def read(profile: str | None) -> dict[str, str]:
    """Return the settings of a profile, by default of the one that the environment names.

    Settings in a section of their own have names such as `s3.addressing_style`; `profile` is the
    name of the profile. Raises ResourceError if it does not exist, or if a file is malformed.
    """
    session = Session(profile=profile)
    name = session.profile or "default"
    try:
        config, every = session.get_scoped_config(), session.full_config
    except BotoCoreError as error:
        if isinstance(error, ProfileNotFound):
            raise not_found(error, is_option=profile is not None) from None
        raise ResourceError(("profile",), f"cannot be read: {error}") from None
    services = every.get("services", {}).get(config.get("services"), {})
    if config.get("services") and not services:
        raise ResourceError(
            (f"profile {name}", "services"),
            f"there is no section [services {config['services']}] in the config files",
        )
    nested = {
        **{key: value for key, value in config.items() if key == "s3"},
        **{f"services.{service}": value for service, value in services.items()},
    }
    settings = {key: value for key, value in config.items() if isinstance(value, str)}
    for section, values in nested.items():
        if isinstance(values, dict):
            settings |= {f"{section}.{key}": value for key, value in values.items()}
    return {**settings, "profile": name}


def not_found(error: ProfileNotFound, *, is_option: bool) -> ResourceError:
    """Return an error for a profile that does not exist, which the option or the variable names."""
    return ResourceError(
        ("--profile",) if is_option else ("AWS_PROFILE",),
        f"profile {error.kwargs['profile']} not found in the AWS config files",
    )
