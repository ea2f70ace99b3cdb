"""kapp's Config: sections, rules, matchers, paths; a table of refusals; and the Configs of real packages.

Nothing is faked. Rules are seen through what they match and say.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import conformance
from packhouse.api.errors import RenderedInvalid, UnsupportedStep
from packhouse.domain.kapp.config import (
    BUILT_IN,
    ConditionRule,
    Config,
    Source,
    WaitRule,
    bound_rules,
    is_config,
    split_config,
)
from packhouse.domain.kapp.config_sections import PASSED_OVER, REFUSED, RULES_MOST, SECTIONS
from packhouse.domain.kapp.matchers import MATCHERS, read_matchers
from packhouse.domain.kapp.paths import MISSING, changed, read_path, values_at, without, written
from packhouse.domain.kapp.rules import Does, OrderRule, Rules, When, read_rules
from packhouse.ports import Json

CONFIG_MAP = {"apiVersionKindMatcher": {"apiVersion": "v1", "kind": "ConfigMap"}}


def made(kind: str = "ConfigMap", api: str = "v1", name: str = "web", namespace: str = "demo", **more: Any) -> Json:
    metadata: Json = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def config(**sections: Any) -> Json:
    return {"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", "metadata": {"name": "rules"}, **sections}


def read(**sections: Any) -> Config:
    """What the package's own Config says, without what is built in."""
    _, said = split_config([config(**sections)])
    return Config(
        rebase=said.rebase[len(BUILT_IN.rebase) :],
        waits=said.waits,
        templates=said.templates[len(BUILT_IN.templates) :],
        group_bindings=said.group_bindings,
        rule_bindings=said.rule_bindings,
        labels=said.labels,
    )


# ---- which objects are a Config -------------------------------------------------------------------------------------


def test_a_config_is_never_deployed_with_or_without_a_name() -> None:
    nameless = {key: value for key, value in config(additionalLabels={"a": "1"}).items() if key != "metadata"}
    objects, said = split_config([nameless, made(), config(additionalLabels={"b": "2"})])
    assert [obj["kind"] for obj in objects] == ["ConfigMap"]
    assert said.labels == {"a": "1", "b": "2"}
    assert is_config(nameless)
    assert not is_config(made())


def test_a_config_map_that_holds_a_config_is_deployed_as_well() -> None:
    text = yaml.safe_dump(config(additionalLabels={"a": "1"}))
    wrapped = made(data={"config.yml": text})
    wrapped["metadata"]["labels"] = {"kapp.k14s.io/config": ""}
    objects, said = split_config([wrapped])
    assert [obj["metadata"]["name"] for obj in objects] == ["web"]
    assert said.labels == {"a": "1"}


def test_without_a_config_what_is_built_in_holds_and_nothing_is_touched() -> None:
    obj = made()
    objects, said = split_config([obj])
    assert objects == [obj]
    assert objects[0] is obj
    assert said == BUILT_IN


def test_several_configs_are_one_in_their_order() -> None:
    one = config(rebaseRules=[{"path": ["a"], "type": "remove", "resourceMatchers": []}])
    two = config(rebaseRules=[{"path": ["b"], "type": "remove", "resourceMatchers": []}], additionalLabels={"a": "2"})
    _, said = split_config([{**one, "additionalLabels": {"a": "1"}}, two])
    assert [rule.paths for rule in said.rebase[len(BUILT_IN.rebase) :]] == [(("a",),), (("b",),)]
    assert said.labels == {"a": "2"}


