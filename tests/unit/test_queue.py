"""The queue: each key at a time once, never lost, at its earliest due time. Real asyncio, a clock that we turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from packhouse.queue import BUG_SECONDS, Key, Queue

A, B, POKE = Key("Install", "demo", "a"), Key("Install", "demo", "b"), Key("Poke", "", "poke")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Notes each run; `gates` holds a key until its event is set; `delays` is what a run returns."""

    def __init__(self) -> None:
        self.done: list[Key] = []
        self.started: list[Key] = []
        self.running: dict[Key, int] = {}
        self.most_at_once = 0
        self.gates: dict[Key, asyncio.Event] = {}
        self.delays: dict[Key, float | None] = {}
        self.bug: set[Key] = set()

    async def __call__(self, key: Key) -> float | None:
        self.started.append(key)
        self.running[key] = self.running.get(key, 0) + 1
        assert self.running[key] == 1, "one reconcile per object at a time"
        self.most_at_once = max(self.most_at_once, sum(self.running.values()))
        await asyncio.sleep(0)
        if key in self.gates:
            await self.gates[key].wait()
        self.running[key] -= 1
        self.done.append(key)
        if key in self.bug:
            raise RuntimeError("a bug")
        return self.delays.get(key)

    def count(self, key: Key) -> int:
        return self.done.count(key)


class Shop:
    def __init__(self) -> None:
        self.clock, self.work = Clock(), Work()
        self.queue = Queue(self.work, clock=self.clock)

    @asynccontextmanager
    async def open(self, workers: int = 3, spare: int = 0) -> AsyncIterator[None]:
        running = asyncio.create_task(self.queue.run(workers, spare))
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def later(self, seconds: float) -> None:
        """Turn the clock and let the workers look at it."""
        self.clock.now += seconds
        self.queue.add(POKE)
        await settled()


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():
            await asyncio.sleep(0)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_additions_before_a_run_are_one_run(shop: Shop) -> None:
    for _ in range(5):
        shop.queue.add(A)
    assert len(shop.queue) == 1
    async with shop.open():
        await settled()
    assert shop.work.done == [A]


async def test_different_keys_run_side_by_side_as_far_as_there_are_workers(shop: Shop) -> None:
    keys = [Key("Install", "demo", str(number)) for number in range(10)]
    shop.work.gates = {key: asyncio.Event() for key in keys}
    for key in keys:
        shop.queue.add(key)
    async with shop.open(workers=3):
        await settled()
        assert shop.work.most_at_once == 3
        for gate in shop.work.gates.values():
            gate.set()
        await until(lambda: len(shop.work.done) == 10)
    assert sorted(shop.work.done) == sorted(keys)
    assert shop.work.most_at_once == 3


async def test_a_key_that_is_added_while_busy_runs_once_more_and_never_twice_at_a_time(shop: Shop) -> None:
    shop.work.gates[A] = asyncio.Event()
    shop.queue.add(A)
    async with shop.open():
        await until(lambda: shop.work.started == [A])
        for _ in range(3):
            shop.queue.add(A)
        await settled()
        assert shop.work.started == [A]
        shop.work.gates[A].set()
        await until(lambda: shop.work.count(A) == 2)
        await settled()
    assert shop.work.count(A) == 2


async def test_a_busy_key_holds_up_no_other(shop: Shop) -> None:
    shop.work.gates[A] = asyncio.Event()
    shop.queue.add(A)
    async with shop.open(workers=2):
        await until(lambda: shop.work.started == [A])
        shop.queue.add(A)
        shop.queue.add(B)
        await until(lambda: shop.work.done == [B])


async def test_a_delay_is_waited_for(shop: Shop) -> None:
    async with shop.open():
        shop.queue.add(A, 60)
        await shop.later(59)
        assert shop.work.count(A) == 0
        await shop.later(1)
        assert shop.work.count(A) == 1


@pytest.mark.parametrize("order", [(60.0, 10.0), (10.0, 60.0)])
async def test_the_earliest_due_time_stands(shop: Shop, order: tuple[float, float]) -> None:
    async with shop.open():
        for seconds in order:
            shop.queue.add(A, seconds)
        await shop.later(10)
        assert shop.work.count(A) == 1
        await shop.later(100)
        assert shop.work.count(A) == 1


async def test_what_a_run_returns_is_the_next_due_time(shop: Shop) -> None:
    shop.work.delays[A] = 600
    shop.queue.add(A)
    async with shop.open():
        await shop.later(0)
        await shop.later(599)
        assert shop.work.count(A) == 1
        await shop.later(1)
        assert shop.work.count(A) == 2


