"""The objects of an install, and what they own, as far as the caller may read them. Looks and changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from packhouse.api.errors import Forbidden
from packhouse.api.names import OWNER_LABEL
from packhouse.client.session import Session
from packhouse.deploy.live import gathered, in_served_version
from packhouse.domain.inventory import Identity, Inventory
from packhouse.domain.object_tree import Node, kinds_owned_by, tree
from packhouse.domain.objects import owner_label
from packhouse.domain.readiness import needs_no_look
from packhouse.ports import Cluster, Json, Kind, Ref


@dataclass(frozen=True, slots=True, order=True)
class Barred:
    """What the caller may not do. `namespace` is "" for kinds without."""

    namespace: str
    verb: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Objects:
    """`nodes` in the order in which they were applied; `barred`: why some are not known."""

    nodes: Sequence[Node]
    barred: Sequence[Barred]

    @property
    def all(self) -> list[Node]:
        """Those that are owned, too."""
        return [one for node in self.nodes for one in node]


@dataclass(slots=True)
class _Seen:
    live: dict[Identity, Json] = field(default_factory=dict)
    unread: set[Identity] = field(default_factory=set)
    owned: list[Json] = field(default_factory=list)
    barred: set[Barred] = field(default_factory=set)


async def objects_of(session: Session, install: Json) -> Objects:
    """Raises ClusterUnavailable."""
    metadata = install["metadata"]
    inventory = Inventory.from_wire((install.get("status") or {}).get("inventory"))
    owner = f"{metadata['namespace']}/{metadata['name']}"
    seen = _Seen()
    rooms: dict[tuple[Kind, str], list[Ref]] = defaultdict(list)
    for entry in inventory:
        rooms[entry.ref.kind, entry.ref.namespace].append(entry.ref)
    await gathered([_read(session.cluster, owner, room, refs, seen) for room, refs in rooms.items()])
    kinds: dict[str, set[Kind]] = defaultdict(set)
    for identity, obj in seen.live.items():
        if identity.namespace:
            group, _, version = obj["apiVersion"].rpartition("/")
            kinds[identity.namespace].add(Kind(group, version, identity.kind))
    uids = {obj["metadata"]["uid"] for obj in seen.live.values()}
    await gathered([_read_owned(session.cluster, namespace, kinds[namespace], uids, seen) for namespace in kinds])
    return Objects(tree(inventory, seen.live, seen.unread, seen.owned), sorted(seen.barred))


def in_words(barred: Sequence[Barred]) -> list[str]:
    """A sentence for each verb and namespace."""
    rooms: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in barred:
        rooms[one.verb, one.namespace].append(one.kind.kind)
    return [
        f"you may not {verb} {', '.join(kinds)}{f' in namespace {namespace}' if namespace else ''}"
        for (verb, namespace), kinds in rooms.items()
    ]


async def _read(cluster: Cluster, owner: str, room: tuple[Kind, str], refs: Sequence[Ref], seen: _Seen) -> None:
    """The objects of one kind in one namespace: several by one list, the others each by itself."""
    recorded, namespace = room
    kind = await in_served_version(cluster, recorded)
    metadata_only = needs_no_look(kind)
    left = {ref.name: ref for ref in refs}

    def keep(obj: Json) -> None:
        ref = left.pop(obj["metadata"]["name"], None)
        if ref is not None:
            seen.live[Identity.of(ref)] = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}

    if len(refs) > 1:
        selector = f"{OWNER_LABEL}={owner_label(owner)}"
        try:
            async for page in cluster.pages(
                kind, namespace=namespace, label_selector=selector, metadata_only=metadata_only
            ):
                for obj in page.items:
                    keep(obj)
        except Forbidden:  # to get each may be allowed all the same
            pass

    async def get(ref: Ref) -> None:
        try:
            found = await cluster.get(Ref(kind, ref.namespace, ref.name), metadata_only=metadata_only)
        except Forbidden:
            seen.unread.add(Identity.of(ref))
            seen.barred.add(Barred(ref.namespace, "get", kind))
        else:
            if found is not None:
                keep(found)

    await gathered([get(ref) for ref in list(left.values())])


async def _read_owned(
    cluster: Cluster, namespace: str, kinds: Iterable[Kind], recorded: Iterable[str], seen: _Seen
) -> None:
    """What objects of these kinds own in the namespace; owners are read before what they own."""
    owners = set(recorded)
    for kind in kinds_owned_by(kinds):
        try:
            async for page in cluster.pages(kind, namespace=namespace):
                for obj in page.items:
                    if any(owner["uid"] in owners for owner in obj["metadata"].get("ownerReferences") or ()):
                        owners.add(obj["metadata"]["uid"])
                        seen.owned.append(obj)
        except Forbidden:
            seen.barred.add(Barred(namespace, "list", kind))
