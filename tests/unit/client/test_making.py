"""Several objects as one: what is there when it ends badly. The cluster is a fake; signals and answers are played."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import ClusterUnavailable, DeployFailed, Forbidden, PackhouseError
from packhouse.api.names import CLIENT_MANAGER, MADE_FOR
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.making import Made, changed, make, refusals, whole
from packhouse.client.proposals import INSTALL, SECRET, marked
from packhouse.client.session import Session, Target
from packhouse.domain.objects import ref_of
from packhouse.ports import Json, Kind, Ref
from packhouse.settings import Settings

CONFIG = Kind("", "v1", "ConfigMap")


def session_on(cluster: FakeCluster) -> Session:
    return Session(cluster, "demo", Settings(), Target())


def secret(name: str = "web-values") -> Json:
    metadata = {"name": name, "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"values.yml": "a: 1\n"}}


def install(name: str = "web") -> Json:
    metadata = {"name": name, "namespace": "demo"}
    return {"apiVersion": INSTALL.api_version, "kind": INSTALL.kind, "metadata": metadata, "spec": {"syncPeriod": "1m"}}


def refusing(verb: str, kind: str, error: PackhouseError) -> Any:
    return lambda asked, ref: error if (asked, ref.kind.kind) == (verb, kind) else None


async def names(cluster: FakeCluster, kind: Kind) -> list[str]:
    return [obj["metadata"]["name"] async for page in cluster.pages(kind) for obj in page.items]


async def test_everything_is_there_with_the_clients_name_on_it() -> None:
    cluster = FakeCluster()

    await make(session_on(cluster), [secret(), install()])

    assert cluster.writes == [f"create {ref_of(secret())}", f"create {ref_of(install())}"]
    found = await cluster.get(ref_of(install()))
    assert found is not None
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]] == [CLIENT_MANAGER]


async def test_what_was_made_before_a_refusal_is_taken_back_and_that_is_said() -> None:
    cluster = FakeCluster()
    cluster.refuse = refusing("create", "InstalledPackage", DeployFailed("a policy says no; change the policy"))

    with pytest.raises(Trouble) as refused:
        await make(session_on(cluster), [secret(), install()])

    assert await names(cluster, SECRET) == []
    assert refused.value.what == "a policy says no; what was made before is taken back: Secret web-values"
    assert refused.value.help == "change the policy"


async def test_what_cannot_be_taken_back_is_named() -> None:
    cluster = FakeCluster()
    errors = {
        ("create", "InstalledPackage"): DeployFailed("no"),
        ("delete", "Secret"): Forbidden("you may not delete it"),
    }
    cluster.refuse = lambda verb, ref: errors.get((verb, ref.kind.kind))

    with pytest.raises(Trouble) as refused:
        await make(session_on(cluster), [secret(), install()])

    assert refused.value.what == "no"
    assert refused.value.help.splitlines() == [
        "delete by hand what could not be taken back:",
        f"  {ref_of(secret())}: you may not delete it",
    ]


async def test_an_object_of_somebody_else_is_left_alone() -> None:
    cluster = FakeCluster()
    await cluster.create(install())

    with pytest.raises(Trouble, match="exists already, and was not made for this"):
        await make(session_on(cluster), [secret(), install()])

    assert await names(cluster, SECRET) == []
    assert await names(cluster, INSTALL) == ["web"]


async def test_what_an_earlier_install_left_is_told_with_the_way_to_remove_it() -> None:
    cluster = FakeCluster()
    await cluster.create(marked(secret(), "demo", "web"))

    with pytest.raises(Trouble) as refused:
        await make(session_on(cluster), [secret()])

    assert "kubectl package installed delete web -n demo" in refused.value.help


async def test_a_lost_answer_to_a_creation_that_happened_is_no_refusal() -> None:
    cluster = LosesAnswers()

    await make(session_on(cluster), [secret(), install()])

    assert await names(cluster, SECRET) == ["web-values"]
    assert await names(cluster, INSTALL) == ["web"]


async def test_a_namespace_that_is_not_there_is_told_with_the_option_that_makes_it() -> None:
    cluster = FakeCluster()

    class Nowhere(FakeCluster):
        async def create(self, obj: Json, **named: Any) -> Json | None:
            return None

    nowhere = Nowhere()
    nowhere.kinds = cluster.kinds

    with pytest.raises(Trouble) as refused:
        await make(session_on(nowhere), [secret()])

    assert refused.value.what == "namespace demo does not exist"
    assert "--create-namespace" in refused.value.help


async def test_a_kind_that_is_not_served_means_that_packhouse_is_not_there() -> None:
    cluster = FakeCluster()
    del cluster.kinds[INSTALL]

    with pytest.raises(Trouble, match="does not know the kind InstalledPackage"):
        await make(session_on(cluster), [secret(), install()])

    assert await names(cluster, SECRET) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, None], ids=["SIGTERM", "SIGHUP", "Ctrl-C"])
async def test_interrupted_before_the_last_it_leaves_nothing(number: signal.Signals | None) -> None:
    cluster = InterruptsAt("Secret", number)

    with pytest.raises(Trouble) as interrupted:
        await asyncio.ensure_future(cluster.interrupting(make(session_on(cluster), [secret(), install()])))

    assert interrupted.value.code is ExitCode.INTERRUPTED
    assert interrupted.value.what == "interrupted; what was made before is taken back: Secret web-values"
    assert await names(cluster, SECRET) == []
    assert await names(cluster, INSTALL) == []


async def test_under_nohup_it_goes_on_without_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        cluster = InterruptsAt("Secret", signal.SIGHUP)
        await asyncio.ensure_future(cluster.interrupting(make(session_on(cluster), [secret(), install()])))
    finally:
        signal.signal(signal.SIGHUP, before)

    assert await names(cluster, INSTALL) == ["web"]


async def test_who_is_impatient_does_not_keep_it_from_taking_back() -> None:
    class Impatient(InterruptsAt):
        async def delete(self, ref: Ref, **named: Any) -> bool:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.01)
            return await super().delete(ref, **named)

    cluster = Impatient("Secret", None)

    with pytest.raises(Trouble, match="interrupted"):
        await asyncio.ensure_future(cluster.interrupting(make(session_on(cluster), [secret(), install()])))

    assert await names(cluster, SECRET) == []


async def test_interrupted_at_the_last_it_leaves_everything() -> None:
    cluster = InterruptsAt("InstalledPackage", None)

    with pytest.raises(Trouble, match="InstalledPackage demo/web is written already") as interrupted:
        await asyncio.ensure_future(cluster.interrupting(make(session_on(cluster), [secret(), install()])))

    assert interrupted.value.code is ExitCode.INTERRUPTED
    assert await names(cluster, SECRET) == ["web-values"]
    assert await names(cluster, INSTALL) == ["web"]


async def test_a_bug_leaves_nothing_either() -> None:
    cluster = FakeCluster()

    with pytest.raises(KeyError):
        async with whole(session_on(cluster)) as made:
            await made.create(secret())
            raise KeyError("x")

    assert await names(cluster, SECRET) == []


# ---- changes -----------------------------------------------------------------------------------------------


def paused(obj: Json) -> Json:
    return {**obj, "spec": {**obj["spec"], "paused": True}}


async def test_a_change_keeps_what_somebody_else_wrote_in_between() -> None:
    cluster = Raced()
    await cluster.create(install())

    await changed(cluster, ref_of(install()), paused)

    found = await cluster.get(ref_of(install()))
    assert found is not None
    assert found["spec"] == {"syncPeriod": "1m", "paused": True, "x": 1}


async def test_a_change_that_is_refused_is_not_tried_again() -> None:
    cluster = FakeCluster()
    await cluster.create(install())
    cluster.refuse = refusing("patch", "InstalledPackage", DeployFailed("no such field", invalid=True))

    with pytest.raises(DeployFailed, match="no such field"):
        await changed(cluster, ref_of(install()), paused)


async def test_nothing_is_written_where_nothing_changes() -> None:
    cluster = FakeCluster()
    await cluster.create(install())
    cluster.writes.clear()

    await changed(cluster, ref_of(install()), lambda obj: obj)

    assert cluster.writes == []


async def test_a_change_is_taken_back_with_the_rest() -> None:
    cluster = FakeCluster()
    await cluster.create(secret())
    await cluster.create(install())
    cluster.refuse = refusing("patch", "InstalledPackage", DeployFailed("no"))

    def other(obj: Json) -> Json:
        return {**obj, "data": {"values.yml": "YTogMgo="}}

    with pytest.raises(Trouble, match="what was made before is taken back: Secret web-values"):
        async with whole(session_on(cluster)) as made:
            await made.change(ref_of(secret()), other)
            await made.change(ref_of(install()), paused, last=True)

    found = await cluster.get(ref_of(secret()))
    assert found is not None
    assert found["data"] == {"values.yml": "YTogMQo="}


# ---- before anything is written ----------------------------------------------------------------------------


async def test_all_rights_that_are_missing_are_known_before_anything_is_written() -> None:
    cluster = FakeCluster()
    cluster.refuse = lambda verb, ref: Forbidden(f"you may not create {ref.kind.kind}") if verb == "dry run" else None

    found = await refusals(session_on(cluster), [secret(), install()])

    assert [error.message for error in found] == [
        "you may not create Secret",
        "you may not create InstalledPackage",
    ]
    assert cluster.writes == []


async def test_a_name_that_is_taken_is_left_to_the_creation() -> None:
    cluster = FakeCluster()
    await cluster.create(secret())

    assert await refusals(session_on(cluster), [secret()]) == []


class Raced(FakeCluster):
    """Somebody else writes just before the first patch."""

    async def patch(self, ref: Ref, operations: Sequence[Json], *, manager: str = "") -> Json | None:
        if not any(write.startswith("patch") for write in self.writes):
            await super().patch(ref, [{"op": "add", "path": "/spec/x", "value": 1}])
        return await super().patch(ref, operations, manager=manager)


class LosesAnswers(FakeCluster):
    """Creates, and then the answer is lost."""

    async def create(self, obj: Json, **named: Any) -> Json | None:
        await super().create(obj, **named)
        raise ClusterUnavailable("no answer")


class InterruptsAt(FakeCluster):
    """While an object of that kind is being created, whoever waits is interrupted: by a signal, or by None as
    asyncio does for Ctrl-C."""

    def __init__(self, kind: str, number: signal.Signals | None) -> None:
        super().__init__()
        self._kind, self._number = kind, number
        self._waiting: asyncio.Task[Any] | None = None

    async def interrupting(self, made: Any) -> Made:
        self._waiting = asyncio.current_task()
        found: Made = await made
        return found

    async def create(self, obj: Json, **named: Any) -> Json | None:
        if obj["kind"] == self._kind:
            assert self._waiting is not None
            if self._number is None:
                self._waiting.cancel()
            else:
                os.kill(os.getpid(), self._number)
            for _ in range(5):
                await asyncio.sleep(0)
        return await super().create(obj, **named)


def test_marks_are_those_of_the_install() -> None:
    obj = marked(secret(), "demo", "web")

    assert obj["metadata"]["annotations"] == {MADE_FOR: "demo/web"}
    assert MADE_FOR in obj["metadata"]["labels"]
    assert "labels" not in secret()["metadata"]
