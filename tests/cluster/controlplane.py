"""Starts a control plane of our own: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok.

Called by `find` with the place of each program. The API server, garbage collection, service accounts, RBAC and Pod
Security are real. Pods are not: kwok plays one node, by the rules in stages.yaml. All listens on loopback only.
"""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import credentials
from cluster.credentials import Caller
from cluster.processes import Programs, StartFailed, free_ports, start_programs

STAGES = Path(__file__).with_name("stages.yaml")
NODE_NAME = "fake-node"
ALL = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
AUDIT_LOG = Path("logs") / "audit.log"
_AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")
_ISSUER = "https://kubernetes.default.svc"

Locate = Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane: the admin's kubeconfig (mode 0600), its URL, and the programs behind it."""

    kubeconfig: Path
    server: str
    programs: Programs


def start(locate: Locate, keep_dir: Path | None = None) -> ControlPlane:
    """Start everything and return when the API server is ready; controllers and kwok come up behind it.

    `locate` gives the path of each program in ALL. Raises StartFailed; nothing runs then.
    """
    paths = {name: locate(name) for name in ALL}
    return start_programs("cluster", keep_dir, lambda programs: _start_once(programs, paths))


def _start_once(programs: Programs, paths: dict[str, Path]) -> ControlPlane:
    folder = programs.folder
    api_port, client_port, peer_port = free_ports(3)
    server = f"https://127.0.0.1:{api_port}"
    store = f"http://127.0.0.1:{client_port}"
    admin = credentials.new_caller("admin", "system:masters")
    kwok = credentials.new_caller("kwok", "system:masters")
    manager = credentials.new_caller("system:kube-controller-manager")
    scheduler = credentials.new_caller("system:kube-scheduler")
    credentials.write_private(folder / "tokens.csv", credentials.token_file([admin, kwok, manager, scheduler]))
    credentials.write_private(folder / "service-accounts.key", credentials.signing_key())
    shutil.rmtree(folder / "etcd", ignore_errors=True)
    shutil.rmtree(folder / "certs", ignore_errors=True)

    programs.start("etcd", [paths["etcd"], *_etcd_flags(store, f"http://127.0.0.1:{peer_port}")])
    programs.start("kube-apiserver", [paths["kube-apiserver"], *_apiserver_flags(store, api_port)])
    authority = folder / "certs" / "apiserver.crt"
    programs.wait_until(lambda: _ready(api_port, authority, admin), "ready")

    def config(caller: Caller, name: str) -> Path:
        return credentials.write_private(folder / name, credentials.kubeconfig(server, authority, caller))

    manager_config = config(manager, "kube-controller-manager.kubeconfig")
    programs.start("kube-controller-manager", [paths["kube-controller-manager"], *_manager_flags(manager_config)])
    scheduler_config = config(scheduler, "kube-scheduler.kubeconfig")
    programs.start("kube-scheduler", [paths["kube-scheduler"], *_scheduler_flags(scheduler_config)])
    _create_node(api_port, authority, admin)
    programs.start("kwok", [paths["kwok"], *_kwok_flags(config(kwok, "kwok.kubeconfig"))])
    return ControlPlane(config(admin, "kubeconfig"), server, programs)


def _etcd_flags(client: str, peer: str) -> list[str]:
    return [
        *("--name=default", "--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"),
    ]


def _apiserver_flags(store: str, port: int) -> list[str]:
    return [
        *(f"--etcd-servers={store}", f"--secure-port={port}", "--bind-address=127.0.0.1"),
        # the default reconciler refuses a loopback address
        *("--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--cert-dir=certs"),
        *("--token-auth-file=tokens.csv", "--authorization-mode=Node,RBAC", "--allow-privileged"),
        *(f"--service-account-issuer={_ISSUER}", "--service-account-key-file=service-accounts.key"),
        *("--service-account-signing-key-file=service-accounts.key", "--service-cluster-ip-range=10.0.0.0/24"),
        *(f"--audit-policy-file={_AUDIT_POLICY}", f"--audit-log-path={AUDIT_LOG}", "--audit-log-mode=blocking"),
    ]


def _manager_flags(kubeconfig: Path) -> list[str]:
    return [
        *(f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"),
        *("--service-account-private-key-file=service-accounts.key", "--root-ca-file=certs/apiserver.crt"),
        *("--use-service-account-credentials", "--kube-api-qps=200", "--kube-api-burst=400"),
    ]


def _scheduler_flags(kubeconfig: Path) -> list[str]:
    return [f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0"]


def _kwok_flags(kubeconfig: Path) -> list[str]:
    managed = "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake"  # a test may add some
    return [f"--kubeconfig={kubeconfig}", managed, f"--config={STAGES}", "--node-lease-duration-seconds=40"]


def _ready(port: int, authority: Path, caller: Caller) -> bool:
    try:
        return _call(port, authority, caller, "GET", "/readyz") == 200
    except (OSError, http.client.HTTPException):
        return False


def _create_node(port: int, authority: Path, caller: Caller) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE_NAME,
            "labels": {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
    }
    status = _call(port, authority, caller, "POST", "/api/v1/nodes", json.dumps(node))
    if status not in (201, 409):
        raise StartFailed(f"cluster: the API server answered {status} to the Node {NODE_NAME}")


def _call(port: int, authority: Path, caller: Caller, method: str, path: str, body: str | None = None) -> int:
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    try:
        headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