@pytest.mark.parametrize(
    ("labelled", "message"),
    [
        (made("Secret", data={"config.yml": ""}), ": only a ConfigMap can hold one"),
        (made(), ": data has no key config.yml"),
        (made(data=None), ": data has no key config.yml"),
        (made(data="text"), ": data has no key config.yml"),
        (made(data={"config.yml": "a: ["}), ": data[config.yml]:2: no valid YAML"),
        (made(data={"config.yml": "{}\n---\n{a: 1}\n---\n{b: 1}"}), ": data[config.yml] must hold one document, a map"),
        (made(data={"config.yml": "- a"}), ": data[config.yml] must hold one document, a map"),
        (made(data={"config.yml": "a: 1"}), ": data[config.yml] must be of apiVersion kapp.k14s.io/v1alpha1"),
        (
            made(data={"config.yml": yaml.safe_dump(config(rules=[]))}),
            ": data[config.yml]: rules is no section",
        ),
    ],
    ids=[
        "secret",
        "no data",
        "null data",
        "text",
        "no yaml",
        "two documents",
        "list",
        "another kind",
        "unknown section",
    ],
)
def test_a_labelled_object_that_holds_no_config_is_refused_by_name(labelled: Json, message: str) -> None:
    labelled = {**labelled, "metadata": {**labelled["metadata"], "labels": {"kapp.k14s.io/config": ""}}}
    with pytest.raises(RenderedInvalid) as refused:
        split_config([labelled])
    name = f"{labelled['kind']} demo/web (v1)"
    assert refused.value.message.startswith(f"{name}, which its label kapp.k14s.io/config makes a Config{message}")


# ---- sections -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", sorted(PASSED_OVER))
def test_sections_that_nothing_needs_are_passed_over(section: str) -> None:
    assert read(**{section: [{"whatever": True}]}) == Config()


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_a_section_may_be_empty(section: str) -> None:
    assert read(**{section: None}) == Config()
    assert read(**{section: {} if section == "additionalLabels" else []}) == Config()


@pytest.mark.parametrize("section", sorted(REFUSED))
def test_a_section_without_which_something_else_would_be_deployed_is_refused(section: str) -> None:
    with pytest.raises(
        UnsupportedStep, match=rf"^Config rules \(kapp.k14s.io/v1alpha1\): {section} is not supported: "
    ):
        read(**{section: {"resourceMatchers": []}})


def rebase(**more: Any) -> Json:
    return {"rebaseRules": [{"path": ["a"], "type": "remove", "resourceMatchers": [CONFIG_MAP], **more}]}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"rebaseRule": []}, ": rebaseRule is no section (did you mean rebaseRules?)"),
        ({"rebaseRules": {}}, ": rebaseRules must be a list"),
        ({"rebaseRules": [1]}, ": rebaseRules[0] must be a map"),
        ({"rebaseRules": [{}] * (RULES_MOST + 1)}, ": rebaseRules has 501 entries; 500 is the most"),
        ({"rebaseRules": [{"type": "remove"}]}, ": rebaseRules[0] must have either path or paths"),
        (rebase(paths=[["b"]]), ": rebaseRules[0] must have either path or paths"),
        (rebase(path=[]), ": rebaseRules[0].path must be a list of keys, such as [spec, replicas]"),
        (rebase(path="spec.replicas"), ": rebaseRules[0].path must be a list of keys, such as [spec, replicas]"),
        (rebase(path=["a", {"allIndexes": True}]), ": rebaseRules[0]: a path must end with a key, not with an index"),
        (rebase(type="copied"), ": rebaseRules[0].type must be copy or remove"),
        (rebase(type="copy"), ": rebaseRules[0].sources must be a list of new and existing"),
        (rebase(type="copy", sources=[]), ": rebaseRules[0].sources must be a list of new and existing"),
        (rebase(type="copy", sources=["live"]), ": rebaseRules[0].sources must be a list of new and existing"),
        (rebase(type="copy", sources=[[]]), ": rebaseRules[0].sources must be a list of new and existing"),
        (
            rebase(resourceMatchers=[{"apiVersionKindMatch": {}}]),
            ": rebaseRules[0].resourceMatchers[0]: a matcher apiVersionKindMatch is not known "
            "(did you mean apiVersionKindMatcher?); known are allMatcher, ",
        ),
        (
            {"waitRules": [{"conditionMatchers": [{"type": "Up"}]}]},
            ": waitRules[0].conditionMatchers[0].status must be",
        ),
        (
            {"waitRules": [{"conditionMatchers": [{"type": "Up", "status": True}]}]},
            ": waitRules[0].conditionMatchers[0].status must be a text: quote it",
        ),
        (
            {"waitRules": [{"supportsObservedGeneration": "yes"}]},
            ": waitRules[0].supportsObservedGeneration must be true or false",
        ),
        ({"templateRules": [{}]}, ": templateRules[0].affectedResources must be a map with objectReferences"),
        (
            {"templateRules": [{"affectedResources": {"objectReferences": [{}]}}]},
            ": templateRules[0].affectedResources.objectReferences[0].path must be a list of keys",
        ),
        ({"changeGroupBindings": [{}]}, ": changeGroupBindings[0].name must be a text"),
        ({"changeRuleBindings": [{"rules": "a"}]}, ": changeRuleBindings[0].rules must be a list of change rules"),
        ({"additionalLabels": {"a": 1}}, ": additionalLabels must be a map of texts"),
    ],
    ids=lambda given: given[:60] if isinstance(given, str) else "",
)
def test_a_rule_that_cannot_be_followed_is_refused_with_its_place(sections: Json, message: str) -> None:
    with pytest.raises(RenderedInvalid) as refused:
        read(**sections)
    assert refused.value.message.startswith(f"Config rules (kapp.k14s.io/v1alpha1){message}")


