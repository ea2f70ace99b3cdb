"""How live objects stand, kind by kind: what they say of themselves becomes ready, waiting or failed, with words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.domain.kapp.config_values import ConditionRule, WaitRule
from packhouse.domain.readiness import Readiness, State, needs_no_look, readiness
from packhouse.domain.readiness.reading import line
from packhouse.domain.readiness.summary import Standing, counted, named
from packhouse.domain.readiness.table import KINDS, NO_LOOK
from packhouse.domain.readiness.workloads import PodsOf, pods_of
from packhouse.ports import Json, Kind, Ref

READY, WAITING, FAILED = State.READY, State.WAITING, State.FAILED
#: Keys that statuses have, in places where they may not belong.
WORDS = (
    *("conditions", "type", "status", "reason", "message", "observedGeneration", "phase", "replicas", "selector"),
    *("matchLabels", "updatedReplicas", "containerStatuses", "state", "waiting", "terminated", "loadBalancer"),
    *("ingress", "updateStrategy", "rollingUpdate", "partition", "lastTransitionTime", "Ready", "True"),
)


def obj(kind: str, api: str = "v1", *, generation: int = 1, spec: Any = None, status: Any = None, **meta: Any) -> Json:
    found: Json = {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "generation": generation, **meta}}
    return found | ({"spec": spec} if spec is not None else {}) | ({"status": status} if status is not None else {})


def conditions(*words: str, **rest: Any) -> Json:
    """A status of conditions, each "Type=Status Reason: message", at generation 1 where `rest` says nothing else."""
    found = []
    for word in words:
        kind, _, said = word.partition("=")
        status, _, why = said.partition(" ")
        reason, _, message = why.partition(": ")
        found.append({"type": kind, "status": status, "reason": reason, "message": message})
    return {"conditions": found, **rest}


def deployment(status: Any = None, *, generation: int = 1, **spec: Any) -> Json:
    return obj("Deployment", "apps/v1", generation=generation, spec={"replicas": 3, **spec}, status=status)


def rolled(
    replicas: int = 3, updated: int = 3, available: int = 3, observed: int = 1, *words: str, **rest: Any
) -> Json:
    return conditions(
        *words,
        observedGeneration=observed,
        replicas=replicas,
        updatedReplicas=updated,
        availableReplicas=available,
        readyReplicas=available,
        **rest,
    )


def stateful(status: Any, *, replicas: int = 3, **strategy: Any) -> Json:
    return obj("StatefulSet", "apps/v1", spec={"replicas": replicas, "updateStrategy": strategy}, status=status)


def revisions(old: str, new: str) -> Json:
    return {"currentRevision": old, "updateRevision": new}


def daemons(wanted: int, updated: int, available: int, *, observed: int = 1, strategy: str = "RollingUpdate") -> Json:
    return obj(
        "DaemonSet",
        "apps/v1",
        spec={"updateStrategy": {"type": strategy}},
        status={
            "observedGeneration": observed,
            "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
        },
    )


def pod(phase: str, *words: str, **status: Any) -> Json:
    return obj("Pod", status=conditions(*words, phase=phase, **status))


def container(name: str = "main", *, restarts: int = 0, ready: bool = False, last: Any = None, **state: Any) -> Json:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, "lastState": last or {}}


def job(*words: str, suspend: bool = False, **status: Any) -> Json:
    return obj("Job", "batch/v1", spec={"completions": 2, "suspend": suspend}, status=conditions(*words, **status))


def claim(phase: str, **annotations: str) -> Json:
    return obj("PersistentVolumeClaim", status={"phase": phase}, annotations=annotations)


def crd(*words: str) -> Json:
    return obj("CustomResourceDefinition", "apiextensions.k8s.io/v1", status=conditions(*words))


def custom(*words: str, generation: int = 1, **status: Any) -> Json:
    return obj("Database", "example.com/v1", generation=generation, status=conditions(*words, **status))


def ours(*words: str, at: int = 1, **spec: Any) -> Json:
    found = conditions(*words)
    for condition in found["conditions"]:
        condition["observedGeneration"] = at
    return obj("InstalledPackage", "install.package.carvel.dev/v1alpha1", spec=spec, status=found)


def row(found: Json, state: State, words: str, says: str) -> Any:
    return pytest.param(found, state, words, id=says)


DEPLOYMENTS = [
    row(deployment(), WAITING, "not looked at it yet", "a new Deployment is waited for"),
    row(deployment(rolled()), READY, "", "a Deployment with all replicas updated and available is ready"),
    row(deployment(rolled(), generation=2), WAITING, "generation 2", "old numbers do not count after a change"),
    row(
        deployment(rolled(1, 1, 1)),
        WAITING,
        "1 of 3 replicas are updated",
        "missing replicas of the newest are waited for",
    ),
    row(deployment(rolled(4)), WAITING, "1 old replica is still there", "old replicas must go first"),
    row(deployment(rolled(5, 5, 5)), WAITING, "2 replicas are still there", "scaled down, the others must go"),
    row(deployment(rolled(3, 3, 1)), WAITING, "1 of 3 replicas are available", "replicas must be available"),
    row(deployment(rolled(0, 0, 0), replicas=0), READY, "", "a Deployment scaled to nothing is ready"),
    row(deployment(rolled(0, 0, 0), paused=True), READY, "paused", "a paused Deployment asks for no rollout"),
    row(
        deployment(rolled(3, 3, 1, 1, "Progressing=False ProgressDeadlineExceeded: has timed out progressing")),
        FAILED,
        "ProgressDeadlineExceeded: has timed out progressing",
        "a Deployment past its progress deadline has failed",
    ),
    row(
        deployment(
            rolled(3, 3, 1, 1, "Progressing=False ProgressDeadlineExceeded: has timed out progressing"), generation=2
        ),
        WAITING,
        "generation 2",
        "a deadline that the former rollout missed does not count",
    ),
    row(
        deployment(rolled(0, 0, 0, 1, "ReplicaFailure=True FailedCreate: exceeded quota: pods")),
        WAITING,
        "0 of 3 replicas are updated (FailedCreate: exceeded quota: pods)",
        "a quota that stops pods is named, and may be raised",
    ),
    row(
        deployment(rolled(0, 0, 0, 1, "Progressing=False ReplicaSetCreateError: denied by a webhook")),
        WAITING,
        "(ReplicaSetCreateError: denied by a webhook)",
        "a ReplicaSet that is refused is named, and may pass",
    ),
]

OTHER_WORKLOADS = [
    row(stateful(None), WAITING, "not looked at it yet", "a new StatefulSet is waited for"),
    row(
        stateful(rolled() | revisions("a", "a")),
        READY,
        "3 of 3",
        "a StatefulSet of one revision, all available, is ready",
    ),
    row(
        stateful(rolled(3, 1, 3) | revisions("a", "b")),
        WAITING,
        "1 of 3 replicas are updated",
        "a StatefulSet is updated pod by pod",
    ),
    row(
        stateful(rolled(3, 3, 3) | revisions("a", "b")),
        WAITING,
        "not finished the rollout",
        "a StatefulSet is done when its controller says that the revisions are one",
    ),
    row(
        stateful(rolled(3, 1, 3) | revisions("a", "b"), rollingUpdate={"partition": 2}),
        READY,
        "",
        "below the partition the old revision stays",
    ),
    row(
        stateful(rolled(3, 0, 3) | revisions("a", "b"), rollingUpdate={"partition": 2}),
        WAITING,
        "0 of 1 replicas are updated",
        "above the partition pods must be updated",
    ),
    row(
        stateful(rolled(3, 0, 3) | revisions("a", "b"), rollingUpdate={"partition": 3}),
        READY,
        "",
        "a partition over all pods updates none",
    ),
    row(
        stateful(rolled(3, 0, 3) | revisions("a", "b"), type="OnDelete"),
        READY,
        "",
        "with OnDelete old pods are as good",
    ),
    row(
        stateful(rolled(3, 0, 2) | revisions("a", "b"), type="OnDelete"),
        WAITING,
        "2 of 3 replicas are available",
        "with OnDelete pods must be available all the same",
    ),
    row(
        stateful({"observedGeneration": 1, "replicas": 3, "readyReplicas": 2}),
        WAITING,
        "2 of 3 replicas are available",
        "ready replicas count where nobody counts available ones",
    ),
    row(
        stateful(rolled(4) | revisions("a", "a")),
        WAITING,
        "1 replica is still there",
        "scaled down, the others must go",
    ),
    row(
        stateful(rolled(0, 0, 0) | revisions("a", "a"), replicas=0),
        READY,
        "",
        "a StatefulSet scaled to nothing is ready",
    ),
    row(obj("DaemonSet", "apps/v1"), WAITING, "not looked at it yet", "a new DaemonSet is waited for"),
    row(daemons(4, 4, 4), READY, "", "a DaemonSet on all its nodes is ready"),
    row(daemons(0, 0, 0), READY, "", "a DaemonSet that no node takes is ready"),
    row(daemons(4, 4, 4, observed=0), WAITING, "generation 1", "a DaemonSet's old numbers do not count"),
    row(daemons(4, 2, 4), WAITING, "2 of 4 pods are updated", "a DaemonSet is updated node by node"),
    row(daemons(4, 2, 4, strategy="OnDelete"), READY, "", "a DaemonSet with OnDelete keeps its old pods"),
    row(daemons(4, 4, 1), WAITING, "1 of 4 pods are available", "a DaemonSet's pods must be available"),
    row(
        obj("ReplicaSet", "apps/v1", spec={"replicas": 2}, status=rolled(2, 0, 2)),
        READY,
        "",
        "a ReplicaSet has one revision",
    ),
    row(
        obj("ReplicaSet", "apps/v1", spec={"replicas": 2}, status=rolled(2, 0, 1)),
        WAITING,
        "1 of 2 replicas are available",
        "a ReplicaSet's pods must be available",
    ),
    row(
        obj("ReplicaSet", "apps/v1", spec={"replicas": 0}, status=rolled(2, 0, 2)),
        WAITING,
        "2 replicas are still there",
        "a ReplicaSet that is scaled down must lose its pods",
    ),
    row(
        obj("ReplicationController", spec={"replicas": 1}, status=rolled(1, 0, 0)),
        WAITING,
        "0 of 1 replicas are available",
        "a ReplicationController is judged as a ReplicaSet",
    ),
]

PODS_AND_JOBS = [
    row(obj("Pod"), WAITING, "not seen by a scheduler", "a new Pod is waited for"),
    row(pod("Running", "Ready=True"), READY, "", "a Pod that is Ready is ready"),
    row(pod("Succeeded", "Ready=False PodCompleted"), READY, "", "a Pod that ended well is ready"),
    row(
        pod("Failed", containerStatuses=[container(terminated={"exitCode": 3, "reason": "Error"})]),
        FAILED,
        "container main ended with Error (exit code 3)",
        "a Pod that ended badly has failed",
    ),
    row(
        pod("Failed", reason="Evicted", message="low on memory"),
        FAILED,
        "Evicted: low on memory",
        "an evicted Pod is gone",
    ),
    row(
        pod("Pending", "PodScheduled=False Unschedulable: 0/1 nodes are available"),
        WAITING,
        "Unschedulable: 0/1 nodes are available",
        "a Pod without a node says why",
    ),
    row(
        pod("Pending", containerStatuses=[container(waiting={"reason": "ErrImagePull", "message": "not found"})]),
        WAITING,
        "ErrImagePull: not found",
        "a Pod without its image says so, and may get it",
    ),
    row(
        pod("Running", "Ready=False ContainersNotReady", containerStatuses=[container(running={})]),
        WAITING,
        "container main runs and is not ready",
        "a Pod whose probe does not answer is waited for",
    ),
    row(job(), WAITING, "0 of 2 completions are done", "a new Job is waited for"),
    row(job(active=1, failed=1), WAITING, "are done (pods: 1 active, 1 failed)", "a Job that runs is waited for"),
    row(job("Complete=True", succeeded=2), READY, "", "a complete Job is ready"),
    row(job("SuccessCriteriaMet=True"), WAITING, "", "a Job that ends its last pods is not done yet"),
    row(
        job("Failed=True BackoffLimitExceeded: reached the limit"),
        FAILED,
        "BackoffLimitExceeded",
        "a failed Job has failed",
    ),
    row(job("FailureTarget=True PodFailurePolicy"), FAILED, "PodFailurePolicy", "a Job that will fail has failed"),
    row(job("Suspended=True", suspend=True), READY, "suspended", "a suspended Job asks for no run"),
]

PARTS = [
    row(obj("Namespace", status={"phase": "Active"}), READY, "", "an active Namespace is ready"),
    row(obj("Namespace", status={"phase": "Terminating"}), WAITING, "Terminating", "a Namespace on its way out is not"),
    row(
        obj("Service", spec={"type": "ClusterIP", "clusterIP": "10.0.0.1"}),
        READY,
        "",
        "a Service is ready when it exists",
    ),
    row(obj("Service", spec={"clusterIP": "None"}), READY, "", "a headless Service too"),
    row(obj("Service", spec={"type": "ExternalName"}), READY, "", "and one that is but a name"),
    row(
        obj("Service", spec={"type": "LoadBalancer"}, status={"loadBalancer": {}}),
        WAITING,
        "no address yet",
        "a load balancer needs an address",
    ),
    row(
        obj("Service", spec={"type": "LoadBalancer"}, status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}),
        READY,
        "",
        "a load balancer with an address is ready",
    ),
    row(
        obj("Service", spec={"type": "LoadBalancer", "externalIPs": ["192.0.2.1"]}),
        READY,
        "",
        "external IPs are addresses",
    ),
    row(claim("Bound"), READY, "", "a bound claim is ready"),
    row(claim("Lost"), FAILED, "gone", "a claim that lost its volume has failed"),
    row(claim("Pending"), READY, "once a pod uses it", "a claim that waits for its first pod holds nothing up"),
    row(
        claim("Pending", **{"volume.kubernetes.io/storage-provisioner": "disks.example.com"}),
        WAITING,
        "disks.example.com has not made its volume yet",
        "a claim that a provisioner works on is waited for",
    ),
    row(obj("PersistentVolume", status={"phase": "Available"}), READY, "", "a volume that can be claimed is ready"),
    row(obj("PersistentVolume", status={"phase": "Pending"}), WAITING, "Pending", "a volume that is being made is not"),
    row(
        obj("PersistentVolume", status={"phase": "Failed", "message": "no plugin"}),
        FAILED,
        "no plugin",
        "a volume can fail",
    ),
    row(crd("NamesAccepted=True", "Established=True"), READY, "", "an established CRD is ready"),
    row(crd("NamesAccepted=True", "Established=False Installing"), WAITING, "", "a CRD that is being installed is not"),
    row(
        crd("NamesAccepted=False PluralConflict: webs is taken", "Established=False NotAccepted"),
        FAILED,
        "PluralConflict: webs is taken",
        "a CRD whose names are taken has failed",
    ),
    row(obj("APIService", "apiregistration.k8s.io/v1"), WAITING, "nobody has looked", "a new APIService is waited for"),
    row(
        obj("APIService", "apiregistration.k8s.io/v1", status=conditions("Available=False MissingEndpoints: none")),
        WAITING,
        "MissingEndpoints: none",
        "an APIService without endpoints is waited for",
    ),
    row(
        obj("APIService", "apiregistration.k8s.io/v1", status=conditions("Available=True Passed")),
        READY,
        "",
        "an available APIService is ready",
    ),
    row(
        obj("PodDisruptionBudget", "policy/v1"),
        WAITING,
        "not looked at it",
        "a budget is waited for until it is counted",
    ),
    row(
        obj("PodDisruptionBudget", "policy/v1", status={"observedGeneration": 1}),
        READY,
        "",
        "a counted budget is ready",
    ),
    row(
        obj("PodDisruptionBudget", "policy/v1", status=conditions("DisruptionAllowed=False SyncFailed: no controller")),
        READY,
        "SyncFailed",
        "a budget whose pods nobody can count holds nothing up",
    ),
    row(obj("HorizontalPodAutoscaler", "autoscaling/v2"), READY, "", "an autoscaler needs no metrics to be ready"),
    row(obj("Ingress", "networking.k8s.io/v1"), READY, "", "an Ingress needs no address to be ready"),
    row(obj("CronJob", "batch/v1"), READY, "", "a CronJob is ready before its first run"),
    row(obj("ConfigMap"), READY, "", "a ConfigMap is ready when it exists"),
]

OURS = [
    row(ours(), WAITING, "not reconciled yet", "a new install is waited for"),
    row(ours("ReconcileSucceeded=True"), READY, "", "a reconciled install is ready"),
    row(ours("ReconcileSucceeded=True", at=0), WAITING, "", "a success before the last change does not count"),
    row(
        ours("Reconciling=True Progressing: applying"), WAITING, "applying", "an install that is under way says how far"
    ),
    row(
        ours("ReconcileFailed=True ValuesInvalid: no map"), FAILED, "ValuesInvalid: no map", "only new values mend that"
    ),
    row(
        ours("ReconcileFailed=True PackageNotFound: none"), WAITING, "", "a repository of the same package may bring it"
    ),
    row(ours("ReconcileFailed=True FetchFailed: timeout"), WAITING, "FetchFailed", "what may pass is waited for"),
    row(ours("ReconcileFailed=True FromTheFuture: ?"), WAITING, "", "an unknown reason is waited for"),
    row(
        ours("ReconcileFailed=True ValuesInvalid", at=0), WAITING, "", "a failure before the last change does not count"
    ),
    row(ours(paused=True), READY, "spec.paused", "a paused install asks for nothing"),
]

CUSTOM = [
    row(obj("Database", "example.com/v1"), READY, "", "a custom resource that says nothing is ready"),
    row(obj("Database", "example.com/v1", status="odd"), READY, "", "a status that is no map says nothing"),
    row(
        obj("Database", "example.com/v1", status={"conditions": [None, {"status": "True"}, {"type": "Ready"}]}),
        WAITING,
        "Ready is not known",
        "broken conditions are passed over",
    ),
    row(custom(observedGeneration=1), READY, "", "its controller saw it, and that will do"),
    row(
        custom("Ready=True", generation=3, observedGeneration=2), WAITING, "generation 3", "an old Ready does not count"
    ),
    row(custom("Ready=True"), READY, "", "Ready is ready"),
    row(custom("Ready=False Pending: disks"), WAITING, "Ready is False (Pending: disks)", "not Ready is waited for"),
    row(custom("Ready=Unknown"), WAITING, "no reason given", "Ready may be unknown"),
    row(custom("Available=False Starting"), WAITING, "Available is False", "Available will do where there is no Ready"),
    row(custom("Ready=True", "Available=False"), READY, "", "Ready comes before Available"),
    row(custom("ReconcileSucceeded=True"), READY, "", "Carvel's kinds say ReconcileSucceeded"),
    row(custom("ReconcileFailed=True Failed: no"), FAILED, "", "and ReconcileFailed"),
    row(
        custom("Reconciling=True Working: at it", "Ready=True"),
        WAITING,
        "Working: at it",
        "Reconciling comes before Ready",
    ),
    row(custom("Reconciling=False", "Ready=True"), READY, "", "a Reconciling that is False says nothing"),
    row(
        custom("Stalled=True Broken: no such disk", "Ready=False"), FAILED, "Broken: no such disk", "Stalled has failed"
    ),
    row(custom("Stalled=False"), READY, "", "a Stalled that is False says nothing"),
    row(custom("Failed=True"), FAILED, "no reason given", "Failed has failed"),
    row(
        obj(
            "Database",
            "example.com/v1",
            generation=2,
            status={"conditions": [{"type": "Stalled", "status": "True", "observedGeneration": 1}]},
        ),
        READY,
        "",
        "a condition of an older generation has no say",
    ),
    row(
        obj(
            "Database",
            "example.com/v1",
            generation=2,
            status={"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]},
        ),
        WAITING,
        "generation 1 still",
        "a Ready of an older generation is waited for",
    ),
    row(
        obj("Service", "serving.example.com/v1", status=conditions("Ready=False")),
        WAITING,
        "",
        "the group tells kinds apart",
    ),
    row(
        obj("ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z"),
        WAITING,
        "being deleted",
        "what is on its way out is not ready",
    ),
    row(
        obj("ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["example.com/hold"]),
        WAITING,
        "held by example.com/hold",
        "and what holds it is named",
    ),
]


@pytest.mark.parametrize(
    ("found", "state", "words"), [*DEPLOYMENTS, *OTHER_WORKLOADS, *PODS_AND_JOBS, *PARTS, *OURS, *CUSTOM]
)
def test_an_object_stands_as_it_says(found: Json, state: State, words: str) -> None:
    verdict = readiness(found)

    assert (verdict.state, words in verdict.message) == (state, True), verdict
    assert verdict.message


def rule(*matchers: ConditionRule, observed: bool = False) -> WaitRule:
    return WaitRule(lambda found: found["kind"] == "Database", matchers, observed)


UP = ConditionRule("Up", "True", success=True)
DOWN = ConditionRule("Down", "True", failure=True)
SEEN = ConditionRule("Seen", "True", unblocks=True)


@pytest.mark.parametrize(
    ("found", "waits", "expected"),
    [
        pytest.param(custom("Up=True"), rule(UP), READY, id="the condition that the rule names means success"),
        pytest.param(custom("Ready=True"), rule(UP), WAITING, id="no other condition does"),
        pytest.param(custom("Up=True", "Down=True"), rule(UP, DOWN), FAILED, id="a failure counts before a success"),
        pytest.param(custom("Up=True"), rule(UP, observed=True), WAITING, id="not before the generation is observed"),
        pytest.param(custom("Up=True", observedGeneration=1), rule(UP, observed=True), READY, id="but once it is"),
        pytest.param(
            custom("Up=True"),
            rule(ConditionRule("Up", "True", success=True, observed_generation=True)),
            WAITING,
            id="a condition may have to be of this generation",
        ),
        pytest.param(
            obj("Cache", "example.com/v1", status=conditions("Ready=False")),
            rule(UP),
            WAITING,
            id="what no rule matches is judged as ever",
        ),
    ],
)
def test_wait_rules_come_first(found: Json, waits: WaitRule, expected: State) -> None:
    assert readiness(found, [waits]).state is expected


def test_a_rule_may_unblock_what_comes_after_an_object_that_is_not_ready() -> None:
    assert readiness(custom("Seen=True"), [rule(UP, SEEN)]) == Readiness(
        WAITING, "its conditions do not have Up=True yet", unblocks=True
    )
    assert readiness(custom(), [rule(UP, SEEN)]).unblocks is False


def test_the_words_of_others_are_one_short_line() -> None:
    verdict = readiness(custom(f"Ready=False Broken: {'long ' * 200}\nand more"))

    assert "\n" not in verdict.message
    assert len(verdict.message) < 300
    assert line("a\n  b") == "a b"


def test_no_kind_is_looked_at_in_vain() -> None:
    assert needs_no_look(Kind("", "v1", "Secret"))
    assert needs_no_look(Kind("rbac.authorization.k8s.io", "v1", "ClusterRole"))
    assert not needs_no_look(Kind("apps", "v1", "Deployment"))
    assert not needs_no_look(Kind("example.com", "v1", "Secret"))
    assert NO_LOOK.isdisjoint(KINDS)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            deployment(rolled(), selector={"matchLabels": {"app": "web", "tier": "front"}}),
            PodsOf("app=web,tier=front", True, True),
            id="a Deployment selects by its labels",
        ),
        pytest.param(
            deployment(rolled(3, 0, 3), selector={"matchLabels": {"app": "web"}}),
            PodsOf("app=web", False, True),
            id="without an updated replica all pods are old ones",
        ),
        pytest.param(
            deployment(rolled(), generation=2, selector={"matchLabels": {"app": "web"}}),
            PodsOf("app=web", False, True),
            id="before its controller looked all pods are old ones",
        ),
        pytest.param(
            obj("ReplicationController", spec={"selector": {"app": "web"}}),
            PodsOf("app=web", True, True),
            id="a ReplicationController selects by labels alone",
        ),
        pytest.param(
            obj("Job", "batch/v1", spec={"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}}),
            PodsOf("batch.kubernetes.io/controller-uid=u", True, False),
            id="a Job counts its crashes itself",
        ),
        pytest.param(
            deployment(rolled(), selector={"matchLabels": {"app": "web"}, "matchExpressions": [{}]}),
            None,
            id="other selectors are left alone",
        ),
        pytest.param(obj("Job", "example.com/v1", spec={"selector": {"app": "web"}}), None, id="another group's Job"),
        pytest.param(obj("ConfigMap"), None, id="a kind without pods"),
    ],
)
def test_the_pods_of_a_workload_are_found_by_its_selector(found: Json, expected: PodsOf | None) -> None:
    assert pods_of(found) == expected


def test_a_summary_names_three_objects_and_counts_the_others() -> None:
    web = Standing(Ref(Kind("apps", "v1", "Deployment"), "demo", "web"), "1 of 3 replicas are available")
    crd = Standing(Ref(Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), "", "webs"), "not established")
    stuck = Standing(web.ref, web.message, "pod web-abc: ErrImagePull")

    assert named([stuck, crd]) == (
        "Deployment demo/web: 1 of 3 replicas are available (pod web-abc: ErrImagePull); "
        "CustomResourceDefinition webs: not established"
    )
    assert named([web] * 5).endswith("; and 2 more")
    assert [counted(1, 1), counted(2, 21)] == ["1 of 1 object", "2 of 21 objects"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(kind=st.sampled_from([*KINDS, "Database.example.com"]), spec=ANYTHING, status=ANYTHING)
def test_whatever_somebody_wrote_there_is_a_verdict(kind: str, spec: Any, status: Any) -> None:
    name, _, group = kind.partition(".")
    found = obj(name, f"{group}/v1" if group else "v1", spec=spec, status=status)

    assert readiness(found).state in State
    pods_of(found)
