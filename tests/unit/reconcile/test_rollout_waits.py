"""What a roll-out waits for, told by a Deployment that is ready when the test says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from house import House, config_map, install, package, reason
from packhouse.deploy import wait
from packhouse.ports import Kind, Ref, Served
from packhouse.queue import Key

APPS = "apps/v1"
POD = Kind("", "v1", "Pod")
WORKLOAD = Ref(Kind("apps", "v1", "Deployment"), "demo", "work")


def workload(annotation: str = "") -> str:
    lines = f"  annotations: {{{annotation}}}\n" if annotation else ""
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: work\n{lines}spec: {{replicas: 1}}\n"


async def says(house: House, available: int) -> None:
    """What its controller makes of the Deployment."""
    found = await house.cluster.get(WORKLOAD)
    assert found is not None
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), available)
    status = {"observedGeneration": found["metadata"]["generation"], **counts}
    head = {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "work", "namespace": "demo"}}
    await house.cluster.apply({**head, "status": status}, manager="controller", subresource="status")


async def rolled_out(house: House, annotation: str = "") -> None:
    """An install that succeeded: a ConfigMap, and a Deployment that is ready."""
    house.cluster.kinds[POD] = Served(POD, "pods", True)
    files = {"a.yaml": config_map("a", "1"), "work.yaml": workload(annotation)}
    await house.apply(package(files=files), install(syncPeriod="5m", deploy={"waitTimeout": "200ms"}))
    await house.reconcile()
    under_way = asyncio.create_task(house.reconcile())
    await asyncio.sleep(0.05)
    await says(house, 1)
    await under_way
    assert reason(await house.status()) == "ReconcileSucceeded"


async def test_after_a_success_only_what_is_written_is_waited_for(house: House) -> None:
    await rolled_out(house)
    await says(house, 0)
    await house.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "demo", "a"))

    await house.reconcile()

    assert await house.data("a") == {"text": "1"}
    assert reason(await house.status()) == "ReconcileSucceeded"


async def test_after_anything_else_all_is_waited_for(house: House) -> None:
    await rolled_out(house)
    await says(house, 0)
    await house.apply(install(syncPeriod="6m", deploy={"waitTimeout": "200ms"}))

    await house.reconcile()

    assert reason(await house.status()) == "WaitTimedOut"


async def test_what_somebody_deletes_again_and_again_is_told_as_that_and_not_waited_for(house: House) -> None:
    await rolled_out(house)
    for _ in range(3):
        await house.cluster.delete(WORKLOAD)
        await repaired(house)
    await house.cluster.delete(WORKLOAD)
    for _ in range(2):
        house.now += timedelta(seconds=5 - 60)
        await house.reconcile()
        assert reason(await house.status()) == "Contested"


async def test_what_was_done_is_recorded_before_others_take_the_place_of_a_wait(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[bool] = []

    def park(key: Key) -> None:
        view = house.stores.installs.get(("demo", "web"))
        assert view is not None
        recorded.append(all("uid" in entry for entry in view.status["inventory"]))

    monkeypatch.setattr(wait, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(house.dispatch.queue, "park", park)
    await rolled_out(house)
    assert recorded
    assert all(recorded)


@pytest.mark.parametrize("marked", [pytest.param(True, id="with our marks"), pytest.param(False, id="without them")])
async def test_what_is_made_once_and_was_made_anew_by_somebody_is_taken_as_it_is(house: House, marked: bool) -> None:
    await rolled_out(house, "kapp.k14s.io/update-strategy: skip")
    old = await house.cluster.get(WORKLOAD)
    assert old is not None
    await house.cluster.delete(WORKLOAD)
    marks = {name: old["metadata"][name] for name in ("labels", "annotations") if marked}
    theirs = {"apiVersion": APPS, "kind": "Deployment", "metadata": {"name": "work", "namespace": "demo", **marks}}
    await house.cluster.apply({**theirs, "spec": {"replicas": 1}}, manager="somebody")
    await says(house, 1)
    await house.apply(install(syncPeriod="6m", deploy={"waitTimeout": "200ms"}))

    await house.reconcile()

    status = await house.status()
    assert reason(status) == "ReconcileSucceeded"
    assert ("apps/v1/Deployment/demo/work" in [entry["ref"] for entry in status["inventory"]]) is marked
    start = len(house.cluster.writes)
    await house.reconcile()
    assert house.writes(start) == []


async def repaired(house: House) -> None:
    """A reconcile five seconds after the last one, in which the Deployment is made anew and becomes ready."""
    house.now += timedelta(seconds=5 - 60)
    under_way = asyncio.create_task(house.reconcile())
    await asyncio.sleep(0.05)
    await says(house, 1)
    await under_way
    assert reason(await house.status()) == "ReconcileSucceeded"
