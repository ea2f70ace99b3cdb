"""managedFields, read: who holds which fields of an object, and what we lost to whom. Pure.

A field stands here as the API server spells it in its own messages: `.spec.containers[name="web"].image`. Of values
only what names an entry of a list is told, as there. Called by contest.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
        names = dict.fromkeys(key for fields in held for key in fields if key != ".")
        for number, item in enumerate(value if names else ()):
            yield next((name for name in names if _is_of(name, item, number)), f"i:{number}"), item


def _is_of(name: str, item: Any, number: int) -> bool:
    """Whether fieldsV1 means this entry of a list by `name`; a key that the server adds by default may be left out."""
    kind, _, word = name.partition(":")
    match kind:
        case "k":
            return isinstance(item, dict) and all(item.get(key, v) == v for key, v in json.loads(word).items())
        case "v":
            return bool(json.loads(word) == item)
        case "i":
            return int(word) == number
        case _:
            return False


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
