"""The end of an install: it goes first, with its objects, and then what the command line made for it.

In that order: the operator deletes the objects with the rights of the account, and needs it until the last is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packhouse.client.installs import present
from packhouse.client.keepsakes import made_rights, made_secrets, removed, without_those_in_use
from packhouse.client.making import changed
from packhouse.client.proposals import SECRET, ref, unmarked
from packhouse.client.session import Session
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import kind_of, ref_of
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class Parting:
    """`install` is None where it is gone already, and only what was made for it is left. `made`: what goes after it;
    `kept`: what was made for it and stays, of which `given` is the caller's from then on."""

    name: str
    install: Json | None
    made: Sequence[Json]
    kept: Sequence[Json]
    given: Sequence[Json] = ()

    @property
    def objects(self) -> int:
        """How many objects the install has applied."""
        status = (self.install or {}).get("status") or {}
        return len(Inventory.from_wire(status.get("inventory")))

    @property
    def version(self) -> str:
        return str(((self.install or {}).get("status") or {}).get("version") or "")


async def parting(session: Session, name: str, *, keep_values: bool) -> Parting:
    """What would go. Raises NotFound where there is nothing of that name."""
    install = await session.cluster.get(ref(session.namespace, name))
    made = [*await made_rights(session, name, install), *await made_secrets(session, name)]
    if install is None and not made:
        await present(session, name)  # says what else there is
    going = await without_those_in_use(session, name, made)
    given = [obj for obj in going if keep_values and kind_of(obj) == SECRET]
    going = [obj for obj in going if obj not in given]
    return Parting(name, install, going[::-1], [obj for obj in made if obj not in going], given)


async def delete(session: Session, parting: Parting) -> None:
    """Has the operator take it away; it is not gone yet."""
    if parting.install is not None:
        uid = parting.install["metadata"]["uid"]
        await session.cluster.delete(ref(session.namespace, parting.name), uid=uid)


async def clear(session: Session, parting: Parting) -> list[str]:
    """Once the install is gone: what was made for it goes, too. In words what could not."""
    for obj in parting.given:
        await changed(session.cluster, ref_of(obj), unmarked)
    return await removed(session, parting.made)
