"""The end of an InstalledPackage: what the inventory records is deleted in reverse order, then the finalizer goes.

Works from the inventory alone: no package, no values, no rendering. noopDelete leaves everything where it is. Paused
and canceled do not hold a deletion: who deletes means it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from packhouse.api.errors import DeletionPending, NamespaceTerminating, PackhouseError
from packhouse.api.names import FINALIZER, INSTALLED_PACKAGE
from packhouse.api.views import InstalledPackage, Key
from packhouse.deploy.apply import carry_out
from packhouse.deploy.live import live
from packhouse.domain.inventory import Inventory
from packhouse.domain.plan import plan
from packhouse.reconcile import finalizer
from packhouse.reconcile.outcome import Outcome, not_deleted
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.report import Subject
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)


class InstallRemover:
    """Takes installs away. `forget` is told when one is gone."""

    def __init__(self, world: World, pace: Pace, forget: Callable[[Key], None]) -> None:
        self._world = world
        self._pace = pace
        self._forget = forget

    async def remove(self, install: InstalledPackage) -> float | None:
        """Seconds until the next look; None when it is done."""
        if FINALIZER not in install.meta.finalizers:
            return None
        fields: dict[str, Any] = {}
        started = self._world.clock()
        try:
            if not install.noop_delete:
                await self._clear_unless_all_goes(install, fields)
            await finalizer.release(self._world.cluster, INSTALLED_PACKAGE, install.meta)
        except Exception as error:
            return await self._failed(install, error, fields, started)
        self._pace.forget(install.meta)
        self._forget(install.meta.key)
        return None

    async def _clear_unless_all_goes(self, install: InstalledPackage, fields: dict[str, Any]) -> None:
        """With its namespace goes its service account, perhaps before we are asked; but so goes all else there."""
        try:
            await self._clear(install, fields)
        except NamespaceTerminating:
            elsewhere = [
                entry.ref
                for entry in Inventory.from_wire(install.status.get("inventory"))
                if entry.ref.namespace != install.meta.namespace
            ]
            if elsewhere:
                raise NamespaceTerminating(
                    f"namespace {install.meta.namespace} is being deleted, and with it the service account "
                    f"{install.service_account}, which alone may delete {len(elsewhere)} objects outside of it, such "
                    f"as {elsewhere[0]}; delete those by hand, then set spec.noopDelete"
                ) from None

    async def _clear(self, install: InstalledPackage, fields: dict[str, Any]) -> None:
        inventory = Inventory.from_wire(install.status.get("inventory"))
        if not len(inventory):
            return
        actor = self._world.identities.of(install.meta.namespace, install.service_account)
        found = await live(actor, [entry.ref for entry in inventory])
        done = await carry_out(actor, plan([], inventory, found, owner=install.owner, owners=()), inventory)
        fields["inventory"] = done.inventory.to_wire()
        if done.error is not None:
            raise done.error
        if done.survivors:
            first = done.survivors[0].ref
            raise DeletionPending(f"waiting for {len(done.inventory)} objects to be gone, such as {first}")

    async def _failed(
        self, install: InstalledPackage, error: Exception, fields: dict[str, Any], started: datetime
    ) -> float:
        if not isinstance(error, PackhouseError):
            log.exception("InstalledPackage %s: a bug", install.owner)
        await self._report(install, not_deleted(error), fields, started)
        return self._pace.after_failure(install.meta, error, install.sync_period)

    async def _report(
        self, install: InstalledPackage, outcome: Outcome, fields: dict[str, Any], started: datetime
    ) -> None:
        subject = Subject(INSTALLED_PACKAGE, install.meta, install.status)
        await self._world.reporter.report(subject, outcome, fields, started=started)
