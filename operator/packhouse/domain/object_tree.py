"""The objects of an install as a tree: what it recorded, and what those objects own in their turn. Pure.

Built from what a caller could read (client/tree.py). Each object says how it stands: by its own readiness, and by
whether it still is what was applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.inventory import Entry, Identity
from packhouse.domain.objects import managed_digest, ref_of
from packhouse.domain.readiness import needs_no_look, readiness
from packhouse.ports import Json, Kind, Ref


class Standing(StrEnum):
    """How an object stands."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"
    MISSING = "missing"  #: it was applied and is not there
    DRIFTED = "drifted"  #: somebody changed what was applied, or made another object of its name
    UNREAD = "unread"  #: the caller may not read it


@dataclass(frozen=True, slots=True)
class Node:
    """One object and those that it owns. `message` goes on from its name; `uid` is "" where it was not read."""

    ref: Ref
    uid: str
    standing: Standing
    message: str
    children: Sequence[Node] = field(default=())

    @property
    def is_well(self) -> bool:
        """It is as it should be, and all that it owns, as far as that could be read."""
        return all(node.standing in (Standing.READY, Standing.UNREAD) for node in self)

    def __iter__(self) -> Iterator[Node]:
        """Itself, and all below it."""
        yield self
        for child in self.children:
            yield from child


_APPS: Final = ("apps", "v1")
_WORKLOADS: Final = tuple(Kind(*_APPS, kind) for kind in ("Deployment", "StatefulSet", "DaemonSet"))
_CRON_JOB: Final = Kind("batch", "v1", "CronJob")
_JOB: Final = Kind("batch", "v1", "Job")
_REPLICA_SET: Final = Kind(*_APPS, "ReplicaSet")
_POD: Final = Kind("", "v1", "Pod")
#: Kinds that others own, owners before what they own.
OWNED: Final = (*_WORKLOADS, _CRON_JOB, _JOB, _REPLICA_SET, _POD)
_BY_OWNER: Final[Mapping[tuple[str, str], Collection[Kind]]] = {
    ("apps", "Deployment"): (_REPLICA_SET,),
    ("apps", "ReplicaSet"): (_POD,),
    ("apps", "StatefulSet"): (_POD,),
    ("apps", "DaemonSet"): (_POD,),
    ("batch", "CronJob"): (_JOB,),
    ("batch", "Job"): (_POD,),
    ("", "ReplicationController"): (_POD,),
}
#: Groups of Kubernetes' own kinds; what stands in another one has a controller that may own anything.
_OWN_GROUPS: Final = frozenset({"", "apps", "batch", "autoscaling", "policy"})


def kinds_owned_by(kinds: Iterable[Kind]) -> list[Kind]:
    """Those that objects of `kinds` may own, directly or not, owners first."""
    found, left = set[Kind](), list(kinds)
    while left:
        below = set(_owned_by(left.pop())) - found
        found |= below
        left += below
    return [kind for kind in OWNED if kind in found]


def _owned_by(kind: Kind) -> Collection[Kind]:
    if kind.group in _OWN_GROUPS or kind.group.endswith(".k8s.io"):
        return _BY_OWNER.get((kind.group, kind.kind), ())
    return OWNED


def tree(
    entries: Iterable[Entry], live: Mapping[Identity, Json], unread: Collection[Identity], owned: Sequence[Json]
) -> list[Node]:
    """`live`: of kinds that need no look, metadata will do. `owned`: all that may belong below one of them."""
    below: dict[str, list[Json]] = defaultdict(list)
    for obj in owned:
        for owner in obj["metadata"].get("ownerReferences") or ():
            below[owner["uid"]].append(obj)
    recorded = {found["metadata"]["uid"] for found in live.values()}
    nodes = []
    for entry in entries:
        identity = Identity.of(entry.ref)
        found = live.get(identity)
        standing, message = _standing(entry, found, is_unread=identity in unread)
        uid = found["metadata"]["uid"] if found is not None else ""
        nodes.append(Node(entry.ref, uid, standing, message, _children(uid, below, recorded) if uid else ()))
    return nodes


def _standing(entry: Entry, found: Json | None, *, is_unread: bool) -> tuple[Standing, str]:
    if is_unread:
        return Standing.UNREAD, "you may not read it"
    if found is None:
        return (Standing.MISSING, "it is missing") if entry.uid else (Standing.WAITING, "it is not there yet")
    if not entry.managed:  # the record is written ahead
        return Standing.WAITING, "it is being applied"
    if found["metadata"]["uid"] != entry.uid:
        return Standing.DRIFTED, "somebody replaced it by another of the same name"
    standing, message = _by_itself(found, entry.ref.kind)
    if entry.is_intact(entry.uid, managed_digest(found, APPLY_MANAGER)):
        return standing, message
    words = "somebody changed fields that were applied"
    return Standing.DRIFTED, words if standing is Standing.READY else f"{words}; {message}"


def _by_itself(obj: Json, kind: Kind) -> tuple[Standing, str]:
    if needs_no_look(kind) and not obj["metadata"].get("deletionTimestamp"):
        return Standing.READY, ""
    verdict = readiness(obj)
    return Standing(verdict.state.value), verdict.message


def _children(uid: str, below: Mapping[str, Sequence[Json]], seen: Collection[str]) -> list[Node]:
    """`seen`: what has a place of its own, or stands above: nobody keeps owners from being a circle."""
    nodes = []
    for obj in sorted(below.get(uid, ()), key=lambda obj: (str(obj["kind"]), str(obj["metadata"]["name"]))):
        own = obj["metadata"]["uid"]
        if own in seen:
            continue
        ref = ref_of(obj)
        children = _children(own, below, {*seen, own})
        if children or not _is_past(obj):
            nodes.append(Node(ref, own, *_by_itself(obj, ref.kind), children))
    return nodes


def _is_past(obj: Json) -> bool:
    """A revision of long ago, kept for a roll-back."""
    return bool(obj["kind"] == "ReplicaSet" and (obj.get("spec") or {}).get("replicas") == 0)
