"""Rebase rules: one row per owner of a live field and order of sources; lists, whole maps, removal, built-in rules.

Nothing is faked; managedFields are written as the API server writes them: unit/deploy/test_kapp_real.py sees to that.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.names import APPLY_MANAGER
from packhouse.domain.kapp.config import BUILT_IN, Config, RebaseRule, Source
from packhouse.domain.kapp.held import Held, held, only_ours
from packhouse.domain.kapp.paths import MISSING, Path, read_path
from packhouse.domain.kapp.rebase import rebased, wants_live
from packhouse.domain.objects import owned
from packhouse.ports import Json

ME = "demo/web"
NEW, EXISTING = Source.NEW, Source.EXISTING


def made(spec: Any = None, kind: str = "Deployment", api: str = "apps/v1", **more: Any) -> Json:
    obj: Json = {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "demo"}, **more}
    return owned(obj if spec is None else {**obj, "spec": spec}, ME)


def managed(manager: str, fields: Json, operation: str = "Apply", subresource: str = "") -> Json:
    entry: Json = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return {**entry, "subresource": subresource} if subresource else entry


def ours(fields: Json) -> Json:
    return managed(APPLY_MANAGER, fields)


def theirs(fields: Json) -> Json:
    return managed("autoscaler", fields, "Update", "scale")


def live(obj: Json, *entries: Json) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "uid": "u1", "managedFields": list(entries)}}


def rules(*paths: Any, sources: tuple[Source, ...] = ()) -> Config:
    read: tuple[Path, ...] = tuple(read_path(path, "here") for path in paths)
    return Config(rebase=(RebaseRule(lambda obj: obj["kind"] == "Deployment", read, sources),))


REPLICAS: Json = {"f:spec": {".": {}, "f:replicas": {}}}
OTHER: Json = {"f:spec": {"f:paused": {}}}


# ---- whose the live value is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "rendered", "there", "entries", "applied"),
    [
        pytest.param((EXISTING, NEW), 1, 5, [theirs(REPLICAS)], None, id="live first: theirs stays theirs"),
        pytest.param((EXISTING, NEW), 1, 5, [ours(REPLICAS)], 5, id="live first: ours stays, as it is"),
        pytest.param((EXISTING, NEW), 1, 5, [ours(REPLICAS), theirs(REPLICAS)], None, id="live first: theirs too"),
        pytest.param((EXISTING, NEW), 1, 5, [ours(OTHER)], None, id="live first: nobody's, a default"),
        pytest.param((EXISTING, NEW), 1, 5, [], 5, id="live first: nobody says whose"),
        pytest.param((EXISTING, NEW), 1, None, [ours(OTHER)], 1, id="live first: nothing there"),
        pytest.param((EXISTING, NEW), None, 5, [theirs(REPLICAS)], None, id="live first: not rendered, theirs"),
        pytest.param((EXISTING, NEW), None, 5, [ours(REPLICAS)], 5, id="live first: not rendered, ours"),
        pytest.param((EXISTING, NEW), None, None, [ours(OTHER)], None, id="live first: neither"),
        pytest.param((EXISTING,), 1, 5, [theirs(REPLICAS)], None, id="live only: theirs"),
        pytest.param((EXISTING,), 1, 5, [ours(REPLICAS)], 5, id="live only: ours"),
        pytest.param((EXISTING,), 1, None, [ours(OTHER)], 1, id="live only: nothing there"),
        pytest.param((NEW, EXISTING), 1, 5, [theirs(REPLICAS)], 1, id="rendered first: it is forced"),
        pytest.param((NEW, EXISTING), None, 5, [theirs(REPLICAS)], None, id="rendered first: theirs is left"),
        pytest.param((NEW, EXISTING), None, 5, [ours(REPLICAS)], 5, id="rendered first: ours is not removed"),
        pytest.param((NEW,), 1, 5, [theirs(REPLICAS)], 1, id="rendered only"),
        pytest.param((NEW,), None, 5, [ours(REPLICAS)], None, id="rendered only: not rendered"),
        pytest.param((), 1, 5, [ours(REPLICAS)], None, id="removed"),
        pytest.param((), None, 5, [ours(REPLICAS)], None, id="removed: not there"),
    ],
)
def test_what_is_applied_of_a_field(
    sources: tuple[Source, ...], rendered: int | None, there: int | None, entries: list[Json], applied: int | None
) -> None:
    obj = made({"a": 1, **({} if rendered is None else {"replicas": rendered})})
    found = live(made({"a": 1, **({} if there is None else {"replicas": there})}), *entries)
    before = copy.deepcopy((obj, found))

    result = rebased(obj, found, rules(["spec", "replicas"], sources=sources))

    assert result == made({"a": 1, **({} if applied is None else {"replicas": applied})})
    assert (obj, found) == before


@pytest.mark.parametrize("sources", [(EXISTING, NEW), (EXISTING,), (NEW, EXISTING)], ids=str)
def test_without_a_live_object_what_was_rendered_counts(sources: tuple[Source, ...]) -> None:
    obj = made({"replicas": 1})
    assert rebased(obj, None, rules(["spec", "replicas"], sources=sources)) is obj


def test_a_removed_field_is_left_out_from_the_first_apply_on() -> None:
    assert rebased(made({"replicas": 1, "a": 1}), None, rules(["spec", "replicas"])) == made({"a": 1})


def test_an_object_that_no_rule_matches_is_given_back_as_it_is() -> None:
    obj = made({"replicas": 1}, kind="StatefulSet")
    assert rebased(obj, live(obj, ours(REPLICAS)), rules(["spec", "replicas"])) is obj
    assert not wants_live(obj, rules(["spec", "replicas"], sources=(EXISTING,)))


def test_only_rules_that_copy_live_values_want_the_live_object() -> None:
    obj = made({"replicas": 1})
    assert wants_live(obj, rules(["spec", "replicas"], sources=(NEW, EXISTING)))
    assert not wants_live(obj, rules(["spec", "replicas"], sources=(NEW,)))
    assert not wants_live(obj, rules(["spec", "replicas"]))
    assert not wants_live(obj, Config())


def test_rules_are_followed_in_their_order_and_read_what_was_rendered_at_first() -> None:
    there = RebaseRule(lambda obj: True, (("spec", "replicas"),), (EXISTING,))
    back = RebaseRule(lambda obj: True, (("spec", "replicas"),), (NEW,))
    gone = RebaseRule(lambda obj: True, (("spec", "replicas"),))
    obj, found = made({"replicas": 1}), live(made({"replicas": 5}), ours(REPLICAS))
    assert rebased(obj, found, Config(rebase=(gone, there))) == made({"replicas": 5})
    assert rebased(obj, found, Config(rebase=(there, back))) == obj
    assert rebased(obj, found, Config(rebase=(gone, back))) == obj
    assert rebased(obj, found, Config(rebase=(there, gone))) == made({})
    # "Only what is live" is nothing yet: the first apply takes what was rendered.
    assert rebased(obj, None, Config(rebase=(gone, there))) == obj


def test_what_is_taken_over_from_another_tool_is_ours_from_now_on() -> None:
    """Its manager's entries are made ours before the apply: what was left out would go with them."""
    obj = made({"replicas": 1})
    config = rules(["spec", "replicas"], sources=(EXISTING, NEW))
    of_kapp = managed("kapp", REPLICAS, "Update")
    found = live(made({"replicas": 5}), of_kapp)
    stranger = {**found, "metadata": {**found["metadata"], "annotations": {}}}
    assert rebased(obj, stranger, config) == made({"replicas": 5})
    # Once it is ours, kapp is another writer like any.
    assert rebased(obj, found, config) == made({})


