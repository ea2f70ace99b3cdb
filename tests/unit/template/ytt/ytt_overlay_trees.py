"""Small trees for tests of overlays: YAML with annotations in Python's words, and a thread that calls Python.

Real are the nodes and the overlays; faked are reading (PyYAML, places and `#@overlay/...` alone) and the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.nodes import Annotation, Array, ArrayItem, Document, DocumentSet, Map, MapItem, Source
from packhouse.template.ytt.overlay.module import OVERLAY
from packhouse.template.ytt.values import Builtin, Fragment, Struct


class FakeThread:
    """Calls builtins as the language does, and anything of Python's. `limit`: steps until it is too much."""

    def __init__(self, limit: int = 10_000_000) -> None:
        self.calls = 0
        self.left = limit
        self.weighed = 0

    def call(self, function: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        self.calls += 1
        if isinstance(function, Builtin):
            try:
                return function.run(self, tuple(args), dict(kwargs or {}))
            except EvalError as error:
                raise EvalError(f"{function.name}: {error.message}") from error
        if callable(function):
            return function(*args, **dict(kwargs or {}))
        raise EvalError("invalid call of non-function")

    def tick(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise LimitExceeded("too many steps")

    def weigh(self, size: int) -> None:
        self.weighed += size


def member(name: str) -> Builtin:
    """A function of the module `overlay`."""
    found = OVERLAY.fields()[name]
    assert isinstance(found, Builtin)
    return found


def built(name: str, *args: Any) -> Any:
    return member(name).run(FakeThread(), args, {})


def at(fragment: Any, *keys: Any) -> Any:
    """What a template would get by `fragment[key]...`."""
    plain = to_plain(fragment)
    for key in keys:
        plain = plain[key]
    return plain


#: What annotations may use.
NAMES: dict[str, Any] = {
    "all": member("all"),
    "index": lambda number: built("index", number),
    "map_key": lambda key: built("map_key", key),
    "subset": lambda expected: built("subset", expected),
    "and_op": lambda *functions: built("and_op", *functions),
    "or_op": lambda *functions: built("or_op", *functions),
    "not_op": lambda function: built("not_op", function),
    "at": at,
    "plain": to_plain,
    "Struct": Struct,
    "documents": lambda text: Fragment(tree(text)),
    "len": len,
    "int": int,
}


def tree(text: str, name: str = "stdin", **names: Any) -> DocumentSet:
    """The documents of a text; lines count from 1, and belong to a file `name`."""
    source = Source(name, text)
    waiting = _annotations(text, source, {**NAMES, **names})
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines, 1) if line == "---" or line.startswith("--- ")] or [1]
    documents = []
    for start, node in zip(starts, yaml.compose_all(text, yaml.SafeLoader), strict=True):
        annotations = waiting.pop(start, None) if lines[start - 1].startswith("---") else None
        document = Document(None, source, start, annotations=annotations)
        document.value = _value(node, source, waiting)
        documents.append(document)
    return DocumentSet(documents, source)


def one(text: str, name: str = "stdin", **names: Any) -> Any:
    """The value of the only document of a text."""
    return tree(text, name, **names).items[0].value


def shown(value: Any) -> Any:
    """Plain values, in a form that keeps the order of maps."""
    return yaml.safe_dump(to_plain(value), sort_keys=False)


def _value(node: Any, source: Source, waiting: dict[int, dict[str, Annotation]]) -> Any:
    if isinstance(node, yaml.MappingNode):
        items = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            item = MapItem(_scalar(key), None, source, line, annotations=waiting.pop(line, None))
            item.value = _value(value, source, waiting)
            items.append(item)
        return Map(items, source, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        parts = []
        for value in node.value:
            line = value.start_mark.line + 1
            part = ArrayItem(None, source, line, annotations=waiting.pop(line, None))
            part.value = _value(value, source, waiting)
            parts.append(part)
        return Array(parts, source, node.start_mark.line + 1)
    return _scalar(node)


def _scalar(node: Any) -> Any:
    return yaml.SafeLoader("").construct_object(node) if node is not None else None


def _annotations(text: str, source: Source, names: dict[str, Any]) -> dict[int, dict[str, Annotation]]:
    """By the line of the node that they belong to: the next one that is no comment."""
    found: dict[int, dict[str, Annotation]] = {}
    pending: dict[str, Annotation] = {}
    capture: Callable[..., Any] = lambda *args, **kwargs: (args, kwargs)  # noqa: E731 - it stands in an evaluated text
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("#@"):
            name, _, arguments = stripped[2:].partition(" ")
            args, kwargs = eval(f"capture({arguments})", {"capture": capture, **names})
            pending[name] = Annotation(args, kwargs, source, number)
        elif stripped and pending:
            found[number], pending = pending, {}
    return found
