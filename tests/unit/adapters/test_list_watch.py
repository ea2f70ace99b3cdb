"""An own list-watch keeps a store true to the cluster, through breaks, expiries and a CRD that comes late.

Faked: the cluster (fakes_cluster), and the waits between tries, which take no time here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.adapters import list_watch
from packhouse.adapters.list_watch import HistoryRewritten, ListWatch, NotServed
from packhouse.api.errors import ClusterUnavailable, Forbidden, PackhouseError
from packhouse.ports import Json, Kind, Ref, WatchEvent

CONFIG_MAP = Kind("", "v1", "ConfigMap")


class Store:
    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.told: list[str] = []

    def put(self, obj: Json) -> None:
        metadata = obj["metadata"]
        self.told.append(f"put {metadata['name']}")
        self.held[metadata["namespace"], metadata["name"]] = metadata["resourceVersion"]

    def drop(self, key: tuple[str, str], *, version: str = "") -> None:
        self.told.append(f"drop {key[1]}")
        self.held.pop(key, None)

    def keys(self) -> set[tuple[str, str]]:
        return set(self.held)

    @property
    def names(self) -> set[str]:
        return {name for _, name in self.held}


class Breaking(FakeCluster):
    """A cluster whose watches break off after so many events; it notes from where each began."""

    def __init__(self) -> None:
        super().__init__()
        self.began: list[str] = []
        self.lists = 0
        self.break_after: int | None = None

    def pages(self, *args: Any, **named: Any) -> Any:
        self.lists += 1
        return super().pages(*args, **named)

    async def watch(self, kind: Kind, *, resource_version: str, **named: Any) -> AsyncIterator[WatchEvent]:
        self.began.append(resource_version)
        count = 0
        async for event in super().watch(kind, resource_version=resource_version, **named):
            yield event
            count += 1
            if count == self.break_after:
                raise ClusterUnavailable("the watch broke off")


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries: noted, and left out."""
    found: list[float] = []
    real = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds:
            found.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return found


@pytest.fixture
def source(waited: list[float]) -> Breaking:
    return Breaking()


@asynccontextmanager
async def following(cluster: FakeCluster, store: Store, kind: Kind = CONFIG_MAP) -> AsyncIterator[ListWatch]:
    watch = ListWatch(cluster, kind, store, metadata_only=True)
    async with running(watch):
        yield watch


@asynccontextmanager
async def running(watch: ListWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not check():
            await asyncio.sleep(0)


async def make(cluster: FakeCluster, name: str, value: str = "1", **labels: str) -> None:
    meta = {"name": name, "namespace": "demo", "labels": labels}
    await cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": value}}, manager="test"
    )


async def remove(cluster: FakeCluster, name: str) -> None:
    await cluster.delete(Ref(CONFIG_MAP, "demo", name))


async def test_synced_is_set_when_the_first_list_is_in_the_store(source: Breaking) -> None:
    source.page_items = 2
    for name in "abcde":
        await make(source, name)
    store = Store()
    async with following(source, store) as watch:
        assert not watch.synced.is_set()
        await watch.synced.wait()
        assert store.names == set("abcde")


async def test_what_happens_afterwards_reaches_the_store(source: Breaking) -> None:
    await make(source, "a")
    store = Store()
    async with following(source, store) as watch:
        await watch.synced.wait()
        await make(source, "b")
        await make(source, "a", "2")
        await remove(source, "a")
        await until(lambda: store.told[-1] == "drop a")
    assert store.told == ["put a", "put b", "put a", "drop a"]


async def test_after_a_break_it_goes_on_from_the_last_event_and_lists_nothing_anew(source: Breaking) -> None:
    await make(source, "a")
    store = Store()
    source.break_after = 2
    async with following(source, store) as watch:
        await watch.synced.wait()
        for name in "bcdef":
            await make(source, name)
        await until(lambda: store.names == set("abcdef"))
    assert store.told == [f"put {name}" for name in "abcdef"]
    assert source.lists == 1
    assert source.began[:3] == ["1", "3", "5"]


async def test_after_an_ordinary_end_it_goes_on_from_the_last_event(source: Breaking) -> None:
    await make(source, "a")
    store = Store()
    async with following(source, store) as watch:
        await watch.synced.wait()
        await make(source, "b")
        await until(lambda: "b" in store.names)
        source.end_watches()
        await until(lambda: len(source.began) == 2)
        await make(source, "c")
        await until(lambda: "c" in store.names)
    assert source.began[1] == "2"
    assert source.lists == 1


async def test_after_an_expiry_what_went_meanwhile_is_dropped(source: Breaking) -> None:
    for name in "abc":
        await make(source, name)
    store = Store()
    async with following(source, store) as watch:
        await watch.synced.wait()
        source.refuse = lambda verb, ref: ClusterUnavailable("down") if verb in ("watch", "list") else None
        source.end_watches()
        await remove(source, "b")
        await make(source, "d")
        source.end_watches(expire=True)
        source.refuse = lambda verb, ref: None
        await until(lambda: store.names == set("acd"))
        await make(source, "e")
        await until(lambda: "e" in store.names)
    assert store.told.count("drop b") == 1
    assert source.lists == 2