def test_a_value_that_ends_up_the_same_changes_nothing() -> None:
    obj = made({"replicas": 5})
    found = live(made({"replicas": 5}), ours(REPLICAS))
    assert rebased(obj, found, rules(["spec", "replicas"], sources=(EXISTING, NEW))) == obj


# ---- maps, lists, patterns ------------------------------------------------------------------------------------------


def test_of_a_map_our_own_part_is_applied_and_the_part_of_others_is_left() -> None:
    obj = made({"net": {"name": "", "cidr": ""}})
    found = live(
        made({"net": {"name": "set", "cidr": "", "zone": "z"}}),
        ours({"f:spec": {"f:net": {".": {}, "f:cidr": {}}}}),
        managed("kubectl-edit", {"f:spec": {"f:net": {"f:name": {}, "f:zone": {}}}}, "Update"),
    )
    assert rebased(obj, found, rules(["spec", "net"], sources=(EXISTING, NEW))) == made({"net": {"cidr": ""}})


def test_inside_a_map_that_is_only_applied_whole_the_live_value_is_copied_in() -> None:
    """As for metrics-server, once it was deployed by kapp: the selector may not change."""
    path = ["spec", "selector", "matchLabels", "kapp.k14s.io/app"]
    obj = made({"selector": {"matchLabels": {"app": "web"}}})
    selector = {"matchLabels": {"app": "web", "kapp.k14s.io/app": "17"}}
    whole: Json = {"f:spec": {"f:selector": {}, "f:replicas": {}}}
    for entry in (managed("other", whole, "Update"), ours(whole)):
        found = live(made({"selector": selector, "replicas": 1}), entry)
        assert rebased(obj, found, rules(path, sources=(EXISTING,))) == made({"selector": selector})


