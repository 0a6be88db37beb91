"""Durations: as pipelines write them, in whole seconds, and in words."""

from datetime import timedelta

from .protocol import Duration, Place, ResourceError, Span

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_FORMS = "must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600"


def seconds(value: Duration, place: Place) -> int:
    """Return a duration, truncated to whole seconds as the ConcourseTools example does.

    Its bounds are not checked. Raises ResourceError if the value is not a duration.
    """
    try:
        if isinstance(value, Span):
            return _from_span(value, place)
        if isinstance(value, str):
            return _from_text(value)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    got = "a map with too large numbers" if isinstance(value, Span) else repr(value)[:60]
    raise ResourceError(place, f"{_FORMS}, got {got}")


def _from_span(span: Span, place: Place) -> int:
    parts = {unit: getattr(span, unit) for unit in span.__struct_fields__}
    numbers = {
        unit: _number(part, (*place, unit)) for unit, part in parts.items() if part is not None
    }
    return int(timedelta(**numbers).total_seconds())


def _number(part: float | str, place: Place) -> float:
    if not isinstance(part, str):
        return part
    try:
        return float(part) if "." in part else int(part)
    except ValueError:
        raise ResourceError(place, f"must be a number, got {part[:60]!r}") from None


def _from_text(text: str) -> int:
    if len(text) > 32 or not text.isascii():
        raise ValueError
    if text.isdecimal():
        return int(text)
    total, digits = 0, ""
    for letter in text:
        if letter.isdecimal():
            digits += letter
        elif letter in _SECONDS and digits:
            total, digits = total + int(digits) * _SECONDS[letter], ""
        else:
            raise ValueError
    if digits:
        raise ValueError
    return total


def short(duration: int) -> str:
    """Return it as `24h`, `1h30m` or `7d`, with days from two on."""
    return "".join(f"{count}{unit[0]}" for count, unit in _split(duration, days_from=172800))


def words(duration: int) -> str:
    """Return it as `1 hour 30 minutes` or `8 days`."""
    return " ".join(
        f"{count} {unit}{'' if abs(count) == 1 else 's'}" for count, unit in _split(duration)
    )


def _split(duration: int, days_from: int = 86400) -> list[tuple[int, str]]:
    rest, parts = abs(duration), []
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if unit != "day" or rest >= days_from:
            count, rest = divmod(rest, length)
            if count:
                parts.append((count if duration > 0 else -count, unit))
    return parts or [(0, "second")]
