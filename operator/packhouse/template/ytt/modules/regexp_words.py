r"""What the original says of a pattern that it refuses: RE2 refuses the same ones, in other words.

Called by `regexp` alone. One thing RE2 has and the original does not: \C, a single byte.
"""

from __future__ import annotations

import re
from typing import Final

#: RE2's words, and the original's.
_WORDS: Final = {
    b"missing )": b"missing closing )",
    b"missing ]": b"missing closing ]",
    b"no argument for repetition operator": b"missing argument to repetition operator",
    b"invalid repetition size": b"invalid repeat count",
    b"bad repetition operator": b"invalid nested repetition operator",
    b"invalid perl operator": b"invalid or unsupported Perl syntax",
    b"invalid named capture group": b"invalid named capture",
}
_TRAILING: Final = b"trailing \\"
_TOO_LARGE: Final = b"pattern too large"
_SINGLE_BYTE: Final = re.compile(rb"\\Q.*?(?:\\E|\Z)|\\(?P<letter>.)", re.DOTALL)
#: The original looks at the counts first.
_OF_REPEATS: Final = frozenset((b"invalid repetition size", b"bad repetition operator"))
_REPEAT: Final = re.compile(rb"\{([0-9]+)(?:,([0-9]*))?\}")
_MOST_REPEATS: Final = 1000
#: An escape that both refuse; it stands for \C and is named so when it is refused.
_STAND_IN: Final = "\ue000".encode()


def without_single_bytes(pattern: bytes) -> bytes:
    r"""The pattern with every \C made an escape that RE2 refuses."""
    if rb"\C" not in pattern:
        return pattern
    return _SINGLE_BYTE.sub(lambda found: b"\\" + _STAND_IN if found["letter"] == b"C" else found[0], pattern)


def refusal(pattern: bytes, message: bytes) -> bytes:
    """The original's message, from RE2's."""
    if message == _TRAILING:
        return b"trailing backslash at end of expression: ``"
    if message.startswith(_TOO_LARGE):
        return b"expression too large: `" + pattern + b"`"
    what, _, place = message.partition(b": ")
    if what == b"invalid UTF-8":
        place = _from_broken(pattern)
    for repeat in _REPEAT.finditer(place) if what in _OF_REPEATS else ():
        if any(int(count) > _MOST_REPEATS for count in repeat.groups() if count):
            what, place = b"invalid repetition size", repeat[0]
    return _WORDS.get(what, what) + b": `" + place.replace(_STAND_IN, b"C") + b"`"


def _from_broken(pattern: bytes) -> bytes:
    try:
        pattern.decode("utf-8")
    except UnicodeDecodeError as broken:
        return pattern[broken.start :]
    return pattern
