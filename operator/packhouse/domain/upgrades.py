"""What newer versions there are for an install, and whether it takes them by itself. Pure.

Called by the command line. What an install takes is decided by catalogue.py, with the same trust in repositories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from packhouse.api.errors import PackhouseError
from packhouse.domain import versions
from packhouse.domain.catalogue import ANY_VERSION, Entry, Wish, choose
from packhouse.domain.offers import is_prerelease


@dataclass(frozen=True, slots=True)
class Prospect:
    """`newest`: of what the install may take, were it free to; `takes`: what it takes as it is. "" where there is none.

    `follows`: the range that it follows by itself; "" where it names a version.
    """

    newest: str
    takes: str
    follows: str

    def exceeds(self, version: str) -> bool:
        """Whether the newest is higher than that one."""
        return bool(self.newest) and (not version or versions.compare(self.newest, version) > 0)


def prospect(wish: Wish, known: Sequence[Entry]) -> Prospect:
    named = wish.version if wish.version is not None else exact(wish.constraint or "")
    # A range beside a version is a limit that somebody set.
    limit = wish.constraint if wish.version is not None and not exact(wish.constraint or "") else None
    prereleases = wish.prereleases
    if prereleases is None and named is not None and is_prerelease(named):
        prereleases = ()
    free = replace(wish, version=None, constraint=limit or ANY_VERSION, prereleases=prereleases, downgradable=True)
    return Prospect(
        newest=_version(free, known), takes=_version(wish, known), follows="" if named else wish.constraint or ""
    )


def exact(constraint: str) -> str | None:
    """The version that a constraint names; None where it is a range."""
    word = constraint.strip().removeprefix("=").strip().removeprefix("v")
    return word if versions.is_version(word) else None


def _version(wish: Wish, known: Sequence[Entry]) -> str:
    try:
        return choose(wish, known).entry.version
    except PackhouseError:
        return ""
