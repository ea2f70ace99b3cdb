"""Paths to values as people write them: `a.b[0].c`, `a\\.b` or `a["b.c"]` for a key with a dot, `a[].b` for each item.

Called by values_sets.py, by what explains a key, and by completion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from packhouse.api.errors import ValuesInvalid

#: Stands for every item of a list.
EACH: Final = -1
#: Stands for every key of a map that has no keys of its own: written, it is `<key>`.
ANY_KEY: Final = "<key>"

Path = tuple[str | int, ...]

_PLAIN: Final = re.compile(r"<key>|[^\s.\[\]\\=\"<>]+")
#: A key up to the next dot, bracket or equals sign; a backslash takes the next character as it is.
_KEY: Final = re.compile(r"(?:\\.|[^.\[\]=\\])+")
_QUOTED: Final = re.compile(r'\[("(?:\\.|[^"\\])*")\]|\[\'([^\']*)\'\]')
_INDEX: Final = re.compile(r"\[(\d{0,6})\]")
_ESCAPED: Final = re.compile(r"\\(.)")


def parse(text: str) -> Path:
    """Raises ValuesInvalid for what is no path."""
    path, end = read(text)
    if end < len(text):
        raise no_path(text)
    return path


def read(text: str) -> tuple[Path, int]:
    """The path that `text` begins with, and where it ends: at an equals sign, or at its end. Raises ValuesInvalid."""
    path: list[str | int] = []
    at = 0
    while at < len(text) and text[at] != "=":
        if found := _QUOTED.match(text, at):
            path.append(_unquoted(found, text))
        elif path and (found := _INDEX.match(text, at)):
            path.append(int(found[1]) if found[1] else EACH)
        elif found := _KEY.match(text, at + (text[at] == "." and bool(path))):
            path.append(_ESCAPED.sub(r"\1", found[0]))
        else:
            raise no_path(text)
        at = found.end()
    if not path:
        raise no_path(text)
    return tuple(path), at


def written(path: Iterable[str | int]) -> str:
    """`parse` gives the same path again."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += "[]" if part == EACH else f"[{part}]"
        elif _PLAIN.fullmatch(part) and part.isprintable():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def no_path(text: str) -> ValuesInvalid:
    name = text.partition("=")[0]
    return ValuesInvalid(f'{name!r} is no path to a value; write a.b[0].c, and a\\.b or a["b.c"] for a key with a dot')


def _unquoted(found: re.Match[str], text: str) -> str:
    if found[1] is None:
        return str(found[2])
    try:
        return str(json.loads(found[1]))
    except ValueError:
        raise no_path(text) from None
