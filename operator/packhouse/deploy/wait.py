"""Wait until what was applied is ready, driven by watches; end early where an object says that it cannot be.

Called by reconcile/ after a plan was carried out, and by deploy/ between waves where a change rule orders it, with the
install's own identity. It reads and never writes; status is written by whoever hands in `tell`. What an object says is
judged in domain/readiness; this room only keeps looking (follow.py) and ends.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from packhouse.api.errors import DeployFailed, PackhouseError, RolloutFailed, WaitTimedOut
from packhouse.api.names import OWNER_LABEL
from packhouse.deploy.follow import Look, Objects
from packhouse.deploy.follow_pods import Pods
from packhouse.deploy.live import gathered
from packhouse.deploy.standing import CONFIRM_SECONDS, Board, Waited
from packhouse.domain.kapp.config_values import WaitRule
from packhouse.domain.readiness import needs_no_look
from packhouse.domain.readiness.summary import MOST_NAMED, counted, named
from packhouse.ports import Cluster, Ref

__all__ = ["Stop", "Tell", "Waited", "wait_ready"]

#: The longest time between two calls of `stop`, and the shortest between two of `tell`.
TURN_SECONDS: Final = 1.0
#: Last words of pods are asked for at the end; nobody waits longer for them.
LAST_WORDS_SECONDS: Final = 1.0

Tell = Callable[[str], Awaitable[None]]


class Stop(Protocol):
    """Raises Superseded where the reconcile should end. Cheap; called once a second at least."""

    def __call__(self) -> None: ...


async def wait_ready(
    cluster: Cluster,
    waited: Sequence[Waited],
    *,
    owner_label: str,
    waits: Sequence[WaitRule],
    timeout_seconds: float,
    stop: Stop,
    tell: Tell,
    now: Callable[[], datetime],
    left_seconds: float | None = None,
    look_once: bool = False,
    unblocked_will_do: bool = False,
) -> None:
    """Return once each object was ready (or unblocked what comes after it, where that will do).

    `left_seconds`: what is left of `timeout_seconds`, where they were waited for before. `look_once`: no waiting; what
    is not ready now is an error. Raises RolloutFailed (an object or its pods say that waiting does not help),
    WaitTimedOut, DeployFailed (an object is gone), Forbidden, and what `stop` raises.
    """
    # With wait rules any kind may have something to say; without, most kinds are ready because they exist.
    unsure = [one for one in waited if waits or not needs_no_look(one.ref.kind)]
    stop()
    if not unsure:
        return
    board = Board(unsure, len(waited), waits, unblocked_will_do=unblocked_will_do)
    look = Look(cluster, f"{OWNER_LABEL}={owner_label}", board, now, random.random)
    pods = Pods(look)
    groups = [Objects(look, group) for group in board.groups]
    if look_once:
        await gathered([group.once() for group in groups])
        await _last_words(pods, board.unready)
        await _judge(board, pods, confirm_seconds=0.0)
        if board.unready:
            raise _timed_out(board, timeout_seconds, now())
        return
    try:
        async with asyncio.TaskGroup() as tasks:
            following = [tasks.create_task(group.follow()) for group in groups]
            try:
                left = timeout_seconds if left_seconds is None else left_seconds
                if not await _attend(board, pods, tasks, left, stop, tell, now):
                    raise _timed_out(board, timeout_seconds, now())
            finally:
                for task in (*following, *pods.tasks):
                    task.cancel()
    except* PackhouseError as errors:
        raise _first(errors) from None


async def _attend(
    board: Board,
    pods: Pods,
    tasks: asyncio.TaskGroup,
    seconds: float,
    stop: Stop,
    tell: Tell,
    now: Callable[[], datetime],
) -> bool:
    """Turn by turn, until all are ready; one begins when a look brings news, or after a second. False: not in time."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    deadline, next_tell, told = begun + seconds, begun + TURN_SECONDS, ""
    while True:
        stop()
        await _judge(board, pods, confirm_seconds=CONFIRM_SECONDS)
        if not board.unready:
            return True
        if clock() >= deadline:
            await _last_words(pods, board.unready)
            return False
        if clock() >= next_tell:
            pods.keep_up(tasks)
            next_tell = clock() + TURN_SECONDS
            message = f"waiting for {counted(len(board.unready), board.total)}: {named(board.standings(now()))}"
            if message != told:
                told = message
                await tell(message)
        await board.news_within(max(min(TURN_SECONDS, deadline - clock()), 0.0))


def _timed_out(board: Board, timeout_seconds: float, now: datetime) -> WaitTimedOut:
    return WaitTimedOut(
        f"{counted(len(board.unready), board.total)} not ready after {timeout_seconds:g} s: "
        f"{named(board.standings(now))}; raise spec.deploy.waitTimeout if that takes longer"
    )


async def _judge(board: Board, pods: Pods, *, confirm_seconds: float) -> None:
    """Raise where waiting makes no sense any more."""
    # Only another pass over the plan makes an object anew. As a failure it has back-off, so that whoever deletes it
    # again and again is met less and less often.
    if board.gone:
        ref, how = next(iter(board.gone.items()))
        raise DeployFailed(f"{ref}: {how} while it was waited for; it is applied again")
    lost = list(board.failed) or board.hopeless(pods.now(), confirm_seconds)
    if lost:
        await _last_words(pods, lost)
        raise RolloutFailed(f"{named(board.standings(pods.now(), lost))}; {_lever(lost)}")


def _lever(lost: Sequence[Ref]) -> str:
    """A Job that has failed stays so, however often it is looked at."""
    if all((ref.kind.group, ref.kind.kind) == ("batch", "Job") for ref in lost):
        return "a failed Job runs again once it is deleted; another version or other values may mend it"
    return "it is looked at again later, and another version or other values may mend it sooner"


async def _last_words(pods: Pods, refs: Sequence[Ref]) -> None:
    """What the pods say, for the first few whose pods were not looked at yet."""
    try:
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await gathered([pods.once(ref) for ref in refs[:MOST_NAMED]])
    except TimeoutError:
        pass


def _first(errors: BaseExceptionGroup[PackhouseError]) -> PackhouseError:
    """The one that came first; the others are its consequences."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
