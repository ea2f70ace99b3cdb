"""Reads YAML that others wrote: documents with their lines, within limits, and errors that quote no content.

Called for values, for the documents of a repository bundle and for what templates rendered. Values are built from
libyaml's events, not from its node tree: composing a tree recurses in C, and 50,000 open brackets end the process.
The scalars are those of PyYAML's safe loader, but dates, `=` and numbers to the base 60 (`22:22`) stay strings, as
Kubernetes reads them. Where an anchor is used twice, the same object stands in both places: never change a result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from packhouse.api.errors import PackhouseError

#: Levels of nesting, aliases followed.
DEPTH_MOST: Final = 200

#: What aliases may add to a text, in nodes (64 characters of a scalar weigh as one more).
ALIASED_MOST: Final = 1_000_000

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(
    r"[-+]?(?:0b(?P<two>[01_]+)|0x(?P<sixteen>[0-9a-fA-F_]+)|0(?P<eight>[0-7_]+)|(?P<ten>0|[1-9][0-9_]*))"
)
_FLOAT: Final = re.compile(
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMERIC_START: Final = frozenset("-+.0123456789")
_BASES: Final = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
_TAG: Final = "tag:yaml.org,2002:"
_TYPE_NAMES: Final = {bool: "a boolean", int: "an integer", float: "a number", type(None): "null"}


def load_all(
    text: str, source: str, error: type[PackhouseError], *, string_keys: bool = True, finite: bool = True
) -> list[tuple[int, Any]]:
    """The documents of `text`, each with the line (from 1) of its first node; empty ones are left out.

    Raises `error`, with "source:line: reason", for what is no YAML, duplicate keys, keys that are no scalars, unknown
    tags, and more than DEPTH_MOST or ALIASED_MOST allow; with `string_keys` for every key that is no string, with
    `finite` for .nan and .inf. No message quotes a value, a tag or an anchor: a password may be read as any of them.
    """
    return _Reader(source, error, string_keys, finite).read(text)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A finished node that aliases may refer to."""

    value: Any
    weight: int
    height: int


@dataclass(slots=True)
class _Open:
    """A list or a map that is being read."""

    value: list[Any] | dict[Any, Any]
    anchor: str | None
    weight: int = 1
    height: int = 1
    key: Hashable = None
    has_key: bool = False
    merging: bool = False  # the key is `<<`
    merged: list[dict[Any, Any]] = field(default_factory=list)


