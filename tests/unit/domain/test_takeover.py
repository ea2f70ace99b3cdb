"""What becomes of objects that another deploy tool applied: whose fields become ours, and which labels stay."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.takeover import held_by_kapp, keeps_kapp_labels, taking_over, with_kapp_labels
from packhouse.ports import Json, Kind

DEPLOYMENT = Kind("apps", "v1", "Deployment")
APP, ASSOCIATION = "kapp.k14s.io/app", "kapp.k14s.io/association"


def held(manager: str, fields: Json, operation: str = "Update", **more: str) -> Json:
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields, **more}


def found(*entries: Json, **labels: str) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "resourceVersion": "7", "labels": labels, "managedFields": list(entries)},
    }


SPEC = {"f:spec": {"f:replicas": {}}}
LABELLED = {"f:spec": {"f:template": {"f:metadata": {"f:labels": {f"f:{APP}": {}, "f:app": {}}}}}}


@pytest.mark.parametrize(("manager", "by_hand"), [("kapp", False), ("kapp", True), ("kubectl-client-side-apply", True)])
def test_fields_of_a_former_manager_become_ours(manager: str, by_hand: bool) -> None:
    other = held("kube-controller-manager", {"f:status": {}}, subresource="status")
    test, replace = taking_over(found(other, held(manager, SPEC)), by_hand=by_hand)

    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert replace == {
        "op": "replace",
        "path": "/metadata/managedFields",
        "value": [other, held(APPLY_MANAGER, SPEC, "Apply")],
    }


def test_fields_that_were_ours_already_stay_ours() -> None:
    mine = held(APPLY_MANAGER, {"f:spec": {"f:paused": {}}}, "Apply")
    _, replace = taking_over(found(mine, held("kapp", SPEC)), by_hand=False)
    [entry] = replace["value"]
    assert entry["fieldsV1"] == {"f:spec": {"f:replicas": {}, "f:paused": {}}}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(held("kubectl-edit", SPEC), id="a person"),
        pytest.param(held("kapp", SPEC, "Apply"), id="a server-side apply"),
        pytest.param(held("kapp", {"f:status": {}}, subresource="status"), id="a status"),
        pytest.param(held("helm", SPEC), id="a tool whose objects carry its own release"),
    ],
)
def test_nothing_else_is_taken_over(entry: Json) -> None:
    assert taking_over(found(entry), by_hand=True) == ()


def test_what_was_applied_by_hand_is_taken_over_only_where_that_is_said() -> None:
    assert taking_over(found(held("kubectl-client-side-apply", SPEC)), by_hand=False) == ()


@pytest.mark.parametrize(
    ("kind", "there", "expected"),
    [
        pytest.param(DEPLOYMENT, found(held("kapp", LABELLED)), True, id="kapp's template"),
        pytest.param(DEPLOYMENT, found(held(APPLY_MANAGER, LABELLED, "Apply")), True, id="ours since the takeover"),
        pytest.param(DEPLOYMENT, found(held("kapp", SPEC)), False, id="a template without kapp's labels"),
        pytest.param(DEPLOYMENT, None, False, id="nothing there"),
        pytest.param(Kind("", "v1", "Service"), found(held("kapp", LABELLED)), False, id="a selector that can change"),
    ],
)
def test_whether_kapps_labels_stay(kind: Kind, there: Json | None, expected: bool) -> None:
    assert keeps_kapp_labels(kind, there) is expected


def deployment(selector: Json, labels: Json) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": selector}, "template": {"metadata": {"labels": labels}}},
    }


def test_selector_and_template_keep_the_labels_that_they_have() -> None:
    live = deployment({"app": "web", APP: "1"}, {"app": "web", APP: "1", ASSOCIATION: "2", "gone": "x"})
    wanted = deployment({"app": "web"}, {"app": "web", "new": "y"})

    assert with_kapp_labels(wanted, live) == deployment(
        {APP: "1", "app": "web"}, {APP: "1", ASSOCIATION: "2", "app": "web", "new": "y"}
    )
    assert wanted == deployment({"app": "web"}, {"app": "web", "new": "y"})


@pytest.mark.parametrize("spec", [None, "text", {}, {"selector": None, "template": []}])
def test_a_workload_that_says_nothing_usable_is_left_as_it_is(spec: Any) -> None:
    obj = {**deployment({}, {}), "spec": spec}
    assert with_kapp_labels(obj, deployment({APP: "1"}, {APP: "1"})) == obj


def test_the_kapp_app_of_an_object_is_known_by_its_label() -> None:
    assert held_by_kapp(found(**{APP: "17"})) == "17"
    assert held_by_kapp(found()) is None
