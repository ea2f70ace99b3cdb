"""What a wait knows of its objects: a verdict each, and what their pods said. Objects themselves are not kept.

Filled by follow.py and follow_pods.py, read by wait.py. An object that was ready once is done, whatever happens to it
later in the same wait: a Job that cleans itself away has done its work.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from packhouse.domain.kapp.config_values import WaitRule
from packhouse.domain.objects import ref_of
from packhouse.domain.readiness import Readiness, State, readiness
from packhouse.domain.readiness.pods import Limits, Note, Trouble, begun, note, worst
from packhouse.domain.readiness.summary import Standing
from packhouse.domain.readiness.workloads import PodsOf, pods_of
from packhouse.ports import Json, Kind, Ref

#: Pods and their workload are watched apart, so the newest pods may be heard of a moment late. What looks hopeless
#: must look so for longer than that.
CONFIRM_SECONDS: Final = 2.0
UNSEEN: Final = "it was not looked at yet"
#: Where no pod can be made (a quota, Pod Security), a Deployment says so itself; of these only Events do.
SILENT: Final = frozenset({("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")})

Group = tuple[Kind, str]  # a kind in a namespace


@dataclass(frozen=True, slots=True)
class Waited:
    """What is waited for. `uid`: of the object that was applied; another of its name is not it."""

    ref: Ref
    uid: str


@dataclass(slots=True)
class Ledger:
    """The pods of one workload, by uid. `looked`: a list of them was read at least once."""

    notes: dict[str, Note] = field(default_factory=dict)
    looked: bool = False
    hopeless_since: datetime | None = None

    def put(self, pod: Json, now: datetime) -> None:
        uid = pod["metadata"]["uid"]
        self.notes[uid] = begun(self.notes.get(uid), note(pod), now)

    def drop(self, pod: Json) -> None:
        self.notes.pop(pod["metadata"]["uid"], None)

    def keep(self, uids: set[str]) -> None:
        """Forget the pods that a new list does not have."""
        for uid in self.notes.keys() - uids:
            del self.notes[uid]


class Board:
    """`failed`: those that said so. `gone`: those that are not there any more, and how that came."""

    def __init__(
        self, waited: Sequence[Waited], total: int, waits: Sequence[WaitRule], *, unblocked_will_do: bool = False
    ) -> None:
        """`total`: of the install, those included that needed no look."""
        self.total = total
        self.failed: dict[Ref, None] = {}
        self.gone: dict[Ref, str] = {}
        self.pods_of: dict[Ref, PodsOf] = {}
        self._uids = {one.ref: one.uid for one in waited}
        self._unready = {one.ref: Readiness(State.WAITING, UNSEEN) for one in waited}
        self._left = Counter((one.ref.kind, one.ref.namespace) for one in waited)
        self._ledgers: dict[Ref, Ledger] = {}
        self._waits = waits
        self._unblocked_will_do = unblocked_will_do
        self._news = asyncio.Event()

    @property
    def unready(self) -> list[Ref]:
        """In the order in which they were applied."""
        return list(self._unready)

    @property
    def groups(self) -> list[Group]:
        """Kinds and namespaces, each of which is one list and one watch."""
        return list(self._left)

    def left(self, group: Group) -> int:
        """How many of a group there is still something to hear of."""
        return self._left[group]

    def unready_of(self, group: Group) -> list[Ref]:
        """Those of a group that there is still something to hear of."""
        return [ref for ref in self._unready if (ref.kind, ref.namespace) == group and ref not in self.gone]

    # ---- what is heard -----------------------------------------------------------------------------------

    def heard(self, obj: Json, now: datetime) -> None:
        """An object as it is now. One that is not waited for is passed over."""
        ref = ref_of(obj)
        if ref not in self._unready:
            return
        uid = obj["metadata"]["uid"]
        if uid != self._uids[ref]:
            self.lost(ref, "somebody replaced it by another of the same name")
            return
        verdict = readiness(obj, self._waits)
        if verdict.state is State.READY or (verdict.unblocks and self._unblocked_will_do):
            self._done(ref)
            return
        if verdict != self._unready[ref]:
            self._unready[ref] = verdict
            self._news.set()
        if verdict.state is not State.FAILED:
            self.failed.pop(ref, None)
        else:
            self.failed[ref] = None
        if (pods := pods_of(obj)) is not None:
            self.pods_of[ref] = pods
        elif ref.kind == Kind("", "v1", "Pod"):
            self.ledger(ref).put(obj, now)

    def lost(self, ref: Ref, how: str) -> None:
        if ref in self._unready and ref not in self.gone:
            self.gone[ref] = how
            self._left[ref.kind, ref.namespace] -= 1
            self._news.set()

    def unheard(self, refs: Sequence[Ref], why: str) -> None:
        """They could not be looked at; what was known of them before stands."""
        for ref in refs:
            if ref in self._unready and self._unready[ref].message.startswith(UNSEEN):
                self._unready[ref] = Readiness(State.WAITING, f"{UNSEEN}: {why}")

    def ledger(self, ref: Ref) -> Ledger:
        return self._ledgers.setdefault(ref, Ledger())

    def _done(self, ref: Ref) -> None:
        del self._unready[ref]
        self._left[ref.kind, ref.namespace] -= 1
        for known in (self.failed, self.pods_of, self._ledgers):
            known.pop(ref, None)
        self._news.set()

    async def news_within(self, seconds: float) -> None:
        """Until something was heard, or `seconds` have passed."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()

    # ---- what it comes to --------------------------------------------------------------------------------

    def standings(self, now: datetime, refs: Iterable[Ref] | None = None) -> list[Standing]:
        """Of `refs`, or of all that are not ready."""
        chosen = self.unready if refs is None else refs
        return [Standing(ref, self._unready[ref].message, self._pods_say(ref, now)) for ref in chosen]

    def hopeless(self, now: datetime, confirm_seconds: float) -> list[Ref]:
        """Workloads whose newest pods cannot start, and have looked so for `confirm_seconds`."""
        found = []
        for ref, ledger in self._ledgers.items():
            pods, said = self.pods_of.get(ref), self._trouble(ref, ledger, now)
            if said is None or not said.hopeless or ref not in self._unready or (pods is not None and not pods.fresh):
                ledger.hopeless_since = None
                continue
            ledger.hopeless_since = ledger.hopeless_since or now
            if (now - ledger.hopeless_since).total_seconds() >= confirm_seconds:
                found.append(ref)
        return found

    def _pods_say(self, ref: Ref, now: datetime) -> str:
        ledger = self._ledgers.get(ref)
        # A pod's own words are its verdict already.
        if ledger is None or ref not in self.pods_of:
            return ""
        is_silent = (ref.kind.group, ref.kind.kind) in SILENT and ref not in self.failed
        if is_silent and ledger.looked and not ledger.notes:
            place = f"{ref.kind.kind.lower()} {ref.name} -n {ref.namespace}"
            return f"it has no pods; if that lasts, its Events say why: kubectl describe {place}"
        said = self._trouble(ref, ledger, now)
        return said.message if said is not None else ""

    def _trouble(self, ref: Ref, ledger: Ledger, now: datetime) -> Trouble | None:
        pods = self.pods_of.get(ref)
        limits = Limits() if pods is None or pods.crashes_count else Limits(crashes=None)
        return worst(ledger.notes.values(), now, limits)
