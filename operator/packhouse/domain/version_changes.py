"""What differs between two versions of a package: the values that they take, and the objects that they give. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.domain.difference import differences
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import ref_of
from packhouse.domain.values_keys import Row
from packhouse.ports import Json, Ref

#: What is said of a key beside its name.
SAID: Final = ("type", "default", "description")


@dataclass(frozen=True, slots=True)
class KeyChange:
    """None on one side: the key comes, or goes."""

    key: str
    before: Row | None
    after: Row | None

    @property
    def changed(self) -> Sequence[str]:
        """What is said of a key that both have, and differs."""
        return [word for word in SAID if getattr(self.before, word, "") != getattr(self.after, word, "")]


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """Whole objects, Secrets too: show them as difference.py gives them. None on one side: it comes, or goes."""

    ref: Ref
    before: Json | None
    after: Json | None


def key_changes(before: Sequence[Row], after: Sequence[Row]) -> list[KeyChange]:
    """In the order of the keys."""
    one, other = ({row.key: row for row in rows} for rows in (before, after))
    return [KeyChange(key, one.get(key), other.get(key)) for key in _both(one, other) if one.get(key) != other.get(key)]


def object_changes(before: Sequence[Json], after: Sequence[Json]) -> list[ObjectChange]:
    """In the order of the newer version, with what it does not give any more at the end."""
    one, other = ({Identity.of(ref_of(obj)): obj for obj in objects} for objects in (before, after))
    found = [
        ObjectChange(ref_of(other.get(identity) or one[identity]), one.get(identity), other.get(identity))
        for identity in [*other, *(identity for identity in one if identity not in other)]
    ]
    return [change for change in found if differences(change.before, change.after)]


def _both(one: Mapping[str, Row], other: Mapping[str, Row]) -> list[str]:
    return sorted({*one, *other})
