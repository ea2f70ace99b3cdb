"""The port Downloads: files by http and https, kept in the cache by their digest."""

from __future__ import annotations

from packhouse.ports import Access, Tree
from packhouse.settings import Settings


class HttpDownloads:
    """Errors: those of the port."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        raise NotImplementedError

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        raise NotImplementedError

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Ends all calls under way."""