async def test_what_others_put_in_while_the_list_is_read_stays(source: Breaking) -> None:
    await make(source, "a")
    store = Store()
    plain = source.pages

    async def pages(*args: Any, **named: Any) -> AsyncIterator[Any]:
        async for page in plain(*args, **named):
            yield page
        store.put({"metadata": {"name": "new", "namespace": "demo", "resourceVersion": "9"}})

    source.pages = pages  # type: ignore[method-assign]
    async with following(source, store) as watch:
        await watch.synced.wait()
        assert store.names == {"a", "new"}


async def test_a_kind_that_is_not_served_is_waited_for(source: Breaking, waited: list[float]) -> None:
    store = Store()
    served = source.kinds.pop(CONFIG_MAP)
    async with following(source, store) as watch:
        await until(lambda: len(waited) >= 3)
        assert not watch.synced.is_set()
        source.kinds[CONFIG_MAP] = served
        await make(source, "a")
        await watch.synced.wait()
        assert store.names == {"a"}


async def test_a_kind_that_is_served_no_more_is_waited_for_again(source: Breaking, waited: list[float]) -> None:
    await make(source, "a")
    store = Store()
    async with following(source, store) as watch:
        await watch.synced.wait()
        served = source.kinds.pop(CONFIG_MAP)
        source.end_watches()
        await until(lambda: len(waited) >= 3)
        assert store.names == {"a"}, "a catalogue that cannot be read is not empty"
        source.kinds[CONFIG_MAP] = served
        await make(source, "b")
        await until(lambda: store.names == {"a", "b"})


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_trouble_is_tried_again_ever_more_slowly(source: Breaking, waited: list[float], verb: str) -> None:
    trouble: dict[str, PackhouseError] = {verb: ClusterUnavailable("down")}
    source.refuse = lambda asked, ref: trouble.get(asked)
    store = Store()
    async with following(source, store) as watch:
        await until(lambda: len(waited) >= 12)
        trouble.clear()
        await watch.synced.wait()
    most = list_watch.BACKOFF_MOST_SECONDS
    assert waited[0] <= list_watch.BACKOFF_FIRST_SECONDS
    assert all(most / 2 <= wait <= most for wait in waited[8:12])


async def test_a_list_that_is_older_than_what_was_seen_ends_the_watch_for_good() -> None:
    cluster, store = FakeCluster(), Store()
    for name in ("a", "b"):
        await cluster.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}}, manager="m"
        )
    watch = ListWatch(cluster, CONFIG_MAP, store)
    watch._highest = "1000"  # what was seen before etcd was restored from a backup
    with pytest.raises(HistoryRewritten, match="restored from a backup"):
        await asyncio.wait_for(watch.run(), 2)
    assert not watch.synced.is_set()


async def test_with_a_selector_only_what_has_the_label_reaches_the_store(source: Breaking) -> None:
    await make(source, "a", mine="1")
    await make(source, "b")
    store = Store()
    watch = ListWatch(source, CONFIG_MAP, store, metadata_only=True, label_selector="mine")
    async with running(watch):
        await watch.synced.wait()
        await make(source, "c")
        await make(source, "d", mine="1")
        await until(lambda: "d" in store.names)
    assert store.names == {"a", "d"}


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_what_it_gives_up_at_ends_it(source: Breaking, verb: str) -> None:
    source.refuse = lambda asked, ref: Forbidden("no") if asked == verb else None
    watch = ListWatch(source, CONFIG_MAP, Store(), gives_up=(Forbidden, NotServed))
    with pytest.raises(Forbidden):
        await asyncio.wait_for(watch.run(), 2)


async def test_a_kind_that_goes_ends_the_watch_that_gives_up_at_it(source: Breaking) -> None:
    watch = ListWatch(source, CONFIG_MAP, Store(), gives_up=(NotServed,))
    task = asyncio.create_task(watch.run())
    await watch.synced.wait()
    source.kinds.pop(CONFIG_MAP)
    source.end_watches()
    with pytest.raises(NotServed, match="ConfigMap"):
        await asyncio.wait_for(task, 2)


async def test_while_it_is_in_trouble_it_says_so(source: Breaking) -> None:
    told: list[str] = []
    watch = ListWatch(source, CONFIG_MAP, Store(), listed=lambda: told.append("listed"))
    async with running(watch):
        await watch.synced.wait()
        assert (watch.troubled, told) == (False, ["listed"])
        source.refuse = lambda verb, ref: ClusterUnavailable("down")
        source.end_watches()
        await until(lambda: watch.troubled)
        source.refuse = lambda verb, ref: None
        await make(source, "a")
        await until(lambda: not watch.troubled)
    assert told == ["listed"]
