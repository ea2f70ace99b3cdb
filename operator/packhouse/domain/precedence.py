"""The order of versions, as keys that compare with `<`.

Called by versions.py and constraints.py only. A key is made once for each text and kept: the semver library reads the
text and is right about precedence, but its comparison splits both prereleases anew each time, which a catalogue
of thousands of versions would feel. The tests hold keys and library together.

It never decides which versions are wanted; that is constraints.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import semver

#: Names of Kubernetes objects end here, and a Package's name contains its version.
LENGTH_MOST: Final = 253

Identifier = tuple[int, int, str]  # prerelease: (0, number, "") or (1, 0, text)
Chunk = tuple[int, int, str]  # build: kind, number, text
Build = tuple[tuple[int, tuple[Chunk, ...]], ...]
Prerelease = tuple[int, tuple[Identifier, ...]]
Key = tuple[int, int, int, Prerelease, Build]

#: A release is higher than each of its prereleases.
RELEASE: Final[Prerelease] = (1, ())

#: The lowest prerelease that there is: below every version with the same three numbers.
LOWEST: Final[Prerelease] = (0, ((0, 0, ""),))

_BEFORE_THE_EDGE: Final[Prerelease] = (-1, ())
_CANDIDATE: Final = re.compile(r"(?<![a-z])rc(?![a-z])", re.IGNORECASE)

# Kinds of chunk in the order they sort in: a mark of something unfinished is lower than the end of the text, and that
# is lower than any further chunk.
_MARK, _END, _NUMBER, _TEXT = range(4)
_CHUNKS: Final = re.compile(
    r"(?P<number>[0-9]+)"
    r"|(?P<mark>(?<=[0-9])(?:-?(?:rc|alpha|beta))(?![a-z])|(?<=.)-(?:rc|alpha|beta)(?![a-z]))"
    r"|(?P<text>[^0-9]+?(?=[0-9]|-(?:rc|alpha|beta)(?![a-z])|\Z))",
    re.IGNORECASE,
)
_STARTS_NUMERIC: Final = re.compile(r"[0-9]+(?:\Z|-?(?:rc|alpha|beta)(?![a-z]))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A version that could be read.

    `series_key` is `key` where series of versions (1.2.x) are told apart: there a release candidate comes before the
    edge at which its series begins, all other prereleases behind it (docs/decisions/0003-version-ranges.md).
    """

    key: Key
    series_key: Key
    prerelease: tuple[str, ...]  # its identifiers; none for a release

    @property
    def is_prerelease(self) -> bool:
        return bool(self.prerelease)


@lru_cache(maxsize=16_384)
def parse(text: str) -> Parsed | None:
    """The version that `text` writes, with or without a leading `v`; None where it is no semantic version."""
    return parse_strict(text.removeprefix("v"))


@lru_cache(maxsize=16_384)
def parse_strict(text: str) -> Parsed | None:
    """As `parse`, but a leading `v` makes it no version: what a Package may call itself."""
    # The library lets a newline pass at the end, and reading a number of thousands of digits is slow.
    if len(text) > LENGTH_MOST or not text.isascii() or text != text.strip():
        return None
    try:
        version = semver.Version.parse(text)
    except ValueError:
        return None
    prerelease = tuple(version.prerelease.split(".")) if version.prerelease else ()
    build = tuple(version.build.split(".")) if version.build else ()
    key = (version.major, version.minor, version.patch, _prerelease_key(prerelease), tuple(map(_build_key, build)))
    candidate = bool(prerelease) and _CANDIDATE.search(prerelease[0]) is not None
    return Parsed(key, (*key[:3], _BEFORE_THE_EDGE, key[4]) if candidate else key, prerelease)


def _prerelease_key(identifiers: tuple[str, ...]) -> Prerelease:
    """Semantic versioning 2.0, rule 11: numbers by value and below texts, texts by ASCII, fewer fields lower."""
    if not identifiers:
        return RELEASE
    return (0, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in identifiers))


def _build_key(identifier: str) -> tuple[int, tuple[Chunk, ...]]:
    """Natural order: runs of digits by value, other runs by ASCII; a number, with or without a mark, below texts."""
    chunks: list[Chunk] = []
    for found in _CHUNKS.finditer(identifier):
        if found["number"] is not None:
            chunks.append((_NUMBER, int(found["number"]), ""))
        elif found["mark"] is not None:
            chunks.append((_MARK, 0, found["mark"]))
        else:
            chunks.append((_TEXT, 0, found["text"]))
    chunks.append((_END, 0, ""))
    return (0 if _STARTS_NUMERIC.match(identifier) else 1, tuple(chunks))
