"""Claims: of installs that want the same object, one at a time decides and writes.

Both would find nothing live, and both would apply. Whoever waits looks again afterwards, and then sees whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from packhouse.api.errors import OwnershipConflict
from packhouse.domain.inventory import Identity
from packhouse.ports import Ref

#: Longer than a plan without readiness takes; a claim that lasts longer is told as what it becomes.
WAIT_SECONDS: Final = 10.0


class Claims:
    """Who is busy with which object, in this process (there is one operator)."""

    def __init__(self) -> None:
        self._holders: dict[Identity, str] = {}
        self._released = asyncio.Condition()

    @asynccontextmanager
    async def held(self, refs: Iterable[Ref], owner: str) -> AsyncIterator[None]:
        """All of `refs` for "namespace/name", or none while another has one. Raises OwnershipConflict."""
        wanted = {Identity.of(ref): ref for ref in refs}
        await self._wait_for(wanted)
        self._holders |= dict.fromkeys(wanted, owner)  # no await since the last look
        try:
            yield
        finally:
            for identity in wanted:
                del self._holders[identity]
            async with self._released:
                self._released.notify_all()

    async def _wait_for(self, wanted: dict[Identity, Ref]) -> None:
        async with self._released:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._released.wait_for(lambda: self._holders.keys().isdisjoint(wanted))
            except TimeoutError:
                identity = next((one for one in wanted if one in self._holders), None)
                if identity is None:  # it came free with the last moment
                    return
                raise OwnershipConflict(
                    f"{wanted[identity]} is being applied by install {self._holders[identity]}; "
                    f"remove it from one of the two packages, or delete that install"
                ) from None
