"""The cluster as it would be with objects that are not there yet. It tries, and never writes.

A rehearsal reads through it: what is proposed is answered from memory, everything else by the API server, with the
caller's rights.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from packhouse.api.errors import Forbidden
from packhouse.domain.inventory import Identity
from packhouse.domain.objects import ref_of
from packhouse.ports import Cluster, Json, Ref

#: Questions that are asked by a POST and leave nothing behind.
_REVIEWS: Final = frozenset({"authorization.k8s.io", "authentication.k8s.io"})


class ProposedCluster:
    """A Cluster; also every Identity, since all is done with the caller's rights."""

    def __init__(self, cluster: Cluster, proposed: Sequence[Json]) -> None:
        self._cluster = cluster
        self._proposed = {Identity.of(ref_of(obj)): as_stored(obj) for obj in proposed}
        #: What was to be read, and may not be.
        self.refused: list[Ref] = []
        self.served = cluster.served
        self.pages = cluster.pages
        self.tables = cluster.tables
        self.watch = cluster.watch
        self.version = cluster.version
        self.groups = cluster.groups

    def of(self, namespace: str, service_account: str) -> Cluster:
        return self

    async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
        known = self._proposed.get(Identity.of(ref))
        if known is not None:
            return known
        try:
            return await self._cluster.get(ref, metadata_only=metadata_only)
        except Forbidden:
            self.refused.append(ref)
            raise

    async def apply(
        self,
        obj: Json,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str = "",
        metadata_only: bool = False,
    ) -> Json:
        _check(dry_run, obj)
        return await self._cluster.apply(
            obj, manager=manager, force=force, dry_run=True, subresource=subresource, metadata_only=metadata_only
        )

    async def create(
        self,
        obj: Json,
        *,
        parent: Ref | None = None,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
    ) -> Json | None:
        _check(dry_run or ref_group(obj) in _REVIEWS, obj)
        return await self._cluster.create(obj, parent=parent, subresource=subresource, dry_run=dry_run, manager=manager)

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
        raise _Wrote(str(ref))

    async def delete(self, ref: Ref, *, uid: str | None = None, propagation: str = "Background") -> bool:
        raise _Wrote(str(ref))

    async def delete_collection(self, kind: object, *, label_selector: str) -> None:
        raise _Wrote(str(kind))


class _Wrote(AssertionError):
    """A bug of ours: something that only looks tried to write."""


def as_stored(obj: Json) -> Json:
    """As the API server would answer it, as far as its readers look."""
    metadata = {"uid": "", "resourceVersion": "", **obj["metadata"]}
    stored: Json = {**obj, "metadata": metadata}
    texts = stored.pop("stringData", None)
    if texts:
        encoded = {key: b64encode(str(text).encode()).decode() for key, text in texts.items()}
        stored["data"] = {**(stored.get("data") or {}), **encoded}
    return stored


def ref_group(obj: Json) -> str:
    return str(obj.get("apiVersion", "")).rpartition("/")[0]


def _check(harmless: bool, obj: Json) -> None:
    if not harmless:
        raise _Wrote(f"{obj.get('kind')} would be written")
