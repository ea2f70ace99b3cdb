"""Nodes and plain values as YAML, byte for byte as go-yaml v2 writes it.

Called for output and by `yaml.encode`. Arrays in maps are not indented, lines are never folded. The text is made here
and not by libyaml, whose events cost more than this and whose rules differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.nodes import Array, Document, Map, Value
from packhouse.template.ytt.yaml import quoting
from packhouse.template.ytt.yaml.contents import Items, Pairs, contents, scalar, unwrapped

#: Characters that one call may write, about: what is short counts as _SHORT.
MAX_SIZE: Final = 128 * 1024 * 1024
_SHORT: Final = 64

#: Short texts as they stand behind a key or a "-", and keys with their ":". Emptied when they are full.
_texts: dict[str, str] = {}
_keys: dict[str, str] = {}
_KEPT_MOST: Final = 20_000

_WORDS: Final = {None: "null", True: "true", False: "false"}


def write(documents: Iterable[Value], weigh: Callable[[int], None] | None = None) -> str:
    """The documents with "---" between them. A `Document` that is empty (null, no items) is passed over, as the
    original does; another value is written whatever it is.

    Raises YttError for a map that holds a key twice and for a value without a form in YAML; LimitExceeded.
    """
    return "---\n".join(
        encode(item.value if isinstance(item, Document) else item, weigh)
        for item in documents
        if not (isinstance(item, Document) and is_empty(item))
    )


def encode(value: Value, weigh: Callable[[int], None] | None = None) -> str:
    """One document; its last line is ended. `weigh` is told of what is about to be written. Raises as `write` does."""
    writer = _Writer(weigh)
    try:
        writer.root(value)
        return "".join(writer.pieces)
    except RecursionError:
        raise YttError("yaml: the value is nested too deeply") from None


def is_empty(document: Document) -> bool:
    """Whether nothing is printed of it."""
    value = document.value
    return document.injected or value is None or (isinstance(value, Map | Array) and not value.items)


class _Writer:
    """The lines of one document."""

    __slots__ = ("_left", "_weigh", "pieces")

    def __init__(self, weigh: Callable[[int], None] | None) -> None:
        self.pieces: list[str] = []
        self._left = MAX_SIZE
        self._weigh = weigh

    def root(self, value: Value) -> None:
        value = unwrapped(value)
        pairs, items = self._contents(value)
        if pairs:
            self._map(pairs, "", "")
        elif items:
            self._array(items, "", "")
        else:
            self._item(value, "", "", behind_key=False)
            self.pieces[0] = self.pieces[0][1:]

    def _map(self, pairs: Iterable[tuple[Any, Any]], lead: str, pad: str) -> None:
        """Each item behind `pad`, the first behind `lead`."""
        append, below = self.pieces.append, f"{pad}  "
        for key, value in pairs:
            written = (_keys.get(key) if type(key) is str else None) or self._simple_key(key)
            if written is None:
                self._item(key, f"{lead}?", pad, behind_key=False)
                self._item(value, f"{pad}:", pad, behind_key=False)
            elif type(value) is str:
                append(f"{lead}{written}{_texts.get(value) or self._text(value, below)}")
            else:
                self._item(value, f"{lead}{written}", pad, behind_key=True)
            lead = pad

    def _array(self, values: Iterable[Any], lead: str, pad: str) -> None:
        append, below = self.pieces.append, f"{pad}  "
        for value in values:
            if type(value) is str:
                append(f"{lead}-{_texts.get(value) or self._text(value, below)}")
            else:
                self._item(value, f"{lead}-", pad, behind_key=False)
            lead = pad

    def _item(self, value: Value, head: str, pad: str, *, behind_key: bool) -> None:
        """A value behind `head`, which is a key with ":", or a "-" (or "?", ":") that begins at `pad`."""
        if value is None or value is True or value is False:
            self.pieces.append(f"{head} {_WORDS[value]}\n")
            return
        value = unwrapped(value)
        pairs, items = self._contents(value)
        if pairs is None and items is None:
            self._leaf(scalar(value), head, pad)
        elif not pairs and not items:
            self.pieces.append(f"{head} {'[]' if pairs is None else '{}'}\n")
        elif behind_key:
            self.pieces.append(f"{head}\n")
            if pairs:
                self._map(pairs, f"{pad}  ", f"{pad}  ")
            else:
                self._array(items or (), pad, pad)
        elif pairs:
            self._map(pairs, f"{head} ", f"{pad}  ")
        else:
            self._array(items or (), f"{head} ", f"{pad}  ")

    def _leaf(self, value: Any, head: str, pad: str) -> None:
        if isinstance(value, str):
            self.pieces.append(f"{head}{self._text(value, f'{pad}  ')}")
        else:
            self.pieces.append(f"{head} {_scalar(value)}\n")

    def _contents(self, value: Value) -> tuple[Pairs | None, Items | None]:
        pairs, items = contents(value)
        if pairs or items:
            self._count(len(pairs or items or ()))
        return pairs, items

    def _simple_key(self, key: Any) -> str | None:
        """A key with its ":"; None for one that needs a "?"."""
        if isinstance(key, str):
            if not quoting.is_simple(key):
                return None
            written = f"{quoting.text(key, '')}:"
            _keep(_keys, key, written)
            return written
        key = unwrapped(key)
        pairs, items = self._contents(key)
        if pairs or items:
            return None
        if pairs is None and items is None:
            return f"{_scalar(scalar(key))}:"
        return "[]:" if pairs is None else "{}:"

    def _text(self, text: str, below: str) -> str:
        """What stands behind a key or a "-": a space, the text, a line break."""
        self._count(1, len(text))
        written = quoting.text(text, below)
        if quoting.has_breaks(written):  # it depends on where it stands
            return f" {written}" if written[-1] in quoting.BREAKS else f" {written}\n"
        written = f" {written}\n"
        _keep(_texts, text, written)
        return written

    def _count(self, items: int, size: int = 0) -> None:
        size += items * _SHORT
        self._left -= size
        if self._left < 0:
            raise LimitExceeded(f"more than {MAX_SIZE // 2**20} MiB of YAML were written")
        if self._weigh is not None:
            self._weigh(size)


def _scalar(value: Any) -> str:
    return _WORDS[value] if value is None or isinstance(value, bool) else quoting.number(value)


def _keep(kept: dict[str, str], text: str, written: str) -> None:
    if len(text) > _SHORT:
        return
    if len(kept) >= _KEPT_MOST:
        kept.clear()
    kept[text] = written
