"""Where a scalar of TOML ends, and which kind it is.

Called by `toml_read` alone; refuses in the words of the library that the original uses.
"""

from __future__ import annotations

import re
from typing import Any, Final

from packhouse.template.ytt.modules.toml_scalars import (
    Refuse,
    decimal,
    integer,
    joined_lines,
    moment,
    unescaped,
    without_first_break,
)
from packhouse.template.ytt.modules.toml_text import END, Text, is_letter, shown
from packhouse.template.ytt.words import quote

_DIGITS: Final = frozenset("0123456789")
_MORE_DIGITS: Final = re.compile("[0-9]*")
_MORE_DIGITS_OR_UNDERSCORES: Final = re.compile("[0-9_]*")
_MOMENT_LETTERS: Final = re.compile("[0-9Tt .Zz:+-]*")
_FLOAT_LETTERS: Final = re.compile("[0-9_.eE+-]*")
#: By the letter behind a zero: how such a number is called, and its digits.
_BASES: Final = {
    "b": ("a binary", "01"),
    "o": ("an octal", "01234567"),
    "x": ("a hexidecimal", "0123456789abcdefABCDEF"),
}


def scalar(text: Text, character: str, refuse_key: Refuse) -> Any:
    """Behind `character`, its first one. `refuse_key` refuses where the key is."""
    start = text.at - 1
    if character in "\"'":
        return _string(text, character, refuse_key)
    if character in _DIGITS:
        return _number_or_moment(text, start)
    if character in "+-":
        return _signed(text, start)
    if character in "in" and _special_float(text):
        return _spelled(text, decimal, start)
    if is_letter(character):
        text.at -= 1
        return _boolean(text)
    if character == ".":
        return text.fail("floats must start with a digit, not '.'")
    if character == END:
        return text.fail("unexpected EOF; expected value", END)
    return text.fail(f"expected value but found {shown(character)} instead")


def _spelled(text: Text, meaning: Any, start: int) -> Any:
    """What is spelled from `start` up to here."""
    at = text.at
    return meaning(text.text[start:at].strip(" "), lambda message: text.refuse(message, text.line(at)))


def _special_float(text: Text) -> bool:
    """Behind an "i" or "n". More is taken than nan and inf, which are told apart later."""
    return (text.accept("n") and text.accept("f")) or (text.accept("a") and text.accept("n"))


def _boolean(text: Text) -> bool:
    word_start = text.at
    while is_letter(text.peek()):
        text.at += 1
    word = text.text[word_start : text.at]
    if word not in ("true", "false"):
        text.fail(f"expected value but found {quote(word)} instead")
    return word == "true"


def _signed(text: Text, start: int) -> Any:
    character = text.take()
    for first, rest in (("i", "nf"), ("n", "an")):
        if character == first:
            if not all(text.accept(letter) for letter in rest):
                text.fail(f"invalid float: '{text.text[start : text.at]}'")
            return _spelled(text, decimal, start)
    if character == "0" and text.peek() in "box":
        text.fail(f"cannot use sign with non-decimal numbers: '{text.text[start : text.at]}{text.peek()}'")
    if character == ".":
        text.fail("floats must start with a digit, not '.'")
    if character not in _DIGITS:
        text.fail(f"expected a digit but got {shown(character)}", character)
    return _number(text, start)


def _number_or_moment(text: Text, start: int) -> Any:
    """Behind the first digit."""
    if text.text[start] == "0" and text.peek() in _BASES:
        return _based(text, start)
    text.span(_MORE_DIGITS)
    if text.peek() in "-:" and text.text[start : text.at] != "0":
        text.span(_MOMENT_LETTERS)
        text.peek()
        return _spelled(text, moment, start)
    return _number(text, start)


def _number(text: Text, start: int) -> Any:
    text.span(_MORE_DIGITS_OR_UNDERSCORES)
    is_float = text.peek() in ".eE"
    if is_float:
        text.span(_FLOAT_LETTERS)
        text.peek()
    return _spelled(text, decimal if is_float else integer, start)


def _based(text: Text, start: int) -> Any:
    name, digits = _BASES[text.take()]
    character = text.peek()
    if character not in digits:
        text.fail(f"not {name} number: '{text.text[start : text.at]}{character}'")
    while text.peek() in digits + "_":
        text.at += 1
    return _spelled(text, integer, start)


def _string(text: Text, mark: str, refuse_key: Refuse) -> str:
    long = False
    if text.accept(mark):
        long = text.accept(mark)
        if not long:
            text.at -= 1
    if mark == "'":
        return without_first_break(text.long(mark)) if long else text.raw()
    content = text.long(mark) if long else text.basic()
    at = text.at - (3 if long else 1)
    if long:
        content = without_first_break(joined_lines(content, refuse_key))
    return unescaped(content, lambda message: text.refuse(message, text.line(at)))
