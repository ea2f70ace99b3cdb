"""Decides whether values fit the openAPIv3 schema of their package, and which defaults the schema gives.

Called through values.py. A schema is an OpenAPI 3.0 schema object as packages carry them: JSON Schema with `nullable`,
booleans for exclusiveMinimum, words of its own that mean nothing here, and references to definitions that were left
behind. Such a reference takes anything; none is ever looked up outside the schema. Where a schema gives a default, it
takes that value too, whatever else it says: real schemas give null where they ask for a string.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from jsonschema.exceptions import UndefinedTypeCheck, UnknownType
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from packhouse.api.errors import ValuesSchemaInvalid
from packhouse.domain.values_merge import merge
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
_COMBINING: Final = ("allOf", "anyOf", "oneOf")


def check(values: Json, schema: Json) -> tuple[list[Violation], list[str]]:
    """What breaks the schema, and warnings for keys that it does not name but does not forbid either.

    Raises ValuesSchemaInvalid where the schema itself cannot be read.
    """
    root = _prepare(schema)
    try:
        for part in (root, *(_resolve(root, reference) for reference in _references(root))):
            Draft202012Validator.check_schema(True if part is None else part, format_checker=FormatChecker(formats=()))
        violations = (violation for error in _validator(root).iter_errors(values) for violation in describe(error))
        warnings = islice(_unknown_keys(values, [root], root, ()), WARNINGS_MOST)
        return list(islice(violations, VIOLATIONS_MOST)), list(dict.fromkeys(map(str, warnings)))
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


def defaults(schema: Json) -> Json:
    """The values that the schema gives where the user gives none; maps with defaults inside them are made.

    Lists get only a default of their own. A `$ref` that cannot be resolved, or leads back to itself, gives nothing.
    """
    try:
        found = _defaults(schema, schema, frozenset())
    except RecursionError:
        raise ValuesSchemaInvalid("the package's valuesSchema is nested too deeply") from None
    return copy.deepcopy(found[0]) if found and isinstance(found[0], dict) else {}


def _defaults(schema: Any, root: Json, followed: frozenset[str]) -> tuple[Any] | None:
    """The default in a tuple of one, since null is a default too; None where there is none."""
    if not isinstance(schema, dict):
        return None
    layers: list[tuple[Any]] = []
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        layers.append(_defaults(_resolve(root, reference), root, followed | {reference}) or ({},))
    parts = schema.get("allOf")
    layers += [_defaults(part, root, followed) or ({},) for part in (parts if isinstance(parts, list) else ())]
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if (found := _defaults(inner, root, followed)) is not None:
            layers.append(({name: found[0]},))
    if "default" in schema:
        own = schema["default"]
        layers = [*layers, (own,)] if isinstance(own, dict) else [(own,)]
    maps = [layer[0] for layer in layers if layer[0] != {} or "default" in schema]
    if not maps:
        return None
    return (merge(maps),) if all(isinstance(layer, dict) for layer in maps) else (maps[-1],)


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


def _resolve(root: Json, reference: str) -> Any:
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


def _validator(root: Json) -> Any:
    """jsonschema's validator, with `nullable` for each keyword and references that stay within `root`."""

    def reference(validator: Any, pointer: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        target = _resolve(root, pointer) if isinstance(pointer, str) else None
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
    known = [part for schema in schemas for part in _parts(schema, root, frozenset())]
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


def _parts(schema: Any, root: Json, followed: frozenset[str]) -> Iterator[Json]:
    """The schema and all that it is combined from."""
    if not isinstance(schema, dict):
        return
    yield schema
    for combining in _COMBINING:
        for part in schema.get(combining, ()):
            yield from _parts(part, root, followed)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        target = _resolve(root, reference)
        yield from _parts({"unresolved": True} if target is None else target, root, followed | {reference})
