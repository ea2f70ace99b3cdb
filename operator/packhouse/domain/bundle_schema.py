"""Fits a document to the openAPIV3Schema of its CRD as an API server would: unknown fields go, the rest is validated.

Called by bundle.py alone. Kubernetes' own words are honoured: preserve-unknown-fields, int-or-string, nullable. CEL
rules are not evaluated. A null stands for an absent field, as in the Go types that such documents are written for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from packhouse.domain.type_names import type_name
from packhouse.ports import Json

_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_ERRORS_MOST: Final = 20
_MESSAGE_MOST: Final = 300

_EXPECTED: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "object": "a map",
    "array": "a list",
}


class Problem(Exception):
    """What is wrong with one document, and the path of the node that shows it best."""

    def __init__(self, path: Sequence[str | int], message: str) -> None:
        super().__init__(message)
        self.path = tuple(path)
        self.message = message


class Shape:
    """One kind's schema, compiled once."""

    def __init__(self, schema: Json) -> None:
        self._schema = schema
        self._validator = Draft4Validator(_json_schema(schema), format_checker=_formats)

    def fitted(self, document: Json) -> Json:
        """The document without unknown fields. Raises Problem for the first that does not fit, and counts the rest."""
        own = {key: value for key, value in document.items() if key in ("apiVersion", "kind", "metadata")}
        pruned: Json = own | _pruned({key: value for key, value in document.items() if key not in own}, self._schema)
        errors = [error for error, _ in zip(self._validator.iter_errors(pruned), range(_ERRORS_MOST), strict=False)]
        if errors:
            errors.sort(key=lambda error: [str(part) for part in error.absolute_path])
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            first = errors[0]
            raise Problem(_path_of(first), f"{_sentence(first)}{more}")
        return pruned


_formats: Final = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """RFC 3339: with a time and a zone."""
    return not isinstance(value, str) or ("T" in value.upper() and datetime.fromisoformat(value).tzinfo is not None)


def _json_schema(schema: Any) -> Any:
    """The schema in JSON Schema's own words (draft 4, which OpenAPI 3.0 extends)."""
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            plain[key] = {name: _json_schema(part) for name, part in value.items()}
        elif key in ("items", "additionalProperties", "not"):
            plain[key] = _json_schema(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            plain[key] = [_json_schema(part) for part in value]
        elif not key.startswith("x-") and key not in ("nullable", "default", "example"):
            plain[key] = value
    if schema.get(_INT_OR_STRING):
        plain["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in plain:
        types = plain["type"]
        plain["type"] = [*([types] if isinstance(types, str) else types), "null"]
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
    return plain


def _pruned(value: Any, schema: Any) -> Any:
    """`value` without what the schema does not know; the original stays as it is."""
    if not isinstance(schema, dict) or schema.get(_PRESERVE):
        return value
    if isinstance(value, list):
        return [_pruned(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if item is None:
            continue
        if key in properties:
            kept[key] = _pruned(item, properties[key])
        elif others:
            kept[key] = _pruned(item, others)
    return kept


def _path_of(error: ValidationError) -> list[str | int]:
    return list(error.absolute_path)


def _sentence(error: ValidationError) -> str:
    instance: Any = error.instance
    argument: Any = error.validator_value
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    match error.validator:
        case "required":
            missing = next(name for name in argument if name not in instance)
            return f"{path + '.' if path else ''}{missing} is missing"
        case "type":
            names = [name for name in ([argument] if isinstance(argument, str) else argument) if name != "null"]
            expected = " or ".join(_EXPECTED.get(name, f"a {name}") for name in names)
            advice = ": quote it" if "string" in names and isinstance(instance, bool | int | float) else ""
            found = type_name(instance)
            return f"{path} must be {expected}, found {found}{advice}"
        case "enum":
            return f"{path} must be one of {', '.join(map(str, argument))}"
        case "format":
            return f"{path} must be a {argument}, such as 2024-01-31T00:00:00Z"
    limits = ("maxLength", "minLength", "maxItems", "minItems", "minimum", "maximum", "maxProperties", "pattern")
    if error.validator in limits:
        return f"{path} breaks its limit ({error.validator} {argument})"
    return f"{path} {error.message[:_MESSAGE_MOST]}"
