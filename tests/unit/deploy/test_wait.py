"""Waiting for readiness: driven by watches, ended early by what objects and pods say, never a task left behind.

Time is short here: a turn takes hundredths of a second, and the clock that pods are judged by is moved by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import (
    ClusterUnavailable,
    DeployFailed,
    FieldConflict,
    Forbidden,
    PackhouseError,
    RolloutFailed,
    ServiceAccountMissing,
    Superseded,
    WaitTimedOut,
)
from packhouse.deploy import follow, follow_pods, wait
from packhouse.deploy.wait import Waited, wait_ready
from packhouse.domain.kapp.config_values import ConditionRule, WaitRule
from packhouse.domain.objects import owned, owner_label, ref_of
from packhouse.ports import Json, Kind, Page, Ref, Served, WatchEvent

ME = "demo/web"
KINDS = (
    ("", "v1", "Pod", "pods"),
    ("", "v1", "Service", "services"),
    ("batch", "v1", "Job", "jobs"),
    ("example.com", "v1", "Database", "databases"),
)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(wait, "CONFIRM_SECONDS", 0.0)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(follow_pods, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(follow, "RETRY_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(follow, "RETRY_MOST_SECONDS", 0.02)


class Listening(FakeCluster):
    """Keeps what was asked for ("list Deployment demo"), and how many watches were open at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.open = self.most_open = 0
        self.answers: dict[str, list[PackhouseError | None]] = {}  # what the next calls end with, "list Deployment"
        self.refuse = self._answer
        for group, version, kind, plural in KINDS:
            self.kinds[Kind(group, version, kind)] = Served(Kind(group, version, kind), plural, True)

    def always(self, call: str, error: PackhouseError) -> None:
        self.answers[call] = [error] * 1000

    def asked_for(self, call: str) -> int:
        return sum(asked.startswith(call) for asked in self.asked)

    def _answer(self, verb: str, ref: Ref) -> PackhouseError | None:
        self.asked.append(f"{verb} {ref.kind.kind} {ref.namespace} {ref.name}")
        queue = self.answers.get(f"{verb} {ref.kind.kind}")
        return queue.pop(0) if queue else None

    async def watch(self, kind: Kind, **how: Any) -> AsyncIterator[WatchEvent]:  # type: ignore[override]
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            async for event in super().watch(kind, **how):
                yield event
        finally:
            self.open -= 1

    # ---- what others do ----------------------------------------------------------------------------------

    async def have(self, *objects: Json, status: Json | None = None) -> list[Waited]:
        """Apply objects of the install, with a status; what is waited for then."""
        waited = []
        for obj in objects:
            applied = await self.apply(owned(obj, ME), manager="packhouse")
            waited.append(Waited(ref_of(obj), applied["metadata"]["uid"]))
            if status is not None:
                await self.says(obj, status)
        return waited

    async def says(self, obj: Json, status: Json) -> None:
        """Somebody writes the status of an object."""
        head = {key: obj[key] for key in ("apiVersion", "kind", "metadata")}
        await self.apply({**head, "status": status}, manager="controller", subresource="status")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def before(self, seconds: float) -> str:
        return (self.time - timedelta(seconds=seconds)).isoformat()


class Install:
    """Waits as an install would; `told` keeps what it said."""

    def __init__(self, cluster: Listening) -> None:
        self.cluster = cluster
        self.clock = Clock()
        self.told: list[str] = []
        self.superseded = False
        self.turns = 0

    async def ready(self, waited: Sequence[Waited], *, seconds: float = 5.0, **how: Any) -> None:
        before = asyncio.all_tasks()
        try:
            await wait_ready(
                self.cluster,
                waited,
                owner_label=owner_label(ME),
                waits=how.pop("waits", ()),
                timeout_seconds=seconds,
                stop=self._stop,
                tell=self._tell,
                now=self.clock,
                **how,
            )
        finally:
            assert asyncio.all_tasks() == before
            assert self.cluster.open == 0

    def begin(self, waited: Sequence[Waited], **how: Any) -> asyncio.Task[None]:
        return asyncio.create_task(self.ready(waited, **how))

    async def heard(self, words: str) -> str:
        """Once it was told that."""
        async with asyncio.timeout(5):
            while True:
                found = [message for message in self.told if words in message]
                if found:
                    return found[0]
                await asyncio.sleep(0.005)

    def _stop(self) -> None:
        self.turns += 1
        if self.superseded:
            raise Superseded("the spec changed")

    async def _tell(self, message: str) -> None:
        self.told.append(message)


