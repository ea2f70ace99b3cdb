"""The plan: one row per case of what happens to an object and why, the refusals, and the order of the waves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from packhouse.api.errors import DeletionPending, OwnershipConflict
from packhouse.api.names import APPLY_MANAGER, OWNER_ANNOTATION, OWNER_LABEL
from packhouse.domain.change import Action, Plan
from packhouse.domain.inventory import UNTOUCHED, Entry, Identity, Inventory
from packhouse.domain.kapp.rules import read_rules
from packhouse.domain.objects import digest, managed_digest, owned, owner_label, ref_of
from packhouse.domain.plan import Desired, drifted, plan
from packhouse.ports import Json

ME = "demo/web"


def wanted(kind: str = "ConfigMap", name: str = "web", api: str = "v1", **content: Any) -> Json:
    return owned({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "demo"}, **content}, ME)


OBJ = wanted(data={"a": "1"})


def found(
    uid: str = "u1", fields: str = "a", owner: str | None = ME, deleting: bool = False, labelled: bool = True
) -> Json:
    managed = [{"manager": APPLY_MANAGER, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {fields: {}}}]
    metadata: Json = {"name": "web", "namespace": "demo", "uid": uid, "managedFields": managed}
    if owner is not None:
        metadata["annotations"] = {OWNER_ANNOTATION: owner}
        metadata["labels"] = {OWNER_LABEL: owner_label(owner)} if labelled else {}
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

    done = plan(Desired([OBJ]), inventory, live(there), owner=ME, owners={ME})

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
        (recorded(uid="u0"), found(labelled=False), Action.FORGET, "it is not this install's any more"),
        (recorded(), found(labelled=False), Action.PRUNE, "it is no longer wanted"),
    ],
)
def test_what_is_no_longer_wanted(entry: Entry, there: Json | None, action: Action, why: str) -> None:
    done = plan(Desired([]), Inventory.of([entry]), live(there), owner=ME, owners={ME})

    [[change]] = done.waves
    assert (change.action, change.why, change.entry) == (action, why, entry)
    assert change.obj is None
    assert not done.is_empty


def annotated(**annotations: str) -> Json:
    """The object as it is wanted, with kapp annotations (dashes are underscores)."""
    obj = wanted(data={"a": "1"})
    said = {f"kapp.k14s.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**obj["metadata"]["annotations"], **said}}}


def planned(obj: Json, entry: Entry | None, there: Json | None) -> Plan:
    rules = {Identity.of(ref_of(obj)): read_rules(obj)}
    return plan(
        Desired([obj], rules), Inventory.of([entry] if entry else []), live(there), owner=ME, owners={ME, "demo/other"}
    )


@pytest.mark.parametrize(
    ("annotations", "entry", "there", "action", "empty"),
    [
        pytest.param({"update_strategy": "skip"}, None, None, Action.CREATE, False, id="skip: made once"),
        pytest.param(
            {"update_strategy": "skip"},
            recorded(desired="old"),
            found(fields="b"),
            Action.SKIP,
            True,
            id="skip: left as it is",
        ),
        pytest.param(
            {"update_strategy": "skip"}, None, found(owner=None), Action.SKIP, True, id="skip: never taken over"
        ),
        pytest.param(
            {"update_strategy": "skip"},
            Entry(ref_of(OBJ)),
            found(),
            Action.SKIP,
            False,
            id="skip: ours, to be recorded",
        ),
        pytest.param(
            {"update_strategy": "always-replace"}, None, None, Action.CREATE, False, id="replace: made at first"
        ),
        pytest.param(
            {"update_strategy": "always-replace"}, recorded(), found(), Action.REPLACE, False, id="replace: on a change"
        ),
        pytest.param(
            {"update_strategy": "always-replace"},
            None,
            found(owner=None),
            Action.CONFIGURE,
            False,
            id="replace: not what it adopts",
        ),
        pytest.param(
            {"update_strategy": "fallback-on-replace"},
            recorded(),
            found(),
            Action.CONFIGURE,
            False,
            id="fallback: tried in place",
        ),
        pytest.param({"exists": ""}, None, None, Action.EXPECT, True, id="exists: somebody else makes it"),
        pytest.param(
            {"exists": ""}, None, found(owner="demo/other"), Action.EXPECT, True, id="exists: whoever owns it"
        ),
        pytest.param({"exists": ""}, recorded(), found(), Action.EXPECT, False, id="exists: we made it once"),
    ],
)
def test_what_annotations_make_of_it(
    annotations: dict[str, str], entry: Entry | None, there: Json | None, action: Action, empty: bool
) -> None:
    done = planned(annotated(**annotations), entry, there)
    assert [change.action for change in done] == [action]
    assert done.is_empty is empty


@pytest.mark.parametrize(
    ("annotation", "action"),
    [
        pytest.param({"kapp.k14s.io/delete-strategy": "orphan"}, Action.ORPHAN, id="orphan stays"),
        pytest.param({"kapp.k14s.io/noop": ""}, Action.FORGET, id="noop is left alone"),
        pytest.param({"kapp.k14s.io/delete-strategy": "nonsense"}, Action.PRUNE, id="what cannot be read says nothing"),
    ],
)
def test_what_the_annotations_of_a_live_object_make_of_its_end(annotation: dict[str, str], action: Action) -> None:
    there = found()
    there["metadata"]["annotations"] |= annotation
    done = plan(Desired([]), Inventory.of([recorded()]), live(there), owner=ME, owners={ME})
    assert [change.action for change in done] == [action]


@pytest.mark.parametrize(
    ("name", "action"),
    [
        pytest.param("kube-system", Action.ORPHAN, id="a namespace that the API server never deletes stays"),
        pytest.param("web", Action.PRUNE, id="another namespace goes"),
    ],
)
def test_what_becomes_of_a_namespace_at_its_end(name: str, action: Action) -> None:
    namespace: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    ref = ref_of(namespace)
    there = {Identity.of(ref): {**namespace, "metadata": {**found()["metadata"], "name": name}}}
    done = plan(Desired([]), Inventory.of([Entry(ref, "u1", "d", "m")]), there, owner=ME, owners={ME})
    assert [change.action for change in done] == [action]


def test_what_is_wanted_no_more_and_kept_stays_in_the_inventory() -> None:
    identity = Identity.of(ref_of(OBJ))
    assert plan(
        Desired([], {}, frozenset({identity})), Inventory.of([recorded()]), live(found()), owner=ME, owners={ME}
    ).is_empty


def test_what_is_kept_and_gone_needs_no_record() -> None:
    kept = frozenset({Identity.of(ref_of(OBJ))})
    [change] = plan(Desired([], {}, kept), Inventory.of([recorded()]), {}, owner=ME, owners={ME})
    assert change.action is Action.FORGET


def test_an_object_that_moved_to_another_api_group_is_no_prune() -> None:
    old, new = wanted("Event", "e", "v1"), wanted("Event", "e", "events.k8s.io/v1")
    there = {Identity.of(ref_of(obj)): {**obj, "metadata": found()["metadata"]} for obj in (old, new)}

    done = plan(Desired([new]), Inventory.of([Entry(ref_of(old), "u1", "d", "m")]), there, owner=ME, owners={ME})

    assert [(change.action, change.ref.kind.group) for change in done] == [
        (Action.CONFIGURE, "events.k8s.io"),
        (Action.FORGET, ""),
    ]


@pytest.mark.parametrize(
    ("there", "adopting"),
    [
        pytest.param(found(owner=None), True, id="nobody's"),
        pytest.param(found(owner="gone/gone"), True, id="of an install that is gone"),
        pytest.param(found(), False, id="ours by its mark, though not recorded"),
    ],
)
def test_what_exists_and_is_not_recorded(there: Json, adopting: bool) -> None:
    [change] = planned(OBJ, None, there)
    assert (change.action, change.adopting) == (Action.CONFIGURE, adopting)


def test_what_is_recorded_is_ours_though_its_mark_was_taken_away() -> None:
    [change] = planned(OBJ, recorded(), found(owner=None, fields="b"))
    assert (change.action, change.adopting) == (Action.CONFIGURE, False)


def test_nothing_wanted_and_nothing_recorded_is_an_empty_plan() -> None:
    assert plan(Desired([]), Inventory({}), {}, owner=ME, owners=()).is_empty


def test_an_object_of_another_install_is_refused_by_the_name_of_that_install() -> None:
    with pytest.raises(OwnershipConflict, match=r"ConfigMap demo/web.* belongs to install demo/other"):
        plan(Desired([OBJ]), Inventory({}), live(found(owner="demo/other")), owner=ME, owners={ME, "demo/other"})


def test_an_object_of_an_install_that_is_gone_is_taken_over() -> None:
    [change] = plan(Desired([OBJ]), Inventory({}), live(found(owner="demo/other")), owner=ME, owners={ME}).desired
    assert change.action is Action.CONFIGURE


def test_an_object_that_is_being_deleted_is_waited_for() -> None:
    with pytest.raises(DeletionPending, match="demo/web"):
        plan(Desired([OBJ]), Inventory.of([recorded()]), live(found(deleting=True)), owner=ME, owners={ME})


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

    arriving = plan(Desired(objects), Inventory({}), {}, owner=ME, owners=()).waves
    leaving = plan(Desired([]), inventory, there, owner=ME, owners=()).waves

    kinds = [{change.ref.kind.kind for change in wave} for wave in arriving]
    assert kinds == [{"ServiceAccount"}, {"ConfigMap", "Secret"}, {"Deployment"}, {"Database"}]
    assert [{change.ref.kind.kind for change in wave} for wave in leaving] == kinds[::-1]


def test_what_was_applied_under_a_version_that_is_served_no_more_is_deleted_under_the_one_that_is() -> None:
    old = wanted("Ingress", "i", "networking.k8s.io/v1beta1")
    now = {**wanted("Ingress", "i", "networking.k8s.io/v1"), "metadata": found()["metadata"]}
    inventory = Inventory.of([Entry(ref_of(old), "u1")])

    [[change]] = plan(Desired([]), inventory, {Identity.of(ref_of(old)): now}, owner=ME, owners=()).waves

    assert (change.action, change.ref.kind.version) == (Action.PRUNE, "v1")


def test_an_object_that_moved_to_a_newer_version_of_its_api_is_the_same_one() -> None:
    old = wanted("Ingress", "i", "networking.k8s.io/v1beta1")
    new = wanted("Ingress", "i", "networking.k8s.io/v1")
    there = {Identity.of(ref_of(old)): found()}

    done = plan(
        Desired([new]), Inventory.of([Entry(ref_of(old), "u1", digest(old), "m")]), there, owner=ME, owners={ME}
    )

    assert [change.action for change in done.desired] == [Action.CONFIGURE]
    assert len(list(done)) == 1


@pytest.mark.parametrize(
    ("entry", "there", "expected"),
    [
        pytest.param(recorded(), found(), False, id="as it was applied"),
        pytest.param(recorded(desired="whatever"), found(), False, id="what is wanted is not asked"),
        pytest.param(recorded(), None, True, id="missing"),
        pytest.param(Entry(ref_of(OBJ), "u1", "d", UNTOUCHED), found(fields="b"), False, id="changed, and left so"),
        pytest.param(Entry(ref_of(OBJ), "u1", "d", UNTOUCHED), found(uid="u2"), True, id="left so, but another one"),
        pytest.param(recorded(), found(uid="u2"), True, id="another of the same name"),
        pytest.param(recorded(), found(fields="b"), True, id="changed by another writer"),
        pytest.param(Entry(ref_of(OBJ)), found(), True, id="never confirmed"),
        pytest.param(Entry(ref_of(OBJ), "u1"), found(), True, id="in doubt"),
    ],
)
def test_drift(entry: Entry, there: Json | None, expected: bool) -> None:
    assert drifted(Inventory.of([entry]), live(there)) is expected


def test_a_change_says_what_and_why() -> None:
    [change] = plan(Desired([OBJ]), Inventory({}), {}, owner=ME, owners=()).desired
    assert str(change) == "create ConfigMap demo/web (v1): it is new"
