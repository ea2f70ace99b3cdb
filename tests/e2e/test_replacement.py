"""Fields that cannot change in place: explained, and replaced only where the package or the install says so."""

from __future__ import annotations

import pytest

from goods import annotated, config_map, offer, there, workload
from lab import Json, Lab, install


def service(cluster_ip: str | None = None) -> Json:
    spec: Json = {"ports": [{"port": 80}], "selector": {"app": "app"}}
    if cluster_ip is not None:
        spec["clusterIP"] = cluster_ip
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"}, "spec": spec}


def with_selector(**labels: str) -> Json:
    obj = workload("app")
    spec = {**obj["spec"], "selector": {"matchLabels": labels}}
    spec["template"] = {**spec["template"], "metadata": {"labels": {"app": "app", **labels}}}
    return {**obj, "spec": spec}


CASES = [
    pytest.param(workload("app"), with_selector(tier="front"), "deployment", "spec.selector", id="a selector"),
    pytest.param(
        workload("app", kind="Job"),
        workload("app", kind="Job", command="true"),
        "job",
        "spec.template",
        id="the template of a Job",
    ),
    pytest.param(service(), service("None"), "service", "spec.clusterIP", id="the address of a Service"),
    pytest.param(
        {**config_map("app", a="1"), "immutable": True},
        {**config_map("app", a="2"), "immutable": True},
        "configmap",
        "data",
        id="a ConfigMap that calls itself immutable",
    ),
]


@pytest.mark.parametrize(("before", "after", "kind", "field"), CASES)
def test_it_is_explained_and_nothing_changes(
    lab: Lab, installer: str, unique: str, before: Json, after: Json, kind: str, field: str
) -> None:
    name = offer(lab, unique, before, config_map("beside", v="1"))
    offer(lab, unique, after, config_map("beside", v="2"), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    uid = there(lab, kind, "app", installer)["metadata"]["uid"]

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    failed = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="ImmutableField")
    message = failed["status"]["usefulErrorMessage"]
    for word in (field, "app", "spec.upgrade.replaceImmutable", "fallback-on-replace"):
        assert word in message
    assert there(lab, kind, "app", installer)["metadata"]["uid"] == uid
    assert there(lab, "configmap", "beside", installer)["data"] == {"v": "1"}


@pytest.mark.parametrize("by", ["the install", "the package"])
@pytest.mark.parametrize(("before", "after", "kind", "field"), CASES)
def test_it_is_replaced_where_somebody_says_so(
    lab: Lab, installer: str, unique: str, before: Json, after: Json, kind: str, field: str, by: str
) -> None:
    said = {"update_strategy": "fallback-on-replace"} if by == "the package" else {}
    spec = {"upgrade": {"replaceImmutable": True}} if by == "the install" else {}
    name = offer(lab, unique, annotated(before, **said))
    offer(lab, unique, annotated(after, **said), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0", **spec))
    lab.settled("ipkg", "web", installer)
    uid = there(lab, kind, "app", installer)["metadata"]["uid"]

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    found = lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "2.0.0", seconds=60)
    assert found["status"]["deploy"]["replaced"] == 1
    assert there(lab, kind, "app", installer)["metadata"]["uid"] != uid
    assert len(found["status"]["inventory"]) == 1


def test_what_can_change_in_place_is_never_replaced(lab: Lab, installer: str, unique: str) -> None:
    said = {"update_strategy": "fallback-on-replace"}
    name = offer(lab, unique, annotated(workload("app"), **said))
    offer(lab, unique, annotated(workload("app", replicas=2), **said), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    uid = there(lab, "deployment", "app", installer)["metadata"]["uid"]
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)
    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "2.0.0")
    assert there(lab, "deployment", "app", installer)["metadata"]["uid"] == uid


def test_an_object_that_is_wrong_in_itself_is_not_replaced(lab: Lab, installer: str, unique: str) -> None:
    said = {"update_strategy": "fallback-on-replace"}
    name = offer(lab, unique, annotated(workload("app"), **said))
    offer(lab, unique, annotated(workload("app", replicas=-1), **said), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0", upgrade={"replaceImmutable": True}))
    lab.settled("ipkg", "web", installer)
    uid = there(lab, "deployment", "app", installer)["metadata"]["uid"]
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)
    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="DeployFailed")
    assert there(lab, "deployment", "app", installer)["metadata"]["uid"] == uid


def test_always_replace_makes_an_object_anew_at_every_change_and_only_then(
    lab: Lab, installer: str, unique: str
) -> None:
    said = {"update_strategy": "always-replace"}
    name = offer(lab, unique, annotated(config_map("app", a="1"), **said))
    offer(lab, unique, annotated(config_map("app", a="2"), **said), version="2.0.0")
    lab.apply(install("web", installer, name, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    first = there(lab, "configmap", "app", installer)["metadata"]["uid"]
    lab.patch("ipkg", "web", {"spec": {"syncPeriod": "11m"}}, installer)
    lab.settled("ipkg", "web", installer)
    assert there(lab, "configmap", "app", installer)["metadata"]["uid"] == first
    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)
    lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "2.0.0")
    assert there(lab, "configmap", "app", installer)["metadata"]["uid"] != first
