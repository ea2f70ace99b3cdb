"""Texts of strangers that are read as YAML: a large one takes thirty times its size as objects, so one at a time is.

Called by the steps, in threads. Eight reconciles that read four megabytes each at once would fill the operator's
memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

SMALL_BYTES: Final = 256 * 1024

_turn: Final = threading.Lock()

T = TypeVar("T")


def in_turn(body: bytes, read: Callable[[bytes], T]) -> T:
    """`read(body)`. Blocks where the text is large, until no other large one is being read."""
    if len(body) <= SMALL_BYTES:
        return read(body)
    with _turn:
        return read(body)
