"""What is known of owned objects, and when a change of one wakes its install.

Real: the store, the comparison and the inventory. Faked: the watch (the tests put events in), the queue, and time.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from house import House
from packhouse.api.names import INSTALL_API, OWNER_ANNOTATION
from packhouse.api.views import InstalledPackage
from packhouse.domain.inventory import Entry, Inventory
from packhouse.domain.objects import managed_digest
from packhouse.ports import Json, Kind, Ref, Seen
from packhouse.queue import Key
from packhouse.reconcile.drift import MOST_SECONDS, QUIET_SECONDS, Drift
from packhouse.reconcile.owned import OwnedObjects, Shelf, Unwatched, drifted_by_watch, kinds_of

CONFIG_MAP = Kind("", "v1", "ConfigMap")
DEPLOYMENT = Kind("apps", "v1", "Deployment")


def live(name: str, color: str = "ours", *, uid: str = "", owner: str | None = "demo/web", number: int = 1) -> Json:
    """Metadata of an object; `color` says what our manager holds of it."""
    held = {"manager": "packhouse", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {f"f:{color}": {}}}
    return {
        "metadata": {
            "name": name,
            "namespace": "demo",
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(number),
            "annotations": {OWNER_ANNOTATION: owner} if owner else {},
            "managedFields": [held],
        }
    }


def ref(name: str, kind: Kind = CONFIG_MAP) -> Ref:
    return Ref(kind, "demo", name)


def recorded(name: str, color: str = "ours", kind: Kind = CONFIG_MAP) -> Entry:
    obj = live(name, color)
    return Entry(ref(name, kind), obj["metadata"]["uid"], "wanted", managed_digest(obj, "packhouse"))


def watched(owned: OwnedObjects, *objects: Json, kind: Kind = CONFIG_MAP, current: bool = True) -> Shelf:
    """A shelf whose first list is complete."""
    shelf = owned.open(kind, lambda: current)
    for obj in objects:
        shelf.put(obj)
    shelf.listed()
    return shelf


# ---- what is known ---------------------------------------------------------------------------------------


def test_an_object_is_known_by_its_uid_and_by_what_our_manager_holds() -> None:
    owned = OwnedObjects()
    watched(owned, live("a"))
    assert owned.find(ref("a")) == Seen("uid-a", managed_digest(live("a"), "packhouse"))
    assert owned.find(ref("b")) is None


def test_a_kind_is_the_same_in_every_version_and_known_while_its_watch_is() -> None:
    owned = OwnedObjects()
    assert not owned.knows(DEPLOYMENT)
    shelf = watched(owned, live("a"), kind=DEPLOYMENT)
    older = replace(DEPLOYMENT, version="v1beta1")
    assert owned.knows(older)
    assert owned.find(ref("a", older)) is not None
    shelf.close()
    assert not owned.knows(DEPLOYMENT)
    assert owned.find(ref("a", DEPLOYMENT)) is None


def test_a_watch_that_ends_late_takes_nothing_from_its_successor() -> None:
    owned = OwnedObjects()
    old = watched(owned, live("a"))
    watched(owned, live("a"))
    old.close()
    assert owned.knows(CONFIG_MAP)
    assert owned.find(ref("a")) is not None


def test_what_is_wanted_grows_by_kinds_and_is_narrowed_to_what_there_is() -> None:
    owned = OwnedObjects()
    owned.follow([CONFIG_MAP, DEPLOYMENT])
    assert owned.asked.is_set()
    owned.asked.clear()
    owned.follow([CONFIG_MAP])
    assert not owned.asked.is_set()
    owned.narrow([DEPLOYMENT])
    assert owned.wanted == {("apps", "Deployment"): {DEPLOYMENT}}


def test_an_object_takes_some_hundred_bytes() -> None:
    count = 2000
    names = [f"a-config-map-of-some-length-{number:05}" for number in range(count)]
    owner = "a-namespace/an-install-of-some-length"
    shelf = watched(owned := OwnedObjects())
    tracemalloc.start()
    for name in names:
        shelf.put(live(name, uid=f"00000000-0000-0000-0000-{name[-5:]:0>12}", owner=owner))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert owned.find(ref(names[-1])) is not None
    assert size / count < 350, f"{size / count:.0f} bytes an object"


def status(*entries: Entry) -> Json:
    return {"inventory": Inventory.of(entries).to_wire()}


def install(name: str = "web", *entries: Entry, **spec: Any) -> Json:
    meta = {"name": name, "namespace": "demo", "uid": f"uid-{name}", "resourceVersion": "1"}
    whole = {"serviceAccountName": "installer", "packageRef": {"publicName": "p"}, **spec}
    return {"apiVersion": INSTALL_API, "kind": "InstalledPackage", "metadata": meta, "spec": whole, "status": status(*entries)}  # fmt: skip  # noqa: E501


def test_the_kinds_of_all_inventories_are_read_from_their_refs() -> None:
    wires = [install("a", recorded("x"), recorded("y", kind=DEPLOYMENT)), install("b", recorded("z")), install("c")]
    views = [InstalledPackage.from_wire(wire) for wire in wires]
    assert kinds_of(views) == {CONFIG_MAP, DEPLOYMENT}


def test_an_inventory_that_somebody_else_wrote_has_no_kinds() -> None:
    view = InstalledPackage.from_wire(install() | {"status": {"inventory": [{"ref": "nonsense"}, {}]}})
    assert kinds_of([view]) == set()


# ---- whether it is drift ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "entries", "expected"),
    [
        pytest.param([live("a")], [recorded("a")], False, id="as it was recorded"),
        pytest.param([live("a")], [], False, id="nothing is recorded"),
        pytest.param([], [recorded("a")], True, id="missing"),
        pytest.param([live("a", uid="other")], [recorded("a")], True, id="made anew"),
        pytest.param([live("a", "less")], [recorded("a")], True, id="changed by another writer"),
        pytest.param([live("a", owner=None)], [recorded("a")], False, id="whose owner it says it is does not matter"),
        pytest.param([live("a")], [Entry(ref("a"))], True, id="not confirmed"),
        pytest.param([live("a")], [recorded("a"), recorded("b", kind=DEPLOYMENT)], None, id="a kind is not watched"),
    ],
)
def test_drift_is_told_from_the_store(objects: list[Json], entries: list[Entry], expected: bool | None) -> None:
    owned = OwnedObjects()
    watched(owned, *objects)
    assert drifted_by_watch(owned, Inventory.of(entries)) is expected


def test_a_watch_in_trouble_tells_nothing() -> None:
    owned = OwnedObjects()
    watched(owned, live("a"), current=False)
    assert drifted_by_watch(owned, Inventory.of([recorded("a")])) is None


def test_where_nothing_is_watched_nothing_is_told() -> None:
    assert drifted_by_watch(Unwatched(), Inventory.of([recorded("a")])) is None


# ---- whom it wakes ---------------------------------------------------------------------------------------


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Time:
    """A clock and its timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, Timer, Callable[[], None]]] = []

    def later(self, seconds: float, then: Callable[[], None]) -> Timer:
        timer = Timer()
        self._timers.append((self.now + seconds, timer, then))
        return timer

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [item for item in self._timers if item[0] <= end + 1e-9]:
            item = min(due, key=lambda item: item[0])
            self._timers.remove(item)
            self.now = max(self.now, item[0])
            if not item[1].cancelled:
                item[2]()
        self.now = end


