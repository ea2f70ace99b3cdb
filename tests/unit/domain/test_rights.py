"""Rules are compared as the API server compares them, and what is missing is written as what grants it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from packhouse.domain.change import Action, Change
from packhouse.domain.grants import Account, joined, manifests, to_grant
from packhouse.domain.rights import (
    EVERYTHING,
    VERBS,
    Right,
    Rule,
    bound_role,
    covers,
    handout,
    how_many,
    needed,
    policy_rules,
    singled,
    uncovered,
)
from packhouse.ports import Json, Kind, Ref

RBAC_API = "rbac.authorization.k8s.io/v1"
ME = Account("installer", "demo")


def rule(verbs: str, resources: str = "", groups: str = "core", names: str = "", urls: str = "") -> Rule:
    """Words are separated by blanks; "core" is the core group."""
    of = tuple("" if group == "core" else group for group in groups.split()) if resources else ()
    return Rule(tuple(verbs.split()), of, tuple(resources.split()), tuple(names.split()), tuple(urls.split()))


def role(kind: str = "ClusterRole", name: str = "web", namespace: str = "", **content: Any) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": RBAC_API, "kind": kind, "metadata": metadata, **content}


def binding(kind: str, of: str, name: str, namespace: str = "") -> Json:
    return role(kind, "web", namespace, roleRef={"apiGroup": RBAC_API[:-3], "kind": of, "name": name})


# ---- comparing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owned", "wanted", "left"),
    [
        pytest.param([], rule("get", "pods"), [rule("get", "pods")], id="nothing allows nothing"),
        pytest.param([rule("get", "pods")], rule("get", "pods"), [], id="the same"),
        pytest.param([rule("get", "pods")], rule("get list", "pods"), [rule("list", "pods")], id="one verb of two"),
        pytest.param([rule("get", "pods"), rule("list", "pods")], rule("get list", "pods"), [], id="in two pieces"),
        pytest.param([rule("*", "pods")], rule("get list", "pods"), [], id="all verbs"),
        pytest.param(
            [rule("get list", "pods")], rule("*", "pods"), [rule("*", "pods")], id="all verbs are more than two"
        ),
        pytest.param([rule("get", "pods", "apps")], rule("get", "pods"), [rule("get", "pods")], id="another group"),
        pytest.param([rule("get", "pods", "*")], rule("get", "pods", "core apps"), [], id="all groups"),
        pytest.param(
            [rule("get", "pods")], rule("get", "pods", "*"), [rule("get", "pods", "*")], id="only one group of all"
        ),
        pytest.param([rule("get", "*")], rule("get", "pods pods/log"), [], id="all resources and their subresources"),
        pytest.param(
            [rule("get", "pods")], rule("get", "pods/log"), [rule("get", "pods/log")], id="no subresource along"
        ),
        pytest.param([rule("get", "*/scale")], rule("get", "a/scale b/scale"), [], id="a subresource of all"),
        pytest.param([rule("get", "*/scale")], rule("get", "*/scale"), [], id="the same subresource of all"),
        pytest.param(
            [rule("get", "*/scale")], rule("get", "scale"), [rule("get", "scale")], id="a resource of that name"
        ),
        pytest.param(
            [rule("get", "a/scale")], rule("get", "*/scale"), [rule("get", "*/scale")], id="one subresource of all"
        ),
        pytest.param([rule("get", "pods")], rule("get", "pods", names="a"), [], id="a name where all are allowed"),
        pytest.param(
            [rule("get", "pods", names="a")], rule("get", "pods"), [rule("get", "pods")], id="all where one is"
        ),
        pytest.param(
            [rule("get", "pods", names="a")],
            rule("get", "pods", names="a b"),
            [rule("get", "pods", names="b")],
            id="one name",
        ),
        pytest.param([rule("get", "pods", names="a b")], rule("get", "pods", names="b"), [], id="one of the names"),
        pytest.param([rule("get", urls="/healthz")], rule("get", urls="/healthz"), [], id="a URL"),
        pytest.param([rule("get", urls="/api*")], rule("get", urls="/apis/x /api"), [], id="URLs that begin so"),
        pytest.param([rule("*", urls="*")], rule("get", urls="/metrics"), [], id="all URLs"),
        pytest.param([rule("get", urls="/a")], rule("get", urls="/a/b"), [rule("get", urls="/a/b")], id="no URL below"),
        pytest.param(
            [rule("get", urls="/a")], rule("get", urls="/a*"), [rule("get", urls="/a*")], id="a URL is no prefix"
        ),
        pytest.param([EVERYTHING[0]], rule("get", urls="/a"), [rule("get", urls="/a")], id="all resources are no URL"),
        pytest.param(list(EVERYTHING), rule("escalate", "x/y", "z"), [], id="everything"),
        pytest.param([rule("get", "pods")], rule("", "pods"), [], id="a rule without verbs wants nothing"),
        pytest.param([], Rule(("get",), (), ("pods",)), [], id="a rule without groups wants nothing"),
    ],
)
def test_what_no_rule_allows_is_left(owned: list[Rule], wanted: Rule, left: list[Rule]) -> None:
    assert uncovered(owned, [wanted]) == left


words = st.sampled_from(["a", "b", "*"])
some = st.lists(words, min_size=1, max_size=3, unique=True).map(tuple)
resources = st.lists(st.sampled_from(["a", "b", "a/s", "*/s", "*"]), min_size=1, max_size=3, unique=True).map(tuple)
names = st.lists(st.sampled_from(["n", "m"]), max_size=2, unique=True).map(tuple)
urls = st.lists(st.sampled_from(["/a", "/a/b", "/a/*", "*"]), min_size=1, max_size=2, unique=True).map(tuple)
rules = st.builds(Rule, some, some, resources, names) | st.builds(Rule, some, urls=urls)


@given(st.lists(rules, max_size=4), st.lists(rules, max_size=4))
def test_what_is_left_is_what_single_rules_say_one_by_one(owned: list[Rule], wanted: list[Rule]) -> None:
    singles = {single for one in wanted for single in singled(one)}
    assert set(uncovered(owned, wanted)) == {one for one in singles if not any(covers(mine, one) for mine in owned)}
    assert uncovered([*owned, *uncovered(owned, wanted)], wanted) == []
    assert how_many(wanted) == sum(len(list(singled(one))) for one in wanted)


@given(st.lists(rules, max_size=6))
def test_joined_rules_allow_the_same_and_no_more(given_rules: list[Rule]) -> None:
    singles = [single for one in given_rules for single in singled(one)]
    few = joined(singles)
    assert uncovered(few, singles) == []
    assert {single for one in few for single in singled(one)} == set(singles)
    assert len(few) <= max(len(set(singles)), 0)


# ---- what a plan needs -----------------------------------------------------------------------------------


def test_each_action_has_its_verbs() -> None:
    assert set(VERBS) == set(Action)
    assert all("get" in verbs for verbs in VERBS.values()), "everything is read first"


def test_many_objects_of_a_kind_need_no_more_rights_than_one() -> None:
    kind = Kind("", "v1", "ConfigMap")
    changes = [Change(Ref(kind, "demo", f"c{number}"), Action.CREATE, "new") for number in range(500)]
    found = needed(changes, {kind: "configmaps"})
    assert set(found) == {Right("demo", rule(verb, "configmaps")) for verb in ("get", "create", "patch")}
    assert {len(of) for of in found.values()} == {500}


def test_a_kind_that_nobody_serves_is_not_asked_about() -> None:
    assert needed([Change(Ref(Kind("x", "v1", "Gone"), "demo", "a"), Action.PRUNE, "old")], {}) == {}


@pytest.mark.parametrize(
    "wire", [None, "x", [], {}, [None, "x", 1], [{"verbs": "get", "resources": {"a": 1}}], [{"verbs": [1, None]}]]
)
def test_rules_that_are_none_say_nothing(wire: Any) -> None:
    assert uncovered([], policy_rules(wire)) == []


RULES = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
GET_PODS = [rule("get", "pods")]
GATHERING = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}


@pytest.mark.parametrize(
    ("obj", "named", "written", "expected"),
    [
        pytest.param(
            role("Role", "web", "demo", rules=RULES),
            None,
            False,
            ("demo", GET_PODS, "escalate roles web", False),
            id="a Role",
        ),
        pytest.param(
            role(rules=RULES), None, False, ("", GET_PODS, "escalate clusterroles web", False), id="a ClusterRole"
        ),
        pytest.param(
            role(**GATHERING),
            None,
            False,
            ("", [*EVERYTHING], "escalate clusterroles web", True),
            id="one that gathers",
        ),
        pytest.param(
            role(aggregationRule={}),
            None,
            False,
            ("", [], "escalate clusterroles web", False),
            id="one that gathers nothing",
        ),
        pytest.param(
            binding("RoleBinding", "Role", "r", "demo"),
            role("Role", "r", "demo", rules=RULES),
            True,
            ("demo", GET_PODS, "bind roles r", False),
            id="a binding to a role of the plan",
        ),
        pytest.param(
            binding("RoleBinding", "ClusterRole", "view", "demo"),
            role(name="view", rules=RULES),
            False,
            ("demo", GET_PODS, "bind clusterroles view", True),
            id="a binding to a role that is there",
        ),
        pytest.param(
            binding("ClusterRoleBinding", "ClusterRole", "sum"),
            role(name="sum", rules=RULES, **GATHERING),
            True,
            ("", [*EVERYTHING], "bind clusterroles sum", True),
            id="a binding to a role that will gather",
        ),
        pytest.param(
            binding("ClusterRoleBinding", "ClusterRole", "sum"),
            role(name="sum", rules=RULES, **GATHERING),
            False,
            ("", GET_PODS, "bind clusterroles sum", True),
            id="a binding to a role that has gathered",
        ),
        pytest.param(
            binding("RoleBinding", "Role", "hidden", "demo"),
            None,
            False,
            ("demo", [*EVERYTHING], "bind roles hidden", True),
            id="a binding to a role that nobody can read",
        ),
    ],
)
def test_a_role_or_binding_gives_away(obj: Json, named: Json | None, written: bool, expected: Any) -> None:
    namespace, given_rules, instead, names_role = expected
    found = handout(obj, named, written=written)
    assert found is not None
    verb, resource, name = instead.split()
    assert (found.namespace, list(found.rules), found.names_role) == (namespace, given_rules, names_role)
    assert found.instead == rule(verb, resource, RBAC_API[:-3], names=name)


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, id="no role at all"),
        pytest.param({**role(rules=RULES), "apiVersion": "example.com/v1"}, id="a ClusterRole of another group"),
        pytest.param(role("RoleBinding", "a", "demo"), id="a binding that names nothing"),
        pytest.param(role("RoleBinding", "a", "demo", roleRef={"kind": ["x"], "name": "y"}), id="a kind that is none"),
        pytest.param(binding("RoleBinding", "Group", "x", "demo"), id="a binding to no role"),
    ],
)
def test_anything_else_gives_nothing_away(obj: Json) -> None:
    assert handout(obj) is None
    assert bound_role(obj) is None


# ---- what is granted -------------------------------------------------------------------------------------


def test_what_is_missing_is_written_as_a_role_and_a_binding_for_each_namespace() -> None:
    rights = [Right("demo", rule(verb, "configmaps")) for verb in ("patch", "create", "get")]
    rights += [Right("demo", rule(verb, "services")) for verb in ("create", "get", "patch")]
    rights += [Right("", rule("create", "namespaces"))]
    text = manifests(rights, ME)
    wide, wide_binding, narrow, narrow_binding = yaml.safe_load_all(text)

    assert (wide["kind"], wide_binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert wide["rules"] == [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create"]}]
    assert (narrow["kind"], narrow_binding["kind"]) == ("Role", "RoleBinding")
    assert narrow["metadata"]["namespace"] == narrow_binding["metadata"]["namespace"] == "demo"
    assert narrow["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["create", "get", "patch"]}
    ]
    for granted, bound in ((wide, wide_binding), (narrow, narrow_binding)):
        assert bound["roleRef"] == {
            "apiGroup": RBAC_API[:-3],
            "kind": granted["kind"],
            "name": granted["metadata"]["name"],
        }
        assert bound["subjects"] == [{"kind": "ServiceAccount", "name": "installer", "namespace": "demo"}]


def test_another_grant_has_another_name_and_the_same_one_the_same() -> None:
    def name(*verbs: str, account: Account = ME) -> str:
        first = next(yaml.safe_load_all(manifests([Right("", rule(verb, "pods")) for verb in verbs], account)))
        return str(first["metadata"]["name"])

    assert name("get", "list") == name("list", "get")
    assert len({name("get"), name("list"), name("get", account=Account("other", "demo"))}) == 3


def test_a_user_is_granted_rights_as_a_user() -> None:
    _, bound = yaml.safe_load_all(manifests([Right("", rule("get", "pods"))], Account("me/you@example.com")))
    assert bound["subjects"] == [{"apiGroup": RBAC_API[:-3], "kind": "User", "name": "me/you@example.com"}]
    assert "/" not in bound["metadata"]["name"]
    assert (str(ME), str(Account("you"))) == ("service account demo/installer", "user you")


@pytest.mark.parametrize(
    "word", ["*", "", "true", "No", "y", "1", "1e3", "a: b", "a'b", '"', "#x", "pods/log", "~", "@x"]
)
def test_any_word_is_written_so_that_it_is_read_again(word: str) -> None:
    wanted = Rule((word,), (word,), (word,), (word,))
    role_read, _ = yaml.safe_load_all(manifests([Right("demo", wanted)], ME))
    assert policy_rules(role_read["rules"]) == [wanted]


@pytest.mark.parametrize(
    ("rights", "granted"),
    [
        pytest.param([("demo", rule("get", "pods"))], [("demo", rule("get", "pods"))], id="where it is needed"),
        pytest.param(
            [("new", rule("get", "pods"))], [("", rule("get", "pods"))], id="everywhere for a namespace to come"
        ),
        pytest.param([("demo", rule("get", urls="/a"))], [("", rule("get", urls="/a"))], id="everywhere for a URL"),
        pytest.param(
            [("", rule("get", "pods")), ("demo", rule("get", "pods"))], [("", rule("get", "pods"))], id="not twice"
        ),
        pytest.param(
            [("demo", rule("get", "pods")), ("demo", rule("get", "pods", names="a"))],
            [("demo", rule("get", "pods"))],
            id="no name where all names are granted",
        ),
        pytest.param(
            [("demo", rule("*", "pods")), ("demo", rule("get", "pods"))],
            [("demo", rule("*", "pods"))],
            id="no verb where all verbs are granted",
        ),
        pytest.param(
            [("a", rule("*", "pods")), ("b", rule("get", "pods"))],
            [("a", rule("*", "pods")), ("b", rule("get", "pods"))],
            id="another namespace helps nobody",
        ),
    ],
)
def test_what_is_granted(rights: list[tuple[str, Rule]], granted: list[tuple[str, Rule]]) -> None:
    found = to_grant([Right(*right) for right in rights], {"new"})
    assert [(right.namespace, right.rule) for right in found] == granted


@given(st.lists(st.tuples(st.sampled_from(["", "demo", "new"]), rules), max_size=5))
def test_what_is_granted_allows_all_that_is_asked_for_and_nothing_of_it_twice(asked: list[tuple[str, Rule]]) -> None:
    singles = {Right(namespace, single) for namespace, one in asked for single in singled(one)}
    granted = to_grant(singles, {"new"})

    def allows(one: Right, other: Right) -> bool:
        return one.namespace in ("", other.namespace) and covers(one.rule, other.rule)

    assert all(any(allows(one, right) for one in granted) for right in singles)
    assert not any(one != other and allows(one, other) for one in granted for other in granted)


def test_a_thousand_rights_with_stars_are_written_all_the_same() -> None:
    rights = [Right("demo", rule("*", f"r{number}")) for number in range(1000)]
    assert len(to_grant(rights, ())) == 1000
    assert manifests(rights, ME).count("kind: Role\n") == 1