async def test_none_means_not_before_something_changes(shop: Shop) -> None:
    shop.queue.add(A)
    async with shop.open():
        await shop.later(0)
        await shop.later(1e9)
        assert shop.work.count(A) == 1
        assert len(shop.queue) == 0


async def test_a_change_comes_before_the_next_due_time_and_does_not_double_it(shop: Shop) -> None:
    shop.work.delays[A] = 600
    shop.queue.add(A)
    async with shop.open():
        await shop.later(0)
        shop.queue.add(A)
        await settled()
        assert shop.work.count(A) == 2
        await shop.later(600)
        assert shop.work.count(A) == 3


async def test_a_bug_is_logged_and_tried_again_later(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.work.bug.add(A)
    shop.queue.add(A)
    async with shop.open(workers=1):
        await shop.later(0)
        shop.work.bug.clear()
        await shop.later(BUG_SECONDS - 1)
        assert shop.work.count(A) == 1
        await shop.later(1)
        assert shop.work.count(A) == 2
    assert "Install demo/a: reconcile ended with a bug" in caplog.text


async def test_a_forgotten_key_does_not_run(shop: Shop) -> None:
    shop.queue.add(A, 10)
    shop.queue.forget(A)
    async with shop.open():
        await shop.later(60)
        assert shop.work.count(A) == 0
        shop.queue.add(A)
        await settled()
        assert shop.work.count(A) == 1


async def test_a_worker_sleeps_no_longer_than_to_the_next_due_time() -> None:
    work = Work()
    queue = Queue(work)
    running = asyncio.create_task(queue.run(1))
    await settled()
    queue.add(B, 30)
    queue.add(A, 0.02)
    await until(lambda: work.done == [A])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_parked_work_leaves_its_place_to_another_key(shop: Shop) -> None:
    shop.work.gates = {A: asyncio.Event()}
    shop.queue.add(A)
    shop.queue.add(B)
    async with shop.open(workers=1, spare=1):
        await settled()
        assert shop.work.done == []
        shop.queue.park(A)
        shop.queue.park(A)
        await settled()
        assert shop.work.done == [B]
        shop.work.gates[A].set()
        await until(lambda: shop.work.count(A) == 1)
        shop.queue.add(A)
        shop.queue.add(B)
        await until(lambda: shop.work.count(A) == shop.work.count(B) == 2)
    assert shop.work.most_at_once == 2


async def test_no_more_is_parked_than_there_is_room_for(shop: Shop) -> None:
    shop.work.gates = {A: asyncio.Event(), B: asyncio.Event()}
    for key in (A, B, POKE):
        shop.queue.add(key)
    async with shop.open(workers=1, spare=1):
        await settled()
        shop.queue.park(A)
        await settled()
        shop.queue.park(B)
        await settled()
        assert shop.work.done == []
        shop.work.gates[B].set()
        await until(lambda: shop.work.done == [B, POKE])


async def test_at_the_end_what_only_waits_is_let_go_and_the_rest_works_on(shop: Shop) -> None:
    shop.work.gates = {A: asyncio.Event(), B: asyncio.Event()}
    shop.queue.add(A)
    shop.queue.add(B)
    async with shop.open(workers=2, spare=1):
        await settled()
        shop.queue.park(A)
        await shop.queue.let_go()
        assert not shop.queue.is_busy(A)
        assert shop.queue.is_busy(B)
        shop.work.gates[B].set()
        await until(lambda: shop.work.done == [B])


async def test_work_can_ask_whether_its_key_was_added_meanwhile(shop: Shop) -> None:
    shop.work.gates = {A: asyncio.Event()}
    shop.queue.add(A)
    async with shop.open():
        await settled()
        assert not shop.queue.is_due(A)
        shop.queue.add(A, 10)
        assert not shop.queue.is_due(A)
        shop.queue.add(A)
        assert shop.queue.is_due(A)


async def test_the_queue_tells_work_from_waiting(shop: Shop) -> None:
    shop.work.gates = {A: asyncio.Event()}
    shop.queue.add(A)
    assert (shop.queue.is_busy(A), shop.queue.is_working(A)) == (False, False)
    async with shop.open(workers=1, spare=1):
        await settled()
        assert (shop.queue.is_busy(A), shop.queue.is_working(A)) == (True, True)
        shop.queue.park(A)
        assert (shop.queue.is_busy(A), shop.queue.is_working(A)) == (True, False)
        shop.work.gates[A].set()
        await until(lambda: shop.work.done == [A])
        assert (shop.queue.is_busy(A), shop.queue.is_working(A)) == (False, False)


def test_a_key_reads_like_its_object() -> None:
    assert str(A) == "Install demo/a"
    assert str(POKE) == "Poke poke"
