"""Reads `--set a.b=c`: the path, and a value of the type that the schema gives for that place.

Called by the verbs that take values on the command line. A schema that says nothing of a place leaves the type to YAML.
Messages name paths and types, never a value.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from packhouse.api.errors import ValuesInvalid
from packhouse.domain import yaml_text
from packhouse.domain.schema_parts import defaults
from packhouse.domain.values_keys import types
from packhouse.domain.values_path import ANY_KEY, EACH, Path, read, written
from packhouse.domain.values_report import nearest, type_name
from packhouse.domain.values_shape import Shape
from packhouse.ports import Json

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_BOOLEANS: Final = {"true": True, "false": False}
#: No value of that type: whatever is written, null included, is one.
_WRONG: Final = object()
_DIGITS_MOST: Final = 300


def layer(schema: Json, given: Json, sets: Sequence[str]) -> Json:
    """What `--set` says, as values to lay over `given`, in the order of the words. Raises ValuesInvalid.

    A list is replaced as a whole where values are laid over each other: `a[0]=x` changes a copy of the list that is
    given, or of the schema's default.
    """
    shape = Shape.of(schema)
    over: Json = {}
    below = (given, defaults(schema))
    for words in sets:
        path, end = read(words)
        if words[end : end + 1] != "=":
            raise ValuesInvalid(f"--set {_shown(words)} has no value; write --set {written(path)}=VALUE")
        place = _place(shape, path, words)
        _put(over, path, typed(place, path, words[end + 1 :]), below)
    return over


def typed(shape: Shape | None, path: Path, text: str) -> Any:
    """The text as a value of one of the types of that place. Raises ValuesInvalid."""
    kinds = shape.types if shape else []
    if not kinds:
        return _yaml(text, path)
    if text == "null" and shape and (shape.is_nullable or shape.default == (None,)):
        return None
    for kind in ("boolean", "integer", "number", "array", "object", "string"):
        if kind in kinds and (value := _READERS[kind](text)) is not _WRONG:
            return value
    expected = " or ".join([types(shape), *(["null"] if shape and shape.is_nullable else [])]) if shape else ""
    raise ValuesInvalid(
        f"--set {written(path)}: expected {expected}, found {_found(text, kinds)}"
        f"; write --set {written(path)}={_sample(kinds[0])}"
    )


def _place(shape: Shape, path: Path, words: str) -> Shape | None:
    """What the schema says of a path; None where that is nothing. Raises ValuesInvalid for a key that is not known."""
    found: Shape | None = shape
    for at, part in enumerate(path):
        if part in (EACH, ANY_KEY):
            raise ValuesInvalid(
                f"--set {written(path)} names every item and none; name one, as in a[0] or a.key, or give the whole"
            )
        if found is None:
            return None
        inner = found.at((part,))
        if inner is None:
            _refuse(found, path[: at + 1])
        found = inner
    return found


def _refuse(shape: Shape, path: Path) -> None:
    """Raises ValuesInvalid unless the schema leaves open what is at the end of the path."""
    above, part = path[:-1], path[-1]
    wants = "array" if isinstance(part, int) else "object"
    if shape.types and wants not in shape.types:
        found = "list" if isinstance(part, int) else "map"
        raise ValuesInvalid(
            f"--set {written(path)}: {written(above)} is no {found}, expected {types(shape)}"
            f"; write --set {written(above)}={_sample(shape.types[0])}"
        )
    if isinstance(part, str) and not shape.is_open:
        close = nearest(part, shape.named)
        meant = f" (did you mean {written((*above, close))}?)" if close else ""
        known = ", ".join(list(shape.named)[:10])
        raise ValuesInvalid(f"--set {written(path)} is not known{meant}; keys there are {known}")


def _put(over: Json, path: Path, value: Any, below: Sequence[Any]) -> None:
    """Sets a value inside `over`; `below`: the values under it, the first that has a list gives it."""
    node: Any = over
    for at, part in enumerate(path):
        is_last = at == len(path) - 1
        if isinstance(part, int):
            if part > len(node):
                items = "1 item" if len(node) == 1 else f"{len(node)} items"
                raise ValuesInvalid(
                    f"--set {written(path)}: {written(path[:at])} has {items}"
                    f"; the next one is {written((*path[:at], len(node)))}"
                )
            if part == len(node):
                node.append(None)
        inner = value if is_last else _container(_inside(node, part), path, at, below)
        node[part] = inner
        node = inner


def _container(there: Any, path: Path, at: int, below: Sequence[Any]) -> Any:
    """What the rest of the path goes into: the list or map that is there, or a new one."""
    if not isinstance(path[at + 1], int):
        return there if isinstance(there, dict) else {}
    if isinstance(there, list):
        return there
    lists = (found for values in below if isinstance(found := _at(values, path[: at + 1]), list))
    return copy.deepcopy(next(lists, []))


def _at(values: Any, path: Path) -> Any:
    for part in path:
        values = _inside(values, part)
    return values


def _inside(node: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return node[part] if isinstance(node, list) and part < len(node) else None
    return node.get(part) if isinstance(node, dict) else None


def _yaml(text: str, path: Path) -> Any:
    """One value as YAML has it; what is no YAML is a text."""
    value = _guess(text)
    return text if value is _WRONG else value


def _guess(text: str) -> Any:
    if not text:
        return ""
    try:
        loaded = yaml_text.load_all(f"- {text}" if "\n" not in text else text, "--set", ValuesInvalid)
    except ValuesInvalid:
        return _WRONG
    if "\n" in text:
        return loaded[0][1] if len(loaded) == 1 else _WRONG
    return loaded[0][1][0] if len(loaded) == 1 and len(loaded[0][1]) == 1 else _WRONG


def _found(text: str, kinds: Sequence[str]) -> str:
    """What YAML would take it for; a form that only YAML has (yes, 0x10) is a text."""
    value = _guess(text)
    name = "string" if value is _WRONG else type_name(value)
    return "string" if name in kinds else name


def _text(text: str) -> Any:
    """The text as it is; in double quotes it is JSON, so that every text can be written."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) and len(text) < _DIGITS_MOST else _WRONG


def _number(text: str) -> Any:
    if len(text) > _DIGITS_MOST or not _NUMBER.fullmatch(text):
        return _WRONG
    if _INTEGER.fullmatch(text):
        return int(text)
    return value if math.isfinite(value := float(text)) else _WRONG


def _collection(kind: type) -> Callable[[str], Any]:
    def collected(text: str) -> Any:
        value = _guess(text)
        return value if isinstance(value, kind) else _WRONG

    return collected


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "boolean": lambda text: _BOOLEANS.get(text, _WRONG),
    "integer": _integer,
    "number": _number,
    "array": _collection(list),
    "object": _collection(dict),
    "string": _text,
}


def _sample(kind: str) -> str:
    samples = {"boolean": "true", "integer": "1", "number": "0.5", "array": "'[x, y]'", "object": "'{key: value}'"}
    return samples.get(kind, "TEXT")


def _shown(words: str) -> str:
    return words if len(words) <= 60 else words[:57] + "..."
