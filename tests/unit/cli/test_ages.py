"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from packhouse.cli.ages import age, lasted, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (3_000, "50m"),
        (7_200, "120m"),
        (11_000, "3h3m"),
        (36_000, "10h"),
        (200_000, "2d"),
    ],
)
def test_a_span_has_one_or_two_units(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


def test_times_of_status_and_of_events_are_read() -> None:
    now = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert age("2026-01-01T00:00:00Z", now) == age("2026-01-01T00:00:00.000001Z", now).replace("59", "60") == "60s"
    assert lasted("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z") == "9s"
    assert age("") == lasted("2026-01-01T00:00:00Z", "") == age("soon") == ""
