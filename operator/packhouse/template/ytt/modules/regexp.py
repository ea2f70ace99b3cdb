"""`@ytt:regexp`: match and replace, with RE2's syntax as the original has it. Matching takes time linear in the text.

RE2 is loaded when a template uses the module first. Patterns and texts are matched as bytes of UTF-8.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any, Final, Protocol

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import exactly
from packhouse.template.ytt.modules.regexp_words import refusal, without_single_bytes
from packhouse.template.ytt.starlark.args import as_string
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread
from packhouse.template.ytt.words import from_bytes, to_bytes

#: How many bytes are searched for one step.
_STEP = 1024
#: One pattern may hold 8 MiB of automata; few are kept, since what a template leaves stays in the worker.
_KEPT = 8


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, group: int) -> bytes | None: ...


class _Pattern(Protocol):
    groups: int
    groupindex: dict[bytes, int]

    def search(self, text: bytes, pos: int = 0) -> _Match | None: ...


@lru_cache(maxsize=_KEPT)
def _compiled(pattern: bytes) -> _Pattern:
    """Raises EvalError, which is not kept."""
    import re2

    re2.purge()  # its own cache keeps 128, which may be a gigabyte
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Pattern = re2.compile(without_single_bytes(pattern), options)
    except re2.error as refused:
        raise EvalError(f"error parsing regexp: {from_bytes(refusal(pattern, refused.args[0]))}") from None
    return compiled


def _pattern(thread: Thread, value: Any) -> _Pattern:
    pattern = to_bytes(as_string(value))
    thread.tick(1 + len(pattern))
    return _compiled(pattern)


def _match(thread: Thread, args: Args, kwargs: Kwargs) -> bool:
    exactly(args, 2)
    as_string(args[0])
    text = to_bytes(as_string(args[1]))
    thread.tick(1 + len(text) // _STEP)
    return _found(_pattern(thread, args[0]), text, 0) is not None


def _replace(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    exactly(args, 3)
    pattern = _pattern(thread, args[0])
    text = to_bytes(as_string(args[1]))
    thread.tick(1 + len(text) // _STEP)
    if is_callable(args[2]):
        return from_bytes(_replaced(thread, pattern, text, _Call(thread, args[2])))
    return from_bytes(_replaced(thread, pattern, text, _Template(as_string(args[2]), pattern)))


class _Filling(Protocol):
    def of(self, match: _Match) -> bytes: ...


def _replaced(thread: Thread, pattern: _Pattern, text: bytes, filling: _Filling) -> bytes:
    """All matches, none of which is empty and right behind another one."""
    pieces: list[bytes] = []
    position = behind = 0
    while position <= len(text):
        match = _found(pattern, text, position)
        if match is None:
            break
        start, end = match.start(), match.end()
        pieces.append(text[behind:start])
        if end > behind or start == 0:
            pieces.append(filling.of(match))
        thread.tick()
        thread.weigh(len(pieces[-1]))
        behind = end
        position = max(end, position + _width(text, position))
    pieces.append(text[behind:])
    thread.weigh(len(text))
    return b"".join(pieces)


def _found(pattern: _Pattern, text: bytes, position: int) -> _Match | None:
    r"""The first match from there on. RE2 finds \B also between the bytes of a character, where no match begins."""
    match = pattern.search(text, position)
    while match is not None and 0x80 <= _byte(text, match.start()) < 0xC0:
        match = pattern.search(text, match.start() + 1)
    return match


def _byte(text: bytes, position: int) -> int:
    return text[position] if position < len(text) else 0


def _width(text: bytes, position: int) -> int:
    """Of the character there; 1 at the end."""
    lead = _byte(text, position)
    width = 1 if lead < 0xC2 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    rest = text[position + 1 : position + width]
    return width if len(rest) == width - 1 and all(byte & 0xC0 == 0x80 for byte in rest) else 1


class _Call:
    """A function of the template that gets the match and gives a text."""

    __slots__ = ("_function", "_thread")

    def __init__(self, thread: Thread, function: object) -> None:
        self._thread = thread
        self._function = function

    def of(self, match: _Match) -> bytes:
        return to_bytes(as_string(self._thread.call(self._function, (from_bytes(match.group(0) or b""),))))


class _Template:
    """A text with $1, ${1}, $name and $$."""

    __slots__ = ("_pieces",)

    def __init__(self, text: str, pattern: _Pattern) -> None:
        #: Bytes to be taken over, or the number of a group.
        self._pieces: list[bytes | int] = []
        names = {from_bytes(name): number for name, number in pattern.groupindex.items()}
        while text:
            before, dollar, text = text.partition("$")
            self._pieces.append(to_bytes(before))
            if not dollar:
                break
            if text.startswith("$"):
                self._pieces.append(b"$")
                text = text[1:]
                continue
            name, rest = _reference(text)
            if not name:
                self._pieces.append(b"$")
                continue
            text = rest
            group = _number(name)
            if group is None:
                group = names.get(name, -1)
            if 0 <= group <= pattern.groups:
                self._pieces.append(group)

    def of(self, match: _Match) -> bytes:
        return b"".join([piece if isinstance(piece, bytes) else match.group(piece) or b"" for piece in self._pieces])


def _reference(text: str) -> tuple[str, str]:
    """The name that begins here, as long as it gets, and what is behind it; an empty name where none begins."""
    braced = text.startswith("{")
    start = end = 1 if braced else 0
    while end < len(text) and _in_name(text[end]):
        end += 1
    if end == start or (braced and text[end : end + 1] != "}"):
        return "", text
    return text[start:end], text[end + 1 :] if braced else text[end:]


def _in_name(letter: str) -> bool:
    if letter.isascii():
        return letter == "_" or letter.isalnum()
    category = unicodedata.category(letter)
    return category == "Nd" or category.startswith("L")


def _number(name: str) -> int | None:
    """None where it is a name after all; numbers have no zeros in front."""
    if not (name.isascii() and name.isdigit()) or len(name) > 9 or (name[0] == "0" and len(name) > 1):
        return None
    return int(name)


REGEXP: Final = Module(
    "regexp", {"match": Builtin("regexp.match", _match), "replace": Builtin("regexp.replace", _replace)}
)
