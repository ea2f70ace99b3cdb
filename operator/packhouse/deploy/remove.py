"""Carry out deletions, wave by wave, tolerant of single failures: one object that cannot go stops no other of its wave.

Called by apply.py for what a plan prunes, and by reconcile/removal.py for a whole inventory. Each object goes only
under the uid that was seen, so one that somebody made anew under the same name stays. Raises nothing of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from packhouse.api.errors import DeployFailed, Forbidden, PackhouseError, PruneFailed
from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL, STILL_DELETING
from packhouse.domain.blockers import Survivor, held, refused
from packhouse.domain.change import Action, Change
from packhouse.domain.inventory import Identity
from packhouse.ports import Json, Kind, Ref

#: How long deleted objects may take to be gone before the reconcile lets go and comes back.
GONE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1
POLL_MOST_SECONDS: Final = 1.0
#: Looked at as rarely as this, a CRD is touched.
TOUCH_FROM_SECONDS: Final = 0.4
NAMESPACE: Final = Kind("", "v1", "Namespace")


class Remover(Protocol):
    """What a deletion needs of a Cluster."""

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None: ...

    async def patch(self, ref: Ref, operations: Sequence[Json]) -> Json | None: ...

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool: ...


@dataclass(slots=True)
class Removed:
    """What became of the waves. `gone` are confirmed to be gone, `orphaned` stay without our marks, `forgotten` need no
    record any more; `kept` are those of both that are there and stay; `survivors` should go and are still there;
    `waiting` were not touched, since an earlier wave is not gone."""

    gone: list[Identity] = field(default_factory=list)
    orphaned: list[Identity] = field(default_factory=list)
    forgotten: list[Identity] = field(default_factory=list)
    kept: list[Change] = field(default_factory=list)
    survivors: list[Survivor] = field(default_factory=list)
    waiting: list[Change] = field(default_factory=list)

    @property
    def errors(self) -> list[PackhouseError]:
        return [survivor.error for survivor in self.survivors if survivor.error is not None]

    @property
    def settled(self) -> set[Identity]:
        """What needs no record any more."""
        return {*self.gone, *self.orphaned, *self.forgotten}


async def remove_waves(
    cluster: Remover,
    waves: Sequence[Sequence[Change]],
    *,
    patience_seconds: float | None = None,
    overtake: bool = False,
    unanswered: Mapping[Identity, PackhouseError] | None = None,
) -> Removed:
    """Each wave begins when the one before it is gone; with `overtake`, when it had its time to go.

    `unanswered` are not tried: it is known that nobody answers for them.
    """
    removed = Removed()
    for number, wave in enumerate(waves):
        await _remove(cluster, wave, removed, patience_seconds, unanswered or {})
        if removed.survivors and not overtake:  # what comes later in the order may be what they need to go
            removed.waiting = [change for later in waves[number + 1 :] for change in later]
            break
    return removed


async def remove_wave(
    cluster: Remover,
    wave: Sequence[Change],
    *,
    patience_seconds: float | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Removed:
    """One wave alone. `is_over` is asked while it is waited for: nobody wants to know any more."""
    removed = Removed()
    await _remove(cluster, wave, removed, patience_seconds, {}, is_over)
    return removed


async def _remove(
    cluster: Remover,
    wave: Sequence[Change],
    removed: Removed,
    patience_seconds: float | None,
    unanswered: Mapping[Identity, PackhouseError],
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    doomed: list[Change] = []
    for change in wave:
        error = unanswered.get(change.identity)
        if error is not None:
            removed.survivors.append(refused(change.ref, error))
        elif change.action is Action.FORGET:
            removed.forgotten.append(change.identity)
            removed.kept += [change] if change.uid else []
        else:
            doomed.append(change)
    errors = await asyncio.gather(*(_begin(cluster, change) for change in doomed))
    deleted: list[Change] = []
    for change, error in zip(doomed, errors, strict=True):
        if error is not None:
            removed.survivors.append(refused(change.ref, error))
        elif change.action is Action.ORPHAN:
            removed.orphaned.append(change.identity)
            removed.kept.append(change)
        else:
            deleted.append(change)
    patience = GONE_SECONDS if patience_seconds is None else patience_seconds
    remaining = await _until_gone(cluster, deleted, patience, is_over)
    removed.gone += [change.identity for change in deleted if change.identity not in remaining]
    removed.survivors += [await _why(cluster, change, remaining) for change in deleted if change.identity in remaining]


async def _begin(cluster: Remover, change: Change) -> PackhouseError | None:
    try:
        if change.action is Action.ORPHAN:
            await _unmark(cluster, change)
        else:
            await cluster.delete(change.ref, uid=change.uid)
    except DeployFailed as error:
        return PruneFailed(f"cannot delete {error.message}")
    except PackhouseError as error:
        return error
    return None


async def _unmark(cluster: Remover, change: Change) -> None:
    """Take our marks off an object that stays."""
    found = await cluster.get(change.ref, metadata_only=True)
    if found is None or found["metadata"]["uid"] != change.uid:
        return
    marks = (("labels", OWNER_LABEL), ("annotations", OWNER_ANNOTATION))
    operations: list[Json] = [
        {"op": "remove", "path": f"/metadata/{where}/{mark.replace('/', '~1')}"}
        for where, mark in marks
        if mark in (found["metadata"].get(where) or {})
    ]
    if operations:
        await cluster.patch(change.ref, [{"op": "test", "path": "/metadata/uid", "value": change.uid}, *operations])


async def _until_gone(
    cluster: Remover, deleted: Sequence[Change], patience_seconds: float, is_over: Callable[[], bool]
) -> dict[Identity, Json | PackhouseError | None]:
    """What is still there after that time, as it was seen last."""
    remaining: dict[Identity, Json | PackhouseError | None] = {}
    waiting, delay = list(deleted), POLL_SECONDS
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience_seconds
    while waiting:
        seen = await asyncio.gather(*(_look(cluster, change) for change in waiting))
        remaining = {change.identity: what for change, what in zip(waiting, seen, strict=True) if what is not GONE}
        waiting = [change for change in waiting if change.identity in remaining]
        if not waiting or loop.time() >= ends or is_over():
            break
        if delay >= TOUCH_FROM_SECONDS:
            await asyncio.gather(*(_touch(cluster, change, remaining[change.identity]) for change in waiting))
        await asyncio.sleep(min(delay, max(0.0, ends - loop.time())))
        delay = min(delay * 2, POLL_MOST_SECONDS)
    return remaining


async def _touch(cluster: Remover, change: Change, seen: Json | PackhouseError | None) -> None:
    """The API server may forget a CRD whose objects it could not list at its first try (its storage was still being
    made, since nobody had asked for them before); any change of the CRD makes it try again, else only minutes do."""
    if change.ref.kind.kind != "CustomResourceDefinition" or not isinstance(seen, dict):
        return
    metadata = seen["metadata"]
    if not metadata.get("annotations"):
        return
    annotation = f"/metadata/annotations/{STILL_DELETING.replace('/', '~1')}"
    with suppress(PackhouseError):  # who may not do that waits
        await cluster.patch(
            change.ref,
            [
                {"op": "test", "path": "/metadata/uid", "value": change.uid},
                {"op": "add", "path": annotation, "value": str(metadata.get("resourceVersion"))},
            ],
        )


#: In the place of an object: it is not there.
GONE: Final[Json] = {}


async def _look(cluster: Remover, change: Change) -> Json | PackhouseError | None:
    """The object as it is now, GONE, an error, or None: it is there and may not be seen."""
    try:
        found = await cluster.get(change.ref, metadata_only=True)
    except Forbidden:
        return await _ask_by_deleting(cluster, change)
    except PackhouseError as error:
        return error
    return found if found is not None and found["metadata"]["uid"] == change.uid else GONE


async def _ask_by_deleting(cluster: Remover, change: Change) -> Json | PackhouseError | None:
    """Who may delete an object and not look at it learns from another deletion whether it is there."""
    try:
        return None if await cluster.delete(change.ref, uid=change.uid) else GONE
    except PackhouseError as error:
        return error


async def _why(
    cluster: Remover, change: Change, remaining: Mapping[Identity, Json | PackhouseError | None]
) -> Survivor:
    seen = remaining[change.identity]
    if isinstance(seen, PackhouseError):
        return refused(change.ref, seen)
    if (change.ref.kind.group, change.ref.kind.kind) == (NAMESPACE.group, NAMESPACE.kind):
        with suppress(PackhouseError):  # it tells in its status what it waits for
            seen = await cluster.get(change.ref) or seen
    return held(change.ref, seen)
