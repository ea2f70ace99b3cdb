"""A new install: from what the caller asks for to the objects that it takes, and those to the cluster.

Everything is looked at before anything is written: the package, the values against its schema, the rights that it
needs, and whether the API server would take each object from this caller.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.client import catalogue
from packhouse.client.account import ACCOUNT, Grant, account_name, grant_for
from packhouse.client.errors import ExitCode, NotFound, Trouble, Usage, trouble_of
from packhouse.client.granted import refuse_ungrantable
from packhouse.client.making import Made, make, refusals
from packhouse.client.new_values import free_name, values_for
from packhouse.client.obstacles import being_deleted, no_namespace, not_served
from packhouse.client.proposals import (
    INSTALL,
    NAMESPACE,
    Wanted,
    installed_package,
    namespace_object,
    values_secret,
)
from packhouse.client.rehearsal import Proposal, Rehearsal, rehearse
from packhouse.client.session import Session
from packhouse.domain.objects import ref_of
from packhouse.domain.rights import ROLES
from packhouse.ports import Json, Ref, ValuesDocument

#: How a missing right is told (adapters/refusals.py).
_THIS_RULE: Final = "if the right is missing, this rule grants it: "
#: As the cluster takes names of objects, and with room for what the account's adds.
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_MOST: Final = 240


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller asks for. `account` None: one is to be made; `texts` and `sets`: the values."""

    name: str
    package: str
    version: str | None = None
    texts: Sequence[ValuesDocument] = ()
    sets: Sequence[str] = ()
    account: str | None = None
    repositories: Sequence[str] = ()
    sync_period: str | None = None
    default_namespace: str | None = None
    create_namespace: bool = False
    allow_everything: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be made. `rehearsal` and `grant` are None where the account is the caller's."""

    chosen: catalogue.Chosen
    install: Json
    secrets: Sequence[Json]
    namespace: Json | None
    rehearsal: Rehearsal | None
    grant: Grant | None
    warnings: Sequence[str]

    @property
    def version(self) -> str:
        return str(self.chosen.package["spec"]["version"])

    @property
    def objects(self) -> list[Json]:
        """All of them, in the order in which they are to be made; the install is the last."""
        first = [self.namespace] if self.namespace is not None else []
        known = {ref_of(obj) for obj in first}
        granted = [obj for obj in (self.grant.objects if self.grant else ()) if ref_of(obj) not in known]
        return [*first, *self.secrets, *granted, self.install]


async def drafted(session: Session, order: Order, *, rehearsed: bool = False) -> Draft:
    """`rehearsed`: what the operator would do is wanted in any case. Nothing is written.

    Raises Trouble where there is such an install already, or a namespace, an account or a package is missing;
    ValuesInvalid; what a rehearsal raises.
    """
    _refuse_misnamed(order.name)
    await _refuse_present(session, order.name)
    chosen = await catalogue.choose_for_install(session, order.package, order.version, order.repositories)
    namespace = await _namespace(session, order)
    await refuse_missing_account(session, order.account)
    texts, warnings = await values_for(session, chosen.package, order.texts, order.sets)
    values = []
    if texts:
        values = [values_secret(session.namespace, order.name, texts, name=await free_name(session, order.name))]
    install = installed_package(
        Wanted(
            namespace=session.namespace,
            name=order.name,
            account=order.account or account_name(order.name),
            package_ref=catalogue.spec_of(chosen),
            secrets=[obj["metadata"]["name"] for obj in values],
            repositories=order.repositories,
            sync_period=order.sync_period,
            default_namespace=order.default_namespace,
        )
    )
    rehearsal, grant = None, None
    if rehearsed or order.account is None:
        proposal = Proposal(install, values)
        rehearsal = await rehearse(session, proposal)
        warnings = [*warnings, *(warning for warning in rehearsal.warnings if warning not in warnings)]
    if rehearsal is not None and order.account is None:
        allow = order.allow_everything
        grant = await grant_for(session, rehearsal, session.namespace, order.name, allow_everything=allow)
    return Draft(chosen, install, values, namespace, rehearsal, grant, warnings)


