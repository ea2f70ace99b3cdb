"""One object as it changes: by a watch where the caller may watch, else by looking again and again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final

from packhouse.api.errors import ClusterUnavailable, Forbidden
from packhouse.ports import Cluster, Json, Ref, WatchExpired

#: Between two looks where no watch is allowed: at first, and at the most. With as much jitter again as a quarter.
FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 5.0


async def sightings(cluster: Cluster, ref: Ref) -> AsyncIterator[Json | None]:
    """The object as it is now and each time that it changed; None, and the end, once it is gone.

    A cluster that does not answer for a moment is asked again. Raises Forbidden where the caller may not even get it.
    """
    may_watch, pause = True, FIRST_SECONDS
    while True:
        try:
            obj = await cluster.get(ref)
        except ClusterUnavailable:
            await asyncio.sleep(_jittered(pause))
            continue
        yield obj
        if obj is None:
            return
        if may_watch:
            try:
                async for event in cluster.watch(
                    ref.kind, resource_version=obj["metadata"]["resourceVersion"], namespace=ref.namespace
                ):
                    if event.type == "BOOKMARK" or event.object["metadata"].get("name") != ref.name:
                        continue
                    yield None if event.type == "DELETED" else event.object
                    if event.type == "DELETED":
                        return
            except WatchExpired:
                continue
            except ClusterUnavailable:
                pass
            except Forbidden:
                may_watch = False
        await asyncio.sleep(_jittered(pause))
        pause = pause if may_watch else min(pause * 1.5, MOST_SECONDS)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.25)  # noqa: S311 - jitter
