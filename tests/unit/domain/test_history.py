"""The history of an install: what is one roll-out, and how it ends."""

from __future__ import annotations

from typing import Any

from packhouse.domain.history import MESSAGE_CHARACTERS, MOST, Attempt, noted
from packhouse.ports import Json


def attempt(reason: str = "ReconcileSucceeded", **words: Any) -> Attempt:
    given: Json = {
        "package": "web.1.0.0",
        "version": "1.0.0",
        "digest": "d1",
        "message": "web 1.0.0 is in place",
        "succeeded": reason == "ReconcileSucceeded",
        "ended": reason not in ("Progressing", "NotHealthy"),
        "changed": 3,
        "started": "2026-01-01T00:00:00Z",
        "now": "2026-01-01T00:00:09Z",
    }
    return Attempt(reason=reason, **(given | words))


def history(*attempts: Attempt) -> list[Json]:
    found: list[Json] = []
    for one in attempts:
        found = noted(found, one)
    return found


def test_a_rollout_is_one_entry_from_its_beginning_to_its_end() -> None:
    [entry] = history(
        attempt("Progressing", changed=0), attempt("NotHealthy", started="later"), attempt(started="later", changed=0)
    )
    assert entry == {
        "version": "1.0.0",
        "package": "web.1.0.0",
        "digest": "d1",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:09Z",
        "reason": "ReconcileSucceeded",
        "message": "web 1.0.0 is in place",
        "changed": 3,
    }


def test_what_is_under_way_has_no_end() -> None:
    [entry] = history(attempt("NotHealthy"))
    assert "finishedAt" not in entry


def test_another_version_and_other_values_are_others_the_newest_first() -> None:
    found = history(attempt(), attempt(digest="d2"), attempt(digest="d3", version="1.1.0"))
    assert [(entry["version"], entry["digest"]) for entry in found] == [
        ("1.1.0", "d3"),
        ("1.0.0", "d2"),
        ("1.0.0", "d1"),
    ]


def test_a_repair_and_a_later_outage_are_no_rollout() -> None:
    done = history(attempt())
    assert history(attempt(), attempt("Progressing"), attempt(now="later")) == done
    assert history(attempt(), attempt("FetchFailed", digest="")) == done
    assert history(attempt(), attempt(digest="")) == done


def test_values_that_give_no_objects_are_a_rollout_that_failed() -> None:
    failed = history(attempt(), attempt("ValuesInvalid", digest=""), attempt("ValuesInvalid", digest="", now="later"))
    assert [entry["reason"] for entry in failed] == ["ValuesInvalid", "ReconcileSucceeded"]
    mended = noted(failed, attempt(digest="d2"))
    assert [(entry["reason"], entry["digest"]) for entry in mended] == [
        ("ReconcileSucceeded", "d2"),
        ("ReconcileSucceeded", "d1"),
    ]


def test_a_failure_that_is_tried_again_keeps_its_time_until_it_succeeds() -> None:
    failed = history(attempt("FetchFailed", digest=""), attempt("FetchFailed", digest="", now="later"))
    assert [entry["finishedAt"] for entry in failed] == ["2026-01-01T00:00:09Z"]
    [entry] = noted(failed, attempt(now="2026-01-01T00:01:00Z"))
    assert (entry["reason"], entry["digest"], entry["finishedAt"]) == (
        "ReconcileSucceeded",
        "d1",
        "2026-01-01T00:01:00Z",
    )


def test_an_install_from_before_there_was_a_history_begins_with_its_next_rollout() -> None:
    assert noted(None, attempt(digest="")) == []
    assert len(noted(None, attempt())) == 1


def test_it_is_bounded() -> None:
    found = history(*(attempt(digest=f"d{count}", message="x" * 5000) for count in range(MOST + 5)))
    assert len(found) == MOST
    assert len(found[0]["message"]) == MESSAGE_CHARACTERS


def test_what_somebody_else_wrote_there_is_no_trouble() -> None:
    assert len(noted("text", attempt())) == 1
    assert len(noted([1, {}], attempt())) == 2
