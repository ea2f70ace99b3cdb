"""From a key to its story, and from a change to the keys that it concerns.

The queue calls `reconcile`; the stores call the `*_changed` functions. A change wakes those whom it concerns and no
others; what a woken reconcile does never depends on why it was woken.
"""

from __future__ import annotations

import logging
from typing import Any

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.errors import PackhouseError
from packhouse.api.names import INSTALL_GROUP, INSTALLED_PACKAGE, PACKAGE_REPOSITORY, VERSION
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.api.views import Key as ObjectKey
from packhouse.domain.catalogue import Entry, choose
from packhouse.domain.schedule import backoff
from packhouse.ports import Kind, Ref
from packhouse.queue import Key, Queue
from packhouse.reconcile.install import InstallReconciler, mark_of, wish_of
from packhouse.reconcile.removal import InstallRemover
from packhouse.reconcile.repository import RepositoryReconciler
from packhouse.reconcile.stores import Objects
from packhouse.reconcile.world import World

log = logging.getLogger(__name__)


class Dispatch:
    """Made by app.py; `wake` must be called before the stores are filled."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._installs = InstallReconciler(world)
        self._remover = InstallRemover(world, self._installs.forget)
        self._repositories = RepositoryReconciler(world)
        self._unreported: dict[Key, int] = {}
        self.queue = Queue(self.reconcile)

    def wake(self) -> None:
        """Connect the stores: from now on their changes add keys."""
        stores = self._world.stores
        stores.installs.changed = self._install_changed
        stores.repositories.changed = self._repository_changed
        stores.packages.changed = self._package_changed
        stores.metadatas.changed = self._metadata_changed
        stores.secrets.changed = self._secret_changed

    async def reconcile(self, key: Key) -> float | None:
        """One reconcile; seconds until the next look. An outcome that could not be reported is tried again."""
        try:
            delay = await self._story(key)
        except PackhouseError as error:
            if await self._is_gone(key):
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
                self._installs.forget(where)
                return None
            return await (self._remover.remove(install) if install.meta.deleting else self._installs.reconcile(install))
        repository = self._world.stores.repositories.get(where)
        if repository is None:
            self._repositories.forget(where)
            return None
        story = self._repositories
        return await (story.remove(repository) if repository.meta.deleting else story.reconcile(repository))

    def _install_changed(self, before: InstalledPackage | None, after: InstalledPackage | None) -> None:
        changed = after or before
        assert changed is not None  # noqa: S101 - a change has a before or an after
        key = Key(INSTALLED_PACKAGE, *changed.meta.key)
        if after is None:
            self.queue.forget(key)
        elif before is None or _asks_anew(before, after):
            self.queue.add(key)
        if before is not None and (after is None or _holds(before) != _holds(after)):
            self._wake_conflicting()

    def _wake_conflicting(self) -> None:
        """An install lets go of objects: those that were told of an owner look whether it still is one."""
        for install in self._world.stores.installs:
            failed = find(install.conditions, ConditionType.RECONCILE_FAILED)
            if failed is not None and failed.status is Status.TRUE and failed.reason == Reason.OWNERSHIP_CONFLICT:
                self.queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))

    def _repository_changed(self, before: PackageRepository | None, after: PackageRepository | None) -> None:
        changed = after or before
        assert changed is not None  # noqa: S101 - a change has a before or an after
        key = Key(PACKAGE_REPOSITORY, *changed.meta.key)
        if after is None:
            self.queue.forget(key)
        elif before is None or _asks_anew(before, after):
            self.queue.add(key)

    def _package_changed(self, before: Entry | None, after: Entry | None) -> None:
        for public_name in {entry.public_name for entry in (before, after) if entry is not None}:
            for install in self._world.stores.installs:
                if install.public_name == public_name and self._is_concerned(install):
                    self.queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))
        self._wake_repositories(before, after)

    def _metadata_changed(self, before: Entry | None, after: Entry | None) -> None:
        self._wake_repositories(before, after)

    def _is_concerned(self, install: InstalledPackage) -> bool:
        """Whether the catalogue means something else to the install than when it last looked."""
        last = self._installs.chosen.get(install.meta.key)
        known = self._world.stores.packages.lookup(install.public_name, install.meta.namespace)
        try:
            return mark_of(choose(wish_of(install), known)) != last
        except PackhouseError as error:
            return str(error.reason) != last

    def _wake_repositories(self, before: Entry | None, after: Entry | None) -> None:
        """Those that own or share what changed; when something is gone, all that could offer it instead."""
        if after is None:
            names = {repository.meta.name for repository in self._world.stores.repositories}
        else:
            names = set(after.offered_by | before.offered_by) if before is not None else set()
        for name in names:
            if self._world.stores.repositories.get(("", name)) is not None:
                self.queue.add(Key(PACKAGE_REPOSITORY, "", name))

    def _secret_changed(self, before: tuple[ObjectKey, str] | None, after: tuple[ObjectKey, str] | None) -> None:
        changed = after or before
        assert changed is not None  # noqa: S101 - a change has a before or an after
        namespace, name = changed[0]
        for install in self._world.stores.installs:
            if install.meta.namespace == namespace and any(ref.secret == name for ref in install.values):
                self.queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))


def _holds(install: InstalledPackage) -> object:
    return install.status.get("inventory")


def _asks_anew(before: InstalledPackage | PackageRepository, after: InstalledPackage | PackageRepository) -> bool:
    """Whether more changed than status, which only we write. (A change of annotations moves no generation.)"""
    old, new = before.meta, after.meta
    return (old.uid, old.generation, old.deleting, old.finalizers, old.annotations) != (
        new.uid,
        new.generation,
        new.deleting,
        new.finalizers,
        new.annotations,
    )
