"""What files were made into, kept from rendering to rendering: documents that were read, templates that were compiled.

The loader asks it. An entry is found by what it was made of, never by when: the name, the bytes, and the options that
matter. Nodes and templates are never changed, so that many renderings share them. Failures are not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from packhouse.template.ytt.workspace.files import File

T = TypeVar("T")

#: Nodes and code take many times the memory of the text that they were made of; measured over packages.
_GROWTH: Final = 8
#: How much memory the entries of a process may take together, as far as that can be told.
_MOST_BYTES: Final = 80 << 20


class Cache:
    """The least lately used entries go when `most_bytes` is reached. May be asked by many threads."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._held = 0
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: File, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for this file; `what` names what it makes and the options that it depends on."""
        key = (what, file.path, file.digest)
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                found: T = self._entries[key][0]
                return found
        made = make()
        self._put(key, made, len(file.content) * _GROWTH)
        return made

    def _put(self, key: Hashable, made: object, size: int) -> None:
        if size > self._most:
            return
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = (made, size)
            self._held += size
            while self._held > self._most:
                _, (_, gone) = self._entries.popitem(last=False)
                self._held -= gone


#: The one of this process.
CACHE: Final = Cache()
