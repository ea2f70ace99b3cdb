"""The words in which broken values are reported: path, what is expected, which type was found, the nearest key.

Called by values_schema.py and, for the message of a condition, by the renderer. What a schema says may be quoted,
since a package is public; what a value says never is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # importing it takes a tenth of a second, and some only ask for the nearest key
    from jsonschema import ValidationError

_SHOWN: Final = 5
_TEXT_MOST: Final = 80
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_UNKNOWN_KEY: Final = "a known key"

#: Keyword -> what is expected ({} is what the schema says) and what was found instead ({} is the type).
_WORDS: Final = {
    "const": ("{}", "another {}"),
    "minimum": ("at least {}", "a smaller {}"),
    "maximum": ("at most {}", "a larger {}"),
    "exclusiveMinimum": ("more than {}", "a smaller or equal {}"),
    "exclusiveMaximum": ("less than {}", "a larger or equal {}"),
    "multipleOf": ("a multiple of {}", "another {}"),
    "minLength": ("at least {} characters", "a shorter {}"),
    "maxLength": ("at most {} characters", "a longer {}"),
    "pattern": ("a string like {}", "another {}"),
    "minItems": ("at least {} items", "a shorter {}"),
    "maxItems": ("at most {} items", "a longer {}"),
    "uniqueItems": ("items that differ", "an {} with repeated items"),
    "minProperties": ("at least {} keys", "a smaller {}"),
    "maxProperties": ("at most {} keys", "a larger {}"),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where values break a schema. `path` is as a user would write it below `values`: a.b[2].c."""

    path: str
    expected: str
    found: str
    nearest: str | None = None  # for an unknown key: the known one that looks most like it

    def __str__(self) -> str:
        where = f"values{'' if self.path[:1] in ('', '[') else '.'}{self.path}"
        if self.expected == _UNKNOWN_KEY:
            return f"{where} is not known{f' (did you mean {self.nearest}?)' if self.nearest else ''}"
        return f"{where}: expected {self.expected}, found {self.found}"


def format_violations(violations: Sequence[Violation], *, shown: int = _SHOWN) -> str:
    """The first `shown` violations on one line, and how many more there are."""
    listed = "; ".join(map(str, violations[:shown]))
    more = len(violations) - shown
    return f"{listed}; and {more} more" if more > 0 else listed


def unknown(path: Iterable[str | int], key: str, known: Iterable[str]) -> Violation:
    """The violation of a key that the schema does not name."""
    return Violation(join([*path, key]), _UNKNOWN_KEY, "an unknown key", nearest(key, known))


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that looks most like `key`, if one does."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower()[:_TEXT_MOST], folded, n=1)
    return folded[close[0]] if close else None


def join(parts: Iterable[str | int]) -> str:
    """A path in writing: a.b[2].c, and a["b.c"] for keys that need quotes."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part) and len(part) <= _TEXT_MOST:
            path += f".{part}" if path else part
        else:
            path += f'["{_cut(part)}"]'
    return path


def type_name(value: Any) -> str:
    """The JSON Schema name of the type of `value`."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def describe(error: ValidationError) -> Iterator[Violation]:
    """What jsonschema found, in our words; one violation for each key that is missing or unknown."""
    parts = list(error.absolute_path)
    instance: Any = error.instance
    argument: Any = error.validator_value
    path, found = join(parts), type_name(instance)
    match error.validator:
        case "type":
            yield Violation(path, _types(argument), found)
        case "enum":
            listed = ", ".join(map(_say, argument[:_SHOWN])) + (", ..." if len(argument) > _SHOWN else "")
            yield Violation(path, f"one of {listed}", f"another {found}")
        case "required":
            for key in missing(argument, instance, error.schema):
                yield Violation(join([*parts, key]), "a value, it is required", "nothing")
        case "additionalProperties" if argument is False:
            schema = error.schema if isinstance(error.schema, dict) else {}
            known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
            for key in instance:
                if key not in known and not any(re.search(pattern, key) for pattern in patterns):
                    yield unknown(parts, key, known)
        case "anyOf" | "oneOf":
            yield Violation(path, _alternatives(error), found)
        case str() as keyword if keyword in _WORDS:
            expected, instead = _WORDS[keyword]
            yield Violation(path, expected.format(_say(argument)), instead.format(found))
        case keyword:
            yield Violation(path, f"what the schema says under {keyword}", f"another {found}")


def missing(required: Any, instance: Any, schema: Any) -> list[str]:
    """The required keys that neither the values nor a default of the schema give."""
    properties = schema.get("properties", {})
    return [key for key in required if key not in instance and "default" not in properties.get(key, {})]


def _types(argument: Any) -> str:
    return " or ".join(map(str, argument)) if isinstance(argument, list) else str(argument)


def _alternatives(error: ValidationError) -> str:
    """The types, where only these tell the alternatives apart."""
    causes = list(error.context or ())
    if not causes:
        return "only one of the forms that the schema allows"
    if all(cause.validator == "type" and not cause.relative_path for cause in causes):
        return " or ".join(dict.fromkeys(_types(cause.validator_value) for cause in causes))
    forms: Any = error.validator_value
    return f"one of the {len(forms)} forms that the schema allows"


def _say(argument: Any) -> str:
    return _cut(argument if isinstance(argument, str) else repr(argument))


def _cut(text: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in text[:_TEXT_MOST])
    return printable if len(text) <= _TEXT_MOST else printable + "..."
