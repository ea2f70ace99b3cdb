"""From a changed object to the install that owns it, where what changed is not what is recorded.

Told by the watches of owned objects (wake.py connects it). An event is no drift by itself: most come of our own
writes. So what changed is compared with the recorded inventory a moment later, and never while the install is being
worked on: by then the status that records our writes is stored. What is not confirmed is not compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from packhouse.api.names import INSTALLED_PACKAGE
from packhouse.api.views import InstalledPackage
from packhouse.domain.inventory import Identity, Inventory
from packhouse.ports import Kind, Ref
from packhouse.queue import Key, Queue
from packhouse.reconcile.owned import kinds_of
from packhouse.reconcile.world import World

#: After the last of many changes: what is deleted together is repaired together. kubectl deletes five objects a second.
QUIET_SECONDS: Final = 0.25
#: After the first of them: a repair takes less than a second, and is due within two.
MOST_SECONDS: Final = 1.0


class Timer(Protocol):
    def cancel(self) -> None: ...


#: Calls a function after so many seconds.
Later = Callable[[float, Callable[[], None]], Timer]


def _later(seconds: float, then: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, then)


@dataclass(slots=True)
class _Pending:
    """What changed of one install since `began`, and was not compared yet."""

    timer: Timer
    began: float
    changed: set[Identity] = field(default_factory=set)


class Drift:
    """`later` and `clock` are the event loop's."""

    def __init__(
        self,
        world: World,
        queue: Queue,
        *,
        later: Later = _later,
        clock: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
    ) -> None:
        self._owned = world.owned
        self._installs = world.stores.installs
        self._queue = queue
        self._later = later
        self._clock = clock
        self._pending: dict[str, _Pending] = {}
        self._listed = set[tuple[str, str]]()  # group and kind

    def connect(self) -> None:
        self._owned.listen(self)

    def follow(self, install: InstalledPackage) -> None:
        """Its inventory changed: the kinds in it are watched from now on."""
        self._owned.follow(kinds_of([install]))

    def changed(self, owner: str, ref: Ref) -> None:
        now = self._clock()
        pending = self._pending.get(owner)
        if pending is not None:
            pending.timer.cancel()
        began = pending.began if pending is not None else now
        due = max(0.0, min(QUIET_SECONDS, began + MOST_SECONDS - now))
        timer = self._later(due, lambda: self._compare(owner))
        changed = pending.changed if pending is not None else set()
        changed.add(Identity.of(ref))
        self._pending[owner] = _Pending(timer, began, changed)

    def listed(self, kind: Kind) -> None:
        """What happened before the watch began was told by nobody: compare all of the kind, once."""
        if not self._listed:
            self._later(QUIET_SECONDS, self._compare_listed)
        self._listed.add((kind.group, kind.kind))

    def _compare_listed(self) -> None:
        listed, self._listed = self._listed, set()
        for install in self._installs:
            for entry in Inventory.from_wire(install.status.get("inventory")):
                if (entry.ref.kind.group, entry.ref.kind.kind) in listed:
                    self.changed(install.owner, entry.ref)

    def _compare(self, owner: str) -> None:
        namespace, _, name = owner.partition("/")
        key = Key(INSTALLED_PACKAGE, namespace, name)
        if self._queue.is_working(key):
            self._again(owner)
            return
        install = self._installs.get((namespace, name))
        if install is None or install.meta.deleting or install.paused or install.canceled:
            del self._pending[owner]
            return
        pending = self._pending[owner]
        verdicts = self._judged(Inventory.from_wire(install.status.get("inventory")), pending.changed)
        # What is not confirmed yet will be, where a roll-out is under way and only waits just now.
        pending.changed = {identity for identity, drifted in verdicts.items() if drifted is None}
        if any(verdicts.values()):
            del self._pending[owner]
            self._queue.add(key)
        elif pending.changed and self._queue.is_busy(key):
            self._again(owner)
        else:
            del self._pending[owner]

    def _again(self, owner: str) -> None:
        self._pending[owner].timer = self._later(QUIET_SECONDS, lambda: self._compare(owner))

    def _judged(self, inventory: Inventory, changed: set[Identity]) -> dict[Identity, bool | None]:
        """Whether each of `changed` that is recorded is drift; None where its record is not confirmed."""
        verdicts: dict[Identity, bool | None] = {}
        for entry in (inventory.entries[identity] for identity in changed if identity in inventory.entries):
            seen = self._owned.find(entry.ref)
            if not entry.managed:
                verdicts[Identity.of(entry.ref)] = None
            elif self._owned.knows(entry.ref.kind):
                intact = seen is not None and entry.is_intact(seen.uid, seen.managed)
                verdicts[Identity.of(entry.ref)] = not intact
        return verdicts
