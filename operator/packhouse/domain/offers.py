"""What a catalogue offers to people: one line a package, for which its newest release speaks.

Called by the command line. Which version an install takes is decided by catalogue.py; here is what is shown, what is
chosen where nobody names a version, and what may have been meant by a name that there is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packhouse.api.errors import NoMatchingVersion
from packhouse.domain import precedence, versions
from packhouse.domain.catalogue import ANY_VERSION


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a package."""

    display_name: str = ""
    short_description: str = ""
    long_description: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of one package."""

    name: str
    version: str
    words: Words = Words()


@dataclass(frozen=True, slots=True)
class Summary:
    """One package; `versions` are all there are, newest first, and `newest` the one that is installed by default."""

    name: str
    words: Words
    newest: str
    versions: Sequence[str]

    def tells_of(self, word: str) -> bool:
        """Whether the word occurs in what people read of the package."""
        texts = (self.name, self.words.display_name, self.words.short_description, self.words.long_description)
        return any(word.casefold() in text.casefold() for text in texts)


def summaries(offers: Iterable[Offer], metadata: Mapping[str, Words]) -> list[Summary]:
    """One for each package, by name. What a PackageMetadata says goes before what the newest version says."""
    packages: dict[str, dict[str, Words]] = defaultdict(dict)
    for offer in offers:
        packages[offer.name][offer.version] = offer.words
    return [
        _summary(name, packages[name], metadata.get(name, Words()))
        for name in sorted(packages)
        if any(map(versions.is_version, packages[name]))
    ]


def _summary(name: str, said: Mapping[str, Words], metadata: Words) -> Summary:
    ordered = newest_first(said)
    newest, _ = newest_of(ordered)
    own = said[newest]
    words = Words(
        metadata.display_name or own.display_name,
        metadata.short_description or own.short_description,
        metadata.long_description or own.long_description,
    )
    return Summary(name, words, newest, ordered)


def newest_first(texts: Iterable[str]) -> list[str]:
    return versions.sort(texts)[::-1]


def newest_of(texts: Sequence[str], constraint: str = ANY_VERSION) -> tuple[str, bool]:
    """The newest release, or the newest prerelease where nothing else fits; and whether it is one.

    Raises NoMatchingVersion, InvalidConstraint.
    """
    try:
        chosen = versions.select(texts, constraint)
    except NoMatchingVersion:
        chosen = versions.select(texts, constraint, ())
    return chosen, is_prerelease(chosen)


def is_prerelease(version: str) -> bool:
    parsed = precedence.parse(version)
    return parsed is not None and parsed.is_prerelease


def nearest(word: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names that may have been meant, best first: those with the word as a part, then those spelled like it."""
    import difflib  # only who misspells a name needs it

    names = sorted(set(names))
    parts = [name for name in names if word in name.split(".")]
    if parts:
        return parts[:most]
    spelled = difflib.get_close_matches(word, names, n=most, cutoff=0.6)
    firsts = {name.partition(".")[0]: name for name in reversed(names)}
    short = [firsts[first] for first in difflib.get_close_matches(word.partition(".")[0], firsts, n=most, cutoff=0.7)]
    holding = [name for name in names if word in name]
    return list(dict.fromkeys([*spelled, *short, *holding]))[:most]