def test_a_map_that_is_only_applied_whole_is_left_to_others_where_we_do_not_render_it() -> None:
    path = ["spec", "selector", "matchLabels", "x"]
    found = live(made({"selector": {"matchLabels": {"x": "1"}}}), theirs({"f:spec": {"f:selector": {}}}))
    assert rebased(made({}), found, rules(path, sources=(EXISTING,))) == made({})
    held_by_us = live(made({"selector": {"matchLabels": {"x": "1"}}}), ours({"f:spec": {"f:selector": {}}}))
    kept = made({"selector": {"matchLabels": {"x": "1"}}})
    assert rebased(made({}), held_by_us, rules(path, sources=(EXISTING,))) == kept


def test_a_map_that_somebody_applied_empty_is_not_taken_for_a_whole() -> None:
    obj = made(None, data={"user": "new"})
    config = rules(["data", "user"], sources=(EXISTING, NEW))
    found = live(
        made(None, data={"user": "set"}),
        ours({"f:data": {}}),
        managed("kubectl-edit", {"f:data": {"f:user": {}}}, "Update"),
    )
    assert rebased(obj, found, config) == made(None, data={})


BUNDLES = ["webhooks", {"allIndexes": True}, "clientConfig", "caBundle"]


def hooks(*names_and_bundles: tuple[str, str | None]) -> list[Json]:
    return [
        {"name": name, "clientConfig": {"path": "/", **({} if bundle is None else {"caBundle": bundle})}}
        for name, bundle in names_and_bundles
    ]


def bundle_of(name: str) -> Json:
    return {"f:webhooks": {f'k:{{"name":"{name}"}}': {"f:clientConfig": {"f:caBundle": {}}}}}


def test_items_of_a_list_are_told_apart_by_their_keys_and_else_by_their_place() -> None:
    obj = made(None, webhooks=hooks(("a", "new"), ("b", "new"), ("c", "new")))
    there = made(None, webhooks=hooks(("b", "theirs"), ("a", "ours")))
    config = rules(BUNDLES, sources=(EXISTING, NEW))

    found = live(there, ours(bundle_of("a")), managed("injector", bundle_of("b"), "Update"))
    assert rebased(obj, found, config)["webhooks"] == hooks(("a", "ours"), ("b", None), ("c", "new"))

    unsaid = live(there)
    assert rebased(obj, unsaid, config)["webhooks"] == hooks(("a", "theirs"), ("b", "ours"), ("c", "new"))


