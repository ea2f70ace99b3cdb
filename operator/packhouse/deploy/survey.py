"""What is live of an inventory, where a part that cannot be told hides nothing else. Reads only.

A plan must know everything, or it is not made: that is live.py. A deletion goes on with what can be known.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.deploy.live import Reader, live
from packhouse.domain.inventory import Identity
from packhouse.ports import Json, Kind, Ref


@dataclass(frozen=True, slots=True)
class Survey:
    """`found`: metadata of what exists. `untold`: what nobody could tell, and why; the rest does not exist."""

    found: Mapping[Identity, Json]
    untold: Mapping[Identity, PackhouseError]


async def survey(cluster: Reader, refs: Iterable[Ref]) -> Survey:
    """Kind by kind, all at once: an API that does not answer costs its retries once and not for each object."""
    by_kind: dict[Kind, list[Ref]] = defaultdict(list)
    for ref in refs:
        by_kind[ref.kind].append(ref)
    found: dict[Identity, Json] = {}
    untold: dict[Identity, PackhouseError] = {}
    for part in await asyncio.gather(*(_kind(cluster, same) for same in by_kind.values())):
        found |= part.found
        untold |= part.untold
    return Survey(found, untold)


async def _kind(cluster: Reader, refs: list[Ref]) -> Survey:
    try:
        return Survey(await live(cluster, refs), {})
    except Forbidden as error:  # rights may differ from namespace to namespace
        if len(refs) == 1:
            return Survey({}, {Identity.of(refs[0]): error})
    except PackhouseError as error:
        return Survey({}, {Identity.of(ref): error for ref in refs})
    parts = await asyncio.gather(*(_kind(cluster, [ref]) for ref in refs))
    return Survey(
        {identity: obj for part in parts for identity, obj in part.found.items()},
        {identity: error for part in parts for identity, error in part.untold.items()},
    )
