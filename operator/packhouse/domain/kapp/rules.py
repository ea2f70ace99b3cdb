"""What kapp's annotations say of one object: how it is updated, ordered, waited for, versioned and deleted.

Called by the deploy stage for what was rendered, and by plan.py for live objects, of which only metadata is known.
As in kapp, an annotation that switches something on counts by being there, whatever its value; one that nobody knows
is nothing to us. A strategy that nobody knows is refused: it may ask for the very thing that must not go wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.objects import kind_of, ref_of
from packhouse.domain.values_report import nearest
from packhouse.ports import Json

PREFIX: Final = "kapp.k14s.io/"
VERSIONS_KEPT: Final = 5

_WORD = TypeVar("_WORD")


class UpdateStrategy(StrEnum):
    UPDATE = "update"  #: by apply; what cannot be changed is an error
    SKIP = "skip"  #: what exists stays as it is
    FALLBACK_ON_REPLACE = "fallback-on-replace"  #: deleted and made anew where the API server refuses the change
    ALWAYS_REPLACE = "always-replace"  #: deleted and made anew at every change


class CreateStrategy(StrEnum):
    CREATE = "create"
    FALLBACK_ON_UPDATE = "fallback-on-update"  #: somebody else may be quicker to make it
    FALLBACK_ON_UPDATE_OR_NOOP = "fallback-on-update-or-noop"


class Does(StrEnum):
    """What becomes of an object; also of the one that a rule points at (`upserting`, `deleting`)."""

    UPSERT = "upsert"
    DELETE = "delete"


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class OrderRule:
    """`action` on this object comes `when` `target_action` on all objects of `group`.

    `soft`: the rule gives way where it would close a circle.
    """

    action: Does
    when: When
    target_action: Does
    group: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the annotations of one object say. `exists`: somebody else makes it, and it is only waited for;
    `noop`: it is left alone altogether."""

    update: UpdateStrategy = UpdateStrategy.UPDATE
    create: CreateStrategy = CreateStrategy.CREATE
    orphan: bool = False
    versioned: bool = False
    versions_kept: int = VERSIONS_KEPT
    keep_original: bool = False
    wait: bool = True
    owned_for_deletion: bool = False
    noop: bool = False
    exists: bool = False
    groups: tuple[str, ...] = ()
    order: tuple[OrderRule, ...] = ()


#: The values of the strategies, as kapp spells them. "update" is our own word for the empty one.
UPDATE_WORDS: Final = {"": UpdateStrategy.UPDATE, **{strategy.value: strategy for strategy in UpdateStrategy}}
CREATE_WORDS: Final = {
    "": CreateStrategy.CREATE,
    **{strategy.value: strategy for strategy in CreateStrategy if strategy is not CreateStrategy.CREATE},
}
DELETE_WORDS: Final = {"": False, "orphan": True}

_GROUP: Final = re.compile(
    r"(?:(?=[^/]{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?"
    r"(?=[^/]{1,63}$)[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
)
#: No brace inside: a text of nothing but open ones would be read to its end from each of them.
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_TARGETS: Final = {"upserting": Does.UPSERT, "deleting": Does.DELETE}
_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
_RULE_FORM: Final = "(upsert|delete) (before|after) (upserting|deleting) GROUP"


def read_rules(obj: Json, *, update: UpdateStrategy = UpdateStrategy.UPDATE) -> Rules:
    """`update`: the strategy of objects that name none. Raises RenderedInvalid."""
    marks: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    if not any(key.startswith(PREFIX) for key in marks):
        return Rules(update=update)
    versioned = f"{PREFIX}versioned" in marks
    return Rules(
        update=_strategy(obj, marks, "update-strategy", UPDATE_WORDS, update),
        create=_strategy(obj, marks, "create-strategy", CREATE_WORDS, CreateStrategy.CREATE),
        orphan=_strategy(obj, marks, "delete-strategy", DELETE_WORDS, False),
        versioned=versioned,
        versions_kept=_versions_kept(obj, marks) if versioned else VERSIONS_KEPT,
        keep_original=f"{PREFIX}versioned-keep-original" in marks,
        wait=f"{PREFIX}disable-wait" not in marks,
        owned_for_deletion=f"{PREFIX}owned-for-deletion" in marks,
        noop=is_noop(obj),
        exists=f"{PREFIX}exists" in marks,
        groups=tuple(
            group for key, text in _all(marks, "change-group") for group in groups_of(text, obj, _at(obj, key))
        ),
        order=tuple(rule for key, text in _all(marks, "change-rule") for rule in order_of(text, obj, _at(obj, key))),
    )


