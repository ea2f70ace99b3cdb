"""Deletions, wave by wave: one object that cannot go stops no other of its wave, and nothing goes under another uid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import (
    ApiServerError,
    ClusterUnavailable,
    DeployFailed,
    Forbidden,
    PackhouseError,
    PruneFailed,
)
from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL
from packhouse.deploy import remove
from packhouse.deploy.remove import Removed, remove_wave, remove_waves
from packhouse.deploy.survey import survey
from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import owned, ref_of
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remove, "GONE_SECONDS", 0.02)
    monkeypatch.setattr(remove, "POLL_SECONDS", 0.005)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def at(name: str, kind: str = "ConfigMap") -> Ref:
    return Ref(Kind("", "v1", kind), "demo" if kind != "Namespace" else "", name)


async def made(cluster: FakeCluster, name: str, action: Action = Action.PRUNE, *finalizers: str, **more: Any) -> Change:
    """An object of this install, and what is to become of it."""
    obj: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, **more}
    if obj["kind"] == "Namespace":
        del obj["metadata"]["namespace"]
    if finalizers:
        obj["metadata"]["finalizers"] = list(finalizers)
    answer = await cluster.apply(owned(obj, ME), manager="packhouse")
    return Change(ref_of(obj), action, "test", uid=answer["metadata"]["uid"])


def told(removed: Removed) -> list[str]:
    return [str(survivor) for survivor in removed.survivors]


async def test_a_wave_begins_when_the_one_before_it_is_gone(cluster: FakeCluster) -> None:
    waves = [[await made(cluster, "first")], [await made(cluster, "second")]]
    removed = await remove_waves(cluster, waves)
    assert removed.gone == [change.identity for wave in waves for change in wave]
    assert cluster.writes[-2:] == ["delete ConfigMap demo/first (v1)", "delete ConfigMap demo/second (v1)"]


async def test_a_wave_that_is_held_holds_the_next(cluster: FakeCluster) -> None:
    held, other, later = [
        await made(cluster, "held", Action.PRUNE, "x/y"),
        await made(cluster, "other"),
        await made(cluster, "later"),
    ]
    removed = await remove_waves(cluster, [[held, other], [later]])
    assert (removed.gone, removed.waiting) == ([other.identity], [later])
    assert told(removed) == ["ConfigMap demo/held (v1) is held by finalizer x/y (set by packhouse)"]
    assert await cluster.get(at("later")) is not None


@pytest.mark.parametrize(("kind", "touched"), [("CustomResourceDefinition", True), ("ConfigMap", False)])
async def test_a_definition_that_is_slow_to_go_is_touched(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, kind: str, touched: bool
) -> None:
    """The API server takes its finalizer off at the next change."""
    monkeypatch.setattr(remove, "TOUCH_FROM_SECONDS", 0.0)
    api = "apiextensions.k8s.io/v1" if touched else "v1"
    spec = {"group": "example.com", "names": {"kind": "Thing", "plural": "things"}, "scope": "Cluster", "versions": []}
    change = await made(cluster, "things.example.com", Action.PRUNE, "x/y", kind=kind, apiVersion=api, spec=spec)
    patch = cluster.patch

    async def finalized(ref: Ref, operations: Sequence[Json]) -> Json | None:
        await patch(ref, operations)
        return await patch(ref, [{"op": "remove", "path": "/metadata/finalizers"}])

    monkeypatch.setattr(cluster, "patch", finalized)
    removed = await remove_wave(cluster, [change])
    assert (removed.gone == [change.identity]) is touched


async def test_a_wave_that_had_its_time_is_overtaken_by_the_next(cluster: FakeCluster) -> None:
    held, later = await made(cluster, "held", Action.PRUNE, "x/y"), await made(cluster, "later")
    removed = await remove_waves(cluster, [[held], [later]], overtake=True)
    assert (removed.gone, removed.waiting) == ([later.identity], [])
    assert [survivor.ref for survivor in removed.survivors] == [held.ref]
    assert removed.errors == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(Forbidden("no right"), Forbidden, id="no right"),
        pytest.param(ApiServerError("the webhook fails"), ApiServerError, id="a webhook that fails"),
        pytest.param(DeployFailed("denied"), PruneFailed, id="a webhook that says no"),
        pytest.param(ClusterUnavailable("503"), ClusterUnavailable, id="no answer"),
    ],
)
async def test_what_cannot_be_deleted_stops_no_other(
    cluster: FakeCluster, error: PackhouseError, kind: type[PackhouseError]
) -> None:
    bad, good = await made(cluster, "bad"), await made(cluster, "good")
    cluster.refuse = lambda verb, ref: error if (verb, ref.name) == ("delete", "bad") else None
    removed = await remove_wave(cluster, [bad, good])
    assert removed.gone == [good.identity]
    assert [type(error) for error in removed.errors] == [kind]


async def test_what_nobody_answers_for_is_not_tried(cluster: FakeCluster) -> None:
    silent, good = await made(cluster, "silent"), await made(cluster, "good")
    unanswered = {silent.identity: ClusterUnavailable("503")}
    removed = await remove_waves(cluster, [[silent, good]], unanswered=unanswered)
    assert removed.gone == [good.identity]
    assert removed.errors == list(unanswered.values())
    assert await cluster.get(at("silent")) is not None


async def test_an_object_that_somebody_made_anew_stays(cluster: FakeCluster) -> None:
    change = await made(cluster, "web")
    await cluster.delete(at("web"))
    await made(cluster, "web")
    assert (await remove_wave(cluster, [change])).gone == [change.identity]
    assert await cluster.get(at("web")) is not None


async def test_what_is_orphaned_stays_without_our_marks(cluster: FakeCluster) -> None:
    change = await made(cluster, "web", Action.ORPHAN)
    for _ in range(2):  # a second time finds nothing to do
        removed = await remove_wave(cluster, [change])
        assert (removed.orphaned, removed.kept, removed.settled) == ([change.identity], [change], {change.identity})
    found = await cluster.get(at("web"))
    assert found is not None
    assert OWNER_LABEL not in (found["metadata"].get("labels") or {})
    assert OWNER_ANNOTATION not in (found["metadata"].get("annotations") or {})


async def test_what_is_forgotten_is_kept_only_where_it_exists(cluster: FakeCluster) -> None:
    there = Change(at("there"), Action.FORGET, "another's", uid="u1")
    gone = Change(at("gone"), Action.FORGET, "it is gone")
    removed = await remove_wave(cluster, [there, gone])
    assert (removed.forgotten, removed.kept) == ([there.identity, gone.identity], [there])
    assert cluster.writes == []


async def test_who_may_delete_and_not_look_learns_by_deleting_again(cluster: FakeCluster) -> None:
    free, held = await made(cluster, "free"), await made(cluster, "held", Action.PRUNE, "x/y")
    cluster.refuse = lambda verb, ref: Forbidden("no") if verb == "get" else None
    removed = await remove_wave(cluster, [free, held])
    assert removed.gone == [free.identity]
    assert told(removed) == ["ConfigMap demo/held (v1) is not gone yet"]


async def test_a_namespace_says_what_it_waits_for(cluster: FakeCluster) -> None:
    change = await made(cluster, "space", Action.PRUNE, kind="Namespace")
    condition = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "x/y in 1 resource instances"}
    status = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "space"}}
    await cluster.apply({**status, "status": {"conditions": [condition]}}, manager="namespaces", subresource="status")

    async def stays(ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        return True

    cluster.delete = stays  # type: ignore[method-assign]
    assert told(await remove_wave(cluster, [change])) == [
        "Namespace space (v1) is being emptied: x/y in 1 resource instances"
    ]


# ---- what is there -----------------------------------------------------------------------------------------


async def test_a_survey_finds_what_can_be_found(cluster: FakeCluster) -> None:
    for name in ("a", "b"):
        await made(cluster, name)
    await made(cluster, "account", kind="ServiceAccount")
    cluster.refuse = lambda verb, ref: Forbidden("no") if ref.name == "b" else None
    seen = await survey(cluster, [at("a"), at("b"), at("c"), at("account", "ServiceAccount")])
    assert {identity.name for identity in seen.found} == {"a", "account"}
    assert {identity.name: type(error) for identity, error in seen.untold.items()} == {"b": Forbidden}


async def test_a_kind_that_nobody_answers_for_hides_no_other(cluster: FakeCluster) -> None:
    await made(cluster, "a")
    await made(cluster, "account", kind="ServiceAccount")
    down = ClusterUnavailable("503")
    cluster.refuse = lambda verb, ref: down if ref.kind.kind == "ConfigMap" else None
    seen = await survey(cluster, [at("a"), at("b"), at("account", "ServiceAccount")])
    assert {identity.name for identity in seen.found} == {"account"}
    assert seen.untold == {Identity.of(at("a")): down, Identity.of(at("b")): down}
