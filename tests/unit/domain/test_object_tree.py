"""The tree of an install's objects: how each stands, and what belongs below it."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.inventory import Entry, Identity
from packhouse.domain.object_tree import OWNED, Node, Standing, kinds_owned_by, tree
from packhouse.domain.objects import managed_digest, ref_of
from packhouse.ports import Json, Kind

DEPLOYMENT = Kind("apps", "v1", "Deployment")
DONE = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}


def obj(kind: str, name: str, owner: str = "", api: str = "apps/v1", **more: Any) -> Json:
    metadata: Json = {"name": name, "namespace": "demo", "uid": f"{kind}-{name}", "generation": 1}
    metadata["managedFields"] = [{"manager": APPLY_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {}}}]
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {"replicas": 1}, "status": DONE, **more}


def pod(name: str, owner: str, ready: str = "True") -> Json:
    return obj("Pod", name, owner, "v1", status={"conditions": [{"type": "Ready", "status": ready}]})


def recorded(found: Json) -> Entry:
    return Entry(ref_of(found), found["metadata"]["uid"], "d", managed_digest(found, APPLY_MANAGER))


def grown(found: Json, *owned: Json, entry: Entry | None = None) -> Node:
    entry = entry or recorded(found)
    [node] = tree([entry], {Identity.of(entry.ref): found}, (), owned)
    return node


def drawn(node: Node, depth: int = 0) -> list[str]:
    here = [f"{'  ' * depth}{node.ref.kind.kind} {node.ref.name}: {node.standing}"]
    return here + [line for child in node.children for line in drawn(child, depth + 1)]


def test_what_an_object_owns_stands_below_it() -> None:
    web = obj("Deployment", "web")
    sets = [obj("ReplicaSet", "web-1", "Deployment-web"), obj("ReplicaSet", "web-2", "Deployment-web")]
    pods = [pod("web-2-a", "ReplicaSet-web-2", ready="False"), pod("web-1-a", "ReplicaSet-web-1"), pod("other", "x")]
    assert drawn(grown(web, *sets, *pods)) == [
        "Deployment web: ready",
        "  ReplicaSet web-1: ready",
        "    Pod web-1-a: ready",
        "  ReplicaSet web-2: ready",
        "    Pod web-2-a: waiting",
    ]


def test_a_replica_set_of_long_ago_is_not_shown_while_it_has_no_pods() -> None:
    web, old = obj("Deployment", "web"), obj("ReplicaSet", "old", "Deployment-web", spec={"replicas": 0})
    assert drawn(grown(web, old)) == ["Deployment web: ready"]
    assert len(drawn(grown(web, old, pod("left", "ReplicaSet-old")))) == 3


def test_what_has_a_place_of_its_own_or_owns_itself_stands_there_once() -> None:
    web = obj("Deployment", "web")
    web["metadata"]["ownerReferences"] = [{"uid": "ReplicaSet-web"}]
    circle = obj("ReplicaSet", "web", "Deployment-web")
    assert drawn(grown(web, web, circle, obj("ReplicaSet", "x", "ReplicaSet-x"))) == [
        "Deployment web: ready",
        "  ReplicaSet web: ready",
    ]


def test_a_node_is_well_if_all_below_it_are() -> None:
    web, below = obj("Deployment", "web"), obj("ReplicaSet", "web-1", "Deployment-web")
    assert grown(web, below, pod("a", "ReplicaSet-web-1")).is_well
    assert not grown(web, below, pod("a", "ReplicaSet-web-1", ready="False")).is_well


def changed(found: Json, **metadata: Any) -> Json:
    return {**found, "metadata": {**found["metadata"], **metadata}}


WEB = obj("Deployment", "web")
WAITING = {**WEB, "status": {**DONE, "availableReplicas": 0}}
AHEAD = Entry(ref_of(WEB))
THEIRS = [{"manager": "kubectl", "operation": "Update"}]


@pytest.mark.parametrize(
    ("entry", "found", "standing", "message"),
    [
        (recorded(WEB), WEB, Standing.READY, "1 of 1 replicas are available"),
        (recorded(WEB), WAITING, Standing.WAITING, "0 of 1 replicas are available"),
        (recorded(WEB), None, Standing.MISSING, "it is missing"),
        (AHEAD, None, Standing.WAITING, "it is not there yet"),
        (AHEAD, WEB, Standing.WAITING, "it is being applied"),
        (
            recorded(WEB),
            changed(WEB, uid="other"),
            Standing.DRIFTED,
            "somebody replaced it by another of the same name",
        ),
        (
            recorded(WEB),
            changed(WEB, managedFields=THEIRS),
            Standing.DRIFTED,
            "somebody changed fields that were applied",
        ),
        (
            recorded(WEB),
            changed(WAITING, managedFields=THEIRS),
            Standing.DRIFTED,
            "somebody changed fields that were applied; 0 of 1 replicas are available",
        ),
    ],
)
def test_an_object_says_how_it_stands(entry: Entry, found: Json | None, standing: Standing, message: str) -> None:
    live = {Identity.of(entry.ref): found} if found is not None else {}
    [node] = tree([entry], live, (), ())
    assert (node.standing, node.message) == (standing, message)


def test_what_may_not_be_read_is_said_so_and_makes_nothing_unwell() -> None:
    [node] = tree([recorded(WEB)], {}, {Identity.of(ref_of(WEB))}, ())
    assert (node.standing, node.is_well) == (Standing.UNREAD, True)


def test_of_kinds_that_need_no_look_metadata_is_enough() -> None:
    found = obj("ConfigMap", "web", api="v1")
    del found["spec"], found["status"]
    assert grown(found).standing is Standing.READY
    assert grown(changed(found, deletionTimestamp="now")).standing is Standing.WAITING


@pytest.mark.parametrize(
    ("kind", "owned"),
    [
        (DEPLOYMENT, ["ReplicaSet", "Pod"]),
        (Kind("batch", "v1", "CronJob"), ["Job", "Pod"]),
        (Kind("apps", "v1", "StatefulSet"), ["Pod"]),
        (Kind("", "v1", "ConfigMap"), []),
        (Kind("networking.k8s.io", "v1", "Ingress"), []),
        (Kind("acme.example.com", "v1", "Thing"), [kind.kind for kind in OWNED]),
    ],
)
def test_only_kinds_that_may_be_owned_are_looked_for(kind: Kind, owned: list[str]) -> None:
    assert [one.kind for one in kinds_owned_by([kind])] == owned
