"""The cluster itself holds what other tests rely on. Real: everything but the node, which kwok plays."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from cluster.find import Cluster, KubectlFailed, run_kubectl
from cluster.registry import LocalRegistry

IMAGE = "registry.k8s.io/pause:3.10"  # a cluster with real nodes pulls it


def workload(name: str, **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": IMAGE}], **spec},
    }
    return {"selector": {"matchLabels": {"app": name}}, "template": template}


def test_the_server_tells_a_version_that_clients_accept(cluster: Cluster) -> None:
    version = json.loads(cluster.kubectl("version", "-o", "json").stdout)["serverVersion"]
    assert (int(version["major"]), int(version["minor"]) >= 29) == (1, True)


def test_the_kubeconfig_is_readable_by_its_owner_only(cluster: Cluster) -> None:
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_a_requested_token_acts_as_its_service_account(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.kubectl("create", "serviceaccount", "someone", "-n", namespace)
    token = cluster.kubectl("create", "token", "someone", "-n", namespace).stdout.strip()
    config = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json").stdout)
    config["users"][0]["user"] = {"token": token}
    own = tmp_path / "kubeconfig"
    own.write_text(json.dumps(config))
    who = json.loads(run_kubectl(own, "auth", "whoami", "-o", "json").stdout)
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:someone"
    assert run_kubectl(own, "get", "secrets", "-n", namespace, check=False).returncode != 0


def test_a_deleted_namespace_takes_its_objects_and_goes(cluster: Cluster) -> None:
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("create", "configmap", "content", "-n", name)
    cluster.kubectl("delete", "namespace", name, "--timeout=60s")
    assert cluster.kubectl("get", "namespace", name, "--ignore-not-found").stdout == ""


def test_garbage_collection_removes_what_an_owner_owned(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "owner", "-n", namespace)
    uid = cluster.kubectl("get", "configmap", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}").stdout
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [reference]}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(owned))
    cluster.kubectl("delete", "configmap", "owner", "-n", namespace)
    cluster.kubectl("wait", "--for=delete", "configmap/owned", "-n", namespace, "--timeout=60s")


def test_two_replicas_become_ready(cluster: Cluster, namespace: str) -> None:
    cluster.wait_for_service_account(namespace)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, **workload("web")},
    }
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(deployment))
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=90s")
    ready = cluster.kubectl(
        "get", "deployment", "web", "-n", namespace, "-o", "jsonpath={.status.readyReplicas}"
    ).stdout
    assert ready == "2"


@pytest.mark.parametrize(("script", "condition"), [("exit 0", "Complete"), ("exit 1", "Failed")])
def test_a_job_ends_as_its_script_says(cluster: Cluster, namespace: str, script: str, condition: str) -> None:
    cluster.wait_for_service_account(namespace)
    pod = {
        "containers": [{"name": "main", "image": "busybox:1.37", "command": ["sh", "-c", script]}],
        "restartPolicy": "Never",
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(job))
    cluster.kubectl("wait", f"--for=condition={condition}", "job/once", "-n", namespace, "--timeout=90s")


def test_pod_security_refuses_a_privileged_pod(cluster: Cluster, namespace: str) -> None:
    cluster.wait_for_service_account(namespace)
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    container = {"name": "main", "image": IMAGE, "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "strong"}, "spec": {"containers": [container]}}
    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        cluster.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(pod))


def answer(host: str, path: str, credentials: str | None = None) -> int:
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        headers = {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"} if credentials else {}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_registry_answers_and_logs_each_request(registry: LocalRegistry) -> None:
    repository = f"nothing-{secrets.token_hex(4)}"
    assert answer(registry.host, "/v2/") == 200
    assert answer(registry.host, f"/v2/{repository}/tags/list") == 404
    limit = time.monotonic() + 5
    while repository not in registry.log.read_text() and time.monotonic() < limit:
        time.sleep(0.05)
    assert repository in registry.log.read_text()


@pytest.mark.parametrize(("password", "status"), [(None, 401), ("wrong", 401), ("right", 200)])
def test_the_registry_with_users_asks_for_the_password(
    auth_registry: LocalRegistry, password: str | None, status: int
) -> None:
    known = auth_registry.password if password == "right" else password
    given = f"{auth_registry.username}:{known}" if password else None
    assert answer(auth_registry.host, "/v2/", given) == status


def test_helm_renders_a_chart_of_its_own(helm: Path, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for arguments in (["create", "web"], ["template", "release", "web"]):
        done = subprocess.run([helm, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert "kind: Deployment" in done.stdout


@pytest.mark.usefixtures("cluster", "registry")  # what it starts is built before the test, and it is marked
def test_up_serves_until_it_is_told_to_stop_and_leaves_nothing_running(tmp_path: Path) -> None:
    source = Path(__file__).parents[1]
    command = [sys.executable, "-m", "cluster", "up", "--keep-dir", str(tmp_path)]
    with subprocess.Popen(command, cwd=source, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = dict(line.strip().partition("=")[::2] for line in itertools.islice(process.stdout, 3))
        run_kubectl(Path(told["KUBECONFIG"]), "get", "namespaces")
        assert answer(told["REGISTRY"], "/v2/") == 200
        process.terminate()
        assert process.wait(timeout=30) == 0
    with pytest.raises(ConnectionRefusedError):
        answer(told["REGISTRY"], "/v2/")
    assert (tmp_path / "registry" / "logs" / "registry.log").is_file()
