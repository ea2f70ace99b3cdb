"""The words for what an install waits for: the first few objects by name, the others by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.ports import Ref

MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """One object, what it says of itself, and what its pods say ("" for nothing)."""

    ref: Ref
    message: str
    pods: str = ""

    def __str__(self) -> str:
        return f"{self.ref.short}: {self.message}" + (f" ({self.pods})" if self.pods else "")


def named(standings: Sequence[Standing]) -> str:
    """`standings` in words; more than MOST_NAMED are counted."""
    words = "; ".join(str(one) for one in standings[:MOST_NAMED])
    more = len(standings) - MOST_NAMED
    return f"{words}; and {more} more" if more > 0 else words


def counted(unready: int, total: int) -> str:
    """ "2 of 21 objects"."""
    return f"{unready} of {total} object{'' if total == 1 else 's'}"
