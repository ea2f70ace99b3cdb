"""What the command line granted for an install before, and whether the caller may grant what is wanted now.

Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packhouse.api.errors import Forbidden
from packhouse.client.account import ACCOUNT, Grant, account_name, words
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.proposals import is_made_for, selector
from packhouse.client.session import Session
from packhouse.deploy.live import gathered
from packhouse.deploy.reviews import Reviews
from packhouse.domain.grants import to_grant
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import ref_of
from packhouse.domain.rights import BINDINGS, RBAC, ROLES, Right, bound_role, handout, policy_rules, singled
from packhouse.ports import Json, Kind

#: What a grant is made of, besides the namespaces: all of it goes when the install is gone.
KINDS: Final = (
    ACCOUNT,
    *(Kind(RBAC, "v1", kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
)


async def made_for(session: Session, namespace: str, name: str, *, also: Iterable[str] = ()) -> list[Json]:
    """The account, the roles and the bindings that were made for that install. Who may not look through the whole
    cluster looks in the install's namespace, and in those of `also`."""
    places = [namespace, *(one for one in dict.fromkeys(also) if one != namespace)]
    found = await gathered([_of_kind(session, kind, namespace, name, places) for kind in KINDS])
    return [obj for objects in found for obj in objects]


async def granted(session: Session, namespace: str, name: str, *, also: Iterable[str] = ()) -> list[Right]:
    """The rights that were granted for that install, as its roles hold them now. A role that is not bound to its
    account grants nothing, whatever its marks say."""
    made = await made_for(session, namespace, name, also=also)
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": account_name(name)}
    bindings = [obj for obj in made if obj["kind"] in BINDINGS and any(_is(subject, one) for one in _subjects(obj))]
    bound = {bound_role(obj) for obj in bindings}
    return to_grant(
        (
            Right(obj["metadata"].get("namespace") or "", single)
            for obj in made
            if obj["kind"] in ROLES and Identity.of(ref_of(obj)) in bound
            for rule in policy_rules(obj.get("rules"))
            for single in singled(rule)
        ),
        (),
    )


async def refuse_ungrantable(session: Session, grant: Grant) -> None:
    """Nobody gives away what he does not hold: raises Trouble with all that the caller lacks, where that is known.
    Where it is not, the API server judges."""
    reviews = Reviews(session.cluster)
    handouts = [given for obj in grant.objects if obj["kind"] in ROLES and (given := handout(obj)) is not None]
    await gathered([reviews.learn(given.namespace) for given in handouts])
    answers = await gathered([reviews.ungranted(given) for given in handouts])
    lacking = [
        right for given, rights in zip(handouts, answers, strict=True) if reviews.is_sure_of(given) for right in rights
    ]
    if lacking:
        account = grant.account["metadata"]
        raise Trouble(
            f"you cannot give service account {account['namespace']}/{account['name']} what the package needs, since "
            f"you do not hold it yourself:\n{words(lacking)}",
            "ask somebody who holds it to make the account, and name it with --service-account",
            ExitCode.FORBIDDEN,
        )


def is_ours(obj: Json, namespace: str, name: str) -> bool:
    """Whether it may be what was made for that install: by its marks, which anybody can write, and by the place and the
    name that the client gives (roles.py)."""
    metadata, account = obj["metadata"], account_name(name)
    place = metadata.get("namespace") or ""
    if obj["kind"] == ACCOUNT.kind and place != namespace:
        return False
    expected = account if place == namespace else f"{namespace}:{account}"
    return metadata["name"] == expected and is_made_for(obj, namespace, name)


def _subjects(binding: Json) -> list[Json]:
    return list(binding.get("subjects") or ())


def _is(wanted: Json, subject: Json) -> bool:
    return all(subject.get(key) == value for key, value in wanted.items())


async def _of_kind(session: Session, kind: Kind, namespace: str, name: str, places: Iterable[str]) -> list[Json]:
    try:
        return await _listed(session, kind, namespace, name, "")
    except Forbidden:
        if kind.kind.startswith("Cluster"):
            return []
    found: list[Json] = []
    for place in places:
        try:
            found += await _listed(session, kind, namespace, name, place)
        except Forbidden:
            continue
    return found


async def _listed(session: Session, kind: Kind, namespace: str, name: str, place: str) -> list[Json]:
    selected = selector(namespace, name)
    pages = session.cluster.pages(kind, namespace=place, label_selector=selected)
    return [obj async for page in pages for obj in page.items if is_ours(obj, namespace, name)]
