"""kapp's annotations: one row per annotation and value, the order rules, placeholders, and what real packages carry."""

from __future__ import annotations

from typing import Any

import pytest

import conformance
from packhouse.api.errors import RenderedInvalid
from packhouse.domain.kapp.rules import (
    CreateStrategy,
    Does,
    OrderRule,
    Rules,
    UpdateStrategy,
    When,
    is_noop,
    read_rules,
)
from packhouse.ports import Json


def annotated(annotations: Json | None, **more: Any) -> Json:
    obj: Json = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"}}
    if annotations is not None:
        obj["metadata"]["annotations"] = annotations
    return {**obj, **more}


def crd(**more: Any) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "databases.example.com",
            "annotations": {
                "kapp.k14s.io/change-group": "crds.example.com/{crd-group}-{crd-kind}",
                "kapp.k14s.io/delete-strategy": "orphan",
            },
        },
        **more,
    }


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("update-strategy", "", Rules()),
        ("update-strategy", "update", Rules()),
        ("update-strategy", "skip", Rules(update=UpdateStrategy.SKIP)),
        ("update-strategy", "fallback-on-replace", Rules(update=UpdateStrategy.FALLBACK_ON_REPLACE)),
        ("update-strategy", "always-replace", Rules(update=UpdateStrategy.ALWAYS_REPLACE)),
        ("create-strategy", "", Rules()),
        ("create-strategy", "fallback-on-update", Rules(create=CreateStrategy.FALLBACK_ON_UPDATE)),
        ("create-strategy", "fallback-on-update-or-noop", Rules(create=CreateStrategy.FALLBACK_ON_UPDATE_OR_NOOP)),
        ("delete-strategy", "", Rules()),
        ("delete-strategy", "orphan", Rules(orphan=True)),
        ("versioned", "", Rules(versioned=True)),
        ("versioned", "false", Rules(versioned=True)),
        ("versioned-keep-original", "", Rules(keep_original=True)),
        ("num-versions", "not looked at", Rules()),
        ("disable-wait", "", Rules(wait=False)),
        ("owned-for-deletion", "", Rules(owned_for_deletion=True)),
        ("noop", "", Rules(noop=True)),
        ("exists", "", Rules(exists=True)),
        ("change-group", "db", Rules(groups=("db",))),
        ("change-group.2", "apps.big.co/db", Rules(groups=("apps.big.co/db",))),
        (
            "change-rule",
            "upsert after upserting db",
            Rules(order=(OrderRule(Does.UPSERT, When.AFTER, Does.UPSERT, "db"),)),
        ),
        (
            "change-rule.x",
            "delete before deleting apps.big.co/db",
            Rules(order=(OrderRule(Does.DELETE, When.BEFORE, Does.DELETE, "apps.big.co/db"),)),
        ),
        ("disable-default-label-scoping-rules", "", Rules()),
        ("disable-default-ownership-label-rules", "", Rules()),
        ("disable-original", "", Rules()),
        ("deploy-logs", "for-new", Rules()),
        ("nonce", "", Rules()),
        ("identity", "v1;/ConfigMap/web;v1", Rules()),
        ("whatever-comes-next", "42", Rules()),
        ("change-groups", "no group", Rules()),
    ],
)
def test_each_annotation_says_what_kapp_makes_of_it(key: str, value: str, rules: Rules) -> None:
    assert read_rules(annotated({f"kapp.k14s.io/{key}": value, "other": "x"})) == rules


@pytest.mark.parametrize("annotations", [None, {}, {"app": "web"}], ids=["null", "none", "others"])
def test_an_object_without_kapp_annotations_is_deployed_like_any_other(annotations: Json | None) -> None:
    assert read_rules(annotated(annotations)) == Rules()
    assert read_rules(annotated(annotations, metadata={"name": "web", "annotations": None})) == Rules()


def test_versions_kept_counts_for_versioned_objects() -> None:
    rules = read_rules(annotated({"kapp.k14s.io/versioned": "", "kapp.k14s.io/num-versions": "2"}))
    assert rules == Rules(versioned=True, versions_kept=2)


def test_the_default_strategy_is_for_objects_that_name_none() -> None:
    replacing = UpdateStrategy.FALLBACK_ON_REPLACE
    assert read_rules(annotated(None), update=replacing).update is replacing
    assert read_rules(annotated({"kapp.k14s.io/noop": ""}), update=replacing).update is replacing
    assert read_rules(annotated({"kapp.k14s.io/update-strategy": ""}), update=replacing).update is UpdateStrategy.UPDATE


def test_several_groups_and_rules_are_read_in_an_order_of_their_own() -> None:
    one = {"kapp.k14s.io/change-group": "a", "kapp.k14s.io/change-group.z": "z", "kapp.k14s.io/change-group.b": "b"}
    other = dict(reversed(one.items()))
    assert read_rules(annotated(one)).groups == ("a", "b", "z")
    assert read_rules(annotated(one)) == read_rules(annotated(other))


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("apps.co/{name}", "apps.co/web"),
        ("apps.co/ns-{namespace}", "apps.co/ns-demo"),
        ("{api-group}/{kind}", "apps/Deployment"),
        ("{name}-{name}", "web-web"),
    ],
)
def test_placeholders_are_filled_from_the_object_in_groups_and_rules(text: str, group: str) -> None:
    rules = read_rules(
        annotated({"kapp.k14s.io/change-group": text, "kapp.k14s.io/change-rule": f"upsert before deleting {text}"})
    )
    assert rules.groups == (group,)
    assert rules.order == (OrderRule(Does.UPSERT, When.BEFORE, Does.DELETE, group),)