async def check(session: Session, draft: Draft) -> None:
    """Whether the API server would take all of it from this caller. Raises Trouble with all that it would not."""
    # Whether roles may be made at all is asked of empty ones; who may fill them is told in better words below.
    empty = [{**obj, "rules": []} if obj["kind"] in ROLES else obj for obj in draft.objects]
    found = await refusals(session, empty)
    if found:
        raise refused(found, roles=draft.grant is not None)
    if draft.grant is not None:
        await refuse_ungrantable(session, draft.grant)


async def installed(session: Session, draft: Draft) -> Made:
    """All objects are there afterwards, or none (making.py)."""
    return await make(session, draft.objects)


def refused(errors: Sequence[PackhouseError], *, roles: bool) -> Trouble:
    """All that the API server would not take, at once. `roles`: some of it is rights that others could have made."""
    troubles = [trouble_of(error) for error in errors]
    levers = list(dict.fromkeys(one.help for one in troubles if one.help))
    if len(levers) > 1 and all(lever.startswith(_THIS_RULE) for lever in levers):
        rules = "".join(f"\n  {lever.removeprefix(_THIS_RULE)}" for lever in levers)
        levers = [f"if rights are missing, these rules grant them:{rules}"]
    if roles and any(isinstance(error, Forbidden) and _is_of_rights(error) for error in errors):
        levers.append("or name an account that has its rights already: --service-account NAME")
    code = ExitCode.FORBIDDEN if any(isinstance(error, Forbidden) for error in errors) else troubles[0].code
    what = troubles[0].what
    if len(troubles) > 1:
        what = "\n  ".join(["the cluster would not take all of this from you:", *(one.what for one in troubles)])
    return Trouble(what, "\n".join(levers), code)


def _is_of_rights(error: PackhouseError) -> bool:
    return error.message.startswith(("ServiceAccount ", *(f"{kind} " for kind in ROLES)))


async def _namespace(session: Session, order: Order) -> Json | None:
    """The namespace where it has to be made. Raises NotFound."""
    try:
        found = await session.cluster.get(Ref(NAMESPACE, "", session.namespace), metadata_only=True)
    except Forbidden:  # who may do something in a namespace need not see it
        return None
    if found is not None:
        return None
    if not order.create_namespace:
        raise no_namespace(session.namespace)
    return namespace_object(session.namespace)


def _refuse_misnamed(name: str) -> None:
    if len(name) > _NAME_MOST or not _NAME.fullmatch(name):
        raise Usage(f"{name!r} is no name of an install", "write small letters, digits, - and ., as in my-web")


async def _refuse_present(session: Session, name: str) -> None:
    ref = Ref(INSTALL, session.namespace, name)
    if await session.cluster.served(INSTALL) is None:
        raise not_served(ref)
    found = await session.cluster.get(ref)
    if found is None:
        return
    if found["metadata"].get("deletionTimestamp"):
        raise being_deleted(ref)
    package = found["spec"]["packageRef"]["publicName"]
    version = (found.get("status") or {}).get("version")
    raise Trouble(
        f"{session.namespace}/{name} is installed already: {package}{f' {version}' if version else ''}",
        f"change it with `kubectl package installed update {name} -n {session.namespace}`, or choose another name",
    )


async def refuse_missing_account(session: Session, account: str | None) -> None:
    if account is None:
        return
    try:
        found = await session.cluster.get(Ref(ACCOUNT, session.namespace, account), metadata_only=True)
    except Forbidden:  # the operator will see whether it is there
        return
    if found is None:
        raise NotFound(
            f"there is no service account {session.namespace}/{account}",
            "correct --service-account, or leave it out, and one with the rights that the package needs is made",
        )
