"""Encrypted YAML: values and comments are replaced where they stand, all else of the text stays byte for byte.

Pure but for the opening that is handed in. Comments matter: those of ytt are code. The metadata of sops is cut out. The
file is read as events of libyaml, never as a tree, so that it may nest as deep as it likes.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from packhouse.api.errors import TemplateFailed
from packhouse.domain.yaml_text import load_all
from packhouse.template.sops import go_scalars, metadata
from packhouse.template.sops.errors import refused
from packhouse.template.sops.keys import Keys
from packhouse.template.sops.opening import Leaf, Opening

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_COMMENT: Final = re.compile(r"#(ENC\[AES256_GCM,data:[^\]\s]*,type:comment\])")
_ITEM: Final = re.compile(r"[ \t]*-[ \t]+")
_NOT_PRINTED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NOT_FINITE: Final = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}
_TEXT_TAGS: Final = (None, "!", "tag:yaml.org,2002:str")
_DEPTH_MOST: Final = 200

Path = tuple[str, ...]


@dataclass(slots=True)
class _Open:
    """A collection that is being read. `key` is that of the next value; None where a key comes next, or in a list."""

    path: Path
    is_map: bool
    keys: set[str] = field(default_factory=set)
    key: str | None = None
    key_start: int = 0


@dataclass(frozen=True, slots=True)
class _Value:
    """A scalar in its place."""

    path: Path
    start: int
    end: int
    event: Any
    in_list: bool


def decrypt(file: str, text: str, keys: Keys) -> bytes:
    """Raises TemplateFailed, UnsupportedStep."""
    documents = load_all(text, f"template step sops: {file}", TemplateFailed, finite=False)
    first = documents[0][1] if documents else None
    told = metadata.read(file, first.get(metadata.KEY) if isinstance(first, dict) else None)
    opening = Opening(file, told, keys.data_key(file, told))
    survey = _Survey(file, text)
    replaced = list(survey.cut)
    for value in survey.values:
        leaf = opening.leaf(value.path, value.event.value, _in_sum(file, value.event))
        if leaf is not None:
            replaced.append(_replacement(file, text, value, leaf))
    opening.check()
    replaced += _comments(opening, text, survey)
    return _with(text, replaced).encode(errors="replace")


class _Survey:
    """What stands where: `values` without nulls and without those of sops, `cut` what sops wrote of itself."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = [0, *(found.end() for found in _BREAK.finditer(text))]
        self._length = len(text)
        self._open: list[_Open] = []
        self.values: list[_Value] = []
        self.cut: list[tuple[int, int, str]] = []
        self.places: list[tuple[int, Path]] = []  # where a path begins to hold, for the comments
        events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        for event in events:
            self._take(event)

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event, is_map=isinstance(event, yaml.MappingStartEvent))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
                self._done(self._at(event.end_mark))
            case yaml.AliasEvent():
                raise refused(self._file, f"line {_line(event)}: sops knows no aliases; write it out")

    def _scalar(self, event: Any) -> None:
        start, end = self._at(event.start_mark), self._at(event.end_mark)
        is_null = event.implicit[0] and event.tag is None and event.value in go_scalars.NULLS
        if not self._open:
            if is_null:  # an empty document
                return
            raise self._no_map()
        parent = self._open[-1]
        if parent.is_map and parent.key is None:
            self._key(parent, event, start)
            return
        path = self._path(parent)
        self.places.append((start, path))
        if not is_null and not self._of_sops():
            self.values.append(_Value(path, start, end, event, not parent.is_map))
        self._done(end)

    def _key(self, parent: _Open, event: Any, start: int) -> None:
        if event.value in parent.keys:
            raise refused(self._file, f"line {_line(event)}: the key stands twice in its map")
        parent.keys.add(event.value)
        parent.key, parent.key_start = event.value, start
        self.places.append((start, parent.path))

    def _begin(self, event: Any, *, is_map: bool) -> None:
        if len(self._open) >= _DEPTH_MOST:
            raise refused(self._file, f"it nests deeper than {_DEPTH_MOST} levels")
        if not self._open and (event.flow_style or not is_map):
            raise self._no_map()
        path = self._path(self._open[-1]) if self._open else ()
        self._open.append(_Open(path, is_map))
        self.places.append((self._at(event.start_mark), path))

    def _no_map(self) -> TemplateFailed:
        return refused(self._file, "its documents must be maps in block style, as sops writes them")

    def _done(self, end: int) -> None:
        """A value has been read; that of the key of sops goes, and its key with it."""
        if not self._open or not self._open[-1].is_map:
            return
        parent = self._open[-1]
        if len(self._open) == 1 and parent.key == metadata.KEY:
            self.cut.append((parent.key_start, end, ""))
        parent.key = None

    def _path(self, parent: _Open) -> Path:
        """The place in a list is no part of it."""
        return (*parent.path, parent.key) if parent.is_map and parent.key is not None else parent.path

    def _of_sops(self) -> bool:
        return bool(self._open) and self._open[0].key == metadata.KEY

    def _at(self, mark: Any) -> int:
        """Where a mark stands in the text: lines and columns are counted in characters, whatever the text holds."""
        return min(self._lines[mark.line] + mark.column, self._length) if mark.line < len(self._lines) else self._length


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _in_sum(file: str, event: Any) -> bytes:
    if event.tag is None and event.implicit[0]:
        plain = go_scalars.plain_scalar(event.value)
        if plain is None:
            raise refused(file, f"line {_line(event)}: a number of over 63 bits; quote it")
        return plain
    if event.tag not in _TEXT_TAGS:
        raise refused(file, f"line {_line(event)}: a tag is not supported here")
    return str(event.value).encode(errors="replace")


