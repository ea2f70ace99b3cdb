"""What a reconcile has at hand: the ports, the stores and the settings, as one value made by app.py."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from packhouse.api.views import InstalledPackage, Key, PackageRepository
from packhouse.domain.catalogue import Entry
from packhouse.fetch import Origins
from packhouse.ports import Cluster, Identities, Owned, Renderer
from packhouse.reconcile.facts import ClusterFacts
from packhouse.reconcile.owned import Unwatched
from packhouse.reconcile.report import Reporter
from packhouse.reconcile.stores import Objects, Packages
from packhouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """What the watches know."""

    installs: Objects[InstalledPackage]
    repositories: Objects[PackageRepository]
    packages: Packages
    metadatas: Objects[Entry]
    secrets: Objects[tuple[Key, str]]


@dataclass(frozen=True, slots=True)
class World:
    """`chance` gives a number in [0, 1) for jitter."""

    cluster: Cluster  # as the operator
    identities: Identities  # as an install's service account
    origins: Origins
    renderer: Renderer
    reporter: Reporter
    facts: ClusterFacts
    stores: Stores
    settings: Settings
    reading: asyncio.Semaphore  # around content that is held in memory on its way to the renderer
    owned: Owned = field(default_factory=Unwatched)  # the live objects of all installs, as far as they are watched
    chance: Callable[[], float] = random.random
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
