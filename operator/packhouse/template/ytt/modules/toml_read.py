"""TOML 1.0 as dicts, lists and scalars, keys sorted, as the library reads it that the original uses.

Called by `toml` alone. It accepts what that library accepts, which is more than the standard in some corners, and
refuses with its messages: the order in which things are looked at is the order in which it finds fault.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.toml_scalars import Moment, unescaped
from packhouse.template.ytt.modules.toml_spelling import scalar
from packhouse.template.ytt.modules.toml_tables import Tables
from packhouse.template.ytt.modules.toml_text import END, Text, shown
from packhouse.template.ytt.modules.toml_write import Key
from packhouse.template.ytt.words import to_bytes

#: Arrays and inline tables within each other, and the parts of a key; that library has no limit.
_DEEPEST: Final = 200
#: How many bytes at the beginning may not be zero.
_LOOKED_AT: Final = 6


def read(text: str) -> dict[str, Any]:
    """Raises EvalError."""
    if text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        text = text[2:]
    if b"\0" in to_bytes(text[:_LOOKED_AT])[:_LOOKED_AT]:
        raise EvalError(
            "toml: line 1: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8"
        )
    reader = _Reader(text)
    reader.everything()
    made: dict[str, Any] = _sorted(reader.tables.root)
    return made


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=to_bytes)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, Moment):
        raise EvalError("unknown type time.Time for conversion to starlark value")
    return value


class _Reader:
    __slots__ = ("_depth", "_key_at", "_text", "tables")

    def __init__(self, text: str) -> None:
        self.tables = Tables()
        self._text = Text(text, self.tables.place)
        #: Behind the first part of the last key.
        self._key_at = 0
        self._depth = 0

    def everything(self) -> None:
        text = self._text
        while True:
            text.blanks_and_breaks()
            character = text.peek()
            if character == END:
                return
            if character == "#":
                text.comment()
                continue
            if character == "[":
                self._header()
            else:
                self._pair()
            self._end_of_item()

    def _end_of_item(self) -> None:
        text = self._text
        text.blanks()
        character = text.take()
        if character == "#":
            text.comment()
        elif character not in "\r\n" + END:
            text.fail(
                f"expected a top-level item to end with a newline, comment, or EOF, but got {shown(character)} instead"
            )

    def _refuse_key(self, message: str) -> NoReturn:
        self._text.refuse(message, self._text.line(self._key_at))

    # --- names

    def _header(self) -> None:
        """[name] or [[name]]"""
        text = self._text
        text.at += 1
        array = text.accept("[")
        key = self._header_name()
        if array and (character := text.take()) != "]":
            text.fail(f"expected end of table array name delimiter ']', but got {shown(character)} instead", character)
        self.tables.enter(key, self._refuse_key, array=array)
        self.tables.set_array("", False)

    def _header_name(self) -> Key:
        text = self._text
        key: list[str] = []
        while True:
            text.blanks()
            character = text.peek()
            if character == "]" or character == END:
                text.fail("unexpected end of table name (table names cannot be empty)")
            if character == ".":
                text.fail("unexpected table separator (table names cannot be empty)")
            key.append(self._part(len(key)))
            text.blanks()
            character = text.take()
            if character == "]":
                return tuple(key)
            if character != ".":
                text.fail(f"expected '.' or ']' to end table name, but got {shown(character)} instead", character)

    def _key(self) -> Key:
        """A dotted key and the "=" behind it."""
        text = self._text
        text.blanks()
        character = text.peek()
        if character == "=" or character == END:
            text.fail("unexpected '=': key name appears blank")
        if character == ".":
            text.fail("unexpected '.': keys cannot start with a '.'")
        key: list[str] = []
        while True:
            key.append(self._part(len(key)))
            text.blanks()
            character = text.take()
            if character == "=":
                return tuple(key)
            if character == END:
                text.fail("unexpected EOF; expected key separator '='", END)
            if character != ".":
                text.fail(f"expected '.' or '=', but got {shown(character)} instead", character)
            text.blanks()
            character = text.peek()
            if character == "=" or character == END:
                text.fail("unexpected '='")
            if character == ".":
                text.fail("unexpected '.'")

    def _part(self, number: int) -> str:
        text = self._text
        if number == _DEEPEST:
            text.fail(f"a key has more than {_DEEPEST} parts")
        character = text.peek()
        if character not in "\"'":
            part = text.bare_name()
            at = text.at
        else:
            text.at += 1
            part = text.basic() if character == '"' else text.raw()
            at = text.at - 1
        if not number:
            self._key_at = at
        return unescaped(part, lambda message: text.refuse(message, text.line(at))) if character == '"' else part

    def _pair(self) -> None:
        """key = value, put where it belongs. The context is what it was before."""
        tables = self.tables
        context = tables.context
        self._pair_within(self._key())
        tables.context, tables.name = context, ""

    def _pair_within(self, key: Key) -> Any:
        tables = self.tables
        tables.name = key[-1]
        for part in key[:-1]:
            tables.enter_implicit(part, self._refuse_key)
        value = self._value(in_array=False)
        tables.put(tables.name, value, self._refuse_key)
        return value

    # --- values

    def _value(self, *, in_array: bool) -> Any:
        text = self._text
        text.blanks()
        character = text.take()
        if character in "[{":
            return self._nested(character, in_array=in_array)
        return scalar(text, character, self._refuse_key)

    def _nested(self, bracket: str, *, in_array: bool) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._text.fail(f"arrays and inline tables are nested more than {_DEEPEST} deep")
        value = self._array() if bracket == "[" else self._inline_table(in_array=in_array)
        self._depth -= 1
        return value

    def _array(self) -> list[Any]:
        text = self._text
        items: list[Any] = []
        self.tables.set_array(self.tables.name, True)
        while True:
            self._blanks_and_comments()
            character = text.peek()
            if character == ",":
                text.at += 1
                text.fail("unexpected comma")
            if text.accept("]"):
                return items
            items.append(self._value(in_array=True))
            self._blanks_and_comments()
            character = text.take()
            if character == "]":
                return items
            if character != ",":
                text.fail(f"expected a comma (',') or array terminator (']'), but got {_or_end(character)}", character)

    def _blanks_and_comments(self) -> None:
        text = self._text
        text.blanks_and_breaks()
        while text.peek() == "#":
            text.comment()
            text.blanks_and_breaks()

    def _inline_table(self, *, in_array: bool) -> dict[str, Any]:
        text, tables = self._text, self.tables
        outer_context, outer_name = tables.context, tables.name
        tables.enter_inline(self._refuse_key, array=in_array)
        context = tables.context
        table: dict[str, Any] = {}
        while True:
            self._within_inline_table()
            character = text.peek()
            if character == ",":
                text.at += 1
                text.fail("unexpected comma")
            if text.accept("}"):
                break
            value = self._pair_within(self._key())
            table[tables.name] = value
            tables.context = context
            self._within_inline_table()
            character = text.take()
            if character == "}":
                break
            if character != ",":
                text.fail(
                    f"expected a comma or an inline table terminator '}}', but got {_or_end(character)} instead",
                    character,
                )
            text.blanks()
            if text.peek() == "}":
                text.fail("trailing comma not allowed in inline tables")
        tables.context, tables.name = outer_context, outer_name
        return table

    def _within_inline_table(self) -> None:
        """Blanks and comments, behind which no line may end."""
        text = self._text
        text.blanks()
        while text.peek() == "#":
            text.comment()
            text.blanks()
        character = text.peek()
        if character in "\r\n":
            text.at += 1
            text.refuse("newlines not allowed within inline tables", text.line(text.at) - 1)


def _or_end(character: str) -> str:
    return "end of file" if character == END else f"'{character}'"