def test_rules_that_would_take_long_on_so_many_objects_are_refused() -> None:
    rules = [rule for number in range(400) for rule in rebase(path=["data", f"k{number}"])["rebaseRules"]]
    few, many = [made(name=f"o{number}") for number in range(20)], [made(name=f"o{number}") for number in range(2000)]
    split_config([config(rebaseRules=rules), *few])
    with pytest.raises(RenderedInvalid, match=r"Config rules .*words for 2000 objects, more than can be tried"):
        split_config([config(rebaseRules=rules), *many])


def test_a_config_in_a_config_map_is_not_read_where_it_is_long() -> None:
    wrapped = made(data={"config.yml": "#" * 200_001})
    wrapped["metadata"]["labels"] = {"kapp.k14s.io/config": ""}
    with pytest.raises(RenderedInvalid, match="longer than 200,000 characters"):
        split_config([wrapped])


def test_another_kind_of_kapp_is_no_config() -> None:
    with pytest.raises(RenderedInvalid, match=r"^App web \(.*\): the only kind of kapp.k14s.io/v1alpha1 is Config$"):
        split_config([made("App", "kapp.k14s.io/v1alpha1")])


@pytest.mark.parametrize("section", ["rebaseRules", "waitRules"])
def test_rules_that_are_programs_are_refused_with_the_form_to_use(section: str) -> None:
    with pytest.raises(UnsupportedStep, match=rf": {section}\[0\].ytt is not supported: .*; write the rule with "):
        read(**{section: [{"ytt": {"overlayContractV1": {}}, "resourceMatchers": []}]})


def test_rebase_rules() -> None:
    paths = [["metadata", "annotations", "a.b/c"], ["webhooks", {"allIndexes": True}, "clientConfig", "caBundle"]]
    said = read(
        rebaseRules=[
            {"path": ["spec", "x"], "type": "remove", "resourceMatchers": [CONFIG_MAP]},
            {"paths": paths, "type": "copy", "sources": ["existing", "new"], "resourceMatchers": [{"allMatcher": {}}]},
        ]
    )
    removing, copying = said.rebase
    assert (removing.sources, [written(path) for path in removing.paths]) == ((), ["spec.x"])
    assert copying.sources == (Source.EXISTING, Source.NEW)
    assert [written(path) for path in copying.paths] == [
        "metadata.annotations.a.b/c",
        "webhooks.(all).clientConfig.caBundle",
    ]
    assert (removing.matches(made()), removing.matches(made("Secret"))) == (True, False)
    assert copying.matches(made("Secret"))


def test_wait_rules() -> None:
    [rule] = read(
        waitRules=[
            {
                "supportsObservedGeneration": True,
                "conditionMatchers": [
                    {"type": "Failed", "status": "True", "failure": True},
                    {"type": "Ready", "status": "True", "success": True, "supportsObservedGeneration": True},
                    {"type": "Progressing", "status": "True", "unblockChanges": True},
                ],
                "resourceMatchers": [CONFIG_MAP],
            }
        ]
    ).waits
    assert rule == WaitRule(
        rule.matches,
        (
            ConditionRule("Failed", "True", failure=True),
            ConditionRule("Ready", "True", success=True, observed_generation=True),
            ConditionRule("Progressing", "True", unblocks=True),
        ),
        observed_generation=True,
    )
    assert (rule.matches(made()), rule.matches(made("Secret"))) == (True, False)


