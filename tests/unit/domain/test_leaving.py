"""The plan of a deletion: everything recorded, in reverse, whatever live annotations say; and what proves an owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL
from packhouse.domain.change import Action
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.leaving import is_proven, leaving
from packhouse.domain.objects import owner_label
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"
CONFIG_MAP, ACCOUNT, POD = Kind("", "v1", "ConfigMap"), Kind("", "v1", "ServiceAccount"), Kind("", "v1", "Pod")


def entry(name: str, kind: Kind = CONFIG_MAP, uid: str | None = None) -> Entry:
    return Entry(Ref(kind, "demo", name), f"uid-{name}" if uid is None else uid)


def found(entry: Entry, owner: str = ME, annotations: Mapping[str, str] | None = None) -> Json:
    marks = {OWNER_ANNOTATION: owner, **(annotations or {})}
    metadata = {"name": entry.ref.name, "namespace": "demo", "uid": entry.uid, "annotations": marks}
    return {"apiVersion": "v1", "kind": entry.ref.kind.kind, "metadata": metadata}


def planned(inventory: Inventory, live: list[Json], *untold: Entry) -> list[list[tuple[str, Action, str]]]:
    by_identity = {
        Identity("", obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]): obj for obj in live
    }
    waves = leaving(inventory, by_identity, {Identity.of(one.ref) for one in untold}, owner=ME)
    return [[(change.ref.name, change.action, change.uid) for change in wave] for wave in waves]


def test_what_was_applied_first_goes_last() -> None:
    entries = [entry("account", ACCOUNT), entry("config"), entry("pod", POD)]
    waves = planned(Inventory.of(entries), [found(one) for one in entries])
    assert [[name for name, _, _ in wave] for wave in waves] == [["pod"], ["config"], ["account"]]


def test_each_goes_or_stays_for_its_own_reason() -> None:
    entries = [entry(name) for name in ("mine", "gone", "theirs", "orphan", "unseen")]
    mine, _, theirs, orphan, unseen = entries
    live = [
        found(mine),
        found(theirs, "demo/other"),
        found(orphan, annotations={"kapp.k14s.io/delete-strategy": "orphan"}),
    ]
    [wave] = planned(Inventory.of(entries), live, unseen)
    assert wave == [
        ("mine", Action.PRUNE, "uid-mine"),
        ("gone", Action.FORGET, ""),
        ("theirs", Action.FORGET, "uid-theirs"),
        ("orphan", Action.ORPHAN, "uid-orphan"),
        ("unseen", Action.PRUNE, "uid-unseen"),
    ]


def test_rules_order_a_deletion_and_a_circle_of_them_does_not_end_it() -> None:
    def ruled(group: str, other: str) -> Mapping[str, str]:
        return {
            "kapp.k14s.io/change-group": f"example.com/{group}",
            "kapp.k14s.io/change-rule": f"delete after deleting example.com/{other}",
        }

    a, b = entry("a"), entry("b")
    straight = planned(Inventory.of([a, b]), [found(a, annotations=ruled("a", "b")), found(b)])
    assert [[name for name, _, _ in wave] for wave in straight] == [["a", "b"]], "b is in no group"

    line = [found(a, annotations=ruled("a", "b")), found(b, annotations={"kapp.k14s.io/change-group": "example.com/b"})]
    assert [[name for name, _, _ in wave] for wave in planned(Inventory.of([a, b]), line)] == [["b"], ["a"]]

    circle = [found(a, annotations=ruled("a", "b")), found(b, annotations=ruled("b", "a"))]
    assert [[name for name, _, _ in wave] for wave in planned(Inventory.of([a, b]), circle)] == [["a", "b"]]


@pytest.mark.parametrize(
    ("recorded", "metadata", "proven"),
    [
        pytest.param(entry("a"), {}, True, id="uid and owner label"),
        pytest.param(entry("a"), {"uid": "another"}, False, id="made anew"),
        pytest.param(entry("a", uid=""), {"uid": ""}, False, id="no uid recorded"),
        pytest.param(entry("a"), {"labels": {OWNER_LABEL: owner_label("demo/other")}}, False, id="another's label"),
        pytest.param(entry("a"), {"labels": None}, False, id="no label"),
        pytest.param(None, {}, False, id="not recorded"),
    ],
)
def test_an_owner_is_proven_by_the_recorded_uid_and_the_label(
    recorded: Entry | None, metadata: dict[str, Any], proven: bool
) -> None:
    obj = {"metadata": {"name": "a", "uid": "uid-a", "labels": {OWNER_LABEL: owner_label(ME)}, **metadata}}
    assert is_proven(recorded, obj, ME) is proven
