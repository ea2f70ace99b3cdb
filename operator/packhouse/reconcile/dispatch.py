"""From a key to its story. The queue calls `reconcile`; what it does never depends on why the key was added."""

from __future__ import annotations

import logging
from typing import Any

from packhouse.api.errors import PackhouseError
from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, VERSION
from packhouse.api.views import Key as ObjectKey
from packhouse.domain.schedule import backoff
from packhouse.ports import Kind, Ref
from packhouse.queue import Key, Queue
from packhouse.reconcile.install import InstallReconciler
from packhouse.reconcile.pace import Pace
from packhouse.reconcile.quiet import QuietHosts
from packhouse.reconcile.removal import InstallRemover
from packhouse.reconcile.repository import RepositoryReconciler
from packhouse.reconcile.sources import SourceDesk
from packhouse.reconcile.stores import Objects
from packhouse.reconcile.terms import TermsBook
from packhouse.reconcile.wake import Wake
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)


class Dispatch:
    """Made by app.py before the stores are filled: from then on their changes add keys to `queue`."""

    def __init__(self, world: World) -> None:
        self._world = world
        pace = Pace(world.settings, world.chance)
        self.queue = Queue(self.reconcile)
        terms, origins = TermsBook(world), QuietHosts(world.clock).around(world.origins)
        self.installs = InstallReconciler(world, pace, self.queue, SourceDesk(world, terms, origins))
        self._remover = InstallRemover(world, pace, self.installs.forget)
        self._repositories = RepositoryReconciler(world, pace, SourceDesk(world, terms, origins))
        self._unreported: dict[Key, int] = {}
        Wake(world, self.queue, self.installs.chosen, self.installs.named).connect()

    async def reconcile(self, key: Key) -> float | None:
        """One reconcile; seconds until the next look. An outcome that could not be reported is tried again."""
        try:
            delay = await self._story(key)
        except PackhouseError as error:
            if await self._is_gone(key):
                self._unreported.pop(key, None)
                return None
            tries = self._unreported[key] = self._unreported.get(key, 0) + 1
            settings = self._world.settings
            log.warning("%s: %s", key, error.message)
            return backoff(
                tries,
                first=settings.backoff_first_seconds,
                most=settings.backoff_most_seconds,
                chance=self._world.chance(),
            )
        self._unreported.pop(key, None)
        return delay

    async def _is_gone(self, key: Key) -> bool:
        """Whether the object does not exist any more: a watch that was interrupted need not tell of a deletion."""
        store: Objects[Any] = (
            self._world.stores.installs if key.kind == INSTALLED_PACKAGE else self._world.stores.repositories
        )
        where: ObjectKey = (key.namespace, key.name)
        known = store.get(where)
        if known is None:
            return True
        try:
            ref = Ref(Kind(INSTALL_GROUP, VERSION, key.kind), key.namespace, key.name)
            found = await self._world.cluster.get(ref, metadata_only=True)
        except PackhouseError:
            return False
        if found is not None and found["metadata"]["uid"] == known.meta.uid:
            return False
        if store.get(where) is known:  # another of the same name may have been heard of meanwhile
            store.drop(where)
        return True

    async def _story(self, key: Key) -> float | None:
        where: ObjectKey = (key.namespace, key.name)
        if key.kind == INSTALLED_PACKAGE:
            install = self._world.stores.installs.get(where)
            if install is None:
                self.installs.forget(where)
                return None
            return await (self._remover.remove(install) if install.meta.deleting else self.installs.reconcile(install))
        repository = self._world.stores.repositories.get(where)
        if repository is None:
            self._repositories.forget(where)
            return None
        story = self._repositories
        return await (story.remove(repository) if repository.meta.deleting else story.reconcile(repository))
