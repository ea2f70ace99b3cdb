"""What is live of the objects that a plan speaks of, and where each object belongs. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from packhouse.api.errors import PackhouseError, RenderedInvalid
from packhouse.deploy.unserved import not_served
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import Placement, kind_of, ref_of, unusable
from packhouse.ports import Cluster, Json, Kind, Ref, Served

T = TypeVar("T")


class Reader(Protocol):
    """What looking at single objects needs of a Cluster."""

    async def served(self, kind: Kind) -> Served | None: ...

    async def groups(self) -> Sequence[str]: ...

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None: ...


async def live(cluster: Reader, refs: Iterable[Ref]) -> dict[Identity, Json]:
    """The metadata of those that exist. Of two refs to the same object the first says under which version.

    Raises Forbidden, ClusterUnavailable.
    """
    wanted: dict[Identity, Ref] = {}
    for ref in refs:
        if Identity.of(ref) not in wanted:
            wanted[Identity.of(ref)] = await _under_served_version(cluster, ref)
    found = await gathered([cluster.get(ref, metadata_only=True) for ref in wanted.values()])
    return {identity: obj for identity, obj in zip(wanted, found, strict=True) if obj is not None}


async def _under_served_version(cluster: Reader, ref: Ref) -> Ref:
    """A recorded object outlives the version that it was applied under: another one serves it as well."""
    if await cluster.served(ref.kind) is not None:
        return ref
    for api_version in await cluster.groups():
        group, _, version = api_version.rpartition("/")
        other = Kind(group, version, ref.kind.kind)
        if group == ref.kind.group and await cluster.served(other) is not None:
            return Ref(other, ref.namespace, ref.name)
    return ref


async def settled(cluster: Cluster, objects: Sequence[Json], placement: Placement) -> list[Json]:
    """`objects` in their namespaces. Raises DeployFailed for a kind that nobody serves or brings, and RenderedInvalid
    for what can be no object's name, and for two different contents of what turns out to be one object."""
    for obj in objects:
        if (problem := unusable(obj)) is not None:
            raise RenderedInvalid(f"{obj['kind']} {obj['metadata']['name']!r}: {problem}")
    brought = brought_kinds(objects)
    scopes: dict[Kind, bool] = {}
    unknown: dict[Kind, Ref] = {}
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
            unknown.setdefault(kind, ref_of(obj))
    if unknown:
        raise await not_served(cluster, list(unknown.values()))
    at_home = [placement.placed(obj, namespaced=scopes[kind_of(obj)]) for obj in objects]
    once: dict[Identity, Json] = {}
    for obj in at_home:
        if once.setdefault(Identity.of(ref_of(obj)), obj) != obj:
            raise RenderedInvalid(
                f"{ref_of(obj)} is rendered twice, once without its namespace, and the two differ; remove one of them"
            )
    return list(once.values())


def brought_kinds(objects: Sequence[Json]) -> Mapping[tuple[str, str], Json]:
    """The CRDs among `objects`, by group and kind; one that names neither is left for the API server to refuse."""
    crds = [
        obj
        for obj in objects
        if obj["kind"] == "CustomResourceDefinition" and kind_of(obj).group == "apiextensions.k8s.io"
    ]
    return {brings: crd for crd in crds if (brings := _brings(crd)) is not None}


def _brings(crd: Json) -> tuple[str, str] | None:
    """The group and the kind of a CRD that a package wrote."""
    spec = crd.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    if not isinstance(names, dict) or not isinstance(names.get("plural"), str):
        return None
    group, kind = crd["spec"].get("group"), names.get("kind")
    return (group, kind) if isinstance(group, str) and isinstance(kind, str) else None


async def gathered(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers in order; the first error ends the others (the client bounds how many are in flight)."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except* PackhouseError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