class _Reader:
    """One pass over the events of one text."""

    def __init__(self, source: str, error: type[PackhouseError], string_keys: bool, finite: bool) -> None:
        self._source = source
        self._error = error
        self._string_keys = string_keys
        self._finite = finite
        self._documents: list[tuple[int, Any]] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: not finished yet
        self._aliased = 0
        self._first_line = 0

    def read(self, text: str) -> list[tuple[int, Any]]:
        try:
            events = yaml.CSafeLoader(text)
            try:
                while not isinstance(event := events.get_event(), yaml.StreamEndEvent):
                    self._take(event)
            finally:
                events.dispose()
        except yaml.MarkedYAMLError as broken:
            mark = broken.problem_mark or broken.context_mark
            reason = ", ".join(filter(None, (broken.context, broken.problem))) or "cannot be read"
            raise self._refuse(mark.line + 1 if mark else 1, f"no valid YAML: {reason}") from None
        except (yaml.YAMLError, UnicodeError):
            # Both errors carry the character; the reader's position counts characters or bytes, by what it met.
            raise self._refuse(None, "no valid YAML: it holds characters that YAML does not allow") from None
        return self._documents

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._begin(event)
                value = self._scalar(event)
                is_key = self._expects_key()
                weight = 1 + len(event.value) // 64
                if event.anchor is not None:
                    self._anchors[event.anchor] = _Anchored(value, weight, 0)
                if is_key and event.value == "<<" and event.tag is None and event.implicit[0]:
                    self._open[-1].merging = self._open[-1].has_key = True
                else:
                    self._place(value, weight, 0, event)
            case yaml.MappingStartEvent():
                self._open_collection({}, event, "map")
            case yaml.SequenceStartEvent():
                self._open_collection([], event, "seq")
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close_collection(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._anchors.clear()
                self._first_line = 0

    def _begin(self, event: Any) -> None:
        if not self._first_line:
            self._first_line = _line(event)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and not self._open[-1].has_key

    def _open_collection(self, value: list[Any] | dict[Any, Any], event: Any, kind: str) -> None:
        self._begin(event)
        if self._expects_key():
            raise self._refuse(_line(event), "a key must be a scalar, not a list or a map")
        if event.tag not in (None, "!", _TAG + kind):
            raise self._refuse(_line(event), "a tag is not supported here (quote what begins with '!')")
        if len(self._open) >= DEPTH_MOST:
            raise self._too_deep(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(value, event.anchor))

    def _close_collection(self, event: Any) -> None:
        done = self._open.pop()
        value = done.value
        if isinstance(value, dict) and done.merged:
            # A key that is written wins over a merged one, an earlier merged map over a later one.
            merged: dict[Any, Any] = {}
            for inherited in reversed(done.merged):
                merged |= inherited
            value = merged | value
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(value, done.weight, done.height)
        self._place(value, done.weight, done.height, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise self._refuse(_line(event), "an alias refers to no anchor (quote what begins with '*')")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._refuse(_line(event), "an alias refers to a node that contains it")
        self._aliased += node.weight
        if self._aliased > ALIASED_MOST:
            raise self._refuse(_line(event), f"aliases add more than {ALIASED_MOST:,} nodes")
        if len(self._open) + node.height > DEPTH_MOST:
            raise self._too_deep(event)
        if self._expects_key() and isinstance(node.value, list | dict):
            raise self._refuse(_line(event), "a key must be a scalar, not a list or a map")
        self._place(node.value, node.weight, node.height, event)

    def _place(self, value: Any, weight: int, height: int, event: Any) -> None:
        """Put a finished node where it belongs: into the document, the list, or the map as key or value."""
        if not self._open:
            if value is not None:
                self._documents.append((self._first_line, value))
            return
        parent = self._open[-1]
        parent.weight += weight
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif not parent.has_key:
            self._check_key(value, parent.value, event)
            parent.key, parent.has_key = value, True
        elif parent.merging:
            parent.merged += self._mergeable(value, event)
            parent.merging = parent.has_key = False
        else:
            parent.value[parent.key] = value
            parent.has_key = False

    def _check_key(self, key: Any, others: dict[Any, Any], event: Any) -> None:
        if self._string_keys and not isinstance(key, str):
            raise self._refuse(_line(event), f"a key must be a string, found {_TYPE_NAMES[type(key)]}: quote it")
        if key in others:
            shown = repr(key)
            raise self._refuse(_line(event), f"duplicate key {shown if len(shown) <= 60 else shown[:57] + '...'}")

    def _mergeable(self, value: Any, event: Any) -> list[dict[Any, Any]]:
        maps = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in maps):
            raise self._refuse(_line(event), "'<<' takes a map or a list of maps")
        return maps

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        match event.tag:
            case None if event.implicit[0]:
                value = _plain(text)
            case None | "!" | "tag:yaml.org,2002:str":
                return text
            case (
                "tag:yaml.org,2002:int"
                | "tag:yaml.org,2002:float"
                | "tag:yaml.org,2002:bool"
                | "tag:yaml.org,2002:null"
            ):
                value = _plain(text)
                if isinstance(value, str):
                    raise self._refuse(_line(event), "a scalar is not what its tag says")
            case _:
                raise self._refuse(_line(event), "a tag is not supported here (quote what begins with '!')")
        if self._finite and isinstance(value, float) and not math.isfinite(value):
            raise self._refuse(_line(event), "a number must be finite, found .nan or .inf: quote it if it is a text")
        return value

    def _too_deep(self, event: Any) -> PackhouseError:
        return self._refuse(_line(event), f"nested deeper than {DEPTH_MOST} levels")

    def _refuse(self, line: int | None, reason: str) -> PackhouseError:
        return self._error(f"{self._source}:{line}: {reason}" if line else f"{self._source}: {reason}")


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _plain(text: str) -> Any:
    """What a scalar without quotes stands for."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMERIC_START:
        return text
    try:
        if found := _INTEGER.fullmatch(text):
            sign = -1 if text[0] == "-" else 1
            return sign * int(found[found.lastgroup or "ten"].replace("_", "") or "0", _BASES[found.lastgroup or "ten"])
        if _FLOAT.fullmatch(text):
            # Python knows "inf" and "nan" without the dot.
            plain = text.replace("_", "").lower()
            return float(plain.replace(".", "") if plain[-1] in "fn" else plain)
    except ValueError:  # thousands of digits
        return text
    return text
