"""The story of an InstalledPackage: gather, decide, act, report.

One reconcile brings one install to what its spec, its values and the catalogue say, or reports why not. Where nothing
changed since the last success it compares what is live with the inventory, and is done without a write.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.errors import DeletionPending, InventoryTooLarge, PackhouseError
from packhouse.api.names import FINALIZER, INSTALL_GROUP, INSTALLED_PACKAGE, VERSION
from packhouse.api.views import InstalledPackage, Key
from packhouse.deploy.apply import ChangeSet, carry_out
from packhouse.deploy.live import live, settled
from packhouse.deploy.preflight import preflight
from packhouse.domain.catalogue import Choice
from packhouse.domain.inventory import Identity, Inventory
from packhouse.domain.objects import digest, owned, owner_of, ref_of
from packhouse.domain.order import wave_of
from packhouse.domain.plan import Plan, drifted, plan
from packhouse.fetch import fetch_all
from packhouse.ports import Cluster, Json, Kind, Ref, RenderJob
from packhouse.reconcile import finalizer
from packhouse.reconcile.claims import Claims
from packhouse.reconcile.gather import Facts, Progress, context_of, gather, mark_of, take
from packhouse.reconcile.outcome import Outcome, held, not_reconciled, progressing, succeeded, values_checked
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.report import Subject
from packhouse.reconcile.values import read_values
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The inputs of the last success in this process, and what they gave."""

    inputs: str
    rendered: str


