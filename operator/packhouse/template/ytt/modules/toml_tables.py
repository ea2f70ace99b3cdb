"""The tables of a TOML text while it is read: what was defined, and what exists only because of a longer key.

Called by `toml_read` alone; refuses in the words of the library that the original uses. Some of its rules are looser
than TOML's; they are kept, since what it reads is what templates see.
"""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.modules.toml_scalars import Refuse
from packhouse.template.ytt.modules.toml_write import Key, dotted


class TableArray(list[dict[str, Any]]):
    """What [[name]] adds to."""


class Tables:
    """What was read so far, and where the next value goes."""

    __slots__ = ("_arrays", "_implicit", "context", "name", "root")

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.context: Key = ()
        #: The last part of the key that is being read.
        self.name = ""
        #: Keys of tables that exist because of a longer key, and of arrays.
        self._implicit: set[str] = set()
        self._arrays: set[str] = set()

    def place(self) -> str:
        if not self.name:
            return dotted(self.context)
        return f"{dotted(self.context)}.{self.name}" if self.context else self.name

    def enter(self, key: Key, refuse: Refuse, *, array: bool) -> None:
        """Make `key` the context: a table, or the next one of an array of tables."""
        table = self.root
        for length, part in enumerate(key[:-1], 1):
            if part not in table:
                self._implicit.add(dotted(key[:length]))
                table[part] = {}
            found = table[part]
            if isinstance(found, TableArray):
                table = found[-1]
            elif isinstance(found, dict):
                table = found
            else:
                refuse(f"Key '{dotted(key[:length])}' was already created as a hash.")
        self.context = key[:-1]
        if not array:
            self._put(key[-1], {}, refuse)
        elif isinstance(tables := table.setdefault(key[-1], TableArray()), TableArray):
            tables.append({})
        else:
            refuse(f"Key '{dotted(key)}' was already created and cannot be used as an array.")
        self.context = key

    def enter_implicit(self, part: str, refuse: Refuse) -> None:
        """One part of a dotted key."""
        key = (*self.context, part)
        self._implicit.add(dotted(key))
        self.enter(key, refuse, array=False)

    def enter_inline(self, refuse: Refuse, *, array: bool) -> None:
        key = (*self.context, self.name)
        self.context, self.name = key, ""
        self._implicit.add(dotted(key))
        self.enter(key, refuse, array=array)

    def put(self, name: str, value: Any, refuse: Refuse) -> None:
        self._put(name, value, refuse)
        self.set_array(name, isinstance(value, list))

    def set_array(self, name: str, is_array: bool) -> None:
        key = dotted((*self.context, name) if name else self.context or ("",))
        (self._arrays.add if is_array else self._arrays.discard)(key)

    def _put(self, name: str, value: Any, refuse: Refuse) -> None:
        table = self.root
        for length, part in enumerate(self.context, 1):
            found = table.get(part)
            if isinstance(found, TableArray):
                table = found[-1]
            elif isinstance(found, dict):
                table = found
            else:
                refuse(f"Key '{dotted(self.context[:length])}' has already been defined.")
        if name not in table:
            table[name] = value
            return
        key = dotted((*self.context, name))
        if key in self._arrays:
            self._implicit.discard(key)
            table[name] = value
        elif key in self._implicit:
            self._implicit.discard(key)
        else:
            refuse(f"Key '{key}' has already been defined.")
