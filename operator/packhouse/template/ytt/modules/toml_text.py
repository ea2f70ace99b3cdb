"""A TOML text as it is read: characters, names, comments, and what a value is spelled like.

Called by `toml_read` alone. What is refused here is refused in the words, and with the line numbers, of the library
that the original uses: it counts a line less where it finds the end of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, NoReturn

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.words import quote

#: Behind the last character.
END: Final = "\0"
_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\udc80-\udcff]|\r(?!\n)")
_BARE: Final = re.compile("[A-Za-z0-9_-]*")
_BLANKS: Final = re.compile("[ \t]*")
_BLANKS_AND_BREAKS: Final = re.compile("[ \t\r\n]*")
_LINE: Final = re.compile("[^\n]*?(?=\r?\n|\\Z)")
_PLAIN: Final = re.compile(r'[^"\\\n\r]*')
_RAW: Final = re.compile(r"[^'\n\r]*")
_HEX: Final = re.compile("[0-9A-Fa-f]")


class Text:
    """Where reading is. `place` tells for messages which key is being read; empty where none is."""

    __slots__ = ("at", "place", "text")

    def __init__(self, text: str, place: Callable[[], str]) -> None:
        self.text = text
        self.at = 0
        self.place = place

    # --- refusing

    def line(self, at: int) -> int:
        return 1 + self.text.count("\n", 0, at)

    def refuse(self, message: str, line: int) -> NoReturn:
        place = self.place()
        key = f" (last key {quote(place)})" if place else ""
        raise EvalError(f"toml: line {line}{key}: {message}")

    def fail(self, message: str, character: str = "") -> NoReturn:
        """Here; `character` is the one that was just taken, END where there was none to take."""
        self.refuse(message, self.line(self.at) - (character == END))

    # --- characters

    def peek(self) -> str:
        """END at the end. Raises EvalError for a character that no TOML may have."""
        if self.at >= len(self.text):
            return END
        character = self.text[self.at]
        if character < " " or character > "~":
            self._check(self.at)
        return character

    def take(self) -> str:
        character = self.peek()
        if self.at < len(self.text):
            self.at += 1
        return character

    def accept(self, character: str) -> bool:
        if self.peek() != character or self.at >= len(self.text):
            return False
        self.at += 1
        return True

    def _check(self, at: int) -> None:
        found = _REFUSED.match(self.text, at)
        if not found:
            return
        code = ord(found[0])
        line = self.line(at)
        if code == 0xFFFD:
            self.refuse("invalid UTF-8 byte: 0xef", line)
        if code >= 0xDC80:
            self.refuse(f"invalid UTF-8 byte: 0x{code - 0xDC00:02x}", line)
        self.refuse(f"TOML files cannot contain control characters: '0x{code:02x}'", line)

    def span(self, pattern: re.Pattern[str]) -> str:
        """What matches here. Raises EvalError where a character in it is refused."""
        found = pattern.match(self.text, self.at)
        end = found.end() if found else self.at
        refused = _REFUSED.search(self.text, self.at, end)
        # A "\r" at the edge of the search is looked at together with what follows it.
        if refused and _REFUSED.match(self.text, refused.start()):
            self._check(refused.start())
        taken, self.at = self.text[self.at : end], end
        return taken

    # --- parts

    def blanks(self) -> None:
        self.span(_BLANKS)

    def blanks_and_breaks(self) -> None:
        self.span(_BLANKS_AND_BREAKS)

    def comment(self) -> None:
        """To the end of the line, which stays."""
        self.span(_LINE)

    def bare_name(self) -> str:
        """May be empty: whoever reads on refuses what is there instead."""
        name = self.span(_BARE)
        self.peek()
        return name

    def basic(self) -> str:
        """What stands up to the second double quote, its escapes as they are."""
        start = self.at
        while True:
            self.span(_PLAIN)
            character = self.take()
            if character == '"':
                return self.text[start : self.at - 1]
            if character == "\\":
                self._escape(start)
            elif character == END:
                self.fail("unexpected EOF; expected '\"'", END)
            else:
                self._break_in_text()

    def raw(self) -> str:
        content = self.span(_RAW)
        character = self.take()
        if character == END:
            self.fail('unexpected EOF; expected "\'"', END)
        if character != "'":
            self._break_in_text()
        return content

    def _break_in_text(self) -> NoReturn:
        self.refuse("strings cannot contain newlines", self.line(self.at) - 1)

    def long(self, mark: str) -> str:
        """What stands up to three more marks, of which two may stand before those three as content."""
        start = self.at
        while True:
            character = self.take()
            if character == END:
                expected = f"'{mark * 3}'" if mark == '"' else f'"{mark * 3}"'
                self.fail(f"unexpected EOF; expected {expected}", END)
            if character == "\\" and mark == '"':
                if self.peek() in "\r\n":
                    self.at += 1
                else:
                    self._escape(start)
            elif character == mark and self.accept(mark):
                if not self.accept(mark):
                    self.at -= 1
                    continue
                if self.peek() != mark:
                    return self.text[start : self.at - 3]
                self._too_many(start, mark)
                self.at -= 2

    def _too_many(self, start: int, mark: str) -> None:
        """The fourth mark is next: a sixth one is too many, where the first one is not escaped."""
        if not self.text.endswith(mark * 5, start, self.at):
            return
        if mark == '"' and self.text.endswith("\\" + mark * 5, start, self.at):
            return
        wrong = f"'{mark * 6}'" if mark == '"' else f'"{mark * 6}"'
        self.fail(f"unexpected {wrong}")

    def _escape(self, start: int) -> None:
        """Behind a backslash; what it means is worked out later. `start` is where the text that it stands in begins."""
        character = self.take()
        if character == "u":
            self._digits(4, "four hexadecimal digits after '\\u'", start)
        elif character == "U":
            self._digits(8, "eight hexadecimal digits after '\\U'", start)
        elif character not in 'btnfr" \t\\':
            self.fail(f"invalid escape in string '\\{character}'", character)

    def _digits(self, count: int, expected: str, start: int) -> None:
        for _ in range(count):
            character = self.take()
            if not _HEX.fullmatch(character):
                self.fail(f"expected {expected}, but got {quote(self.text[start : self.at])} instead", character)


def shown(character: str) -> str:
    """In single quotes, as it is written in programs of the original's language."""
    if character in "'\"":
        return "'\\''" if character == "'" else "'\"'"
    return f"'{quote(character)[1:-1]}'"


def is_letter(character: str) -> bool:
    return character.isalpha() if character.isascii() else unicodedata.category(character).startswith("L")
