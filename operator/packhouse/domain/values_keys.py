"""The keys of a package's values as rows: `contour.replicas`, `envoy.ports[].name`, `labels.<key>`.

Called by the verbs that show values and by completion. Keys that hold others have no row of their own, unless nothing
is said of what they hold; `explained` tells of them, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from packhouse.domain.schema_parts import defaults
from packhouse.domain.values_path import ANY_KEY, EACH, Path, written
from packhouse.domain.values_shape import Shape
from packhouse.ports import Json

#: What a schema that refers to itself, or to the same from many places, gives at most.
ROWS_MOST: Final = 10_000
DEPTH_MOST: Final = 40
#: Where there is no default.
NONE: Final = "<nil>"


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    default: str
    type: str
    description: str
    #: The default as it is, for programs; None where there is none.
    value: Any = None


def rows(schema: Json) -> list[Row]:
    """In the schema's order. Raises ValuesSchemaInvalid for one that nests too deep."""
    return below(Shape.of(schema), (), defaults(schema))


def below(shape: Shape, path: Path, given: Any) -> list[Row]:
    """What is below one place. `given`: its default as a whole, which overrules those inside."""
    found = (row for step, inner in shape.inner() for row in _rows(inner, (*path, step), _inside(given, step)))
    return list(islice(found, ROWS_MOST))


def _rows(shape: Shape, path: Path, given: tuple[Any] | None) -> Iterator[Row]:
    has_end = len(path) < DEPTH_MOST and not shape.is_circle
    if not shape.named or not has_end:
        yield row(shape, path, given)
    if has_end:
        for step, inner in shape.inner():
            if step != EACH or _says_something(inner):
                yield from _rows(inner, (*path, step), _inside(given[0] if given else None, step))


def row(shape: Shape, path: Path, given: tuple[Any] | None = None) -> Row:
    default = given or shape.default
    value = default[0] if default else None
    return Row(written(path), said(value), types(shape), " ".join(shape.description.split()), value)


def types(shape: Shape) -> str:
    return " or ".join(shape.types) or "any"


def said(value: Any) -> str:
    """A value in one line."""
    if value is None:
        return NONE
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)


def _inside(given: Any, step: str | int) -> tuple[Any] | None:
    if isinstance(given, dict) and isinstance(step, str) and step != ANY_KEY and step in given:
        return (given[step],)
    return None


def _says_something(item: Shape) -> bool:
    return bool(item.types or item.description or item.choices)