def test_a_crd_knows_what_it_defines_while_it_is_known_whole() -> None:
    rules = read_rules(crd(spec={"group": "example.com", "names": {"kind": "Database"}}))
    assert rules.groups == ("crds.example.com/example.com-Database",)


def test_metadata_of_a_live_crd_leaves_a_group_out_and_keeps_the_rest() -> None:
    assert read_rules(crd()) == Rules(orphan=True)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        pytest.param(
            "update-strategy",
            "fallback-on-replce",
            "has a value that is not known (did you mean fallback-on-replace?); "
            "allowed are update, skip, fallback-on-replace, always-replace and nothing",
            id="update",
        ),
        pytest.param(
            "create-strategy",
            "create",
            "has a value that is not known; allowed are fallback-on-update, fallback-on-update-or-noop and nothing",
            id="create",
        ),
        pytest.param(
            "delete-strategy", "keep", "has a value that is not known; allowed are orphan and nothing", id="delete"
        ),
        pytest.param(
            "change-rule",
            "upsert after db",
            "is no change rule; write it as (upsert|delete) (before|after) (upserting|deleting) GROUP",
            id="three words",
        ),
        pytest.param(
            "change-rule",
            "create after upserting db",
            "is no change rule; write it as (upsert|delete) (before|after) (upserting|deleting) GROUP",
            id="another verb",
        ),
        pytest.param(
            "change-rule",
            "upsert after upserting a/b/c",
            "names no change group; write one as apps.example.com/database, 63 letters at most",
            id="rule with no group",
        ),
        pytest.param(
            "change-group",
            "",
            "names no change group; write one as apps.example.com/database, 63 letters at most",
            id="empty group",
        ),
        pytest.param(
            "change-group",
            "x" * 64,
            "names no change group; write one as apps.example.com/database, 63 letters at most",
            id="long group",
        ),
        pytest.param(
            "change-group",
            "a-{names}",
            "has a placeholder that is not known; known are {api-group}, {kind}, {name}, {namespace}, {crd-kind}, "
            "{crd-group}",
            id="unknown placeholder",
        ),
        pytest.param(
            "change-group",
            "a-{crd-kind}",
            ": {crd-kind} stands for nothing here, since the object has none",
            id="placeholder of another kind",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_with_object_and_annotation(key: str, value: str, message: str) -> None:
    with pytest.raises(RenderedInvalid) as refused:
        read_rules(annotated({f"kapp.k14s.io/{key}": value}))
    said = refused.value.message
    assert said.startswith(f"Deployment demo/web (apps/v1): annotation kapp.k14s.io/{key}")
    assert said.endswith(message)


@pytest.mark.parametrize("value", ["0", "-1", "many", "", "1.5", "9" * 30])
def test_a_number_of_versions_must_be_one(value: str) -> None:
    with pytest.raises(
        RenderedInvalid, match=r"annotation kapp.k14s.io/num-versions must be a whole number, 1 or more$"
    ):
        read_rules(annotated({"kapp.k14s.io/versioned": "", "kapp.k14s.io/num-versions": value}))


def test_an_object_that_is_left_alone_says_so_before_it_has_a_namespace() -> None:
    obj = annotated({"kapp.k14s.io/noop": "", "kapp.k14s.io/change-group": "in-{namespace}"})
    del obj["metadata"]["namespace"]
    assert is_noop(obj)
    assert not is_noop(annotated(None))


@pytest.mark.timeout(30)
def test_an_annotation_of_nothing_but_open_braces_is_read_at_once() -> None:
    with pytest.raises(RenderedInvalid):
        read_rules(annotated({"kapp.k14s.io/change-rule": "{" * 200_000}))


# ---- real packages --------------------------------------------------------------------------------------------------


@conformance.needed
@pytest.mark.parametrize("case", conformance.rendered(), ids=str)
def test_the_annotations_of_real_packages_are_all_understood(case: conformance.Case) -> None:
    for obj in case.objects:
        if obj["kind"] == "Config" and not obj.get("metadata"):
            continue
        marks = (obj.get("metadata") or {}).get("annotations") or {}
        rules = read_rules(obj)
        strategy = marks.get("kapp.k14s.io/update-strategy", "")
        assert rules.update is (UpdateStrategy(strategy) if strategy else UpdateStrategy.UPDATE)
        assert rules.orphan is (marks.get("kapp.k14s.io/delete-strategy") == "orphan")
        assert rules.groups == tuple(marks[key] for key in sorted(marks) if key.startswith("kapp.k14s.io/change-group"))
        assert len(rules.order) == sum(key.startswith("kapp.k14s.io/change-rule") for key in marks)
