"""The dry run of a plan: what each change would make of its object, as the API server says itself.

A server-side dry run counts defaults, admission and the fields of other writers, so what is shown is what would be.
Reads only. An object that would be refused, or rests on another one of the same plan, is shown as it was rendered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.api.errors import ClusterUnavailable, PackhouseError
from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.change import WRITES, Action, Change, Plan
from packhouse.domain.difference import Difference, differences
from packhouse.ports import Cluster, Json


@dataclass(frozen=True, slots=True)
class Preview:
    """One change and what it would do; `refusal` is why the API server would not take it now, "" where it would."""

    change: Change
    differences: Sequence[Difference]
    refusal: str = ""

    def __str__(self) -> str:
        lines = [str(self.change), *(f"  {difference}" for difference in self.differences)]
        if self.refusal:
            lines.append(f"  not asked to the end: {self.refusal}")
        return "\n".join(lines)


async def dry_run(cluster: Cluster, plan: Plan) -> Sequence[Preview]:
    """In the order of the plan; what stays as it is is left out. Raises Forbidden for reads, ClusterUnavailable."""
    changing = [change for change in plan if change.action not in (Action.KEEP, Action.SKIP)]
    return await asyncio.gather(*(_preview(cluster, change) for change in changing))


async def _preview(cluster: Cluster, change: Change) -> Preview:
    if change.action not in WRITES or change.obj is None:
        return Preview(change, ())
    live = await cluster.get(change.ref) if change.uid else None
    before = None if change.action is Action.REPLACE else live
    try:
        after = await _asked(cluster, change)
    except ClusterUnavailable:
        raise
    except PackhouseError as refused:
        return Preview(change, differences(before, change.obj), refused.message)
    return Preview(change, differences(before, after))


async def _asked(cluster: Cluster, change: Change) -> Json:
    """What would stand there; a replacement is not asked for, since the object that it replaces is in its way."""
    assert change.obj is not None, "only what is applied is asked for"  # noqa: S101 - the caller looked
    if change.action is Action.REPLACE:
        return change.obj
    return await cluster.apply(change.obj, manager=APPLY_MANAGER, dry_run=True)
