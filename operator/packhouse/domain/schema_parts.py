"""Reads the schema of values as a text: what a reference points to, what a schema is combined from, its defaults.

Called by values_schema.py, which checks values, and by values_shape.py, which shows what may be given. Apart from both,
since whoever shows keys needs no validator. A schema is a stranger's: nothing here takes longer than it is large.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.domain.values_merge import merge
from packhouse.ports import Json

#: A schema that refers to the same part from many places is larger than it looks.
VISITS_MOST: Final = 100_000
_COMBINING: Final = ("allOf", "anyOf", "oneOf")


def resolve(root: Json, reference: str) -> Any:
    """What a reference within the schema points to; None where it points to nothing, or out of it."""
    if not reference.startswith("#"):
        return None
    node: Any = root
    for step in unquote(reference[1:]).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(node):
            node = node[int(name[:9])]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            return None
    return node if isinstance(node, dict | bool) else None


def parts(schema: Any, root: Json) -> Iterator[Json]:
    """The schema and all that it is combined from, each once. A reference to nothing is told as "unresolved"."""
    seen: set[int] = set()
    waiting = [schema]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, dict) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        further = [part for combining in _COMBINING for part in _listed(found.get(combining))]
        reference = found.get("$ref")
        if isinstance(reference, str):
            target = resolve(root, reference)
            if target is None:
                yield {"unresolved": True}
            further.append(target)
        waiting += reversed(further)


def defaults(schema: Json) -> Json:
    """The values that the schema gives where the user gives none; maps with defaults inside them are made.

    Lists get only a default of their own. A `$ref` that cannot be resolved, or leads back to itself, gives nothing.
    """
    found = default_of(schema, schema)
    return found[0] if found and isinstance(found[0], dict) else {}


def default_of(schema: Any, root: Json) -> tuple[Any] | None:
    """The same for one place: the default in a tuple of one, since null is a default too; None where there is none."""
    try:
        return copy.deepcopy(_Defaults(root).of(schema, frozenset()))
    except RecursionError:
        raise ValuesSchemaInvalid("the package's valuesSchema is nested too deeply") from None


class _Defaults:
    """One walk through a schema."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._visits = 0

    def of(self, schema: Any, followed: frozenset[str]) -> tuple[Any] | None:
        if not isinstance(schema, dict):
            return None
        self._visits += 1
        if self._visits > VISITS_MOST:
            raise ValuesSchemaInvalid(f"the package's valuesSchema has more than {VISITS_MOST:,} parts")
        layers: list[tuple[Any]] = []
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in followed:
            layers.append(self.of(resolve(self._root, reference), followed | {reference}) or ({},))
        layers += [self.of(part, followed) or ({},) for part in _listed(schema.get("allOf"))]
        properties = schema.get("properties")
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            if (found := self.of(inner, followed)) is not None:
                layers.append(({name: found[0]},))
        if "default" in schema:
            own = schema["default"]
            layers = [*layers, (own,)] if isinstance(own, dict) else [(own,)]
        maps = [layer[0] for layer in layers if layer[0] != {} or "default" in schema]
        if not maps:
            return None
        return (merge(maps),) if all(isinstance(layer, dict) for layer in maps) else (maps[-1],)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