class InstallReconciler:
    """Holds nothing but memories that spare work; each can be lost at any moment."""

    def __init__(self, world: World, pace: Pace) -> None:
        self._world = world
        self._pace = pace
        self._remembered: dict[Key, Remembered] = {}
        self._claims = Claims()
        #: What each install took from the catalogue last, for deciding whom a changed Package concerns.
        self.chosen: dict[Key, str] = {}

    def forget(self, key: Key) -> None:
        self._remembered.pop(key, None)
        self.chosen.pop(key, None)

    async def reconcile(self, install: InstalledPackage) -> float | None:
        """Seconds until the next look."""
        if FINALIZER not in install.meta.finalizers:
            await finalizer.hold(self._world.cluster, INSTALLED_PACKAGE, install.meta)
            return None  # the change that this made wakes us again
        if install.paused or install.canceled:
            reason = Reason.PAUSED if install.paused else Reason.CANCELED
            await self._report(Progress(install, self._world.clock()), held(reason))
            return None
        progress = Progress(install, self._world.clock())
        try:
            outcome = await self._enforce(progress)
        except Exception as error:
            return await self._failed(progress, error)
        await self._report(progress, values_checked(outcome))
        return self._pace.after_success(install.meta, install.sync_period)

    async def _enforce(self, progress: Progress) -> Outcome:
        world, install = self._world, progress.install
        await world.facts.now()  # which packages there are for it depends on the cluster's version
        choice = self._choose(install)
        progress.fields |= _attempted(choice)
        facts = await gather(world, progress, choice)
        actor = world.identities.of(install.meta.namespace, install.service_account)
        inventory = Inventory.from_wire(install.status.get("inventory"))
        if await self._is_at_rest(install, facts, actor, inventory):
            return _done(choice)
        desired = await self._render(progress, facts, actor)
        rendered = progress.fields["template"]["digest"]
        async with self._claims.held([ref_of(obj) for obj in desired], install.owner):
            the_plan, ahead = await self._decide(progress, desired, actor, inventory)
            if not the_plan.is_empty:
                await self._act(progress, facts, the_plan, ahead, actor)
        progress.fields |= {
            "version": choice.entry.version,
            "deploy": progress.fields.get("deploy") or _deploy_stanza(install),
        }
        self._remembered[install.meta.key] = Remembered(facts.inputs, rendered)
        return _done(choice)

    def _choose(self, install: InstalledPackage) -> Choice:
        """The Package that the install takes; remembered as what the catalogue means to it."""
        try:
            choice = take(self._world, install)
        except PackhouseError as error:
            self.chosen[install.meta.key] = str(error.reason)
            raise
        self.chosen[install.meta.key] = mark_of(choice)
        return choice

    async def _is_at_rest(self, install: InstalledPackage, facts: Facts, actor: Cluster, inventory: Inventory) -> bool:
        """Whether nothing changed since a success that this process saw, and nothing drifted."""
        remembered = self._remembered.get(install.meta.key)
        if remembered is None or remembered.inputs != facts.inputs:
            return False
        success = find(install.conditions, ConditionType.RECONCILE_SUCCEEDED)
        if success is None or success.status is not Status.TRUE:
            return False
        if (install.status.get("template") or {}).get("digest") != remembered.rendered:
            return False
        return not drifted(inventory, await live(actor, [entry.ref for entry in inventory]))

    # ---- render ------------------------------------------------------------------------------------------

    async def _render(self, progress: Progress, facts: Facts, actor: Cluster) -> list[Json]:
        world, install, package = self._world, progress.install, facts.package
        progress.stage = "fetch"
        fetched = await fetch_all(package.fetch, facts.sources)
        progress.fields["fetch"] = {"digest": fetched.digest}
        progress.stage = "template"
        documents, values_digest = await read_values(world.cluster, install)
        async with world.reading:
            rendered = await world.renderer.render(
                RenderJob(
                    files=await fetched.files(),
                    steps=package.template,
                    values=documents,
                    values_schema=package.values_schema,
                    enforce_schema=world.settings.values_schema_check == "enforce",
                    context=context_of(install, facts),
                )
            )
        stanza: Json = {
            "digest": digest(rendered.objects),
            "valuesDigest": values_digest,
            "objects": len(rendered.objects),
        }
        if rendered.warnings:
            stanza["warnings"] = list(rendered.warnings)[:20]
        progress.fields["template"] = stanza
        progress.stage = "deploy"
        placed = await settled(actor, rendered.objects, install.default_namespace)
        return sorted((owned(obj, install.owner) for obj in placed), key=lambda obj: wave_of(ref_of(obj).kind))

    # ---- decide ------------------------------------------------------------------------------------------

    async def _decide(
        self, progress: Progress, desired: Sequence[Json], actor: Cluster, inventory: Inventory
    ) -> tuple[Plan, Inventory]:
        """The plan, checked, and the inventory to write ahead of it."""
        install = progress.install
        refs = [ref_of(obj) for obj in desired]
        found = await live(actor, [*refs, *(entry.ref for entry in inventory)])
        the_plan = plan(desired, inventory, found, owner=install.owner, owners=await self._owners(found))
        ahead = inventory.union(refs)
        most = self._world.settings.inventory_most_bytes
        if ahead.size_bytes() > most:
            raise InventoryTooLarge(
                f"{len(ahead)} objects take {ahead.size_bytes()} bytes to record, {most} fit in a status; "
                f"split the package into smaller ones"
            )
        await preflight(actor, the_plan)
        return the_plan, ahead.doubting(change.ref for change in the_plan.writes)

    async def _owners(self, found: dict[Identity, Json]) -> set[str]:
        """The installs that exist, of those that live objects name as their owner."""
        named = {owner for obj in found.values() if (owner := owner_of(obj)) is not None}
        existing = set[str]()
        for owner in named:
            namespace, _, name = owner.partition("/")
            if not namespace or not name or "/" in name:  # anybody may write an annotation
                continue
            # The store may not know all installs yet, or still know one that is gone; the API server does.
            ref = Ref(Kind(INSTALL_GROUP, VERSION, INSTALLED_PACKAGE), namespace, name)
            if await self._world.cluster.get(ref, metadata_only=True) is not None:
                existing.add(owner)
        return existing

    # ---- act ---------------------------------------------------------------------------------------------

    async def _act(self, progress: Progress, facts: Facts, the_plan: Plan, ahead: Inventory, actor: Cluster) -> None:
        """Write the inventory ahead, carry the plan out, and note what was confirmed."""
        words = f"applying {facts.package.public_name} {facts.package.version}"
        await self._report(progress, values_checked(progressing(words)), {"inventory": ahead.to_wire()})
        done = await carry_out(actor, the_plan, ahead)
        progress.fields |= {"inventory": done.inventory.to_wire(), "deploy": _counts(done)}
        if done.error is not None:
            raise done.error
        if done.survivors:
            raise _still_there(done)

    # ---- report ------------------------------------------------------------------------------------------

    async def _failed(self, progress: Progress, error: Exception) -> float | None:
        install = progress.install
        if not isinstance(error, PackhouseError):
            log.exception("InstalledPackage %s: a bug", install.owner)
        outcome = not_reconciled(error)
        if progress.stage and outcome.failed:
            stanza = progress.fields.get(progress.stage) or install.status.get(progress.stage) or {}
            progress.fields[progress.stage] = {**stanza, "error": outcome.message}
        await self._report(progress, values_checked(outcome, error))
        return self._pace.after_failure(install.meta, error, install.sync_period)

    async def _report(self, progress: Progress, outcome: Outcome, ahead: Mapping[str, Any] | None = None) -> None:
        """`ahead` is said now and not again: what the rest of the reconcile will make it is not known yet."""
        install = progress.install
        subject = Subject(INSTALLED_PACKAGE, install.meta, install.status)
        fields = {**progress.fields, **(ahead or {})}
        status = await self._world.reporter.report(subject, outcome, fields, started=progress.started)
        progress.install = replace(install, status=status)


def _attempted(choice: Choice) -> Json:
    """What status says of the choice, whatever becomes of it."""
    reference: Json = {"name": choice.entry.name}
    if choice.repository is not None:
        reference["repository"] = choice.repository
    return {
        "packageRef": reference,
        "packageDigest": choice.entry.digest,
        "lastAttemptedVersion": choice.entry.version,
    }


def _done(choice: Choice) -> Outcome:
    words = f"{choice.entry.public_name} {choice.entry.version} is in place"
    return succeeded(f"{words}; {choice.passed_over}" if choice.passed_over else words)


def _counts(done: ChangeSet) -> Json:
    return {
        "created": done.created,
        "configured": done.configured,
        "unchanged": done.unchanged,
        "deleted": done.deleted,
    }


def _deploy_stanza(install: InstalledPackage) -> Json | None:
    """The recorded one without its error: a reconcile that had nothing to do says nothing new."""
    stanza = install.status.get("deploy")
    return {key: value for key, value in stanza.items() if key != "error"} if stanza else None


def _still_there(done: ChangeSet) -> PackhouseError:
    first = done.survivors[0].ref
    return DeletionPending(f"waiting for {len(done.survivors)} deleted objects to be gone, such as {first}")
