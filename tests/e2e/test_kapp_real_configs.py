"""What real packages say in Configs of kapp's is done: their own Configs and objects, driven by the real operator.

One table, as in test_kapp_real_objects.py, which also says what these rows are about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from test_adoption import as_kapp_applies, made_by

import conformance
from conformance import KAPP
from goods import there
from lab import Json, Lab
from one_install import Stage, changed, differing, on_stage, with_other_image
from real_objects import own_config, rendered

pytestmark = [conformance.needed, pytest.mark.timeout(120)]

ROUTER = "load-balancer-and-ingress-service"


@pytest.fixture
def stage(lab: Lab, namespace: str, unique: str) -> Iterator[Stage]:
    with on_stage(lab, namespace, unique) as stage:
        yield stage


def config_is_never_applied(stage: Stage) -> None:
    service_account = stage.here(rendered("metrics-server", "ServiceAccount", "metrics-server"))
    config = own_config("metrics-server")
    calls = stage.writes_of(lambda: stage.install(config, service_account))
    assert {call.resource for call in calls} == {"serviceaccounts"}
    refs = [entry["ref"] for entry in stage.live("ipkg", "web")["status"]["inventory"]]
    assert refs == [f"v1/ServiceAccount/{stage.namespace}/metrics-server"]


def bundle_of_somebody_stays(stage: Stage) -> None:
    group = f"{stage.unique}.example.com"
    name = f"v1beta1.{group}"
    service = json.dumps(rendered("metrics-server", "APIService", "v1beta1.metrics.k8s.io"))
    service_of_ours: Json = json.loads(service.replace("metrics.k8s.io", group))
    del service_of_ours["spec"]["insecureSkipTLSVerify"]  # which nothing with a caBundle may say
    config = own_config("metrics-server")
    stage.leftovers.append(("apiservice", name))
    stage.install(config, service_of_ours)
    theirs, of_the_package = "dGhlaXJz", "b3Vycw=="
    stage.lab.patch("apiservice", name, {"spec": {"caBundle": theirs}})
    assert stage.look_again() == []
    assert there(stage.lab, "apiservice", name)["spec"]["caBundle"] == theirs

    newer = changed(service_of_ours, "spec", "caBundle", value=of_the_package)
    stage.upgrade(config, changed(newer, "spec", "versionPriority", value=200))
    live = there(stage.lab, "apiservice", name)["spec"]
    assert (live["caBundle"], live["versionPriority"]) == (theirs, 200)
    assert stage.look_again() == []


def scoped_selector_stays(stage: Stage) -> None:
    obj = stage.here(rendered("metrics-server", "Deployment", "metrics-server"))
    made_by(stage.lab, stage.namespace, "kapp", as_kapp_applies(obj))
    before = stage.live("deployment", "metrics-server")
    assert f"{KAPP}app" in before["spec"]["selector"]["matchLabels"]

    config = own_config("metrics-server")
    stage.install(config, obj)
    after = stage.live("deployment", "metrics-server")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert stage.look_again() == []

    stage.upgrade(config, with_other_image(obj))
    after = stage.live("deployment", "metrics-server")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/other:2"


def copied_secrets_stay(stage: Stage) -> None:
    """The package's namespace is a value of it, so its Config is told the one of the test as its templates are."""
    config = in_namespace(stage, rendered("ako-operator", "ConfigMap", "ako-operator-kapp-config"))
    secret = stage.here(rendered("ako-operator", "Secret", "avi-controller-credentials"))
    stage.install(config, secret)
    name = secret["metadata"]["name"]
    assert stage.live("secret", name)["data"] == secret["data"]
    assert stage.live("configmap", "ako-operator-kapp-config")["data"] == config["data"]
    assert len(stage.live("ipkg", "web")["status"]["inventory"]) == 2

    stage.lab.patch("secret", name, {"data": {"username": "dGhlaXJz"}}, stage.namespace)
    newer = {"username": "b3Vycw==", "password": "b3Vycw==", "url": "b3Vycw=="}
    stage.upgrade(config, changed(secret, "data", value=newer))
    # What is live stays, also where nobody changed it; no rule is about the third.
    expected = {"username": "dGhlaXJz", "password": "", "url": "b3Vycw=="}
    assert stage.live("secret", name)["data"] == expected
    assert stage.look_again() == []
    assert stage.live("secret", name)["data"] == expected