def test_template_rules() -> None:
    reference = {"path": ["spec", "ref"], "resourceMatchers": [CONFIG_MAP]}
    [rule] = read(
        templateRules=[
            {
                "resourceMatchers": [{"apiVersionKindMatcher": {"apiVersion": "v1", "kind": "Secret"}}],
                "affectedResources": {"objectReferences": [reference, {**reference, "nameKey": "secretName"}]},
            }
        ]
    ).templates
    assert [(each.path, each.name_key) for each in rule.references] == [
        (("spec", "ref"), "name"),
        (("spec", "ref"), "secretName"),
    ]
    assert (rule.matches(made("Secret")), rule.references[0].matches(made())) == (True, True)


def test_bindings_add_groups_and_rules_to_the_objects_they_match() -> None:
    said = read(
        changeGroupBindings=[{"name": "demo/{kind}", "resourceMatchers": [CONFIG_MAP]}],
        changeRuleBindings=[
            {"rules": ["upsert after upserting demo/{namespace}"], "resourceMatchers": [CONFIG_MAP]},
            {
                "rules": ["delete before deleting x", "delete after deleting y"],
                "ignoreIfCyclical": True,
                "resourceMatchers": [CONFIG_MAP],
            },
        ],
    )
    obj = made()
    obj["metadata"]["annotations"] = {"kapp.k14s.io/change-group": "own", "kapp.k14s.io/delete-strategy": "orphan"}
    assert bound_rules(obj, read_rules(obj), said) == Rules(
        orphan=True,
        groups=("own", "demo/ConfigMap"),
        order=(
            OrderRule(Does.UPSERT, When.AFTER, Does.UPSERT, "demo/demo"),
            OrderRule(Does.DELETE, When.BEFORE, Does.DELETE, "x", soft=True),
            OrderRule(Does.DELETE, When.AFTER, Does.DELETE, "y", soft=True),
        ),
    )
    unbound = made("Secret")
    assert bound_rules(unbound, rules := read_rules(unbound), said) is rules


def test_a_binding_that_makes_no_rule_is_refused_with_both_places() -> None:
    said = read(changeRuleBindings=[{"rules": ["upsert"], "resourceMatchers": [CONFIG_MAP]}])
    with pytest.raises(RenderedInvalid) as refused:
        bound_rules(made(), Rules(), said)
    assert refused.value.message == (
        "Config rules (kapp.k14s.io/v1alpha1): changeRuleBindings[0].rules, for ConfigMap demo/web (v1) is no change "
        "rule; write it as (upsert|delete) (before|after) (upserting|deleting) GROUP"
    )


# ---- additional labels ----------------------------------------------------------------------------------------------


def test_additional_labels_are_put_on_objects_and_on_the_pods_they_make() -> None:
    pod: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {}}
    plain = made()
    given = [
        plain,
        made("Deployment", "apps/v1", spec={"template": pod}),
        made("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": {}}}}}),
        made("Deployment", "apps/v1", name="bare", spec={}),
    ]
    own = made("Deployment", "apps/v1", name="own", spec={"template": pod})
    own["metadata"]["annotations"] = {"kapp.k14s.io/disable-default-ownership-label-rules": ""}
    objects, _ = split_config([config(additionalLabels={"team": "a"}), *given, own])
    assert [obj["metadata"]["labels"] for obj in objects] == [{"team": "a"}] * 5
    assert objects[1]["spec"]["template"] == {**pod, "metadata": {"labels": {"app": "web", "team": "a"}}}
    assert objects[2]["spec"]["jobTemplate"]["spec"]["template"]["metadata"] == {"labels": {"team": "a"}}
    assert objects[3]["spec"] == {}
    assert objects[4]["spec"]["template"] == pod
    assert plain == made()


