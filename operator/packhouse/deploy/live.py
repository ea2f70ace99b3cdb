"""What is live of the objects that a plan speaks of, and where each object belongs. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from packhouse.api.errors import DeployFailed, PackhouseError
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import kind_of, placed, ref_of
from packhouse.ports import Cluster, Json, Kind, Ref

T = TypeVar("T")


async def live(cluster: Cluster, refs: Iterable[Ref]) -> dict[Identity, Json]:
    """The metadata of those that exist. Raises Forbidden, ClusterUnavailable."""
    wanted = {Identity.of(ref): ref for ref in refs}
    found = await gathered([cluster.get(ref, metadata_only=True) for ref in wanted.values()])
    return {identity: obj for identity, obj in zip(wanted, found, strict=True) if obj is not None}


async def settled(cluster: Cluster, objects: Sequence[Json], default_namespace: str) -> list[Json]:
    """`objects` in their namespaces. Raises DeployFailed for a kind that nobody serves or brings."""
    brought = brought_kinds(objects)
    scopes: dict[Kind, bool] = {}
    unknown: list[Ref] = []
    for obj in objects:
        kind = kind_of(obj)
        if kind in scopes:
            continue
        served = await cluster.served(kind)
        if served is not None:
            scopes[kind] = served.namespaced
        elif (kind.group, kind.kind) in brought:
            scopes[kind] = brought[kind.group, kind.kind]["spec"].get("scope") == "Namespaced"
        else:
            unknown.append(ref_of(obj))
    if unknown:
        raise DeployFailed(
            f"{unknown[0]}: this cluster does not serve {unknown[0].kind}, and the package brings no CRD for it; "
            f"install what provides it first" + (f" ({len(unknown) - 1} more such kinds)" if unknown[1:] else "")
        )
    return [placed(obj, namespaced=scopes[kind_of(obj)], default_namespace=default_namespace) for obj in objects]


def brought_kinds(objects: Sequence[Json]) -> Mapping[tuple[str, str], Json]:
    """The CRDs among `objects`, by group and kind."""
    return {
        (obj["spec"]["group"], obj["spec"]["names"]["kind"]): obj
        for obj in objects
        if obj["kind"] == "CustomResourceDefinition" and kind_of(obj).group == "apiextensions.k8s.io"
    }


async def gathered(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers in order; the first error ends the others (the client bounds how many are in flight)."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except* PackhouseError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
