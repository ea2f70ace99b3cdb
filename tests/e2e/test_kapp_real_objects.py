"""What real packages say in kapp's words is done: their own objects, installed, upgraded and deleted.

One table: a row takes the objects out of the conformance folder as they were rendered, moves them into the namespace of
the test, gives names of its own to what has no namespace, and asserts on the state of the cluster. What Configs say is
the table of test_kapp_real_configs.py. The last test reads the sources of all packages and names whatever no row is
about. Skipped where the folder is absent.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
import test_kapp_real_configs

import conformance
from cluster.find import Cluster
from cluster.registry import LocalRegistry
from conformance import KAPP
from goods import NOWHERE, offer, there
from lab import (
    OPERATOR_NAMESPACE,
    Json,
    Lab,
    OperatorProcess,
    Stream,
    account,
    find_condition,
    install,
    wait_until,
)
from one_install import CHANGES, Stage, changed, differing, on_stage
from packhouse.api.names import OWNER_ANNOTATION, OWNER_LABEL
from real_objects import Said, deploy_step, function, rendered, saying, source, words

pytestmark = [conformance.needed, pytest.mark.timeout(120)]

CONTROLLERS = "calico-kube-controllers"
SRIOV = "sriov-network-device-plugin/3.3.2/bundle/config"


@pytest.fixture
def stage(lab: Lab, namespace: str, unique: str, impatient: Stream) -> Iterator[Stage]:
    with on_stage(lab, namespace, unique) as stage:
        yield stage


@pytest.fixture(scope="module")
def impatient(operator: OperatorProcess, cluster: Cluster, registry: LocalRegistry) -> Iterator[Stream]:
    """What becomes of an install of calico's that is never ready. It waits as calico asks, while other rows run."""
    lab, namespace = Lab(cluster, registry.host), f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", namespace)
    workload, service_account = (rendered("calico", kind, CONTROLLERS) for kind in ("Deployment", "ServiceAccount"))
    workload["spec"]["template"]["spec"] |= NOWHERE
    for obj in (workload, service_account):
        obj["metadata"]["namespace"] = namespace
    name = offer(lab, namespace, workload, service_account, raw=deploy_step("calico")["rawOptions"])
    lab.apply(*account(namespace), install("web", namespace, name, version="1.0.0"))
    with lab.watching("ipkg", namespace) as stream:
        yield stream
    lab.delete("ipkg", "web", namespace)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


# ---- what is shown ---------------------------------------------------------------------------------------


def is_made_once(stage: Stage, said: Said) -> None:
    obj = stage.here(said.obj)
    kind, name = obj["kind"], obj["metadata"]["name"]
    key = sorted(obj["data"])[0]
    stage.install(obj, syncPeriod="1s")
    assert stage.live(kind, name)["data"] == obj["data"]

    stage.lab.patch(kind, name, {"data": {key: "theirs", "their-own": "x"}}, stage.namespace)
    theirs = {**obj["data"], key: "theirs", "their-own": "x"}
    found = stage.upgrade(changed(obj, "data", key, value="newer"))
    time.sleep(2.5)  # two sync periods
    assert stage.live(kind, name)["data"] == theirs
    assert len(found["status"]["inventory"]) == 1

    stage.delete()
    assert stage.lab.get(kind, name, stage.namespace) is None


def is_replaced_where_it_must_be(stage: Stage, said: Said) -> None:
    obj = stage.here(said.obj)
    kind, name = obj["kind"], obj["metadata"]["name"]
    assert kind in CHANGES, f"say in CHANGES what can change in a {kind}, and what cannot"
    in_place, refused = CHANGES[kind]
    stage.install(obj)
    first = stage.uid(kind, name)

    obj = in_place(obj)
    assert stage.upgrade(obj)["status"]["deploy"]["replaced"] == 0
    assert stage.uid(kind, name) == first

    obj = refused(obj)
    found = stage.upgrade(obj)
    assert found["status"]["deploy"]["replaced"] == 1
    assert len(found["status"]["inventory"]) == 1
    assert stage.uid(kind, name) != first
    assert differing(stage.live(kind, name), obj) == []


def is_replaced_at_every_change(stage: Stage, said: Said) -> None:
    obj = stage.here(said.obj)
    kind, name = obj["kind"], obj["metadata"]["name"]
    in_place, _ = CHANGES[kind]
    stage.install(obj)
    first = stage.uid(kind, name)
    assert stage.look_again() == []
    assert stage.uid(kind, name) == first

    stage.upgrade(in_place(obj))
    assert stage.uid(kind, name) != first
    assert differing(stage.live(kind, name), in_place(obj)) == []


