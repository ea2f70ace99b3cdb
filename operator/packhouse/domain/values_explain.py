"""What is to be said of one key of a package's values: type, default, choices, limits, an example, and what is below.

Called by `values explain`. Pure: the words for a terminal are put together by the command line.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.schema_parts import defaults
from packhouse.domain.values_keys import Row, below, rows, types
from packhouse.domain.values_path import ANY_KEY, EACH, Path, parse, written
from packhouse.domain.values_shape import Shape
from packhouse.domain.values_template import wanted
from packhouse.ports import Json

_SET_MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Explained:
    """`default`: in a tuple of one, since null is a default too; None where there is none."""

    key: str
    type: str
    is_nullable: bool
    default: tuple[Any] | None
    choices: Sequence[Any]
    limits: Sequence[str]
    description: str
    example: Json | None  # None where its keys have their own
    set: str  # as --set has it; "" where that would be no help
    below: Sequence[Row]

    @property
    def wire(self) -> Json:
        found: Json = {"key": self.key, "type": self.type, "nullable": self.is_nullable}
        if self.default:
            found["default"] = self.default[0]
        found |= {"oneOf": list(self.choices)} if self.choices else {}
        found |= {"limits": list(self.limits)} if self.limits else {}
        found |= {"description": self.description} | ({"example": self.example} if self.example else {})
        inner = [{"key": row.key, "default": row.default, "type": row.type} for row in self.below]
        return found | ({"keys": inner} if inner else {})


def explained(schema: Json, key: str) -> Explained | None:
    """None where the schema says nothing of the key. Raises ValuesInvalid for what is no path."""
    path = parse(key)
    shape = Shape.of(schema).at(path)
    if shape is None:
        return None
    default = _default_at(defaults(schema), path) or shape.default
    value = _example(shape, default)
    return Explained(
        key=written(path),
        type=types(shape),
        is_nullable=shape.is_nullable,
        default=default,
        choices=shape.choices,
        limits=shape.limits,
        description=shape.description,
        example=None if shape.named else _at(path, value),
        set=_set(path, value),
        below=below(shape, path, default[0] if default else None),
    )


def keys(schema: Json) -> list[str]:
    """Every key that can be explained: those that are shown, and those that hold them; in the schema's order."""
    paths = (parse(row.key) for row in rows(schema))
    return list(dict.fromkeys(written(path[:end]) for path in paths for end in range(1, len(path) + 1)))


def _default_at(values: Any, path: Path) -> tuple[Any] | None:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return None
        values = values[part]
    return (values,)


def _example(shape: Shape, default: tuple[Any] | None) -> Any:
    """A value that is not the default, where the schema names one."""
    own = default[0] if default else None
    others = [value for value in (*shape.examples, *shape.choices) if value != own]
    if others or own:
        return others[0] if others else own
    if shape.types[:1] == ["array"] and shape.item:
        return [_filled(shape.item)]
    if shape.types[:1] == ["object"] and shape.others and not shape.named:
        return {"key": _filled(shape.others)}
    return wanted(shape) if own is None else own


def _filled(shape: Shape) -> Any:
    """With each of its keys."""
    return {name: wanted(inner) for name, inner in shape.named.items()} or wanted(shape)


def _at(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {"key" if part == ANY_KEY else part: value}
    return value


def _set(path: Path, value: Any) -> str:
    named = written(0 if part == EACH else "key" if part == ANY_KEY else part for part in path)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "" if isinstance(value, dict) or len(text) > _SET_MOST else f"--set {shlex.quote(f'{named}={text}')}"
