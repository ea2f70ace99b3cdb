"""A roll-out: what is waited for and what status says of it, what fails fast, what supersedes it, what cancels it.

Pods are kwok's: ready at once, unless they ask for a node that does not exist. A Job that ends in `exit 1` fails.
"""

from __future__ import annotations

import json
import time

import pytest

from goods import NOWHERE, annotated, config_map, offer, there, workload
from lab import Json, Lab, OperatorProcess, account, find_condition, inline, install, package, wait_until

PARTS = (("deployment", "stuck"), ("configmap", "c"))


def ready_message(lab: Lab, namespace: str, name: str = "web") -> str:
    found = find_condition(lab.get("ipkg", name, namespace) or {}, "Ready") or {}
    return f"{found.get('status')} {found.get('reason')}: {found.get('message')}"


def test_an_install_is_ready_when_its_workloads_are(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("app", replicas=2), workload("once", kind="Job"), config_map("c"))
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    app, once = lab.get("deployment", "app", installer), lab.get("job", "once", installer)
    assert app is not None
    assert once is not None
    assert app["status"]["availableReplicas"] == 2
    assert once["status"]["succeeded"] == 1


def test_status_says_what_is_waited_for_with_the_pods_own_reason(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("stuck", **NOWHERE))
    lab.apply(install("web", installer, name, version="1.0.0"))

    said = wait_until(
        "the message names the Deployment and why its pod does not start",
        lambda: (text := ready_message(lab, installer)) and "stuck" in text and "Unschedulable" in text and text,
    )
    assert said.startswith("Unknown NotHealthy: waiting for")
    found = lab.get("ipkg", "web", installer)
    assert found is not None
    assert (find_condition(found, "Reconciling") or {})["status"] == "True"
    # What is in place is recorded while the rest is waited for.
    assert all(entry.get("uid") for entry in found["status"]["inventory"])


def test_what_does_not_become_ready_in_time_fails_and_is_ready_later_by_itself(
    lab: Lab, installer: str, unique: str
) -> None:
    name = offer(lab, unique, workload("stuck", nodeSelector={unique: "x"}))
    lab.apply(install("web", installer, name, version="1.0.0", deploy={"waitTimeout": "2s"}))
    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="WaitTimedOut")
    assert "stuck" in failed["status"]["usefulErrorMessage"]
    assert "waitTimeout" in failed["status"]["usefulErrorMessage"]

    # Such a node appears: the next look finds the workload ready, and nothing is applied again.
    lab.cluster.kubectl("label", "nodes", "--all", f"{unique}=x")
    lab.settled("ipkg", "web", installer)


def test_an_object_that_cannot_succeed_fails_at_once(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("migrate", kind="Job", command="exit 1"))
    started = time.monotonic()
    lab.apply(install("web", installer, name, version="1.0.0"))
    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="RolloutFailed")
    print(f"failed after {time.monotonic() - started:.1f} s; all objects had 15 minutes")  # noqa: T201
    assert "Job" in failed["status"]["usefulErrorMessage"]
    assert "migrate" in failed["status"]["usefulErrorMessage"]


@pytest.mark.parametrize(
    ("raw", "spec"),
    [
        pytest.param(["--wait=false"], {}, id="the package does not wait"),
        pytest.param(None, {"deploy": {"wait": False}}, id="the install does not wait"),
        pytest.param(["--wait=true", "--wait-timeout=1h"], {"deploy": {"wait": False}}, id="the install decides"),
    ],
)
def test_nothing_is_waited_for_where_that_is_said(
    lab: Lab, installer: str, unique: str, raw: list[str] | None, spec: Json
) -> None:
    name = offer(lab, unique, workload("stuck", **NOWHERE), raw=raw)
    lab.apply(install("web", installer, name, version="1.0.0", **spec))
    lab.settled("ipkg", "web", installer)


def test_an_object_that_says_so_is_not_waited_for(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, annotated(workload("stuck", **NOWHERE), disable_wait=""), workload("app"))
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)