def stays_behind(stage: Stage, said: Said) -> None:
    obj = said.obj
    assert obj["kind"] == "Namespace"
    obj["metadata"]["name"] = stage.unique
    stage.leftovers.append(("namespace", stage.unique))
    stage.install(obj)
    assert OWNER_LABEL in there(stage.lab, "namespace", stage.unique)["metadata"]["labels"]

    stage.delete()

    left = there(stage.lab, "namespace", stage.unique)
    assert left["status"]["phase"] == "Active"
    assert OWNER_LABEL not in left["metadata"]["labels"]
    assert OWNER_ANNOTATION not in left["metadata"].get("annotations", {})
    events = stage.lab.list("events.events.k8s.io", OPERATOR_NAMESPACE)
    [event] = [event for event in events if event["regarding"].get("namespace") == stage.namespace]
    assert event["reason"] == "ObjectsKept"
    assert f"Namespace {stage.unique} (" in event["note"]


def comes_before_what_names_it(stage: Stage, said: Said) -> None:
    group = said.obj["metadata"]["annotations"][f"{KAPP}change-group"]
    [rule] = [later for later in saying("change-rule") if later.package == said.package]
    assert rule.obj["metadata"]["annotations"][f"{KAPP}change-rule"] == f"upsert after upserting {group}"
    service_account = rendered(said.package, "ServiceAccount", rule.obj["spec"]["template"]["spec"]["serviceAccount"])
    objects = [stage.here(obj) for obj in (rule.obj, service_account, said.obj)]
    assert order_of(stage, objects) == ["configmaps", "deployments"]

    # So would the order of kinds have it. With the same words on the other object, it is the other way round.
    stage.delete()
    later, earlier = (obj["metadata"] for obj in (objects[0], objects[2]))
    later["annotations"], earlier["annotations"] = earlier["annotations"], later["annotations"]
    assert order_of(stage, objects) == ["deployments", "configmaps"]


def order_of(stage: Stage, objects: Sequence[Json]) -> list[str]:
    """ConfigMaps and Deployments in the order in which an install of `objects` first writes them."""
    calls = stage.writes_of(lambda: stage.install(*objects, wait=True))
    return list(dict.fromkeys(call.resource for call in calls if call.resource in {"configmaps", "deployments"}))


def keeps_its_selector(stage: Stage, said: Said) -> None:
    obj = stage.here(said.obj)
    stage.install(obj)
    live = stage.live(obj["kind"], obj["metadata"]["name"])
    assert live["spec"]["selector"] == obj["spec"]["selector"]
    assert live["spec"]["template"]["metadata"]["labels"] == obj["spec"]["template"]["metadata"]["labels"]


def is_not_waited_for(stage: Stage) -> None:
    claim = stage.here(rendered("grafana", "PersistentVolumeClaim", "grafana-pvc"))
    stage.install(changed(claim, "metadata", "annotations", value={f"{KAPP}disable-wait": ""}), wait=True)
    assert stage.live("pvc", "grafana-pvc")["status"]["phase"] == "Pending"


def takes_its_claims_along(stage: Stage) -> None:
    """No rendered output has a claim template. The package's own function is there to annotate one."""
    objects = [
        stage.here(rendered("load-balancer-and-ingress-service", kind, name))
        for kind, name in (("StatefulSet", "ako"), ("ServiceAccount", "ako-sa"))
    ]
    claim = rendered("grafana", "PersistentVolumeClaim", "grafana-pvc")
    template = {"metadata": {"name": "data", "annotations": {f"{KAPP}owned-for-deletion": ""}}, "spec": claim["spec"]}
    objects[0]["spec"]["volumeClaimTemplates"] = [template]
    stage.install(*objects)
    wait_until("the claim is made", lambda: stage.names("pvc", "data-ako-") == {"data-ako-0"})
    stage.delete()
    wait_until("the claim is gone", lambda: not stage.names("pvc", "data-ako-"))


def sriov() -> tuple[Json, Json]:
    config = function(f"{SRIOV}/sriov-network-device-plugin.lib.yaml", "get_template_configmap")
    config["data"] = source(f"{SRIOV}/upstream/configMap.yaml")["data"]
    return config, function(f"{SRIOV}/sriov-network-device-plugin.lib.yaml", "get_template_daemonset")


