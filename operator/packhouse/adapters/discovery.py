"""Which kinds the API server serves, and under which paths. Filled on demand, asked anew before saying no.

The answers are the same for every identity, so the operator's own asks, once for all.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from packhouse.adapters.api_server import ApiServer, Refused, Request
from packhouse.ports import Kind, Served

#: A kind that was not there is asked for again no sooner than this.
MISSING_SECONDS: Final = 0.5


class Discovery:
    """Kinds by group and version."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._known: dict[tuple[str, str], dict[str, Served]] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def served(self, kind: Kind, *, anew: bool = False) -> Served | None:
        """`anew`: the server is asked now, whatever is known. Raises ClusterUnavailable."""
        place = (kind.group, kind.version)
        found = self._known.get(place, {}).get(kind.kind)
        if found is not None and not anew:
            return found
        async with self._locks.setdefault(place, asyncio.Lock()):
            found = self._known.get(place, {}).get(kind.kind)
            since = time.monotonic() - self._asked.get(place, -MISSING_SECONDS)
            if anew or (found is None and since >= MISSING_SECONDS):
                self._known[place] = await self._ask(*place)
                self._asked[place] = time.monotonic()
                found = self._known[place].get(kind.kind)
        return found

    def forget(self, kind: Kind) -> None:
        """The server no longer knows the kind under its path: ask before it is used again."""
        self._known.pop((kind.group, kind.version), None)
        self._asked.pop((kind.group, kind.version), None)

    async def _ask(self, group: str, version: str) -> dict[str, Served]:
        try:
            answer = await self._server.call(Request("GET", group_path(group, version)))
        except Refused as refused:
            if refused.code == 404:
                return {}
            raise
        return {
            entry["kind"]: Served(Kind(group, version, entry["kind"]), entry["name"], entry["namespaced"])
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]
        }


def group_path(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"
