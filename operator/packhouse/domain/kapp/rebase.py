"""kapp's rebase rules, read for a cluster in which fields have owners: what of a live object gets into an apply.

Called by the deploy stage just before the plan is made. kapp sends whole objects, so a rule that copies the live value
keeps it. With server-side apply, whatever is sent becomes ours as well: a value copied from a controller would be ours
to keep, be taken from us with the controller's next write, and look like drift. So a live value is kept in the way that
disturbs least:

- held by others, or by nobody: it is left out of what is applied, and stays as it is;
- held by us alone: it is applied as it is, since leaving it out would remove it;
- inside a map or list that is only ever applied whole (a selector): it is copied in, as kapp does;
- on an object that does not say who holds what: it is copied in.

Removing a field means not to apply it: ours goes, that of another manager stays. Unlike in kapp, that holds from the
first apply on, or the second pass would have to write what the first one did not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.kapp.config_values import Config, RebaseRule, Source
from packhouse.domain.kapp.held import Held, held, only_ours
from packhouse.domain.kapp.paths import MISSING, AllIndexes, Index, Matching, Path, with_item, without
from packhouse.domain.kapp.rules import PREFIX
from packhouse.domain.objects import owner_of
from packhouse.domain.takeover import FORMER_MANAGERS
from packhouse.ports import Json

_VERSION: Final = re.compile(r".+-ver-[1-9][0-9]*")
_NOBODY: Final = Held(None, ())


def wants_live(obj: Json, config: Config) -> bool:
    """Whether `rebased` needs the live object, whole."""
    return not is_version(obj) and any(Source.EXISTING in rule.sources and rule.matches(obj) for rule in config.rebase)


def rebased(obj: Json, live: Json | None, config: Config) -> Json:
    """What is to be applied of `obj`. `live`: the whole object with its managedFields, None where there is none."""
    if is_version(obj):
        return obj
    rules = [rule for rule in config.rebase if rule.matches(obj)]
    if not rules:
        return obj
    adopting = live is not None and owner_of(live) != owner_of(obj)
    place = held(live, FORMER_MANAGERS if adopting else ()) if live is not None else None
    result = obj
    for rule in rules:
        for path in rule.paths:
            result = _rebased(result, obj, live, place, rule, path)
    return result


def is_version(obj: Json) -> bool:
    """Whether `obj` is one version of a versioned object: it never changes, so nothing live is carried into it."""
    metadata = obj["metadata"]
    return f"{PREFIX}versioned" in (metadata.get("annotations") or {}) and bool(_VERSION.fullmatch(metadata["name"]))


def _rebased(obj: Json, new: Json, live: Json | None, place: Held | None, rule: RebaseRule, path: Path) -> Json:
    # A rule without sources removes.
    if not rule.sources:
        return _as_json(without(obj, path))
    # Nothing is live: what was rendered counts, also where a rule before this one removed it.
    if live is None:
        return _as_json(_Copy((Source.NEW,)).at(path, obj, new, MISSING, _NOBODY))
    # Nobody says who holds what: nothing can be left to its owner.
    return _as_json(_Copy(rule.sources, whole=place is None).at(path, obj, new, live, place or _NOBODY))


@dataclass(frozen=True, slots=True)
class _Copy:
    """One copying rule on its way down a path. `whole`: what stands here is applied with all that it holds."""

    sources: tuple[Source, ...]
    whole: bool = False

    def at(self, path: Path, here: Any, new: Any, live: Any, place: Held) -> Any:
        """What takes the place of `here`: the same where nothing changes, MISSING where it is left out."""
        if not path:
            return self._value(here, new, live, place)
        inside = self
        if not self.whole and place.as_a_whole and (here is not MISSING or place.ours is not None):
            inside = _Copy(self.sources, whole=True)
        part, rest = path[0], path[1:]
        match part:
            case str() | Matching():
                keys = [part] if isinstance(part, str) else part.keys(here, new, live)
                return inside._in_map(keys, rest, here, new, live, place)
            case AllIndexes() | Index():
                return inside._in_list(part, rest, here, new, live, place)

    def _value(self, here: Any, new: Any, live: Any, place: Held) -> Any:
        for source in self.sources:
            if source is Source.NEW and new is not MISSING:
                return new
            if source is Source.EXISTING and live is not MISSING:
                return live if self.whole else only_ours(live, place)
        return here

    def _in_map(self, keys: list[str], rest: Path, here: Any, new: Any, live: Any, place: Held) -> Any:
        if here is not MISSING and not isinstance(here, dict):
            return here
        for key in keys:
            before = MISSING if here is MISSING else here.get(key, MISSING)
            after = self.at(rest, before, _get(new, key), _get(live, key), place.at_key(key))
            if after is not before:
                here = with_item({} if here is MISSING else here, key, after)
        return here

    def _in_list(self, part: AllIndexes | Index, rest: Path, here: Any, new: Any, live: Any, place: Held) -> Any:
        if not isinstance(here, list):
            return here
        numbers = [part.number] if isinstance(part, Index) else range(len(here))
        concerned = [number for number in numbers if number < len(here)]
        alike = [_counterpart(here[number], number, live, place) for number in concerned]
        for number, same, there in zip(concerned, alike, place.at_items(alike), strict=True):
            after = self.at(rest, here[number], _get(new, number), same, there)
            if after is not here[number]:
                here = with_item(here, number, after)
        return here


def _as_json(value: Any) -> Json:
    """A path has at least one part, so an object stays one."""
    obj: Json = value
    return obj


def _get(value: Any, key: str | int) -> Any:
    """What a map or list has there; null says nothing, as to the API server."""
    if isinstance(value, dict) and isinstance(key, str):
        found = value.get(key)
    elif isinstance(value, list) and isinstance(key, int):
        found = value[key] if key < len(value) else None
    else:
        found = None
    return MISSING if found is None else found


def _counterpart(item: Any, number: int, live: Any, place: Held) -> Any:
    """The live item that `item` is about: of the same keys where the list has such, else at the same index."""
    keys = place.keys_of_items()
    known = [key for key in keys if isinstance(item, dict) and key in item]
    if not known or not isinstance(live, list):
        return _get(live, number)
    same = (other for other in live if isinstance(other, dict) and all(other.get(key) == item[key] for key in known))
    return next(same, MISSING)
