"""Before the first write: what is missing is told whole, what would be refused too, and nothing is written.

Real: preflight, reviews, trials. Faked: the cluster, here with rules for its one account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml

from fakes_cluster import FakeCluster
from packhouse.api.errors import (
    AdoptionRefused,
    ApiServerError,
    ClusterUnavailable,
    DeployFailed,
    FieldConflict,
    Forbidden,
    ImmutableField,
    PackhouseError,
)
from packhouse.deploy.preflight import preflight, refuse_unreadable, refuse_without_rights
from packhouse.deploy.reviews import Reviews
from packhouse.deploy.trial import ALIKE_MOST, Footing, footing, new_by_name, worth_trying
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.kapp.rules import Rules, UpdateStrategy
from packhouse.domain.objects import ref_of
from packhouse.domain.rights import Right, handout, policy_rules, uncovered
from packhouse.ports import Json, Kind, Ref, Served

RBAC_API = "rbac.authorization.k8s.io/v1"
ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
#: Kinds that the fake does not know by itself.
MORE_KINDS = {
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}


class Limited(FakeCluster):
    """Its account may do what `rules` say, by namespace ("": everywhere). `asked` keeps the reviews."""

    def __init__(self, rules: Mapping[str, Sequence[Json]] | None = None, *, incomplete: bool = False) -> None:
        super().__init__()
        self.rules = {"": ALL} if rules is None else rules
        self.incomplete = incomplete
        self.may_ask = True
        self.asked: list[str] = []
        for kind, plural in MORE_KINDS.items():
            rbac = Kind("rbac.authorization.k8s.io", "v1", kind)
            self.kinds[rbac] = Served(rbac, plural, not kind.startswith("Cluster"))

    async def create(
        self,
        obj: Json,
        *,
        parent: Ref | None = None,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
    ) -> Json | None:
        spec = obj.get("spec") or {}
        if obj["kind"].startswith("SelfSubject") and obj["kind"] != "SelfSubjectReview" and not self.may_ask:
            raise Forbidden("you may not even ask")
        match obj["kind"]:
            case "SelfSubjectRulesReview":
                self.asked.append(f"rules in {spec['namespace']}")
                found = [] if self.incomplete else self.held(spec["namespace"])
                return {**obj, "status": {"resourceRules": found, "incomplete": self.incomplete}}
            case "SelfSubjectAccessReview":
                asked = spec["resourceAttributes"]
                self.asked.append(" ".join([asked["verb"], asked["resource"], asked.get("name", "")]).strip())
                names = [asked["name"]] if "name" in asked else []
                wanted = {"verbs": [asked["verb"]], "apiGroups": [asked.get("group", "")], "resourceNames": names}
                rules = policy_rules([{**wanted, "resources": [asked["resource"]]}])
                held = policy_rules(self.held(asked.get("namespace", "")))
                return {**obj, "status": {"allowed": not uncovered(held, rules)}}
        return await super().create(obj, parent=parent, subresource=subresource, dry_run=dry_run, manager=manager)

    def held(self, namespace: str) -> list[Json]:
        return [*self.rules.get("", ()), *(self.rules.get(namespace, ()) if namespace else ())]


def may(verbs: str, resources: str, group: str = "", names: str = "") -> Json:
    return {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
        "resourceNames": names.split(),
    }


def obj(name: str, kind: str = "ConfigMap", api: str = "v1", namespace: str = "demo", **content: Any) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def rbac(kind: str, name: str = "web", **content: Any) -> Json:
    return obj(name, kind, RBAC_API, "" if kind.startswith("Cluster") else "demo", **content)


def bound(kind: str, of: str, name: str) -> Json:
    return rbac(kind, roleRef={"apiGroup": RBAC_API[:-3], "kind": of, "name": name})


NAMESPACE = obj("demo", "Namespace", namespace="")
CRD: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True}],
    },
}


def change(of: Json, action: Action = Action.CREATE, **more: Any) -> Change:
    uid = "" if action is Action.CREATE else "uid-1"
    return Change(ref_of(of), action, "a test wants it", of, **{"uid": uid, **more})


def planned(*objects: Json | Change) -> Plan:
    return Plan([[one if isinstance(one, Change) else change(one)] for one in objects])


def missing(error: Forbidden) -> set[str]:
    """What the message grants, as "verb resource in namespace"."""
    roles = [doc for doc in yaml.safe_load_all(error.message.partition("with:\n")[2]) if doc["kind"].endswith("Role")]
    rights = [
        Right(role["metadata"].get("namespace", ""), single)
        for role in roles
        for single in uncovered([], policy_rules(role["rules"]))
    ]
    return {
        " ".join([*rule.verbs, *rule.resources, *rule.names, "in", namespace or "all"])
        for namespace, rule in ((right.namespace, right.rule) for right in rights)
    }


# ---- rights ----------------------------------------------------------------------------------------------


async def test_all_that_is_missing_is_told_at_once_and_nothing_is_written() -> None:
    cluster = Limited({"demo": [may("get create", "configmaps")]})
    gone = change(obj("old", "Secret"), Action.PRUNE)
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(obj("a"), obj("b", "ServiceAccount"), gone))
    assert refused.value.message.startswith(
        "nothing was applied: service account demo/installer lacks 6 rights that this plan needs; grant them with:\n"
    )
    assert missing(refused.value) == {
        "patch configmaps in demo",
        *(f"{verb} serviceaccounts in demo" for verb in ("get", "create", "patch")),
        *(f"{verb} secrets in demo" for verb in ("get", "delete")),
    }
    assert cluster.writes == []


@pytest.mark.parametrize(
    ("action", "verbs"),
    [
        (Action.CREATE, "get create patch"),
        (Action.CONFIGURE, "get patch"),
        (Action.REPLACE, "get create patch delete"),
        (Action.PRUNE, "get delete"),
        (Action.ORPHAN, "get patch"),
    ],
)
async def test_what_each_action_needs_is_enough_and_nothing_less_is(action: Action, verbs: str) -> None:
    plan = planned(change(obj("a"), action))
    assert await preflight(Limited({"demo": [may(verbs, "configmaps")]}), plan) == plan
    for verb in verbs.split():
        others = " ".join(other for other in verbs.split() if other != verb)
        with pytest.raises(Forbidden) as refused:
            await preflight(Limited({"demo": [may(others, "configmaps")]}), plan)
        assert missing(refused.value) == {f"{verb} configmaps in demo"}


async def test_where_nothing_is_written_or_removed_nothing_is_asked() -> None:
    cluster = Limited({})
    plan = planned(change(obj("a"), Action.KEEP), change(obj("b"), Action.FORGET))
    assert await preflight(cluster, plan) is plan
    assert cluster.asked == []


async def test_five_hundred_objects_cost_one_review_for_each_place() -> None:
    cluster = Limited()
    await preflight(cluster, planned(*(obj(f"c{number}") for number in range(500))))
    assert cluster.asked == ["rules in demo"]


async def test_where_rules_cannot_be_listed_five_hundred_objects_cost_three_reviews() -> None:
    cluster = Limited(incomplete=True)
    await preflight(cluster, planned(*(obj(f"c{number}") for number in range(500))))
    assert sorted(cluster.asked) == ["create configmaps", "get configmaps", "patch configmaps", "rules in demo"]


@pytest.mark.parametrize("incomplete", [False, True])
async def test_rights_by_name_are_enough(incomplete: bool) -> None:
    rules = {"demo": [may("get create patch", "configmaps", names="a b")]}
    await preflight(Limited(rules, incomplete=incomplete), planned(obj("a"), obj("b")))
    with pytest.raises(Forbidden) as refused:
        await preflight(Limited(rules, incomplete=incomplete), planned(obj("a"), obj("c")))
    assert missing(refused.value) == {f"{verb} configmaps in demo" for verb in ("get", "create", "patch")}


async def test_who_may_not_even_ask_is_not_refused_for_that() -> None:
    cluster = Limited({})
    cluster.may_ask = False
    await preflight(cluster, planned(obj("a")))


async def test_rights_in_a_namespace_that_the_plan_brings_are_granted_everywhere() -> None:
    rules = {"": [may("*", "namespaces")], "demo": [may("*", "secrets")]}
    with pytest.raises(Forbidden) as refused:
        await preflight(Limited(rules), planned(NAMESPACE, obj("a")))
    assert missing(refused.value) == {f"{verb} configmaps in all" for verb in ("get", "create", "patch")}
    with pytest.raises(Forbidden) as refused:
        await preflight(Limited(rules), planned(change(NAMESPACE, Action.CONFIGURE), obj("a")))
    assert missing(refused.value) == {f"{verb} configmaps in demo" for verb in ("get", "create", "patch")}


async def test_rights_on_a_kind_that_the_plan_brings_are_asked_for() -> None:
    rules = {"": [may("*", "customresourcedefinitions", "apiextensions.k8s.io")]}
    with pytest.raises(Forbidden) as refused:
        await preflight(Limited(rules), planned(CRD, obj("x", "Thing", "example.com/v1")))
    assert missing(refused.value) == {f"{verb} things in demo" for verb in ("get", "create", "patch")}


async def test_refusals_for_other_reasons_stand_beside_what_is_missing() -> None:
    cluster = Limited({"demo": [may("*", "configmaps")]})
    answers = {"bad": DeployFailed("bad is no good"), "s": Forbidden("you may not")}
    cluster.refuse = lambda verb, ref: answers.get(ref.name) if verb == "dry run" else None
    with pytest.raises(
        Forbidden, match="besides, what will be refused then: bad is no good; grant them with:\n"
    ) as told:
        await preflight(cluster, planned(obj("bad"), obj("s", "Secret")))
    assert "you may not" not in told.value.message


async def test_an_account_that_may_not_read_is_told_all_that_it_lacks() -> None:
    cluster = Limited({"": [may("*", "namespaces")], "demo": [may("patch", "configmaps")]})
    old = Ref(Kind("", "v1", "Secret"), "demo", "old")
    with pytest.raises(Forbidden) as refused:
        await refuse_without_rights(cluster, [obj("a")], [old, ref_of(obj("a"))])
    assert missing(refused.value) == {
        *(f"{verb} configmaps in demo" for verb in ("get", "create")),
        *(f"{verb} secrets in demo" for verb in ("get", "delete")),
    }
    await refuse_without_rights(Limited(), [obj("a")], [old])


# ---- giving rights away ----------------------------------------------------------------------------------

WRITES_RBAC = may("get create patch", "roles rolebindings clusterroles clusterrolebindings", RBAC_API[:-3])
PODS = [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
GATHERS = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}


@pytest.mark.parametrize(
    ("held", "objects", "lacks"),
    [
        pytest.param([], [rbac("Role", rules=PODS)], "get pods/list pods", id="a Role needs its rules"),
        pytest.param([may("get", "pods")], [rbac("Role", rules=PODS)], "list pods", id="and only what is not held"),
        pytest.param([may("*", "*")], [rbac("Role", rules=PODS)], "", id="which is nothing for who may do all of it"),
        pytest.param(
            [may("escalate", "roles", RBAC_API[:-3], "web")],
            [rbac("Role", rules=PODS)],
            "",
            id="or the right to escalate it",
        ),
        pytest.param(
            [may("escalate", "roles", RBAC_API[:-3], "other")],
            [rbac("Role", rules=PODS)],
            "get pods/list pods",
            id="of that name",
        ),
        pytest.param(
            [],
            [rbac("Role", rules=PODS), bound("RoleBinding", "Role", "web")],
            "get pods/list pods",
            id="a binding needs the rules of the plan's own role",
        ),
        pytest.param([], [bound("RoleBinding", "ClusterRole", "view")], "bind clusterroles view", id="or to bind one"),
        pytest.param(
            [may("get list", "pods")], [bound("RoleBinding", "ClusterRole", "view")], "", id="or that one's rules"
        ),
        pytest.param(
            [may("bind", "clusterroles", RBAC_API[:-3], "view")],
            [bound("RoleBinding", "ClusterRole", "view")],
            "",
            id="the right to bind is enough",
        ),
        pytest.param(
            [], [bound("RoleBinding", "ClusterRole", "unknown")], "", id="what nobody knows is left to the apply"
        ),
    ],
)
async def test_rights_that_are_given_away_in_a_namespace_to_come(
    held: list[Json], objects: list[Json], lacks: str
) -> None:
    cluster = Limited({"": [may("*", "namespaces"), WRITES_RBAC, *held]})
    await cluster.apply(rbac("ClusterRole", "view", rules=PODS), manager="admin")
    cluster.writes.clear()
    expected = {f"{right} in all" for right in lacks.split("/") if right}
    if not expected:
        await preflight(cluster, planned(NAMESPACE, *objects))
        return
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(NAMESPACE, *objects))
    assert missing(refused.value) == expected
    assert cluster.writes == []


async def test_a_role_that_gathers_others_needs_everything_or_a_right_by_its_name() -> None:
    objects = [rbac("ClusterRole", "sum", aggregationRule=GATHERS), bound("ClusterRoleBinding", "ClusterRole", "sum")]
    cluster = Limited({"": [WRITES_RBAC]})
    cluster.refuse = lambda verb, ref: Forbidden("no") if (verb, ref.name) == ("dry run", "sum") else None
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(*objects))
    assert missing(refused.value) == {"escalate clusterroles sum in all", "bind clusterroles sum in all"}


async def test_only_rights_of_the_whole_cluster_count_for_a_cluster_role() -> None:
    cluster = Limited({"": [WRITES_RBAC], "demo": PODS})
    objects = [rbac("ClusterRole", rules=PODS), bound("ClusterRoleBinding", "ClusterRole", "web")]
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(*objects))
    assert missing(refused.value) == {"get pods in all", "list pods in all"}


async def test_what_the_api_server_has_judged_is_not_computed() -> None:
    await preflight(Limited({"demo": [WRITES_RBAC]}), planned(rbac("Role", rules=PODS)))


async def test_where_rules_cannot_be_listed_nothing_is_refused_by_computing() -> None:
    cluster = Limited({"": [may("*", "namespaces"), WRITES_RBAC]}, incomplete=True)
    await preflight(cluster, planned(NAMESPACE, rbac("Role", rules=PODS)))


async def test_a_role_that_the_api_server_refuses_is_explained_by_what_is_missing() -> None:
    cluster = Limited({"demo": [WRITES_RBAC]})
    cluster.refuse = lambda verb, ref: Forbidden("attempting to grant") if verb == "dry run" else None
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(rbac("Role", rules=PODS)))
    assert missing(refused.value) == {"get pods in demo", "list pods in demo"}


async def test_a_binding_that_is_refused_and_names_what_nobody_can_read_asks_for_the_right_to_bind_it() -> None:
    cluster = Limited({"demo": [WRITES_RBAC]})
    cluster.refuse = lambda verb, ref: Forbidden("no") if verb == "dry run" or ref.name == "hidden" else None
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(bound("RoleBinding", "ClusterRole", "hidden")))
    assert missing(refused.value) == {"bind clusterroles hidden in demo"}


async def test_a_role_of_countless_rules_is_left_to_the_api_server() -> None:
    many = {"verbs": ["x"] * 1000, "apiGroups": ["y"] * 1000, "resources": ["z"] * 1000}
    cluster = Limited({"": [may("*", "namespaces"), WRITES_RBAC]})
    await preflight(cluster, planned(NAMESPACE, rbac("Role", rules=[many])))
    cluster.refuse = lambda verb, ref: Forbidden("no") if verb == "dry run" else None
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(rbac("Role", rules=[many])))
    assert missing(refused.value) == {"escalate roles web in demo"}


async def test_many_roles_of_many_rules_are_left_to_the_api_server() -> None:
    """Each is a line in the package, and five thousand rights to compare."""
    words = [str(number) for number in range(17)]
    many = {"verbs": words, "apiGroups": words, "resources": words}
    cluster = Limited({"": [may("*", "namespaces")]})
    with pytest.raises(Forbidden) as refused:
        await preflight(cluster, planned(NAMESPACE, *(rbac("Role", f"r{number}", rules=[many]) for number in range(9))))
    rights = missing(refused.value)
    assert len([right for right in rights if not right.endswith("roles in all")]) <= 17**3 + 9
    assert "escalate roles r8 in all" in rights

    cluster = Limited({"": [may("*", "namespaces"), WRITES_RBAC]})
    first = [rbac("Role", f"r{number}", rules=[{**many, "apiGroups": [f"g{number}"] * 17}]) for number in range(4)]
    reviews = Reviews(cluster)
    given = [handout(one) for one in [*first, rbac("Role", rules=PODS), rbac("Role", "r5", rules=[many])]]
    assert [one is not None and reviews._is_comparable(one) for one in given] == [True] * 5 + [False]


# ---- dry runs --------------------------------------------------------------------------------------------


def refusing(error: PackhouseError | None, *names: str) -> Callable[[str, Ref], PackhouseError | None]:
    return lambda verb, ref: error if verb == "dry run" and ref.name in names else None


async def test_every_refusal_is_named_and_nothing_is_written() -> None:
    cluster = Limited()
    cluster.refuse = lambda verb, ref: Forbidden(f"not {ref.name}") if verb == "dry run" else None
    with pytest.raises(Forbidden, match=r"^nothing was applied: not a; not b; .*; and 2 more$"):
        await preflight(cluster, planned(*(obj(name, "Deployment", "apps/v1") for name in "abcdefg")))
    assert cluster.writes == []


async def test_a_refusal_that_may_pass_gives_the_class_to_those_that_may_not() -> None:
    cluster = Limited()
    cluster.refuse = refusing(DeployFailed("no"), "b")
    plan = planned(change(obj("a"), Action.CONFIGURE, adopting=True), obj("b"))
    with pytest.raises(DeployFailed, match=r"ConfigMap demo/a .*; no"):
        await preflight(cluster, plan, adopt=False)


async def test_a_cluster_that_does_not_answer_is_no_refusal() -> None:
    cluster = Limited()
    cluster.refuse = refusing(ClusterUnavailable("down"), "a")
    with pytest.raises(ClusterUnavailable, match=r"^down$"):
        await preflight(cluster, planned(obj("a")))


async def test_a_value_of_the_wrong_type_is_a_refusal() -> None:
    cluster = Limited()
    cluster.refuse = refusing(ApiServerError("expected a map"), "a")
    with pytest.raises(DeployFailed, match="expected a map"):
        await preflight(cluster, planned(obj("a")))


THING = Kind("example.com", "v1", "Thing")


@pytest.mark.parametrize(
    ("objects", "tried"),
    [
        pytest.param([obj("a")], "a", id="by itself"),
        pytest.param([NAMESPACE, obj("a")], "demo", id="with its namespace"),
        pytest.param([CRD, obj("a", "Thing", "example.com/v1")], "things.example.com", id="with its definition"),
        pytest.param([rbac("Role", "r"), bound("RoleBinding", "Role", "r")], "r", id="with its role"),
        pytest.param([rbac("Role", "r"), bound("RoleBinding", "Role", "other")], "r web", id="with another role"),
        pytest.param(
            [obj("sa", "ServiceAccount"), obj("a", "Pod", spec={"serviceAccountName": "sa"})],
            "sa",
            id="with its account",
        ),
        pytest.param(
            [obj("a"), obj("b", "Deployment", "apps/v1", spec={"x": "a"})], "a b", id="what it merely mentions"
        ),
        pytest.param(
            [obj("a"), obj("t", "Thing", "example.com/v1", spec={"of": [{"name": "a"}]})],
            "a",
            id="a custom resource that mentions what is new",
        ),
        pytest.param(
            [change(obj("a"), Action.CONFIGURE), obj("t", "Thing", "example.com/v1", spec={"of": [{"name": "a"}]})],
            "a t",
            id="a custom resource that mentions what is there",
        ),
    ],
)
async def test_only_what_rests_on_nothing_of_the_plan_is_tried(objects: list[Json | Change], tried: str) -> None:
    cluster, seen = Limited(), list[str]()
    pod = Kind("", "v1", "Pod")
    cluster.kinds |= {THING: Served(THING, "things", True), pod: Served(pod, "pods", True)}

    def note(verb: str, ref: Ref) -> None:
        if verb == "dry run":
            seen.append(ref.name)

    cluster.refuse = note
    await preflight(cluster, planned(*objects))
    assert sorted(seen) == sorted(tried.split())


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        pytest.param([obj(f"a{number}") for number in range(100)], ALIKE_MOST, id="many new plain objects"),
        pytest.param([change(obj(f"a{n}"), Action.CREATE, uid="u") for n in range(100)], 100, id="many that exist"),
        pytest.param([change(obj(f"a{n}"), Action.CONFIGURE) for n in range(100)], 100, id="many that are changed"),
        pytest.param([obj(f"a{n}", namespace=f"n{n}") for n in range(100)], 100, id="many namespaces"),
        pytest.param([obj(f"a{n}", "Service") for n in range(100)], 100, id="many whose content counts"),
    ],
)
def test_some_of_many_plain_objects_speak_for_the_rest(changes: list[Json | Change], count: int) -> None:
    assert len(list(worth_trying(planned(*changes).writes))) == count


@pytest.mark.timeout(30)
async def test_thousands_of_custom_resources_do_not_keep_all_others_waiting() -> None:
    """Each may mention any other."""
    many = [change(obj(f"o{number}", "Widget", "example.com/v1", spec={"a": "b"})) for number in range(4000)]
    written, new = {one.identity for one in many}, new_by_name(many)
    assert {footing(one, written, new, brought=False) for one in many} == {Footing.FIRM}


# ---- fields that cannot change ---------------------------------------------------------------------------

FIXED = DeployFailed("spec.selector: field is immutable", invalid=True)
LIVE = change(obj("app", "Deployment", "apps/v1"), Action.CONFIGURE)
ANNOTATED = Rules(update=UpdateStrategy.FALLBACK_ON_REPLACE)


def always(_: Change) -> bool:
    return True


async def test_a_change_that_only_a_replacement_brings_is_explained() -> None:
    cluster = Limited()
    cluster.refuse = refusing(FIXED, "app")
    with pytest.raises(ImmutableField) as refused:
        await preflight(cluster, planned(LIVE))
    for word in ("spec.selector", "spec.upgrade.replaceImmutable: true", "update-strategy: fallback-on-replace"):
        assert word in refused.value.message


async def test_where_that_is_allowed_it_becomes_a_replacement_and_needs_the_rights_for_it() -> None:
    cluster = Limited()
    cluster.refuse = refusing(FIXED, "app")
    found = await preflight(cluster, planned(obj("a"), LIVE), may_replace=always)
    assert [one.action for one in found] == [Action.CREATE, Action.REPLACE]
    assert replace(list(found)[1], action=LIVE.action, why=LIVE.why) == LIVE

    cluster.rules = {"demo": [may("get patch create", "deployments", "apps")]}
    with pytest.raises(Forbidden) as lacking:
        await preflight(cluster, planned(LIVE), may_replace=always)
    assert missing(lacking.value) == {"delete deployments in demo"}


@pytest.mark.parametrize("error", [FIXED, Forbidden("quota")], ids=["is invalid too", "cannot be tried"])
async def test_an_object_that_under_another_name(error: PackhouseError) -> None:
    cluster = Limited()
    answers = {"app": FIXED, "app-x": error}
    cluster.refuse = lambda verb, ref: answers.get(ref.name) if verb == "dry run" else None
    with pytest.raises(DeployFailed, match=r"^nothing was applied: spec\.selector: field is immutable$"):
        await preflight(cluster, planned(LIVE), may_replace=always)


async def test_an_object_that_does_not_exist_cannot_have_a_fixed_field() -> None:
    cluster = Limited()
    cluster.refuse = refusing(FIXED, "app")
    with pytest.raises(DeployFailed, match=r"^nothing was applied: spec.selector: field is immutable$"):
        await preflight(cluster, planned(obj("app", "Deployment", "apps/v1")), may_replace=always)


@pytest.mark.parametrize("of", [NAMESPACE, CRD], ids=["a namespace", "a definition"])
async def test_never_replaced(of: Json) -> None:
    cluster = Limited()
    cluster.refuse = refusing(FIXED, of["metadata"]["name"])
    with pytest.raises(ImmutableField, match="would delete what is in it"):
        await preflight(cluster, planned(change(of, Action.CONFIGURE, rules=ANNOTATED)), may_replace=always)


async def test_a_claim_is_replaced_only_where_it_says_so_itself() -> None:
    cluster, claim = Limited(), obj("data", "PersistentVolumeClaim")
    kind = Kind("", "v1", "PersistentVolumeClaim")
    cluster.kinds[kind] = Served(kind, "persistentvolumeclaims", True)
    cluster.refuse = refusing(FIXED, "data")
    with pytest.raises(ImmutableField, match="with its data"):
        await preflight(cluster, planned(change(claim, Action.CONFIGURE)), may_replace=always)
    [found] = await preflight(cluster, planned(change(claim, Action.CONFIGURE, rules=ANNOTATED)), may_replace=always)
    assert found.action is Action.REPLACE


async def test_a_fixed_field_is_found_beside_what_the_object_rests_on() -> None:
    """A binding to another role of the same plan."""
    cluster = Limited()
    cluster.refuse = refusing(FIXED, "web")
    plan = planned(rbac("Role", "r"), change(bound("RoleBinding", "Role", "r"), Action.CONFIGURE))
    with pytest.raises(ImmutableField):
        await preflight(cluster, plan)
    answers: dict[str, PackhouseError] = {"web": FIXED, "web-x": DeployFailed("no such role yet")}
    cluster.refuse = lambda verb, ref: answers.get(ref.name) if verb == "dry run" else None
    assert await preflight(cluster, plan) == plan


@pytest.mark.parametrize("name", ["app", "a" * 50, "a" * 52, "x" * 63])
async def test_the_other_name_is_free_and_no_longer_than_a_kind_allows(name: str) -> None:
    cluster, seen = Limited(), list[str]()

    def note(verb: str, ref: Ref) -> PackhouseError | None:
        seen.append(ref.name)
        return FIXED if verb == "dry run" and ref.name == name else None

    cluster.refuse = note
    of = obj(name, "Deployment", "apps/v1")
    of["metadata"]["uid"] = "uid-1"
    await cluster.create(obj(name, "Deployment", "apps/v1"))
    with pytest.raises(ImmutableField):
        await preflight(cluster, planned(change(of, Action.CONFIGURE)))
    other = seen[-1]
    assert other != name
    assert len(other) <= max(len(name), 52)


# ---- adoption --------------------------------------------------------------------------------------------


async def adopting(cluster: FakeCluster, theirs: str, ours: str) -> Plan:
    await cluster.apply(obj("a", data={"x": theirs}), manager="someone")
    cluster.writes.clear()
    return planned(change(obj("a", data={"x": ours}), Action.CONFIGURE, adopting=True))


@pytest.mark.parametrize(
    ("adopt", "ours", "words"),
    [
        pytest.param(None, "1", None, id="what agrees is taken over"),
        pytest.param(None, "2", "someone holds .*spec.adopt: true", id="what differs is not"),
        pytest.param(True, "2", None, id="unless the install says so"),
        pytest.param(False, "1", "belongs to no install.*spec.adopt: true", id="and nothing is where it forbids that"),
    ],
)
async def test_an_object_that_belongs_to_nobody(adopt: bool | None, ours: str, words: str | None) -> None:
    cluster = Limited()
    plan = await adopting(cluster, "1", ours)
    if words is None:
        assert await preflight(cluster, plan, adopt=adopt) == plan
    else:
        with pytest.raises(AdoptionRefused, match=words):
            await preflight(cluster, plan, adopt=adopt)
    assert cluster.writes == []


async def test_a_conflict_is_found_beside_what_the_object_rests_on() -> None:
    cluster = Limited()
    plan = await adopting(cluster, "1", "2")
    with pytest.raises(AdoptionRefused):
        await preflight(cluster, Plan([[change(NAMESPACE, Action.CONFIGURE)], *plan.waves]))


@pytest.mark.parametrize("adopt", [None, True])
async def test_what_belongs_to_nobody_is_deleted_and_made_anew_only_where_the_install_takes_it_over(
    adopt: bool | None,
) -> None:
    """The fixed field is one that the API server chose, so no manager holds it and nothing conflicts."""
    cluster = Limited()
    cluster.refuse = refusing(FIXED, "app")
    plan = planned(replace(LIVE, adopting=True, rules=ANNOTATED))
    if adopt:
        assert [one.action for one in await preflight(cluster, plan, may_replace=always, adopt=adopt)] == [
            Action.REPLACE
        ]
    else:
        with pytest.raises(AdoptionRefused, match=r"immutable.*belongs to no install.*spec\.adopt: true"):
            await preflight(cluster, plan, may_replace=always, adopt=adopt)


async def test_a_conflict_over_what_is_ours_stays_one() -> None:
    cluster = Limited()
    cluster.refuse = refusing(FieldConflict("the uid differs"), "a")
    with pytest.raises(FieldConflict):
        await preflight(cluster, planned(change(obj("a"), Action.CONFIGURE)))


async def test_who_may_not_look_at_what_a_plan_concerns_is_told_all_that_is_missing() -> None:
    cluster = Limited({"demo": [may("get", "configmaps")]})
    refs = [ref_of(obj("a")), ref_of(obj("b", "Secret")), ref_of(rbac("ClusterRole"))]
    with pytest.raises(Forbidden, match="2 rights missing") as refused:
        await refuse_unreadable(cluster, refs)
    granted = list(yaml.safe_load_all(refused.value.message.partition("\n")[2]))
    rules = {rule for document in granted for rule in map(str, document.get("rules", ()))}
    assert rules == {
        "{'apiGroups': [''], 'resources': ['secrets'], 'verbs': ['get']}",
        "{'apiGroups': ['rbac.authorization.k8s.io'], 'resources': ['clusterroles'], 'verbs': ['get']}",
    }
    await refuse_unreadable(cluster, refs[:1])
