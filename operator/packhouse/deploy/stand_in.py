"""The service account of an install that is being deleted and, where that account cannot be used any more, the cleanup
account in its place.

What lies in a namespace that is gone is gone, too. An account whose rights were Roles in there is told no more than
that it has none, so the operator is asked whether the namespace exists.

The cleanup account acts for nothing but this: it looks at objects of the inventory, and deletes those that have the
recorded uid and the install's owner label. It creates, changes and reads nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from packhouse.api.errors import Forbidden, NamespaceTerminating, PackhouseError, ServiceAccountMissing
from packhouse.domain.inventory import Inventory
from packhouse.domain.leaving import is_proven
from packhouse.ports import Cluster, Json, Kind, Page, Ref, Served

#: The account is gone, can get no token, or has lost the right.
UNUSABLE: Final = (ServiceAccountMissing, NamespaceTerminating, Forbidden)

#: Whether a namespace exists; True where nobody knows.
Exists = Callable[[str], Awaitable[bool]]


class StandIn:
    """What a deletion needs of a Cluster (deploy/remove.py, deploy/live.py). `operator` is asked for what is served
    alone: that needs no account. `exists`: whether a namespace does."""

    def __init__(
        self,
        account: Cluster,
        cleanup: Cluster | None,
        operator: Cluster,
        exists: Exists,
        inventory: Inventory,
        owner: str,
    ) -> None:
        self._account = account
        self._exists = exists
        self._gone: dict[str, bool] = {}  # for the time of one look
        self._cleanup = cleanup
        self._operator = operator
        self._inventory = inventory
        self._owner = owner
        self._groups: Sequence[str] | None = None

    async def served(self, kind: Kind) -> Served | None:
        return await self._operator.served(kind)

    async def groups(self) -> Sequence[str]:
        """Asked for once: a definition that is gone leaves many objects whose kind is looked for in vain."""
        if self._groups is None:
            self._groups = await self._operator.groups()
        return self._groups

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        try:
            return await self._account.get(ref, metadata_only=metadata_only)
        except UNUSABLE as refusal:
            if await self._is_nowhere(ref):
                return None
            if self._cleanup is None or self._inventory.find(ref) is None:
                raise
            return await self._look(self._cleanup, ref, refusal)

    def pages(
        self, kind: Kind, *, namespace: str = "", label_selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[Page]:
        """As the account alone: the cleanup account looks at single objects."""
        return self._account.pages(
            kind, namespace=namespace, label_selector=label_selector, metadata_only=metadata_only
        )

    async def patch(self, ref: Ref, operations: Sequence[Json]) -> Json | None:
        return await self._account.patch(ref, operations)

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        try:
            return await self._account.delete(ref, uid=uid, propagation=propagation)
        except UNUSABLE as refusal:
            if await self._is_nowhere(ref):
                return False
            if self._cleanup is None:
                raise
            found = await self._look(self._cleanup, ref, refusal)
            if found is None:
                return False
            if not is_proven(self._inventory.find(ref), found, self._owner):
                raise type(refusal)(
                    f"{refusal.message}; the cleanup account leaves it, since it is not the recorded object with the "
                    f"owner label of the install"
                ) from None
            try:
                return await self._cleanup.delete(ref, uid=found["metadata"]["uid"], propagation=propagation)
            except PackhouseError as also:
                raise _both(refusal, also) from None

    async def _is_nowhere(self, ref: Ref) -> bool:
        if ref.namespace and ref.namespace not in self._gone:
            self._gone[ref.namespace] = not await self._exists(ref.namespace)
        return bool(ref.namespace) and self._gone[ref.namespace]

    async def _look(self, cleanup: Cluster, ref: Ref, refusal: PackhouseError) -> Json | None:
        try:
            return await cleanup.get(ref, metadata_only=True)
        except PackhouseError as also:
            raise _both(refusal, also) from None


def _both(refusal: PackhouseError, also: PackhouseError) -> PackhouseError:
    """The account's refusal says what to do; what the cleanup account met stands behind it."""
    return type(refusal)(f"{refusal.message}; nor can the cleanup account: {also.message}")