def test_what_is_no_map_where_labels_go_is_left_to_the_api_server() -> None:
    odd = [
        made("Deployment", "apps/v1", spec={"template": template})
        for template in ("text", {"metadata": "text"}, {"metadata": {"labels": ["a"]}})
    ]
    objects, _ = split_config([config(additionalLabels={"team": "a"}), *odd])
    assert [obj["spec"] for obj in objects] == [obj["spec"] for obj in odd]


# ---- matchers -------------------------------------------------------------------------------------------------------

DEPLOYMENT = made("Deployment", "apps/v1")
CLUSTER_ROLE = made("ClusterRole", "rbac.authorization.k8s.io/v1", namespace="", aggregationRule={"a": 1}, rules=[])
DATABASE = made("Database", "example.com/v1")
ANNOTATED = made()
ANNOTATED["metadata"]["annotations"] = {"a": "", "b": ""}


@pytest.mark.parametrize(
    ("matcher", "matching", "others"),
    [
        ({"allMatcher": {}}, [DEPLOYMENT, CLUSTER_ROLE], []),
        ({"allResourceMatcher": {}}, [DEPLOYMENT], []),
        ({"allMatcher": None}, [DEPLOYMENT], []),
        (
            {"anyMatcher": {"matchers": [{"hasNamespaceMatcher": {}}, {"customResourceMatcher": {}}]}},
            [DEPLOYMENT, DATABASE],
            [CLUSTER_ROLE],
        ),
        ({"anyResourceMatcher": {"matchers": [CONFIG_MAP]}}, [ANNOTATED], [DEPLOYMENT]),
        ({"anyMatcher": {}}, [], [DEPLOYMENT]),
        (
            {"andMatcher": {"matchers": [{"hasNamespaceMatcher": {}}, {"customResourceMatcher": {}}]}},
            [DATABASE],
            [DEPLOYMENT, CLUSTER_ROLE],
        ),
        ({"notMatcher": {"matcher": {"hasNamespaceMatcher": {}}}}, [CLUSTER_ROLE], [DEPLOYMENT]),
        ({"apiGroupKindMatcher": {"apiGroup": "apps", "kind": "Deployment"}}, [DEPLOYMENT], [DATABASE]),
        ({"apiGroupKindMatcher": {"apiGroup": "", "kind": "ConfigMap"}}, [ANNOTATED], [DEPLOYMENT]),
        ({"apiGroupKindMatcher": {"kind": "ConfigMap"}}, [ANNOTATED], [DEPLOYMENT]),
        (
            {"apiVersionKindMatcher": {"apiVersion": "apps/v1", "kind": "Deployment"}},
            [DEPLOYMENT],
            [made("Deployment", "apps/v1beta1"), made("ReplicaSet", "apps/v1")],
        ),
        (
            {"kindNamespaceNameMatcher": {"kind": "Deployment", "namespace": "demo", "name": "web"}},
            [DEPLOYMENT],
            [made(), made("Deployment", "apps/v1", name="x"), made("Deployment", "apps/v1", namespace="x")],
        ),
        ({"kindNamespaceNameMatcher": {"kind": "ClusterRole", "name": "web"}}, [CLUSTER_ROLE], [DEPLOYMENT]),
        ({"hasAnnotationMatcher": {"keys": ["a", "b"]}}, [ANNOTATED], [DEPLOYMENT]),
        ({"hasAnnotationMatcher": {"keys": ["a", "c"]}}, [], [ANNOTATED]),
        ({"hasNamespaceMatcher": {}}, [DEPLOYMENT], [CLUSTER_ROLE]),
        ({"hasNamespaceMatcher": {"names": ["demo", "x"]}}, [DEPLOYMENT], [made(namespace="y"), CLUSTER_ROLE]),
        ({"customResourceMatcher": {}}, [DATABASE], [DEPLOYMENT, CLUSTER_ROLE, ANNOTATED]),
        (
            {"emptyFieldMatcher": {"path": ["aggregationRule"]}},
            [DEPLOYMENT, {**CLUSTER_ROLE, "aggregationRule": None}, {**CLUSTER_ROLE, "aggregationRule": {}}],
            [CLUSTER_ROLE],
        ),
        (
            {"emptyFieldMatcher": {"path": ["rules", {"allIndexes": True}, "verbs"]}},
            [CLUSTER_ROLE, {**CLUSTER_ROLE, "rules": [{"verbs": []}, {}]}],
            [{**CLUSTER_ROLE, "rules": [{}, {"verbs": ["get"]}]}, {**CLUSTER_ROLE, "rules": [{"verbs": ""}]}],
        ),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_each_matcher_matches_what_it_says(matcher: Json, matching: list[Json], others: list[Json]) -> None:
    matches = read_matchers([matcher], "here")
    assert [matches(obj) for obj in matching] == [True] * len(matching)
    assert [matches(obj) for obj in others] == [False] * len(others)


def test_every_matcher_stands_in_the_table_of_tests() -> None:
    [mark] = [mark for mark in test_each_matcher_matches_what_it_says.pytestmark if mark.name == "parametrize"]
    assert {name for matcher, _, _ in mark.args[1] for name in matcher} == set(MATCHERS)


def test_a_list_of_matchers_is_any_of_them_and_none_is_nothing() -> None:
    either = read_matchers([CONFIG_MAP, {"customResourceMatcher": {}}], "here")
    assert [either(obj) for obj in (ANNOTATED, DATABASE, DEPLOYMENT)] == [True, True, False]
    assert not read_matchers([], "here")(DEPLOYMENT)
    assert not read_matchers(None, "here")(DEPLOYMENT)


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ({}, "here must be a list of matchers, such as [{allMatcher: {}}]"),
        ([{}], "here[0] must hold exactly one matcher; several make an andMatcher or an anyMatcher"),
        ([{"allMatcher": {}, "anyMatcher": {}}], "here[0] must hold exactly one matcher; several make an andMatcher"),
        (["allMatcher"], "here[0] must hold exactly one matcher"),
        ([{"allMatcher": []}], "here[0].allMatcher must be a map"),
        ([{"notMatcher": {}}], "here[0].notMatcher.matcher must hold exactly one matcher"),
        (
            [{"andMatcher": {"matchers": [{"x": {}}]}}],
            "here[0].andMatcher.matchers[0]: a matcher x is not known; known",
        ),
        ([{"hasAnnotationMatcher": {"keys": "a"}}], "here[0].hasAnnotationMatcher.keys must be a list of texts"),
        ([{"hasNamespaceMatcher": {"names": [1]}}], "here[0].hasNamespaceMatcher.names must be a list of texts"),
        ([{"apiGroupKindMatcher": {"kind": 1}}], "here[0].apiGroupKindMatcher.kind must be a text"),
        (
            [{"emptyFieldMatcher": {}}],
            "here[0].emptyFieldMatcher.path must be a list of keys, such as [spec, replicas]",
        ),
    ],
    ids=lambda given: given[:40] if isinstance(given, str) else "",
)
def test_a_matcher_of_another_form_is_refused_with_its_place(wire: object, message: str) -> None:
    with pytest.raises(RenderedInvalid) as refused:
        read_matchers(wire, "here")
    assert refused.value.message.startswith(message)


