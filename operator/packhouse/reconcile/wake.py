"""From a change to the keys that it concerns: a change wakes those whom it concerns, and no others.

The stores call these functions; they add keys to the queue and do nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from packhouse.api.conditions import ConditionType, Reason, Status, find
from packhouse.api.errors import PackhouseError
from packhouse.api.names import INSTALLED_PACKAGE, PACKAGE_REPOSITORY
from packhouse.api.views import InstalledPackage, PackageRepository
from packhouse.api.views import Key as ObjectKey
from packhouse.domain.catalogue import Entry
from packhouse.domain.fetch_references import fetch_references
from packhouse.queue import Key, Queue
from packhouse.reconcile.drift import Drift
from packhouse.reconcile.gather import mark_of, take
from packhouse.reconcile.terms import secrets_of
from packhouse.reconcile.world import World

Watched = InstalledPackage | PackageRepository


class Wake:
    """`chosen` is what each install took from the catalogue when it last looked, `named` the Secrets that its package
    named then."""

    def __init__(
        self,
        world: World,
        queue: Queue,
        chosen: Mapping[ObjectKey, str],
        named: Mapping[ObjectKey, frozenset[str]],
    ) -> None:
        self._world = world
        self._stores = world.stores
        self._queue = queue
        self._chosen = chosen
        self._named = named
        self._drift = Drift(world, queue)

    def connect(self) -> None:
        """From now on the changes of the stores add keys."""
        self._stores.installs.changed = self._install_changed
        self._stores.repositories.changed = self._repository_changed
        self._stores.packages.changed = self._package_changed
        self._stores.metadatas.changed = self._wake_repositories
        self._stores.secrets.changed = self._secret_changed
        self._drift.connect()

    def _install_changed(self, before: InstalledPackage | None, after: InstalledPackage | None) -> None:
        self._changed(INSTALLED_PACKAGE, before, after)
        if after is not None and (before is None or _holds(before) != _holds(after)):
            self._drift.follow(after)
        if before is not None and (after is None or _holds(before) != _holds(after)):
            self._wake_conflicting()

    def _repository_changed(self, before: PackageRepository | None, after: PackageRepository | None) -> None:
        self._changed(PACKAGE_REPOSITORY, before, after)
        # Who must have signed, and how a source is reached, counts for what came from it as well.
        if before is not None and after is not None and _terms(before) != _terms(after):
            self._wake_installs_from(after)

    def _wake_installs_from(self, repository: PackageRepository) -> None:
        for install in self._stores.installs:
            if install.recorded_repository == repository.meta.name:
                self._queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))

    def _changed(self, kind: str, before: Watched | None, after: Watched | None) -> None:
        if after is not None and (before is None or _asks_anew(before, after)):
            self._queue.add(Key(kind, *after.meta.key))
        elif after is None and before is not None:
            self._queue.forget(Key(kind, *before.meta.key))

    def _wake_conflicting(self) -> None:
        """An install lets go of objects: those that were told of an owner look whether it still is one."""
        for install in self._stores.installs:
            failed = find(install.conditions, ConditionType.RECONCILE_FAILED)
            if failed is not None and failed.status is Status.TRUE and failed.reason == Reason.OWNERSHIP_CONFLICT:
                self._queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))

    def _package_changed(self, before: Entry | None, after: Entry | None) -> None:
        for public_name in {entry.public_name for entry in (before, after) if entry is not None}:
            for install in self._stores.installs:
                if install.public_name == public_name and self._is_concerned(install):
                    self._queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))
        self._wake_repositories(before, after)

    def _is_concerned(self, install: InstalledPackage) -> bool:
        """Whether the catalogue means something else to the install than when it last looked."""
        last = self._chosen.get(install.meta.key)
        try:
            return mark_of(take(self._world, install)) != last
        except PackhouseError as error:
            return str(error.reason) != last

    def _wake_repositories(self, before: Entry | None, after: Entry | None) -> None:
        """Those that own or share what changed; when something is gone, all that could offer it instead."""
        if after is None:
            names = {repository.meta.name for repository in self._stores.repositories}
        else:
            names = set(after.offered_by | before.offered_by) if before is not None else set()
        for name in names:
            if self._stores.repositories.get(("", name)) is not None:
                self._queue.add(Key(PACKAGE_REPOSITORY, "", name))

    def _secret_changed(self, before: tuple[ObjectKey, str] | None, after: tuple[ObjectKey, str] | None) -> None:
        changed = after or before
        assert changed is not None  # noqa: S101 - a change has a before or an after
        namespace, name = changed[0]
        for install in self._stores.installs:
            if install.meta.namespace == namespace and self._reads(install, name):
                self._queue.add(Key(INSTALLED_PACKAGE, *install.meta.key))
        if namespace == self._world.settings.operator_namespace:
            self._secret_of_repositories_changed(name)

    def _secret_of_repositories_changed(self, name: str) -> None:
        for repository in self._stores.repositories:
            inherited = name in secrets_of(repository)
            fetched = [found for kind, found in fetch_references([repository.fetch]) if kind == "Secret"]
            if inherited or name in fetched or name in self._world.settings.registry_secrets:
                self._queue.add(Key(PACKAGE_REPOSITORY, *repository.meta.key))
            if inherited:
                self._wake_installs_from(repository)

    def _reads(self, install: InstalledPackage, secret: str) -> bool:
        if any(ref.secret == secret for ref in install.values) or secret in install.overlay_secrets:
            return True
        return secret in self._named.get(install.meta.key, ())


def _terms(repository: PackageRepository) -> object:
    return repository.verify, repository.cert_secret, repository.proxy_secret


def _holds(install: InstalledPackage) -> object:
    return install.status.get("inventory")


def _asks_anew(before: Watched, after: Watched) -> bool:
    """Whether more changed than status, which only we write. (Annotations and labels move no generation.)"""
    old, new = before.meta, after.meta
    return (old.uid, old.generation, old.deleting, old.finalizers, old.annotations, old.labels) != (
        new.uid,
        new.generation,
        new.deleting,
        new.finalizers,
        new.annotations,
        new.labels,
    )