def test_an_unknown_option_of_the_deploy_step_is_an_error_that_names_it(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, config_map("c"), raw=["--wait-timeot=5m"])
    lab.apply(install("web", installer, name, version="1.0.0"))
    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="UnsupportedStep")
    assert "--wait-timeot" in failed["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "c", installer) is None


def test_a_change_rule_holds_back_what_comes_after_until_what_comes_before_is_ready(
    lab: Lab, installer: str, unique: str
) -> None:
    name = offer(
        lab,
        unique,
        annotated(workload("database", nodeSelector={unique: "x"}), change_group="example.com/database"),
        annotated(config_map("schema"), change_rule="upsert after upserting example.com/database"),
    )
    lab.apply(install("web", installer, name, version="1.0.0"))
    wait_until("the first is waited for", lambda: "database" in ready_message(lab, installer))
    time.sleep(0.5)
    assert lab.get("configmap", "schema", installer) is None

    lab.cluster.kubectl("label", "nodes", "--all", f"{unique}=x")

    lab.settled("ipkg", "web", installer)
    assert lab.get("configmap", "schema", installer) is not None


def test_a_change_of_spec_supersedes_a_wait(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("stuck", **NOWHERE))
    offer(lab, unique, workload("stuck"), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    wait_until("it waits", lambda: "NotHealthy" in ready_message(lab, installer))

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    found = lab.settled("ipkg", "web", installer)
    assert found["status"]["version"] == "2.0.0"


def test_a_new_version_of_the_package_supersedes_a_wait(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("stuck", **NOWHERE))
    lab.apply(install("web", installer, name, constraint=">=1.0.0"))
    wait_until("it waits", lambda: "NotHealthy" in ready_message(lab, installer))
    offer(lab, unique, workload("stuck"), version="1.1.0")
    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.1.0")


def test_many_installs_that_wait_keep_no_other_from_being_installed(lab: Lab, installer: str, unique: str) -> None:
    for number in range(12):
        stuck = offer(lab, f"{unique}{number}", workload(f"stuck{number}", **NOWHERE))
        lab.apply(install(f"stuck{number}", installer, stuck, version="1.0.0"))
    wait_until(
        "all of them wait",
        lambda: all("NotHealthy" in ready_message(lab, installer, f"stuck{number}") for number in range(12)),
        seconds=60,
    )
    name = offer(lab, unique, config_map("c"))
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer, seconds=15)


def test_canceled_stops_a_running_apply_between_two_objects(lab: Lab, namespace: str, unique: str) -> None:
    lab.apply(*account(namespace))
    count = 600
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{{ n }}\ndata:\n  text: {{ 'x' * 2000 }}\n"
    many = f"{{% for n in range({count}) %}}---\n{one}{{% endfor %}}"
    lab.apply(package(f"{unique}.example.com", "1.0.0", fetch=inline({"all.yaml": many})))
    lab.apply(install("web", namespace, f"{unique}.example.com", version="1.0.0"))

    def made() -> int:
        return len(lab.cluster.kubectl("get", "configmaps", "-n", namespace, "-o", "name").stdout.splitlines())

    wait_until("some objects are there", lambda: made() > 20, seconds=60, poll_seconds=0.05)
    lab.patch("ipkg", "web", {"spec": {"canceled": True}}, namespace)
    canceled = time.monotonic()
    wait_until(
        "it says so", lambda: (lab.get("ipkg", "web", namespace) or {})["status"]["friendlyDescription"] == "Canceled"
    )
    print(f"canceled after {time.monotonic() - canceled:.2f} s with {made()} of {count} objects")  # noqa: T201
    stopped = made()
    time.sleep(1.0)
    assert made() == stopped < count

    lab.patch("ipkg", "web", {"spec": {"canceled": False}}, namespace)
    lab.settled("ipkg", "web", namespace, seconds=90)
    assert made() >= count


def test_two_namespaces_of_a_package_go_where_the_deploy_step_says(lab: Lab, installer: str, unique: str) -> None:
    other = {**config_map("there"), "metadata": {"name": "there", "namespace": "elsewhere"}}
    files = {"all.yaml": f"{json.dumps(config_map('here'))}\n---\n{json.dumps(other)}"}
    for version, kapp in (("1.0.0", {"intoNs": installer}), ("1.1.0", {"mapNs": [f"elsewhere={installer}"]})):
        lab.apply(package(f"{unique}.example.com", version, fetch=inline(files), deploy=[{"kapp": kapp}]))
        lab.apply(install("web", installer, f"{unique}.example.com", version=version))
        found = lab.settled("ipkg", "web", installer, when=lambda obj, v=version: obj["status"].get("version") == v)  # type: ignore[misc]
        refs = sorted(entry["ref"] for entry in found["status"]["inventory"])
        assert refs == [f"v1/ConfigMap/{installer}/here", f"v1/ConfigMap/{installer}/there"]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_operator_that_ends_in_the_middle_of_a_wait_goes_on_where_it_was(
    lab: Lab, operator: OperatorProcess, installer: str, unique: str, end: str
) -> None:
    name = offer(lab, unique, workload("stuck", nodeSelector={unique: "x"}), config_map("c"))
    lab.apply(install("web", installer, name, version="1.0.0"))
    wait_until("it waits", lambda: "NotHealthy" in ready_message(lab, installer))
    before = {kind: there(lab, kind, word, installer)["metadata"] for kind, word in PARTS}

    started = time.monotonic()
    if end == "kill":
        operator.kill()
    else:
        operator.stop()
    print(f"{end}: {time.monotonic() - started:.1f} s")  # noqa: T201
    operator.start()
    wait_until("it waits again", lambda: "NotHealthy" in ready_message(lab, installer))
    lab.cluster.kubectl("label", "nodes", "--all", f"{unique}=x")

    lab.settled("ipkg", "web", installer)
    for kind, word in PARTS:
        after = there(lab, kind, word, installer)["metadata"]
        assert (after["uid"], after.get("generation")) == (before[kind]["uid"], before[kind].get("generation"))


def test_a_deletion_ends_a_wait_at_once(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, workload("stuck", **NOWHERE))
    lab.apply(install("web", installer, name, version="1.0.0"))
    wait_until("it waits", lambda: "NotHealthy" in ready_message(lab, installer))
    lab.delete("ipkg", "web", installer, wait=False)
    lab.gone("ipkg", "web", installer, seconds=15)
    assert lab.get("deployment", "stuck", installer) is None
