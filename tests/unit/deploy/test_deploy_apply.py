"""A plan is carried out wave by wave; what was confirmed is noted even if the rest fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import (
    ApiServerError,
    ClusterUnavailable,
    DeletionPending,
    DeployFailed,
    Forbidden,
    NotHealthy,
    PackhouseError,
    PruneFailed,
    RenderedInvalid,
    Superseded,
)
from packhouse.deploy import apply, remove
from packhouse.deploy.apply import ChangeSet, Terms, carry_out
from packhouse.deploy.live import brought_kinds, gathered, live, settled
from packhouse.domain.change import Plan
from packhouse.domain.inventory import UNTOUCHED, Entry, Identity, Inventory
from packhouse.domain.kapp.rules import read_rules
from packhouse.domain.objects import Placement, owned, ref_of
from packhouse.domain.plan import Desired, plan
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remove, "GONE_SECONDS", 0.02)
    monkeypatch.setattr(apply, "WEBHOOK_SECONDS", 0.001)
    monkeypatch.setattr(apply, "SERVED_SECONDS", 0.05)
    monkeypatch.setattr(apply, "POLL_SECONDS", 0.005)


def obj(name: str, kind: str = "ConfigMap", api: str = "v1", **content: Any) -> Json:
    return owned({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "demo"}, **content}, ME)


def crd(kind: str = "Thing") -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": "things"},
            "versions": [{"name": "v1", "served": True}, {"name": "v1alpha1", "served": False}],
        },
    }


async def planned(cluster: FakeCluster, recorded: Inventory, *objects: Json) -> tuple[Plan, Inventory]:
    refs = [ref_of(one) for one in objects]
    found = await live(cluster, [*refs, *(entry.ref for entry in recorded)])
    rules = {Identity.of(ref_of(one)): read_rules(one) for one in objects}
    the_plan = plan(Desired(objects, rules), recorded, found, owner=ME, owners={ME})
    return the_plan, recorded.union(refs).doubting(change.ref for change in the_plan.writes)


async def deploy(cluster: FakeCluster, recorded: Inventory, *objects: Json, **terms: Any) -> ChangeSet:
    the_plan, ahead = await planned(cluster, recorded, *objects)
    return await carry_out(cluster, the_plan, ahead, Terms(**terms))


async def test_a_first_deploy_creates_and_the_second_keeps() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("a"), obj("b"))
    again = await deploy(cluster, first.inventory, obj("a"), obj("b"))

    assert (first.created, first.configured, first.unchanged, first.deleted, first.error) == (2, 0, 0, 0, None)
    assert (again.created, again.configured, again.unchanged, again.deleted) == (0, 0, 2, 0)
    assert again.inventory == first.inventory
    assert all(entry.uid and entry.desired and entry.managed for entry in first.inventory)


async def test_what_changed_is_configured_and_what_went_is_deleted() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("a"), obj("b"))
    done = await deploy(cluster, first.inventory, obj("a", data={"x": "1"}), obj("c"))
    assert (done.created, done.configured, done.unchanged, done.deleted) == (1, 1, 0, 1)
    assert {entry.ref.name for entry in done.inventory} == {"a", "c"}
    assert await cluster.get(ref_of(obj("b"))) is None


async def test_a_wave_that_fails_stops_the_next_and_keeps_what_was_confirmed() -> None:
    cluster = FakeCluster()
    cluster.refuse = lambda verb, ref: DeployFailed("no") if (verb, ref.name) == ("apply", "bad") else None
    done = await deploy(cluster, Inventory({}), obj("good"), obj("bad"), obj("later", "Deployment", "apps/v1"))

    assert isinstance(done.error, DeployFailed)
    assert {entry.ref.name: bool(entry.uid) for entry in done.inventory} == {"good": True, "bad": False, "later": False}
    assert await cluster.get(ref_of(obj("later", "Deployment", "apps/v1"))) is None


async def test_where_an_apply_fails_nothing_is_deleted() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("old"))
    cluster.refuse = lambda verb, ref: DeployFailed("no") if verb == "apply" else None
    done = await deploy(cluster, first.inventory, obj("new"))
    assert await cluster.get(ref_of(obj("old"))) is not None
    assert {entry.ref.name for entry in done.inventory} == {"old", "new"}


async def test_what_is_not_gone_is_a_survivor_and_holds_what_comes_after_it() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("config"), obj("pods", "Deployment", "apps/v1"))
    held = {"apiVersion": "apps/v1", "kind": "Deployment"}
    await cluster.apply(
        {**held, "metadata": {"name": "pods", "namespace": "demo", "finalizers": ["x/y"]}}, manager="other"
    )

    done = await deploy(cluster, first.inventory)

    assert [survivor.ref.name for survivor in done.survivors] == ["pods"]
    assert isinstance(done.error, DeletionPending)
    assert "x/y" in done.error.message
    assert {entry.ref.name for entry in done.inventory} == {"config", "pods"}
    assert await cluster.get(ref_of(obj("config"))) is not None


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (DeployFailed("no"), PruneFailed),
        (Forbidden("you may not"), Forbidden),
        (ClusterUnavailable("down"), ClusterUnavailable),
    ],
)
async def test_what_cannot_be_deleted_stays_recorded(trouble: PackhouseError, error: type[PackhouseError]) -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("a"))
    cluster.refuse = lambda verb, ref: trouble if verb == "delete" else None
    done = await deploy(cluster, first.inventory)
    assert type(done.error) is error
    assert len(done.inventory) == 1


async def test_an_object_made_anew_by_another_is_not_deleted() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("a"))
    the_plan, ahead = await planned(cluster, first.inventory)
    await cluster.delete(ref_of(obj("a")))
    theirs = await cluster.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "demo"}}
    )
    done = await carry_out(cluster, the_plan, ahead)
    found = await cluster.get(ref_of(obj("a")))
    assert theirs is not None
    assert found is not None
    assert found["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert len(done.inventory) == 0


async def test_objects_of_a_new_kind_wait_until_it_is_served() -> None:
    cluster = FakeCluster()
    things = [crd(), obj("x", "Thing", "example.com/v1")]
    placed = await settled(cluster, things, Placement("demo"))
    done = await deploy(cluster, Inventory({}), *placed)
    assert done.error is None
    assert done.created == 2


async def test_what_rests_on_an_object_that_is_refused_is_left_and_the_rest_is_applied() -> None:
    cluster = FakeCluster()
    plain = cluster.apply

    async def apply(one: Json, **said: Any) -> Json:
        if one["kind"] == "Role":
            raise DeployFailed("no such role")
        return await plain(one, **said)

    cluster.apply = apply  # type: ignore[method-assign]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    objects = [
        {**obj("b", "RoleBinding", "rbac.authorization.k8s.io/v1"), "roleRef": reference},
        obj("r", "Role", "rbac.authorization.k8s.io/v1"),
        obj("c"),
        obj("later", "Deployment", "apps/v1"),
    ]
    done = await deploy(cluster, Inventory({}), *objects)
    assert done.error is not None
    assert done.error.message == "no such role"
    assert [write.split()[1] for write in cluster.writes] == ["ConfigMap"]


async def test_a_kind_that_is_never_served_is_not_healthy() -> None:
    cluster = FakeCluster()
    plain, cluster._serve = cluster._serve, lambda crd, gone: None  # type: ignore[method-assign]
    done = await deploy(cluster, Inventory({}), crd(), obj("x", "Thing", "example.com/v1"))
    assert isinstance(done.error, NotHealthy)
    assert "things.example.com" in done.error.message
    plain(crd(), False)
    again = await deploy(cluster, done.inventory, crd(), obj("x", "Thing", "example.com/v1"))
    assert again.error is None


# ---- annotations -------------------------------------------------------------------------------------------


def annotated(one: Json, **annotations: str) -> Json:
    said = {f"kapp.k14s.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {**one, "metadata": {**one["metadata"], "annotations": {**one["metadata"]["annotations"], **said}}}


async def test_what_is_skipped_is_made_once_and_then_left_as_it_is() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), annotated(obj("a", data={"x": "1"}), update_strategy="skip"))
    await cluster.patch(ref_of(obj("a")), [{"op": "replace", "path": "/data/x", "value": "theirs"}])
    start = len(cluster.writes)

    again = await deploy(cluster, first.inventory, annotated(obj("a", data={"x": "2"}), update_strategy="skip"))

    assert (first.created, again.skipped, cluster.writes[start:]) == (1, 1, [])
    assert [entry.managed for entry in again.inventory] == [UNTOUCHED]


async def test_what_is_skipped_is_known_under_the_version_that_is_wanted_now() -> None:
    cluster = FakeCluster()
    one = annotated(obj("a", "Deployment", "apps/v1"), update_strategy="skip")
    first = await deploy(cluster, Inventory({}), one)
    older = Kind("apps", "v1beta1", "Deployment")
    recorded = Inventory.of(Entry(Ref(older, "demo", "a"), entry.uid, "old", UNTOUCHED) for entry in first.inventory)
    again = await deploy(cluster, recorded, one)
    assert (again.skipped, [entry.ref for entry in again.inventory]) == (1, [ref_of(one)])


async def test_what_is_skipped_and_belongs_to_nobody_is_not_recorded() -> None:
    cluster = FakeCluster()
    await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "demo"}})
    done = await deploy(cluster, Inventory({}), annotated(obj("a"), update_strategy="skip"))
    assert (done.skipped, len(done.inventory)) == (1, 0)


async def test_what_is_always_replaced_gets_another_uid_when_it_changes_and_not_otherwise() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), annotated(obj("a", data={"x": "1"}), update_strategy="always-replace"))
    same = await deploy(
        cluster, first.inventory, annotated(obj("a", data={"x": "1"}), update_strategy="always-replace")
    )
    other = await deploy(
        cluster, same.inventory, annotated(obj("a", data={"x": "2"}), update_strategy="always-replace")
    )
    assert (first.created, same.unchanged, other.replaced) == (1, 1, 1)
    [before], [after] = first.inventory, other.inventory
    assert before.uid != after.uid


async def test_what_is_replaced_and_does_not_go_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "REPLACED_SECONDS", 0.02)
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), annotated(obj("a"), update_strategy="always-replace"))
    metadata = {"name": "a", "namespace": "demo", "finalizers": ["x/y"]}
    await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, manager="other")
    done = await deploy(
        cluster, first.inventory, annotated(obj("a", data={"x": "2"}), update_strategy="always-replace")
    )
    assert isinstance(done.error, DeletionPending)
    assert "demo/a" in done.error.message


async def test_an_orphan_stays_without_our_marks() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), annotated(obj("a", data={"x": "1"}), delete_strategy="orphan"))
    done = await deploy(cluster, first.inventory)
    left = await cluster.get(ref_of(obj("a")))
    assert left is not None
    assert left["data"] == {"x": "1"}
    assert not left["metadata"]["labels"]
    assert ([ref.name for ref in done.orphaned], done.deleted, len(done.inventory)) == (["a"], 0, 0)


async def test_what_somebody_else_makes_is_waited_for_and_not_touched() -> None:
    cluster = FakeCluster()
    objects = [annotated(obj("a"), exists=""), obj("later", "Deployment", "apps/v1")]
    early = await deploy(cluster, Inventory({}), *objects)
    assert isinstance(early.error, NotHealthy)
    assert cluster.writes == []
    await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "demo"}})
    done = await deploy(cluster, Inventory({}), *objects)
    assert (done.error, done.created) == (None, 1)
    assert [write for write in cluster.writes if "ConfigMap" in write] == ["create ConfigMap demo/a (v1)"]


async def test_what_an_earlier_version_made_is_left_to_whoever_makes_it_now() -> None:
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("a", data={"x": "1"}))
    done = await deploy(cluster, first.inventory, annotated(obj("a", data={"x": "1"}), exists=""))
    left = await cluster.get(ref_of(obj("a")))
    assert left is not None
    assert not left["metadata"]["labels"]
    assert ([ref.name for ref in done.orphaned], done.error, len(done.inventory)) == (["a"], None, 0)
    writes = list(cluster.writes)
    await deploy(cluster, done.inventory, annotated(obj("a", data={"x": "1"}), exists=""))
    assert cluster.writes == writes


async def test_a_rule_makes_the_next_wave_wait_until_the_one_before_is_ready() -> None:
    cluster = FakeCluster()
    seen: list[list[str]] = []

    async def ready(entries: Sequence[Entry]) -> None:
        seen.append([*(entry.ref.name for entry in entries), *(write.split()[2] for write in cluster.writes)])

    first = annotated(obj("first", "Deployment", "apps/v1"), change_group="first")
    second = annotated(obj("second"), change_rule="upsert after upserting first")
    done = await deploy(cluster, Inventory({}), first, second, ready=ready)

    assert (done.error, done.created) == (None, 2)
    assert seen == [["first", "demo/first"]]


# ---- being interrupted -------------------------------------------------------------------------------------


async def test_an_apply_that_is_superseded_ends_between_two_objects_and_keeps_what_it_did() -> None:
    cluster = FakeCluster()

    def stop() -> None:
        if len(cluster.writes) >= 3:
            raise Superseded("another spec")

    done = await deploy(cluster, Inventory({}), *(obj(f"n{number}") for number in range(50)), stop=stop, parallel=1)

    assert isinstance(done.error, Superseded)
    assert (done.created, len(cluster.writes)) == (3, 3)
    assert sum(bool(entry.uid) for entry in done.inventory) == 3
    assert len(done.inventory) == 50


async def test_who_supersedes_does_not_wait_for_what_was_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remove, "GONE_SECONDS", 60.0)
    cluster = FakeCluster()
    first = await deploy(cluster, Inventory({}), obj("held"), obj("gone"))
    metadata = {"name": "held", "namespace": "demo", "finalizers": ["x/y"]}
    await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, manager="other")
    start = len(cluster.writes)

    def stop() -> None:
        if len(cluster.writes) > start:
            raise Superseded("another spec")

    async with asyncio.timeout(5):
        done = await deploy(cluster, first.inventory, stop=stop)

    assert isinstance(done.error, Superseded)
    assert (done.deleted, [entry.ref.name for entry in done.inventory]) == (1, ["held"])


async def test_no_more_objects_of_a_wave_are_under_way_than_are_allowed() -> None:
    cluster, under_way = FakeCluster(), [0, 0]
    plain = cluster.apply

    async def slow(*args: Any, **kwargs: Any) -> Json:
        under_way[0] += 1
        under_way[1] = max(under_way)
        await asyncio.sleep(0.001)
        under_way[0] -= 1
        return await plain(*args, **kwargs)

    cluster.apply = slow  # type: ignore[method-assign]
    done = await deploy(cluster, Inventory({}), *(obj(f"n{number}") for number in range(40)), parallel=4)
    assert (done.created, under_way[1]) == (40, 4)


async def test_a_webhook_of_the_same_package_that_does_not_answer_yet_is_given_time() -> None:
    cluster, tries = FakeCluster(), []

    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        if (verb, ref.name) != ("apply", "x"):
            return None
        tries.append(verb)
        return ApiServerError("no endpoints available") if len(tries) < 3 else None

    cluster.refuse = refuse
    brings = {**crd(), "spec": {**crd()["spec"], "conversion": {"strategy": "Webhook"}}}
    done = await deploy(cluster, Inventory({}), brings, obj("x", "Thing", "example.com/v1"))
    assert (done.error, done.created, len(tries)) == (None, 2, 3)


# ---- where objects belong ----------------------------------------------------------------------------------


async def test_the_scope_of_a_kind_that_the_package_brings_is_known() -> None:
    [_, thing] = await settled(
        FakeCluster(),
        [crd(), {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}],
        Placement("demo"),
    )
    assert thing["metadata"]["namespace"] == "demo"


async def test_kinds_that_nobody_serves_are_named() -> None:
    things = [obj("x", f"Thing{number}", "example.com/v1") for number in range(10)]
    with pytest.raises(DeployFailed, match=r"^nothing was applied: Thing0 demo/x .*Thing7.* \(2 more such kinds\)$"):
        await settled(FakeCluster(), things, Placement("demo"))


@pytest.mark.parametrize(
    ("api", "kind", "served"),
    [
        pytest.param("apps/v1beta2", "Deployment", "apps/v1", id="another version of the group"),
        pytest.param("extensions/v1beta1", "Deployment", "apps/v1", id="a group that was taken apart"),
    ],
)
async def test_a_kind_that_is_served_under_another_version_is_named_with_it(api: str, kind: str, served: str) -> None:
    things = [obj("x", kind, api), obj("y", kind, api), obj("z", "Widget", "example.com/v1")]
    with pytest.raises(DeployFailed) as refused:
        await settled(FakeCluster(), things, Placement("demo"))
    assert f"Deployment demo/x ({api}) is served as {served} here" in refused.value.message
    assert "Widget demo/z (example.com/v1): this cluster does not serve it" in refused.value.message
    assert "demo/y" not in refused.value.message


async def test_two_contents_of_one_object_are_refused_once_both_have_a_namespace() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with pytest.raises(RenderedInvalid, match=r"demo/a .* is rendered twice"):
        await settled(FakeCluster(), [one, obj("a")], Placement("demo"))
    await settled(FakeCluster(), [one, obj("a")], Placement("elsewhere"))


async def test_an_object_that_is_rendered_twice_with_the_same_content_is_one() -> None:
    one: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    twice = [one, {**one, "metadata": {"name": "a", "namespace": "demo"}}]
    assert await settled(FakeCluster(), twice, Placement("demo")) == [twice[1]]


@pytest.mark.parametrize(
    "spec",
    [None, "x", {}, {"names": []}, {"group": "g", "names": {"kind": ["x"], "plural": "xs"}}, {"names": {"kind": "X"}}],
)
def test_a_definition_that_defines_nothing_brings_nothing(spec: Any) -> None:
    assert brought_kinds([{**crd(), "spec": spec}]) == {}


async def test_the_first_error_ends_the_other_calls_and_keeps_its_class() -> None:
    ended: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        raise Forbidden("no")

    async def waits() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append("waits")
            raise

    with pytest.raises(Forbidden):
        await gathered([waits(), fails()])
    assert ended == ["waits"]


# ---- what is live -----------------------------------------------------------------------------------------


async def test_live_finds_what_exists_and_no_more() -> None:
    cluster = FakeCluster()
    await deploy(cluster, Inventory({}), obj("a"))
    found = await live(cluster, [ref_of(obj("a")), ref_of(obj("b")), Ref(Kind("x.example.com", "v1", "No"), "", "c")])
    assert [one["metadata"]["name"] for one in found.values()] == ["a"]


@pytest.mark.parametrize(
    ("others", "may_list", "gets"),
    [
        pytest.param(5, True, 0, id="one list for all of them"),
        pytest.param(5, False, 40, id="each by itself where the account may not list"),
        pytest.param(1000, True, 40, id="each by itself among very many others"),
    ],
)
async def test_many_objects_of_a_kind_are_found_together(others: int, may_list: bool, gets: int) -> None:
    cluster = FakeCluster()
    for number in range(others):
        await cluster.apply(obj(f"other{number}"), manager="other")
    await deploy(cluster, Inventory({}), *(obj(f"n{number}") for number in range(30)))
    asked: list[str] = []

    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        asked.append(verb)
        return Forbidden("no") if verb == "list" and not may_list else None

    cluster.refuse = refuse
    found = await live(cluster, [ref_of(obj(f"n{number}")) for number in range(40)])

    assert sorted(one["metadata"]["name"] for one in found.values()) == sorted(f"n{number}" for number in range(30))
    assert asked.count("get") == gets
    assert {one["kind"] for one in found.values()} == {"ConfigMap"}


async def test_a_kind_that_is_gone_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, asked = FakeCluster(), []

    async def groups() -> Sequence[str]:
        asked.append("groups")
        return ["v1"]

    monkeypatch.setattr(cluster, "groups", groups)
    gone = Kind("example.com", "v1", "Thing")
    assert await live(cluster, [Ref(gone, "demo", f"n{number}") for number in range(50)]) == {}
    assert asked == ["groups"]


async def test_an_object_that_was_applied_under_a_version_which_is_served_no_more_is_found_and_deleted() -> None:
    cluster = FakeCluster()
    await cluster.apply(crd(), manager="packhouse")
    await cluster.apply(obj("a", "Thing", "example.com/v1"), manager="packhouse")
    old = Ref(Kind("example.com", "v1beta1", "Thing"), "demo", "a")
    recorded = Inventory({}).union([old])

    done = await carry_out(cluster, *await planned(cluster, recorded))

    assert (done.deleted, len(done.inventory)) == (1, 0)
    assert await cluster.get(Ref(Kind("example.com", "v1", "Thing"), "demo", "a")) is None
