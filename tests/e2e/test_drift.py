"""Drift: found by a watch where the operator may watch, at sync periods where not, and a fight is not fought for ever.

The first test runs with the role that deploy/ ships; the others with the component drift-watch besides, under which the
operator is started anew. Seconds are printed and not asserted: what is asserted is what was written, and how often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from cluster.audit import AuditLog, Call, writes
from cluster.find import Cluster
from lab import OPERATOR_USER, ROOT, Lab, OperatorProcess, inline, install, package, wait_until
from packhouse.api.names import OWNER_LABEL
from packhouse.domain.objects import owner_label

COMPONENTS = ROOT / "deploy" / "kustomize" / "components"
COLOR = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"shape": "round"}}, "data": {"color": "red"}}

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def granted(cluster: Cluster, component: str, resource: str, verb: str = "watch") -> None:
    """Apply a component of deploy/, and wait until Kubernetes has summed up the roles."""
    cluster.kubectl("apply", "-k", str(COMPONENTS / component))
    wait_until(
        f"the operator may {verb} {resource}",
        lambda: "yes" in cluster.kubectl("auth", "can-i", verb, resource, f"--as={OPERATOR_USER}", check=False).stdout,
    )


def taken_away(cluster: Cluster, component: str) -> None:
    cluster.kubectl("delete", "-k", str(COMPONENTS / component), "--ignore-not-found")


@pytest.fixture(scope="module")
def watched(operator: OperatorProcess, cluster: Cluster) -> Iterator[None]:
    """The operator may watch, and was started under that role."""
    granted(cluster, "drift-watch", "configmaps")
    again(operator)
    yield
    taken_away(cluster, "drift-watch")
    again(operator)


def again(operator: OperatorProcess) -> None:
    operator.stop()
    operator.start()


def config_map(name: str) -> str:
    return yaml.safe_dump({**COLOR, "metadata": {**COLOR["metadata"], "name": name}})  # type: ignore[dict-item]


@pytest.fixture
def place(lab: Lab, installer: str, unique: str) -> Iterator[Callable[..., str]]:
    """`place("a", "b", sync="10m")`: an install `web` of these ConfigMaps and `extra` files, at rest; its namespace."""

    def run(*names: str, sync: str = "10m", extra: dict[str, str] | None = None) -> str:
        files = {f"{name}.yaml": config_map(name) for name in names} | (extra or {})
        lab.apply(package(f"{unique}.example.com", "1.0.0", fetch=inline(files)))
        lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0", syncPeriod=sync))
        lab.settled("ipkg", "web", installer)
        time.sleep(0.5)  # the last events of our own writes are heard
        return installer

    yield run
    lab.delete("ipkg", "web", installer)
    lab.delete("package.package.carvel.dev", f"{unique}.example.com.1.0.0")


def applied(calls: Sequence[Call], namespace: str) -> list[tuple[str, str, str]]:
    """What the service accounts of the namespace wrote."""
    account = f"system:serviceaccount:{namespace}:installer"
    return sorted((call.verb, call.resource, call.name) for call in writes(calls) if call.user == account)


def statuses(calls: Sequence[Call], namespace: str) -> int:
    written = [call for call in writes(calls) if call.resource == "installedpackages/status"]
    return sum(call.namespace == namespace for call in written)


def as_wanted(lab: Lab, namespace: str, name: str) -> bool:
    found = lab.get("configmap", name, namespace)
    return found is not None and found["data"] == COLOR["data"] and found["metadata"]["labels"].get("shape") == "round"


def repaired(lab: Lab, namespace: str, what: str, *names: str) -> None:
    begin = time.monotonic()
    wait_until(f"{what}: repaired", lambda: all(as_wanted(lab, namespace, name) for name in names), 20, 0.02)
    print(f"{what}: seen repaired after {time.monotonic() - begin:.2f} s")  # noqa: T201


def rival_patch(lab: Lab, namespace: str, name: str, color: str) -> None:
    patch = f'{{"data": {{"color": "{color}"}}}}'
    command = ("patch", "configmap", name, "-n", namespace, "--type=merge", "--field-manager=rival", "-p", patch)
    lab.cluster.kubectl(*command, check=False)


# ---- without the role ------------------------------------------------------------------------------------


def test_without_the_role_nothing_is_watched_and_drift_is_repaired_at_the_sync_period(
    lab: Lab, place: Callable[..., str], audit: AuditLog
) -> None:
    position = audit.position()
    namespace = place("a", sync="1s")
    lab.delete("configmap", "a", namespace)
    repaired(lab, namespace, "deleted, and no role", "a")
    time.sleep(2)

    # Namespaces of tests before this one are still ending.
    here = [call for call in audit.since(position) if call.namespace in ("", namespace)]
    mine = [call for call in here if call.user == OPERATOR_USER]
    assert [call for call in mine if call.resource == "configmaps"] == []
    assert [call for call in mine if call.code == 403] == []
    assert sum(call.resource == "selfsubjectaccessreviews" for call in mine) <= 1
    looked = [call for call in audit.since(position) if call.user.endswith(f"{namespace}:installer")]
    assert sum((call.verb, call.resource) == ("get", "configmaps") for call in looked) >= 3


# ---- with the role ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("what", "happens"),
    [
        ("deleted", lambda lab, where: lab.delete("configmap", "a", where, wait=False)),
        ("changed", lambda lab, where: rival_patch(lab, where, "a", "blue")),
        ("label removed", lambda lab, where: lab.cluster.kubectl("label", "configmap", "a", "shape-", "-n", where)),
    ],
    ids=["deleted", "changed", "label-removed"],
)
def test_drift_is_repaired_at_once_and_once(
    lab: Lab, place: Callable[..., str], audit: AuditLog, what: str, happens: Callable[[Lab, str], Any]
) -> None:
    namespace = place("a", "b")
    position = audit.position()

    happens(lab, namespace)

    repaired(lab, namespace, what, "a")
    time.sleep(1.5)
    calls = audit.since(position)
    assert applied(calls, namespace) == [("patch", "configmaps", "a")]
    assert statuses(calls, namespace) == 2, "that it is at it, and that it is done"


@pytest.mark.usefixtures("watched")
def test_a_deletion_of_many_objects_is_one_repair(lab: Lab, place: Callable[..., str], audit: AuditLog) -> None:
    names = [f"n{number:02}" for number in range(20)]
    namespace = place(*names)
    position = audit.position()

    selector = quote(f"{OWNER_LABEL}={owner_label(f'{namespace}/web')}")
    lab.cluster.kubectl("delete", "--raw", f"/api/v1/namespaces/{namespace}/configmaps?labelSelector={selector}")

    repaired(lab, namespace, "20 deleted", *names)
    time.sleep(1.5)
    calls = audit.since(position)
    assert applied(calls, namespace) == [("patch", "configmaps", name) for name in names]
    assert statuses(calls, namespace) == 2


@pytest.mark.usefixtures("watched")
def test_at_rest_the_account_of_the_install_asks_nothing(lab: Lab, place: Callable[..., str], audit: AuditLog) -> None:
    namespace = place("a", "b", "c", sync="1s", extra={"workload.yaml": WORKLOAD})
    position = audit.position()

    time.sleep(4.5)

    users = (OPERATOR_USER, f"system:serviceaccount:{namespace}:")
    calls = [call for call in audit.since(position) if call.user.startswith(users)]
    assert [call for call in calls if call.namespace == namespace] == []
    lab.cluster.kubectl("scale", "deployment", "web", "--replicas=5", "-n", namespace)
    wait_until("the replicas are back", lambda: lab.get("deployment", "web", namespace)["spec"]["replicas"] == 2)  # type: ignore[index]
    lab.settled("ipkg", "web", namespace)
    written = applied(audit.since(position), namespace)
    assert written == [("patch", "deployments", "web")]


@contextmanager
def fighting(lab: Lab, namespace: str, name: str) -> Iterator[None]:
    """A controller that wants another color, and wants it several times a second."""
    ended = threading.Event()

    def fight() -> None:
        for number in range(1000):
            if ended.is_set():
                return
            rival_patch(lab, namespace, name, f"blue{number}")

    thread = threading.Thread(target=fight)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.usefixtures("watched")
def test_a_fight_is_noticed_left_alone_and_told_with_the_name_of_the_other(
    lab: Lab, place: Callable[..., str], audit: AuditLog
) -> None:
    namespace = place("a", "b", sync="12s")
    position = audit.position()

    with fighting(lab, namespace, "a"):
        told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Contested", seconds=20)
        lab.delete("configmap", "b", namespace)
        repaired(lab, namespace, "another object of the same install, deleted during the fight", "b")
        time.sleep(1)
        calls = audit.since(position)

    message = told["status"]["usefulErrorMessage"]
    for word in (f"ConfigMap {namespace}/a", ".data.color", "by rival", "remove it from the package", "stop rival"):
        assert word in message
    rivals = sum(call.verb == "patch" and call.name == "a" and "installer" not in call.user for call in calls)
    repairs = applied(calls, namespace)
    print(f"{rivals} patches of the rival, {repairs.count(('patch', 'configmaps', 'a'))} repairs")  # noqa: T201
    assert repairs == [("patch", "configmaps", "a")] * 3 + [("patch", "configmaps", "b")]
    assert rivals > 5
    lab.settled("ipkg", "web", namespace)  # the rival is gone: the next try holds
    assert as_wanted(lab, namespace, "a")


@pytest.mark.usefixtures("watched")
def test_secrets_are_followed_only_where_that_was_chosen(
    lab: Lab, place: Callable[..., str], operator: OperatorProcess
) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {a: b}\n"
    namespace = place("a", extra={"secret.yaml": secret})

    lab.delete("secret", "key", namespace)
    time.sleep(2)
    assert lab.get("secret", "key", namespace) is None

    granted(lab.cluster, "drift-watch-secrets", "secrets", "follow")
    try:
        again(operator)
        wait_until("the start found it", lambda: lab.get("secret", "key", namespace))
        lab.settled("ipkg", "web", namespace)
        time.sleep(0.5)
        lab.delete("secret", "key", namespace)
        begin = time.monotonic()
        wait_until("it is back", lambda: lab.get("secret", "key", namespace), 20, 0.02)
        lab.patch("secret", "key", {"data": {"a": "eA=="}}, namespace)
        wait_until("so is its content", lambda: lab.get("secret", "key", namespace)["data"] == {"a": "Yg=="}, 20, 0.02)
        print(f"Secret: back after {time.monotonic() - begin:.2f} s")  # noqa: T201
    finally:
        taken_away(lab.cluster, "drift-watch-secrets")
