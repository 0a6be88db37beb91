"""`app/lifetime.py`"""

import pytest

from app import lifetime
from app.protocol import Params, Place, ResourceError, Source
from app.sigv4 import Credentials

PLACE = ("params",)
NOW = 1_000_000


@pytest.mark.parametrize(
    ("max_expires_in", "maximum", "default"),
    [(None, 604800, 3600), ("7d", 604800, 3600), ("2h", 7200, 3600), ("30m", 1800, 1800)],
)
def test_the_default_lifetime_is_an_hour_or_the_maximum_of_the_source(
    max_expires_in: str | None, maximum: int, default: int
) -> None:
    assert lifetime.maximum(Source(max_expires_in=max_expires_in)) == maximum
    assert lifetime.requested(Params(), maximum, PLACE) == default


@pytest.mark.parametrize(
    ("expires_in", "maximum", "line"),
    [
        (
            604801,
            604800,
            "params.expires_in: must be between 1 second and 7 days, got 7 days 1 second",
        ),
        (0, 604800, "params.expires_in: must be between 1 second and 7 days, got 0 seconds"),
        (
            61,
            60,
            "params.expires_in: must be between 1 second and 1 minute (source.max_expires_in), got "
            "1 minute 1 second",
        ),
    ],
)
def test_a_lifetime_out_of_bounds_is_refused(expires_in: int, maximum: int, line: str) -> None:
    with pytest.raises(ResourceError) as caught:
        lifetime.requested(Params(expires_in=expires_in), maximum, PLACE)
    assert str(caught.value) == line


def limited(
    left: int | None, expires_in: int, policy: str | None = None
) -> tuple[int, int, list[tuple[Place, str]]]:
    """Return the lifetime to sign for, the seconds until the effective end, and the warnings."""
    warnings: list[tuple[Place, str]] = []
    credentials = Credentials("AKID", "secret", expires_at=None if left is None else NOW + left)
    signed_for = lifetime.limit_to_credentials(
        expires_in,
        credentials,
        now=NOW,
        policy=policy,
        place=PLACE,
        warn=lambda *warning: warnings.append(warning),
    )
    return signed_for, lifetime.end(signed_for, credentials, NOW) - NOW, warnings


@pytest.mark.parametrize("policy", [None, "warn", "fail", "clamp"])
@pytest.mark.parametrize("left", [None, 3600, 3601])
def test_credentials_that_last_as_long_as_the_url_change_nothing(
    left: int | None, policy: str | None
) -> None:
    assert limited(left, 3600, policy) == (3600, 3600, [])


PROBLEM = (
    "the credentials expire in 59 minutes 59 seconds; "
    "the URL (requested: 1 hour) will stop working then"
)


@pytest.mark.parametrize("policy", [None, "warn"])
def test_credentials_that_expire_before_the_url_cause_a_warning(policy: str | None) -> None:
    assert limited(3599, 3600, policy) == (3600, 3599, [(("params", "expires_in"), PROBLEM)])


def test_a_url_can_be_clamped_to_its_credentials() -> None:
    assert limited(3599, 3600, "clamp") == (3599, 3599, [])


@pytest.mark.parametrize(
    ("left", "policy", "line"),
    [
        (
            3599,
            "fail",
            f"params.expires_in: {PROBLEM}: shorten expires_in or use longer-lived credentials",
        ),
        (59, None, "credentials: the credentials expire in 59 seconds"),
        (59, "clamp", "credentials: the credentials expire in 59 seconds"),
        (0, None, "credentials: the credentials have expired"),
        (-60, "clamp", "credentials: the credentials have expired"),
    ],
)
def test_credentials_that_expire_too_early_are_refused(
    left: int, policy: str | None, line: str
) -> None:
    with pytest.raises(ResourceError) as caught:
        limited(left, 3600, policy)
    assert str(caught.value) == line


def test_credentials_with_a_minute_left_are_accepted() -> None:
    assert limited(60, 30) == (30, 30, [])


def test_a_timestamp_is_rfc_3339_in_utc() -> None:
    assert lifetime.timestamp(1795380913) == "2026-11-22T20:55:13Z"
