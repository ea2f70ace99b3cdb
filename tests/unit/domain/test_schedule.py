"""When to look again: durations as Go writes them, jitter and back-off within their bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.domain.schedule import backoff, seconds_of, with_jitter

CHANCE = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("1h30m", 5400),
        ("30s", 30),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m0.5s", 60.5),
        ("0s", 0),
        ("1h1m1s1ms", 3661.001),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "-5m", "5d", "1h-1m", "10M", "5m ", "1e3s", ".5h", "1.h"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert seconds_of(text) is None


@given(st.floats(0.001, 1e6), st.floats(0, 1), CHANCE)
def test_jitter_only_ever_waits_longer_and_within_its_ratio(seconds: float, ratio: float, chance: float) -> None:
    assert seconds <= with_jitter(seconds, ratio, chance) <= seconds * (1 + ratio)


@given(st.integers(1, 10_000), st.floats(0.1, 10), st.floats(10, 1000), CHANCE)
def test_a_back_off_lies_between_half_of_the_first_and_the_most(
    failures: int, first: float, most: float, chance: float
) -> None:
    assert first / 2 <= backoff(failures, first=first, most=most, chance=chance) <= most


def test_a_back_off_doubles_until_the_most() -> None:
    found = [backoff(failures, first=1, most=10, chance=1) for failures in (1, 2, 3, 4, 5, 100)]
    assert found == [1, 2, 4, 8, 10, 10]
