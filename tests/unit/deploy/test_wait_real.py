"""Waiting on a real API server, with real controllers and a real scheduler, and pods that kwok plays.

What kwok cannot play, an image that does not come, is written into the status of a pod that no node takes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.find import Cluster as ControlPlane
from packhouse.api.errors import DeployFailed, Forbidden, RolloutFailed, Superseded, WaitTimedOut
from packhouse.connected import Connected, connected
from packhouse.deploy.wait import Waited, wait_ready
from packhouse.domain.objects import owned, owner_label, ref_of
from packhouse.ports import Cluster, Json
from packhouse.settings import Settings

OWNER = "demo/web"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
async def link(cluster: ControlPlane) -> AsyncIterator[Connected]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as opened:
        yield opened


class Install:
    """Applies and waits; `told` keeps what it said."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.told: list[str] = []
        self.superseded = False

    async def have(self, *objects: Json) -> list[Waited]:
        applied = [await self.cluster.apply(owned(obj, OWNER), manager="packhouse") for obj in objects]
        return [Waited(ref_of(obj), obj["metadata"]["uid"]) for obj in applied]

    async def ready(self, waited: Sequence[Waited], *, seconds: float = 30.0, by: Cluster | None = None) -> None:
        before = asyncio.all_tasks()
        try:
            await wait_ready(
                by or self.cluster,
                waited,
                owner_label=owner_label(OWNER),
                waits=(),
                timeout_seconds=seconds,
                stop=self._stop,
                tell=self._tell,
                now=lambda: datetime.now(UTC),
            )
        finally:
            assert asyncio.all_tasks() == before

    async def heard(self, words: str, seconds: float = 20.0) -> str:
        async with asyncio.timeout(seconds):
            while not (found := [message for message in self.told if words in message]):
                await asyncio.sleep(0.05)
        return found[0]

    def _stop(self) -> None:
        if self.superseded:
            raise Superseded("the spec changed")

    async def _tell(self, message: str) -> None:
        self.told.append(message)


@pytest.fixture
def install(link: Connected) -> Install:
    return Install(link.cluster)


def template(app: str, **spec: Any) -> Json:
    whole = {"containers": [{"name": "main", "image": "registry.invalid/web:1", **spec.pop("main", {})}], **spec}
    return {"metadata": {"labels": {"app": app}}, "spec": whole}


def deployment(namespace: str, name: str = "web", *, replicas: int = 2, **spec: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, **spec),
        },
    }


def nowhere(namespace: str, name: str = "web", **spec: Any) -> Json:
    """A Deployment whose pods no node takes."""
    return deployment(namespace, name, replicas=1, nodeSelector={"example.com/no": "node"}, **spec)


def others(namespace: str) -> list[Json]:
    """One of each kind that has a status of its own."""
    meta = {"namespace": namespace}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db", **meta},
            "spec": {
                "replicas": 2,
                "serviceName": "db",
                "selector": {"matchLabels": {"app": "db"}},
                "template": template("db"),
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "agent", **meta},
            "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("agent")},
        },
        job(namespace, "setup", "true"),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", **meta}, "spec": {"ports": [{"port": 80}]}},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", **meta},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "db", **meta},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "db"}}},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", **meta}, "spec": template("alone")["spec"]},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", **meta}},
    ]


def job(namespace: str, name: str, command: str) -> Json:
    spec = template(name, restartPolicy="Never", main={"command": ["sh", "-c", command]})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": spec},
    }


def no_image(cluster: ControlPlane, namespace: str, app: str, *, since_seconds: float) -> str:
    """Make the pods of `app` say that their image does not come; the name of one."""
    since = (datetime.now(UTC) - timedelta(seconds=since_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "registry.invalid/web:1"'}
    status = {
        "conditions": [{"type": "ContainersReady", "status": "False", "lastTransitionTime": since}],
        "containerStatuses": [
            {
                "name": "main",
                "image": "registry.invalid/web:1",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"waiting": waiting},
            }
        ],
    }
    found = json.loads(cluster.kubectl("get", "pod", "-n", namespace, "-l", f"app={app}", "-o", "json").stdout)["items"]
    for pod in found:
        name = pod["metadata"]["name"]
        cluster.kubectl(
            "patch", "pod", name, "-n", namespace, "--subresource=status", "-p", json.dumps({"status": status})
        )
    return str(found[-1]["metadata"]["name"])


def rights(namespace: str, account: str, *rules: Json) -> list[Json]:
    meta = {"name": account, "namespace": namespace}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": account}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": list(rules)},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": reference,
            "subjects": [subject],
        },
    ]


