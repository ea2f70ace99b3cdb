"""The port GitServers, on dulwich: no program is run, no hook, no filter."""

from __future__ import annotations

from collections.abc import Mapping

from packhouse.ports import GitAccess, Tree
from packhouse.settings import Settings


class DulwichServers:
    """Errors: those of the port."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def refs(self, url: str, access: GitAccess, *, fresh_seconds: float = 0.0) -> Mapping[str, str]:
        raise NotImplementedError

    async def checkout(
        self, url: str, commit: str, access: GitAccess, *, ref: str = "", depth: int = 0, submodules: bool = False
    ) -> Tree:
        raise NotImplementedError

    def close(self) -> None:
        """Ends all calls under way."""
