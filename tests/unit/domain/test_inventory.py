"""The inventory: its wire form loses nothing, its union forgets nothing, and its size is what etcd will hold."""

from __future__ import annotations

import json

import pytest

from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.ports import Kind, Ref

UID = "11111111-2222-3333-4444-555555555555"


CONFIG_MAP = Kind("", "v1", "ConfigMap")


def ref(name: str = "web", namespace: str = "demo", kind: Kind = CONFIG_MAP) -> Ref:
    return Ref(kind, namespace, name)


ROLE = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        pytest.param(Entry(ref()), "v1/ConfigMap/demo/web", id="the core group"),
        pytest.param(
            Entry(ref(kind=Kind("apps", "v1", "Deployment"))), "apps/v1/Deployment/demo/web", id="a group of one word"
        ),
        pytest.param(
            Entry(ref("system:web:reader", "", ROLE)),
            "rbac.authorization.k8s.io/v1/ClusterRole//system:web:reader",
            id="cluster-scoped, dots in the group, colons in the name",
        ),
        pytest.param(
            Entry(
                ref("crontabs.stable.example.com", "", Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
            ),
            "apiextensions.k8s.io/v1/CustomResourceDefinition//crontabs.stable.example.com",
            id="dots in the name",
        ),
    ],
)
def test_an_entry_comes_back_from_the_wire_as_it_was(entry: Entry, text: str) -> None:
    confirmed = Entry(entry.ref, UID, "d" * 16, "m" * 16)
    doubted = Entry(entry.ref, UID)

    assert entry.to_wire() == {"ref": text}
    for each in (entry, confirmed, doubted):
        assert Entry.from_wire(json.loads(json.dumps(each.to_wire()))) == each


def test_an_inventory_comes_back_in_its_order() -> None:
    inventory = Inventory.of([Entry(ref("b"), UID, "d", "m"), Entry(ref("a"))])
    assert list(Inventory.from_wire(inventory.to_wire())) == list(inventory)


@pytest.mark.parametrize("wire", [None, {}, "x"])
def test_a_status_without_a_list_has_an_empty_inventory(wire: object) -> None:
    assert len(Inventory.from_wire(wire)) == 0


def test_a_new_version_of_an_api_serves_the_same_object() -> None:
    old = Inventory.of([Entry(ref(kind=Kind("autoscaling", "v1", "HorizontalPodAutoscaler")), UID)])
    found = old.find(ref(kind=Kind("autoscaling", "v2", "HorizontalPodAutoscaler")))
    assert found is not None
    assert found.uid == UID


def test_a_union_holds_both_and_knows_what_was_known() -> None:
    old = Inventory.of([Entry(ref("old"), UID, "d", "m"), Entry(ref("both"), UID, "d", "m")])

    union = old.union([ref("both"), ref("new")])

    assert {entry.ref.name: entry.uid for entry in union} == {"old": UID, "both": UID, "new": ""}
    assert len(old) == 2


def test_what_is_in_doubt_keeps_its_identity_and_loses_its_digests() -> None:
    inventory = Inventory.of([Entry(ref("sure"), UID, "d", "m"), Entry(ref("doubted"), UID, "d", "m")])

    doubting = inventory.doubting([ref("doubted"), ref("unknown")])

    assert list(doubting) == [Entry(ref("sure"), UID, "d", "m"), Entry(ref("doubted"), UID)]


def test_the_size_before_the_first_write_is_the_size_after_the_last() -> None:
    planned = Inventory.of([Entry(ref(str(number))) for number in range(50)])
    complete = Inventory.of([Entry(entry.ref, UID, "d" * 16, "m" * 16) for entry in planned])

    assert planned.size_bytes() == complete.size_bytes()
    assert complete.size_bytes() == len(json.dumps(complete.to_wire(), separators=(",", ":")).encode())


def test_an_identity_names_no_version() -> None:
    assert Identity.of(ref()) == Identity("", "ConfigMap", "demo", "web")


def test_entries_that_nobody_can_read_are_passed_over() -> None:
    wire = [{"ref": "text"}, {"ref": ""}, {}, {"ref": "v1/ConfigMap/demo/web"}, {"ref": "apps/v1/Deployment/demo/"}]
    assert [str(entry.ref) for entry in Inventory.from_wire(wire)] == ["ConfigMap demo/web (v1)"]