def copied_settings_stay(stage: Stage) -> None:
    """A custom resource, with the CRD that its package brings, under a group of the test."""
    kind, group = "AKODeploymentConfig", f"{stage.unique}.example.com"
    real = "networking.tkg.tanzu.vmware.com"
    objects = [
        rendered("ako-operator", "ConfigMap", "ako-operator-kapp-config"),
        rendered("ako-operator", "CustomResourceDefinition", f"akodeploymentconfigs.{real}"),
        rendered("ako-operator", kind, "install-ako-for-all"),
    ]
    config, crd, obj = json.loads(json.dumps(objects).replace(real, group))
    stage.leftovers.append(("crd", crd["metadata"]["name"]))
    resource, name = crd["metadata"]["name"], obj["metadata"]["name"]
    stage.install(config, crd, obj)
    assert there(stage.lab, resource, name)["spec"]["cloudName"] == ""

    theirs = {"cloudName": "theirs", "dataNetwork": {"name": "theirs", "cidr": "10.0.0.0/8"}}
    stage.lab.patch(resource, name, {"spec": theirs})
    newer = {**obj["spec"], "cloudName": "ours", "dataNetwork": {"name": "ours", "cidr": ""}}
    newer |= {"serviceEngineGroup": "ours", "clusterSelector": {"matchLabels": {"tier": "front"}}}
    stage.upgrade(config, crd, changed(obj, "spec", value=newer))
    live = there(stage.lab, resource, name)["spec"]
    assert {key: live[key] for key in theirs} == theirs
    assert live["serviceEngineGroup"] == ""
    assert live["clusterSelector"] == {"matchLabels": {"tier": "front"}}
    assert stage.look_again() == []


def copied_annotation_stays(stage: Stage) -> None:
    config = in_namespace(stage, rendered(ROUTER, "ConfigMap", "ako-kapp-config"))
    obj = stage.here(rendered(ROUTER, "StatefulSet", "ako"))
    word = "AviObjectDeletionStatus"
    stage.install(config, obj)
    assert stage.live("configmap", "ako-kapp-config")["data"] == config["data"]

    stage.lab.patch("statefulset", "ako", {"metadata": {"annotations": {word: "Started"}}}, stage.namespace)
    assert stage.look_again() == []
    newer = changed(with_other_image(obj), "metadata", "annotations", word, value="rendered")
    stage.upgrade(config, newer)
    live = stage.live("statefulset", "ako")
    assert live["metadata"]["annotations"][word] == "Started"
    assert differing(live["spec"], newer["spec"]) == []
    assert stage.look_again() == []


def in_namespace(stage: Stage, config: Json) -> Json:
    """The ConfigMap, whose rules are about the namespace of the test."""
    text = re.sub(r"namespace: [\w-]+", f"namespace: {stage.namespace}", config["data"]["config.yml"])
    return changed(config, "data", "config.yml", value=text)


COPY_LIVE_FIRST = 'rebaseRules {"sources": ["existing", "new"], "type": "copy"}'
COPY_LIVE_ONLY = 'rebaseRules {"sources": ["existing"], "type": "copy"}'
REMOVE = 'rebaseRules {"type": "remove"}'
BY_NAME, BY_KIND, IN_CONFIG_MAP = "kindNamespaceNameMatcher", "apiVersionKindMatcher", "config: "

#: The sentence, what it is about in the words of real_objects.words, and how it is shown.
ROWS: list[tuple[str, set[str], Callable[[Stage], None]]] = [
    ("a Config reaches neither the cluster nor the inventory", {"rebaseRules"}, config_is_never_applied),
    ("metrics-server leaves the caBundle of its APIService to others", {REMOVE, BY_KIND}, bundle_of_somebody_stays),
    ("metrics-server keeps the selector that kapp made", {COPY_LIVE_ONLY, BY_KIND}, scoped_selector_stays),
    ("ako-operator keeps credentials as they are", {COPY_LIVE_FIRST, BY_NAME, IN_CONFIG_MAP}, copied_secrets_stay),
    ("ako-operator keeps settings as they are", {COPY_LIVE_FIRST, BY_KIND, IN_CONFIG_MAP}, copied_settings_stay),
    ("ako keeps the annotation of others", {COPY_LIVE_ONLY, BY_NAME, IN_CONFIG_MAP}, copied_annotation_stays),
]
COVERED = set[str]().union(*(about for _, about, _ in ROWS))


@pytest.mark.parametrize("shown", [pytest.param(shown, id=sentence) for sentence, _, shown in ROWS])
def test_a_config_of_a_real_package_is_followed(stage: Stage, shown: Callable[[Stage], None]) -> None:
    shown(stage)
