"""A file of values to begin with: what a schema says as comments, defaults as values, and the other keys commented out.

Called by the verbs that write such a file. As it stands the file gives what the schema gives, and what the schema
requires; so the schema takes it. A null for a default is as good as none.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import yaml

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.domain.schema_parts import defaults
from packhouse.domain.values_keys import DEPTH_MOST, said, types
from packhouse.domain.values_shape import Shape
from packhouse.ports import Json

_LINES_MOST: Final = 50_000
_WIDTH: Final = 100
_INDENT: Final = "  "
_INTRODUCTION: Final = "# Keys without a default are commented out: remove the # in front of those that you set.\n"
#: What stands behind a key that has no default.
_EMPTY: Final = {"string": "", "boolean": False, "array": [], "object": {}}


class _Line(NamedTuple):
    text: str
    counts: bool = False


def default_values(schema: Json) -> str:
    """Raises ValuesSchemaInvalid for a schema without end."""
    lines = _map(Shape.of(schema), defaults(schema), "", 0)
    text = "".join(f"{line.text}\n" for line in lines)
    if not any(line.counts for line in lines):
        text += "{}\n"
    return _INTRODUCTION + text if lines else text


def wanted(shape: Shape, depth: int = 0) -> Any:
    """A value of the right form: one that the schema names, else an empty one with what is required in it."""
    default = shape.default
    if default and default[0] is not None:
        return default[0]
    for value in (*shape.choices, *shape.examples):
        return value
    kind = shape.types[0] if shape.types else ""
    if kind == "object" and depth < DEPTH_MOST:
        return {name: wanted(inner, depth + 1) for name, inner in shape.named.items() if name in shape.required}
    return shape.least if kind in ("integer", "number") else _EMPTY.get(kind)


def _map(shape: Shape, given: Json, indent: str, depth: int, *, is_off: bool = False) -> list[_Line]:
    """The keys of a map, in the order of the schema; then those that stand in its default alone.

    `is_off`: all of it is commented out.
    """
    lines: list[_Line] = []
    for name, inner in shape.named.items():
        if not depth:
            lines.append(_Line(""))
        default = given.get(name)
        is_needed = not is_off and name in shape.required and not _has_default(inner.schemas)
        if default is None and is_needed:
            default = wanted(inner)
        lines += _comment(inner, indent)
        lines += _entry(name, inner, None if is_off else default, indent, depth, is_needed=is_needed)
        if len(lines) > _LINES_MOST:
            raise ValuesSchemaInvalid(f"the package's valuesSchema gives more than {_LINES_MOST:,} lines of values")
    for name in given:
        if name not in shape.named:
            lines += _dumped({name: given[name]}, indent)
    return lines


def _entry(name: str, shape: Shape, default: Any, indent: str, depth: int, *, is_needed: bool) -> list[_Line]:
    has_keys = bool(shape.named) and depth < DEPTH_MOST and not shape.is_circle
    if has_keys and (default is None or isinstance(default, dict)):
        is_off = default is None or (not is_needed and _may_miss(shape))
        inner = _map(shape, default or {}, indent + _INDENT, depth + 1, is_off=is_off)
        counts = any(line.counts for line in inner)
        if is_needed and not counts:
            return list(_dumped({name: {}}, indent))
        return [_Line(f"{indent}{'' if counts else '#'}{_key(name)}:", counts), *inner]
    if default is not None:
        return list(_dumped({name: default}, indent))
    return [_Line(f"{indent}#{_key(name)}: {_in_one_line(wanted(shape))}")]


def _may_miss(shape: Shape) -> bool:
    """Whether the map is null until somebody gives it: the defaults inside are those of a map that is given."""
    return shape.is_nullable and not _has_default(shape.parts)


def _has_default(schemas: Sequence[Any]) -> bool:
    return any(isinstance(schema, dict) and "default" in schema for schema in schemas)


def _comment(shape: Shape, indent: str) -> Iterator[_Line]:
    """What is said of a key: the description, and below it the type with its limits."""
    said_lines = shape.description.splitlines()
    if not shape.named:
        said_lines.append(f"({_what(shape)})")
    for paragraph in said_lines:
        printable = "".join(char if char.isprintable() else " " for char in paragraph)
        for line in textwrap.wrap(printable, max(40, _WIDTH - len(indent))) or [""]:
            yield _Line(f"{indent}# {line}".rstrip())


def _what(shape: Shape) -> str:
    kind = types(shape)
    if shape.types == ["array"] and shape.item:
        kind += f" of {types(shape.item)}" + (f" with {', '.join(shape.item.named)}" if shape.item.named else "")
    if shape.is_nullable:
        kind += " or null"
    choices = [f"one of {', '.join(map(said, shape.choices))}"] if shape.choices else []
    return ", ".join([kind, *choices, *shape.limits])


def _dumped(value: Json, indent: str) -> Iterator[_Line]:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    yield from (_Line(f"{indent}{line}" if line else line, counts=True) for line in text.split("\n")[:-1])


def _in_one_line(value: Any) -> str:
    text = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=math.inf
    )
    return str(text).rstrip("\n")[1:-1]


def _key(name: str) -> str:
    [first, *more] = _dumped({name: 0}, "")
    if more:  # a long one, which would be a line of its own
        return yaml.safe_dump(name, default_style='"', width=math.inf).rstrip("\n")
    return first.text.removesuffix(": 0")


#: Line breaks of Unicode: only in double quotes are they written so that they can be read.
_BREAKS: Final = frozenset("\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, and everything written out: an alias in a file of values helps nobody."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text.strip("\n") else None
    if not text or not _BREAKS.isdisjoint(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
