"""Other values for an install that is there: a new Secret, and the step that turns the install to it.

A Secret of somebody else is not written to. Where the caller insists, the install is turned away from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import Forbidden, ValuesInvalid
from packhouse.api.views import Package
from packhouse.client.errors import Trouble
from packhouse.client.proposals import (
    SECRET,
    VALUES_SUFFIX,
    is_made_for,
    secret_names,
    texts_of,
    values_secret,
    with_values_from,
)
from packhouse.client.session import Session
from packhouse.client.values import checked, checked_together, values_of, with_sets
from packhouse.domain import values
from packhouse.ports import Json, Ref, ValuesDocument

#: One step of a change of an install. Steps are taken again on what is there when it is written.
Step = Callable[[Json], Json]

_ABSENT: Final = object()


async def values_for(
    session: Session, package: Json, texts: Sequence[ValuesDocument], sets: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The texts of values, with `sets` laid over the last of them, and warnings. Raises ValuesInvalid."""
    schema = Package.from_wire({"metadata": {"name": "", "uid": ""}, **package}).values_schema
    documents = list(texts)
    if sets:
        last = documents.pop() if documents else ValuesDocument("--set", "")
        text = with_sets(schema or {}, last.text or None, sets, source=last.source)
        documents.append(ValuesDocument(last.source, text))
    warnings = await checked_together(session, package, documents or [ValuesDocument("the values", "")])
    return [document.text for document in documents], warnings


async def free_name(session: Session, install: str) -> str:
    """A name for a Secret of values that nothing else has."""
    usual = f"{install}{VALUES_SUFFIX}"
    try:
        found = await session.cluster.get(Ref(SECRET, session.namespace, usual), metadata_only=True)
    except Forbidden:  # to make one may be allowed all the same
        return usual
    return usual if found is None else f"{usual}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class NewValues:
    """`step` turns the install to `secret`. `keys`: the paths that change; None where code computes the values."""

    secret: Json
    step: Step
    warnings: Sequence[str]
    keys: Sequence[str] | None


async def other_values(
    session: Session,
    install: Json,
    package: Json,
    texts: Sequence[ValuesDocument],
    sets: Sequence[str],
    *,
    force: bool,
) -> NewValues:
    """Raises Trouble where the present values are somebody else's, ValuesInvalid."""
    name, names = str(install["metadata"]["name"]), secret_names(install)
    found = {secret: await session.cluster.get(Ref(SECRET, session.namespace, secret)) for secret in names}
    ours = {secret: obj for secret, obj in found.items() if obj and is_made_for(obj, session.namespace, name)}
    given = list(texts)
    replaced = list(names if force else ours)
    if given and names and not replaced:
        raise _somebody_elses(session.namespace, names[-1])
    if not given:
        # Over what is there: in our own Secret if that is the one that wins, else in one above all others.
        replaced = names[-1:] if names and names[-1] in ours else []
        given = _documents(name, [ours[secret] for secret in replaced])
    after, warnings = await values_for(session, package, given, sets)
    secret = values_secret(session.namespace, name, after, name=await free_name(session, name))
    new = secret["metadata"]["name"]
    before = _documents(name, [ours[secret] for secret in replaced if secret in ours])
    keys = _changed_keys([document.text for document in before], after)
    return NewValues(secret, lambda now: with_values_from(now, new, in_place_of=replaced), warnings, keys)


async def present_values(session: Session, install: Json, package: Json) -> list[str]:
    """Whether the values that it has will do for that package, in warnings. Raises ValuesInvalid."""
    if not secret_names(install):
        return []
    try:
        text = await values_of(session, install)
    except Forbidden as refused:
        return [f"its values are not checked against {package['spec']['version']}: {refused.message}"]
    return await checked(session, package, f"the values of {install['metadata']['name']}", text)


def _documents(name: str, secrets: Sequence[Json]) -> list[ValuesDocument]:
    return [ValuesDocument(f"the values of {name}", text) for secret in secrets for text in texts_of(secret)]


def _changed_keys(before: Sequence[str], after: Sequence[str]) -> list[str] | None:
    if any(values.has_code(text) for text in (*before, *after)):
        return None
    try:
        return list(_differing(_merged(before), _merged(after), ""))
    except ValuesInvalid:  # those that it had
        return None


def _merged(texts: Sequence[str]) -> Json:
    return values.merge(values.parse([ValuesDocument("", text) for text in texts]))


def _differing(before: Json, after: Json, path: str) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
        below = f"{path}.{key}" if path else str(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differing(one, other, below)
        elif one != other:
            yield below


def _somebody_elses(namespace: str, secret: str) -> Trouble:
    return Trouble(
        f"the values stand in Secret {namespace}/{secret}, which was not made by this command",
        f"change that Secret itself: kubectl edit secret {secret} -n {namespace}; or use --force, and the install "
        "takes its values from a new Secret and no more from that one",
    )