# ---- paths ----------------------------------------------------------------------------------------------------------

TREE: Json = {"a": {"b": 1, "b2": 2}, "list": [{"name": "x", "v": 1}, {"name": "y"}, "scalar"], "none": None}


@pytest.mark.parametrize(
    ("wire", "found", "left"),
    [
        (["a", "b"], [1], {**TREE, "a": {"b2": 2}}),
        (["a", {"regex": "^b"}], [1, 2], {**TREE, "a": {}}),
        (["list", {"allIndexes": True}, "v"], [1], {**TREE, "list": [{"name": "x"}, {"name": "y"}, "scalar"]}),
        (["list", {"index": 1}, "name"], ["y"], {**TREE, "list": [TREE["list"][0], {}, "scalar"]}),
        (["list", {"index": 9}, "name"], [], TREE),
        (["list", {"index": 2}], ["scalar"], {**TREE, "list": TREE["list"][:2]}),
        (["none"], [None], {"a": TREE["a"], "list": TREE["list"]}),
        (["none", "x"], [], TREE),
        (["a", {"allIndexes": True}], [], TREE),
        (["a", "x", "y"], [], TREE),
        (["list", "x"], [], TREE),
    ],
    ids=lambda given: "",
)
def test_a_path_leads_to_values_and_removes_them_without_changing_what_it_is_given(
    wire: list[Any], found: list[Any], left: Json
) -> None:
    before = yaml.safe_dump(TREE)
    path = read_path(wire, "here")
    assert list(values_at(TREE, path)) == found
    assert without(TREE, path) == left
    assert (without(TREE, path) is TREE) is (left == TREE)
    assert yaml.safe_dump(TREE) == before


