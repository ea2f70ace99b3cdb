"""What templates may know of the cluster: its version and its API groups. Asked for once a minute for all installs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from packhouse.ports import Cluster, Json

FRESH_SECONDS: Final = 60.0


class ClusterFacts:
    """{"version": "v1.37.2", "apiGroups": ["apps/v1", ...]}"""

    def __init__(self, cluster: Cluster, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked = float("-inf")
        self._facts: Json = {}

    @property
    def version(self) -> str:
        """The cluster's version as it was told last; "" before that."""
        return str(self._facts.get("version", ""))

    async def now(self) -> Json:
        """Raises ClusterUnavailable."""
        async with self._lock:
            if self._clock() - self._asked >= FRESH_SECONDS:
                version, groups = await asyncio.gather(self._cluster.version(), self._cluster.groups())
                self._facts = {"version": version, "apiGroups": list(groups)}
                self._asked = self._clock()
            return self._facts
