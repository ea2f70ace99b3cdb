"""Try one write on the API server without doing it: a server-side dry run counts admission, defaults and rights.

Called by preflight.py, for all writes of a plan at once. What the answer means depends on what the object stands on:
the world that judges it is the one before the plan. A change that is refused although the object is valid in itself
concerns a field that cannot change; then the object is replaced, where that is allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

from packhouse.api.errors import (
    AdoptionRefused,
    ApiServerError,
    ClusterUnavailable,
    DeployFailed,
    FieldConflict,
    ImmutableField,
    PackhouseError,
)
from packhouse.api.names import APPLY_MANAGER
from packhouse.deploy.live import brought_kinds
from packhouse.domain.change import DATA_HOLDERS, NEVER_REPLACED, Action, Change
from packhouse.domain.inventory import Identity
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.rights import bound_role
from packhouse.ports import Cluster, Json

#: What the API server gives an object, which another one cannot have.
SYSTEM_FIELDS: Final = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"})
#: Kinds whose content hardly anything can be wrong with: where a plan makes many, as many as these speak for the rest.
PLAIN: Final = frozenset({("", "ConfigMap"), ("", "Secret"), ("", "ServiceAccount")})
ALIKE_MOST: Final = 5
TOKEN_SECRET: Final = "kubernetes.io/service-account-token"  # noqa: S105 - the name of a type
#: The shortest names that a kind demands (of a CronJob) have two characters more.
SHORT_NAME: Final = 50

MayReplace = Callable[[Change], bool]


def never(change: Change) -> bool:
    """Nothing is replaced."""
    return False


def worth_trying(writes: Iterable[Change]) -> Iterator[Change]:
    """All but new plain objects of one kind and namespace beyond ALIKE_MOST. Rights are reviewed for those as well."""
    alike = Counter[tuple[str, str, str]]()
    for change in writes:
        kind = (change.ref.kind.group, change.ref.kind.kind)
        if kind in PLAIN and change.action is Action.CREATE and not change.uid:
            alike[*kind, change.ref.namespace] += 1
            if alike[*kind, change.ref.namespace] > ALIKE_MOST:
                continue
        yield change


class Footing(Enum):
    """What an object stands on, and so what a dry run says of it."""

    FIRM = auto()  #: nothing that the plan writes: every refusal counts
    LEANING = auto()  #: something that the plan writes: what the object is refused for may pass by then
    BROUGHT = auto()  #: a definition that the plan writes: even which fields it has may change


@dataclass(frozen=True, slots=True)
class Terms:
    """`may_replace` is asked where only deleting and making it anew helps. `adopt`: True takes what exists as it is,
    None what agrees with the package, False nothing. `own_webhooks`: the package brings webhooks; one that does not
    answer may be what the plan mends."""

    may_replace: MayReplace = never
    adopt: bool | None = None
    own_webhooks: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one write. `change` may have become a replacement; `judged`: the real write is refused for
    nothing that was not asked here."""

    change: Change
    judged: bool = False
    refusal: PackhouseError | None = None


def new_by_name(writes: Iterable[Change]) -> Mapping[str, Collection[Identity]]:
    """What a plan makes that is not there yet."""
    found: dict[str, list[Identity]] = {}
    for change in writes:
        if not change.uid:
            found.setdefault(change.ref.name, []).append(change.identity)
    return found


def footing(
    change: Change, written: Container[Identity], new: Mapping[str, Collection[Identity]], *, brought: bool
) -> Footing:
    """`written`: what the same plan writes; `new`: of that, what is not there yet; `brought`: its definition is among
    that."""
    if brought:
        return Footing.BROUGHT
    if any(identity in written for identity in rests_on(change)):
        return Footing.LEANING
    return Footing.LEANING if _names_what_is_new(change, new) else Footing.FIRM


def rests_on(change: Change) -> Iterator[Identity]:
    """What must be there, or as it will be, before the API server takes the object."""
    obj, namespace = change.obj or {}, change.ref.namespace
    if namespace:
        yield Identity("", "Namespace", "", namespace)
    if obj and (role := bound_role(obj)) is not None:
        yield role
    if (change.ref.kind.group, change.ref.kind.kind) == ("", "Secret") and obj.get("type") == TOKEN_SECRET:
        # One whose account is not there is deleted by a controller.
        marks = obj["metadata"].get("annotations") or {}
        yield Identity("", "ServiceAccount", namespace, str(marks.get("kubernetes.io/service-account.name")))
    if (change.ref.kind.group, change.ref.kind.kind) == ("", "Pod") and isinstance(spec := obj.get("spec"), dict):
        yield Identity("", "ServiceAccount", namespace, str(spec.get("serviceAccountName") or "default"))
        yield Identity("scheduling.k8s.io", "PriorityClass", "", str(spec.get("priorityClassName")))
        yield Identity("node.k8s.io", "RuntimeClass", "", str(spec.get("runtimeClassName")))


