"""Following what was asked for until it is in place: an install, a repository, a deletion.

With the caller's rights, reading only. A Watcher is told each object's line; it draws them (cli/progress.py). Whoever
gives up waiting changes nothing: the operator goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from packhouse.api.errors import ClusterUnavailable, Forbidden
from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, PACKAGE_REPOSITORY, VERSION
from packhouse.client.session import Session
from packhouse.client.sightings import sightings
from packhouse.client.verdicts import Verdict, deletion_words, not_ready, verdict
from packhouse.domain.inventory import Entry, Inventory
from packhouse.domain.readiness import State, needs_no_look, readiness
from packhouse.ports import Cluster, Json, Kind, Ref

#: How often objects that are not ready are looked at, and the most of them.
LOOK_SECONDS: Final = 1.0
LOOKED_AT_MOST: Final = 40
#: How long rights that were just granted may take until the API server and the operator have noticed.
GRANTED_SECONDS: Final = 5.0


class Watcher(Protocol):
    """Who shows it. Lines are known by their key, and keep their places."""

    def head(self, text: str) -> None:
        """What is said of the whole."""
        ...

    def line(self, key: str, text: str, state: State) -> None:
        """What is said of one object."""
        ...


async def follow_install(session: Session, name: str, *, timeout_seconds: float, watcher: Watcher) -> Json:
    """The install once it is in place as its spec says now. Raises Trouble (NOT_READY), Forbidden."""
    ref = Ref(Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE), session.namespace, name)
    look = f"kubectl package installed status {name} -n {session.namespace}"
    return await _follow(session, ref, timeout_seconds, watcher, look)


async def follow_repository(session: Session, name: str, *, timeout_seconds: float, watcher: Watcher) -> Json:
    """The same of a repository."""
    ref = Ref(Kind(INSTALL_GROUP, VERSION, PACKAGE_REPOSITORY), "", name)
    return await _follow(session, ref, timeout_seconds, watcher, f"kubectl package repository get {name}")


async def follow_deletion(session: Session, ref: Ref, *, timeout_seconds: float, watcher: Watcher) -> None:
    """Until the object is gone. Raises Trouble (NOT_READY) with what holds it, Forbidden."""
    said, uid = "it is being deleted", ""
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_seconds
    async with _news(session.cluster, ref) as news:
        while (left := deadline - clock()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    obj = await news()
                    uid = uid or (obj or {}).get("metadata", {}).get("uid", "")
                    if obj is None or obj["metadata"]["uid"] != uid:
                        return
                    said = deletion_words(obj) or said
                    watcher.head(f"{ref.short}: {said}")
    raise not_ready(f"{ref.short} is not gone after {timeout_seconds:g} s", said, "the operator goes on deleting it")


async def _follow(session: Session, ref: Ref, timeout_seconds: float, watcher: Watcher, look: str) -> Json:
    clock = asyncio.get_running_loop().time
    begun = clock()
    objects = _Objects(session.cluster, watcher)
    obj: Json | None = {}
    standing = Verdict(False, "it was not seen yet", heard=False)
    async with _news(session.cluster, ref) as news:
        while (left := begun + timeout_seconds - clock()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_SECONDS)):
                    obj = await news()
            if obj is None:
                raise not_ready(f"{ref.short} is gone", "somebody deleted it while it was followed", look)
            if not obj:
                continue
            standing = verdict(obj)
            watcher.head(f"{ref.short}: {_first_line(standing.words)}")
            if not standing.heard:
                continue
            await objects.look(obj, all_ready=standing.ready)
            if standing.ready:
                return obj
            if standing.final and not (standing.lacking and clock() - begun < GRANTED_SECONDS):
                raise not_ready(f"{ref.short} is not in place", standing.words, look)
    raise not_ready(f"{ref.short} is not in place after {timeout_seconds:g} s", standing.words, look)


class _Objects:
    """The lines of an install's objects, by the caller's own looks at them where that is allowed."""

    def __init__(self, cluster: Cluster, watcher: Watcher) -> None:
        self._cluster = cluster
        self._watcher = watcher
        self._ready: set[Ref] = set()
        self._unseen: set[Kind] = set()
        self._next_look = 0.0

    async def look(self, obj: Json, *, all_ready: bool) -> None:
        """`all_ready`: the operator has said so, and nobody needs to be asked."""
        clock = asyncio.get_running_loop().time
        entries = list(Inventory.from_wire((obj.get("status") or {}).get("inventory")))
        left = [entry for entry in entries if entry.ref not in self._ready]
        if not all_ready and clock() < self._next_look:
            return
        asked = [] if all_ready else [entry for entry in left if self._is_worth_asking(entry)][:LOOKED_AT_MOST]
        found = dict(zip(asked, await asyncio.gather(*map(self._readiness, asked)), strict=True))
        for entry in left:
            state, words = found.get(entry) or _unasked(entry, all_ready=all_ready)
            if state is State.READY:
                self._ready.add(entry.ref)
            self._watcher.line(str(entry.ref), f"{entry.ref.short}: {words}", state)
        self._next_look = clock() + LOOK_SECONDS

    def _is_worth_asking(self, entry: Entry) -> bool:
        kind = entry.ref.kind
        return bool(entry.uid) and not needs_no_look(kind) and kind not in self._unseen

    async def _readiness(self, entry: Entry) -> tuple[State, str] | None:
        try:
            live = await self._cluster.get(entry.ref)
        except Forbidden:
            self._unseen.add(entry.ref.kind)
            return None
        except ClusterUnavailable:
            return None
        if live is None:
            return State.WAITING, "is not there"
        found = readiness(live)
        return found.state, found.message or found.state.value


def _unasked(entry: Entry, *, all_ready: bool) -> tuple[State, str]:
    if all_ready or (entry.uid and needs_no_look(entry.ref.kind)):
        return State.READY, "ready"
    return State.WAITING, "applied" if entry.uid else "to be applied"


@asynccontextmanager
async def _news(cluster: Cluster, ref: Ref) -> AsyncIterator[Callable[[], Awaitable[Json | None]]]:
    """Gives what was seen of the object, one after the other; a call may be given up, and loses nothing."""
    seen: asyncio.Queue[Json | None] = asyncio.Queue()
    trouble: list[Exception] = []

    async def look() -> None:
        try:
            async for obj in sightings(cluster, ref):
                seen.put_nowait(obj)
        except Exception as error:
            trouble.append(error)
            seen.put_nowait(None)

    async def latest() -> Json | None:
        obj = await seen.get()
        while not seen.empty():
            obj = seen.get_nowait()
        if trouble:
            raise trouble[0]
        return obj

    task = asyncio.create_task(look())
    try:
        yield latest
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
