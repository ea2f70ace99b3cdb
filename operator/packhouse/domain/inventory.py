"""The inventory: what an install is recorded to have applied. Pure; kept in status as a compact, atomic list.

Before the first write of a plan the record is the union of the old and the planned identities, so that whatever a
killed operator had written is found again; it narrows only after confirmation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from packhouse.ports import Json, Kind, Ref

#: group/version/Kind/namespace/name; the core group is left out, the namespace may be empty.
_REF: Final = re.compile(r"(?:[^/]+/)?[^/]+/[^/]+/[^/]*/[^/]+")


#: In the place of the digest of fields: whatever others make of the object's fields is left as it is.
UNTOUCHED: Final = "untouched"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object: `uid` and digests are "" until its apply was confirmed.

    `desired` is the digest of what was applied, `managed` that of the fields our manager then held (or UNTOUCHED).
    """

    ref: Ref
    uid: str = ""
    desired: str = ""
    managed: str = ""

    def is_intact(self, uid: str, managed: str) -> bool:
        """Whether a live object is as it was recorded; `managed` is the digest of what our manager holds of it."""
        return bool(self.uid) and self.uid == uid and self.managed in (UNTOUCHED, managed)

    def to_wire(self) -> Json:
        kind = self.ref.kind
        wire = {"ref": f"{kind.api_version}/{kind.kind}/{self.ref.namespace}/{self.ref.name}"}
        if self.uid:
            wire |= {"uid": self.uid, "digest": f"{self.desired}-{self.managed}"}
        return wire

    @classmethod
    def from_wire(cls, wire: Json) -> Entry:
        api_version, kind, namespace, name = wire["ref"].rsplit("/", 3)
        group, _, version = api_version.rpartition("/")
        desired, _, managed = wire.get("digest", "").partition("-")
        return cls(Ref(Kind(group, version, kind), namespace, name), wire.get("uid", ""), desired, managed)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two refs the same object: a new version of an API serves the same one."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, ref: Ref) -> Identity:
        return cls(ref.kind.group, ref.kind.kind, ref.namespace, ref.name)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Entries by identity, in the order in which they were applied."""

    entries: Mapping[Identity, Entry]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Inventory:
        return cls({Identity.of(entry.ref): entry for entry in entries})

    @classmethod
    def from_wire(cls, wire: object) -> Inventory:
        """What cannot be read was not written by us, and nothing can be done about it."""
        entries = wire if isinstance(wire, list) else []
        return cls.of(Entry.from_wire(entry) for entry in entries if _REF.fullmatch(entry.get("ref", "")))

    def to_wire(self) -> list[Json]:
        return [entry.to_wire() for entry in self.entries.values()]

    def find(self, ref: Ref) -> Entry | None:
        return self.entries.get(Identity.of(ref))

    def union(self, refs: Iterable[Ref]) -> Inventory:
        """This inventory and `refs`; what is known of an entry stays known."""
        planned = {Identity.of(ref): Entry(ref) for ref in refs}
        return Inventory({**planned, **self.entries})

    def doubting(self, refs: Iterable[Ref]) -> Inventory:
        """This inventory with no digests for `refs`: what is in place there is not known until it was confirmed.

        Two contents may have the same fields, so without this an apply that nobody recorded would pass for the old one.
        """
        doubted = {Identity.of(ref) for ref in refs}
        return Inventory(
            {
                identity: Entry(entry.ref, entry.uid) if identity in doubted else entry
                for identity, entry in self.entries.items()
            }
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def size_bytes(self) -> int:
        """What it takes in etcd, when every entry is complete."""
        full = "0" * 36
        complete = [
            Entry(entry.ref, entry.uid or full, entry.desired or full[:16], entry.managed or full[:16]).to_wire()
            for entry in self
        ]
        return len(json.dumps(complete, separators=(",", ":")).encode())
