"""Carry out a plan: wave after wave by server-side apply, then delete what is no longer wanted.

What was confirmed goes into the inventory, entry by entry; an error ends the wave that it happened in, and what
was confirmed before it is in the change set all the same. (Waiting for readiness between waves belongs here.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from packhouse.api.errors import DeployFailed, NotHealthy, PackhouseError, PruneFailed
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import brought_kinds
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.objects import managed_digest
from packhouse.domain.plan import Action, Change, Plan
from packhouse.ports import Cluster, Json, Kind

#: How long a new CRD may take to be served before the objects of its kind are applied.
SERVED_SECONDS: Final = 30.0
#: How long deleted objects may take to be gone before the reconcile lets go and comes back.
GONE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1


@dataclass(slots=True)
class ChangeSet:
    """What was done. `entries` is the inventory as far as it is confirmed; `survivors` were deleted and are not
    gone yet; `error` is what ended it, None where all of the plan was carried out."""

    created: int = 0
    configured: int = 0
    unchanged: int = 0
    deleted: int = 0
    entries: dict[Identity, Entry] = field(default_factory=dict)
    survivors: list[Entry] = field(default_factory=list)
    error: PackhouseError | None = None

    @property
    def inventory(self) -> Inventory:
        return Inventory(dict(self.entries))


async def carry_out(cluster: Cluster, plan: Plan, recorded: Inventory) -> ChangeSet:
    """`recorded` is the inventory that was written ahead of this plan. Raises nothing of ours: see ChangeSet.error."""
    done = ChangeSet(entries=dict(recorded.entries))
    try:
        for wave in plan.waves:
            await _apply_wave(cluster, wave, done)
        for wave in plan.leaving:
            await delete_wave(cluster, wave, done)
            if done.survivors:  # what comes later in the order may be what they need to go
                break
    except PackhouseError as error:
        done.error = error
    return done


async def _apply_wave(cluster: Cluster, wave: Sequence[Change], done: ChangeSet) -> None:
    errors = [error for error in await asyncio.gather(*(_apply(cluster, change, done) for change in wave)) if error]
    if errors:
        raise errors[0]
    written = [change.obj for change in wave if change.action is not Action.KEEP and change.obj is not None]
    for crd in brought_kinds(written).values():
        await _served(cluster, crd)


async def _apply(cluster: Cluster, change: Change, done: ChangeSet) -> PackhouseError | None:
    identity = Identity.of(change.ref)
    if change.action is Action.KEEP or change.obj is None:
        done.unchanged += 1
        return None
    try:
        answer = await cluster.apply(change.obj, manager=APPLY_MANAGER, metadata_only=True)
    except PackhouseError as error:
        return error
    done.entries[identity] = Entry(
        change.ref, answer["metadata"]["uid"], change.desired, managed_digest(answer, APPLY_MANAGER)
    )
    if change.action is Action.CREATE:
        done.created += 1
    else:
        done.configured += 1
    return None


async def _served(cluster: Cluster, crd: Json) -> None:
    """Wait until the API server serves every version of the CRD."""
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    wanted = [Kind(group, version["name"], kind) for version in crd["spec"]["versions"] if version.get("served")]
    try:
        async with asyncio.timeout(SERVED_SECONDS):
            for version in wanted:
                while await cluster.served(version) is None:  # noqa: ASYNC110 - the API server tells nobody when it begins
                    await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise NotHealthy(f"CustomResourceDefinition {crd['metadata']['name']} is not served yet") from None


async def delete_wave(cluster: Cluster, wave: Sequence[Change], done: ChangeSet) -> None:
    """Delete what the wave prunes, forget the rest of it, and wait for a while until all is gone."""
    for change in wave:
        if change.action is Action.FORGET:
            done.entries.pop(Identity.of(change.ref), None)
    doomed = [change for change in wave if change.action is Action.PRUNE]
    errors = [error for error in await asyncio.gather(*(_delete(cluster, change) for change in doomed)) if error]
    if errors:
        raise errors[0]
    remaining = await _until_gone(cluster, doomed)
    for change in doomed:
        if change in remaining:
            done.survivors.append(done.entries[Identity.of(change.ref)])
        else:
            done.entries.pop(Identity.of(change.ref), None)
            done.deleted += 1


async def _delete(cluster: Cluster, change: Change) -> PackhouseError | None:
    try:
        await cluster.delete(change.ref, uid=change.uid)
    except DeployFailed as error:
        return PruneFailed(f"cannot delete {change.ref}: {error.message}")
    except PackhouseError as error:
        return error
    return None


async def _until_gone(cluster: Cluster, doomed: Sequence[Change]) -> list[Change]:
    """Those that are still there after GONE_SECONDS."""
    remaining, delay = list(doomed), POLL_SECONDS
    try:
        async with asyncio.timeout(GONE_SECONDS):
            while remaining:
                found = await asyncio.gather(*(cluster.get(change.ref, metadata_only=True) for change in remaining))
                remaining = [
                    change
                    for change, obj in zip(remaining, found, strict=True)
                    if obj is not None and obj["metadata"]["uid"] == change.uid
                ]
                if remaining:
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, 1.0)
    except TimeoutError:
        pass
    return remaining
