"""The roll-out of one install: from rendered objects to objects that are in place and ready.

Decides with domain/, acts with deploy/, and writes the inventory ahead of the first write. Called by install.py, which
reports how it ended.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from packhouse.api.conditions import Reason
from packhouse.api.errors import Forbidden, InventoryTooLarge, NotHealthy, PackhouseError, Superseded
from packhouse.api.names import INSTALLED_PACKAGE, OBJECTS_KEPT
from packhouse.deploy.apply import ChangeSet, Terms, carry_out
from packhouse.deploy.desired import Prepared
from packhouse.deploy.interrupt import unless_stopped
from packhouse.deploy.live import live
from packhouse.deploy.preflight import preflight, refuse_without_rights
from packhouse.deploy.wait import Waited, wait_ready
from packhouse.domain.blockers import fitting, objects
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.objects import owner_label, ref_of
from packhouse.domain.schedule import seconds_of
from packhouse.ports import Cluster, Json, Ref
from packhouse.queue import Key
from packhouse.reconcile import planning
from packhouse.reconcile.before import GAVE_UP, WAIT_SECONDS, last_word, lingers, patience
from packhouse.reconcile.gather import Facts, Progress
from packhouse.reconcile.outcome import Outcome, not_reconciled, progressing, values_checked
from packhouse.reconcile.report import NOTE_CHARACTERS, Subject
from packhouse.reconcile.stage import Stage

log = logging.getLogger(__name__)

#: How long what did not go in an earlier look is waited for in each later one: it must not hold a worker.
LINGERING_SECONDS: Final = 1.0


class Rollout:
    """One run for one install. Raises what ends it; what was confirmed until then is in `progress`."""

    def __init__(self, stage: Stage, progress: Progress, facts: Facts, actor: Cluster) -> None:
        install = progress.install
        self._stage = stage
        self._progress = progress
        self._facts = facts
        self._actor = actor
        self._key = Key(INSTALLED_PACKAGE, *install.meta.key)
        self._was = last_word(install)
        options = facts.deploy.options
        self._waits = install.wait if install.wait is not None else options.wait
        self._patience = patience(install, options)
        self._held: Mapping[Identity, str] = {}
        self._found: Mapping[Identity, Json] = {}

    async def run(self, rendered: Sequence[Json], inventory: Inventory) -> None:
        try:
            await self._run(rendered, inventory)
        except Superseded:  # what comes next goes on with the time that is left
            raise
        except BaseException:
            self._stage.begun.forget(self._progress.install.meta.key)
            raise
        self._stage.begun.forget(self._progress.install.meta.key)

    async def _run(self, rendered: Sequence[Json], inventory: Inventory) -> None:
        install, step = self._progress.install, self._facts.deploy
        wanted = await planning.wanted(self._actor, install, step, rendered, inventory)
        refs = [ref_of(obj) for obj in wanted.desired.objects]
        self._refuse_too_large(inventory.union(refs))  # before each of them is looked for
        # What somebody else makes is only looked at: it is nobody's to hold against its owner.
        claimed = [ref for ref in refs if not wanted.desired.rules_of(ref).exists]
        async with self._stage.claims.held(claimed, install.owner):
            the_plan, ahead = await unless_stopped(self._decide(wanted, inventory), self._stop_applying)
            if the_plan.is_empty:  # what somebody else makes is looked for all the same
                done = _carried_out(await carry_out(self._actor, the_plan, ahead))
            else:
                done = await self._act(the_plan, ahead, wanted)
        self._found = {}  # a wait may be long
        # After a success only what was written anew can be unready; before one, anything can.
        concerned = the_plan.writes if self._was == Reason.RECONCILE_SUCCEEDED else the_plan.desired
        await self._ready(
            self._waited(concerned, done.entries), wanted, once=not the_plan.writes and self._was in GAVE_UP
        )
        if self._held:
            raise self._stage.contests.error(install.owner, self._held, self._stage.world.clock())

    # ---- decide ------------------------------------------------------------------------------------------

    async def _decide(self, wanted: Prepared, inventory: Inventory) -> tuple[Plan, Inventory]:
        """The plan, checked, and the inventory to write ahead of it."""
        install = self._progress.install
        refs = [ref_of(obj) for obj in wanted.desired.objects]
        try:
            found = await live(self._actor, [*refs, *(entry.ref for entry in inventory)])
        except Forbidden:  # the whole of what it lacks says more than the first right that it was refused
            await refuse_without_rights(self._actor, wanted.desired.objects, (entry.ref for entry in inventory))
            raise
        owners = await planning.owners_of(self._stage.world.cluster, found)
        the_plan = await planning.planned(self._actor, install, wanted, inventory, found, owners)
        ahead = inventory.union(change.ref for change in the_plan.desired if _is_recorded(change))
        self._refuse_too_large(ahead)
        self._found = found
        the_plan = self._without_fights(the_plan)
        the_plan = await preflight(
            self._actor, the_plan, may_replace=planning.may_replace(install), adopt=install.adopt
        )
        # What goes is doubted too: its end is no drift, though status records it until all of the plan was carried out.
        return the_plan, ahead.doubting(change.ref for change in (*the_plan.writes, *the_plan.removals))

    def _refuse_too_large(self, inventory: Inventory) -> None:
        size, most = inventory.size_bytes(), self._stage.world.settings.inventory_most_bytes
        if size > most:
            raise InventoryTooLarge(
                f"{len(inventory)} objects take {size} bytes to record, {most} fit in a status; "
                f"split the package into smaller ones"
            )

    def _without_fights(self, the_plan: Plan) -> Plan:
        """The plan without repairs that another writer undoes again and again."""
        owner, now = self._progress.install.owner, self._stage.world.clock()
        self._held = self._stage.contests.held_off(owner, the_plan, self._found, now)
        return the_plan.skipping(self._held)

    def _note_repairs(self, the_plan: Plan, done: ChangeSet) -> None:
        """Only what was carried out: a repair that is refused again and again is no fight."""
        install, now = self._progress.install, self._stage.world.clock()
        period = timedelta(seconds=seconds_of(install.sync_period) or WAIT_SECONDS)
        confirmed = [change for change in the_plan.writes if _is_confirmed(done.entries.get(change.identity))]
        self._stage.contests.note(install.owner, confirmed, self._found, now, hold_most=period)

    # ---- act ---------------------------------------------------------------------------------------------

    async def _act(self, the_plan: Plan, ahead: Inventory, wanted: Prepared) -> ChangeSet:
        """Write the inventory ahead, carry the plan out, and note what was confirmed."""
        package = self._facts.package
        words = f"applying {package.public_name} {package.version}"
        # Where it only goes on to wait for what was deleted, status has said all that already.
        if self._was or the_plan.writes or ahead.to_wire() != self._progress.install.status.get("inventory"):
            await self._report(progressing(words), {"inventory": ahead.to_wire()})

        async def ready(entries: Sequence[Entry]) -> None:
            await self._ready([Waited(entry.ref, entry.uid) for entry in entries], wanted, between=True)

        terms = Terms(
            parallel=self._stage.world.settings.apply_parallel,
            force_adopted=self._progress.install.adopt is True,
            gone_seconds=LINGERING_SECONDS if lingers(self._progress.install) else None,
            stop=self._stop_applying,
            ready=ready,
        )
        done = await carry_out(self._actor, the_plan, ahead, terms)
        self._note_repairs(the_plan, done)
        self._progress.fields |= {"inventory": done.inventory.to_wire(), "deploy": _counts(done)}
        if done.orphaned:
            await self._tell_kept(done.orphaned)
        return _carried_out(done)

    async def _tell_kept(self, refs: Sequence[Ref]) -> None:
        """What the package wants no more and is left all the same is told once, where an administrator looks."""
        install, world = self._progress.install, self._stage.world
        subject = Subject(INSTALLED_PACKAGE, install.meta, install.status)
        words = f"InstalledPackage {install.owner} no longer gives {objects(len(refs))} and leaves them, as they ask: "
        note = words + fitting(refs, NOTE_CHARACTERS - len(words))
        namespace = world.settings.operator_namespace
        try:
            await world.reporter.announce(subject, namespace, reason=OBJECTS_KEPT, note=note, warning=False)
        except PackhouseError as error:  # how the plan ended says more
            log.warning("InstalledPackage %s leaves %s, and no Event says so: %s", install.owner, note, error.message)

    def _stop_applying(self) -> None:
        """Raises Superseded when the install is not any more what is being applied."""
        mine = self._progress.install.meta
        now = self._stage.world.stores.installs.get(mine.key)
        if now is None or now.meta.uid != mine.uid or now.meta.deleting or now.meta.generation != mine.generation:
            raise Superseded("the spec changed while it was being applied; the new one is taken up at once")

    # ---- wait --------------------------------------------------------------------------------------------

    def _waited(self, changes: Sequence[Change], entries: Mapping[Identity, Entry]) -> list[Waited]:
        """What is left to another writer is not waited for: it may not even be there."""
        concerned = [change for change in changes if change.rules.wait and change.identity not in self._held]
        recorded = [entries[change.identity] for change in concerned if change.identity in entries]
        return [Waited(entry.ref, entry.uid) for entry in recorded]

    async def _ready(
        self, waited: Sequence[Waited], wanted: Prepared, *, once: bool = False, between: bool = False
    ) -> None:
        if not self._waits or not waited:
            return
        world, install = self._stage.world, self._progress.install
        what = (install.meta.uid, install.meta.generation, self._progress.fields["template"]["digest"])
        left = self._patience - self._stage.begun.seconds_since(install.meta.key, what, world.clock())
        await wait_ready(
            self._actor,
            waited,
            owner_label=owner_label(install.owner),
            waits=wanted.config.waits,
            timeout_seconds=self._patience,
            left_seconds=left,
            stop=self._stop_waiting,
            tell=self._tell,
            now=world.clock,
            look_once=once or left <= 0,
            unblocked_will_do=between,
        )

    def _stop_waiting(self) -> None:
        """Raises Superseded when anything happened that concerns the install: what is waited for may be old."""
        self._stop_applying()
        if self._stage.places.is_due(self._key):
            raise Superseded("something changed while objects were waited for; it is taken up at once")

    async def _tell(self, message: str) -> None:
        """What is waited for, as it changes. From then on no worker is needed, and what was done is recorded: otherwise
        it would pass for drift."""
        await self._report(not_reconciled(NotHealthy(message)), {})
        self._stage.places.park(self._key)

    async def _report(self, outcome: Outcome, ahead: Mapping[str, Any]) -> None:
        await self._stage.report(self._progress, values_checked(outcome), ahead)


def _carried_out(done: ChangeSet) -> ChangeSet:
    """Raises what ended it before all was done."""
    if done.error is not None:
        raise done.error
    return done


def _is_confirmed(entry: Entry | None) -> bool:
    """Whether an object that was to be written was: until then its record, written ahead, has no digest."""
    return entry is not None and bool(entry.managed)


def _is_recorded(change: Change) -> bool:
    """What is somebody else's is not recorded."""
    return change.action is not Action.EXPECT and not (change.action is Action.SKIP and change.adopting)


def _counts(done: ChangeSet) -> Json:
    return {
        "created": done.created,
        "configured": done.configured,
        "replaced": done.replaced,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "deleted": done.deleted,
    }
