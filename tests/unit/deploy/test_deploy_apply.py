"""A plan is carried out wave by wave; what was confirmed is noted even if the rest fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import (
    ClusterUnavailable,
    DeployFailed,
    Forbidden,
    NotHealthy,
    PackhouseError,
    PruneFailed,
    RenderedInvalid,
)
from packhouse.deploy import apply
from packhouse.deploy.apply import ChangeSet, carry_out
from packhouse.deploy.live import brought_kinds, gathered, live, settled
from packhouse.deploy.preflight import preflight
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import owned, ref_of
from packhouse.domain.plan import Plan, plan
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "GONE_SECONDS", 0.02)
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
    return plan(objects, recorded, found, owner=ME, owners={ME}), recorded.union(refs)


async def deploy(cluster: FakeCluster, recorded: Inventory, *objects: Json) -> ChangeSet:
    the_plan, ahead = await planned(cluster, recorded, *objects)
    return await carry_out(cluster, the_plan, ahead)


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

    assert [entry.ref.name for entry in done.survivors] == ["pods"]
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
    placed = await settled(cluster, things, "demo")
    done = await deploy(cluster, Inventory({}), *placed)
    assert done.error is None
    assert done.created == 2


async def test_a_kind_that_is_never_served_is_not_healthy() -> None:
    cluster = FakeCluster()
    plain, cluster._serve = cluster._serve, lambda crd, gone: None  # type: ignore[method-assign]
    done = await deploy(cluster, Inventory({}), crd(), obj("x", "Thing", "example.com/v1"))
    assert isinstance(done.error, NotHealthy)
    assert "things.example.com" in done.error.message
    plain(crd(), False)
    again = await deploy(cluster, done.inventory, crd(), obj("x", "Thing", "example.com/v1"))
    assert again.error is None


# ---- where objects belong ----------------------------------------------------------------------------------


async def test_the_scope_of_a_kind_that_the_package_brings_is_known() -> None:
    [_, thing] = await settled(
        FakeCluster(), [crd(), {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}], "demo"
    )
    assert thing["metadata"]["namespace"] == "demo"


async def test_kinds_that_nobody_serves_are_named() -> None:
    things = [obj("x", kind, "example.com/v1") for kind in ("Thing", "Other", "More")]
    with pytest.raises(DeployFailed, match=r"Thing demo/x .* \(2 more such kinds\)"):
        await settled(FakeCluster(), things, "demo")


async def test_the_same_object_twice_is_refused_once_both_have_a_namespace() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with pytest.raises(RenderedInvalid, match=r"demo/a .* is rendered twice"):
        await settled(FakeCluster(), [one, obj("a")], "demo")
    await settled(FakeCluster(), [one, obj("a")], "elsewhere")


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


# ---- before the first write --------------------------------------------------------------------------------


async def test_the_preflight_names_every_refusal_and_writes_nothing() -> None:
    cluster = FakeCluster()
    cluster.refuse = lambda verb, ref: Forbidden(f"not {ref.name}") if verb == "dry run" else None
    the_plan, _ = await planned(cluster, Inventory({}), *(obj(name) for name in "abcdefg"))
    with pytest.raises(Forbidden, match=r"nothing was applied: not a; not b; .*; and 2 more"):
        await preflight(cluster, the_plan)
    assert cluster.writes == []


async def test_a_cluster_that_does_not_answer_is_no_refusal() -> None:
    cluster = FakeCluster()
    cluster.refuse = lambda verb, ref: ClusterUnavailable("down") if verb == "dry run" else None
    the_plan, _ = await planned(cluster, Inventory({}), obj("a"))
    with pytest.raises(ClusterUnavailable, match=r"^down$"):
        await preflight(cluster, the_plan)


async def test_what_cannot_be_tried_yet_is_asked_for_by_its_rights() -> None:
    cluster = FakeCluster()
    asked: list[str] = []

    async def create(obj: Json, *, parent: Ref | None = None, subresource: str = "") -> Json:
        attributes = obj["spec"]["resourceAttributes"]
        asked.append(f"{attributes['verb']} {attributes['resource']} in {attributes['namespace']}")
        return {**obj, "status": {"allowed": attributes["verb"] == "create"}}

    cluster.create = create  # type: ignore[method-assign]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
    the_plan, _ = await planned(cluster, Inventory({}), namespace, crd(), obj("a"), obj("x", "Thing", "example.com/v1"))

    with pytest.raises(Forbidden, match=r'may not patch configmaps.*resources \["configmaps"\], verbs \["patch"\]'):
        await preflight(cluster, the_plan)

    assert set(asked) == {f"{verb} {what} in demo" for verb in ("create", "patch") for what in ("configmaps", "things")}
    assert cluster.writes == []


async def test_live_finds_what_exists_and_no_more() -> None:
    cluster = FakeCluster()
    await deploy(cluster, Inventory({}), obj("a"))
    found = await live(cluster, [ref_of(obj("a")), ref_of(obj("b")), Ref(Kind("x.example.com", "v1", "No"), "", "c")])
    assert [one["metadata"]["name"] for one in found.values()] == ["a"]


async def test_an_object_that_was_applied_under_a_version_which_is_served_no_more_is_found_and_deleted() -> None:
    cluster = FakeCluster()
    await cluster.apply(crd(), manager="packhouse")
    await cluster.apply(obj("a", "Thing", "example.com/v1"), manager="packhouse")
    old = Ref(Kind("example.com", "v1beta1", "Thing"), "demo", "a")
    recorded = Inventory({}).union([old])

    done = await carry_out(cluster, *await planned(cluster, recorded))

    assert (done.deleted, len(done.inventory)) == (1, 0)
    assert await cluster.get(Ref(Kind("example.com", "v1", "Thing"), "demo", "a")) is None
