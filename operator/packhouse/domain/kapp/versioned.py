"""Versioned objects: each new content gets a name of its own, NAME-ver-N, and whoever names it is told.

Called by the deploy stage for objects that are placed and marked already. The inventory knows the numbers in use and,
by digest, what the newest of them holds: the same content keeps its number, other content gets the next.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.kapp.config_values import Config
from packhouse.domain.kapp.referring import Referring
from packhouse.domain.kapp.rules import PREFIX, read_rules
from packhouse.domain.objects import ref_of
from packhouse.ports import Json

DigestOf = Callable[[Json], str]

_NAME: Final = re.compile(r"(.+)-ver-([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Named:
    """`objects` under the names that they are applied with; `kept`: older versions, neither applied nor deleted."""

    objects: Sequence[Json]
    kept: frozenset[Identity]


def name_versions(objects: Sequence[Json], config: Config, inventory: Inventory, digest_of: DigestOf) -> Named:
    """Raises RenderedInvalid."""
    versioned = {Identity.of(ref_of(obj)): obj for obj in objects if _is_versioned(obj)}
    if not versioned:
        return Named(objects, frozenset())
    naming = _Naming(versioned, Referring(versioned.values(), config.templates), _recorded(inventory), digest_of)
    for group in naming.groups():
        naming.settle(group)
    named: list[Json] = []
    kept: set[Identity] = set()
    for obj in objects:
        identity = Identity.of(ref_of(obj))
        if identity not in versioned:
            named.append(naming.renamed(obj))
            continue
        rules = read_rules(obj)
        if rules.keep_original:
            named.append(naming.renamed(obj))
        named.append(naming.named[identity])
        kept.update(naming.older(identity, rules.versions_kept - 1))
    _refuse_twins(named)
    return Named(named, frozenset(kept))


class _Naming:
    """The numbers of versioned objects, found in the order in which they refer to each other."""

    def __init__(
        self,
        versioned: Mapping[Identity, Json],
        referring: Referring,
        recorded: Mapping[Identity, Mapping[int, Entry]],
        digest_of: DigestOf,
    ) -> None:
        self._versioned = versioned
        self._referring = referring
        self._recorded = recorded
        self._digest_of = digest_of
        self._names: dict[Identity, str] = {}
        self.named: dict[Identity, Json] = {}

    def groups(self) -> Iterator[Sequence[Identity]]:
        """One by one, what is referred to first. Those that refer to each other in a circle come last, as one group,
        and what refers to them with them."""
        waiting = {identity: self._referring.named_by(obj) - {identity} for identity, obj in self._versioned.items()}
        referrers: dict[Identity, list[Identity]] = defaultdict(list)
        for identity, needed in waiting.items():
            for other in needed:
                referrers[other].append(identity)
        free = deque(identity for identity, needed in waiting.items() if not needed)
        while free:
            identity = free.popleft()
            del waiting[identity]
            yield [identity]
            for referrer in referrers[identity]:
                waiting[referrer].discard(identity)
                if not waiting[referrer]:
                    free.append(referrer)
        if waiting:
            yield list(waiting)

    def settle(self, group: Sequence[Identity]) -> None:
        """Names a group. Its members change their numbers together: one alone would make the others change with the
        next pass, and those the first again."""
        newest = {identity: max(self._recorded.get(identity, {}), default=0) for identity in group}
        named = self._under({identity: number or 1 for identity, number in newest.items()})
        if any(not self._is_recorded(identity, newest[identity], obj) for identity, obj in named.items()):
            named = self._under({identity: number + 1 for identity, number in newest.items()})
        self._names |= {identity: obj["metadata"]["name"] for identity, obj in named.items()}
        self.named |= named

    def renamed(self, obj: Json) -> Json:
        return self._referring.renamed(obj, self._names.get)

    def older(self, identity: Identity, most: int) -> Iterator[Identity]:
        """The newest `most` recorded versions beside the present one."""
        name = self._names[identity]
        versions = (_version(identity, number) for number in sorted(self._recorded.get(identity, {}), reverse=True))
        beside = [version for version in versions if version.name != name]
        return iter(beside[: max(most, 0)])

    def _under(self, numbers: Mapping[Identity, int]) -> dict[Identity, Json]:
        names = self._names | {identity: _version(identity, number).name for identity, number in numbers.items()}
        named = {}
        for identity in numbers:
            obj = self._referring.renamed(self._versioned[identity], names.get)
            named[identity] = {**obj, "metadata": {**obj["metadata"], "name": names[identity]}}
        return named

    def _is_recorded(self, identity: Identity, number: int, obj: Json) -> bool:
        """Whether `obj` is what was applied under that number. It passes where that was never confirmed, and where
        there was nothing yet."""
        entry = self._recorded.get(identity, {}).get(number)
        return entry is None or entry.desired in ("", self._digest_of(obj))


def _is_versioned(obj: Json) -> bool:
    return f"{PREFIX}versioned" in (obj["metadata"].get("annotations") or {})


def _version(identity: Identity, number: int) -> Identity:
    return replace(identity, name=f"{identity.name}-ver-{number}")


def _recorded(inventory: Inventory) -> Mapping[Identity, Mapping[int, Entry]]:
    """All that is recorded under the name of a version: by the object that it may be a version of, and its number."""
    recorded: dict[Identity, dict[int, Entry]] = defaultdict(dict)
    for identity, entry in inventory.entries.items():
        found = _NAME.fullmatch(identity.name)
        if found is not None:
            recorded[replace(identity, name=found[1])][int(found[2])] = entry
    return recorded


def _refuse_twins(objects: Sequence[Json]) -> None:
    seen: set[Identity] = set()
    for obj in objects:
        identity = Identity.of(ref_of(obj))
        if identity in seen:
            raise RenderedInvalid(
                f"{ref_of(obj)} is rendered, and is also the name of a version of an object that is annotated with "
                f"{PREFIX}versioned; rename one of the two"
            )
        seen.add(identity)
