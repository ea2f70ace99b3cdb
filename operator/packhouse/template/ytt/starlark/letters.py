"""What letters are and become, as Go has it: one letter never becomes two, and white space is Unicode's."""

from __future__ import annotations

import unicodedata
from typing import Final

#: What Go takes for white space.
SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501
#: The i of Turkish has case, and yet no pair.
_DOTTED: Final = "\u0130"
_DOTLESS: Final = "\u0131"
SPACES: Final = frozenset(SPACE)


def upper(text: str) -> str:
    """Letter by letter, as Go does: one letter never becomes two."""
    return text.upper() if text.isascii() else "".join(map(_upper_letter, text))


def lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(map(_lower_letter, text))


def _upper_letter(letter: str) -> str:
    upper = letter.upper()
    return _whole(upper if len(upper) == 1 else letter)


def _lower_letter(letter: str) -> str:
    lower = letter.lower()
    return _whole(lower[0] if len(lower) == 1 or letter == _DOTTED else letter)


def _title_letter(letter: str) -> str:
    title = letter.title()
    return _whole(title if len(title) == 1 else letter)


def _whole(letter: str) -> str:
    """What changes letters leaves no byte that is no UTF-8."""
    return "\ufffd" if "\udc80" <= letter <= "\udcff" else letter


def is_cased(letter: str) -> bool:
    lower, upper = letter.lower(), letter.upper()
    if letter == "\u00df":  # its pair is a capital that Python does not give it
        return True
    changes = (len(lower) == 1 and lower != letter) or (len(upper) == 1 and upper != letter)
    return changes and letter not in _DOTTED + _DOTLESS


def capitalize(text: str) -> str:
    return _title_letter(text[0]) + lower(text[1:]) if text else text


def title(text: str) -> str:
    out = []
    cased = False
    for letter in text:
        changed = _lower_letter(letter) if cased else _title_letter(letter)
        cased = is_cased(changed)
        out.append(changed)
    return "".join(out)


def is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] == "L"


def is_digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


def is_title(text: str) -> bool:
    cased = before = False
    for letter in text:
        category = unicodedata.category(letter)
        if "A" <= letter <= "Z" or category == "Lt":
            if before:
                return False
            before = cased = True
        elif category == "Ll":
            if not before:
                return False
            before = cased = True
        elif category == "Lu":
            return False
        else:
            before = False
    return cased


def split_space(text: str, most: int, last: bool) -> list[str]:
    """Where `most` ends the splitting, the rest is kept as it is up to its outer white space, which only an end that
    was reached loses."""
    if most < 0:
        return _fields(text)
    if last:
        return [part[::-1] for part in reversed(split_space(text[::-1], most, False))]
    parts: list[str] = []
    start = -1
    for number, character in enumerate(text):
        if character in SPACES:
            if start >= 0:
                if len(parts) == most:
                    break
                parts.append(text[start:number])
                start = -1
        elif start < 0:
            start = number
    return [*parts, text[start:]] if start >= 0 else parts


def _fields(text: str) -> list[str]:
    if text.isascii() and not any(mark in text for mark in "\x1c\x1d\x1e\x1f"):
        return text.split()
    return [field for field in "".join(" " if c in SPACES else c for c in text).split(" ") if field]