def is_noop(obj: Json) -> bool:
    """Whether the object is left alone, also where it is not placed yet and its rules cannot be read."""
    return f"{PREFIX}noop" in (obj["metadata"].get("annotations") or {})


def groups_of(text: str, obj: Json, where: str) -> tuple[str, ...]:
    """The one change group that `text` names for `obj`; none where a placeholder needs more than is known of it.

    `where` names the place of `text` in messages.
    """
    filled = _filled(text, obj, where)
    return () if filled is None else (_group(filled, where),)


def order_of(text: str, obj: Json, where: str, *, soft: bool = False) -> tuple[OrderRule, ...]:
    """The one rule that `text` gives for `obj`; none as in `groups_of`."""
    filled = _filled(text, obj, where)
    if filled is None:
        return ()
    words = filled.split()
    if len(words) != 4 or words[0] not in set(Does) or words[1] not in set(When) or words[2] not in _TARGETS:
        raise RenderedInvalid(f"{where} is no change rule; write it as {_RULE_FORM}")
    return (OrderRule(Does(words[0]), When(words[1]), _TARGETS[words[2]], _group(words[3], where), soft),)


def _strategy(obj: Json, marks: Mapping[str, str], key: str, words: Mapping[str, _WORD], default: _WORD) -> _WORD:
    value = marks.get(f"{PREFIX}{key}")
    if value is None:
        return default
    if value not in words:
        near = nearest(value, filter(None, words))
        raise RenderedInvalid(
            f"{_at(obj, f'{PREFIX}{key}')} has a value that is not known"
            f"{f' (did you mean {near}?)' if near else ''}; allowed are {', '.join(filter(None, words))} and nothing"
        )
    return words[value]


def _versions_kept(obj: Json, marks: Mapping[str, str]) -> int:
    value = marks.get(f"{PREFIX}num-versions", str(VERSIONS_KEPT))
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", value, re.ASCII):
        raise RenderedInvalid(f"{_at(obj, f'{PREFIX}num-versions')} must be a whole number, 1 or more")
    return int(value)


def _all(marks: Mapping[str, str], key: str) -> Iterator[tuple[str, str]]:
    """The annotation `key` and those of its kind with a suffix, in an order that does not depend on the template."""
    full = f"{PREFIX}{key}"
    return ((name, marks[name]) for name in sorted(marks) if name == full or name.startswith(f"{full}."))


def _filled(text: str, obj: Json, where: str) -> str | None:
    """`text` with its placeholders filled in; None where the object is a CRD of which only metadata is known."""
    kind, metadata = kind_of(obj), obj["metadata"]
    values: dict[str, str] = {
        "api-group": kind.group,
        "kind": kind.kind,
        "name": metadata["name"],
        "namespace": metadata.get("namespace") or "",
        "crd-kind": "",
        "crd-group": "",
    }
    words = set(_PLACEHOLDER.findall(text))
    if (kind.group, kind.kind) == _CRD:
        spec = obj.get("spec")
        if spec is None and words & {"crd-kind", "crd-group"}:
            return None
        spec = spec if isinstance(spec, dict) else {}
        names = spec.get("names")
        values["crd-kind"] = str((names if isinstance(names, dict) else {}).get("kind") or "")
        values["crd-group"] = str(spec.get("group") or "")
    for word in sorted(words):
        if word not in values:
            known = ", ".join(f"{{{known}}}" for known in values)
            raise RenderedInvalid(f"{where} has a placeholder that is not known; known are {known}")
        if not values[word]:
            raise RenderedInvalid(f"{where}: {{{word}}} stands for nothing here, since the object has none")
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _group(name: str, where: str) -> str:
    if not _GROUP.fullmatch(name):
        raise RenderedInvalid(
            f"{where} names no change group; write one as apps.example.com/database, 63 letters at most"
        )
    return name


def _at(obj: Json, key: str) -> str:
    return f"{ref_of(obj)}: annotation {key}"
