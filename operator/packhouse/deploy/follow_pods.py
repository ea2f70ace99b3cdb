"""Look at the pods of workloads that are not ready, for the reason that a person needs.

A workload that is not ready after a moment gets a watch of its pods; those that no watch is left for are looked at in
turn. Where the account may not see pods, there are no reasons and nothing else is missing. Driven by wait.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from packhouse.api.errors import ClusterUnavailable, PackhouseError
from packhouse.deploy.follow import POLL_SECONDS, Look
from packhouse.domain.readiness.workloads import PodsOf
from packhouse.ports import Kind, Ref, WatchExpired

POD: Final = Kind("", "v1", "Pod")
#: Workloads without a watch that are looked at in one round.
A_ROUND: Final = 8


class Pods:
    """The pods of all workloads of one wait. `tasks` end by themselves or are cancelled by whoever began them."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._board = look.board
        self._following: dict[Ref, asyncio.Task[None]] = {}
        self._in_turn: asyncio.Task[None] | None = None
        self._barred = False  # the account may not see pods

    @property
    def tasks(self) -> Sequence[asyncio.Task[None]]:
        return [*self._following.values(), *([self._in_turn] if self._in_turn is not None else [])]

    def now(self) -> datetime:
        return self._look.now()

    def keep_up(self, tasks: asyncio.TaskGroup) -> None:
        """Follow the workloads that are not ready, and no others. Called once a turn."""
        wanted = self._board.pods_of
        for ref in [ref for ref in self._following if ref not in wanted]:
            self._following.pop(ref).cancel()
        if self._barred:
            return
        for ref in wanted:
            # A task that has just begun has not taken its watch yet.
            free = self._look.watches_left - sum(not self._board.ledger(one).looked for one in self._following)
            if free <= 0:
                break
            if ref not in self._following:
                self._following[ref] = tasks.create_task(self._follow(ref))
        if len(self._following) < len(wanted) and self._in_turn is None:
            self._in_turn = tasks.create_task(self._rounds())

    async def once(self, ref: Ref) -> None:
        """Make sure that the pods of `ref` were looked at, as far as the account may."""
        pods = self._board.pods_of.get(ref)
        if pods is None or self._barred or self._board.ledger(ref).looked:
            return
        try:
            await self._list(ref, pods)
        except PackhouseError:
            return

    async def _follow(self, ref: Ref) -> None:
        """Until cancelled, or until the account is told that it may not."""
        version, tries = "", 0
        while (pods := self._board.pods_of.get(ref)) is not None:
            try:
                if not version:
                    version = await self._list(ref, pods)
                if self._look.watches_left > 0:
                    version = await self._watch(ref, pods, version)
                    tries = 0
                    await self._look.rest(1)
                else:  # the objects themselves needed them all
                    version = ""
                    await asyncio.sleep(POLL_SECONDS * (0.75 + 0.5 * self._look.chance()))
            except (WatchExpired, ClusterUnavailable):
                version = ""
                tries += 1
                await self._look.rest(tries)
            except PackhouseError:
                self._barred = True
                return

    async def _rounds(self) -> None:
        """A few workloads every few seconds, the longest unseen first."""
        turn: list[Ref] = []
        while not self._barred:
            rest = [ref for ref in self._board.pods_of if ref not in self._following]
            turn = [ref for ref in turn if ref in rest] or rest
            now, turn = turn[:A_ROUND], turn[A_ROUND:]
            for ref in now:
                pods = self._board.pods_of.get(ref)
                if pods is None:
                    continue
                try:
                    await self._list(ref, pods)
                except ClusterUnavailable:
                    break
                except PackhouseError:
                    self._barred = True
                    return
            await asyncio.sleep(POLL_SECONDS * (0.75 + 0.5 * self._look.chance()))

    async def _list(self, ref: Ref, pods: PodsOf) -> str:
        """The version of the list."""
        ledger, seen, version = self._board.ledger(ref), set[str](), ""
        async for page in self._look.cluster.pages(POD, namespace=ref.namespace, label_selector=pods.selector):
            version = page.resource_version
            for pod in page.items:
                seen.add(pod["metadata"]["uid"])
                ledger.put(pod, self._look.now())
        ledger.keep(seen)
        ledger.looked = True
        return version

    async def _watch(self, ref: Ref, pods: PodsOf, version: str) -> str:
        """The version that a next watch goes on from."""
        ledger = self._board.ledger(ref)
        async with self._look.watch((POD, ref.namespace), version, pods.selector) as events:
            async for event in events:
                version = event.object["metadata"]["resourceVersion"]
                if event.type in ("ADDED", "MODIFIED"):
                    ledger.put(event.object, self._look.now())
                elif event.type == "DELETED":
                    ledger.drop(event.object)
        return version
