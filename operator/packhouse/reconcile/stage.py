"""What all roll-outs of a process share: the world, what is claimed and fought over, and the queue's places.

Made by install.py, used by rollout.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from packhouse.queue import Key
from packhouse.reconcile.before import Begun
from packhouse.reconcile.claims import Claims
from packhouse.reconcile.contests import Contests
from packhouse.reconcile.gather import Progress
from packhouse.reconcile.outcome import Outcome
from packhouse.reconcile.world import World


class Places(Protocol):
    """The queue, as far as a roll-out knows it."""

    def is_due(self, key: Key) -> bool: ...

    def park(self, key: Key) -> None: ...


#: Reports how far it came: progress, outcome, and fields that are said now only.
Report = Callable[[Progress, Outcome, Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What every roll-out of this process shares."""

    world: World
    claims: Claims
    contests: Contests
    places: Places
    report: Report
    begun: Begun = field(default_factory=Begun)
