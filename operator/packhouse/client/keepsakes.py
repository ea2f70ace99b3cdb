"""What the command line made for an install: Secrets of values, an account, roles and bindings. Found by their marks
and names, and taken away by their uids: nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence

from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.client.account import ACCOUNT, account_name
from packhouse.client.granted import made_for
from packhouse.client.proposals import INSTALL, SECRET, VALUES_SUFFIX, is_made_for, secret_names, selector
from packhouse.client.session import Session
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import kind_of, ref_of
from packhouse.domain.rights import RBAC
from packhouse.ports import Json, Ref


async def made_secrets(session: Session, name: str) -> list[Json]:
    """The Secrets of its values, their metadata. None where the caller may not list Secrets."""
    pages = session.cluster.pages(
        SECRET, namespace=session.namespace, label_selector=selector(session.namespace, name), metadata_only=True
    )
    try:
        found = [{**obj, "apiVersion": "v1", "kind": SECRET.kind} async for page in pages for obj in page.items]
    except Forbidden:
        return []
    usual = f"{name}{VALUES_SUFFIX}"
    named = [
        obj for obj in found if obj["metadata"]["name"] == usual or obj["metadata"]["name"].startswith(f"{usual}-")
    ]
    return [obj for obj in named if is_made_for(obj, session.namespace, name)]


async def made_rights(session: Session, name: str, install: Json | None) -> list[Json]:
    """Its account, roles and bindings. `install`: as it is, where it still is."""
    return await made_for(session, session.namespace, name, also=places(install) if install is not None else ())


async def has_made_account(session: Session, install: Json) -> bool:
    """Whether its service account was made for it."""
    name = install["metadata"]["name"]
    account = Ref(ACCOUNT, session.namespace, install["spec"]["serviceAccountName"])
    if account.name != account_name(name):
        return False
    try:
        found = await session.cluster.get(account, metadata_only=True)
    except Forbidden:  # who may not look at it cannot change its rights either
        return False
    return found is not None and is_made_for(found, session.namespace, name)


async def without_those_in_use(session: Session, name: str, made: Sequence[Json]) -> list[Json]:
    """Those that no other install of the namespace names; an account that one does keeps its rights."""
    used = await _used_by_others(session, name) if made else set()
    account_in_use = any(ref_of(obj) in used for obj in made if kind_of(obj) == ACCOUNT)
    return [obj for obj in made if ref_of(obj) not in used and not (account_in_use and kind_of(obj).group == RBAC)]


async def _used_by_others(session: Session, name: str) -> set[Ref]:
    found: set[Ref] = set()
    async for page in session.cluster.pages(INSTALL, namespace=session.namespace):
        for install in page.items:
            if install["metadata"]["name"] != name:
                found.add(Ref(ACCOUNT, session.namespace, install["spec"]["serviceAccountName"]))
                found |= {Ref(SECRET, session.namespace, secret) for secret in secret_names(install)}
    return found


async def removed(session: Session, objects: Sequence[Json]) -> list[str]:
    """Deletes these, as they were seen; in words what could not be."""
    left = []
    for obj in objects:
        try:
            await session.cluster.delete(ref_of(obj), uid=obj["metadata"]["uid"])
        except PackhouseError as error:
            left.append(error.message)
    return left


def places(install: Json) -> set[str]:
    """The namespaces in which the install has objects."""
    inventory = Inventory.from_wire((install.get("status") or {}).get("inventory"))
    return {entry.ref.namespace for entry in inventory if entry.ref.namespace}
