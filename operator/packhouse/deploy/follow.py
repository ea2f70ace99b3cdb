"""Follow the waited objects of one kind in one namespace: one list, then one watch from there on, until all are ready.

Where the account may not list or watch, or an object lost the label that the list selects by, each is read by itself,
less and less often. Started by wait.py as one task per group; what is heard goes to the Board. Never writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from packhouse.api.errors import ClusterUnavailable, DeployFailed, Forbidden
from packhouse.deploy.live import gathered
from packhouse.deploy.standing import Board, Group
from packhouse.domain.schedule import backoff
from packhouse.ports import Cluster, Ref, WatchEvent, WatchExpired

#: Watches that one wait holds at the same time. What has none is listed every POLL_SECONDS.
MOST_WATCHES: Final = 16
POLL_SECONDS: Final = 5.0
RETRY_FIRST_SECONDS: Final = 0.5
RETRY_MOST_SECONDS: Final = 5.0


@dataclass(slots=True)
class Look:
    """What all that look share. `selector`: the owner's label. `chance`: in [0, 1), for jitter."""

    cluster: Cluster
    selector: str
    board: Board
    now: Callable[[], datetime]
    chance: Callable[[], float]
    watches_left: int = field(default=MOST_WATCHES)

    async def rest(self, tries: int) -> None:
        """Wait before try number `tries` + 1, in jitter."""
        await asyncio.sleep(backoff(tries, first=RETRY_FIRST_SECONDS, most=RETRY_MOST_SECONDS, chance=self.chance()))

    @asynccontextmanager
    async def watch(self, group: Group, version: str, selector: str) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """The events of a group. Ask `watches_left` first. The connection ends with the block, not some time later."""
        kind, namespace = group
        events = self.cluster.watch(kind, resource_version=version, namespace=namespace, label_selector=selector)
        self.watches_left -= 1
        try:
            yield events
        finally:
            self.watches_left += 1
            if isinstance(events, AsyncGenerator):
                await events.aclose()


class Objects:
    """One group, followed until there is nothing more to hear of it."""

    def __init__(self, look: Look, group: Group) -> None:
        self._look = look
        self._board = look.board
        self._group = group
        self._version = ""  # of the last list, event or bookmark; "" asks for a new list
        self._one_by_one = False

    async def once(self) -> None:
        """One look, by a list where the account may. Raises Forbidden, ClusterUnavailable."""
        try:
            await self._list()
        except (Forbidden, DeployFailed):
            await self._ask(self._board.unready_of(self._group))

    async def follow(self) -> None:
        """Raises Forbidden where the account may not even read its own objects."""
        tries = 0
        while self._board.left(self._group) and not self._one_by_one:
            try:
                if not self._version:
                    await self._list()
                    tries = 0
                elif self._look.watches_left > 0:
                    await self._watch()
                    tries = 0
                    if self._board.left(self._group) and not self._one_by_one:
                        await self._look.rest(1)  # a server that ends each watch at once is not asked in a hurry
                else:
                    self._version = ""
                    await asyncio.sleep(POLL_SECONDS * (0.75 + 0.5 * self._look.chance()))
            except WatchExpired:
                self._version = ""
                tries += 1
                await self._look.rest(tries)
            except ClusterUnavailable as error:
                self._board.unheard(self._board.unready_of(self._group), error.message)
                tries += 1
                await self._look.rest(tries)
            except (Forbidden, DeployFailed):  # only get is allowed, or the kind knows no lists
                self._one_by_one = True
        await self._poll()

    async def _list(self) -> None:
        kind, namespace = self._group
        seen, version = set[str](), ""
        async for page in self._look.cluster.pages(kind, namespace=namespace, label_selector=self._look.selector):
            version = page.resource_version
            for obj in page.items:
                seen.add(obj["metadata"]["name"])
                self._board.heard(obj, self._look.now())
        missing = [ref for ref in self._board.unready_of(self._group) if ref.name not in seen]
        if missing:
            await self._stray(missing)
        self._version = version
        self._one_by_one = self._one_by_one or not version  # lists without a version are none to watch from

    async def _watch(self) -> None:
        async with self._look.watch(self._group, self._version, self._look.selector) as events:
            async for event in events:
                self._version = event.object["metadata"]["resourceVersion"]
                if event.type in ("ADDED", "MODIFIED"):
                    self._board.heard(event.object, self._look.now())
                elif event.type == "DELETED":
                    await self._left_the_list(event)
                if self._one_by_one or not self._board.left(self._group):
                    return

    async def _left_the_list(self, event: WatchEvent) -> None:
        """It is gone, or lost its label. What it said last counts: a Job may be gone because it is done."""
        metadata = {key: value for key, value in event.object["metadata"].items() if key != "deletionTimestamp"}
        self._board.heard({**event.object, "metadata": metadata}, self._look.now())
        name = metadata["name"]
        await self._stray([ref for ref in self._board.unready_of(self._group) if ref.name == name])

    async def _stray(self, refs: list[Ref]) -> None:
        """Those that the list does not have: gone, or there without our label, and then followed by themselves."""
        await self._ask(refs)
        waiting = set(self._board.unready_of(self._group))
        self._one_by_one = self._one_by_one or any(ref in waiting for ref in refs)

    async def _poll(self) -> None:
        tries = 0
        while self._board.left(self._group):
            tries += 1
            try:
                await self._ask(self._board.unready_of(self._group))
            except ClusterUnavailable as error:
                self._board.unheard(self._board.unready_of(self._group), error.message)
            if self._board.left(self._group):
                await self._look.rest(tries)

    async def _ask(self, refs: list[Ref]) -> None:
        found = await gathered([self._look.cluster.get(ref) for ref in refs])
        for ref, obj in zip(refs, found, strict=True):
            if obj is None:
                self._board.lost(ref, "somebody deleted it")
            else:
                self._board.heard(obj, self._look.now())
