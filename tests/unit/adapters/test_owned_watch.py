"""The watch of owned objects: begun where wanted and allowed, ended where not, and quiet about it.

Real: the watch, its list-watches and the store it fills. Faked: the cluster (fakes_cluster) with its rights, and the
waits between tries, which take no time here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.adapters import list_watch, owned_watch
from packhouse.adapters.owned_watch import OwnedWatch
from packhouse.api.errors import ClusterUnavailable, DeployFailed, Forbidden
from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.objects import owned as marked
from packhouse.ports import Json, Kind, Ref
from packhouse.reconcile.owned import OwnedObjects

CONFIG_MAP = Kind("", "v1", "ConfigMap")
SECRET = Kind("", "v1", "Secret")
DEPLOYMENT = Kind("apps", "v1", "Deployment")
CRD = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
TAB = Kind("example.com", "v1", "Tab")


class Guarded(FakeCluster):
    """A cluster that grants (verb, plural) pairs; it counts reviews, lists and watches by plural."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = {(verb, plural) for plural in ("configmaps", "tabs") for verb in ("list", "watch")}
        self.asked: Counter[str] = Counter()

    async def create(self, obj: Json, **named: Any) -> Json | None:
        if obj["kind"] != "SelfSubjectAccessReview":
            return await super().create(obj, **named)
        asked = obj["spec"]["resourceAttributes"]
        self.asked[f"review {asked['resource']}"] += 1
        return {**obj, "status": {"allowed": (asked["verb"], asked["resource"]) in self.granted}}

    def pages(self, kind: Kind, **named: Any) -> Any:
        self.asked[f"list {kind.kind}"] += 1
        return super().pages(kind, **named)

    def guard(self) -> None:
        """From now on what is not granted is refused."""

        def refuse(verb: str, ref: Ref) -> Forbidden | None:
            served = self.kinds.get(ref.kind)
            plural = served.plural if served else ""
            return Forbidden("no") if verb in ("list", "watch") and (verb, plural) not in self.granted else None

        self.refuse = refuse


class Waits:
    """The waits between tries: noted, and left out until `go` is set anew."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.open = asyncio.Event()
        self.open.set()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    found, real = Waits(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            found.seconds.append(seconds)
            await found.open.wait()
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return found


@pytest.fixture
def cluster() -> Guarded:
    return Guarded()


class Watch:
    """The watch, running; `inventory` is what the census finds."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.objects = OwnedObjects()
        self.inventory: Sequence[Kind] = ()
        self.watch = OwnedWatch(cluster, self.objects, lambda: self.inventory, chance=lambda: 0.0)
        self.task = asyncio.create_task(self.watch.run())

    def follow(self, *kinds: Kind) -> None:
        self.inventory = kinds
        self.objects.follow(kinds)

    def running(self) -> set[str]:
        return {kind for (_, kind), task in self.watch._tasks.items() if not task.done()}


@pytest.fixture
async def watch(cluster: Guarded, waits: Waits) -> AsyncIterator[Watch]:
    found = Watch(cluster)
    yield found
    assert not found.task.done(), found.task
    found.task.cancel()
    await asyncio.gather(found.task, return_exceptions=True)


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not check():
            await asyncio.sleep(0)


async def idle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def make(cluster: FakeCluster, name: str, kind: Kind = CONFIG_MAP, *, ours: bool = True) -> Ref:
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "namespace": "demo"}}
    await cluster.apply(marked(obj, "demo/web") if ours else obj, manager=APPLY_MANAGER)
    return Ref(kind, "demo", name)


async def test_nothing_is_asked_before_a_kind_is_wanted(cluster: Guarded, watch: Watch) -> None:
    await make(cluster, "a")
    await idle()
    assert not cluster.asked


async def test_a_kind_that_is_wanted_and_allowed_is_known_with_what_is_owned_of_it(
    cluster: Guarded, watch: Watch
) -> None:
    mine, other = await make(cluster, "a"), await make(cluster, "b", ours=False)
    watch.follow(CONFIG_MAP)
    await until(lambda: watch.objects.knows(CONFIG_MAP))
    assert watch.objects.find(mine) is not None
    assert watch.objects.find(other) is None
    await cluster.delete(mine)
    late = await make(cluster, "c")
    await until(lambda: watch.objects.find(late) is not None)
    assert watch.objects.find(mine) is None
    assert cluster.asked["list ConfigMap"] == 1