def _replacement(file: str, text: str, value: _Value, leaf: Leaf) -> tuple[int, int, str]:
    if leaf.kind == "comment":  # sops makes an item of a comment in a list
        start = text.rfind("\n", 0, value.start) + 1
        if not value.in_list or not _ITEM.fullmatch(text[start : value.start]):
            raise refused(file, f"line {_line(value.event)}: a comment stands where a value should")
        return value.start - len(text[start : value.start].lstrip()), value.end, _comment(leaf.text)
    ending = "\n" if text[value.start : value.end].endswith("\n") else ""  # of a value over several lines
    return value.start, value.end, _spelled(leaf) + ending


def _spelled(leaf: Leaf) -> str:
    match leaf.kind:
        case "float":
            return _NOT_FINITE.get(leaf.text, leaf.text)
        case "int" | "time":
            return leaf.text
        case "bool":
            return leaf.text.lower()
    quoted = json.dumps(leaf.text, ensure_ascii=False)
    return _NOT_PRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _comment(text: str) -> str:
    return "#" + _BREAK.sub(" ", text)


def _comments(opening: Opening, text: str, survey: _Survey) -> Iterator[tuple[int, int, str]]:
    """Which keys a comment was bound to depends on how it was attached: those around it are tried."""
    starts = [start for start, _ in survey.places]
    values = [(value.start, value.end) for value in survey.values]
    for found in _COMMENT.finditer(text):
        if _inside(values, found.start()) or any(start <= found.start() < end for start, end, _ in survey.cut):
            continue
        place = bisect_right(starts, found.start())
        near = [path for _, path in survey.places[max(0, place - 1) : place + 1]]
        plain = opening.comment(_prefixes(near), found[1])
        if plain is not None:  # else it was never encrypted
            yield found.start(), found.end(), _comment(plain)


def _inside(spans: Sequence[tuple[int, int]], place: int) -> bool:
    last = bisect_right(spans, (place, 1 << 62)) - 1
    return last >= 0 and spans[last][0] <= place < spans[last][1]


def _prefixes(paths: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(path[:length] for path in paths for length in range(len(path), -1, -1)))


def _with(text: str, replaced: list[tuple[int, int, str]]) -> str:
    parts, position = [], 0
    for start, end, new in sorted(replaced):
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])
