"""What is wrong with a text that should be JSON, in the words of Go's encoding/json.

Called by json for texts that Python's reader refused, and for those that it must not be trusted with (depth). It goes
through the text by characters and keeps nothing.
"""

from __future__ import annotations

import re
from typing import Final

from packhouse.template.ytt.errors import YttError

#: Objects and arrays within one another.
MAX_DEPTH: Final = 200

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
#: Where a space would be no fault.
_SPACES_ALLOWED: Final = frozenset(
    {
        "looking for beginning of value",
        "looking for beginning of object key string",
        "after object key",
        "after object key:value pair",
        "after array element",
        "in string literal",
    }
)
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}


def check(text: str) -> None:
    """Raises YttError where the text is no JSON, e.g. "invalid character '}' looking for beginning of value"."""
    at = _Scanner(text).value(0, "looking for beginning of value")
    at = _skip(text, at)
    if at < len(text):
        raise _fault(text, at, "after top-level value")


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0

    def value(self, at: int, context: str) -> int:
        """Where the value that begins at `at` (behind spaces) ends."""
        text = self._text
        at = _skip(text, at)
        first = text[at : at + 1]
        if first == "{" or first == "[":
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise YttError("exceeded max depth")
            at = self._object(at + 1) if first == "{" else self._array(at + 1)
            self._depth -= 1
            return at
        if first == '"':
            return self._string(at + 1)
        if first in _LITERALS:
            return self._literal(at, _LITERALS[first])
        if first == "-" or (first.isdecimal() and first.isascii()):
            return self._number(at)
        raise _fault(text, at, context)

    def _object(self, at: int) -> int:
        text = self._text
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return at + 1
        while True:
            at = _skip(text, at)
            if text[at : at + 1] != '"':
                raise _fault(text, at, "looking for beginning of object key string")
            at = _skip(text, self._string(at + 1))
            if text[at : at + 1] != ":":
                raise _fault(text, at, "after object key")
            at = _skip(text, self.value(at + 1, "looking for beginning of value"))
            if text[at : at + 1] == "}":
                return at + 1
            if text[at : at + 1] != ",":
                raise _fault(text, at, "after object key:value pair")
            at += 1

    def _array(self, at: int) -> int:
        text = self._text
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return at + 1
        while True:
            at = _skip(text, self.value(at, "looking for beginning of value"))
            if text[at : at + 1] == "]":
                return at + 1
            if text[at : at + 1] != ",":
                raise _fault(text, at, "after array element")
            at += 1

    def _string(self, at: int) -> int:
        text = self._text
        while True:
            plain = _PLAIN.match(text, at)
            at = plain.end() if plain else at
            found = text[at : at + 1]
            if found == '"':
                return at + 1
            if found != "\\":
                raise _fault(text, at, "in string literal")
            escape = text[at + 1 : at + 2]
            if escape == "u":
                for place in range(at + 2, at + 6):
                    if text[place : place + 1] not in set("0123456789abcdefABCDEF"):
                        raise _fault(text, place, "in \\u hexadecimal character escape")
                at += 6
            elif escape and escape in 'bfnrt\\/"':
                at += 2
            else:
                raise _fault(text, at + 1, "in string escape code")

    def _literal(self, at: int, word: str) -> int:
        for place, letter in enumerate(word[1:], at + 1):
            if self._text[place : place + 1] != letter:
                raise _fault(self._text, place, f"in literal {word} (expecting '{letter}')")
        return at + len(word)

    def _number(self, at: int) -> int:
        text = self._text
        match = _NUMBER.match(text, at)
        if match is None:  # a "-" alone
            raise _fault(text, at + 1, "in numeric literal")
        end = match.end()
        if text[end : end + 1] == "." and "." not in match[0] and "e" not in match[0].lower():
            raise _fault(text, end + 1, "after decimal point in numeric literal")
        if text[end : end + 1] in ("e", "E") and "e" not in match[0].lower():
            sign = text[end + 1 : end + 2] in ("+", "-")
            raise _fault(text, end + 1 + sign, "in exponent of numeric literal")
        return end


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _fault(text: str, at: int, context: str) -> YttError:
    if at < len(text):
        return YttError(f"invalid character {_shown(text[at])} {context}")
    if context in _SPACES_ALLOWED:
        return YttError("unexpected end of JSON input")
    return YttError(f"invalid character ' ' {context}")  # Go tries a space where a text ends


def _shown(found: str) -> str:
    """Go looks at the first byte of a character alone."""
    if found in "'\"":
        return "'\\''" if found == "'" else "'\"'"
    byte = found.encode("utf-8", "surrogatepass")[0] if not "\udc80" <= found <= "\udcff" else ord(found) - 0xDC00
    known = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}.get(byte)
    if known is not None:
        return f"'{known}'"
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    return f"'{chr(byte)}'" if byte < 0x80 or (byte > 0xA0 and byte != 0xAD) else f"'\\u{byte:04x}'"
