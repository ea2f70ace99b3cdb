"""Decides whether values fit the openAPIv3 schema of their package, and which defaults the schema gives.

Called through values.py. A schema is an OpenAPI 3.0 schema object as packages carry them: JSON Schema with `nullable`,
booleans for exclusiveMinimum, words of its own that mean nothing here, and references to definitions that were left
behind. Such a reference takes anything; none is ever looked up outside the schema. Where a schema gives a default, it
takes that value too, whatever else it says: real schemas give null where they ask for a string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from jsonschema.exceptions import UndefinedTypeCheck, UnknownType
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.domain.schema_parts import parts, resolve
from packhouse.domain.values_report import Violation, describe, join, missing, unknown
from packhouse.ports import Json

#: More than these are neither listed nor counted.
VIOLATIONS_MOST: Final = 1_000
WARNINGS_MOST: Final = 100

Path = tuple[str | int, ...]
_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

#: Keywords whose value maps names to schemas, and those whose value is data.
_NAMED: Final = frozenset({"properties", "patternProperties", "definitions", "$defs", "schemas", "dependentSchemas"})
_DATA: Final = frozenset({"default", "enum", "const", "example", "examples"})
#: A dialect or an address of its own would let a part of the schema step out of this room's rules.
_DROPPED: Final = frozenset({"$schema", "$id", "$dynamicRef", "$recursiveRef", "$vocabulary"})


def check(values: Json, schema: Json) -> tuple[list[Violation], list[str]]:
    """What breaks the schema, and warnings for keys that it does not name but does not forbid either.

    Raises ValuesSchemaInvalid where the schema itself cannot be read.
    """
    prepared = Prepared(schema)
    return prepared.violations(values), list(dict.fromkeys(map(str, prepared.unknown(values))))


class Prepared:
    """A schema that was read, for any number of values. `part`: a schema inside, such as a reference; None: the whole.

    `trusted`: it is one, such as those of an API server, and is not judged, which takes long for so many.

    Raises ValuesSchemaInvalid where the schema cannot be read, which may show only as it is used.
    """

    def __init__(self, schema: Json, *, trusted: bool = False) -> None:
        self._root = _prepare(schema)
        with _readable():
            if not trusted:
                _judge(self._root)
            self._validator = _validator(self._root)

    def violations(self, values: Any, part: Json | None = None) -> list[Violation]:
        validator = self._validator if part is None else self._validator.evolve(schema=part)
        with _readable():
            found = (violation for error in validator.iter_errors(values) for violation in describe(error))
            return list(islice(found, VIOLATIONS_MOST))

    def unknown(self, values: Any, part: Json | None = None) -> list[Violation]:
        """The keys that the schema does not name, and does not forbid either."""
        with _readable():
            found = _unknown_keys(values, [self._root if part is None else part], self._root, ())
            return list(islice(found, WARNINGS_MOST))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except SchemaError as broken:
        where = join(broken.absolute_path) or "its top"
        raise ValuesSchemaInvalid(f"the package's valuesSchema is invalid at {where}: {broken.message[:200]}") from None
    except re.error as broken:
        raise ValuesSchemaInvalid(f"a pattern in the package's valuesSchema cannot be read: {broken}") from None
    except (UnknownType, UndefinedTypeCheck, Unresolvable):
        raise ValuesSchemaInvalid("the package's valuesSchema names a type or a schema that does not exist") from None
    except RecursionError:
        raise ValuesSchemaInvalid(
            "the package's valuesSchema refers to itself without end, or is nested too deeply"
        ) from None


def _judge(root: Json) -> None:
    for part in (root, *(resolve(root, reference) for reference in _references(root))):
        Draft202012Validator.check_schema(True if part is None else part, format_checker=FormatChecker(formats=()))


def _prepare(schema: Any) -> Json:
    """The schema in the dialect of jsonschema. Only what OpenAPI 3.0 says otherwise is changed."""
    if not isinstance(schema, dict):
        raise ValuesSchemaInvalid("the package's valuesSchema is no map")
    try:
        prepared = _translate(schema)
    except RecursionError:
        raise ValuesSchemaInvalid("the package's valuesSchema is nested too deeply") from None
    return prepared if isinstance(prepared, dict) else {}


def _translate(node: Any) -> Any:
    if isinstance(node, list):
        return [_translate(part) for part in node]
    if not isinstance(node, dict):
        return node
    translated: Json = {}
    for key, value in node.items():
        if key in _DATA:
            translated[key] = value
        elif key in _NAMED and isinstance(value, dict):
            translated[key] = {str(name): _translate(part) for name, part in value.items()}
        elif key not in _DROPPED:
            translated[str(key)] = _translate(value)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(translated.get(exclusive), bool) and translated.pop(exclusive) and bound in translated:
            translated[exclusive] = translated.pop(bound)
    if isinstance(translated.get("items"), list):
        translated["prefixItems"] = translated.pop("items")
    if isinstance(translated.get("required"), bool):
        del translated["required"]
    return translated


def _references(node: Any) -> set[str]:
    """All references; what they point to may stand where the check of the schema as a whole does not look."""
    if isinstance(node, list):
        return {reference for part in node for reference in _references(part)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(_references, node.values()))


def _validator(root: Json) -> Any:
    """jsonschema's validator, with `nullable` for each keyword and references that stay within `root`."""

    def reference(validator: Any, pointer: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        target = resolve(root, pointer) if isinstance(pointer, str) else None
        if target is not None:
            yield from validator.descend(instance, target)

    def nothing(validator: Any, argument: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        return iter(())  # OpenAPI 3.0 has no such keyword, and jsonschema follows references for it by itself

    def required(validator: Any, keys: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(instance, dict) and missing(keys, instance, schema):
            yield ValidationError("required")

    own: dict[str, _Keyword] = {
        "$ref": reference,
        "required": required,
        "$dynamicRef": nothing,
        "unevaluatedProperties": nothing,
        "unevaluatedItems": nothing,
    }
    keywords = {name: _unless_given(keyword) for name, keyword in (Draft202012Validator.VALIDATORS | own).items()}
    validator: Any = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call] # jsonschema gives no type
    # A registry of ours, since the one that is there by default fetches what it does not know.
    return validator(root, registry=Registry())


def _unless_given(keyword: _Keyword) -> _Keyword:
    """The keyword, unless the schema takes the value without asking: null where nullable, and its own default."""

    def checked(validator: Any, argument: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if instance is None and schema.get("nullable") is True:
            return
        if "default" in schema and type(instance) is type(schema["default"]) and instance == schema["default"]:
            return
        yield from keyword(validator, argument, instance, schema) or ()

    return checked


def _unknown_keys(value: Any, schemas: list[Any], root: Json, path: Path) -> Iterator[Violation]:
    """Keys that no schema names, where the schemas name keys and say nothing of others."""
    known = [part for schema in schemas for part in parts(schema, root)]
    if isinstance(value, list):
        items = [schema["items"] for schema in known if "items" in schema]
        for place, item in enumerate(value if items else ()):
            yield from _unknown_keys(item, items, root, (*path, place))
    if not isinstance(value, dict):
        return
    named: dict[str, list[Any]] = {}
    for schema in known:
        for name, inner in schema.get("properties", {}).items():
            named.setdefault(name, []).append(inner)
    open_to_others = any(not _OPEN.isdisjoint(schema) for schema in known)
    others = [inner for schema in known if isinstance(inner := schema.get("additionalProperties"), dict)]
    for key, inner in value.items():
        if key in named:
            yield from _unknown_keys(inner, named[key], root, (*path, key))
        elif others:
            yield from _unknown_keys(inner, others, root, (*path, key))
        elif named and not open_to_others:
            yield unknown(path, key, named)


#: A schema with one of these says itself what becomes of other keys; an unresolved reference may.
_OPEN: Final = frozenset(
    {"additionalProperties", "patternProperties", "x-kubernetes-preserve-unknown-fields", "unresolved"}
)
