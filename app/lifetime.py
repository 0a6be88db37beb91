"""The lifetime of a URL: requested, maximum, and limited by the credentials.

Bounds: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
(X-Amz-Expires). A URL ends with the credentials that signed it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html.
Lifetimes are in seconds, moments in Unix seconds.
"""

import time

from . import duration
from .protocol import Params, Place, ResourceError, Source
from .sigv4 import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs start-up time
    from .protocol import Warn

DEFAULT = 3600
MAXIMUM = 604800
EXPIRED = "the credentials have expired"
_MINIMUM_LEFT = (
    60  # credentials that expire sooner are rejected: the URL would end before anyone could use it
)


def maximum(source: Source) -> int:
    """Return the longest lifetime allowed. Raises ResourceError if `max_expires_in` is invalid."""
    if source.max_expires_in is None:
        return MAXIMUM
    place = ("source", "max_expires_in")
    longest = duration.seconds(source.max_expires_in, place)
    _check_bounds(longest, MAXIMUM, place, "")
    return longest


def requested(params: Params, longest: int, place: Place) -> int:
    """Return the lifetime, by default an hour or less. Raises ResourceError if out of bounds."""
    if params.expires_in is None:
        return min(DEFAULT, longest)
    place = (*place, "expires_in")
    expires_in = duration.seconds(params.expires_in, place)
    _check_bounds(
        expires_in, longest, place, " (source.max_expires_in)" if longest < MAXIMUM else ""
    )
    return expires_in


def _check_bounds(value: int, longest: int, place: Place, origin: str) -> None:
    if not 1 <= value <= longest:
        bounds = f"must be between 1 second and {duration.words(longest)}{origin}"
        raise ResourceError(place, f"{bounds}, got {duration.words(value)}")


def limit_to_credentials(
    expires_in: int,
    credentials: Credentials,
    *,
    now: int,
    policy: str | None,
    place: Place,
    warn: "Warn",
) -> int:
    """Return the lifetime to sign for, given that the credentials may expire first.

    `policy` is `on_short_credentials`. Raises ResourceError if the credentials have expired or are
    about to, or expire too early under the policy `fail`.
    """
    if credentials.expires_at is None:
        return expires_in
    left = credentials.expires_at - now
    if left <= 0:
        raise ResourceError(("credentials",), EXPIRED)
    if left < _MINIMUM_LEFT:
        raise ResourceError(("credentials",), f"the credentials expire in {duration.words(left)}")
    if left >= expires_in:
        return expires_in
    problem = (
        f"the credentials expire in {duration.words(left)}; "
        f"the URL (requested: {duration.words(expires_in)}) will stop working then"
    )
    place = (*place, "expires_in")
    if policy == "fail":
        raise ResourceError(place, f"{problem}: shorten expires_in or use longer-lived credentials")
    if policy == "clamp":
        return left
    warn(place, problem)
    return expires_in


def end(expires_in: int, credentials: Credentials, now: int) -> int:
    """Return the moment from which S3 refuses the URL."""
    moment = now + expires_in
    return moment if credentials.expires_at is None else min(moment, credentials.expires_at)


def timestamp(moment: int) -> str:
    """Return a moment in the format of RFC 3339, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
