"""How old an answer of a source may be: what asks a registry, and what does not. Real: Freshness. Nothing is faked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from packhouse.api.views import Meta
from packhouse.reconcile.freshness import FIRST_LOOK_SECONDS, Freshness

META = Meta("demo", "web", "u1", "1", 1, False, "", (), {"a": "1"}, {})


def test_the_first_look_of_a_process_takes_what_was_answered_a_moment_ago() -> None:
    assert Freshness().seconds(META, "10m") == FIRST_LOOK_SECONDS


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(lambda meta: meta, 570.0, id="nothing"),
        pytest.param(lambda meta: replace(meta, labels={"x": "y"}), 570.0, id="a label"),
        pytest.param(lambda meta: replace(meta, resource_version="2"), 570.0, id="status"),
        pytest.param(lambda meta: replace(meta, finalizers=("x",)), 570.0, id="a finalizer"),
        pytest.param(lambda meta: replace(meta, generation=2), 0.0, id="the spec"),
        pytest.param(lambda meta: replace(meta, annotations={"a": "2"}), 0.0, id="an annotation"),
        pytest.param(lambda meta: replace(meta, annotations={}), 0.0, id="an annotation that goes"),
        pytest.param(lambda meta: replace(meta, uid="u2"), 0.0, id="another object of the name"),
    ],
)
def test_a_look_asks_anew_where_somebody_changed_what_he_says(after: Callable[[Meta], Meta], expected: float) -> None:
    freshness = Freshness()
    freshness.answered(META)
    assert freshness.seconds(after(META), "10m") == pytest.approx(expected)


def test_a_change_is_asked_for_until_it_is_answered() -> None:
    freshness, changed = Freshness(), replace(META, generation=2)
    freshness.answered(META)
    assert [freshness.seconds(changed, "10m") for _ in range(3)] == [0.0, 0.0, 0.0]
    freshness.answered(changed)
    assert freshness.seconds(changed, "10m") == pytest.approx(570)


def test_what_led_nowhere_is_asked_anew() -> None:
    freshness = Freshness()
    freshness.answered(META)
    freshness.distrust(META)
    assert freshness.seconds(META, "10m") == 0.0
    freshness.forget(META.key)
    assert freshness.seconds(META, "10m") == FIRST_LOOK_SECONDS


def test_a_sync_period_that_is_none_asks_anew() -> None:
    freshness = Freshness()
    freshness.answered(META)
    assert freshness.seconds(META, "soon") == 0.0
