"""What differs between an object as it is and as it would be: fields, one by one. Pure; what is shown of any object
anywhere is made here, so that of a Secret the names of keys are shown and nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packhouse.domain.objects import kind_of
from packhouse.ports import Json

#: Written by the API server alone.
SERVER_FIELDS: Final = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
#: What a Secret says beside its content.
OPEN_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
#: Annotations that hold a copy of the object: kubectl's, and kapp's with its suffixes.
COPIES: Final = ("kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original")
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
    one, other = shown(before, after)
    return list(_compare("", one or {}, other or {}))


def shown(before: Json | None, after: Json | None) -> tuple[Json | None, Json | None]:
    """Both as they may be shown, without what only the API server writes.

    Of a Secret, what is the same in both is hidden behind the same word, and what changes behind two.
    """
    one, other = _lasting(before), _lasting(after)
    if not _is_secret(after or before):
        return one, other
    one, other = _encoded(one), _encoded(other)
    return _masked(one, None, HIDDEN), _masked(other, one, CHANGED)


def masked(obj: Json) -> Json:
    """The whole of it, as far as it may be shown."""
    return _masked(obj, None, HIDDEN) or obj if _is_secret(obj) else obj


def laid_over(live: Json, wanted: Json) -> Json:
    """What `live` would be with the fields of `wanted`, as far as that can be told without asking: nothing goes."""
    return _laid_over(live, _encoded(wanted) if _is_secret(wanted) else wanted)  # type: ignore[no-any-return]


def _is_secret(obj: Json | None) -> bool:
    kind = kind_of(obj or {})
    return (kind.kind, kind.group) == ("Secret", "")


def _lasting(obj: Json | None) -> Json | None:
    if obj is None:
        return None
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVER_FIELDS}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _encoded(secret: Json | None) -> Json | None:
    """With stringData where the API server puts it."""
    texts = (secret or {}).get("stringData")
    if secret is None or not isinstance(texts, Mapping):
        return secret
    encoded = {key: b64encode(str(text).encode()).decode() for key, text in texts.items()}
    data = {**(secret.get("data") or {}), **encoded}
    return {**{key: value for key, value in secret.items() if key != "stringData"}, "data": data}


def _masked(secret: Json | None, before: Json | None, word: str) -> Json | None:
    """`word` stands for what differs from `before`."""
    if secret is None:
        return None
    known = before or {}
    found = {
        key: value if key in OPEN_FIELDS else _hidden(value, known.get(key, NOTHING), word)
        for key, value in secret.items()
    }
    metadata = secret["metadata"]
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping):
        old = (known.get("metadata") or {}).get("annotations") or {}
        open_ = {
            key: _hidden(text, old.get(key, NOTHING), word) if _holds_a_copy(key, text) else text
            for key, text in annotations.items()
        }
        found["metadata"] = {**metadata, "annotations": open_}
    return found


def _holds_a_copy(key: str, text: object) -> bool:
    """Any tool may keep the object, or a part of it, as JSON."""
    return key.startswith(COPIES) or str(text).lstrip().startswith(("{", "["))


def _hidden(value: Any, before: Any, word: str) -> Any:
    if isinstance(value, Mapping):
        known = before if isinstance(before, Mapping) else {}
        return {key: _hidden(inner, known.get(key, NOTHING), word) for key, inner in value.items()}
    return word if before is not NOTHING and before != value else HIDDEN


def _laid_over(live: Any, wanted: Any) -> Any:
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {**live, **{key: _laid_over(live.get(key), value) for key, value in wanted.items()}}
    if isinstance(live, list) and isinstance(wanted, list) and (key := _list_key(live, wanted)) is not None:
        ours = {item[key]: item for item in wanted}
        names = {item[key] for item in live}
        there = [_laid_over(item, ours[item[key]]) if item[key] in ours else item for item in live]
        return [*there, *(item for item in wanted if item[key] not in names)]
    return wanted


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _compare(
                f"{path}.{key}" if path else str(key), before.get(key, NOTHING), after.get(key, NOTHING)
            )
        return
    if isinstance(before, list) and isinstance(after, list) and (key := _list_key(before, after)) is not None:
        one, other = ({item[key]: item for item in items} for items in (before, after))
        for name in [*one, *(name for name in other if name not in one)]:
            yield from _compare(f"{path}[{name}]", one.get(name, NOTHING), other.get(name, NOTHING))
        return
    yield Difference(path, before, after)


def _list_key(*lists: list[Any]) -> str | None:
    """What all entries have, and no two of one list have alike."""
    items = [item for entries in lists for item in entries]
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    return next((key for key in LIST_KEYS if all(_tells_apart(key, entries) for entries in lists)), None)


def _tells_apart(key: str, entries: list[Any]) -> bool:
    names = [item.get(key) for item in entries]
    return all(isinstance(name, str | int) for name in names) and len(set(names)) == len(names)
