"""What an install needs over its whole life: a row per kind of object and per word that a package says of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from packhouse.domain.boundless import boundless
from packhouse.domain.change import Plan
from packhouse.domain.inventory import Entry, Identity, Inventory
from packhouse.domain.kapp.rules import is_noop, read_rules
from packhouse.domain.lifelong import Around, bound_outside, lifelong, made_ahead, single_rules
from packhouse.domain.objects import owned, ref_of
from packhouse.domain.plan import Desired, plan
from packhouse.domain.rights import BINDINGS, ROLES, Right, Rule, how_many, singled
from packhouse.domain.roles import added, words
from packhouse.ports import Json, Kind, Ref

ME = "demo/web"
RBAC = "rbac.authorization.k8s.io"
PLURALS = {
    Kind("", "v1", "ConfigMap"): "configmaps",
    Kind("", "v1", "Namespace"): "namespaces",
    Kind("", "v1", "PersistentVolumeClaim"): "persistentvolumeclaims",
    Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"): "customresourcedefinitions",
    **{Kind(RBAC, "v1", kind): f"{kind.lower()}s" for kind in (*ROLES, *BINDINGS)},
}
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


def obj(kind: str, name: str = "a", namespace: str = "demo", api: str = "v1", says: str = "", **content: Any) -> Json:
    """`says`: annotations of kapp, "word" or "word=value"."""
    annotations = {f"kapp.k14s.io/{word.partition('=')[0]}": word.partition("=")[2] for word in says.split()}
    metadata: Json = {"name": name, "annotations": annotations}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def wide(kind: str, name: str = "a", api: str = "v1", says: str = "", **content: Any) -> Json:
    return obj(kind, name, "", api, says, **content)


def role(rules: Sequence[Json], name: str = "a", namespace: str = "", **content: Any) -> Json:
    return obj("Role" if namespace else "ClusterRole", name, namespace, f"{RBAC}/v1", rules=list(rules), **content)


def bound(of: str, name: str, namespace: str = "") -> Json:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return obj(kind, "b", namespace, f"{RBAC}/v1", roleRef={"apiGroup": RBAC, "kind": of, "name": name})


def planned(*objects: Json, there: Sequence[Json] = (), recorded: Sequence[Json] = (), owner: str | None = ME) -> Plan:
    """`there`: what exists, and belongs to `owner`; `recorded`: what an earlier version applied."""
    marked = [owned(one, ME) for one in objects if not is_noop(one)]
    live = {}
    for one in [*there, *recorded]:
        found = owned(one, owner) if owner is not None else one
        live[Identity.of(ref_of(one))] = {**found, "metadata": {**found["metadata"], "uid": "u"}}
    inventory = Inventory.of(Entry(ref_of(one), "u", "d", "m") for one in recorded)
    rules = {Identity.of(ref_of(one)): read_rules(one) for one in marked}
    return plan(Desired(marked, rules), inventory, live, owner=ME, owners={ME})


def needed(*objects: Json, around: Around | None = None, **known: Any) -> list[str]:
    return words(lifelong(planned(*objects, **known), around or Around(PLURALS))).splitlines()


# ---- objects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("", ["demo: create, delete, get, patch configmaps a"]),
        ("update-strategy=skip", ["demo: create, delete, get, patch configmaps a"]),
        ("delete-strategy=orphan", ["demo: create, get, patch configmaps a"]),
        ("disable-wait change-group=apps", ["demo: create, delete, get, patch configmaps a"]),
        # Whether what replaces it would be taken is tried under another name.
        ("update-strategy=fallback-on-replace", ["demo: create configmaps", "demo: delete, get, patch configmaps a"]),
        ("update-strategy=always-replace", ["demo: create configmaps", "demo: delete, get, patch configmaps a"]),
        (
            "update-strategy=always-replace delete-strategy=orphan",
            ["demo: create configmaps", "demo: delete, get, patch configmaps a"],
        ),
        # Each new content has another name.
        ("versioned", ["demo: create, delete, get, patch configmaps"]),
        ("versioned versioned-keep-original", ["demo: create, delete, get, patch configmaps"]),
        ("exists", ["demo: get configmaps a"]),
        ("noop", []),
    ],
)
def test_what_an_object_says_of_itself_counts(says: str, expected: list[str]) -> None:
    assert needed(obj("ConfigMap", says=says)) == expected


def test_it_does_not_matter_what_is_there_already() -> None:
    one, other = obj("ConfigMap"), role(PODS)
    assert needed(one, other, there=[one, other]) == needed(one, other)
    assert needed(one, other, there=[one, other], owner=None) == needed(one, other)


def test_alike_objects_make_one_rule_and_more_is_granted_of_none() -> None:
    objects = [obj(kind, name) for kind in ("ConfigMap", "PersistentVolumeClaim") for name in "ab"]
    assert needed(*objects) == ["demo: create, delete, get, patch configmaps, persistentvolumeclaims a, b"]


def test_what_the_next_version_drops_goes_once() -> None:
    recorded = [obj("ConfigMap", "old"), obj("ConfigMap", "left", says="delete-strategy=orphan")]
    assert needed(obj("ConfigMap", "a"), recorded=recorded) == [
        "demo: create, delete, get, patch configmaps a",
        "demo: get, patch configmaps left",
        "demo: delete, get configmaps old",
    ]


def test_what_an_earlier_version_made_is_left_to_those_who_make_it_now() -> None:
    assert needed(obj("ConfigMap", says="exists"), recorded=[obj("ConfigMap")]) == ["demo: get, patch configmaps a"]


def test_recorded_objects_that_are_left_alone_go_with_the_install() -> None:
    kept = [Ref(Kind("", "v1", "ConfigMap"), "demo", "k"), Ref(Kind("gone.io", "v1", "Gone"), "demo", "k")]
    assert needed(around=Around(PLURALS, kept=kept)) == ["demo: delete, get configmaps k"]


def test_where_the_install_replaces_what_cannot_change_that_is_tried_under_another_name() -> None:
    around = Around(PLURALS, replaces=True)
    assert needed(obj("ConfigMap"), around=around) == [
        "demo: create configmaps",
        "demo: delete, get, patch configmaps a",
    ]
    orphan = needed(obj("ConfigMap", says="delete-strategy=orphan"), around=around)
    assert orphan == ["demo: create configmaps", "demo: delete, get, patch configmaps a"]


@pytest.mark.parametrize(
    "one",
    [
        wide("CustomResourceDefinition", api="apiextensions.k8s.io/v1"),
        obj("PersistentVolumeClaim"),
        obj("ConfigMap", says="update-strategy=skip"),
    ],
    ids=lambda one: str(one["kind"]),
)
def test_what_is_never_replaced_is_not(one: Json) -> None:
    assert needed(one, around=Around(PLURALS, replaces=True)) == needed(one)


def test_what_steps_read_by_name_is_read_in_the_install_s_namespace() -> None:
    read = [("Secret", "demo", "pull"), ("ConfigMap", "demo", "a"), ("ServiceAccount", "demo", "web")]
    assert needed(obj("ConfigMap"), around=Around(PLURALS, read=read)) == [
        "demo: create, delete, get, patch configmaps a",
        "demo: get secrets pull",
        "demo: get serviceaccounts web",
    ]


def test_a_kind_that_nobody_serves_needs_nothing() -> None:
    assert needed(obj("Thing", api="example.com/v1")) == []


# ---- namespaces --------------------------------------------------------------------------------------------


def test_a_namespace_that_the_package_brings_is_made_ahead_and_holds_a_role() -> None:
    """Without the right to make it: with the namespace would go the role, so the account could not go on."""
    objects = [wide("Namespace", "new"), obj("ConfigMap", "a", "new")]
    the_plan = planned(*objects)
    rights = lifelong(the_plan, Around(PLURALS))
    assert words(rights).splitlines() == [
        "new: create, delete, get, patch configmaps a",
        "cluster: delete, get, patch namespaces new",
    ]
    assert [change.ref.name for change in made_ahead(the_plan, rights)] == ["new"]
    assert made_ahead(planned(*objects, there=objects), rights) == []
    assert needed(*objects, there=objects) == needed(*objects)


def test_a_namespace_in_which_nothing_is_granted_is_made_by_the_account() -> None:
    the_plan = planned(wide("Namespace", "new"))
    rights = lifelong(the_plan, Around(PLURALS))
    assert words(rights) == "cluster: create, delete, get, patch namespaces new"
    assert made_ahead(the_plan, rights) == []
    # The same where all that is needed in it is held everywhere.
    held = role([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}])
    lines = needed(wide("Namespace", "new"), obj("ConfigMap", "a", "new"), held)
    assert "cluster: create, delete, get, patch namespaces new" in lines
    assert not [line for line in lines if line.startswith("new:")]


def test_a_namespace_that_nobody_can_delete_only_loses_our_marks() -> None:
    assert needed(wide("Namespace", "kube-system")) == ["cluster: get, patch namespaces kube-system"]


@pytest.mark.parametrize("says", ["update-strategy=always-replace", "versioned"])
def test_a_namespace_that_does_not_last_holds_no_role(says: str) -> None:
    lines = needed(wide("Namespace", "new", says=says), obj("ConfigMap", "a", "new"))
    assert "cluster: create, delete, get, patch configmaps a" in lines


# ---- roles and bindings ------------------------------------------------------------------------------------


def test_who_writes_roles_holds_what_is_in_them_where_it_counts() -> None:
    urls = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    assert needed(role(PODS, namespace="demo"), role(urls, "wide")) == [
        "demo: get, list pods",
        "demo: create, delete, get, patch roles (rbac.authorization.k8s.io) a",
        "cluster: get /metrics (URLs)",
        "cluster: create, delete, get, patch clusterroles (rbac.authorization.k8s.io) wide",
    ]


def test_nobody_is_given_the_verb_escalate_to_write_a_role() -> None:
    rights = lifelong(planned(role(PODS), role(PODS, namespace="demo"), bound("ClusterRole", "a")), Around(PLURALS))
    assert not {"escalate", "bind", "*"} & {verb for right in rights for verb in right.rule.verbs}


VIEW = Identity(RBAC, "ClusterRole", "", "view")


@pytest.mark.parametrize(
    ("there", "bind"),
    [
        pytest.param(role(PODS, "view"), True, id="one that holds more"),
        pytest.param(None, True, id="one that is not there yet"),
        pytest.param(role(PODS[:0], "view"), False, id="one that holds nothing"),
        pytest.param(
            role([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}], "view"),
            False,
            id="one that holds what the account holds anyway",
        ),
    ],
)
@pytest.mark.parametrize("namespace", ["demo", ""])
def test_a_role_of_others_is_bound_by_its_name(there: Json | None, bind: bool, namespace: str) -> None:
    held = role([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}], "mine")
    objects = [held, bound("ClusterRole", "view", namespace)]
    assert bound_outside(planned(*objects)) == {VIEW}
    lines = needed(*objects, around=Around(PLURALS, roles={VIEW: there}))
    expected = f"{namespace or 'cluster'}: bind clusterroles (rbac.authorization.k8s.io) view"
    assert (expected in lines) is bind


def test_a_role_of_the_plan_needs_no_word_of_its_binding() -> None:
    objects = [role(PODS), bound("ClusterRole", "a"), role(PODS, namespace="demo"), bound("Role", "a", "demo")]
    assert bound_outside(planned(*objects)) == set()
    assert not [line for line in needed(*objects) if "bind " in line]


def test_a_role_that_the_package_expects_is_of_others() -> None:
    expected = obj("ClusterRole", "view", "", f"{RBAC}/v1", says="exists", rules=EVERYTHING)
    the_plan = planned(expected, bound("ClusterRole", "view"))
    assert bound_outside(the_plan) == {VIEW}
    assert boundless(the_plan, Around(PLURALS, roles={VIEW: role(PODS, "view")})) == []


# ---- what has no bounds ------------------------------------------------------------------------------------

GATHERING = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}


def rbac_rule(*verbs: str, resource: str = "clusterroles", **more: Any) -> list[Json]:
    return [{"apiGroups": [RBAC], "resources": [resource], "verbs": list(verbs), **more}]


@pytest.mark.parametrize(
    ("objects", "words_of_it"),
    [
        pytest.param([role([], **GATHERING)], "ClusterRole a gathers the rules of other roles", id="gathering"),
        pytest.param([role(EVERYTHING)], "ClusterRole a holds every verb on every resource", id="everything"),
        pytest.param(
            [role(EVERYTHING, namespace="demo")], "Role demo/a holds every verb", id="everything in a namespace"
        ),
        pytest.param([role(rbac_rule("escalate"))], "may write or bind roles", id="escalate"),
        pytest.param([role(rbac_rule("escalate", resourceNames=["x"]))], "may write or bind", id="escalate one role"),
        pytest.param([role(rbac_rule("*", resource="roles"))], "may write or bind", id="every verb on roles"),
        pytest.param([role(rbac_rule("bind"))], "may write or bind", id="bind any role"),
        pytest.param([bound("ClusterRole", "view")], "binds ClusterRole view, which holds every verb", id="bound"),
        pytest.param(
            [role(rbac_rule("bind", resourceNames=["view"]))],
            "ClusterRole a may bind ClusterRole view, which holds every verb",
            id="bind a role that holds everything",
        ),
        pytest.param(
            [role(rbac_rule("bind", resource="*", resourceNames=["x", "b"]), namespace="demo")],
            "Role demo/a may bind ClusterRole b, which you may not read",
            id="bind a role that nobody can read",
        ),
        pytest.param([bound("ClusterRole", "b", "demo")], "binds ClusterRole b, which you may not read", id="unread"),
    ],
)
def test_what_leads_to_everything_is_told(objects: list[Json], words_of_it: str) -> None:
    unread = Identity(RBAC, "ClusterRole", "", "b")
    around = Around(PLURALS, roles={VIEW: role(EVERYTHING, "view")}, unread={unread})
    [reason] = boundless(planned(*objects), around)
    assert words_of_it in reason


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}], id="all of the core group"),
        pytest.param([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}], id="to read everything"),
        pytest.param(rbac_rule("get", "create", "patch"), id="to write roles, of what it holds"),
        pytest.param(rbac_rule("bind", resourceNames=["view"]), id="to bind a role by its name"),
    ],
)
def test_much_is_not_everything(rules: list[Json]) -> None:
    assert boundless(planned(role(rules)), Around(PLURALS)) == []


def test_where_everything_is_allowed_it_is_said_so_and_nothing_else() -> None:
    objects = [wide("Namespace", "new"), obj("ConfigMap", "a", "new"), role([], **GATHERING)]
    assert needed(*objects) == ["cluster: * * (URLs)", "cluster: * * (any group)"]
    # In a namespace it ends there.
    assert needed(role(EVERYTHING, namespace="demo"), obj("ConfigMap")) == ["demo: * * (any group)"]


def test_roles_are_counted_before_they_are_taken_apart() -> None:
    many = [{"apiGroups": [str(n) for n in range(1000)], "resources": [str(n) for n in range(1000)], "verbs": ["get"]}]
    assert single_rules(planned(role(many), role(PODS, "b"))) == 1_000_002


# ---- upgrades ----------------------------------------------------------------------------------------------


def test_what_an_upgrade_adds_is_what_no_right_allowed_before() -> None:
    before = lifelong(planned(obj("ConfigMap"), role(PODS)), Around(PLURALS))
    after = lifelong(planned(obj("ConfigMap"), obj("ConfigMap", "b"), role(PODS)), Around(PLURALS))
    assert words(added(before, after)) == "demo: create, delete, get, patch configmaps b"
    assert added(after, before) == []
    assert added([Right("", Rule(("*",), ("*",), ("*",)))], after) == []
    assert added([], after) == after


def test_rights_come_one_by_one() -> None:
    rights = lifelong(planned(obj("ConfigMap"), role(PODS), bound("ClusterRole", "a")), Around(PLURALS))
    assert all(how_many([right.rule]) == 1 and [right.rule] == list(singled(right.rule)) for right in rights)
