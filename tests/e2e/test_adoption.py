"""Objects that exist already: whose they are decides whether an install takes them, and what of them stays."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from goods import annotated, config_map, offer, there, workload
from lab import OPERATOR_NAMESPACE, Json, Lab, install, wait_until
from packhouse.api.names import APPLY_MANAGER, OWNER_ANNOTATION


def made_by(lab: Lab, namespace: str, manager: str, *objects: Json) -> None:
    """Objects as another tool creates them: by POST, under its own field manager."""
    for obj in objects:
        text = yaml.safe_dump({**obj, "metadata": {**obj["metadata"], "namespace": namespace}})
        lab.cluster.kubectl("create", f"--field-manager={manager}", "-f", "-", input=text)


def managers(lab: Lab, kind: str, name: str, namespace: str) -> set[str]:
    text = lab.cluster.kubectl("get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields").stdout
    return {entry["manager"] for entry in json.loads(text)["metadata"]["managedFields"]}


WANTED = config_map("c", greeting="hello", color="green")


@pytest.mark.parametrize(
    ("live", "adopt", "reason", "data"),
    [
        pytest.param({"greeting": "hello", "color": "green"}, None, "", None, id="the same content"),
        pytest.param({"greeting": "hello"}, None, "", None, id="a part of the content"),
        pytest.param(
            {"greeting": "hello", "more": "x"}, None, "", {"more": "x"}, id="more than the content: theirs stays"
        ),
        pytest.param({"greeting": "hi"}, None, "AdoptionRefused", None, id="other content"),
        pytest.param({"greeting": "hi"}, True, "", {"greeting": "hello"}, id="other content, all taken"),
        pytest.param({"greeting": "hello", "color": "green"}, False, "AdoptionRefused", None, id="nothing is taken"),
    ],
)
def test_an_object_of_nobody(
    lab: Lab, installer: str, unique: str, live: dict[str, str], adopt: bool | None, reason: str, data: Json | None
) -> None:
    made_by(lab, installer, "somebody", config_map("c", **live))
    before = there(lab, "configmap", "c", installer)
    name = offer(lab, unique, WANTED, config_map("other"))
    lab.apply(install("web", installer, name, version="1.0.0", **({} if adopt is None else {"adopt": adopt})))

    if not reason:
        lab.settled("ipkg", "web", installer)
        after = there(lab, "configmap", "c", installer)
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["data"] == {**WANTED["data"], **(data or {})}
        assert after["metadata"]["annotations"][OWNER_ANNOTATION] == f"{installer}/web"
        return
    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason=reason)
    message = failed["status"]["usefulErrorMessage"]
    assert "ConfigMap" in message
    assert "spec.adopt" in message
    if adopt is None:
        assert ".data.greeting" in message
        assert "somebody" in message
    assert there(lab, "configmap", "c", installer) == before
    assert lab.get("configmap", "other", installer) is None


def test_the_lever_that_a_refused_adoption_names_helps_at_once(lab: Lab, installer: str, unique: str) -> None:
    made_by(lab, installer, "somebody", config_map("c", greeting="hi"))
    lab.apply(install("web", installer, offer(lab, unique, WANTED), version="1.0.0"))
    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="AdoptionRefused")
    lab.patch("ipkg", "web", {"spec": {"adopt": True}}, installer)
    lab.settled("ipkg", "web", installer)
    assert there(lab, "configmap", "c", installer)["data"]["greeting"] == "hello"


def test_an_object_of_an_install_that_is_gone_is_nobodys(lab: Lab, installer: str, unique: str) -> None:
    name = offer(lab, unique, WANTED)
    lab.apply(install("first", installer, name, version="1.0.0", noopDelete=True))
    lab.settled("ipkg", "first", installer)
    uid = there(lab, "configmap", "c", installer)["metadata"]["uid"]
    lab.delete("ipkg", "first", installer)

    lab.apply(install("second", installer, name, version="1.0.0"))
    lab.settled("ipkg", "second", installer)

    after = there(lab, "configmap", "c", installer)
    assert after["metadata"]["uid"] == uid
    assert after["metadata"]["annotations"][OWNER_ANNOTATION] == f"{installer}/second"


@pytest.mark.parametrize("adopt", [None, True])
def test_what_was_applied_by_hand_keeps_what_the_package_does_not_name_unless_all_of_it_is_taken(
    lab: Lab, installer: str, unique: str, adopt: bool | None
) -> None:
    mine = {**WANTED, "metadata": {"name": "c", "namespace": installer}}
    lab.apply({**mine, "data": {**mine["data"], "old": "x"}})
    spec = {} if adopt is None else {"adopt": adopt}
    lab.apply(install("web", installer, offer(lab, unique, WANTED), version="1.0.0", **spec))
    lab.settled("ipkg", "web", installer)

    after = there(lab, "configmap", "c", installer)
    assert after["data"] == (WANTED["data"] if adopt else {**WANTED["data"], "old": "x"})
    assert ("kubectl.kubernetes.io/last-applied-configuration" in after["metadata"]["annotations"]) is not adopt
    assert (managers(lab, "configmap", "c", installer) == {APPLY_MANAGER}) is bool(adopt)


# ---- what kapp applied -------------------------------------------------------------------------------------


def as_kapp_applies(obj: Json) -> Json:
    """With the labels and annotations that kapp puts on an object, and into selectors and pod templates."""
    ours = {"kapp.k14s.io/app": "1700000000000000000", "kapp.k14s.io/association": "v1.0123456789abcdef"}
    metadata = {
        **obj["metadata"],
        "labels": {**obj["metadata"].get("labels", {}), **ours},
        "annotations": {
            **obj["metadata"].get("annotations", {}),
            "kapp.k14s.io/identity": "v1;demo/apps/Deployment/app;apps/v1",
            "kapp.k14s.io/original": "{}",
        },
    }
    whole = {**obj, "metadata": metadata}
    template = (obj.get("spec") or {}).get("template")
    if template is None:
        return whole
    labels = {**template["metadata"]["labels"], **ours}
    spec = {**obj["spec"], "template": {**template, "metadata": {"labels": labels}}}
    if "selector" in spec:
        app = {"kapp.k14s.io/app": ours["kapp.k14s.io/app"]}
        spec["selector"] = {"matchLabels": {**spec["selector"]["matchLabels"], **app}}
    return {**whole, "spec": spec}


def test_what_kapp_applied_is_taken_over_without_recreation(lab: Lab, installer: str, unique: str) -> None:
    objects = [workload("app"), workload("once", kind="Job"), config_map("c", greeting="hello")]
    made_by(lab, installer, "kapp", *(as_kapp_applies(obj) for obj in objects))
    wait_until("it runs", lambda: there(lab, "deployment", "app", installer)["status"].get("availableReplicas"))
    kinds = {"app": "deployment", "once": "job", "c": "configmap"}
    before = {name: there(lab, kind, name, installer) for name, kind in kinds.items()}
    pods = {pod["metadata"]["uid"] for pod in lab.list("pods", installer)}

    lab.apply(install("web", installer, offer(lab, unique, *objects), version="1.0.0"))
    lab.settled("ipkg", "web", installer)

    for name, kind in kinds.items():
        after = there(lab, kind, name, installer)["metadata"]
        assert after["uid"] == before[name]["metadata"]["uid"]
        assert not any(label.startswith("kapp.k14s.io/") for label in after["labels"]), name
        assert not any(word.startswith("kapp.k14s.io/") for word in after["annotations"]), name
        assert "kapp" not in managers(lab, kind, name, installer)
    assert {pod["metadata"]["uid"] for pod in lab.list("pods", installer)} == pods
    # Whatever is rendered next, the selector keeps what cannot change.
    scoped = there(lab, "deployment", "app", installer)["spec"]["selector"]["matchLabels"]
    assert set(scoped) == {"app", "kapp.k14s.io/app"}


def test_after_a_takeover_from_kapp_nothing_is_written_again_and_upgrades_work(
    lab: Lab, installer: str, unique: str
) -> None:
    made_by(lab, installer, "kapp", as_kapp_applies(workload("app")))
    name = offer(lab, unique, workload("app"))
    lab.apply(install("web", installer, name, constraint=">=1.0.0"))
    lab.settled("ipkg", "web", installer)
    before = there(lab, "deployment", "app", installer)["metadata"]["generation"]
    versions = lab.get("ipkg", "web", installer)["metadata"]["resourceVersion"]  # type: ignore[index]

    lab.poke("ipkg", "web", installer)
    time.sleep(2)
    assert there(lab, "deployment", "app", installer)["metadata"]["generation"] == before
    assert int(there(lab, "ipkg", "web", installer)["metadata"]["generation"]) == 1
    assert versions

    offer(lab, unique, workload("app", replicas=2), version="1.1.0")
    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.1.0")
    assert there(lab, "deployment", "app", installer)["spec"]["replicas"] == 2


def test_what_kapp_applied_with_other_content_needs_a_word_of_the_user(lab: Lab, installer: str, unique: str) -> None:
    made_by(lab, installer, "kapp", as_kapp_applies(workload("app", replicas=3)))
    lab.apply(install("web", installer, offer(lab, unique, workload("app")), version="1.0.0"))
    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="AdoptionRefused")
    assert ".spec.replicas" in failed["status"]["usefulErrorMessage"]
    assert "kapp" in failed["status"]["usefulErrorMessage"]

    lab.patch("ipkg", "web", {"spec": {"adopt": True}}, installer)
    lab.settled("ipkg", "web", installer)
    assert there(lab, "deployment", "app", installer)["spec"]["replicas"] == 1


# ---- kapp's annotations on objects that exist --------------------------------------------------------------


def test_what_is_to_be_skipped_is_made_once_and_later_changes_of_others_stay(
    lab: Lab, installer: str, unique: str
) -> None:
    name = offer(lab, unique, annotated(config_map("c", a="1"), update_strategy="skip"))
    offer(lab, unique, annotated(config_map("c", a="2"), update_strategy="skip"), version="1.1.0")
    lab.apply(install("web", installer, name, version="1.0.0", syncPeriod="1s"))
    lab.settled("ipkg", "web", installer)
    lab.patch("configmap", "c", {"data": {"a": "theirs"}}, installer)
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "1.1.0"}}}, installer)
    found = lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.1.0")
    time.sleep(2.5)  # two sync periods
    assert there(lab, "configmap", "c", installer)["data"] == {"a": "theirs"}
    assert len(found["status"]["inventory"]) == 1
    lab.delete("ipkg", "web", installer)
    assert lab.get("configmap", "c", installer) is None


def test_an_orphan_that_a_new_version_no_longer_gives_stays_without_our_marks_and_is_told(
    lab: Lab, installer: str, unique: str
) -> None:
    name = offer(lab, unique, annotated(config_map("c", a="1"), delete_strategy="orphan"), config_map("other"))
    offer(lab, unique, config_map("other"), version="1.1.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "1.1.0"}}}, installer)
    found = lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "1.1.0")

    left = there(lab, "configmap", "c", installer)
    assert left["data"] == {"a": "1"}
    assert OWNER_ANNOTATION not in left["metadata"].get("annotations", {})
    assert len(found["status"]["inventory"]) == 1
    told = [event for event in lab.list("events.events.k8s.io", OPERATOR_NAMESPACE) if event["reason"] == "ObjectsKept"]
    assert any(f"{installer}/c" in event["note"] for event in told)