@pytest.fixture
def cluster() -> Listening:
    return Listening()


@pytest.fixture
def install(cluster: Listening) -> Install:
    return Install(cluster)


def deployment(name: str = "web", namespace: str = "demo") -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}},
    }


def job(name: str = "setup") -> Json:
    meta = {"name": name, "namespace": "demo"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"completions": 1}}


def database() -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "db", "namespace": "demo"}}


def config_map() -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "demo"}}


def rolled(available: int = 1, updated: int = 1) -> Json:
    return {"observedGeneration": 1, "replicas": 1, "updatedReplicas": updated, "availableReplicas": available}


def ended(kind: str) -> Json:
    return {"conditions": [{"type": kind, "status": "True", "reason": "Ended", "message": "as it said"}]}


def pod(reason: str, since: str, app: str = "web", namespace: str = "demo") -> Json:
    """A pod whose container waits for that reason."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{app}-abc", "namespace": namespace, "labels": {"app": app}},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": since}],
            "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": reason, "message": "not found"}}}],
        },
    }


async def put(cluster: Listening, found: Json) -> None:
    await cluster.apply({key: found[key] for key in ("apiVersion", "kind", "metadata")}, manager="controller")
    await cluster.says(found, found["status"])


async def test_what_is_ready_by_existing_costs_no_request(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(config_map())
    cluster.asked.clear()

    await install.ready(waited)

    assert cluster.asked == []


async def test_what_is_ready_already_costs_one_list(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment("a"), deployment("b"), config_map(), status=rolled())
    cluster.asked.clear()

    await install.ready(waited)

    assert cluster.asked == ["list Deployment demo "]
    assert install.told == []


async def test_readiness_is_heard_by_one_list_and_one_watch(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment("a"), deployment("b"), status=rolled(0))
    cluster.asked.clear()
    waiting = install.begin(waited)

    await install.heard("2 of 2 objects")
    await cluster.says(deployment("a"), rolled())
    last = await install.heard("1 of 2 objects")
    await cluster.says(deployment("b"), rolled())
    await waiting

    assert last == "waiting for 1 of 2 objects: Deployment demo/b: 0 of 1 replicas are available"
    assert cluster.asked_for("list Deployment") == cluster.asked_for("watch Deployment") == 1
    assert cluster.asked_for("get") == 0


async def test_objects_of_another_install_are_not_listed(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment("mine"), status=rolled())
    await cluster.apply(owned(deployment("theirs"), "demo/other"), manager="packhouse")

    await install.ready(waited)


async def test_once_ready_is_ready(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment("a"), deployment("b"), status=rolled(0))
    waiting = install.begin(waited)

    await install.heard("2 of 2")
    await cluster.says(deployment("a"), rolled())
    await install.heard("1 of 2")
    await cluster.says(deployment("a"), rolled(0))
    await cluster.says(deployment("b"), rolled())

    await waiting


async def test_an_object_that_says_it_failed_ends_the_wait(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), job(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("2 of 2")

    await cluster.says(job(), ended("Failed"))

    with pytest.raises(RolloutFailed, match=r"Job demo/setup: it has failed \(Ended: as it said\).*once it is deleted"):
        await waiting


async def test_a_workload_for_which_no_pod_can_be_made_says_where_to_look(cluster: Listening, install: Install) -> None:
    selected = {**job(), "spec": {"completions": 1, "selector": {"matchLabels": {"job": "setup"}}}}
    waited = await cluster.have(selected, status={"active": 0})
    waiting = install.begin(waited)
    await install.heard("it has no pods; if that lasts, its Events say why: kubectl describe job setup -n demo")

    await cluster.says(job(), ended("Failed"))

    with pytest.raises(RolloutFailed) as failed:
        await waiting
    assert "no pods" not in failed.value.message


async def test_a_failure_comes_with_the_reason_of_its_pod(cluster: Listening, install: Install) -> None:
    await put(cluster, pod("ErrImagePull", install.clock.before(1)))
    stalled = {**rolled(0), "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}
    waited = await cluster.have(deployment(), status=stalled)

    with pytest.raises(RolloutFailed, match=r"\(pod web-abc: ErrImagePull: not found\)"):
        await install.ready(waited)


async def test_a_timeout_names_what_was_waited_for_and_the_lever(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(*(deployment(f"w{number}") for number in range(5)), config_map(), status=rolled(0))

    with pytest.raises(WaitTimedOut) as timed_out:
        await install.ready(waited, seconds=0.05)

    assert timed_out.value.message == (
        "5 of 6 objects not ready after 0.05 s: Deployment demo/w0: 0 of 1 replicas are available; "
        "Deployment demo/w1: 0 of 1 replicas are available; Deployment demo/w2: 0 of 1 replicas are available; "
        "and 2 more; raise spec.deploy.waitTimeout if that takes longer"
    )


async def test_a_change_of_the_spec_ends_the_wait_within_a_turn(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("waiting for 1 of 1 object")

    install.superseded = True

    with pytest.raises(Superseded):
        await asyncio.wait_for(waiting, 0.5)


async def test_a_wait_that_is_cancelled_leaves_nothing_behind(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("waiting for")

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_status_that_cannot_be_written_ends_the_wait(
    cluster: Listening, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(message: str) -> None:
        raise FieldConflict(f"cannot say {message}")

    monkeypatch.setattr(install, "_tell", refused)
    waited = await cluster.have(deployment(), status=rolled(0))

    with pytest.raises(FieldConflict):
        await install.ready(waited)


async def test_it_is_told_at_most_once_a_turn(
    cluster: Listening, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "TURN_SECONDS", 0.2)
    waited = await cluster.have(database(), status={"conditions": []} | {"observedGeneration": 0})
    waiting = install.begin(waited)

    for number in range(30):
        await cluster.says(database(), {"conditions": [{"type": "Ready", "status": "False", "reason": f"R{number}"}]})
        await asyncio.sleep(0.01)
    await cluster.says(database(), {"conditions": [{"type": "Ready", "status": "True"}]})
    await waiting

    assert 1 <= len(install.told) <= 3


async def test_while_nothing_happens_nobody_wakes_up(
    cluster: Listening, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "TURN_SECONDS", 0.1)
    waited = await cluster.have(deployment(), status=rolled(0))

    with pytest.raises(WaitTimedOut):
        await install.ready(waited, seconds=0.5)

    assert install.turns <= 9
    assert len(install.told) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param("list Deployment", Forbidden("no list"), id="where lists are forbidden"),
        pytest.param("watch Deployment", Forbidden("no watch"), id="where watches are forbidden"),
        pytest.param("list Deployment", DeployFailed("405"), id="where a kind knows no lists"),
    ],
)
async def test_each_object_is_read_by_itself(
    cluster: Listening, install: Install, call: str, error: PackhouseError
) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    cluster.always(call, error)
    waiting = install.begin(waited)

    await install.heard("0 of 1 replicas are available")
    await cluster.says(deployment(), rolled())

    await waiting
    assert cluster.asked_for("get Deployment demo web") >= 1


async def test_where_lists_have_no_version_each_object_is_read_by_itself(
    cluster: Listening, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = cluster.pages

    async def pages(kind: Kind, **how: Any) -> AsyncIterator[Page]:
        async for page in plain(kind, **how):
            yield Page(page.items, "" if kind.kind == "Deployment" else page.resource_version)

    monkeypatch.setattr(cluster, "pages", pages)
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("0 of 1 replicas are available")
    await cluster.says(deployment(), rolled())

    await waiting
    assert cluster.asked_for("list Deployment") == 1


async def test_an_account_that_may_see_nothing_is_told_so(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    cluster.always("list Deployment", Forbidden("may not list"))
    cluster.always("get Deployment", Forbidden("may not get"))

    with pytest.raises(Forbidden, match="may not get"):
        await install.ready(waited)


async def test_an_account_that_is_gone_ends_the_wait(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    cluster.always("list Deployment", ServiceAccountMissing("demo/installer"))

    with pytest.raises(ServiceAccountMissing):
        await install.ready(waited)


async def test_after_an_expired_watch_it_lists_anew(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("waiting for")

    await cluster.says(deployment(), rolled())
    cluster.end_watches(expire=True)

    await waiting


async def test_after_the_end_of_a_watch_it_goes_on_where_it_was(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    cluster.always("list Pod", Forbidden("not asked for here"))
    waiting = install.begin(waited)
    await install.heard("waiting for")

    cluster.end_watches()
    await cluster.says(deployment(), rolled())
    await waiting

    assert cluster.asked_for("list Deployment") == 1


async def test_a_server_that_does_not_answer_is_asked_again(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled())
    cluster.answers["list Deployment"] = [ClusterUnavailable("no answer")] * 3

    await install.ready(waited)

    assert cluster.asked_for("list Deployment") == 4


async def test_a_server_that_never_answers_is_named_at_the_end(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled())
    cluster.always("list Deployment", ClusterUnavailable("no answer"))

    with pytest.raises(WaitTimedOut, match="it was not looked at yet: no answer"):
        await install.ready(waited, seconds=0.2)


async def test_an_object_that_is_not_there_needs_another_pass(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    await cluster.delete(waited[0].ref)

    with pytest.raises(DeployFailed, match=r"Deployment demo/web \(apps/v1\): somebody deleted it"):
        await install.ready(waited)


async def test_an_object_that_goes_meanwhile_needs_another_pass(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("waiting for")

    await cluster.delete(waited[0].ref)

    with pytest.raises(DeployFailed, match="somebody deleted it while it was waited for; it is applied again"):
        await waiting


async def test_another_object_of_the_same_name_is_not_it(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    await cluster.delete(waited[0].ref)
    await cluster.have(deployment(), status=rolled())

    with pytest.raises(DeployFailed, match="replaced it"):
        await install.ready(waited)


async def test_a_kind_that_is_served_no_more_has_no_objects(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(database(), status={"observedGeneration": 0})
    del cluster.kinds[waited[0].ref.kind]
    cluster._held.clear()

    with pytest.raises(DeployFailed, match="somebody deleted it"):
        await install.ready(waited)


async def test_an_object_that_lost_our_label_is_followed_by_itself(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("waiting for")

    await cluster.apply(deployment(), manager="packhouse")  # without labels
    await cluster.says(deployment(), rolled())

    cluster.end_watches(expire=True)  # what the fake does not tell of objects that fit no more
    await waiting
    assert cluster.asked_for("get Deployment demo web") >= 1


async def test_a_job_that_cleans_itself_away_has_done_its_work(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(job(), deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("2 of 2")

    await cluster.says(job(), ended("Complete"))
    await cluster.delete(ref_of(job()))
    await cluster.says(deployment(), rolled())

    await waiting


async def test_the_reason_of_a_pod_is_told_as_it_comes(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    waiting = install.begin(waited)
    await install.heard("0 of 1 replicas are available")

    await put(cluster, pod("ErrImagePull", install.clock.before(1)))
    said = await install.heard("ErrImagePull")
    await cluster.says(deployment(), rolled())
    await waiting

    assert said == (
        "waiting for 1 of 1 object: Deployment demo/web: 0 of 1 replicas are available "
        "(pod web-abc: ErrImagePull: not found)"
    )


async def test_an_image_that_does_not_come_ends_the_wait_after_its_grace(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    await put(cluster, pod("ImagePullBackOff", install.clock.before(60)))
    waiting = install.begin(waited)
    await install.heard("ImagePullBackOff")
    assert not waiting.done()

    install.clock.time += timedelta(seconds=61)

    with pytest.raises(RolloutFailed, match="pod web-abc: ImagePullBackOff: not found"):
        await asyncio.wait_for(waiting, 1)


async def test_pods_of_an_old_revision_end_no_wait(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(1, 0))
    await put(cluster, pod("ImagePullBackOff", install.clock.before(3600)))
    waiting = install.begin(waited)

    await install.heard("ImagePullBackOff")
    await asyncio.sleep(0.1)
    assert not waiting.done()

    await cluster.says(deployment(), rolled())
    await waiting


async def test_what_looks_hopeless_must_look_so_for_a_while(
    cluster: Listening, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "CONFIRM_SECONDS", 2.0)
    waited = await cluster.have(deployment(), status=rolled(0))
    await put(cluster, pod("ImagePullBackOff", install.clock.before(3600)))
    waiting = install.begin(waited)
    await install.heard("ImagePullBackOff")
    await asyncio.sleep(0.1)
    assert not waiting.done()

    install.clock.time += timedelta(seconds=2)

    with pytest.raises(RolloutFailed):
        await asyncio.wait_for(waiting, 1)


async def test_a_pod_of_the_package_itself_fails_like_those_of_a_workload(cluster: Listening, install: Install) -> None:
    alone = pod("ImagePullBackOff", install.clock.before(3600))
    waited = await cluster.have({key: alone[key] for key in ("apiVersion", "kind", "metadata")}, status=alone["status"])

    with pytest.raises(RolloutFailed, match="Pod demo/web-abc: ImagePullBackOff: not found"):
        await install.ready(waited)


async def test_without_a_right_to_pods_only_their_reasons_are_missing(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    await put(cluster, pod("ErrImagePull", install.clock.before(3600)))
    cluster.always("list Pod", Forbidden("no pods"))
    waiting = install.begin(waited)

    await install.heard("0 of 1 replicas are available")
    await asyncio.sleep(0.1)
    await cluster.says(deployment(), rolled())
    await waiting

    assert cluster.asked_for("list Pod") == 1
    assert not any("ErrImagePull" in message for message in install.told)


async def test_the_pods_of_what_is_ready_are_not_watched_any_more(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment("a"), deployment("b"), status=rolled(0))
    waiting = install.begin(waited)
    async with asyncio.timeout(5):
        while cluster.open < 3:  # the Deployments, and the pods of each
            await asyncio.sleep(0.01)

    await cluster.says(deployment("a"), rolled())
    async with asyncio.timeout(5):
        while cluster.open > 2:
            await asyncio.sleep(0.01)

    await cluster.says(deployment("b"), rolled())
    await waiting


async def test_watches_are_few_and_all_is_heard(cluster: Listening, install: Install) -> None:
    many = [deployment(f"w{number}", f"n{number % 20}") for number in range(40)]
    waited = await cluster.have(*many, status=rolled(0))
    await put(cluster, pod("ErrImagePull", install.clock.before(1), "w39", "n19"))
    waiting = install.begin(waited, seconds=20.0)

    await install.heard("40 of 40")
    for obj in many[:39]:
        await cluster.says(obj, rolled())
    said = await install.heard("1 of 40 objects: Deployment n19/w39: 0 of 1 replicas are available (pod w39-abc")
    await cluster.says(many[39], rolled())
    await waiting

    assert said
    assert cluster.most_open <= follow.MOST_WATCHES


async def test_one_look_is_enough_where_all_is_ready(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled())

    await install.ready(waited, look_once=True)


async def test_one_look_tells_what_is_not_ready_and_why(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), config_map(), status=rolled(0))
    await put(cluster, pod("ErrImagePull", install.clock.before(1)))

    with pytest.raises(WaitTimedOut) as unready:
        await install.ready(waited, look_once=True)

    message = unready.value.message
    assert message.startswith("1 of 2 objects not ready after ")
    assert "Deployment demo/web: 0 of 1 replicas are available (pod web-abc: ErrImagePull: not found)" in message
    assert "spec.deploy.waitTimeout" in message
    assert cluster.asked_for("watch") == 0


async def test_one_look_sees_failures_too(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled(0))
    await put(cluster, pod("ErrImagePull", install.clock.before(3600)))
    failed = await cluster.have(job(), status=ended("Failed"))

    with pytest.raises(RolloutFailed, match="ErrImagePull"):
        await install.ready(waited, look_once=True)
    with pytest.raises(RolloutFailed, match="it has failed"):
        await install.ready(failed, look_once=True)


async def test_one_look_reads_each_object_where_lists_are_forbidden(cluster: Listening, install: Install) -> None:
    waited = await cluster.have(deployment(), status=rolled())
    cluster.always("list Deployment", Forbidden("no list"))

    await install.ready(waited, look_once=True)


async def test_a_wait_rule_may_speak_of_any_kind(cluster: Listening, install: Install) -> None:
    rule = WaitRule(lambda obj: obj["kind"] == "ConfigMap", (ConditionRule("Up", "True", success=True),))
    waited = await cluster.have(config_map())
    waiting = install.begin(waited, waits=[rule])

    await install.heard("ConfigMap demo/settings: its conditions do not have Up=True yet")
    await cluster.says(config_map(), {"conditions": [{"type": "Up", "status": "True"}]})

    await waiting


async def test_what_comes_after_may_begin_once_an_object_unblocks_it(cluster: Listening, install: Install) -> None:
    rule = WaitRule(
        lambda obj: obj["kind"] == "Database",
        (ConditionRule("Up", "True", success=True), ConditionRule("Seen", "True", unblocks=True)),
    )
    waited = await cluster.have(database(), status={"conditions": [{"type": "Seen", "status": "True"}]})

    await install.ready(waited, waits=[rule], unblocked_will_do=True)
    with pytest.raises(WaitTimedOut):
        await install.ready(waited, waits=[rule], seconds=0.05)
