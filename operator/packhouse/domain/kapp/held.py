"""Who holds which field of a live object, by its managedFields: our manager alone, others too, or nobody.

Called by rebase.py. A set of fields is a tree, as the API server writes it: `f:` names a key, `k:` and `v:` an item of
a list, `.` the map or item itself; an empty tree is a field that is held as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.kapp.paths import MISSING
from packhouse.domain.managed_fields import Names
from packhouse.ports import Json

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """One place in an object: what our manager holds of it (None: nothing), and what each of the others holds."""

    ours: Fields | None
    others: tuple[Fields, ...]

    @property
    def as_a_whole(self) -> bool:
        """Whether the API server gives this map or list to a manager whole, so that applying it replaces all of it."""
        holding = [fields for fields in (self.ours, *self.others) if fields is not None]
        return bool(holding) and not any(holding)

    def at_key(self, key: str) -> Held:
        return self._at(lambda fields: f"f:{key}")

    def at_items(self, items: Iterable[Any]) -> Iterator[Held]:
        """For each of the items of this list; nobody holds one that is MISSING."""
        names = {id(fields): Names(fields) for fields in (self.ours, *self.others) if fields is not None}
        for item in items:
            is_there = item is not MISSING
            named = {place: (is_there and one.of(item, all_keys=True)) or "" for place, one in names.items()}
            yield self._at(lambda fields, named=named: named[id(fields)])

    def keys_of_items(self) -> Collection[str]:
        """The fields that tell the items of this list apart; none where it is no such list."""
        for fields in (self.ours or {}, *self.others):
            for name in fields:
                keys = _keys(name)
                if keys:
                    return keys
        return ()

    def _at(self, name_in: Any) -> Held:
        ours = None if self.ours is None else _inside(self.ours, name_in(self.ours))
        others = (_inside(fields, name_in(fields)) for fields in self.others)
        return Held(ours, tuple(fields for fields in others if fields is not None))


def held(live: Json, former: Collection[str] = ()) -> Held | None:
    """`former`: managers whose updates are about to become ours. None where the object does not say who holds what."""
    ours: dict[str, Any] = {}
    others: list[Fields] = []
    entries = live["metadata"].get("managedFields") or []
    for entry in entries:
        fields = entry.get("fieldsV1") or {}
        if entry.get("subresource"):
            others.append(fields)
        elif (entry.get("manager"), entry.get("operation")) == (APPLY_MANAGER, "Apply") or (
            entry.get("manager") in former and entry.get("operation") == "Update"
        ):
            ours = _united(ours, fields)
        else:
            others.append(fields)
    return Held(ours or None, tuple(fields for fields in others if fields)) if entries else None


def only_ours(value: Any, place: Held) -> Any:
    """As much of a live value as our manager holds and nobody else; MISSING where that is nothing."""
    ours, others = place.ours, place.others
    if ours is None:
        return MISSING
    if not ours:
        return MISSING if others else value
    # Held in parts by us: whoever holds it whole has applied it empty.
    place = Held(ours, tuple(fields or {".": {}} for fields in others))
    if isinstance(value, dict):
        parts: Any = {key: part for key, part in _parts_of_map(value, place) if part is not MISSING}
    elif isinstance(value, list):
        parts = [part for part in _parts_of_list(value, place) if part is not MISSING]
    else:
        return MISSING
    is_only_ours = "." in ours and not any("." in fields for fields in place.others)
    return parts if parts or is_only_ours else MISSING


def _parts_of_map(value: Json, place: Held) -> Iterator[tuple[str, Any]]:
    return ((key, only_ours(item, place.at_key(key))) for key, item in value.items())


def _parts_of_list(value: list[Any], place: Held) -> Iterator[Any]:
    keys = place.keys_of_items()
    for item, there in zip(value, place.at_items(value), strict=True):
        part = only_ours(item, there)
        if isinstance(part, dict):  # an item without what tells it apart would be another one
            part = {**{key: item[key] for key in keys if key in item}, **part}
        yield part


def _inside(fields: Fields, name: str) -> Fields | None:
    if not fields:
        return fields
    found: Fields | None = fields.get(name)
    return found


def _keys(name: str) -> Mapping[str, Any]:
    kind, _, text = name.partition(":")
    found = _parsed(text) if kind == "k" else None
    return found if isinstance(found, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return MISSING


def _united(one: Fields, other: Fields) -> dict[str, Any]:
    return {key: _united(one.get(key) or {}, other.get(key) or {}) for key in {**one, **other}}
