"""Versioned objects: their numbers over several deploys, who refers to them and how, circles, what is kept.

Nothing is faked. `Deploys` keeps an inventory as the deploy stage does, so that each step sees what the last one left.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from packhouse.api.errors import RenderedInvalid
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.kapp.config import BUILT_IN, Config, split_config
from packhouse.domain.kapp.versioned import Named, name_versions
from packhouse.domain.objects import digest, owned, owner_of, ref_of
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"


def made(
    kind: str, name: str, api: str = "v1", namespace: str = "demo", marks: Json | None = None, **more: Any
) -> Json:
    metadata: Json = {"name": name, **({"namespace": namespace} if namespace else {}), "annotations": marks or {}}
    return owned({"apiVersion": api, "kind": kind, "metadata": metadata, **more}, ME)


def versioned(name: str = "conf", kind: str = "ConfigMap", namespace: str = "demo", **more: Any) -> Json:
    marks = {f"kapp.k14s.io/{key}": value for key, value in {"versioned": "", **more.pop("marks", {})}.items()}
    return made(kind, name, namespace=namespace, marks=marks, **more)


def deployment(name: str = "web", namespace: str = "demo", kind: str = "Deployment", **pod: Any) -> Json:
    return made(kind, name, "apps/v1", namespace, spec={"template": {"spec": pod}})


class Deploys:
    """One install over time."""

    def __init__(self, config: Config = BUILT_IN) -> None:
        self.config = config
        self.inventory = Inventory.of([])

    def named(self, *objects: Json) -> Named:
        before = copy.deepcopy(objects)
        named = name_versions(objects, self.config, self.inventory, digest_of=digest)
        assert objects == before
        return named

    def deploy(self, *objects: Json, confirmed: bool = True) -> Named:
        """Deploys and records; what is neither wanted nor kept is gone."""
        named = self.named(*objects)
        entries = [Entry(ref_of(obj), *(("u", digest(obj), "m") if confirmed else ())) for obj in named.objects]
        kept = [entry for identity, entry in self.inventory.entries.items() if identity in named.kept]
        self.inventory = Inventory.of([*kept, *entries])
        return named

    @property
    def names(self) -> list[str]:
        return [entry.ref.name for entry in self.inventory]


def names(named: Named) -> list[str]:
    return [obj["metadata"]["name"] for obj in named.objects]


# ---- numbers --------------------------------------------------------------------------------------------------------


def test_without_versioned_objects_nothing_changes() -> None:
    objects = [made("ConfigMap", "conf"), deployment()]
    named = Deploys().named(*objects)
    assert named == Named(tuple(objects), frozenset())


def test_the_same_content_keeps_its_number_and_other_content_gets_the_next() -> None:
    deploys = Deploys()
    steps = [("a", "conf-ver-1"), ("a", "conf-ver-1"), ("b", "conf-ver-2"), ("a", "conf-ver-3"), ("a", "conf-ver-3")]
    for content, name in steps:
        assert names(deploys.deploy(versioned(data={"k": content}))) == [name]
    [obj] = deploys.named(versioned(data={"k": "a"})).objects
    assert owner_of(obj) == ME
    assert obj == {**versioned("conf-ver-3", data={"k": "a"})}


def test_a_version_whose_apply_was_never_confirmed_keeps_its_number() -> None:
    deploys = Deploys()
    deploys.deploy(versioned(data={"k": "a"}))
    deploys.deploy(versioned(data={"k": "b"}), confirmed=False)
    assert names(deploys.deploy(versioned(data={"k": "c"}))) == ["conf-ver-2"]


def test_versions_are_told_apart_by_kind_group_namespace_and_name() -> None:
    deploys = Deploys()
    deploys.deploy(versioned(data={"k": "a"}))
    deploys.deploy(versioned(data={"k": "b"}))
    others = [
        versioned(kind="Secret"),
        versioned(namespace="other"),
        versioned("conf2"),
        versioned("conf-ver"),
        versioned(api="example.com/v1"),
    ]
    assert names(deploys.named(*others)) == [
        "conf-ver-1",
        "conf-ver-1",
        "conf2-ver-1",
        "conf-ver-ver-1",
        "conf-ver-1",
    ]


def test_a_new_version_of_the_api_is_the_same_object() -> None:
    deploys = Deploys()
    deploys.deploy(versioned(api="example.com/v1beta1"))
    assert names(deploys.named(versioned(api="example.com/v1"))) == ["conf-ver-2"]


def test_numbers_are_compared_as_numbers() -> None:
    deploys = Deploys()
    kind = Kind("", "v1", "ConfigMap")
    recorded = ("conf-ver-9", "conf-ver-10", "conf-ver-x", "conf-ver-011", "conf", "conf-ver-" + "9" * 20)
    deploys.inventory = Inventory.of(Entry(Ref(kind, "demo", name), "u", "other", "m") for name in recorded)
    assert names(deploys.named(versioned())) == ["conf-ver-11"]


@pytest.mark.parametrize(
    ("most", "left"),
    [
        ({}, ["conf-ver-6", "conf-ver-5", "conf-ver-4", "conf-ver-3", "conf-ver-2"]),
        ({"num-versions": "2"}, ["conf-ver-6", "conf-ver-5"]),
        ({"num-versions": "1"}, ["conf-ver-6"]),
        ({"num-versions": "100"}, [f"conf-ver-{number}" for number in (6, 5, 4, 3, 2, 1)]),
    ],
    ids=["5 by default", "2", "1", "more than there are"],
)
def test_the_newest_versions_are_kept_the_present_one_counted(most: Json, left: list[str]) -> None:
    deploys = Deploys()
    for number in range(1, 7):
        deploys.deploy(versioned(data={"k": str(number)}, marks=most))
    assert sorted(deploys.names, reverse=True) == left
    # Once more of the same: nothing more goes.
    named = deploys.deploy(versioned(data={"k": "6"}, marks=most))
    assert sorted(deploys.names, reverse=True) == left
    assert {identity.name for identity in named.kept} == set(left[1:])


def test_versions_of_what_is_not_wanted_any_more_are_not_kept() -> None:
    deploys = Deploys()
    deploys.deploy(versioned(data={"k": "a"}))
    deploys.deploy(versioned(data={"k": "b"}))
    assert deploys.named(deployment()).kept == frozenset()
    assert deploys.named(made("ConfigMap", "conf")).kept == frozenset()


def test_the_original_may_stay_beside_its_version() -> None:
    deploys = Deploys()
    pod = {"volumes": [{"configMap": {"name": "conf"}}]}
    marks = {"versioned-keep-original": ""}
    named = deploys.deploy(versioned(data={"k": "a"}, marks=marks), deployment(**pod))
    assert names(named) == ["conf", "conf-ver-1", "web"]
    assert named.objects[0] == versioned(data={"k": "a"}, marks=marks)
    assert named.objects[2]["spec"]["template"]["spec"] == {"volumes": [{"configMap": {"name": "conf-ver-1"}}]}
    assert names(deploys.deploy(versioned(data={"k": "b"}, marks=marks))) == ["conf", "conf-ver-2"]


def test_a_name_that_is_also_rendered_is_refused() -> None:
    with pytest.raises(
        RenderedInvalid, match=r"^ConfigMap demo/conf-ver-1 \(v1\) is rendered, and is also the name of"
    ):
        Deploys().named(versioned(), made("ConfigMap", "conf-ver-1"))


# ---- references -----------------------------------------------------------------------------------------------------


def containers(key: str, **container: Any) -> Json:
    return {key: [{"name": "x"}, {"name": "main", **container}]}


POD_REFERENCES = [
    ("ConfigMap", containers("containers", env=[{"valueFrom": {"configMapKeyRef": {"name": "conf"}}}, {"name": "e"}])),
    ("ConfigMap", containers("initContainers", env=[{"valueFrom": {"configMapKeyRef": {"name": "conf"}}}])),
    ("ConfigMap", containers("containers", envFrom=[{"configMapRef": {"name": "conf"}}])),
    ("ConfigMap", containers("initContainers", envFrom=[{"configMapRef": {"name": "conf"}}])),
    ("ConfigMap", {"volumes": [{"emptyDir": {}}, {"configMap": {"name": "conf"}}]}),
    ("ConfigMap", {"volumes": [{"projected": {"sources": [{"configMap": {"name": "conf"}}]}}]}),
    ("Secret", containers("containers", env=[{"valueFrom": {"secretKeyRef": {"name": "conf"}}}])),
    ("Secret", containers("initContainers", env=[{"valueFrom": {"secretKeyRef": {"name": "conf"}}}])),
    ("Secret", containers("containers", envFrom=[{"secretRef": {"name": "conf"}}])),
    ("Secret", containers("initContainers", envFrom=[{"secretRef": {"name": "conf"}}])),
    ("Secret", {"volumes": [{"secret": {"secretName": "conf"}}]}),
    ("Secret", {"volumes": [{"projected": {"sources": [{"secret": {"name": "conf"}}]}}]}),
    ("Secret", {"imagePullSecrets": [{"name": "conf"}]}),
]


def renamed(value: Any) -> Any:
    """A pod spec with the new name in the place of each old one."""
    return yaml.safe_load(yaml.safe_dump(value).replace("conf\n", "conf-ver-1\n"))


@pytest.mark.parametrize(("kind", "pod"), POD_REFERENCES, ids=lambda given: given if isinstance(given, str) else "")
@pytest.mark.parametrize("workload", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"])
def test_workloads_are_told_the_new_name(workload: str, kind: str, pod: Json) -> None:
    group = {"Job": "batch/v1", "CronJob": "batch/v1beta1", "Pod": "v1"}.get(workload, "apps/v1")
    wraps: dict[str, Any] = {
        "Pod": lambda spec: spec,
        "CronJob": lambda spec: {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
    }
    wrap = wraps.get(workload, lambda spec: {"template": {"spec": spec}})
    referrer = made(workload, "web", group, spec=wrap(pod))
    named = Deploys().named(versioned(kind=kind), referrer)
    assert named.objects[1] == made(workload, "web", group, spec=wrap(renamed(pod)))
    # A name of another kind means another object.
    other = "Secret" if kind == "ConfigMap" else "ConfigMap"
    assert Deploys().named(versioned(kind=other), referrer).objects[1] is referrer


def test_service_accounts_are_told_the_new_name() -> None:
    account = made(
        "ServiceAccount", "web", secrets=[{"name": "conf"}], imagePullSecrets=[{"name": "conf"}, {"name": "x"}]
    )
    [_, told] = Deploys().named(versioned(kind="Secret"), account).objects
    assert (told["secrets"], told["imagePullSecrets"]) == (
        [{"name": "conf-ver-1"}],
        [{"name": "conf-ver-1"}, {"name": "x"}],
    )


def test_a_reference_means_the_object_of_its_own_namespace() -> None:
    pod = {"volumes": [{"configMap": {"name": "conf"}}]}
    here, there = versioned(), versioned(namespace="other")
    deploys = Deploys()
    deploys.deploy(there)
    deploys.deploy({**there, "data": {"k": "b"}})
    named = deploys.named(here, {**there, "data": {"k": "b"}}, deployment(**pod), deployment(namespace="other", **pod))
    volumes = [obj["spec"]["template"]["spec"]["volumes"] for obj in named.objects[2:]]
    assert volumes == [[{"configMap": {"name": "conf-ver-1"}}], [{"configMap": {"name": "conf-ver-2"}}]]
    stranger = deployment(namespace="third", **pod)
    assert Deploys().named(here, stranger).objects[1] is stranger


def own_rule(path: list[Any], kind: str = "ConfigMap", **more: Any) -> Config:
    rule = {
        "resourceMatchers": [{"apiVersionKindMatcher": {"apiVersion": "v1", "kind": kind}}],
        "affectedResources": {"objectReferences": [{"path": path, "resourceMatchers": [{"allMatcher": {}}], **more}]},
    }
    config = {"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", "metadata": {}, "templateRules": [rule]}
    return split_config([config])[1]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ({"name": "conf"}, True),
        ({"name": "conf", "kind": "ConfigMap", "apiVersion": "v1", "namespace": "demo"}, True),
        ({"name": "conf", "kind": "", "apiVersion": None}, True),
        ({"name": "conf", "kind": "Secret"}, False),
        ({"name": "conf", "apiVersion": "v2"}, False),
        ({"name": "conf", "namespace": "other"}, False),
        ({"name": "other"}, False),
        ({"name": 1}, False),
        ({}, False),
        ("conf", False),
        (None, False),
    ],
    ids=str,
)
def test_a_reference_may_say_more_than_a_name(reference: Any, told: bool) -> None:
    referrer = made("Web", "web", "example.com/v1", spec={"ref": reference})
    [_, after] = Deploys(own_rule(["spec", "ref"])).named(versioned(), referrer).objects
    assert after["spec"]["ref"] == ({**reference, "name": "conf-ver-1"} if told else reference)


def test_a_reference_from_a_cluster_scoped_object_names_its_namespace_or_takes_what_there_is() -> None:
    hook = made("Hook", "web", "example.com/v1", namespace="", spec={"ref": {"name": "conf"}})
    [_, after] = Deploys(own_rule(["spec", "ref"])).named(versioned(), hook).objects
    assert after["spec"]["ref"] == {"name": "conf-ver-1"}


def test_the_key_of_the_name_may_be_another() -> None:
    referrer = made("Web", "web", "example.com/v1", spec={"refs": [{"configName": "conf", "name": "conf"}]})
    config = own_rule(["spec", "refs", {"allIndexes": True}], nameKey="configName")
    [_, after] = Deploys(config).named(versioned(), referrer).objects
    assert after["spec"]["refs"] == [{"configName": "conf-ver-1", "name": "conf"}]


def test_an_annotation_may_name_a_version() -> None:
    said = "apiVersion: v1\nkind: ConfigMap\nname: conf\n"
    key = "kapp.k14s.io/versioned-explicit-ref"
    referrer = made("ConfigMap", "user", marks={key: said, f"{key}.2": said.replace("conf", "x"), "a": said})
    [_, after] = Deploys().named(versioned(), referrer).objects
    marks = after["metadata"]["annotations"]
    assert yaml.safe_load(marks[key]) == {"apiVersion": "v1", "kind": "ConfigMap", "name": "conf-ver-1"}
    assert {name: marks[name] for name in (f"{key}.2", "a")} == {f"{key}.2": said.replace("conf", "x"), "a": said}


@pytest.mark.parametrize("text", ["", "a: [", "- a", "name: conf", "{apiVersion: v1, kind: ConfigMap, name: 1}"])
def test_an_annotation_that_names_nothing_is_refused(text: str) -> None:
    referrer = made("ConfigMap", "user", marks={"kapp.k14s.io/versioned-explicit-ref": text})
    with pytest.raises(
        RenderedInvalid, match=r"^ConfigMap demo/user \(v1\): annotation kapp.k14s.io/versioned-explicit"
    ):
        Deploys().named(versioned(), referrer)


# ---- versions of versions -------------------------------------------------------------------------------------------


def referring(name: str, *to: str, content: str = "") -> Json:
    """A versioned ConfigMap that names others; `own_rule(REFS)` sees it."""
    return versioned(name, data={"k": content}, refs=[{"name": other} for other in to])


REFS = ["refs", {"allIndexes": True}]


def refs(named: Named) -> dict[str, list[str]]:
    return {obj["metadata"]["name"]: [ref["name"] for ref in obj["refs"]] for obj in named.objects}


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")], ids="".join)
def test_a_change_reaches_all_that_refer_to_it_whatever_the_order(order: Sequence[str]) -> None:
    deploys = Deploys(own_rule(REFS))

    def objects(content: str) -> list[Json]:
        by_name = {"a": referring("a", "b"), "b": referring("b", "c"), "c": referring("c", content=content)}
        return [by_name[name] for name in order]

    first = {"a-ver-1": ["b-ver-1"], "b-ver-1": ["c-ver-1"], "c-ver-1": []}
    second = {"a-ver-2": ["b-ver-2"], "b-ver-2": ["c-ver-2"], "c-ver-2": []}
    assert refs(deploys.deploy(*objects("1"))) == first
    assert refs(deploys.deploy(*objects("1"))) == first
    assert refs(deploys.deploy(*objects("2"))) == second
    assert refs(deploys.deploy(*objects("2"))) == second


def test_members_of_a_circle_change_their_numbers_together_and_then_rest() -> None:
    deploys = Deploys(own_rule(REFS))

    def objects(content: str) -> list[Json]:
        return [referring("a", "b"), referring("b", "a", content=content), referring("user", "a"), referring("free")]

    first = {"a-ver-1": ["b-ver-1"], "b-ver-1": ["a-ver-1"], "user-ver-1": ["a-ver-1"], "free-ver-1": []}
    second = {"a-ver-2": ["b-ver-2"], "b-ver-2": ["a-ver-2"], "user-ver-2": ["a-ver-2"], "free-ver-1": []}
    assert refs(deploys.deploy(*objects("1"))) == first
    assert refs(deploys.deploy(*objects("1"))) == first
    assert refs(deploys.deploy(*objects("2"))) == second
    assert refs(deploys.deploy(*objects("2"))) == second


def test_an_object_that_refers_to_itself_rests_too() -> None:
    deploys = Deploys(own_rule(REFS))
    for content, number in (("1", 1), ("1", 1), ("2", 2), ("2", 2)):
        assert refs(deploys.deploy(referring("a", "a", content=content))) == {f"a-ver-{number}": [f"a-ver-{number}"]}


def test_a_new_member_of_a_circle_begins_at_one() -> None:
    deploys = Deploys(own_rule(REFS))
    deploys.deploy(referring("a"))
    assert refs(deploys.deploy(referring("a", "b"), referring("b", "a"))) == {
        "a-ver-2": ["b-ver-1"],
        "b-ver-1": ["a-ver-2"],
    }
    assert names(deploys.deploy(referring("a", "b"), referring("b", "a"))) == ["a-ver-2", "b-ver-1"]


@pytest.mark.timeout(30)
def test_a_long_chain_is_named_within_a_moment() -> None:
    chain = [referring(f"c{number}", f"c{number + 1}") for number in range(2_000)]
    named = Deploys(own_rule(REFS)).named(*chain)
    assert refs(named)["c7-ver-1"] == ["c8-ver-1"]


def test_kept_versions_are_those_of_the_inventory() -> None:
    deploys = Deploys()
    deploys.deploy(versioned(data={"k": "a"}))
    named = deploys.named(versioned(data={"k": "b"}))
    assert named.kept == {Identity("", "ConfigMap", "demo", "conf-ver-1")}
