"""The end of an InstalledPackage: what the inventory records is deleted in reverse order, then the finalizer goes.

Works from the inventory alone: no package, no values, no rendering. Whatever holds an object, the install is released
when its time is over (domain/term.py), and what is left then is named in an Event in the operator's namespace.
noopDelete leaves everything where it is. Paused and canceled do not hold a deletion: who deletes means it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from packhouse.api.errors import DeletionPending, Forbidden, PackhouseError
from packhouse.api.names import FINALIZER, INSTALLED_PACKAGE, OBJECTS_KEPT, OBJECTS_LEFT
from packhouse.api.views import InstalledPackage, Key
from packhouse.deploy.remove import remove_waves
from packhouse.deploy.stand_in import StandIn
from packhouse.deploy.survey import survey
from packhouse.domain.blockers import Survivor, fitting, objects, passed_over
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.leaving import leaving
from packhouse.domain.term import Term
from packhouse.ports import Ref
from packhouse.reconcile import finalizer
from packhouse.reconcile.outcome import not_deleted
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.report import NOTE_CHARACTERS, Subject
from packhouse.reconcile.unfinished import Unfinished
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)

#: Of what holds an object, in an Event that names many.
REASON_CHARACTERS: Final = 300


@dataclass(slots=True)
class Progress:
    """One look at an install that is being deleted, and what status will say of it."""

    install: InstalledPackage
    term: Term
    started: datetime
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        return Subject(INSTALLED_PACKAGE, self.install.meta, self.install.status)


class InstallRemover:
    """Takes installs away. `forget` is told when one is gone."""

    def __init__(self, world: World, pace: Pace, forget: Callable[[Key], None]) -> None:
        self._world = world
        self._pace = pace
        self._forget = forget
        self._watching_since = world.clock()

    async def remove(self, install: InstalledPackage) -> float | None:
        """Seconds until the next look; None when it is done."""
        if FINALIZER not in install.meta.finalizers:
            return None
        now = self._world.clock()
        seconds = self._world.settings.deletion_deadline_seconds
        term = Term.of(install.meta.deleted_at, watching_since=self._watching_since, seconds=seconds)
        progress = Progress(install, term, now)
        try:
            left = await self._left(progress)
            if left is not None and not term.is_over(now):  # the last look begins after the end
                raise left.error(term)
            if left is not None:
                await self._tell_left(progress, left)
            await finalizer.release(self._world.cluster, INSTALLED_PACKAGE, install.meta)
        except Exception as error:
            return await self._failed(progress, error)
        self._pace.forget(install.meta)
        self._forget(install.meta.key)
        return None

    async def _left(self, progress: Progress) -> Unfinished | None:
        """What is not gone; None where nothing is left to do. After the end of the time, nothing raises."""
        inventory = Inventory.from_wire(progress.install.status.get("inventory"))
        if not len(inventory):
            return None
        try:
            if progress.install.noop_delete:
                await self._tell_kept(progress, [entry.ref for entry in inventory], "spec.noopDelete says so")
                return None
            return await self._take_away(progress, inventory)
        except Exception as error:
            if not progress.term.is_over(progress.started):
                raise
            if not isinstance(error, PackhouseError):
                log.exception("InstalledPackage %s: a bug, and it is released all the same", progress.install.owner)
            return Unfinished(progress.install, [Survivor(entry.ref, f"{entry.ref}: {error}") for entry in inventory])

    async def _take_away(self, progress: Progress, inventory: Inventory) -> Unfinished | None:
        install, term, now = progress.install, progress.term, progress.started
        ending = await self._world.reporter.is_ending(progress.subject)
        # What lies in a namespace that is being deleted goes with it.
        wanted = Inventory.of(entry for entry in inventory if not (ending and _is_inside(entry, install)))
        actor = self._actor(progress, wanted)
        seen = await survey(actor, [entry.ref for entry in wanted])
        blind = {
            identity
            for identity, error in seen.untold.items()
            if isinstance(error, Forbidden) and wanted.entries[identity].uid
        }
        removed = await remove_waves(
            actor,
            leaving(wanted, seen.found, seen.untold, owner=install.owner),
            patience_seconds=term.patience(now),
            overtake=term.is_half_over(now),
            unanswered={identity: error for identity, error in seen.untold.items() if identity not in blind},
        )
        if removed.kept:
            reasons = sorted({change.why for change in removed.kept})
            await self._tell_kept(progress, [change.ref for change in removed.kept], "; ".join(reasons))
        remaining = Inventory.of(entry for entry in inventory if Identity.of(entry.ref) not in removed.settled)
        progress.fields["inventory"] = remaining.to_wire()
        left = [*removed.survivors, *(passed_over(change.ref) for change in removed.waiting)]
        return Unfinished(install, left, ending=ending) if left else None

    def _actor(self, progress: Progress, inventory: Inventory) -> StandIn:
        install, reporter = progress.install, self._world.reporter
        identities, named = self._world.identities, self._world.settings.cleanup_service_account
        account = identities.of(install.meta.namespace, install.service_account)
        namespace, _, name = named.partition("/")
        cleanup = identities.of(namespace, name) if named else None

        async def exists(place: str) -> bool:
            return await reporter.exists(progress.subject, place)

        return StandIn(account, cleanup, self._world.cluster, exists, inventory, install.owner)

    # ---- tell --------------------------------------------------------------------------------------------

    async def _tell_kept(self, progress: Progress, refs: Sequence[Ref], why: str) -> None:
        owner = progress.install.owner
        words = f"InstalledPackage {owner} is deleted and leaves {objects(len(refs))} on purpose ({why}): "
        await self._announce(progress, OBJECTS_KEPT, words, refs, warning=False)

    async def _tell_left(self, progress: Progress, left: Unfinished) -> None:
        for survivor in left.survivors:
            log.warning("InstalledPackage %s leaves behind: %s", progress.install.owner, survivor)
        refs = [survivor.ref for survivor in left.survivors]
        words = (
            f"InstalledPackage {progress.install.owner} was released after {progress.term.seconds:g} s and "
            f"leaves {objects(len(refs))} behind ({str(left.survivors[0])[:REASON_CHARACTERS]}): "
        )
        await self._announce(progress, OBJECTS_LEFT, words, refs, warning=True)

    async def _announce(
        self, progress: Progress, reason: str, words: str, refs: Sequence[Ref], *, warning: bool
    ) -> None:
        note = words + fitting(refs, NOTE_CHARACTERS - len(words))
        namespace = self._world.settings.operator_namespace
        await self._world.reporter.announce(progress.subject, namespace, reason=reason, note=note, warning=warning)

    # ---- report ------------------------------------------------------------------------------------------

    async def _failed(self, progress: Progress, error: Exception) -> float:
        install, term = progress.install, progress.term
        if not isinstance(error, PackhouseError):
            log.exception("InstalledPackage %s: a bug", install.owner)
        await self._world.reporter.report(
            progress.subject, not_deleted(error), progress.fields, started=progress.started
        )
        delay = self._pace.after_failure(install.meta, error, install.sync_period)
        now = self._world.clock()
        if isinstance(error, DeletionPending):
            delay = max(delay, term.lull(now))
        return term.next_look(now, delay)


def _is_inside(entry: Entry, install: InstalledPackage) -> bool:
    """Whether an object lies in the install's namespace, or is that namespace."""
    ref = entry.ref
    if (ref.kind.group, ref.kind.kind) == ("", "Namespace"):
        return ref.name == install.meta.namespace
    return ref.namespace == install.meta.namespace
