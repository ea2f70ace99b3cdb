"""What holds an object that should be gone, said in words that name the holder."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.errors import ApiServerError, ClusterUnavailable, Forbidden, PackhouseError, ServiceAccountMissing
from packhouse.domain.blockers import Survivor, fitting, held, holds, managers_of, named, passed_over, refused
from packhouse.ports import Json, Kind, Ref

REF = Ref(Kind("", "v1", "ConfigMap"), "demo", "web")
METRICS = Ref(Kind("metrics.example.com", "v1beta1", "Metric"), "demo", "web")
DELETED = {"deletionTimestamp": "2026-01-01T00:00:30Z"}


def found(*finalizers: str, status: Json | None = None, **metadata: Any) -> Json:
    """Finalizer "example.com/hold" was put there by kubectl-edit, as the API server writes it."""
    fields: Json = {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/hold"': {}}}}
    others = {"manager": "packhouse", "operation": "Apply", "fieldsV1": {"f:data": {"f:text": {}}}}
    holder = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}
    meta = {"name": "web", "uid": "u1", "managedFields": [others, holder], **DELETED, **metadata}
    if finalizers:
        meta["finalizers"] = list(finalizers)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **({"status": status} if status else {})}


def namespace(*conditions: tuple[str, str, str]) -> Json:
    return found(status={"conditions": [{"type": t, "status": s, "message": m} for t, s, m in conditions]})


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        pytest.param(
            found("example.com/hold"),
            "is held by finalizer example.com/hold (set by kubectl-edit)",
            id="a finalizer and who set it",
        ),
        pytest.param(
            found("example.com/other"), "is held by finalizer example.com/other", id="a finalizer of nobody known"
        ),
        pytest.param(
            found("example.com/hold", "kubernetes.io/pvc-protection"),
            "is held by finalizer example.com/hold (set by kubectl-edit) and finalizer kubernetes.io/pvc-protection "
            "(it waits for the Pods that use the claim)",
            id="one of Kubernetes' own says what it waits for",
        ),
        pytest.param(
            namespace(
                (
                    "NamespaceDeletionDiscoveryFailure",
                    "True",
                    "Discovery failed for some groups: metrics/v1",
                ),
                ("NamespaceContentRemaining", "False", "All content successfully removed"),
                ("NamespaceFinalizersRemaining", "True", "example.com/hold in 1 resource instances"),
            ),
            "is being emptied: Discovery failed for some groups: metrics/v1; example.com/hold in 1 resource instances",
            id="a namespace and its own words",
        ),
        pytest.param(
            found(deletionGracePeriodSeconds=30), "has until 2026-01-01T00:00:30Z to end", id="a Pod that is ending"
        ),
        pytest.param(found(), "is not gone yet", id="nothing that is known"),
        pytest.param(found(managedFields=None), "is not gone yet", id="no managed fields"),
    ],
)
def test_what_holds_an_object_is_said(obj: Json, words: str) -> None:
    assert holds(obj) == words
    assert held(REF, obj) == Survivor(REF, f"{REF} {words}")


@pytest.mark.parametrize(
    "fields", [None, [], {}, {"f:metadata": None}, {"f:metadata": {"f:finalizers": []}}, {"f:metadata": "x"}]
)
def test_managed_fields_of_another_form_name_nobody(fields: Any) -> None:
    obj = found("x/y", managedFields=[{"manager": "somebody", "fieldsV1": fields}])
    assert managers_of(obj, "x/y") == []


def test_what_may_not_be_seen_is_named_all_the_same() -> None:
    assert str(held(REF, None)) == "ConfigMap demo/web (v1) is not gone yet"
    assert str(passed_over(REF)) == "ConfigMap demo/web (v1) has its turn when those are gone"


@pytest.mark.parametrize(
    ("ref", "error", "words"),
    [
        pytest.param(
            REF,
            ApiServerError(f'{REF}: failed calling webhook "v.example.com"'),
            'ConfigMap demo/web (v1): failed calling webhook "v.example.com"',
            id="a webhook that fails",
        ),
        pytest.param(
            REF,
            ServiceAccountMissing("no account demo/installer"),
            "ConfigMap demo/web (v1): no account demo/installer",
            id="an account that is gone",
        ),
        pytest.param(REF, Forbidden(f"{REF}: you may not"), "ConfigMap demo/web (v1): you may not", id="a right"),
        pytest.param(
            METRICS,
            ClusterUnavailable("it answered 503"),
            "Metric demo/web (metrics.example.com/v1beta1): nobody answers for metrics.example.com/v1beta1, its "
            "APIService may be down (it answered 503)",
            id="an API service that is down",
        ),
    ],
)
def test_a_refusal_is_said_in_its_own_words(ref: Ref, error: PackhouseError, words: str) -> None:
    assert refused(ref, error) == Survivor(ref, words, error)


def test_many_are_counted_and_some_are_named() -> None:
    assert named(["a", "b"]) == "a; b"
    assert named(list("abcdefg")) == "a; b; c; d; e; and 2 more"


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (200, "ConfigMap demo/a (v1), ConfigMap demo/b (v1), ConfigMap demo/c (v1)"),
        (60, "ConfigMap demo/a (v1), ConfigMap demo/b (v1) and 1 more"),
        (40, "ConfigMap demo/a (v1) and 2 more"),
        (10, "3 objects"),
        (-5, "3 objects"),
    ],
)
def test_as_many_are_named_as_there_is_room_for(room: int, words: str) -> None:
    found = fitting([Ref(Kind("", "v1", "ConfigMap"), "demo", name) for name in "abc"], room)
    assert found == words
    assert len(found) <= max(room, len("3 objects"))
