"""The account that the command line makes for an install where none is named: a service account with the rights that
the plan needs over its whole life, and no more.

Which rights those are is decided in domain/lifelong.py; here the cluster is asked for what that depends on, and the
answer becomes objects. Nothing is written: client/making.py does that, with the caller's rights, so that nobody gives
away what he does not hold himself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from packhouse.api.errors import Forbidden
from packhouse.api.views import InstalledPackage, Package
from packhouse.client.errors import ExitCode, NotFound, Trouble
from packhouse.client.proposals import is_made_for, marked, namespace_object
from packhouse.client.session import Session
from packhouse.deploy.desired import Prepared
from packhouse.deploy.preflight import plurals_of
from packhouse.domain.boundless import boundless
from packhouse.domain.change import Change, Plan
from packhouse.domain.fetch_references import fetch_references
from packhouse.domain.grants import Account
from packhouse.domain.inventory import Identity, Inventory
from packhouse.domain.kapp.rules import UpdateStrategy
from packhouse.domain.lifelong import Around, bound_outside, handed_out, lifelong, made_ahead, single_rules
from packhouse.domain.objects import owned
from packhouse.domain.rights import MOST_SINGLES_IN_ALL, RBAC, Right
from packhouse.domain.roles import added, roles_of, words
from packhouse.domain.step_references import references
from packhouse.ports import Json, Kind, Ref

__all__ = ["Grant", "Planned", "account_name", "added", "grant_for", "words"]

ACCOUNT: Final = Kind("", "v1", "ServiceAccount")
NAMESPACE: Final = Kind("", "v1", "Namespace")
SUFFIX: Final = "-installer"


class Planned(Protocol):
    """What is known of an install before anything is written (client/rehearsal.py)."""

    @property
    def install(self) -> InstalledPackage: ...

    @property
    def package(self) -> Package: ...

    @property
    def desired(self) -> Prepared: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def inventory(self) -> Inventory: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """`objects` in the order in which they are to be made: the namespaces that the package brings and in which roles
    are to be, the account, roles and bindings. All but the namespaces are marked as made for the install. `given`:
    those of the rights that the package's own roles hold."""

    account: Json
    objects: Sequence[Json]
    rights: Sequence[Right]
    given: Collection[Right] = ()


def account_name(install_name: str) -> str:
    """What the account of an install is called where nobody says otherwise."""
    return f"{install_name}{SUFFIX}"


async def grant_for(
    session: Session,
    rehearsal: Planned,
    install_namespace: str,
    install_name: str,
    *,
    allow_everything: bool = False,
) -> Grant:
    """The account that the rehearsed install names, and what it needs.

    Raises Trouble where the package asks for everything and that is not allowed, where the account is somebody else's,
    and where a namespace is missing; Forbidden, ClusterUnavailable.
    """
    owner = (install_namespace, install_name)
    account = rehearsal.install.service_account or account_name(install_name)
    if (count := single_rules(rehearsal.plan)) > MOST_SINGLES_IN_ALL:
        raise _refused(
            f"the roles of {_named(rehearsal.package)} hold {count:,} single rules, and {MOST_SINGLES_IN_ALL:,} can be "
            "granted one by one"
        )
    around = await _around(session, rehearsal, account, owner)
    if not allow_everything and (reasons := boundless(rehearsal.plan, around)):
        raise _boundless(rehearsal.package, reasons)
    rights = lifelong(rehearsal.plan, around)
    ahead = made_ahead(rehearsal.plan, rights)
    await _check_namespaces(session, rights, {install_namespace, *(change.ref.name for change in ahead)})
    service_account = marked(_object(ACCOUNT, account, install_namespace), *owner)
    service_account["automountServiceAccountToken"] = False  # the operator asks for tokens; no pod is this account
    roles = [marked(obj, *owner) for obj in roles_of(rights, Account(account, install_namespace))]
    namespaces = [_made_ahead(change, rehearsal.install) for change in ahead]
    given = handed_out(rehearsal.plan).intersection(rights)
    return Grant(service_account, [*namespaces, service_account, *roles], rights, given)


