"""The plan: one row per case of what happens to an object and why, the refusals, and the order of the waves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from packhouse.api.errors import DeletionPending, OwnershipConflict
from packhouse.api.names import APPLY_MANAGER, OWNER_ANNOTATION
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.objects import digest, managed_digest, owned, ref_of
from packhouse.domain.plan import Action, drifted, plan
from packhouse.ports import Json

ME = "demo/web"


def wanted(kind: str = "ConfigMap", name: str = "web", api: str = "v1", **content: Any) -> Json:
    return owned({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "demo"}, **content}, ME)


OBJ = wanted(data={"a": "1"})


def found(uid: str = "u1", fields: str = "a", owner: str | None = ME, deleting: bool = False) -> Json:
    managed = [{"manager": APPLY_MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {fields: {}}}]
    metadata: Json = {"name": "web", "namespace": "demo", "uid": uid, "managedFields": managed}
    if owner is not None:
        metadata["annotations"] = {OWNER_ANNOTATION: owner}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"apiVersion": OBJ["apiVersion"], "kind": OBJ["kind"], "metadata": metadata}


def recorded(uid: str = "u1", desired: str = digest(OBJ), fields: str = "a") -> Entry:
    return Entry(ref_of(OBJ), uid, desired, managed_digest(found(fields=fields), APPLY_MANAGER))


def live(obj: Json | None) -> Mapping[Identity, Json]:
    return {} if obj is None else {Identity.of(ref_of(OBJ)): obj}


@pytest.mark.parametrize(
    ("entry", "there", "action", "why"),
    [
        (None, None, Action.CREATE, "it is new"),
        (recorded(), None, Action.CREATE, "it is missing"),
        (None, found(), Action.CONFIGURE, "its apply is not recorded"),
        (Entry(ref_of(OBJ)), found(), Action.CONFIGURE, "its apply is not recorded"),
        (None, found(owner=None), Action.CONFIGURE, "its apply is not recorded"),
        (recorded(uid="u0"), found(), Action.CONFIGURE, "it was made anew by somebody else"),
        (recorded(desired="older"), found(), Action.CONFIGURE, "what is wanted changed"),
        (Entry(ref_of(OBJ), "u1"), found(), Action.CONFIGURE, "what is wanted changed"),
        (recorded(), found(fields="b"), Action.CONFIGURE, "it was changed by another writer"),
        (recorded(), found(), Action.KEEP, "it is as it should be"),
    ],
)
def test_what_is_wanted(entry: Entry | None, there: Json | None, action: Action, why: str) -> None:
    inventory = Inventory.of([entry] if entry is not None else [])

    done = plan([OBJ], inventory, live(there), owner=ME, owners={ME})

    [change] = done.desired
    assert (change.action, change.why) == (action, why)
    assert change.obj == OBJ
    assert change.uid == (there["metadata"]["uid"] if there is not None else "")
    assert done.is_empty is (action is Action.KEEP)
    assert list(done.writes) == ([] if action is Action.KEEP else [change])


@pytest.mark.parametrize(
    ("entry", "there", "action", "why"),
    [
        (recorded(), None, Action.FORGET, "it is gone"),
        (recorded(), found(owner="demo/other"), Action.FORGET, "it is not this install's any more"),
        (recorded(), found(owner=None), Action.FORGET, "it is not this install's any more"),
        (Entry(ref_of(OBJ)), found(owner=None), Action.FORGET, "it is not this install's any more"),
        (recorded(), found(), Action.PRUNE, "it is no longer wanted"),
        (Entry(ref_of(OBJ)), found(), Action.PRUNE, "it is no longer wanted"),
        (recorded(uid="u0"), found(), Action.PRUNE, "it is no longer wanted"),
    ],
)
def test_what_is_no_longer_wanted(entry: Entry, there: Json | None, action: Action, why: str) -> None:
    done = plan([], Inventory.of([entry]), live(there), owner=ME, owners={ME})

    [[change]] = done.leaving
    assert (change.action, change.why, change.entry) == (action, why, entry)
    assert change.obj is None
    assert not done.is_empty


def test_nothing_wanted_and_nothing_recorded_is_an_empty_plan() -> None:
    assert plan([], Inventory({}), {}, owner=ME, owners=()).is_empty


def test_an_object_of_another_install_is_refused_by_the_name_of_that_install() -> None:
    with pytest.raises(OwnershipConflict, match=r"ConfigMap demo/web.* belongs to install demo/other"):
        plan([OBJ], Inventory({}), live(found(owner="demo/other")), owner=ME, owners={ME, "demo/other"})


def test_an_object_of_an_install_that_is_gone_is_taken_over() -> None:
    [change] = plan([OBJ], Inventory({}), live(found(owner="demo/other")), owner=ME, owners={ME}).desired
    assert change.action is Action.CONFIGURE


def test_an_object_that_is_being_deleted_is_waited_for() -> None:
    with pytest.raises(DeletionPending, match="demo/web"):
        plan([OBJ], Inventory.of([recorded()]), live(found(deleting=True)), owner=ME, owners={ME})


def test_waves_go_up_when_applying_and_down_when_deleting() -> None:
    objects = [
        wanted("Deployment", "d", "apps/v1"),
        wanted("Database", "x", "example.com/v1"),
        wanted("ConfigMap", "c"),
        wanted("ServiceAccount", "s"),
        wanted("Secret", "e"),
    ]
    inventory = Inventory.of([Entry(ref_of(obj), "u1") for obj in objects])
    there = {Identity.of(ref_of(obj)): {**obj, "metadata": {**found()["metadata"]}} for obj in objects}

    arriving = plan(objects, Inventory({}), {}, owner=ME, owners=()).waves
    leaving = plan([], inventory, there, owner=ME, owners=()).leaving

    kinds = [{change.ref.kind.kind for change in wave} for wave in arriving]
    assert kinds == [{"ServiceAccount"}, {"ConfigMap", "Secret"}, {"Deployment"}, {"Database"}]
    assert [{change.ref.kind.kind for change in wave} for wave in leaving] == kinds[::-1]


def test_what_was_applied_under_a_version_that_is_served_no_more_is_deleted_under_the_one_that_is() -> None:
    old = wanted("Ingress", "i", "networking.k8s.io/v1beta1")
    now = {**wanted("Ingress", "i", "networking.k8s.io/v1"), "metadata": found()["metadata"]}
    inventory = Inventory.of([Entry(ref_of(old), "u1")])

    [[change]] = plan([], inventory, {Identity.of(ref_of(old)): now}, owner=ME, owners=()).leaving

    assert (change.action, change.ref.kind.version) == (Action.PRUNE, "v1")


def test_an_object_that_moved_to_a_newer_version_of_its_api_is_the_same_one() -> None:
    old = wanted("Ingress", "i", "networking.k8s.io/v1beta1")
    new = wanted("Ingress", "i", "networking.k8s.io/v1")
    there = {Identity.of(ref_of(old)): found()}

    done = plan([new], Inventory.of([Entry(ref_of(old), "u1", digest(old), "m")]), there, owner=ME, owners={ME})

    assert [change.action for change in done.desired] == [Action.CONFIGURE]
    assert list(done.leaving) == []


@pytest.mark.parametrize(
    ("entry", "there", "expected"),
    [
        pytest.param(recorded(), found(), False, id="as it was applied"),
        pytest.param(recorded(desired="whatever"), found(), False, id="what is wanted is not asked"),
        pytest.param(recorded(), None, True, id="missing"),
        pytest.param(recorded(), found(uid="u2"), True, id="another of the same name"),
        pytest.param(recorded(), found(fields="b"), True, id="changed by another writer"),
        pytest.param(Entry(ref_of(OBJ)), found(), True, id="never confirmed"),
        pytest.param(Entry(ref_of(OBJ), "u1"), found(), True, id="in doubt"),
    ],
)
def test_drift(entry: Entry, there: Json | None, expected: bool) -> None:
    assert drifted(Inventory.of([entry]), live(there)) is expected


def test_a_change_says_what_and_why() -> None:
    [change] = plan([OBJ], Inventory({}), {}, owner=ME, owners=()).desired
    assert str(change) == "create ConfigMap demo/web (v1): it is new"