async def test_what_may_not_be_watched_is_never_listed_and_rarely_asked_for(
    cluster: Guarded, watch: Watch, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch.follow(DEPLOYMENT)
    await until(lambda: len(waits.seconds) >= 20)
    assert not watch.objects.knows(DEPLOYMENT)
    assert set(cluster.asked) == {"review deployments"}
    assert set(waits.seconds) == {owned_watch.ASK_AGAIN_SECONDS}
    assert [record.getMessage() for record in caplog.records] == [
        "drift of Deployment is found at sync periods only, there is no watch: the operator may not list it"
    ]


async def test_one_right_of_two_is_not_enough(cluster: Guarded, watch: Watch, waits: Waits) -> None:
    cluster.granted.remove(("watch", "configmaps"))
    watch.follow(CONFIG_MAP)
    await until(lambda: len(waits.seconds) >= 2)
    assert cluster.asked["list ConfigMap"] == 0


async def test_a_right_that_comes_later_is_found(cluster: Guarded, watch: Watch, waits: Waits) -> None:
    watch.follow(DEPLOYMENT)
    await until(lambda: len(waits.seconds) >= 2)
    cluster.granted |= {("list", "deployments"), ("watch", "deployments")}
    await until(lambda: watch.objects.knows(DEPLOYMENT))


async def test_a_right_that_goes_ends_the_watch_until_it_comes_back(
    cluster: Guarded, watch: Watch, waits: Waits
) -> None:
    watch.follow(CONFIG_MAP)
    await until(lambda: watch.objects.knows(CONFIG_MAP))
    waits.open.clear()
    cluster.granted.clear()
    cluster.guard()
    cluster.end_watches()
    await until(lambda: waits.seconds)
    assert not watch.objects.knows(CONFIG_MAP)
    assert waits.seconds == [owned_watch.ASK_AGAIN_SECONDS]
    cluster.granted |= {("list", "configmaps"), ("watch", "configmaps")}
    waits.open.set()
    await until(lambda: watch.objects.knows(CONFIG_MAP))


async def test_secrets_need_a_right_of_their_own(cluster: Guarded, watch: Watch, waits: Waits) -> None:
    cluster.granted |= {("list", "secrets"), ("watch", "secrets")}  # the operator has these for values
    watch.follow(SECRET)
    await until(lambda: len(waits.seconds) >= 2)
    assert cluster.asked["list Secret"] == 0
    cluster.granted.add(("follow", "secrets"))
    await until(lambda: watch.objects.knows(SECRET))


def crd() -> Json:
    names = {"kind": "Tab", "plural": "tabs"}
    versions = [{"name": "v1", "served": True}]
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": versions}
    return {"apiVersion": CRD.api_version, "kind": CRD.kind, "metadata": {"name": "tabs.example.com"}, "spec": spec}


async def test_a_crd_that_goes_and_comes_back_costs_no_more_than_its_own_watch(
    cluster: Guarded, watch: Watch, waits: Waits
) -> None:
    await cluster.apply(crd(), manager="test")
    watch.follow(CONFIG_MAP, TAB)
    await until(lambda: watch.objects.knows(TAB) and watch.objects.knows(CONFIG_MAP))
    waits.open.clear()
    await cluster.delete(Ref(CRD, "", "tabs.example.com"))
    waits.seconds.clear()
    waits.open.set()
    cluster.end_watches()
    await until(lambda: not watch.objects.knows(TAB) and watch.objects.knows(CONFIG_MAP))
    await cluster.apply(crd(), manager="test")
    found = await make(cluster, "t", TAB)
    await until(lambda: watch.objects.find(found) is not None)


async def test_of_a_kind_in_two_versions_the_one_that_is_served_is_watched(cluster: Guarded, watch: Watch) -> None:
    older = Kind("", "v0", "ConfigMap")
    watch.follow(older, CONFIG_MAP)
    await until(lambda: watch.objects.knows(CONFIG_MAP) and watch.objects.knows(older))
    assert cluster.asked["list ConfigMap"] == 1


async def test_a_kind_that_no_install_has_any_more_is_let_go(
    cluster: Guarded, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_watch, "CENSUS_SECONDS", 0.01)
    cluster.granted |= {("list", "deployments"), ("watch", "deployments")}
    watch.follow(CONFIG_MAP, DEPLOYMENT)
    await until(lambda: watch.objects.knows(CONFIG_MAP) and watch.objects.knows(DEPLOYMENT))
    watch.inventory = [CONFIG_MAP]
    await until(lambda: not watch.objects.knows(DEPLOYMENT))
    assert watch.running() == {"ConfigMap"}
    watch.follow(CONFIG_MAP, DEPLOYMENT)
    await until(lambda: watch.objects.knows(DEPLOYMENT))


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        pytest.param(ClusterUnavailable("down"), list_watch.BACKOFF_FIRST_SECONDS, id="trouble passes soon"),
        pytest.param(DeployFailed("no metadata"), owned_watch.ASK_AGAIN_SECONDS, id="a refusal does not"),
        pytest.param(ValueError("version x"), owned_watch.ASK_AGAIN_SECONDS, id="nor does what breaks the rules"),
    ],
)
async def test_trouble_with_one_kind_is_its_own(
    cluster: Guarded, watch: Watch, waits: Waits, error: Any, wait: float
) -> None:
    cluster.granted |= {("list", "deployments"), ("watch", "deployments")}
    waits.open.clear()
    cluster.refuse = lambda verb, ref: _raised(error) if ref.kind == DEPLOYMENT else None
    watch.follow(CONFIG_MAP, DEPLOYMENT)
    await until(lambda: waits.seconds and watch.objects.knows(CONFIG_MAP))
    assert wait * 0.5 <= waits.seconds[0] <= wait
    cluster.refuse = lambda verb, ref: None
    waits.open.set()
    await until(lambda: watch.objects.knows(DEPLOYMENT))


def _raised(error: Exception) -> None:
    raise error


async def test_after_close_no_watch_is_left_and_none_begins(cluster: Guarded, watch: Watch) -> None:
    watch.follow(CONFIG_MAP)
    await until(lambda: watch.objects.knows(CONFIG_MAP))
    before = asyncio.all_tasks()
    await watch.watch.close()
    watch.follow(CONFIG_MAP, TAB)
    await idle()
    assert watch.running() == set()
    assert len(asyncio.all_tasks()) == len(before) - 1
