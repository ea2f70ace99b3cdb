"""The reason that a person needs, out of the pods of a workload, and whether it can pass by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from packhouse.domain.readiness.pods import Limits, Trouble, begun, note, trouble, worst
from packhouse.ports import Json

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def pod(
    name: str = "web-abc",
    *containers: Json,
    age: float = 300,
    revision: str = "r1",
    phase: str = "Pending",
    **more: Any,
) -> Json:
    """A pod that is not ready since it was made, `age` seconds ago."""
    since = ago(age)
    stated = [{"type": kind, "status": "False", "lastTransitionTime": since} for kind in ("ContainersReady", "Ready")]
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": since,
            "labels": {"pod-template-hash": revision},
            **more.pop("metadata", {}),
        },
        "status": {
            "phase": phase,
            "conditions": [*stated, *more.pop("conditions", [])],
            "containerStatuses": list(containers),
            **more,
        },
    }


def waiting(reason: str, message: str = "", *, restarts: int = 0, last: Json | None = None) -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": "main", "ready": False, "restartCount": restarts, "state": state, "lastState": last or {}}


OOM = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "message": "what a program wrote"}}
RUNNING = {"name": "main", "ready": False, "restartCount": 0, "state": {"running": {}}}
DONE = {"name": "init", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 0}}}
ENDED = {"name": "main", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available",
    "lastTransitionTime": ago(300),
}


@pytest.mark.parametrize(
    ("found", "words", "hopeless"),
    [
        pytest.param(
            pod("web-abc", waiting("ImagePullBackOff", "back-off pulling image"), age=30),
            "pod web-abc: ImagePullBackOff: back-off pulling image",
            False,
            id="an image that does not come is named",
        ),
        pytest.param(
            pod("web-abc", waiting("ErrImagePull", "not found"), age=121),
            "pod web-abc: ErrImagePull: not found",
            True,
            id="and is hopeless after two minutes",
        ),
        pytest.param(
            pod("web-abc", waiting("InvalidImageName"), age=121),
            "pod web-abc: InvalidImageName",
            True,
            id="so is a name that is none",
        ),
        pytest.param(
            pod("web-abc", waiting("CreateContainerConfigError", 'secret "db" not found'), age=121),
            'pod web-abc: CreateContainerConfigError: secret "db" not found',
            True,
            id="and a Secret that is missing",
        ),
        pytest.param(
            pod("web-abc", initContainerStatuses=[waiting("ErrImagePull")], age=1),
            "pod web-abc: ErrImagePull",
            False,
            id="init containers are looked at first",
        ),
        pytest.param(
            pod("web-abc", waiting("CrashLoopBackOff", restarts=4, last=OOM)),
            "pod web-abc: CrashLoopBackOff: container main was started 5 times, the last run ended with OOMKilled "
            "(exit code 137)",
            False,
            id="a crash tells how the last run ended, and not what the program wrote",
        ),
        pytest.param(
            pod("web-abc", waiting("CrashLoopBackOff", restarts=5)),
            "pod web-abc: CrashLoopBackOff: container main was started 6 times",
            True,
            id="a fifth restart is one too many",
        ),
        pytest.param(
            pod(conditions=[UNSCHEDULABLE]),
            "pod web-abc: Unschedulable: 0/1 nodes are available",
            False,
            id="a node may still come",
        ),
        pytest.param(
            pod(phase="Failed", reason="Evicted", message="the node was low on memory"),
            "pod web-abc: Evicted: the node was low on memory",
            False,
            id="an evicted pod is made anew",
        ),
        pytest.param(
            pod("web-abc", ENDED, phase="Failed"),
            "pod web-abc: container main ended with Error (exit code 2)",
            False,
            id="a pod that failed names the container",
        ),
        pytest.param(
            pod("web-abc", RUNNING),
            "pod web-abc: container main runs and is not ready",
            False,
            id="a probe that does not answer",
        ),
        pytest.param(
            pod("web-abc", waiting("ContainerCreating")),
            "pod web-abc: container main is not running yet (ContainerCreating)",
            False,
            id="a container that takes long to be made",
        ),
        pytest.param(
            pod("web-abc", ENDED, initContainerStatuses=[DONE]),
            "pod web-abc: container main has ended, the last run ended with Error (exit code 2)",
            False,
            id="a container that has ended; init containers that are done do not count",
        ),
    ],
)
def test_a_pod_says_what_is_wrong(found: Json, words: str, hopeless: bool) -> None:
    said = trouble([found], NOW)

    assert said is not None
    assert (said.message, said.hopeless) == (words, hopeless)


@pytest.mark.parametrize(
    "pods",
    [
        pytest.param([], id="no pods"),
        pytest.param([pod("web-abc", waiting("ContainerCreating"), age=5)], id="a pod that has just begun"),
        pytest.param([pod("job-abc", phase="Succeeded")], id="a pod that has done its work"),
        pytest.param(
            [pod("web-abc", waiting("ErrImagePull"), metadata={"deletionTimestamp": ago(1)})], id="a pod that goes"
        ),
        pytest.param([{"metadata": {"name": "odd", "uid": "x"}, "status": None}], id="a pod without a status"),
    ],
)
def test_nothing_is_said_where_nothing_is_wrong(pods: list[Json]) -> None:
    assert trouble(pods, NOW) is None


def test_the_most_telling_pod_speaks_for_all() -> None:
    pods = [
        pod("web-a", RUNNING),
        pod("web-b", conditions=[UNSCHEDULABLE]),
        pod("web-d", waiting("ImagePullBackOff"), age=60),
        pod("web-c", waiting("ImagePullBackOff"), age=60),
    ]

    assert trouble(pods, NOW) == Trouble("pod web-c: ImagePullBackOff", NOW - timedelta(seconds=60), False)


def test_what_was_wrong_with_the_old_revision_is_not_held_against_the_new_one() -> None:
    old = pod("old-a", waiting("ImagePullBackOff"), age=3600, revision="r1")
    new = pod("new-a", waiting("ContainerCreating"), age=2, revision="r2")

    said = trouble([old, new], NOW)

    assert said == Trouble("pod old-a: ImagePullBackOff", NOW - timedelta(seconds=3600), False)


def test_the_new_revision_speaks_first() -> None:
    old = pod("old-a", waiting("ImagePullBackOff"), age=3600, revision="r1")
    new = pod("new-a", RUNNING, age=30, revision="r2")

    said = trouble([old, new], NOW)

    assert said is not None
    assert said.message == "pod new-a: container main runs and is not ready"


def test_a_pod_that_pulled_for_long_before_it_failed_gets_its_grace() -> None:
    pulling = note(pod("web-abc", waiting("ContainerCreating"), age=600))
    failing = note(pod("web-abc", waiting("ErrImagePull"), age=600))

    seen = begun(pulling, failing, NOW)
    later = begun(seen, failing, NOW + timedelta(seconds=60))

    assert (seen.since, later.since) == (NOW, NOW)
    assert begun(None, failing, NOW).since == NOW - timedelta(seconds=600)


def test_limits_are_handed_in() -> None:
    stuck = note(pod("web-abc", waiting("ErrImagePull"), age=20))
    crashing = note(pod("web-abc", waiting("CrashLoopBackOff", restarts=50)))
    hasty = worst([stuck], NOW, Limits(grace_seconds=10))
    patient = worst([crashing], NOW, Limits(crashes=None))

    assert hasty is not None
    assert hasty.hopeless
    assert patient is not None
    assert not patient.hopeless
