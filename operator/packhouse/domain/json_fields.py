"""Picks fields of a large JSON object without building what stands in the others.

Statements about software hold a few fields that matter and megabytes that do not; built as objects they take many
times their size, and one made of empty lists takes the more. Pure and linear: each byte is looked at once, and a text
with more brackets than TOKENS_MOST is given up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Final

TOKENS_MOST: Final = 3_000_000

_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
#: Everything up to the next bracket; in front of a quote where a string has no end.
_FLAT: Final = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_SCALAR: Final = re.compile(rb"[A-Za-z0-9+.-]++")
_KEY_MOST: Final = 1024


def pick(text: bytes, names: Collection[str]) -> dict[str, bytes] | None:
    """The values of the object's fields with these names, each as JSON; those that are not there are left out.

    None where the text is no object, or has a field twice, which readers take for one or the other. What is not picked
    is skipped by its strings and brackets alone: it need not be good JSON.
    """
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    place = _after(text, 0, b"{")
    if place is None:
        return None
    last = _after(text, place, b"}")
    tokens = 0
    while last is None:
        key = _STRING.match(text, place)
        if key is None or len(key[0]) > _KEY_MOST:
            return None
        name = _name(key[0])
        start = _after(text, key.end(), b":")
        if name is None or name in seen or start is None:
            return None
        seen.add(name)
        end, tokens = _end(text, start, tokens)
        if end is None:
            return None
        if name in names:
            found[name] = text[start:end]
        comma = _after(text, end, b",")
        if comma is not None:
            place = comma
            continue
        last = _after(text, end, b"}")
        if last is None:
            return None
    return found if last == len(text) else None


def _after(text: bytes, place: int, sign: bytes) -> int | None:
    """Behind `sign` and the blanks on both of its sides; None where something else stands there."""
    place = _blank(text, place)
    return _blank(text, place + 1) if text[place : place + 1] == sign else None


def _blank(text: bytes, place: int) -> int:
    match = _BLANK.match(text, place)
    return place if match is None else match.end()


def _name(key: bytes) -> str | None:
    try:
        name = json.loads(key)
    except ValueError:
        return None
    return name if isinstance(name, str) else None


def _end(text: bytes, place: int, tokens: int) -> tuple[int | None, int]:
    """Where the value that begins at `place` ends, and how many tokens were seen by then."""
    first = text[place : place + 1]
    if first == b'"':
        match = _STRING.match(text, place)
        return (None if match is None else match.end()), tokens + 1
    if first not in (b"{", b"["):
        match = _SCALAR.match(text, place)
        return (None if match is None else match.end()), tokens + 1
    depth = 0
    while tokens < TOKENS_MOST:
        tokens += 1
        flat = _FLAT.match(text, place)
        place = place if flat is None else flat.end()
        sign = text[place : place + 1]
        if sign in (b"", b'"'):
            return None, tokens
        depth += 1 if sign in b"[{" else -1
        place += 1
        if depth == 0:
            return place, tokens
    return None, tokens