def test_one_item_of_a_list_is_named_by_its_index() -> None:
    obj = made(None, webhooks=hooks(("a", "new"), ("b", "new")))
    found = live(made(None, webhooks=hooks(("a", "x"), ("b", "y"))), managed("i", bundle_of("b"), "Update"))
    path = ["webhooks", {"index": 1}, "clientConfig", "caBundle"]
    assert rebased(obj, found, rules(path, sources=(EXISTING,)))["webhooks"] == hooks(("a", "new"), ("b", None))
    out_of_reach = ["webhooks", {"index": 7}, "clientConfig", "caBundle"]
    assert rebased(obj, found, rules(out_of_reach, sources=(EXISTING,))) is obj


def test_a_list_that_is_not_rendered_is_not_made() -> None:
    found = live(made(None, webhooks=hooks(("a", "x"))), ours(bundle_of("a")))
    assert rebased(made(None), found, rules(BUNDLES, sources=(EXISTING,))) == made(None)
    odd = made(None, webhooks="none")
    assert rebased(odd, found, rules(BUNDLES, sources=(EXISTING,))) is odd


def test_a_pattern_reaches_keys_that_are_rendered_or_live() -> None:
    path = ["data", {"regex": "^managed-"}]
    obj = made(None, data={"managed-a": "new", "b": "new"})
    there = made(None, data={"managed-a": "1", "managed-c": "2", "b": "3"})
    fields: Json = {"f:data": {"f:managed-a": {}, "f:managed-c": {}, "f:b": {}}}
    copied = rebased(obj, live(there, ours(fields)), rules(path, sources=(EXISTING,)))
    assert copied["data"] == {"managed-a": "1", "b": "new", "managed-c": "2"}
    left = rebased(obj, live(there, managed("x", fields, "Update")), rules(path, sources=(EXISTING,)))
    assert left["data"] == {"b": "new"}


def test_a_value_of_another_shape_on_the_way_is_left_as_it_is() -> None:
    obj = made("text")
    assert rebased(obj, live(made({"replicas": 1})), rules(["spec", "replicas"], sources=(EXISTING,))) is obj
    null = made({"a": None})
    assert rebased(null, live(made({"a": {"b": 1}})), rules(["spec", "a", "b"], sources=(EXISTING,))) is null


# ---- built-in rules, versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_rules_of_an_aggregated_role_are_the_control_plane_s(version: str) -> None:
    api = f"rbac.authorization.k8s.io/{version}"
    role = made(None, "ClusterRole", api, rules=[], aggregationRule={"clusterRoleSelectors": [{}]})
    assert rebased(role, None, BUILT_IN) == {key: value for key, value in role.items() if key != "rules"}
    assert not wants_live(role, BUILT_IN)
    plain = made(None, "ClusterRole", api, rules=[], aggregationRule=None)
    assert rebased(plain, None, BUILT_IN) is plain


def test_a_pull_secret_is_filled_in_by_secretgen() -> None:
    secret = made(None, "Secret", "v1", data={".dockerconfigjson": "e30="})
    assert not wants_live(secret, BUILT_IN)
    marks = {**secret["metadata"]["annotations"], "secretgen.carvel.dev/image-pull-secret": ""}
    secret["metadata"]["annotations"] = marks
    assert wants_live(secret, BUILT_IN)
    filled = {**secret, "data": {".dockerconfigjson": "e30K"}}
    fields: Json = {"f:data": {"f:.dockerconfigjson": {}}}
    by_secretgen = live(filled, managed("secretgen-controller", fields, "Update"))
    assert rebased(secret, by_secretgen, BUILT_IN)["data"] == {}
    assert rebased(secret, live(secret, ours(fields)), BUILT_IN) == secret
    secret["metadata"]["annotations"] = {**marks, "kapp.k14s.io/disable-default-secretgen-rebase-rules": ""}
    assert not wants_live(secret, BUILT_IN)


def test_a_version_is_never_mixed_with_what_is_live() -> None:
    obj = made({"replicas": 1})
    obj["metadata"]["annotations"]["kapp.k14s.io/versioned"] = ""
    config = rules(["spec", "replicas"], sources=(EXISTING,))
    assert wants_live(obj, config)  # it may be the original that is kept beside
    version = {**obj, "metadata": {**obj["metadata"], "name": "web-ver-12"}}
    assert not wants_live(version, config)
    assert rebased(version, live(made({"replicas": 5})), config) is version


