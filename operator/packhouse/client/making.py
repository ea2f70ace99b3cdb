"""Writing several objects as one: all of them are there in the end, or none of what this call made.

    async with whole(session) as made:
        await made.create(secret)
        await made.create(install, last=True)

Whatever ends it before its last write (a refusal, Ctrl-C, SIGTERM, SIGHUP) takes back what was written: what was
created is deleted by its uid, what was changed is changed back unless somebody else changed it since.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from packhouse.api.errors import DeployFailed, FieldConflict, Forbidden, PackhouseError
from packhouse.api.names import CLIENT_MANAGER, MADE_FOR, MADE_IN
from packhouse.client.errors import ExitCode, NotFound, Trouble, trouble_of
from packhouse.client.interruptions import cancelled_by_signals, deaf, to_its_end
from packhouse.client.obstacles import no_namespace, not_served, taken
from packhouse.client.proposals import operations
from packhouse.client.session import Session
from packhouse.domain.objects import ref_of
from packhouse.ports import Cluster, Json, Ref

#: How often a change is tried on an object that others change at the same time.
TRIES: Final = 5


class Made:
    """What one call has written so far, and how to take it back."""

    def __init__(self, cluster: Cluster, word: str) -> None:
        """`word`: of this call alone; what carries it was made by it, even where the answer was lost."""
        self._cluster = cluster
        self._word = word
        self._undo: list[tuple[Ref, Callable[[], Awaitable[bool]]]] = []
        #: What was written last, once everything is there.
        self.whole: Ref | None = None

    async def create(self, obj: Json, *, last: bool = False) -> Json:
        """`last`: with it everything is there, and nothing is taken back any more.

        Raises Trouble where the name is taken or the namespace is missing, Forbidden, DeployFailed.
        """
        return await to_its_end(self._create(obj, last), then=asyncio.CancelledError)

    async def change(self, ref: Ref, change: Callable[[Json], Json], *, last: bool = False) -> Json:
        """What `change` makes of the object as it is now; asked again where somebody else was faster."""
        return await to_its_end(self._change(ref, change, last), then=asyncio.CancelledError)

    async def put(self, obj: Json) -> Json:
        """Created, or, where it is there and was made for the same install, made like this. Raises Trouble."""
        there = await self._cluster.get(ref_of(obj))
        if there is None:
            return await self.create(obj)
        marks = (there["metadata"].get("annotations") or {}, obj["metadata"].get("annotations") or {})
        if MADE_FOR not in marks[1] or marks[0].get(MADE_FOR) != marks[1][MADE_FOR]:
            raise taken(there)
        return await self.change(ref_of(obj), lambda now: now | {k: v for k, v in obj.items() if k != "metadata"})

    async def undo(self) -> tuple[list[Ref], list[str]]:
        """What was taken back, and in words what could not be. Does it once."""
        back, left = [], []
        while self._undo:
            ref, act = self._undo.pop()
            try:
                if await act():
                    back.append(ref)
            except PackhouseError as error:
                left.append(f"{ref}: {error.message}")
        return back, left

    async def _create(self, obj: Json, last: bool) -> Json:
        ref, mine = ref_of(obj), self._with_word(obj)
        try:
            answer = await self._cluster.create(mine, manager=CLIENT_MANAGER)
        except PackhouseError as error:
            answer = await self._found(ref)
            if answer is None:
                raise
            if not self._is_mine(answer):
                raise taken(answer) if isinstance(error, DeployFailed) else error from None
        if answer is None:
            raise await self._no_place(ref)
        uid = answer["metadata"]["uid"]
        self._undo.append((ref, lambda: self._cluster.delete(ref, uid=uid)))
        self.whole = ref if last else None
        return answer

    async def _change(self, ref: Ref, change: Callable[[Json], Json], last: bool) -> Json:
        before, after, answer = await changed(self._cluster, ref, change)
        if answer is not None:
            version = answer["metadata"]["resourceVersion"]
            self._undo.append((ref, lambda: _changed_back(self._cluster, ref, version, after, before)))
        self.whole = ref if last else None
        return after

    async def _found(self, ref: Ref) -> Json | None:
        """None where we may not look."""
        try:
            return await self._cluster.get(ref, metadata_only=True)
        except PackhouseError:
            return None

    async def _no_place(self, ref: Ref) -> Trouble:
        if await self._cluster.served(ref.kind, anew=True) is None:
            return not_served(ref)
        return no_namespace(ref.namespace)

    def _with_word(self, obj: Json) -> Json:
        metadata = obj["metadata"]
        annotations = {**(metadata.get("annotations") or {}), MADE_IN: self._word}
        return {**obj, "metadata": {**metadata, "annotations": annotations}}

    def _is_mine(self, obj: Json) -> bool:
        return (obj["metadata"].get("annotations") or {}).get(MADE_IN) == self._word


async def make(session: Session, objects: Sequence[Json]) -> Made:
    """All of them, in this order, or none: see `whole`."""
    async with whole(session) as made:
        for number, obj in enumerate(objects, 1):
            await made.create(obj, last=number == len(objects))
    return made


@asynccontextmanager
async def whole(session: Session) -> AsyncIterator[Made]:
    """Raises what ended it, with words on what was taken back."""
    made = Made(session.cluster, secrets.token_hex(4))
    with cancelled_by_signals():
        try:
            yield made
        except asyncio.CancelledError:
            if made.whole is not None:
                raise _too_late(made.whole) from None
            raise await _taken_back(made, Trouble("interrupted", code=ExitCode.INTERRUPTED)) from None
        except (Trouble, PackhouseError) as error:
            raise await _taken_back(made, error if isinstance(error, Trouble) else trouble_of(error)) from error
        except BaseException:
            with deaf():
                await to_its_end(made.undo())
            raise


async def refusals(session: Session, objects: Sequence[Json]) -> list[PackhouseError]:
    """Why the API server would not create these, as far as it tells beforehand. Nothing is written.

    What rests on another object of the same call cannot be asked for, and is taken to be fine.
    """

    async def refusal(obj: Json) -> PackhouseError | None:
        try:
            await session.cluster.create(obj, dry_run=True, manager=CLIENT_MANAGER)
        except Forbidden as error:
            return error
        except DeployFailed as error:
            return error if error.invalid else None  # a name that is taken is told in the words of `create`
        return None

    return [error for error in await asyncio.gather(*map(refusal, objects)) if error is not None]


async def changed(cluster: Cluster, ref: Ref, change: Callable[[Json], Json]) -> tuple[Json, Json, Json | None]:
    """The object before and after, and what the server answered; None where nothing had to change.

    What others write in between is kept: `change` is asked again with what is there then.
    """
    for _ in range(TRIES):
        before = await cluster.get(ref)
        if before is None:
            raise NotFound(f"there is no {ref}")
        after = change(before)
        steps = operations(before, after)
        if not steps:
            return before, before, None
        version = before["metadata"]["resourceVersion"]
        try:
            answer = await cluster.patch(ref, [_still(version), *steps], manager=CLIENT_MANAGER)
        except (DeployFailed, FieldConflict):
            now = await cluster.get(ref, metadata_only=True)
            if now is not None and now["metadata"]["resourceVersion"] == version:
                raise  # it is the change that is refused
            continue
        if answer is not None:
            return before, after, answer
    raise Trouble(f"{ref} is being changed by somebody else, again and again", "try it once more")


async def _changed_back(cluster: Cluster, ref: Ref, version: str, after: Json, before: Json) -> bool:
    steps = [_still(version), *operations(after, before)]
    return await cluster.patch(ref, steps, manager=CLIENT_MANAGER) is not None


def _still(version: str) -> Json:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": version}


def _too_late(ref: Ref) -> Trouble:
    look = f"installed status {ref.name} -n {ref.namespace}" if ref.namespace else f"repository get {ref.name}"
    return Trouble(
        f"interrupted; {ref.short} is written already, and the operator goes on with it",
        f"look at it: kubectl package {look}",
        ExitCode.INTERRUPTED,
    )


async def _taken_back(made: Made, trouble: Trouble) -> Trouble:
    with deaf():
        back, left = await to_its_end(made.undo())
    words = trouble.what
    if back:
        words += f"; what was made before is taken back: {', '.join(f'{ref.kind.kind} {ref.name}' for ref in back)}"
    if not left:
        return Trouble(words, trouble.help, trouble.code)
    lever = "delete by hand what could not be taken back:\n  " + "\n  ".join(left)
    return Trouble(words, f"{trouble.help}\n{lever}" if trouble.help else lever, trouble.code)
