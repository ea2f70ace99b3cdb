"""The story of an InstalledPackage: gather, decide, act, report.

One reconcile brings one install to what its spec, its values and the catalogue say, or reports why not. Where nothing
changed since the last success it compares what is live with the inventory, and is done without a write.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.errors import SOURCE_ERRORS, PackhouseError, Superseded
from packhouse.api.names import FINALIZER, INSTALLED_PACKAGE
from packhouse.api.views import InstalledPackage, Key
from packhouse.deploy.live import live
from packhouse.domain.catalogue import Choice
from packhouse.domain.inventory import Inventory
from packhouse.domain.plan import drifted
from packhouse.ports import Cluster, Json
from packhouse.reconcile import finalizer
from packhouse.reconcile.claims import Claims
from packhouse.reconcile.contests import Contests
from packhouse.reconcile.gather import Facts, Progress, gather, mark_of, of_other_package, take
from packhouse.reconcile.images import Answers, Images
from packhouse.reconcile.outcome import Outcome, after_fetch_failed, held, not_reconciled, succeeded, values_checked
from packhouse.reconcile.owned import drifted_by_watch
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.rendering import ask_images, render
from packhouse.reconcile.report import Subject
from packhouse.reconcile.rollout import Rollout
from packhouse.reconcile.sources import SourceDesk
from packhouse.reconcile.stage import Places, Stage
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The inputs of the last success in this process, and what they gave; `images` as registries answered then."""

    inputs: str
    rendered: str
    images: Images


class InstallReconciler:
    """Holds nothing but memories that spare work; each can be lost at any moment."""

    def __init__(self, world: World, pace: Pace, places: Places, desk: SourceDesk) -> None:
        self._world = world
        self._pace = pace
        self._desk = desk
        self._remembered: dict[Key, Remembered] = {}
        self._stage = Stage(world, Claims(), Contests(), places, self._report)
        #: What each install took from the catalogue last, for deciding whom a changed Package concerns.
        self.chosen: dict[Key, str] = {}
        #: The Secrets that each install's package names, for deciding whom a changed one concerns.
        self.named: dict[Key, frozenset[str]] = {}

    def forget(self, key: Key) -> None:
        self._remembered.pop(key, None)
        self._stage.contests.forget("/".join(key))
        self.chosen.pop(key, None)
        self.named.pop(key, None)
        self._desk.freshness.forget(key)

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
            self._remember_named(progress)
            return await self._failed(progress, error)
        self._remember_named(progress)
        await self._report(progress, values_checked(outcome))
        if progress.trouble is not None:  # nothing new is needed, and yet it is looked whether the source is back
            return self._pace.after_outage(install.meta, progress.trouble, install.sync_period)
        return self._pace.after_success(install.meta, install.sync_period)

    def _remember_named(self, progress: Progress) -> None:
        if progress.named:
            self.named[progress.install.meta.key] = frozenset(progress.named)

    async def _enforce(self, progress: Progress) -> Outcome:
        world, install = self._world, progress.install
        await world.facts.now()  # which packages there are for it depends on the cluster's version
        choice = self._choose(install)
        progress.fields |= _attempted(choice) | of_other_package(install, choice)
        facts = await gather(world, progress, choice, self._desk)
        actor = world.identities.of(install.meta.namespace, install.service_account)
        inventory = Inventory.from_wire(install.status.get("inventory"))
        answers = Answers()
        if (last := self._remembered.get(install.meta.key)) is not None and last.inputs == facts.inputs:
            await ask_images(progress, facts, tuple(last.images), answers)
        if await self._is_at_rest(install, facts, answers, actor, inventory):
            return _done(choice)
        objects = await render(world, progress, facts, answers)
        rendered = progress.fields["template"]["digest"]
        progress.stage = "deploy"
        await Rollout(self._stage, progress, facts, actor).run(objects, inventory)
        progress.fields |= {
            "version": choice.entry.version,
            "deploy": progress.fields.get("deploy") or _deploy_stanza(install),
        }
        self._remembered[install.meta.key] = Remembered(facts.inputs, rendered, answers.found)
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

    async def _is_at_rest(
        self, install: InstalledPackage, facts: Facts, answers: Answers, actor: Cluster, inventory: Inventory
    ) -> bool:
        """Whether nothing changed since a success that this process saw, and nothing drifted."""
        remembered = self._remembered.get(install.meta.key)
        if remembered is None or remembered.inputs != facts.inputs or remembered.images != answers.found:
            return False
        success = find(install.conditions, ConditionType.RECONCILE_SUCCEEDED)
        if success is None or success.status is not Status.TRUE:
            return False
        if (install.status.get("template") or {}).get("digest") != remembered.rendered:
            return False
        # What is watched is known without a request.
        by_watch = drifted_by_watch(self._world.owned, inventory)
        if by_watch is not None:
            return not by_watch
        return not drifted(inventory, await live(actor, [entry.ref for entry in inventory]))

    # ---- report ------------------------------------------------------------------------------------------

    async def _failed(self, progress: Progress, error: Exception) -> float | None:
        install = progress.install
        if isinstance(error, Superseded):
            await self._report(progress, values_checked(not_reconciled(error)))
            return error.retry_after_seconds
        if not isinstance(error, PackhouseError):
            log.exception("InstalledPackage %s: a bug", install.owner)
        if progress.stage == "fetch":
            progress.source = after_fetch_failed(error) or progress.source
            if isinstance(error, SOURCE_ERRORS) and progress.trouble is None:
                self._desk.freshness.distrust(install.meta)
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
        outcome = replace(outcome, source=progress.source)
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


def _deploy_stanza(install: InstalledPackage) -> Json | None:
    """The recorded one without its error: a reconcile that had nothing to do says nothing new."""
    stanza = install.status.get("deploy")
    return {key: value for key, value in stanza.items() if key != "error"} if stanza else None
