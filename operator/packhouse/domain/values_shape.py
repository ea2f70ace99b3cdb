"""What a schema says of each place of the values: types, keys, items, default; with references and alternatives.

Called by the rooms that show keys, write a file of values, and read `--set`. A place takes what any of its alternatives
takes: whether values fit is decided by values_schema.py alone. Nothing here trusts a schema to be one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Final, Self

from packhouse.domain.schema_parts import default_of, parts
from packhouse.domain.values_path import ANY_KEY, EACH, Path
from packhouse.domain.values_report import type_name
from packhouse.ports import Json

#: Alternatives of one place that are looked at.
PARTS_MOST: Final = 1_000
_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")
#: What a schema says of the size and the form of a value, in words.
_LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "like {}",
    "format": "as a {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} keys",
    "maxProperties": "at most {} keys",
}


@dataclass(frozen=True)
class Shape:
    """One place. `schemas`: those that speak of it; `above`: those that led to it, by identity."""

    schemas: Sequence[Any]
    root: Json
    above: frozenset[int] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, schema: Json) -> Self:
        return cls([schema], schema)

    @cached_property
    def parts(self) -> list[Json]:
        """The schemas with all that they are combined from."""
        found = {id(part): part for schema in self.schemas for part in islice(parts(schema, self.root), PARTS_MOST)}
        return list(islice(found.values(), PARTS_MOST))

    @cached_property
    def types(self) -> list[str]:
        """JSON types without null, in the schema's order; empty where nothing is said."""
        said = [name for part in self.parts for name in _said(part)]
        named = [name for name in dict.fromkeys(said) if name in _TYPES]
        return named or [name for name in dict.fromkeys(self._implied()) if name != "null"]

    @property
    def is_nullable(self) -> bool:
        return any(part.get("nullable") is True or "null" in _said(part) for part in self.parts)

    @cached_property
    def named(self) -> Mapping[str, Shape]:
        """The keys that the schema names, in its order."""
        found: dict[str, list[Any]] = {}
        for part in self.parts:
            for name, inner in _map(part.get("properties")).items():
                found.setdefault(str(name), []).append(inner)
        return {name: self._below(schemas) for name, schemas in found.items()}

    @cached_property
    def others(self) -> Shape | None:
        """What is below any other key, where the schema says it."""
        schemas = [part["additionalProperties"] for part in self.parts if _map(part.get("additionalProperties"))]
        schemas += [inner for part in self.parts for inner in _map(part.get("patternProperties")).values()]
        return self._below(schemas) if schemas else None

    @cached_property
    def item(self) -> Shape | None:
        items = [part.get("items") for part in self.parts]
        schemas = [one for each in items for one in (each if isinstance(each, list) else [each]) if _map(one)]
        return self._below(schemas) if schemas else None

    @property
    def is_open(self) -> bool:
        """Whether a key may be there that the schema does not name: it names none, or says what becomes of others."""
        return not self.named or any(not _OPEN.isdisjoint(part) for part in self.parts if not _is_closed(part))

    @property
    def is_circle(self) -> bool:
        """Whether what it is made of led to it: it has no end."""
        return any(id(part) in self.above for part in self.parts if not _INNER.isdisjoint(part))

    @property
    def default(self) -> tuple[Any] | None:
        """In a tuple of one, since null is a default too. What is above may have another one for it."""
        found = [default_of(schema, self.root) for schema in self.schemas]
        return next((default for default in found if default), None)

    @property
    def required(self) -> frozenset[str]:
        """The keys that must be there."""
        return frozenset(key for part in self.parts for key in _list(part.get("required")) if isinstance(key, str))

    @cached_property
    def choices(self) -> list[Any]:
        """The values that it takes, where the schema lists them."""
        listed = [_list(part.get("enum")) or ([part["const"]] if "const" in part else []) for part in self.parts]
        found: list[Any] = []
        for value in (value for values in listed for value in values):
            if not any(type(one) is type(value) and one == value for one in found):
                found.append(value)
        return found

    @property
    def description(self) -> str:
        return self._first_text("description") or self._first_text("title")

    @property
    def examples(self) -> list[Any]:
        alone = [part["example"] for part in self.parts if "example" in part]
        return alone + [example for part in self.parts for example in _list(part.get("examples"))]

    @property
    def limits(self) -> list[str]:
        said = [(words, part[name]) for part in self.parts for name, words in _LIMITS.items() if name in part]
        return list(dict.fromkeys(words.format(value) for words, value in said if not isinstance(value, dict | list)))

    @property
    def least(self) -> int | float:
        """Zero, or the least number that is taken."""
        least: int | float = 0
        for part in self.parts:
            bound, excluded = part.get("minimum"), part.get("exclusiveMinimum")
            if isinstance(bound, int | float):
                least = max(least, bound + (excluded is True))
            if isinstance(excluded, int | float) and not isinstance(excluded, bool):
                least = max(least, excluded + 1)
        return least

    def at(self, path: Path) -> Shape | None:
        """What is at a path below; None where the schema says nothing of it. Any number stands for any item."""
        shape: Shape | None = self
        for part in path:
            if shape is None:
                return None
            shape = shape.item if isinstance(part, int) else shape.named.get(part) or shape.others
        return shape

    def inner(self) -> Iterator[tuple[str | int, Shape]]:
        """What is below, with EACH for items and ANY_KEY for other keys."""
        yield from self.named.items()
        if self.others is not None:
            yield ANY_KEY, self.others
        if self.item is not None:
            yield EACH, self.item

    def _below(self, schemas: list[Any]) -> Shape:
        return Shape(schemas, self.root, self.above | {id(part) for part in self.parts})

    def _implied(self) -> Iterator[str]:
        """Types that follow from what else is said."""
        for part in self.parts:
            if part.get("x-kubernetes-int-or-string") is True:
                yield from ("integer", "string")
            elif not {"properties", "additionalProperties", "patternProperties"}.isdisjoint(part):
                yield "object"
            elif "items" in part:
                yield "array"
            elif part.get("default") is not None:
                yield type_name(part["default"])
        yield from map(type_name, self.choices)

    def _first_text(self, name: str) -> str:
        return next((part[name].strip() for part in self.parts if isinstance(part.get(name), str)), "")


#: What a schema has that says something of other places.
_INNER: Final = frozenset({"properties", "additionalProperties", "patternProperties", "items"})
#: What says that keys may be there which are not named.
_OPEN: Final = frozenset(
    {"additionalProperties", "patternProperties", "x-kubernetes-preserve-unknown-fields", "unresolved"}
)


def _is_closed(part: Json) -> bool:
    return part.get("additionalProperties") is False and "patternProperties" not in part


def _said(part: Json) -> list[Any]:
    told = part.get("type")
    return [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, str)]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
