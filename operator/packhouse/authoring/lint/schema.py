"""Rules of the values' schema by itself: whether it is one, its defaults, its descriptions, the schema of ytt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.authoring.lint.findings import Finding
from packhouse.authoring.lint.subject import Subject
from packhouse.authoring.project import Place
from packhouse.authoring.ytt_schema import declared
from packhouse.domain import values
from packhouse.domain.values_path import ANY_KEY, EACH, Path, written
from packhouse.domain.values_shape import Shape
from packhouse.ports import Json

#: Where it stands in a Package.
SCHEMA: Final = ("spec", "valuesSchema", "openAPIv3")
_DEPTH_MOST: Final = 40
_NAMED_MOST: Final = 4
#: What is asked of a default by itself: maps get the defaults of their keys besides.
_SHALLOW: Final = ("type", "nullable", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "items")


def schema_invalid(subject: Subject) -> Iterator[Finding]:
    if subject.schema is None:
        return
    try:
        values.check({}, subject.schema)
    except ValuesSchemaInvalid as error:
        yield Finding("schema-invalid", subject.place(*SCHEMA), error.message)


def schema_default(subject: Subject) -> Iterator[Finding]:
    """Null is left alone: the operator takes it, whatever the type."""
    for path, schema in _properties(subject.schema, ()):
        default = schema.get("default")
        if default is None:
            continue
        shallow = {key: schema[key] for key in _SHALLOW if key in schema}
        try:
            violations, _ = values.check({"default": default}, {"type": "object", "properties": {"default": shallow}})
        except ValuesSchemaInvalid:
            continue  # it is said of the schema as a whole
        for violation in violations[:1]:
            place = subject.place(*SCHEMA, *_in_schema(path), "default")
            message = (
                f"the default of {written(path)} is {violation.found}, where the schema asks for {violation.expected}"
            )
            yield Finding("schema-default", place, message)


def schema_description(subject: Subject) -> Iterator[Finding]:
    """One finding for all: in a schema that says nothing, each key of its own would drown the rest."""
    silent = [path for path, shape in leaves(subject.shape) if not shape.description]
    if not silent:
        return
    named = ", ".join(written(path) for path in silent[:_NAMED_MOST])
    more = f" and {len(silent) - _NAMED_MOST} more" if len(silent) > _NAMED_MOST else ""
    keys = "key has" if len(silent) == 1 else "keys have"
    place = place_in(subject, silent[0])
    yield Finding("schema-description", place, f"{len(silent)} {keys} no description: {named}{more}")


def schema_differs(subject: Subject) -> Iterator[Finding]:
    """Where a ytt package says its schema twice."""
    own = declared(subject.project.files(), subject.steps)
    if own is None or subject.shape is None or own == subject.schema:
        return
    told, meant = _keys(subject.shape), _keys(Shape.of(own))
    for path in sorted(meant - told):
        message = f"the ytt schema of the files has a key {written(path)}, and valuesSchema has none"
        yield Finding("schema-differs", subject.place(*SCHEMA), message)
    for path in sorted(told - meant):
        message = f"valuesSchema has a key {written(path)}, and the ytt schema of the files has none"
        yield Finding("schema-differs", place_in(subject, path), message)


def leaves(shape: Shape | None, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """The keys that hold no further named keys, in the schema's order; nothing inside of lists."""
    if shape is None or len(path) > _DEPTH_MOST or shape.is_circle:
        return
    for name, inner in shape.named.items():
        if inner.named and len(path) < _DEPTH_MOST:
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def place_in(subject: Subject, path: Path) -> Place:
    """Where a key stands in the schema."""
    return subject.place(*SCHEMA, *_in_schema(path))


def _keys(shape: Shape) -> set[tuple[str, ...]]:
    return {tuple(map(str, path)) for path, _ in leaves(shape)}


def _properties(schema: Any, path: Path) -> Iterator[tuple[Path, Json]]:
    """Each property as it is written; references are not followed."""
    if not isinstance(schema, dict) or len(path) > _DEPTH_MOST:
        return
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(inner, dict):
            yield (*path, name), inner
            yield from _properties(inner, (*path, name))
    yield from _properties(schema.get("items"), (*path, EACH))


def _in_schema(path: Path) -> list[str | int]:
    """Where the schema of a key stands in the schema of all."""
    places: list[str | int] = []
    for part in path:
        places += (
            ["items"]
            if isinstance(part, int)
            else ["additionalProperties"]
            if part == ANY_KEY
            else ["properties", part]
        )
    return places