def test_a_change_shares_what_stays_as_it_was() -> None:
    after = changed(TREE, ("a", "b"), lambda found: found + 1)
    assert after == {**TREE, "a": {"b": 2, "b2": 2}}
    assert after["list"] is TREE["list"]
    assert changed(TREE, ("a", "b"), lambda found: found) is TREE
    assert changed(TREE, ("x", "b"), lambda found: MISSING) is TREE


@pytest.mark.parametrize(
    "part",
    [1, None, True, ["a"], {}, {"allIndexes": False}, {"index": -1}, {"index": "0"}, {"index": True}, {"a": 1}],
    ids=str,
)
def test_a_part_of_another_form_is_refused_with_its_place(part: object) -> None:
    with pytest.raises(RenderedInvalid) as refused:
        read_path(["a", part], "here")
    assert refused.value.message == "here[1] must be a key, {allIndexes: true}, {index: 0} or {regex: PATTERN}"


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(RenderedInvalid, match=r"^here\[0\] is no regular expression$"):
        read_path([{"regex": "a[b"}], "here")


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(?=a)a", r"(a)\1", "a*a*", "^a*a*a*$", "(a|a)(a|a)(a|a)(a|a)(a|a)", "a?a?a?a?a?", "(ab){3}", "a" * 201],
)
def test_a_pattern_that_may_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedStep, match=r"^here\[0\]: a pattern of keys may have one repetition"):
        read_path([{"regex": pattern}], "here")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("pattern", ["a+b", "^a*a*b", "^a{1,300}a{1,300}b", "(a|a)(a|a)(a|a)(a|a)a*b", "a?a?a?a?a*b"])
def test_a_pattern_that_is_taken_ends_soon_on_any_key(pattern: str) -> None:
    path = read_path([{"regex": pattern}], "here")
    assert list(values_at({"a" * 320: 1, "a" * 100_000: 2}, path)) == []


def test_patterns_match_keys_of_annotations_as_packages_write_them() -> None:
    path = read_path(["metadata", "annotations", {"regex": r"^cert-manager\.io/.*"}], "here")
    obj = made()
    obj["metadata"]["annotations"] = {"cert-manager.io/a": "1", "cert-manager.io/b": "2", "x": "3"}
    assert without(obj, path)["metadata"]["annotations"] == {"x": "3"}


# ---- whatever comes -------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        *("path", "paths", "type", "sources", "resourceMatchers", "ytt", "conditionMatchers", "affectedResources"),
        *(
            "objectReferences",
            "nameKey",
            "name",
            "rules",
            "matchers",
            "matcher",
            "keys",
            "allIndexes",
            "index",
            "regex",
        ),
        *("copy", "new", "existing", "a", *MATCHERS),
    ]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([*SECTIONS, *PASSED_OVER, *REFUSED]), _ANYTHING, _ANYTHING)
def test_whatever_a_config_holds_it_is_read_or_refused(section: str, content: Any, metadata: Any) -> None:
    try:
        _, said = split_config([{**config(**{section: content}), "metadata": metadata}])
    except (RenderedInvalid, UnsupportedStep) as refused:
        assert refused.message.startswith("Config")
        return
    for rule in (*said.rebase, *said.waits, *said.templates, *said.group_bindings, *said.rule_bindings):
        assert rule.matches(DEPLOYMENT) in (True, False)


# ---- real packages --------------------------------------------------------------------------------------------------