def prometheus() -> tuple[Json, Json]:
    """Whose function for such annotations is at hand and not used by any template."""
    config = rendered("prometheus", "ConfigMap", "prometheus-server")
    config["metadata"]["annotations"] = {f"{KAPP}versioned": "", f"{KAPP}num-versions": "2"}
    return config, rendered("prometheus", "Deployment", "prometheus-server")


def is_versioned(stage: Stage, given: Callable[[], tuple[Json, Json]], kept: int) -> None:
    config, workload = map(stage.here, given())
    name, kind = config["metadata"]["name"], workload["kind"]
    versions = [changed(config, "data", "round", value=str(number)) for number in range(1, kept + 2)]
    expected: list[str] = []
    for number, version in enumerate(versions, 1):
        expected = [*expected, f"{name}-ver-{number}"][-kept:]
        stage.install(version, workload) if number == 1 else stage.upgrade(version, workload)
        assert stage.names("configmap", name) == set(expected)
        live = stage.live(kind, workload["metadata"]["name"])
        assert expected[-1] in volumes(live)
        assert name not in volumes(live)
        assert stage.live("configmap", expected[-1])["data"] == version["data"]
    assert stage.look_again() == []
    assert stage.names("configmap", name) == set(expected)

    stage.delete()
    assert stage.names("configmap", name) == set()


def volumes(obj: Json) -> set[str]:
    """The ConfigMaps of its volumes."""
    found = obj["spec"]["template"]["spec"]["volumes"]
    return {volume["configMap"]["name"] for volume in found if "configMap" in volume}


# ---- the table -------------------------------------------------------------------------------------------

Show = Callable[[Stage, Said], None]

#: For each object that says so, one of a kind of a package: the words, and the rest of the sentence.
ANNOTATED: list[tuple[str, str, str, Show]] = [
    ("update-strategy", "skip", "is made once, and theirs from then on", is_made_once),
    ("update-strategy", "fallback-on-replace", "is replaced where a change is refused", is_replaced_where_it_must_be),
    ("update-strategy", "always-replace", "is replaced at every change", is_replaced_at_every_change),
    ("delete-strategy", "orphan", "stays behind, is nobody's and is named", stays_behind),
    ("change-group", "", "comes before what names its group", comes_before_what_names_it),
    ("disable-default-label-scoping-rules", "", "keeps its selector to the letter", keeps_its_selector),
]
#: What packages say only with values that no rendered output was given.
UNRENDERED: list[tuple[str, str, Callable[[Stage], None]]] = [
    ("disable-wait: ", "a claim of grafana is not waited for", is_not_waited_for),
    ("owned-for-deletion: ", "claims of a StatefulSet go with it", takes_its_claims_along),
    ("versioned: ", "sriov follows its settings and keeps five", partial(is_versioned, given=sriov, kept=5)),
    ("versioned: ", "prometheus keeps as many as it says", partial(is_versioned, given=prometheus, kept=2)),
]


def on(said: Said, show: Show) -> Callable[[Stage], None]:
    return lambda stage: show(stage, said)


ROWS = [
    pytest.param(on(said, show), id=f"the {said} {sentence}")
    for annotation, value, sentence, show in ANNOTATED
    for said in saying(annotation, None if annotation == "change-group" else value)
] + [pytest.param(shown, id=sentence) for _, sentence, shown in UNRENDERED]


@pytest.mark.parametrize("shown", ROWS)
def test_what_a_real_package_says_is_done(stage: Stage, shown: Callable[[Stage], None]) -> None:
    shown(stage)


def test_calico_is_waited_for_as_long_as_it_asks(impatient: Stream) -> None:
    def failed() -> list[Json]:
        found = (find_condition(obj, "ReconcileFailed") for _, obj in list(impatient.events))
        return [condition for condition in found if condition is not None and condition["status"] == "True"]

    first = wait_until("it fails", failed, seconds=50)[0]
    assert first["reason"] == "WaitTimedOut"
    assert "1 of 2 objects not ready after 30 s" in first["message"]


def test_nothing_that_a_real_package_says_is_left_out_of_the_tables() -> None:
    covered = {f"{annotation}: {value}" for annotation, value, _, _ in ANNOTATED} | test_kapp_real_configs.COVERED
    covered |= {word for word, _, _ in UNRENDERED} | {"--wait-timeout"}
    covered |= {"change-group: GROUP", "change-rule: upsert after upserting GROUP"}
    said = words()
    assert said
    assert {word: file for word, file in said.items() if word not in covered} == {}