# ---- who holds what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "mine", "other", "kept"),
    [
        ({"a": 1}, None, [], MISSING),
        ({"a": 1}, {}, [], {"a": 1}),
        ({"a": 1}, {}, [{}], MISSING),
        ({"a": 1, "b": 2}, {"f:a": {}}, [], {"a": 1}),
        ({"a": 1, "b": 2}, {".": {}, "f:a": {}}, [{"f:a": {}}], {}),
        ({"a": 1, "b": 2}, {".": {}, "f:a": {}}, [{".": {}, "f:a": {}}], MISSING),
        ({"a": 1}, {"f:gone": {}}, [], MISSING),
        ("text", {"f:a": {}}, [], MISSING),
        (["x", "y"], {'v:"x"': {}, 'v:"y"': {}}, [{'v:"y"': {}}], ["x"]),
        ([1, 2], {"v:1": {}, "v:not json": {}}, [], [1]),
        (
            [{"name": "a", "v": 1}, {"name": "b", "v": 2}],
            {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:v": {}}},
            [{'k:{"name":"b"}': {".": {}, "f:name": {}, "f:v": {}}}],
            [{"name": "a", "v": 1}],
        ),
        (
            [{"name": "a", "v": 1, "w": 2}],
            {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:v": {}}},
            [{'k:{"name":"a"}': {".": {}, "f:name": {}, "f:w": {}}}],
            [{"name": "a", "v": 1}],
        ),
        (["x"], {"i:0": {}}, [], MISSING),
        (["x"], {"k:[1]": {}}, [], MISSING),
    ],
    ids=lambda value: "missing" if value is MISSING else str(value),
)
def test_as_much_of_a_value_as_we_hold_alone(value: Any, mine: Json | None, other: list[Json], kept: Any) -> None:
    assert only_ours(value, Held(mine, tuple(other))) == kept


def test_entries_of_our_manager_count_as_one_and_empty_ones_as_none() -> None:
    obj = live(made(), ours({"f:a": {}}), ours({"f:b": {}}), managed("x", {}), {"manager": APPLY_MANAGER})
    assert held(obj) == Held({"f:a": {}, "f:b": {}}, ())
    assert held(live(made(), managed(APPLY_MANAGER, {"f:a": {}}, "Apply", "status"))) == Held(None, ({"f:a": {}},))
    assert held(live(made(), managed(APPLY_MANAGER, {"f:a": {}}, "Update"))) == Held(None, ({"f:a": {}},))
    assert held(live(made())) is None


# ---- whatever comes -------------------------------------------------------------------------------------------------

_SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"])
_KEYS = st.sampled_from(["a", "b", "c"])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)
_NAMES = st.sampled_from(["f:a", "f:b", "f:spec", 'k:{"a":1}', 'v:"x"', "i:0", "."])
_FIELDS = st.recursive(st.just({}), lambda inner: st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8).map(
    lambda fields: {"f:spec": fields}
)
_PATHS = st.lists(_KEYS | st.sampled_from([{"allIndexes": True}, {"index": 0}, {"regex": "^[ab]"}]), max_size=3).map(
    lambda parts: ["spec", *parts, "a"]
)


@given(
    _VALUES,
    _VALUES,
    st.lists(_FIELDS, max_size=2),
    st.lists(_FIELDS, max_size=2),
    _PATHS,
    st.sampled_from([(), (NEW,), (EXISTING,), (NEW, EXISTING), (EXISTING, NEW)]),
)
def test_no_value_and_no_holder_makes_a_rule_fail_and_a_second_pass_changes_nothing(
    rendered: Any, there: Any, mine: list[Json], other: list[Json], path: Any, sources: tuple[Source, ...]
) -> None:
    config = rules(path, sources=sources)
    obj = made({"keep": 1, **rendered} if isinstance(rendered, dict) else rendered)
    found = live(made(there), *map(ours, mine), *map(theirs, other))
    before = copy.deepcopy((obj, found))
    result = rebased(obj, found, config)
    assert rebased(obj, found, config) == result
    assert (obj, found) == before
    assert result["metadata"] == obj["metadata"]
