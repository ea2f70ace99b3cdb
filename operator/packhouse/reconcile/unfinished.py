"""A deletion that is not done: what is left, as the error that status shows. Pure; called by removal.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.errors import DeletionPending, Failed, NamespaceTerminating, PackhouseError, ServiceAccountMissing
from packhouse.api.views import InstalledPackage
from packhouse.deploy.stand_in import UNUSABLE
from packhouse.domain.blockers import Survivor, named, objects
from packhouse.domain.term import Term

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Unfinished:
    """`ending`: the install's namespace is being deleted, and `survivors` are those outside of it."""

    install: InstalledPackage
    survivors: Sequence[Survivor]
    ending: bool = False

    def error(self, term: Term) -> PackhouseError:
        """What blocks, and what becomes of it."""
        lever = f"at {term} the install lets go of what is left and names it in an Event; spec.noopDelete does so now"
        errors = [survivor.error for survivor in self.survivors if survivor.error is not None]
        account = next((error for error in errors if isinstance(error, UNUSABLE)), None)
        count, where = objects(len(self.survivors)), f"{self.install.meta.namespace}/{self.install.service_account}"
        # Its account goes with the namespace, perhaps before the objects outside of it.
        if account is not None and self.ending:
            return NamespaceTerminating(
                f"namespace {self.install.meta.namespace} is being deleted, and with it the service account {where}, "
                f"which alone may delete {count} outside of it: {self._refs}; delete those by hand, or let the "
                f"setting cleanup_service_account do it ({account}); {lever}"
            )
        # Nothing can be done in its name, so the single objects say nothing more.
        if isinstance(account, ServiceAccountMissing):
            return ServiceAccountMissing(f"{account.message}; left until then ({count}): {self._refs}; {lever}")
        # Something refused; what others wait for is said with it.
        if errors:
            first = account or errors[0]
            blocked = sorted(self.survivors, key=lambda survivor: survivor.error is None)
            told = type(first)(f"{count} not deleted: {named(blocked, MOST_NAMED)}; {lever}")
            if isinstance(told, Failed) and isinstance(first, Failed):
                told.retry_after_seconds = first.retry_after_seconds
            return told
        return DeletionPending(f"waiting for {count} to be gone: {named(self.survivors, MOST_NAMED)}; {lever}")

    @property
    def _refs(self) -> str:
        return named([survivor.ref for survivor in self.survivors], MOST_NAMED)
