"""How long a URL lives: what was asked for, what is allowed, and what the credentials leave of it.

The bounds: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (X-Amz-Expires). A URL dies with
the credentials that signed it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html.
All lengths are in seconds, all moments in Unix seconds.
"""

import time

from . import duration
from .credentials import Credentials
from .protocol import ResourceError, Source, UrlParams

TYPE_CHECKING = False
if TYPE_CHECKING:  # only for the reader: to import them would take its time
    from collections.abc import Callable

DEFAULT = 3600
LONGEST = 604800
_USELESS = 60  # credentials with less than this left would be gone before anyone has the URL


def allowed(source: Source) -> int:
    """Return the longest life that the source allows. Raises ResourceError for an impossible `max_expires_in`."""
    if source.max_expires_in is None:
        return LONGEST
    longest = duration.seconds(source.max_expires_in, "source.max_expires_in")
    _check(longest, LONGEST, "source.max_expires_in", "")
    return longest


def requested(params: UrlParams, source: Source, path: str) -> int:
    """Return the life asked for, an hour unless said otherwise. Raises ResourceError when it is out of bounds."""
    longest = allowed(source)
    if params.expires_in is None:
        return min(DEFAULT, longest)
    field = f"{path}.expires_in"
    expires_in = duration.seconds(params.expires_in, field)
    _check(expires_in, longest, field, "" if source.max_expires_in is None else " (source.max_expires_in)")
    return expires_in


def _check(value: int, longest: int, field: str, origin: str) -> None:
    if not 1 <= value <= longest:
        bounds = f"must be between 1 second and {duration.words(longest)}{origin}"
        raise ResourceError(field, f"{bounds}, got {duration.words(value)}")


def with_credentials(
    expires_in: int, credentials: Credentials, *, now: int, policy: str | None, path: str, warn: "Callable[[str], None]"
) -> int:
    """Return the life to sign for, where the credentials may end first: `on_short_credentials` says what then.

    Raises ResourceError when they have ended, are about to, or end too early under the policy `fail`.
    """
    if credentials.expires_at is None:
        return expires_in
    left = credentials.expires_at - now
    if left < _USELESS:
        state = "have expired" if left <= 0 else f"expire in {duration.words(left)}"
        raise ResourceError("credentials", f"{state}: get new ones")
    if left >= expires_in:
        return expires_in
    story = f"the credentials end in {duration.words(left)}, before the URL would ({duration.words(expires_in)})"
    if policy == "fail":
        raise ResourceError(f"{path}.expires_in", f"{story}: ask for less, or use credentials that last longer")
    if policy == "clamp":
        return left
    warn(f"{path}.expires_in: {story}, and the URL ends with them")
    return expires_in


def end(expires_in: int, credentials: Credentials, now: int) -> int:
    """Return the moment from which the URL is refused."""
    moment = now + expires_in
    return moment if credentials.expires_at is None else min(moment, credentials.expires_at)


def timestamp(moment: int) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
