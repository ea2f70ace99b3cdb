"""JSON that the API server answers, read also where it nests deeper than Python follows.

Anybody who may make a custom resource may nest it a thousand levels deep, and its managedFields nest along. They are in
every list of metadata that the object is in, so one object must not make a whole list unreadable. Called by
api_server.py.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

#: Levels that are kept of what is too deep. Metadata proper has ten.
DEPTH_MOST: Final = 100

#: What opens or closes a level; a string is one token, so that its brackets do not count.
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def decoded(raw: bytes, *, cut: bool) -> Any:
    """`cut`: what nests too deep is left empty below DEPTH_MOST. Raises ValueError for what is no JSON, and without
    `cut` for what nests too deep: nobody may take a part of an object for the whole."""
    try:
        return json.loads(raw)
    except RecursionError:
        if not cut:
            raise ValueError("it nests deeper than can be read") from None
    return json.loads(_cut(raw.decode()))


def _cut(text: str) -> str:
    kept: list[str] = []
    depth, begin = 0, 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("{", "["):
            depth += 1
            if depth == DEPTH_MOST:
                kept.append(text[begin : token.end()])
        elif sign in ("}", "]"):
            if depth == DEPTH_MOST:
                begin = token.start()
            depth -= 1
    return "".join([*kept, text[begin:]])
