"""An install whose object another writer wants otherwise: repaired, then left alone and told, then tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from house import House, install, package, reason
from packhouse.api.errors import Forbidden
from packhouse.ports import Kind, Ref

RIVAL = "rival"


async def taken(house: House, name: str = "a", text: str = "theirs") -> None:
    meta = {"name": name, "namespace": "demo"}
    await house.cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"text": text}}, manager=RIVAL
    )


async def soon(house: House, seconds: float = 5.0) -> float | None:
    """A reconcile so many seconds after the last one."""
    house.now += timedelta(seconds=seconds - 60)
    return await house.reconcile()


@pytest.fixture
async def fought(house: House) -> House:
    """Objects a and b at rest; a was taken and repaired three times within a minute, and is taken again."""
    await house.apply(package("1.0.0", "a", "b"), install(syncPeriod="5m"))
    await house.settle()
    for _ in range(3):
        await taken(house)
        await soon(house)
        assert await house.data("a") == {"text": "1.0.0"}
        assert reason(await house.status()) == "ReconcileSucceeded"
    await taken(house)
    return house


async def test_the_fourth_time_it_is_left_alone_and_the_other_is_named(fought: House) -> None:
    delay = await soon(fought)
    status = await fought.status()
    assert reason(status) == "Contested"
    assert await fought.data("a") == {"text": "theirs"}
    for word in ("ConfigMap demo/a", ".data.text", "by rival", "stop rival"):
        assert word in status["usefulErrorMessage"]
    assert delay == 55.0


async def test_meanwhile_the_other_objects_are_repaired(fought: House) -> None:
    await fought.cluster.delete(Ref(Kind("", "v1", "ConfigMap"), "demo", "b"))
    await soon(fought)
    assert await fought.data("b") == {"text": "1.0.0"}
    assert reason(await fought.status()) == "Contested"


async def test_while_it_is_left_alone_nothing_is_written(fought: House) -> None:
    await soon(fought)
    start = len(fought.cluster.writes)
    await soon(fought)
    await soon(fought)
    assert fought.writes(start) == []


async def test_when_the_other_stops_the_next_try_ends_it(fought: House) -> None:
    delay = await soon(fought)
    assert delay is not None
    await soon(fought, delay)
    assert await fought.data("a") == {"text": "1.0.0"}
    assert reason(await fought.status()) == "ReconcileSucceeded"


async def test_when_it_does_not_stop_the_next_hold_is_longer(fought: House) -> None:
    delay = await soon(fought)
    assert delay is not None
    await soon(fought, delay)
    await taken(fought)
    assert await soon(fought) == 115.0


async def test_a_package_that_wants_something_else_is_applied_at_once(fought: House) -> None:
    await soon(fought)
    await fought.apply(package("1.1.0", "a", "b"))
    await soon(fought)
    assert await fought.data("a") == {"text": "1.1.0"}
    assert reason(await fought.status()) == "ReconcileSucceeded"


@pytest.mark.parametrize("verb", ["dry run", "apply"])
async def test_a_repair_that_is_refused_again_and_again_is_no_fight(house: House, verb: str) -> None:
    await house.apply(package("1.0.0", "a", "b"), install(syncPeriod="5m"))
    await house.settle()
    await taken(house)
    house.cluster.refuse = lambda asked, ref: Forbidden("no") if (asked, ref.name) == (verb, "a") else None
    for _ in range(5):
        await soon(house)
        assert reason(await house.status()) == "Forbidden"
