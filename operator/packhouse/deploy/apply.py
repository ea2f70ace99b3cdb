"""Carry out a plan: wave after wave by server-side apply, and what is no longer wanted by deletion.

What was confirmed goes into the inventory, entry by entry; an error ends the wave that it happened in, and what was
confirmed before it is in the change set all the same. Nothing is decided here: what and why stands in the plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from packhouse.api.errors import ApiServerError, DeletionPending, NotHealthy, PackhouseError, Superseded
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import brought_kinds, gathered
from packhouse.deploy.remove import remove_wave
from packhouse.deploy.trial import rests_on
from packhouse.domain.blockers import Survivor, objects
from packhouse.domain.change import UPSERTS, WRITES, Action, Change, Plan
from packhouse.domain.inventory import UNTOUCHED, Entry, Identity, Inventory
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.objects import managed_digest
from packhouse.domain.order import is_groundwork, may_need_definitions
from packhouse.ports import Cluster, Json, Kind, Ref

#: How long a new CRD may take to be served before the objects of its kind are applied.
SERVED_SECONDS: Final = 30.0
#: The first pause before it is asked again; each one is twice as long, up to POLL_SECONDS.
SERVED_FIRST_SECONDS: Final = 0.01
#: How long an object that is replaced may take to be gone.
REPLACED_SECONDS: Final = 60.0
#: How often, and for how long at first, an object is tried again that the package's own webhook may still refuse.
WEBHOOK_TRIES: Final = 5
WEBHOOK_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.05
#: The longest time between two calls of `stop`, where nothing but time passes.
STEP_SECONDS: Final = 0.5

#: Raises Superseded where the reconcile should end; asked between two objects.
Stop = Callable[[], None]
#: Waits until the recorded objects are ready. Raises what deploy/wait.py raises.
Ready = Callable[[Sequence[Entry]], Awaitable[None]]


def go_on() -> None:
    """Nothing ever supersedes."""


async def no_waiting(entries: Sequence[Entry]) -> None:
    """Nothing is waited for."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a plan is carried out. `force_adopted`: fields of an adopted object that differ are overwritten;
    `gone_seconds`: how long what is deleted may take to be gone, where that is not the usual time."""

    parallel: int = 16
    force_adopted: bool = False
    gone_seconds: float | None = None
    stop: Stop = go_on
    ready: Ready = no_waiting


@dataclass(slots=True)
class ChangeSet:
    """What was done. `entries` is the inventory as far as it is confirmed; `survivors` were deleted and are not
    gone yet, each with what holds it; `orphaned` were left without our marks; `error` is what ended it, None where all
    of the plan was carried out."""

    created: int = 0
    configured: int = 0
    replaced: int = 0
    unchanged: int = 0
    skipped: int = 0
    deleted: int = 0
    entries: dict[Identity, Entry] = field(default_factory=dict)
    survivors: list[Survivor] = field(default_factory=list)
    orphaned: list[Ref] = field(default_factory=list)
    error: PackhouseError | None = None

    @property
    def inventory(self) -> Inventory:
        return Inventory(dict(self.entries))


async def carry_out(cluster: Cluster, plan: Plan, recorded: Inventory, terms: Terms | None = None) -> ChangeSet:
    """`recorded` is the inventory that was written ahead of this plan. Raises nothing of ours: see ChangeSet.error."""
    done = ChangeSet(entries=dict(recorded.entries))
    work = _Work(cluster, terms or Terms(), done, patient=any(change.brings_webhook for change in plan.writes))
    try:
        for wave in _sweeps(plan):
            await work.upsert([change for change in wave if change.action in UPSERTS])
            await work.remove([change for change in wave if change.action not in UPSERTS])
            awaited = [change.identity for change in wave if change.identity in plan.awaited and change.rules.wait]
            if entries := [done.entries[identity] for identity in awaited if identity in done.entries]:
                await work.terms.ready(entries)
    except PackhouseError as error:
        done.error = error
    return done


def _sweeps(plan: Plan) -> list[list[Change]]:
    """The waves; those before the workloads are one, where no rule of the package orders them: each object in them
    waits for what it rests on alone, since each wave costs the time of a write."""
    sweeps: list[list[Change]] = []
    was_ground = False
    for wave in plan.waves:
        is_ground = all(change.action in UPSERTS and is_groundwork(change.ref.kind) for change in wave) and not any(
            change.rules.order for change in wave
        )
        if is_ground and was_ground:
            sweeps[-1] += wave
        else:
            sweeps.append(list(wave))
        was_ground = is_ground
    return sweeps


class _Work:
    """One plan being carried out; what was done goes into `done`. `patient`: an object may be refused because a webhook
    that the plan writes does not answer yet."""

    def __init__(self, cluster: Cluster, terms: Terms, done: ChangeSet, *, patient: bool) -> None:
        self.terms = terms
        self._cluster = cluster
        self._done = done
        self._patient = patient
        self._places = asyncio.Semaphore(terms.parallel)
        self._new_kinds: dict[Kind, str] = {}  # of the CRDs that were written, with their names, until they are served

    async def upsert(self, wave: Sequence[Change]) -> None:
        if any(may_need_definitions(change.ref.kind) for change in wave):
            await self.new_kinds_served()
        there: dict[Identity, asyncio.Future[bool]] = {
            change.identity: asyncio.get_running_loop().create_future() for change in wave
        }
        errors = [error for error in await asyncio.gather(*(self._one(change, there) for change in wave)) if error]
        if errors:
            raise errors[0]
        written = [change.obj for change in wave if change.action in WRITES and change.obj is not None]
        for crd in brought_kinds(written).values():
            self._new_kinds |= dict.fromkeys(_defined(crd), crd["metadata"]["name"])

    async def remove(self, wave: Sequence[Change]) -> None:
        if not wave:
            return
        self.terms.stop()
        removed = await remove_wave(
            self._cluster, wave, patience_seconds=self.terms.gone_seconds, is_over=self._is_superseded
        )
        for identity in removed.settled:
            self._done.entries.pop(identity, None)
        self._done.deleted += len(removed.gone)
        self._done.orphaned += [change.ref for change in wave if change.identity in removed.orphaned]
        self._done.survivors += removed.survivors
        self.terms.stop()
        if removed.errors:
            raise removed.errors[0]
        if removed.survivors:  # what comes later in the order may be what they need to go
            named = "; ".join(str(survivor) for survivor in removed.survivors[:3])
            raise DeletionPending(f"waiting for {objects(len(removed.survivors))} to be gone: {named}")

    def _is_superseded(self) -> bool:
        try:
            self.terms.stop()
        except Superseded:
            return True
        return False

    async def _one(self, change: Change, there: Mapping[Identity, asyncio.Future[bool]]) -> PackhouseError | None:
        """`there`: of each object of the wave, whether it is there by now. What rests on one that failed is left."""
        done = there[change.identity]
        try:
            before = [there[identity] for identity in rests_on(change) if identity in there]
            if not all([await each for each in before if each is not done]):
                return None
            await self._upsert(change)
            done.set_result(True)
        except PackhouseError as error:
            return error
        finally:
            if not done.done():
                done.set_result(False)
        return None

    async def _upsert(self, change: Change) -> None:
        done = self._done
        match change.action:
            case Action.KEEP:
                done.unchanged += 1
            case Action.SKIP:
                self._skip(change)
            case Action.EXPECT:
                await self._expect(change)
            case _:
                async with self._places:
                    self.terms.stop()
                    if change.action is Action.REPLACE:
                        await self._make_room(change)
                    await self._apply(change)

    def _skip(self, change: Change) -> None:
        """What is ours is recorded, whatever others made of it; what is not ours is not."""
        self._done.skipped += 1
        if change.adopting and change.rules.update is UpdateStrategy.SKIP:
            self._done.entries.pop(change.identity, None)
        elif change.is_misrecorded:
            self._done.entries[change.identity] = Entry(change.ref, change.uid, change.desired, UNTOUCHED)
        elif change.entry is not None:  # the version that it was recorded under may be served no more
            self._done.entries[change.identity] = replace(change.entry, ref=change.ref)

    async def _expect(self, change: Change) -> None:
        if await self._cluster.get(change.ref, metadata_only=True) is None:
            raise NotHealthy(f"{change.ref} is not there yet; the package expects that something else makes it")
        if change.entry is None:
            return
        # An earlier version of the package made it: it stays, for whoever makes it from now on.
        if change.uid == change.entry.uid and not change.adopting:
            await self.remove([replace(change, action=Action.ORPHAN)])
        else:
            self._done.entries.pop(change.identity, None)

    async def _make_room(self, change: Change) -> None:
        """Delete the object that is replaced, and wait until its name is free."""
        await self._cluster.delete(change.ref, uid=change.uid)
        try:
            async with asyncio.timeout(REPLACED_SECONDS):
                while (found := await self._cluster.get(change.ref, metadata_only=True)) is not None:
                    if found["metadata"]["uid"] != change.uid:
                        return
                    self.terms.stop()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise DeletionPending(
                f"{change.ref} is to be replaced and is not gone yet; look at its finalizers"
            ) from None

    async def _apply(self, change: Change) -> None:
        assert change.obj is not None, "only what is applied comes here"  # noqa: S101 - a promise of the plan
        if change.former:
            await self._cluster.patch(change.ref, change.former)
        force = self.terms.force_adopted or not change.adopting
        for attempt in range(WEBHOOK_TRIES if self._patient else 1):
            try:
                answer = await self._cluster.apply(change.obj, manager=APPLY_MANAGER, force=force, metadata_only=True)
                break
            except ApiServerError:
                if not self._patient or attempt == WEBHOOK_TRIES - 1:
                    raise
            await self._rest(WEBHOOK_SECONDS * 2**attempt)
        done = self._done
        skip = change.rules.update is UpdateStrategy.SKIP
        managed = UNTOUCHED if skip else managed_digest(answer, APPLY_MANAGER)
        done.entries[change.identity] = Entry(change.ref, answer["metadata"]["uid"], change.desired, managed)
        match change.action:
            case Action.CREATE:
                done.created += 1
            case Action.REPLACE:
                done.replaced += 1
            case _:
                done.configured += 1

    async def _rest(self, seconds: float) -> None:
        """In steps, so that whoever supersedes does not wait for the end."""
        while seconds > 0:
            await asyncio.sleep(min(seconds, STEP_SECONDS))
            seconds -= STEP_SECONDS
            self.terms.stop()

    async def new_kinds_served(self) -> None:
        """Wait until the API server serves every version of the CRDs that were written."""
        places: dict[tuple[str, str], list[Kind]] = {}
        for kind in self._new_kinds:
            places.setdefault((kind.group, kind.version), []).append(kind)
        try:
            async with asyncio.timeout(SERVED_SECONDS):
                await gathered([self._served(kinds) for kinds in places.values()])
        except TimeoutError:
            missing = [name for kind, name in self._new_kinds.items() if await self._cluster.served(kind) is None]
            named = missing[0] if missing else next(iter(self._new_kinds.values()))
            raise NotHealthy(f"CustomResourceDefinition {named} is not served yet") from None
        self._new_kinds.clear()

    async def _served(self, kinds: Sequence[Kind]) -> None:
        """`kinds` are of one group and version: one answer tells of all."""
        pause = SERVED_FIRST_SECONDS
        while await self._cluster.served(kinds[0], anew=True) is None or not all(
            [await self._cluster.served(kind) for kind in kinds]
        ):
            self.terms.stop()
            await asyncio.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS)


def _defined(crd: Json) -> list[Kind]:
    spec = crd["spec"]
    return [Kind(spec["group"], each["name"], spec["names"]["kind"]) for each in spec["versions"] if each.get("served")]
