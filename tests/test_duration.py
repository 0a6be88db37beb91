"""`app/duration.py`"""

from typing import Any

import msgspec
import pytest

from app import duration
from app.protocol import Duration

DURATIONS: list[tuple[Any, int]] = [
    ({"hours": 24}, 86400),
    ({"weeks": 1}, 604800),
    ({"days": 1, "hours": 2, "minutes": 3, "seconds": 4}, 93784),
    ({"seconds": 1, "milliseconds": 1500, "microseconds": 999999}, 3),
    ({"hours": 0.5}, 1800),
    ({"hours": "24"}, 86400),
    ({"hours": "1.5"}, 5400),
    ({"hours": 1, "minutes": -10}, 3000),
    ("90s", 90),
    ("24h", 86400),
    ("7d", 604800),
    ("1w", 604800),
    ("1h30m", 5400),
    (90, 90),
    (90.0, 90),
    ("3600", 3600),
    (1, 1),
    (604800, 604800),
]


@pytest.mark.parametrize(("value", "seconds"), DURATIONS)
def test_every_form_of_a_duration_is_parsed(value: Any, seconds: int) -> None:
    assert duration.seconds(msgspec.convert(value, Duration), ("expires_in",)) == seconds


@pytest.mark.parametrize(
    ("seconds", "short", "words"),
    [
        (0, "0s", "0 seconds"),
        (1, "1s", "1 second"),
        (60, "1m", "1 minute"),
        (5400, "1h30m", "1 hour 30 minutes"),
        (86400, "24h", "1 day"),
        (172800, "2d", "2 days"),
        (694861, "8d1h1m1s", "8 days 1 hour 1 minute 1 second"),
        (-5, "-5s", "-5 seconds"),
    ],
)
def test_a_duration_is_formatted_short_and_in_words(seconds: int, short: str, words: str) -> None:
    assert (duration.short(seconds), duration.words(seconds)) == (short, words)