async def test_a_package_of_many_kinds_becomes_ready(install: Install, namespace: str) -> None:
    waited = await install.have(deployment(namespace), *others(namespace))

    await install.ready(waited)


async def test_a_job_that_fails_ends_the_wait_at_once_and_names_its_pod(install: Install, namespace: str) -> None:
    waited = await install.have(job(namespace, "setup", "exit 1"), nowhere(namespace))

    with pytest.raises(RolloutFailed) as failed:
        await install.ready(waited)

    assert f"Job {namespace}/setup: it has failed (BackoffLimitExceeded: " in failed.value.message
    assert "container main ended with Error (exit code 1))" in failed.value.message


async def test_pods_say_why_and_end_the_wait_when_it_lasts(
    install: Install, cluster: ControlPlane, namespace: str
) -> None:
    waited = await install.have(nowhere(namespace))
    waiting = asyncio.create_task(install.ready(waited))
    await install.heard("Unschedulable: 0/1 nodes are available")

    name = no_image(cluster, namespace, "web", since_seconds=1)
    await install.heard(f"0 of 1 replicas are available (pod {name}: ImagePullBackOff: Back-off pulling image")
    assert not waiting.done()
    # Its trouble is counted from when it was first heard of; another wait knows no better than the pod itself.
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    no_image(cluster, namespace, "web", since_seconds=600)

    with pytest.raises(RolloutFailed, match=f"pod {name}: ImagePullBackOff"):
        await install.ready(waited)


async def test_a_good_revision_after_a_bad_one_is_waited_for(
    install: Install, cluster: ControlPlane, namespace: str
) -> None:
    bad = await install.have(nowhere(namespace))
    with pytest.raises(WaitTimedOut, match="Unschedulable"):
        await install.ready(bad, seconds=2)
    no_image(cluster, namespace, "web", since_seconds=600)

    await install.ready(await install.have(deployment(namespace, replicas=1)))


async def test_an_account_that_may_only_get_waits_as_well(
    install: Install, link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    may_get = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
    for obj in rights(namespace, "reader", may_get):
        await link.cluster.apply(obj, manager="test")
    reader = link.identities.of(namespace, "reader")
    waited = await install.have(nowhere(namespace))
    waiting = asyncio.create_task(install.ready(waited, by=reader))

    await install.heard("0 of 1 replicas are available")
    await install.have(deployment(namespace, replicas=1))

    await waiting
    with pytest.raises(Forbidden, match="jobs"):
        await install.ready(await install.have(job(namespace, "setup", "true")), by=reader)


async def test_a_label_that_is_taken_off_ends_no_wait_and_a_deletion_does(
    install: Install, cluster: ControlPlane, namespace: str
) -> None:
    waited = await install.have(nowhere(namespace, "web"), nowhere(namespace, "api"))
    waiting = asyncio.create_task(install.ready(waited))
    await install.heard("2 of 2")

    cluster.kubectl("label", "deployment", "web", "-n", namespace, "install.package.carvel.dev/owner-")
    await asyncio.sleep(1)
    assert not waiting.done()
    cluster.kubectl("delete", "deployment", "api", "-n", namespace, "--wait=false")

    with pytest.raises(DeployFailed, match="somebody deleted it"):
        await asyncio.wait_for(waiting, 10)


async def test_a_change_of_the_spec_ends_the_wait_within_a_second(install: Install, namespace: str) -> None:
    waited = await install.have(nowhere(namespace))
    waiting = asyncio.create_task(install.ready(waited))
    await install.heard("waiting for")

    install.superseded = True

    with pytest.raises(Superseded):
        await asyncio.wait_for(waiting, 1.5)
