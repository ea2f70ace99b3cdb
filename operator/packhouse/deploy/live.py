"""What is live of the objects that a plan speaks of, and where each object belongs. Reads only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from packhouse.api.errors import Forbidden, PackhouseError, RenderedInvalid, Waiting
from packhouse.deploy.unserved import not_served
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import Placement, kind_of, ref_of, unusable
from packhouse.ports import Cluster, Json, Kind, Page, Ref, Served

T = TypeVar("T")


class Reader(Protocol):
    """What looking at objects needs of a Cluster."""

    async def served(self, kind: Kind) -> Served | None: ...

    async def groups(self) -> Sequence[str]: ...

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None: ...

    def pages(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Page]: ...


#: Of one kind in one namespace, from this many on a list costs less than asking for each.
MANY: Final = 20
#: A list that holds so many times more than what is looked for costs more.
OTHERS_MOST: Final = 10


async def live(cluster: Reader, refs: Iterable[Ref]) -> dict[Identity, Json]:
    """The metadata of those that exist. Of two refs to the same object the first says under which version.

    Raises Forbidden, ClusterUnavailable.
    """
    wanted: dict[Identity, Ref] = {}
    served: dict[Kind, Kind] = {}  # a kind that is served no more is looked for once, and not for each object
    for ref in refs:
        if ref.kind not in served:
            served[ref.kind] = await in_served_version(cluster, ref.kind)
        wanted.setdefault(Identity.of(ref), Ref(served[ref.kind], ref.namespace, ref.name))
    rooms: dict[tuple[Kind, str], list[Ref]] = defaultdict(list)
    for ref in wanted.values():
        rooms[ref.kind, ref.namespace].append(ref)
    found: dict[Ref, Json] = {}
    for there in await gathered([_in_room(cluster, *room, refs) for room, refs in rooms.items()]):
        found |= there
    return {identity: found[ref] for identity, ref in wanted.items() if ref in found}


async def _in_room(cluster: Reader, kind: Kind, namespace: str, refs: Sequence[Ref]) -> dict[Ref, Json]:
    """Those of one kind in one namespace that exist."""
    if len(refs) >= MANY:
        listed = await _listed(cluster, kind, namespace, refs)
        if listed is not None:
            return listed
    answers = await gathered([cluster.get(ref, metadata_only=True) for ref in refs])
    return {ref: obj for ref, obj in zip(refs, answers, strict=True) if obj is not None}


async def _listed(cluster: Reader, kind: Kind, namespace: str, refs: Sequence[Ref]) -> dict[Ref, Json] | None:
    """The same from a list; None where the account may not list, or the list is too long for what is looked for."""
    by_name, found, seen = {ref.name: ref for ref in refs}, dict[Ref, Json](), 0
    try:
        async for page in cluster.pages(kind, namespace=namespace, metadata_only=True):
            seen += len(page.items)
            if seen > OTHERS_MOST * len(refs):
                return None
            for obj in page.items:
                ref = by_name.get(obj["metadata"]["name"])
                if ref is not None:
                    found[ref] = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
    except (Forbidden, Waiting):  # asked one by one, each says itself what stands in its way
        return None
    return found


async def in_served_version(cluster: Reader, kind: Kind) -> Kind:
    """A recorded object outlives the version that it was applied under: another one serves it as well."""
    if await cluster.served(kind) is not None:
        return kind
    for api_version in await cluster.groups():
        group, _, version = api_version.rpartition("/")
        other = Kind(group, version, kind.kind)
        if group == kind.group and await cluster.served(other) is not None:
            return other
    return kind


async def settled(cluster: Cluster, objects: Sequence[Json], placement: Placement) -> list[Json]:
    """`objects` in their namespaces. Raises DeployFailed for a kind that nobody serves or brings, and RenderedInvalid
    for what can be no object's name, and for two different contents of what turns out to be one object."""
    for obj in objects:
        if (problem := unusable(obj)) is not None:
            raise RenderedInvalid(f"{obj['kind']} {obj['metadata']['name']!r}: {problem}")
    brought = brought_kinds(objects)
    await _asked_anew(cluster, map(kind_of, objects))
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


async def _asked_anew(cluster: Cluster, kinds: Iterable[Kind]) -> None:
    """CRDs come and go: what a plan rests on was asked for this plan. Groups without a dot are the API server's own."""
    places = {(kind.group, kind.version): kind for kind in kinds if "." in kind.group}
    await gathered([cluster.served(kind, anew=True) for kind in places.values()])


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
