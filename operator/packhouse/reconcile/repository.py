"""The story of a PackageRepository: fetch its bundle, bring the catalogue to what it says, report.

Where the digest, the spec and the catalogue are as they were after the last success, nothing is fetched or written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from packhouse.api.conditions import Reason
from packhouse.api.errors import (
    SOURCE_ERRORS,
    BundleInvalid,
    Failed,
    InvalidSpec,
    OwnershipConflict,
    PackhouseError,
)
from packhouse.api.names import FINALIZER, PACKAGE, PACKAGE_METADATA, PACKAGE_REPOSITORY
from packhouse.api.views import Key, PackageRepository
from packhouse.domain.catalogue import Entry
from packhouse.domain.objects import digest
from packhouse.domain.ownership import Action, Step, decide, holding
from packhouse.domain.package_sources import relocated_packages
from packhouse.domain.schedule import seconds_of
from packhouse.fetch import Fetched, Resolution, fetch_all, resolve_all
from packhouse.ports import BundleContent
from packhouse.reconcile import finalizer
from packhouse.reconcile.catalogue import CatalogueWriter, crd_schemas
from packhouse.reconcile.outcome import (
    AVAILABLE,
    Outcome,
    SourceWord,
    after_fetch_failed,
    away,
    held,
    not_deleted,
    not_reconciled,
    succeeded,
)
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.report import Subject
from packhouse.reconcile.repository_words import (
    LEAVING,
    conflict,
    conflicts_message,
    counts,
    faults_message,
    public_name,
    recorded,
    refuse_empty,
    stanza_of,
    without_sources,
)
from packhouse.reconcile.sources import SourceDesk
from packhouse.reconcile.stores import Objects
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)

MOST_LISTED: Final = 50
#: What is read of a bundle that has no folder packages/.
OLD_LAYOUT: Final = ("**/*.yml", "**/*.yaml", "**/*.json")


@dataclass(slots=True)
class Progress:
    """What a sync will say in status, whatever ends it."""

    repository: PackageRepository
    started: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    in_fetch: bool = False
    source: SourceWord | None = None  # what is known of its source
    trouble: Failed | None = None  # why what it said before stands in


class RepositoryReconciler:
    """Holds only the turn of those that write to the catalogue."""

    def __init__(self, world: World, pace: Pace, desk: SourceDesk) -> None:
        self._world = world
        self._pace = pace
        self._desk = desk
        self._writer = CatalogueWriter(world)
        #: Two repositories that bring the same name at the same moment would both find it free.
        self._turn = asyncio.Lock()

    async def reconcile(self, repository: PackageRepository) -> float | None:
        """Seconds until the next look."""
        if FINALIZER not in repository.meta.finalizers:
            await finalizer.hold(self._world.cluster, PACKAGE_REPOSITORY, repository.meta)
            return None  # the change that this made wakes us again
        if repository.paused:
            await self._report(Progress(repository, self._world.clock()), held(Reason.PAUSED))
            return None
        progress = Progress(repository, self._world.clock())
        try:
            outcome = await self._sync(progress)
        except Exception as error:
            return await self._failed(progress, error)
        await self._report(progress, outcome)
        if progress.trouble is not None:  # the catalogue is as it was, and yet it is looked whether the source is back
            return self._pace.after_outage(repository.meta, progress.trouble, repository.sync_period)
        return self._pace.after_success(repository.meta, repository.sync_period)

    def forget(self, key: Key) -> None:
        self._desk.freshness.forget(key)

    async def remove(self, repository: PackageRepository) -> float | None:
        """Ownership is passed on, the rest is deleted, then the finalizer goes. Seconds until the next look."""
        if FINALIZER not in repository.meta.finalizers:
            return None
        progress = Progress(repository, self._world.clock())
        try:
            async with self._turn:
                await self._writer.withdraw(repository.meta.name)
            await finalizer.release(self._world.cluster, PACKAGE_REPOSITORY, repository.meta)
        except Exception as error:
            if not isinstance(error, PackhouseError):
                log.exception("PackageRepository %s: a bug", repository.meta.name)
            await self._report(progress, not_deleted(error))
            return self._pace.after_failure(repository.meta, error, repository.sync_period)
        self._pace.forget(repository.meta)
        return None

    async def _sync(self, progress: Progress) -> Outcome:
        repository = progress.repository
        if not seconds_of(repository.sync_period):
            raise InvalidSpec(f"spec.syncPeriod {repository.sync_period!r} is no duration; write it as 5m or 1h30m")
        if repository.status.get("observedGeneration") != repository.meta.generation:
            progress.fields |= without_sources(repository)
        progress.in_fetch = True
        sources = await self._desk.of_repository(repository)
        resolved = await resolve_all([repository.fetch], sources, instead=recorded(repository))
        if resolved.trouble is None:
            self._desk.freshness.answered(repository.meta)
            progress.source = AVAILABLE
        else:
            progress.trouble, progress.source = resolved.trouble, away(resolved.trouble)
        if self._is_current(repository, resolved.digest):
            return succeeded(self._words(repository.status.get("packages") or {}))
        fetched = await fetch_all([repository.fetch], sources, resolved)
        progress.in_fetch = False
        before = progress.fields.get("fetch") or repository.status.get("fetch") or {}
        if "error" in before:  # that is over, whatever becomes of the content
            progress.fields["fetch"] = {name: value for name, value in before.items() if name != "error"}
        content = await self._read(fetched)
        refuse_empty(content)
        content = self._allowed(repository, content)
        async with self._turn:
            return await self._import(progress, resolved, fetched, content)

    async def _read(self, fetched: Fetched) -> BundleContent:
        schemas = await crd_schemas(self._world.cluster)
        async with self._world.reading:
            files = await fetched.files(("packages/**",)) or await fetched.files(OLD_LAYOUT)
            content = await self._world.renderer.read_bundle(files, schemas)
        return BundleContent(relocated_packages(content.documents, fetched.relocated), content.faults)

    async def _import(
        self, progress: Progress, resolved: Resolution, fetched: Fetched, content: BundleContent
    ) -> Outcome:
        """Write first, and remove only if not one document of the bundle is bad."""
        stores = self._world.stores
        me = progress.repository.meta.name
        steps = self._steps(me, content, may_remove=not content.faults)
        arriving = [step for step in steps if step.action not in LEAVING]
        refusals = await self._writer.write(arriving)
        faults = [*content.faults, *refusals]
        if refusals:
            names = {refusal.file for refusal in refusals}
            steps = [step for step in steps if step.name not in names]
            good = [doc for doc in content.documents if doc["metadata"]["name"] not in names]
            content = BundleContent(good, faults)
        leaving = [step for step in steps if step.action in LEAVING] if not faults else []
        await self._writer.withdraw_steps(me, leaving)
        conflicts = [step for step in arriving if step.action is Action.CONFLICT]
        # Only now: a digest in status says that the catalogue holds what that bundle offers.
        progress.fields |= {
            "fetch": stanza_of(resolved),
            "version": fetched.version,
            "packages": counts(steps, held_digest(me, stores.packages, stores.metadatas), content, bool(faults)),
            "badDocuments": [
                {"file": fault.file, "line": fault.line, "message": fault.message} for fault in faults[:MOST_LISTED]
            ]
            or None,
            "conflicts": [conflict(step) for step in conflicts[:MOST_LISTED]] or None,
        }
        if faults:
            raise BundleInvalid(faults_message(faults, len(content.documents)))
        if conflicts:
            raise OwnershipConflict(conflicts_message(conflicts))
        return succeeded(self._words(progress.fields["packages"]))

    def _steps(self, me: str, content: BundleContent, *, may_remove: bool) -> list[Step]:
        stores = self._world.stores
        steps: list[Step] = []
        for kind, store in ((PACKAGE_METADATA, stores.metadatas), (PACKAGE, stores.packages)):
            offered = [doc for doc in content.documents if doc["kind"] == kind]
            steps += decide(me, offered, {entry.name: entry for entry in store}, kind=kind, may_remove=may_remove)
        return steps

    def _is_current(self, repository: PackageRepository, resolved: str) -> bool:
        """Whether the catalogue still holds what the last complete sync of this digest and spec left there."""
        status, stores = repository.status, self._world.stores
        if (status.get("fetch") or {}).get("digest") != resolved or (status.get("fetch") or {}).get("error"):
            return False
        packages = status.get("packages") or {}
        if status.get("observedGeneration") != repository.meta.generation or not packages.get("complete"):
            return False
        return packages.get("digest") == held_digest(repository.meta.name, stores.packages, stores.metadatas)

    def _allowed(self, repository: PackageRepository, content: BundleContent) -> BundleContent:
        """The content without the packages that spec.packages does not let this repository provide.

        Raises BundleInvalid where that is all of them."""
        if not repository.globs:
            return content
        documents = [
            doc for doc in content.documents if any(fnmatchcase(public_name(doc), glob) for glob in repository.globs)
        ]
        if not any(doc["kind"] == PACKAGE for doc in documents):
            raise BundleInvalid(
                f"spec.packages ({', '.join(repository.globs)}) lets none of the bundle's {len(content.documents)} "
                f"documents through; correct it, or spec.fetch; nothing was changed"
            )
        return BundleContent(documents, content.faults)

    @staticmethod
    def _words(packages: Mapping[str, Any]) -> str:
        total = packages.get("total", 0)
        return "1 package" if total == 1 else f"{total} packages"

    async def _failed(self, progress: Progress, error: Exception) -> float | None:
        repository = progress.repository
        if not isinstance(error, PackhouseError):
            log.exception("PackageRepository %s: a bug", repository.meta.name)
        outcome = not_reconciled(error)
        if progress.in_fetch:
            progress.source = after_fetch_failed(error) or progress.source
            if isinstance(error, SOURCE_ERRORS):
                self._desk.freshness.distrust(repository.meta)
            before = progress.fields.get("fetch") or repository.status.get("fetch") or {}
            progress.fields["fetch"] = {**before, "error": outcome.message}
        await self._report(progress, outcome)
        return self._pace.after_failure(repository.meta, error, repository.sync_period)

    async def _report(self, progress: Progress, outcome: Outcome) -> None:
        repository = progress.repository
        subject = Subject(PACKAGE_REPOSITORY, repository.meta, repository.status)
        outcome = replace(outcome, source=progress.source)
        await self._world.reporter.report(subject, outcome, progress.fields, started=progress.started)


def held_digest(me: str, *stores: Objects[Entry]) -> str:
    """Of all that the repository owns or shares in the catalogue."""
    return digest([holding(me, {entry.name: entry for entry in store}) for store in stores])