def footings(writes: Sequence[Change]) -> Mapping[Identity, Footing]:
    """Of all that a plan writes."""
    written, new = {change.identity for change in writes}, new_by_name(writes)
    brought = brought_kinds([change.obj for change in writes if change.obj is not None])
    return {
        change.identity: footing(change, written, new, brought=(change.ref.kind.group, change.ref.kind.kind) in brought)
        for change in writes
    }


def _names_what_is_new(change: Change, new: Mapping[str, Collection[Identity]]) -> bool:
    """Whether a custom resource mentions an object that the plan makes: a webhook may look for that."""
    group = change.ref.kind.group
    if "." not in group or group.endswith(".k8s.io"):
        return False
    texts = _texts({key: value for key, value in (change.obj or {}).items() if key != "metadata"})
    return any(identity != change.identity for text in texts for identity in new.get(text, ()))


async def tried(cluster: Cluster, change: Change, ground: Footing, terms: Terms) -> Verdict:
    """Raises ClusterUnavailable, which says nothing about the object."""
    assert change.obj is not None, "only what is applied is tried"  # noqa: S101 - a promise of the plan
    firm = ground is Footing.FIRM
    if change.adopting and terms.adopt is False:
        return Verdict(change, refusal=_not_ours(change))
    # The world that it needs is not there yet, and no live object stands in its way.
    if not firm and not change.uid:
        return Verdict(change)
    # It will be made anew: whether the live one can become so does not matter.
    if change.action is Action.REPLACE:
        refusal = await _refusal(cluster.create(under_another_name(change.obj), dry_run=True))
        if isinstance(refusal, ApiServerError) and terms.own_webhooks:
            return Verdict(change)
        return Verdict(change, firm, refusal if firm else None)
    force = terms.adopt is True or not change.adopting
    refusal = await _refusal(
        cluster.apply(change.obj, manager=APPLY_MANAGER, force=force, dry_run=True, metadata_only=True)
    )
    match refusal:
        case FieldConflict():  # found before anything else is looked at
            return Verdict(change, firm, _conflict(refusal) if change.adopting else refusal)
        case ApiServerError() if terms.own_webhooks:
            return Verdict(change)
        case DeployFailed() if refusal.invalid and change.uid and ground is not Footing.BROUGHT:
            return await _unchangeable(cluster, change, refusal, terms, firm=firm)
        case _:
            return Verdict(change, firm, refusal if firm else None)


async def _unchangeable(
    cluster: Cluster, change: Change, refused: DeployFailed, terms: Terms, *, firm: bool
) -> Verdict:
    """The API server refused what the object would become. Is it the change, or the object?"""
    assert change.obj is not None, "only what is applied is tried"  # noqa: S101 - a promise of the plan
    # The object itself is no good, or nobody can tell.
    if await _refusal(cluster.create(under_another_name(change.obj), dry_run=True)) is not None:
        return Verdict(change, firm, refused if firm else None)
    # A field that nobody holds makes no conflict, and the object differs all the same.
    if change.adopting and terms.adopt is not True:
        return Verdict(change, firm, _conflict(refused))
    kind = (change.ref.kind.group, change.ref.kind.kind)
    words = f"{refused.message}; the object itself is valid, so this is a change that its kind does not allow"
    if kind in NEVER_REPLACED:
        return Verdict(change, firm, ImmutableField(f"{words}, and to replace a {kind[1]} would delete what is in it"))
    holds_data = kind in DATA_HOLDERS
    annotated = change.rules.update is UpdateStrategy.FALLBACK_ON_REPLACE
    if terms.may_replace(change) and (annotated or not holds_data):
        why = f"{change.why}, in a field that cannot change"
        return Verdict(replace(change, action=Action.REPLACE, why=why), firm)
    annotation = "the annotation kapp.k14s.io/update-strategy: fallback-on-replace"
    if holds_data:
        lever = f"{annotation} on it deletes it, with its data, and makes it anew"
    else:
        lever = f"spec.upgrade.replaceImmutable: true, or {annotation} on it, deletes it and makes it anew"
    return Verdict(change, firm, ImmutableField(f"{words}; {lever}"))


async def _refusal(call: Awaitable[object]) -> PackhouseError | None:
    try:
        await call
    except ClusterUnavailable:
        raise
    except ApiServerError as failed:  # a value of the wrong type is answered so too
        return failed if failed.internal else DeployFailed(failed.message)
    except PackhouseError as refusal:
        return refusal
    return None


def under_another_name(obj: Json) -> Json:
    """The same object where no live one is in the way."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SYSTEM_FIELDS}
    return {**obj, "metadata": {**metadata, "name": _another_name(metadata["name"])}}


def _another_name(name: str) -> str:
    return f"{name}-x" if len(name) <= SHORT_NAME else name[:-1] + ("x" if name[-1] != "x" else "y")


def _not_ours(change: Change) -> AdoptionRefused:
    return AdoptionRefused(
        f"{change.ref} exists already and belongs to no install; with spec.adopt: true this one takes it over"
    )


def _conflict(conflict: PackhouseError) -> AdoptionRefused:
    return AdoptionRefused(
        f"{' '.join(conflict.message.split())}; it exists already, belongs to no install and differs from the package; "
        f"with spec.adopt: true this one takes it over and writes these fields"
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