# ---- what the rights depend on ---------------------------------------------------------------------------


async def _around(session: Session, rehearsal: Planned, account: str, owner: tuple[str, str]) -> Around:
    cluster, plan, package = session.cluster, rehearsal.plan, rehearsal.package
    roles: dict[Identity, Json | None] = {}
    unread: set[Identity] = set()
    for identity in sorted(bound_outside(plan), key=str):
        try:
            roles[identity] = await cluster.get(Ref(Kind(RBAC, "v1", identity.kind), identity.namespace, identity.name))
        except Forbidden:
            unread.add(identity)
    recorded = rehearsal.inventory.entries
    kept = [recorded[identity].ref for identity in rehearsal.desired.desired.kept if identity in recorded]
    named = [*references(package.template), *fetch_references(package.fetch)]
    return Around(
        plurals=await plurals_of(cluster, plan),
        roles=roles,
        unread=unread,
        kept=kept,
        read=[
            *((kind, owner[0], name) for kind, name in named),
            *await _of_account(session, Ref(ACCOUNT, owner[0], account), owner),
        ],
        replaces=rehearsal.install.replace_immutable,
    )


async def _of_account(session: Session, ref: Ref, owner: tuple[str, str]) -> list[tuple[str, str, str]]:
    """What is read, as the account, of the account: the Secrets that it pulls with. One that is made anew has none."""
    try:
        found = await session.cluster.get(ref)
    except Forbidden:  # to make it is the next step, and may be allowed all the same
        return []
    if found is None:
        return []
    if not is_made_for(found, *owner):
        raise Trouble(
            f"service account {ref.namespace}/{ref.name} exists already and was not made for {'/'.join(owner)}",
            f"use it as it is with --service-account {ref.name}, or give the install another name",
        )
    pulling = [entry["name"] for entry in found.get("imagePullSecrets") or () if entry.get("name")]
    if not pulling:
        return []
    return [("ServiceAccount", ref.namespace, ref.name), *(("Secret", ref.namespace, name) for name in pulling)]


async def _check_namespaces(session: Session, rights: Iterable[Right], known: Collection[str]) -> None:
    """Roles can only be made in namespaces that exist. `known`: those that do, or are made with the grant."""
    for namespace in sorted({right.namespace for right in rights} - {"", *known}):
        try:
            found = await session.cluster.get(Ref(NAMESPACE, "", namespace), metadata_only=True)
        except Forbidden:  # whether it is there will be seen
            continue
        if found is None:
            raise NotFound(
                f"namespace {namespace} does not exist, and the package puts objects into it without bringing it",
                f"make it first: kubectl create namespace {namespace}",
            )


# ---- what cannot be granted ------------------------------------------------------------------------------


def _boundless(package: Package, reasons: Sequence[str]) -> Trouble:
    return _refused(
        f"whoever installs {_named(package)} can come to hold everything: {'; '.join(reasons)}",
        " or allow that with --allow-everything",
    )


def _refused(what: str, besides: str = "") -> Trouble:
    lever = (
        "make a service account by hand, with the rights that you want it to have, and name it: --service-account NAME"
    )
    return Trouble(f"no account was made: {what}", f"{lever}{f';{besides}' if besides else ''}", ExitCode.FORBIDDEN)


def _named(package: Package) -> str:
    return f"{package.public_name} {package.version}"


# ---- objects ---------------------------------------------------------------------------------------------


def _made_ahead(change: Change, install: InstalledPackage) -> Json:
    """The namespace, and nothing else that the package says of it: that is the operator's to apply, and to take back.
    So one that is made once and then left is made whole. As it belongs to nobody yet, an install that takes over
    nothing has its marks on it from the start."""
    if change.rules.update is UpdateStrategy.SKIP and change.obj is not None:
        return change.obj
    bare = namespace_object(change.ref.name)
    return owned(bare, install.owner) if install.adopt is False else bare


def _object(kind: Kind, name: str, namespace: str) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
