"""What differs between an object as it is and as it would be: fields, one by one. Pure; called by deploy/dry_run.py.

Fields that only the API server writes are left out, and of a Secret the names of keys are shown and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.objects import kind_of
from packhouse.ports import Json

#: Written by the API server alone.
SERVER_FIELDS: Final = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
SECRET_FIELDS: Final = ("data", "stringData")
HIDDEN: Final = "(not shown)"
CHANGED: Final = "(not shown, another one)"
#: By which entries of a list of maps are told apart, the first that all of them have.
LIST_KEYS: Final = ("name", "key", "containerPort", "port", "type", "mountPath", "ip")


class Nothing:
    """The field is not there."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = Nothing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: its path such as `spec.template.spec.containers[web].image`, what it is and what it would be."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is NOTHING:
            return f"+ {self.path}: {self.after!r}"
        if self.after is NOTHING:
            return f"- {self.path}: {self.before!r}"
        return f"~ {self.path}: {self.before!r} -> {self.after!r}"


def differences(before: Json | None, after: Json | None) -> list[Difference]:
    """None where there is no object. Status is left out: no apply of ours writes it."""
    one, other = _shown(before), _shown(after)
    masked = (kind_of(after or before or {}).kind, kind_of(after or before or {}).group) == ("Secret", "")
    found = list(_compare("", one, other))
    return [_masked(difference) for difference in found] if masked else found


def _shown(obj: Json | None) -> Any:
    if obj is None:
        return {}
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVER_FIELDS}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _compare(
                f"{path}.{key}" if path else str(key), before.get(key, NOTHING), after.get(key, NOTHING)
            )
        return
    if isinstance(before, list) and isinstance(after, list) and (key := _list_key(before + after)) is not None:
        one, other = ({item[key]: item for item in items} for items in (before, after))
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _compare(f"{path}[{name}]", one.get(name, NOTHING), other.get(name, NOTHING))
        return
    yield Difference(path, before, after)


def _list_key(items: list[Any]) -> str | None:
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    return next((key for key in LIST_KEYS if all(isinstance(item.get(key), str | int) for item in items)), None)


def _masked(difference: Difference) -> Difference:
    if not difference.path.partition(".")[0].startswith(SECRET_FIELDS):
        return difference
    before = NOTHING if difference.before is NOTHING else _hidden(difference.before, HIDDEN)
    after = NOTHING if difference.after is NOTHING else _hidden(difference.after, CHANGED)
    return Difference(difference.path, before, after)


def _hidden(value: Any, word: str) -> Any:
    return dict.fromkeys(value, word) if isinstance(value, Mapping) else word
