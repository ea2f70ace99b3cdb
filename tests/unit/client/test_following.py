"""Following installs and deletions: when it ends, and what is shown. The cluster is a fake, the operator is played."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import Forbidden
from packhouse.api.names import INSTALL_API
from packhouse.client import following, sightings
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.following import follow_deletion, follow_install
from packhouse.client.session import Session, Target
from packhouse.domain.objects import ref_of
from packhouse.domain.readiness import State
from packhouse.ports import Json
from packhouse.settings import Settings

INSTALL: Json = {
    "apiVersion": INSTALL_API,
    "kind": "InstalledPackage",
    "metadata": {"name": "web", "namespace": "demo"},
    "spec": {"syncPeriod": "1m"},
}
REF = ref_of(INSTALL)
INVENTORY = [{"ref": "apps/v1/Deployment/demo/web", "uid": "u", "digest": "a-b"}, {"ref": "v1/ConfigMap/demo/web"}]


@dataclass
class Notes:
    heads: list[str] = field(default_factory=list)
    lines: list[tuple[str, State]] = field(default_factory=list)

    def head(self, text: str) -> None:
        self.heads.append(text)

    def line(self, key: str, text: str, state: State) -> None:
        self.lines.append((text, state))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(sightings, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(sightings, "MOST_SECONDS", 0.01)


@pytest.fixture
async def cluster() -> FakeCluster:
    made = FakeCluster()
    await made.apply(INSTALL, manager="t")
    return made


async def is_deleting(cluster: FakeCluster, words: str) -> None:
    wire = {**INSTALL, "status": {"conditions": [condition("Deleting", "True", "DeletionPending", words, 1)]}}
    wire.pop("spec")
    await cluster.apply(wire, manager="operator", subresource="status")


async def says(
    cluster: FakeCluster, ready: str, reason: str, words: str = "", generation: int = 1, **status: Any
) -> Json:
    """The operator reports."""
    conditions = [condition("Ready", ready, reason, words, generation)]
    if ready == "False":
        conditions.append(condition("ReconcileFailed", "True", reason, words, generation))
    wire = {**INSTALL, "status": {"conditions": conditions, "usefulErrorMessage": words, **status}}
    wire.pop("spec")
    return await cluster.apply(wire, manager="operator", subresource="status")


def condition(kind: str, status: str, reason: str, message: str, generation: int) -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": generation}


async def followed(cluster: FakeCluster, notes: Notes | None = None, seconds: float = 5.0) -> Json:
    session = Session(cluster, "demo", Settings(), Target())
    return await follow_install(session, "web", timeout_seconds=seconds, watcher=notes or Notes())


async def test_it_ends_when_the_install_is_in_place(cluster: FakeCluster) -> None:
    notes = Notes()
    task = asyncio.create_task(followed(cluster, notes))
    await asyncio.sleep(0.02)
    await says(cluster, "Unknown", "NotHealthy", "waiting for 1 of 2 objects", inventory=INVENTORY)
    await asyncio.sleep(0.05)
    await says(cluster, "True", "ReconcileSucceeded", "web 1.0.0 is in place", inventory=INVENTORY)
    assert (await task)["metadata"]["name"] == "web"
    assert notes.heads[0].endswith("the operator has not taken it up yet")
    assert "InstalledPackage demo/web: waiting for 1 of 2 objects" in notes.heads
    assert notes.lines[:2] == [
        ("Deployment demo/web: is not there", State.WAITING),
        ("ConfigMap demo/web: to be applied", State.WAITING),
    ]
    assert notes.lines[-2:] == [("Deployment demo/web: ready", State.READY), ("ConfigMap demo/web: ready", State.READY)]


async def test_a_success_of_an_older_generation_is_no_answer(cluster: FakeCluster) -> None:
    await says(cluster, "True", "ReconcileSucceeded", generation=0)
    with pytest.raises(Trouble, match="has not taken it up yet"):
        await followed(cluster, seconds=0.1)


@pytest.mark.parametrize("reason", ["PackageNotFound", "ValuesInvalid", "Forbidden", "RolloutFailed"])
async def test_what_waiting_does_not_mend_ends_it_with_the_lever(
    cluster: FakeCluster, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GRANTED_SECONDS", 0.05)
    await says(cluster, "False", reason, "something is wrong; do this\nor that")
    with pytest.raises(Trouble) as ended:
        await followed(cluster)
    assert ended.value.code is ExitCode.NOT_READY
    assert ended.value.what == "InstalledPackage demo/web is not in place: something is wrong"
    assert ended.value.help.splitlines()[0] == "do this"
    assert "installed status web -n demo" in ended.value.help


async def test_rights_that_were_granted_a_moment_ago_may_count_a_moment_later(cluster: FakeCluster) -> None:
    await says(cluster, "False", "Forbidden", "an account lacks 1 right")
    task = asyncio.create_task(followed(cluster))
    await asyncio.sleep(0.05)
    await says(cluster, "True", "ReconcileSucceeded", "web 1.0.0 is in place")
    assert (await task)["metadata"]["name"] == "web"


async def test_what_may_pass_is_waited_for_until_the_time_is_over(cluster: FakeCluster) -> None:
    await says(cluster, "False", "FetchFailed", "the registry does not answer; it is asked again")
    with pytest.raises(Trouble, match=r"is not in place after 0\.1 s: the registry does not answer"):
        await followed(cluster, seconds=0.1)
    task = asyncio.create_task(followed(cluster))
    await asyncio.sleep(0.02)
    await says(cluster, "True", "ReconcileSucceeded")
    await task


async def test_who_may_not_watch_is_told_all_the_same(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any, **__: Any) -> Any:
        raise Forbidden("you may not watch")
        yield

    monkeypatch.setattr(cluster, "watch", refused)
    task = asyncio.create_task(followed(cluster))
    await asyncio.sleep(0.02)
    await says(cluster, "True", "ReconcileSucceeded")
    await task


async def test_objects_that_the_caller_may_not_read_are_told_as_far_as_status_goes(cluster: FakeCluster) -> None:
    cluster.refuse = lambda verb, ref: Forbidden("no") if ref.kind.kind == "Deployment" else None
    notes = Notes()
    await says(cluster, "Unknown", "NotHealthy", "waiting", inventory=INVENTORY)
    with pytest.raises(Trouble):
        await followed(cluster, notes, seconds=0.1)
    assert ("Deployment demo/web: applied", State.WAITING) in notes.lines


async def test_who_may_not_even_read_the_install_is_told_so(cluster: FakeCluster) -> None:
    cluster.refuse = lambda verb, ref: Forbidden("you may not get it")
    with pytest.raises(Forbidden):
        await followed(cluster)


async def test_a_paused_install_is_not_waited_for(cluster: FakeCluster) -> None:
    await cluster.apply({**INSTALL, "spec": {"paused": True}}, manager="t")
    await says(cluster, "True", "ReconcileSucceeded")
    with pytest.raises(Trouble, match="it is paused"):
        await followed(cluster)


@pytest.mark.parametrize("words", [[], ["3 objects are left; one holds a finalizer"]], ids=["at once", "held"])
async def test_a_deletion_is_followed_to_its_end(cluster: FakeCluster, words: Sequence[str]) -> None:
    session, notes = Session(cluster, "demo", Settings(), Target()), Notes()
    task = asyncio.create_task(follow_deletion(session, REF, timeout_seconds=5, watcher=notes))
    await asyncio.sleep(0.02)
    for word in words:
        await is_deleting(cluster, word)
        await asyncio.sleep(0.02)
    await cluster.delete(REF)
    await task
    assert [head for head in notes.heads if "finalizer" in head] == [f"InstalledPackage demo/web: {w}" for w in words]


async def test_a_deletion_that_is_held_says_what_holds_it(cluster: FakeCluster) -> None:
    session = Session(cluster, "demo", Settings(), Target())
    await is_deleting(cluster, "3 objects are left; one holds a finalizer")
    with pytest.raises(Trouble, match=r"is not gone after 0\.1 s: 3 objects are left"):
        await follow_deletion(session, REF, timeout_seconds=0.1, watcher=Notes())
