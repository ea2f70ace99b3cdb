"""Keeps a watch on the objects that installs own: metadata alone, one list-watch for each kind of which there are any.

Acts as the operator, whose role need not allow it (docs/howto/drift.md): a kind that may not be watched is not asked
for again before some minutes have gone by, and then by an access review, which is refused to nobody. Made by app.py as
one task before kopf starts; kopf waits for the tasks that were made after it started, so `close` ends them first.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from packhouse.adapters.list_watch import (
    BACKOFF_FIRST_SECONDS,
    BACKOFF_MOST_SECONDS,
    HistoryRewritten,
    ListWatch,
    NotServed,
    Store,
)
from packhouse.api.errors import DeployFailed, Forbidden, PackhouseError
from packhouse.api.names import OWNER_LABEL
from packhouse.ports import Cluster, Json, Kind

log = logging.getLogger(__name__)

#: A kind: its group and its name, in whatever version it is served.
GroupKind = tuple[str, str]

#: Until a kind that could not be watched is asked for again; half as much again by chance, so that not all ask at once.
ASK_AGAIN_SECONDS: Final = 200.0
#: Until the kinds that no install has any more are let go.
CENSUS_SECONDS: Final = 60.0
#: What a watch needs. The operator may list Secrets anyway, for the values of installs, so whether it should follow
#: the Secrets of packages is a right of its own, which the role for them gives by a verb that Kubernetes itself has
#: no use for.
VERBS: Final = ("list", "watch")
VERBS_OF: Final[Mapping[GroupKind, Sequence[str]]] = {("", "Secret"): ("list", "watch", "follow")}


#: What ends a watch until it is asked for again: no right, no such kind, or one that knows no watches of metadata.
GIVES_UP: Final = (Forbidden, NotServed, DeployFailed)


class Shelf(Store, Protocol):
    """A store of one kind: told when the first list is complete, and when the watch ended."""

    def listed(self) -> None: ...

    def close(self) -> None: ...


class Shelves(Protocol):
    """What is wanted, and where it goes."""

    wanted: dict[GroupKind, set[Kind]]
    asked: asyncio.Event

    def narrow(self, kinds: Iterable[Kind]) -> None: ...

    def open(self, kind: Kind, is_current: Callable[[], bool]) -> Shelf: ...


class OwnedWatch:
    """`census` gives the kinds that occur in any inventory."""

    def __init__(
        self,
        cluster: Cluster,
        shelves: Shelves,
        census: Callable[[], Iterable[Kind]],
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._cluster = cluster
        self._shelves = shelves
        self._census = census
        self._chance = chance
        self._tasks: dict[GroupKind, asyncio.Task[None]] = {}
        self._told = set[GroupKind]()  # about whom the log has said that they are not watched
        self._closed = False

    async def run(self) -> None:
        """Never returns."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._shelves.asked.clear()
                for which in self._tasks.keys() - self._shelves.wanted.keys():
                    self._tasks.pop(which).cancel()
                for which in self._shelves.wanted.keys() - self._tasks.keys():
                    if not self._closed:
                        self._tasks[which] = group.create_task(self._follow(which))
                try:
                    async with asyncio.timeout(CENSUS_SECONDS):  # wait_for would make a task
                        await self._shelves.asked.wait()
                except TimeoutError:
                    self._shelves.narrow(self._census())

    async def close(self) -> None:
        """End the watches and begin no other."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, which: GroupKind) -> None:
        """One kind, for as long as it is wanted: watched whenever that is possible."""
        trouble = BACKOFF_FIRST_SECONDS
        while True:
            wait = ASK_AGAIN_SECONDS
            try:
                kind = await self._served(which)
                if kind is None:
                    self._tell(which, "it is not served")
                elif (verb := await self._missing_verb(kind)) is not None:
                    self._tell(which, f"the operator may not {verb} it")
                else:
                    trouble = BACKOFF_FIRST_SECONDS
                    await self._watch(kind)
            except GIVES_UP as error:
                self._tell(which, error.message)
            except (PackhouseError, HistoryRewritten) as error:
                log.warning("watching what installs own of %s: %s", which[1], error)
                wait, trouble = trouble, min(trouble * 2, BACKOFF_MOST_SECONDS)
            except Exception:  # an API server of others need not keep to the rules: this kind alone goes unwatched
                log.exception("watching what installs own of %s", which[1])
            await asyncio.sleep(wait * (1 + 0.5 * self._chance()))

    async def _watch(self, kind: Kind) -> None:
        """Until it is cancelled, or gives up because the right or the kind is gone."""
        shelf = self._shelves.open(kind, lambda: watch.synced.is_set() and not watch.troubled)
        watch = ListWatch(
            self._cluster,
            kind,
            shelf,
            metadata_only=True,
            label_selector=OWNER_LABEL,
            gives_up=GIVES_UP,
            listed=shelf.listed,
        )
        self._told.discard((kind.group, kind.kind))
        try:
            await watch.run()
        finally:
            shelf.close()

    async def _served(self, which: GroupKind) -> Kind | None:
        for kind in sorted(self._shelves.wanted.get(which, ())):
            if await self._cluster.served(kind) is not None:
                return kind
        return None

    async def _missing_verb(self, kind: Kind) -> str | None:
        """The first right that a watch of the kind needs and the operator has not got."""
        served = await self._cluster.served(kind)
        for verb in VERBS_OF.get((kind.group, kind.kind), VERBS):
            attributes = {"group": kind.group, "resource": served.plural if served else "", "verb": verb}
            review: Json = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            }
            answer = await self._cluster.create(review)
            if not ((answer or {}).get("status") or {}).get("allowed"):
                return verb
        return None

    def _tell(self, which: GroupKind, why: str) -> None:
        if which not in self._told:
            self._told.add(which)
            log.info("drift of %s is found at sync periods only, there is no watch: %s", which[1], why)
