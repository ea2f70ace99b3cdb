"""A text of values as the operator reads it: the values that it gives, and the line of each.

Called by values.py. Plain YAML is read as it stands, and so is a document that `#@data/values` alone marks; values with
code of ytt are computed, where the package has ytt to do so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import yaml

from packhouse.api.errors import ValuesInvalid
from packhouse.domain import values
from packhouse.domain.values_report import join
from packhouse.ports import Json, ValuesDocument

#: The mark of values for ytt. What else begins with `#@` is code.
MARK: Final = re.compile(r"^[ \t]*#@[ \t]*data/values[ \t]*\r?$\n?", re.MULTILINE)
#: Code that another file of the package has.
_LOADS: Final = re.compile(r"\bload\([ \t]*[\"'](?!@ytt:)|@ytt:library\b")
_LINES_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Given:
    """`lines`: the line of what stands at a path. `is_known`: False where code of the package has its part in it."""

    values: Json = field(default_factory=dict, repr=False)
    lines: Mapping[str, int] = field(default_factory=dict)
    is_computed: bool = False
    is_known: bool = True

    def line(self, path: str) -> int | None:
        """Of the path, or of what is above it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path)


def read(source: str, text: str, *, has_ytt: bool) -> Given:
    """`has_ytt`: whether the package is rendered by ytt. Raises ValuesInvalid, with source and line."""
    if has_ytt and values.has_code(text):
        if _LOADS.search(text):
            return Given(is_computed=True, is_known=False)
        return _computed(source, text)
    layers = values.parse([ValuesDocument(source, text)])
    found = (place for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) for place in _places(node, ()))
    return Given(values.merge(layers), _lines(found))


def _computed(source: str, text: str) -> Given:
    from packhouse.template.ytt.convert import to_plain
    from packhouse.template.ytt.errors import LimitExceeded, YttError
    from packhouse.template.ytt.workspace.render import InputFile, values_documents

    try:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass
    except yaml.YAMLError:
        values.parse([ValuesDocument(source, text)])  # says where
    name = source if source.endswith((".yml", ".yaml")) else f"{source}.yml"
    try:
        documents = values_documents([InputFile(name, text.encode())])
        layers = [plain for document in documents if isinstance(plain := to_plain(document.value), dict)]
        found = [place for document in documents for place in _node_places(document.value, ())]
        if not documents:
            raise ValuesInvalid(
                f"{source}: it has code of ytt and no values; write #@data/values before the --- of its documents"
            )
        return Given(values.merge(layers), _lines(found), is_computed=True)
    except YttError as error:
        raise _bug(source, text, error.message) from None
    except LimitExceeded as error:
        raise ValuesInvalid(f"{source}: computing its values was ended: {error.what}; simplify its code") from None


def _bug(source: str, text: str, message: str) -> ValuesInvalid:
    """In words that show no value: they may come from a Secret, and go into the logs of whatever calls us."""
    from packhouse.template.disclosure import without_secrets
    from packhouse.template.ytt.report import as_printed

    place = re.search(rf"{re.escape(source)}(?:\.yml)?:(\d+) ", message)
    where = f"{source}:{place[1]}" if place else source
    shown = as_printed(without_secrets(message, [text], lambda value: False))
    return ValuesInvalid(f"{where}: its code cannot be computed; correct it:\n{shown}")


def _lines(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What comes later lies over what came before."""
    return dict(islice(found, _LINES_MOST))


def _places(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield join(below), key.start_mark.line + 1
            yield from _places(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield join((*path, number)), value.start_mark.line + 1
            yield from _places(value, (*path, number))


def _node_places(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, int]]:
    for number, item in enumerate(getattr(node, "items", ())):
        step = getattr(item, "key", number)
        below = (*path, step if isinstance(step, int) else str(step))
        if item.line:
            yield join(below), item.line
        yield from _node_places(item.value, below)