FEW = {"spec.extraConfigs", "spec.dataNetwork", "spec.serviceEngineGroup"}
MANY = FEW | {
    *(f"spec.{name}" for name in ("cloudName", "controller", "adminCredentialRef", "certificateAuthorityRef")),
    *("spec.controllerVersion", "spec.controlPlaneNetwork"),
}


def real(package: str) -> tuple[list[Json], Config]:
    [case] = [case for case in conformance.rendered() if case.name == package]
    documents = yaml.load_all(case.text, Loader=yaml.CSafeLoader)
    objects, said = split_config([document for document in documents if document])
    return objects, said


def rules_of(obj: Json, said: Config) -> list[tuple[list[str], list[str]]]:
    """What the package's own rebase rules say of one object: paths and sources."""
    return [
        ([written(path) for path in rule.paths], [source.value for source in rule.sources])
        for rule in said.rebase[len(BUILT_IN.rebase) :]
        if rule.matches(obj)
    ]


@conformance.needed
@pytest.mark.parametrize("version", ["0.6.1", "0.6.2"])
def test_metrics_server_keeps_the_selector_that_kapp_made(version: str) -> None:
    objects, said = real(f"metrics-server@{version}")
    said_of = {obj["kind"]: rules_of(obj, said) for obj in objects}
    assert {kind: rules for kind, rules in said_of.items() if rules} == {
        "APIService": [(["spec.caBundle"], [])],
        "Deployment": [(["spec.selector.matchLabels.kapp.k14s.io/app"], ["existing"])],
    }
    assert not any(is_config(obj) for obj in objects)


@conformance.needed
@pytest.mark.parametrize(("version", "fields"), [("1.4.0", FEW), ("1.5.0", MANY), ("1.6.0", MANY), ("1.7.0", MANY)])
def test_ako_operator_leaves_what_its_users_set(version: str, fields: set[str]) -> None:
    objects, said = real(f"ako-operator@{version}")
    said_of = {
        obj["metadata"]["name"]: [(set(paths), sources) for paths, sources in rules_of(obj, said)]
        for obj in objects
        if obj["kind"] == "AKODeploymentConfig"
    }
    assert said_of == {
        "install-ako-for-all": [(fields, ["existing", "new"])],
        "install-ako-for-management-cluster": [(fields, ["existing", "new"])],
    }
    # The ConfigMap that holds the rules is deployed with the rest.
    assert [obj["kind"] for obj in objects if "kapp.k14s.io/config" in (obj["metadata"].get("labels") or {})] == [
        "ConfigMap"
    ]


@conformance.needed
@pytest.mark.parametrize("version", ["1.6.0", "1.7.0"])
def test_ako_operator_leaves_the_passwords_that_its_users_set(version: str) -> None:
    objects, said = real(f"ako-operator@{version}")
    assert {
        obj["metadata"]["name"]: rules_of(obj, said)
        for obj in objects
        if obj["kind"] == "Secret" and rules_of(obj, said)
    } == {
        "avi-controller-credentials": [(["data.username", "data.password"], ["existing", "new"])],
        "avi-controller-ca": [(["data.certificateAuthorityData"], ["existing", "new"])],
    }
    assert rules_of(made("Secret", name="avi-controller-ca"), said) == []


@conformance.needed
@pytest.mark.parametrize("version", ["1.8.1", "1.8.2"])
def test_ako_leaves_the_mark_of_its_controller(version: str) -> None:
    objects, said = real(f"load-balancer-and-ingress-service@{version}")
    said_of = {obj["metadata"]["name"]: rules_of(obj, said) for obj in objects if obj["kind"] == "StatefulSet"}
    assert said_of == {"ako": [(["metadata.annotations.AviObjectDeletionStatus"], ["existing"])]}


@conformance.needed
@pytest.mark.parametrize("case", conformance.rendered(), ids=str)
def test_every_real_package_is_read_and_its_config_is_not_among_its_objects(case: conformance.Case) -> None:
    documents = yaml.load_all(case.text, Loader=yaml.CSafeLoader)
    objects, said = split_config([document for document in documents if document])
    assert [obj for obj in objects if obj in case.objects] == objects
    assert not any(is_config(obj) for obj in objects)
    assert said.rebase[: len(BUILT_IN.rebase)] == BUILT_IN.rebase
