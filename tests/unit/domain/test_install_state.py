"""How an install is, in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.views import InstalledPackage
from packhouse.domain.install_state import failed_stage, is_ready, state, trouble_of_sources, words
from packhouse.ports import Json


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1}


READY = condition("Ready", "True", "ReconcileSucceeded", "it is in place")
FAILED = [condition("Ready", "False", "ValuesInvalid"), condition("ReconcileFailed", "True", "ValuesInvalid")]
AWAY = condition("SourceAvailable", "False", "SourceUnreachable", "no answer")
STUCK = condition("DeleteFailed", "True", "Forbidden")


def view(
    *conditions: Json, generation: int = 1, deleting: bool = False, status: Json | None = None, **spec: Any
) -> Any:
    metadata: Json = {"namespace": "demo", "name": "web", "uid": "u", "generation": generation}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    said = {"conditions": list(conditions), "observedGeneration": 1} if conditions else {}
    return InstalledPackage.from_wire({"metadata": metadata, "spec": spec, "status": said | (status or {})})


@pytest.mark.parametrize(
    ("install", "expected", "ready"),
    [
        (view(), "Not looked at yet", False),
        (view(READY), "Reconcile succeeded", True),
        (view(READY, AWAY), "Reconcile succeeded, source away", True),
        (view(READY, generation=2), "Changed, not looked at yet", False),
        (view(READY, paused=True), "Paused", True),
        (view(*FAILED, canceled=True), "Canceled", False),
        (view(*FAILED), "Reconcile failed: ValuesInvalid", False),
        (view(condition("Ready", "Unknown", "NotHealthy")), "Reconciling: NotHealthy", False),
        (view(condition("Ready", "Unknown", "Progressing")), "Reconciling", False),
        (view(READY, deleting=True), "Deleting", False),
        (view(READY, STUCK, deleting=True), "Delete failed: Forbidden", False),
    ],
)
def test_the_state_is_a_few_words(install: InstalledPackage, expected: str, ready: bool) -> None:
    assert (state(install), is_ready(install)) == (expected, ready)


def test_the_whole_error_says_more_than_a_condition() -> None:
    assert words(view(READY)) == "it is in place"
    assert words(view(*FAILED, status={"usefulErrorMessage": "a\nb"})) == "a\nb"
    assert words(view()) == ""


def test_of_a_deletion_its_own_words_are_told() -> None:
    deleting = condition("Deleting", "True", "DeletionPending", "1 object is left")
    assert words(view(READY, deleting, deleting=True)) == "1 object is left"


def test_the_stage_and_the_sources_that_failed_are_named() -> None:
    assert failed_stage(view(*FAILED, status={"fetch": {}, "template": {"error": "x"}})) == "template"
    assert failed_stage(view(READY)) == ""
    assert trouble_of_sources(view(READY, AWAY)) == "no answer"
    assert trouble_of_sources(view(READY)) == ""
