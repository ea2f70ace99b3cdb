"""managedFields, read: who holds which fields of an object, and what we lost to whom. Pure.

A field stands here as the API server spells it in its own messages: `.spec.containers[name="web"].image`. Of values
only what names an entry of a list is told, as there. Called by contest.py and kapp/held.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.objects import digest
from packhouse.ports import Json

#: The only parts of metadata that are applied fields; the others name the object or are the server's.
APPLIED_METADATA: Final = ("labels", "annotations", "finalizers", "ownerReferences")
#: What an apply of the object itself never holds.
NOT_APPLIED: Final = frozenset({"apiVersion", "kind", "metadata", "status"})


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """A field that we applied and hold no more. `path` is "" where the object is gone.

    `manager` holds it now; "" where nobody does: it was removed, and the API server does not say by whom.
    """

    path: str
    manager: str = ""


def paths(fields: Json) -> frozenset[str]:
    """The fields that one entry's fieldsV1 holds."""
    return frozenset(_leaves(fields, ""))


def _leaves(fields: Json, path: str) -> Iterator[str]:
    if not fields:
        yield path
    for key, below in fields.items():
        if key == ".":  # the map or the list entry itself
            yield path
        else:
            yield from _leaves(below, path + _spelled(key))


def lost(obj: Json | None, desired: Json, manager: str) -> tuple[Loss, ...]:
    """What the Apply entry of `manager` in a live object's metadata no longer holds of `desired`, in order.

    Judged without a schema: a field that the API server never kept (stringData of a Secret) counts as removed.
    """
    if obj is None:
        return (Loss(""),)
    ours: Json = {}
    others: dict[str, Json] = {}
    for entry in obj["metadata"].get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        if (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (manager, "Apply", ""):
            ours = fields
        else:
            others[_name(entry)] = fields
    return tuple(sorted(_lost(_applied(desired), ours, others, "")))


def _name(entry: Json) -> str:
    """A manager as a reader would look for it; the subresource tells an autoscaler from a deployer."""
    manager, subresource = entry.get("manager") or "somebody without a name", entry.get("subresource")
    return f"{manager} ({subresource})" if subresource else str(manager)


def _applied(desired: Json) -> Json:
    metadata = desired.get("metadata") or {}
    content = {key: value for key, value in desired.items() if key not in NOT_APPLIED}
    applied = {key: metadata[key] for key in APPLIED_METADATA if metadata.get(key)}
    return {**content, "metadata": applied} if applied else content


def _lost(value: Any, ours: Json | None, others: Mapping[str, Json], path: str) -> Iterator[Loss]:
    """`ours` and `others`: the fields held at this place and below it; None where we hold nothing here."""
    # We hold it, and all below it: a plain value, or a map or list that has one holder only.
    if ours == {} and path:
        return
    children = list(_children(value, [fields for fields in (ours, *others.values()) if fields]))
    # Others may hold the whole of what we would hold in parts, or the other way round.
    whole = [name for name, fields in others.items() if fields == {}]
    if children and not whole:
        for key, item in children:
            below = {name: fields[key] for name, fields in others.items() if key in fields}
            yield from _lost(item, ours.get(key) if ours else None, below, path + _spelled(key))
    elif ours is None:
        yield from (Loss(path, name) for name in sorted(others) or [""])


def _children(value: Any, held: Sequence[Json]) -> Iterator[tuple[str, Any]]:
    """The parts of `value` as fieldsV1 names them. A list has parts only where somebody holds parts of it; what nobody
    holds of it goes by its number."""
    if isinstance(value, dict):
        yield from ((f"f:{key}", item) for key, item in value.items() if item is not None)
    elif isinstance(value, list):
        names = Names(key for fields in held for key in fields)
        for number, item in enumerate(value if names else ()):
            yield names.of(item, number) or f"i:{number}", item


class Names:
    """The names that fieldsV1 gives the items of one list. Each is read once and each item found at once: lists have
    thousands of items, such as the environment of a container."""

    def __init__(self, names: Iterable[str]) -> None:
        self._whole: dict[str, str] = {}
        self._places: dict[int, str] = {}
        self._keyed: dict[tuple[str, ...], list[tuple[Json, str]]] = {}
        self._found: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, str]] = {}
        for name in names:
            kind, _, word = name.partition(":")
            try:
                said = json.loads(word) if kind in ("k", "v", "i") else None
            except ValueError:  # no name that the API server gives
                continue
            if kind == "k" and isinstance(said, dict):
                self._keyed.setdefault(tuple(said), []).append((said, name))
            elif kind == "v":
                self._whole.setdefault(digest(said), name)
            elif kind == "i" and isinstance(said, int):
                self._places.setdefault(said, name)

    def __bool__(self) -> bool:
        return bool(self._whole or self._places or self._keyed)

    def of(self, item: Any, number: int = -1, *, all_keys: bool = False) -> str | None:
        """`all_keys`: else a key that the server adds by default may be left out."""
        for keys in self._keyed if isinstance(item, dict) else ():
            said = tuple(key for key in keys if key in item)
            if all_keys and len(said) < len(keys):
                continue
            name = self._by(keys, said).get(_values(item, said))
            if name is not None:
                return name
        if self._whole and (name := self._whole.get(digest(item))) is not None:
            return name
        return self._places.get(number)

    def _by(self, keys: tuple[str, ...], said: tuple[str, ...]) -> dict[str, str]:
        """The names with these keys, by the values of some of them; of the same values the first."""
        found = self._found.get((keys, said))
        if found is None:
            named = reversed(self._keyed[keys])
            found = self._found[keys, said] = {_values(one, said): name for one, name in named}
        return found


def _values(item: Json, keys: tuple[str, ...]) -> str:
    return digest([item[key] for key in keys])


def _spelled(name: str) -> str:
    kind, _, word = name.partition(":")
    match kind:
        case "f":
            return f".{word}"
        case "k":
            keys = json.loads(word)
            return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
        case "v":
            return f"[={word}]"
        case _:
            return f"[{word}]"
