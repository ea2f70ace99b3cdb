"""What the watches know of the objects that installs own: enough to tell drift without a request, and no more.

Filled by adapters/owned_watch.py, one shelf a kind; asked by the stories through the port Owned. There may be very
many objects, so two short texts are kept of each, about 300 bytes, and what others make of an object is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from packhouse.api.names import APPLY_MANAGER
from packhouse.api.views import InstalledPackage, Key
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import managed_digest, owner_of
from packhouse.ports import Json, Kind, Owned, OwnedChanges, Ref, Seen

#: "namespace/name" is never longer; whoever writes more into the annotation names no install.
OWNER_CHARACTERS: Final = 63 + 1 + 253


def drifted_by_watch(owned: Owned, inventory: Inventory) -> bool | None:
    """Whether anything recorded is missing, another object or changed by another writer; None where not all of it is
    watched. It may say so of what was only just written; then a look at the live objects finds nothing."""
    if not all(owned.knows(entry.ref.kind) for entry in inventory):
        return None
    for entry in inventory:
        seen = owned.find(entry.ref)
        if seen is None or not entry.is_intact(seen.uid, seen.managed):
            return True
    return False


def kinds_of(installs: Iterable[InstalledPackage]) -> set[Kind]:
    """The kinds that occur in any inventory. Reads no more than that: it is asked for all installs at once."""
    refs = (entry.get("ref", "") for install in installs for entry in install.status.get("inventory") or [])
    words = {ref.rsplit("/", 2)[0] for ref in refs if ref.count("/") >= 3}  # without namespace and name
    return {_kind_of(word) for word in words}


def _kind_of(word: str) -> Kind:
    """From "apps/v1/Deployment", or "v1/Secret"."""
    api_version, _, kind = word.rpartition("/")
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, kind)


class Unwatched:
    """Nothing is watched: drift is found by reading, at each sync period."""

    def follow(self, kinds: Iterable[Kind]) -> None:
        pass

    def knows(self, kind: Kind) -> bool:
        return False

    def find(self, ref: Ref) -> Seen | None:
        return None

    def listen(self, changes: OwnedChanges) -> None:
        pass


class Shelf:
    """The owned objects of one kind. Fits adapters' list-watch."""

    def __init__(self, kind: Kind, changes: Callable[[], OwnedChanges | None], is_current: Callable[[], bool]) -> None:
        self.is_current = is_current
        self._kind = kind
        self._changes = changes
        self._complete = False
        self._held: dict[str, str] = {}  # "namespace/name" -> "uid/digest of our fields/owner"

    def put(self, obj: Json) -> None:
        metadata = obj["metadata"]
        place = f"{metadata.get('namespace', '')}/{metadata['name']}"
        owner = owner_of(obj) or ""
        mark = (
            f"{metadata['uid']}/{managed_digest(obj, APPLY_MANAGER)}/{owner if len(owner) <= OWNER_CHARACTERS else ''}"
        )
        before = self._held.get(place)
        if before != mark:
            self._held[place] = mark
            self._tell(place, before, mark)

    def drop(self, key: Key, *, version: str = "") -> None:
        """`version` does not matter: nothing but the one watch puts objects in."""
        place = "/".join(key)
        self._tell(place, self._held.pop(place, None))

    def keys(self) -> set[Key]:
        return {(namespace, name) for namespace, _, name in (place.partition("/") for place in self._held)}

    def listed(self) -> None:
        """All that there is has been put in. What came before was no change, and is compared as a whole."""
        if not self._complete:
            self._complete = True
            if (changes := self._changes()) is not None:
                changes.listed(self._kind)

    def close(self) -> None:
        """The watch ended, and nothing is known of the kind any more."""
        self.is_current = lambda: False
        self._complete = False
        self._held.clear()

    def find(self, ref: Ref) -> Seen | None:
        mark = self._held.get(f"{ref.namespace}/{ref.name}")
        if mark is None:
            return None
        uid, managed, _ = mark.split("/", 2)
        return Seen(uid, managed)

    def _tell(self, place: str, *marks: str | None) -> None:
        changes = self._changes()
        if changes is None or not self._complete:
            return
        namespace, _, name = place.partition("/")
        for owner in {mark.split("/", 2)[2] for mark in marks if mark is not None}:
            if owner:
                changes.changed(owner, Ref(self._kind, namespace, name))


class OwnedObjects:
    """All shelves; a kind is the same one in each of its versions."""

    def __init__(self) -> None:
        #: What somebody wants to know of, by group and kind, with the versions that were named.
        self.wanted: dict[tuple[str, str], set[Kind]] = {}
        self.asked = asyncio.Event()  # more is wanted than before
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._changes: OwnedChanges | None = None

    def follow(self, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            versions = self.wanted.setdefault((kind.group, kind.kind), set())
            if kind not in versions:
                versions.add(kind)
                self.asked.set()

    def knows(self, kind: Kind) -> bool:
        shelf = self._shelves.get((kind.group, kind.kind))
        return shelf is not None and shelf.is_current()

    def find(self, ref: Ref) -> Seen | None:
        shelf = self._shelves.get((ref.kind.group, ref.kind.kind))
        return shelf.find(ref) if shelf is not None else None

    def listen(self, changes: OwnedChanges) -> None:
        self._changes = changes

    # ---- for the watch ---------------------------------------------------------------------------------------

    def narrow(self, kinds: Iterable[Kind]) -> None:
        """Nothing but these kinds is wanted any more."""
        self.wanted.clear()
        self.follow(kinds)

    def open(self, kind: Kind, is_current: Callable[[], bool]) -> Shelf:
        """An empty shelf for a watch that begins; `is_current`: whether it tells all and in time."""
        shelf = self._shelves[kind.group, kind.kind] = Shelf(kind, lambda: self._changes, is_current)
        return shelf