class Line:
    """In the place of the queue."""

    def __init__(self) -> None:
        self.added: list[str] = []
        self.busy = set[str]()
        self.parked = set[str]()

    def add(self, key: Key, after_seconds: float = 0.0) -> None:
        self.added.append(key.name)

    def is_busy(self, key: Key) -> bool:
        return key.name in self.busy | self.parked

    def is_working(self, key: Key) -> bool:
        return key.name in self.busy


class Scene:
    """Installs `web` and `other` at rest with two ConfigMaps each, all watched."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.owned = OwnedObjects()
        self.time, self.line = Time(), Line()
        world = replace(self.house.world, owned=self.owned)
        Drift(world, self.line, later=self.time.later, clock=lambda: self.time.now).connect()  # type: ignore[arg-type]
        self.record("web", recorded("a"), recorded("b"))
        self.record("other", recorded("x"), recorded("y"))
        others = [live(name, owner="demo/other") for name in "xy"]
        self.shelf = watched(self.owned, live("a"), live("b"), *others)
        self.time.pass_by(10)

    def record(self, name: str, *entries: Entry, **spec: Any) -> None:
        self.house.stores.installs.drop(("demo", name))
        self.house.stores.installs.put(install(name, *entries, **spec))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_at_rest_nobody_is_woken(scene: Scene) -> None:
    scene.shelf.put(live("a", number=2))
    scene.time.pass_by(10)
    assert scene.line.added == []


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda shelf: shelf.drop(("demo", "a")), id="deleted"),
        pytest.param(lambda shelf: shelf.put(live("a", "less")), id="changed"),
        pytest.param(lambda shelf: shelf.put(live("a", uid="new")), id="made anew"),
        pytest.param(lambda shelf: shelf.put(live("a", "less", owner=None)), id="its owner was taken away"),
        pytest.param(lambda shelf: shelf.put(live("a", "less", owner="demo/other")), id="its owner was changed"),
    ],
)
def test_drift_wakes_the_install_that_recorded_the_object(scene: Scene, happens: Callable[[Shelf], None]) -> None:
    happens(scene.shelf)
    scene.time.pass_by(QUIET_SECONDS)
    assert scene.line.added == ["web"]


def test_what_nobody_recorded_wakes_nobody(scene: Scene) -> None:
    scene.shelf.put(live("new"))
    scene.shelf.put(live("claimed", owner="demo/other"))
    scene.shelf.put(live("lost", owner="demo/nobody"))
    scene.shelf.put(live("odd", owner="x" * 5000))
    scene.shelf.put(live("odd2", owner="no-namespace"))
    scene.time.pass_by(10)
    assert scene.line.added == []


def test_a_deletion_of_many_objects_wakes_once(scene: Scene) -> None:
    entries = [recorded(f"n{number}") for number in range(20)]
    for number in range(20):
        scene.shelf.put(live(f"n{number}"))
    scene.record("web", *entries)
    scene.time.pass_by(10)
    for number in range(20):
        scene.shelf.drop(("demo", f"n{number}"))
        scene.time.pass_by(0.03)
    assert scene.line.added == []
    scene.time.pass_by(QUIET_SECONDS)
    assert scene.line.added == ["web"]


def test_changes_that_do_not_end_are_not_waited_for(scene: Scene) -> None:
    for number in range(100):
        scene.shelf.put(live("a", f"change{number}"))
        scene.time.pass_by(QUIET_SECONDS / 2)
        if scene.line.added:
            break
    assert scene.line.added == ["web"]
    assert scene.time.now - 110 <= MOST_SECONDS + QUIET_SECONDS


def test_our_own_writes_wake_nobody_though_their_events_come_first(scene: Scene) -> None:
    scene.line.busy.add("web")
    scene.shelf.put(live("a", "more"))
    scene.time.pass_by(30)
    assert scene.line.added == []
    scene.record("web", recorded("a", "more"), recorded("b"))
    scene.line.busy.clear()
    scene.time.pass_by(10)
    assert scene.line.added == []


def test_drift_while_the_install_is_worked_on_wakes_it_afterwards(scene: Scene) -> None:
    scene.line.busy.add("web")
    scene.shelf.drop(("demo", "b"))
    scene.time.pass_by(30)
    assert scene.line.added == []
    scene.line.busy.clear()
    scene.time.pass_by(QUIET_SECONDS)
    assert scene.line.added == ["web"]


def test_drift_while_the_install_only_waits_wakes_it_at_once(scene: Scene) -> None:
    scene.line.parked.add("web")
    scene.shelf.drop(("demo", "b"))
    scene.time.pass_by(QUIET_SECONDS)
    assert scene.line.added == ["web"]


def test_what_is_not_confirmed_is_compared_once_it_is(scene: Scene) -> None:
    scene.record("web", recorded("a"), Entry(ref("b"), "uid-b"))
    scene.line.parked.add("web")
    scene.shelf.put(live("b", "less"))
    scene.time.pass_by(30)
    assert scene.line.added == []
    scene.record("web", recorded("a"), recorded("b"))
    scene.line.parked.clear()
    scene.time.pass_by(QUIET_SECONDS)
    assert scene.line.added == ["web"]


def test_what_nobody_works_on_and_is_not_confirmed_is_let_go(scene: Scene) -> None:
    scene.record("web", recorded("a"), Entry(ref("b"), "uid-b"))
    scene.shelf.drop(("demo", "b"))
    scene.time.pass_by(30)
    scene.record("web", recorded("a"), recorded("b"))
    scene.time.pass_by(30)
    assert scene.line.added == []


@pytest.mark.parametrize("spec", [{"paused": True}, {"canceled": True}])
def test_a_held_install_is_left_alone(scene: Scene, spec: Json) -> None:
    scene.record("web", recorded("a"), recorded("b"), **spec)
    scene.shelf.drop(("demo", "b"))
    scene.time.pass_by(30)
    assert scene.line.added == []


def test_an_install_that_is_gone_is_left_alone(scene: Scene) -> None:
    scene.shelf.drop(("demo", "b"))
    scene.house.stores.installs.drop(("demo", "web"))
    scene.time.pass_by(30)
    assert scene.line.added == []


def test_what_happened_before_a_watch_began_is_found_when_it_begins(scene: Scene) -> None:
    scene.record("web", recorded("a"), recorded("d", kind=DEPLOYMENT))
    scene.record("other", recorded("x"), recorded("e", kind=DEPLOYMENT))
    watched(scene.owned, live("d"), kind=DEPLOYMENT)
    scene.time.pass_by(2 * QUIET_SECONDS)
    assert scene.line.added == ["other"]


def test_a_new_inventory_has_its_kinds_watched(house: House) -> None:
    owned = OwnedObjects()
    drift = Drift(replace(house.world, owned=owned), house.woken)  # type: ignore[arg-type]
    drift.follow(InstalledPackage.from_wire(install("web", recorded("a"), recorded("d", kind=DEPLOYMENT))))
    assert set(owned.wanted) == {("", "ConfigMap"), ("apps", "Deployment")}
