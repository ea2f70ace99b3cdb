"""All OCI content behind one door: oci-layout:///path is read from disk, everything else from its registry."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse.domain.references import OCI_LAYOUT
from packhouse.ports import Access, Descriptor, RawManifest, Registry, Tree


class Registries:
    """The port Registry, on two that share the work."""

    def __init__(self, remote: Registry, layouts: Registry) -> None:
        self._remote = remote
        self._layouts = layouts

    def _of(self, image: str) -> Registry:
        return self._layouts if image.startswith(OCI_LAYOUT) else self._remote

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        return await self._of(image).resolve(image, access, fresh_seconds=fresh_seconds)

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        return await self._of(image).pull(image, access, fresh_seconds=fresh_seconds)

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        return await self._of(repository).tags(repository, access, fresh_seconds=fresh_seconds)

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        return await self._of(image).manifest(image, access)

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        return await self._of(image).blob(image, access, most_bytes=most_bytes)

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        return await self._of(image).referrers(image, access)
