"""What the watches know: trimmed objects by key, filled by kopf's events and our list-watches.

A store never goes back in time: an older version of an object than the one it holds is ignored, so that what a
reconcile has just written is not hidden by an event that was still under way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from packhouse.api.views import Key
from packhouse.domain.catalogue import Entry
from packhouse.domain.ownership import entry_of
from packhouse.ports import Json

V = TypeVar("V")

#: Told of a change: the object before and after, None where there is none.
Changed = Callable[[V | None, V | None], None]


class Objects(Generic[V]):
    """Objects of one kind, each as `trim` made it. Fits adapters' list-watch."""

    def __init__(self, trim: Callable[[Json], V]) -> None:
        self._trim = trim
        self._held: dict[Key, tuple[int, V]] = {}
        self.changed: Changed[V] = lambda before, after: None

    def put(self, obj: Json) -> None:
        metadata = obj["metadata"]
        key = (metadata.get("namespace") or "", metadata["name"])
        version = int(metadata.get("resourceVersion") or 0)
        if version > self._held.get(key, (-1, None))[0]:
            self._keep(key, version, self._trim(obj))

    def put_trimmed(self, key: Key, version: str, value: V) -> None:
        """The same for what a write answered, where it answered with less than the object."""
        if int(version) > self._held.get(key, (-1, None))[0]:
            self._keep(key, int(version), value)

    def _keep(self, key: Key, version: int, after: V) -> None:
        _, before = self._held.get(key, (-1, None))
        self._held[key] = (version, after)
        self._note(key, before, after)
        if before != after:
            self.changed(before, after)

    def refresh(self, obj: Json) -> None:
        """Put what a write answered; an object that is gone by now stays gone."""
        if (obj["metadata"].get("namespace") or "", obj["metadata"]["name"]) in self._held:
            self.put(obj)

    def drop(self, key: Key, *, version: str = "") -> None:
        """Forget an object; `version` is that of its deletion, where known: one made anew since then stays."""
        if version and self._held.get(key, (0, None))[0] > int(version):
            return
        _, before = self._held.pop(key, (0, None))
        if before is not None:
            self._note(key, before, None)
            self.changed(before, None)

    def keys(self) -> set[Key]:
        return set(self._held)

    def get(self, key: Key) -> V | None:
        held = self._held.get(key)
        return held[1] if held is not None else None

    def __iter__(self) -> Iterator[V]:
        return iter([value for _, value in self._held.values()])

    def __len__(self) -> int:
        return len(self._held)

    def _note(self, key: Key, before: V | None, after: V | None) -> None:
        """For indexes of subclasses."""


class Packages(Objects[Entry]):
    """The Packages, indexed by public name: the catalogue that installs look in."""

    def __init__(self) -> None:
        super().__init__(entry_of)
        self._by_public_name: dict[str, dict[str, Entry]] = defaultdict(dict)

    def lookup(self, public_name: str, namespace: str) -> Sequence[Entry]:
        """`namespace` does not matter while packages are cluster-scoped."""
        return list(self._by_public_name.get(public_name, {}).values())

    def _note(self, key: Key, before: Entry | None, after: Entry | None) -> None:
        if before is not None:
            names = self._by_public_name[before.public_name]
            names.pop(before.name, None)
            if not names:
                del self._by_public_name[before.public_name]
        if after is not None:
            self._by_public_name[after.public_name][after.name] = after


def secret_mark(obj: Json) -> tuple[Key, str]:
    """A Secret, trimmed to its key and a mark that changes with its content."""
    metadata: dict[str, Any] = obj["metadata"]
    return (metadata.get("namespace") or "", metadata["name"]), f"{metadata['uid']}/{metadata['resourceVersion']}"
