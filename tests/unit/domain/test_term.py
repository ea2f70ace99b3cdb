"""The time of a deletion: when it began, how patient a look is, and which moments no look misses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.domain.term import FIRST_SECONDS, LATER_SECONDS, LULL_SECONDS, Term

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TERM = Term(BEGAN, 600)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("deleted_at", "began"),
    [
        pytest.param("2026-01-01T00:00:30Z", after(30), id="deleted under our eyes"),
        pytest.param("2025-12-31T23:00:00Z", BEGAN, id="deleted while no operator ran"),
        pytest.param("", BEGAN, id="no time"),
        pytest.param("yesterday", BEGAN, id="no time that can be read"),
    ],
)
def test_it_begins_when_somebody_is_there_to_delete(deleted_at: str, began: datetime) -> None:
    assert Term.of(deleted_at, watching_since=BEGAN, seconds=600) == Term(began, 600)


@pytest.mark.parametrize(
    ("seconds", "half_over", "over"), [(0, False, False), (299, False, False), (300, True, False), (600, True, True)]
)
def test_it_has_a_half_and_an_end(seconds: float, half_over: bool, over: bool) -> None:
    assert (TERM.is_half_over(after(seconds)), TERM.is_over(after(seconds))) == (half_over, over)
    assert str(TERM) == "2026-01-01T00:10:00Z"


@pytest.mark.parametrize(
    ("term", "at", "patience"),
    [
        pytest.param(TERM, 0, FIRST_SECONDS, id="at first"),
        pytest.param(TERM, 60, LATER_SECONDS, id="when something holds it"),
        pytest.param(Term(BEGAN, 8), 1, 3, id="not longer than until the half of a short one"),
        pytest.param(Term(BEGAN, 8), 5, 3, id="nor until its end"),
        pytest.param(Term(BEGAN, 8), 9, LATER_SECONDS, id="after the end of a short one"),
        pytest.param(Term(BEGAN, 0), 0, LATER_SECONDS, id="no time at all"),
    ],
)
def test_a_look_is_patient_at_first_and_ends_before_the_next_moment(term: Term, at: float, patience: float) -> None:
    assert term.patience(after(at)) == patience


@given(st.floats(-10, 700), st.floats(0.1, 1000))
def test_no_look_misses_the_half_or_the_end(at: float, delay: float) -> None:
    now = after(at)
    following = now + timedelta(seconds=TERM.next_look(now, delay))
    for moment in (after(300), after(600)):
        assert not now < moment < following
    assert 0 < TERM.next_look(now, delay) <= delay


@given(st.floats(-100, 100_000))
def test_what_is_held_is_looked_at_the_rarer_the_longer_it_lasts(at: float) -> None:
    assert 0 <= TERM.lull(after(at)) <= TERM.lull(after(at + 10)) <= LULL_SECONDS
