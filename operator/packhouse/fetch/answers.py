"""What sources said a moment ago: one question is asked once, however many want to know, and its answer is held.

Called by adapters, in the event loop. Nothing is written down: a restarted process asks anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from packhouse.api.errors import PackhouseError

HELD_MOST: Final = 20_000

T = TypeVar("T")


class Answers(Generic[T]):
    """`key` says who asks what of whom: whoever asks with other credentials has another key.

    `held_most` is for all together: each answer has the `weight`, in whatever it is measured, that is given for it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        held_most: int = HELD_MOST,
        weight: Callable[[T], int] = lambda _: 1,
    ) -> None:
        self._clock = clock
        self._held_most = held_most
        self._weight = weight
        self._weight_held = 0
        self._held: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._asking: dict[Hashable, tuple[asyncio.Future[T], Hashable]] = {}

    async def get(
        self, key: Hashable, fresh_seconds: float, ask: Callable[[], Awaitable[T]], *, who: Hashable = None
    ) -> T:
        """An answer that is no older than `fresh_seconds`, else one that `ask` gives now.

        Whoever comes while the same is being asked waits for that answer. An error is told to those of the same `who`
        alone (it may name their Secrets), the others ask themselves. No error is held.
        """
        held = self._held.get(key)
        if held is not None and self._clock() - held[0] < fresh_seconds:
            return held[1]
        while (asked := self._asking.get(key)) is not None:
            asking, theirs = asked
            try:
                return await asyncio.shield(asking)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not asking.cancelled() or (task is not None and task.cancelling()):
                    raise
                # who asked was canceled: somebody else asks
            except PackhouseError:
                if theirs == who:
                    raise
        return await self._ask(key, ask, who)

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[T]], who: Hashable) -> T:
        asking: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asking[key] = (asking, who)
        asked = self._clock()  # the answer is as old as its question
        try:
            answer = await ask()
        except asyncio.CancelledError:
            asking.cancel()
            raise
        except BaseException as error:
            asking.set_exception(error)
            asking.exception()  # nobody may be waiting
            raise
        finally:
            del self._asking[key]
        asking.set_result(answer)
        self._hold(key, asked, answer)
        return answer

    def _hold(self, key: Hashable, asked: float, answer: T) -> None:
        """The longest held ones go where all weigh too much, and one that is too heavy by itself goes at once."""
        before = self._held.pop(key, None)
        if before is not None:
            self._weight_held -= self._weight(before[1])
        self._held[key] = (asked, answer)
        self._weight_held += self._weight(answer)
        while self._weight_held > self._held_most:
            _, (_, gone) = self._held.popitem(last=False)
            self._weight_held -= self._weight(gone)
