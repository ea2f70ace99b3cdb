"""The preflight and a real API server: it refuses before the first write what would be refused later, and nothing else.

Most of these use the adapters in this process, with the token of a service account; the last ones the operator.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import yaml

import conformance
from cluster.find import Cluster as ControlPlane
from lab import Json, Lab, account, cluster_rights, config_map_template, inline, install, package
from packhouse.api.errors import AdoptionRefused, DeployFailed, Forbidden, ImmutableField
from packhouse.connected import Connected, connected
from packhouse.deploy.apply import carry_out
from packhouse.deploy.live import live
from packhouse.deploy.preflight import preflight, refuse_without_rights
from packhouse.deploy.reviews import Reviews
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import owned, ref_of
from packhouse.domain.plan import Desired, plan
from packhouse.domain.rights import handout
from packhouse.ports import Cluster
from packhouse.settings import Settings

RBAC = "rbac.authorization.k8s.io"
EVERYTHING = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


@pytest.fixture
async def link(cluster: ControlPlane) -> AsyncIterator[Connected]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as opened:
        yield opened


def apply(cluster: ControlPlane, *objects: Json | str) -> None:
    """kubectl apply, as the admin."""
    text = "\n---\n".join(obj if isinstance(obj, str) else yaml.safe_dump(obj) for obj in objects)
    cluster.kubectl("apply", "-f", "-", input=text)


def obj(kind: str, name: str, namespace: str = "", api: str = "v1", **content: object) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def rbac(kind: str, name: str, namespace: str = "", **content: object) -> Json:
    return obj(kind, name, namespace, f"{RBAC}/v1", **content)


def bound(kind: str, name: str, of: str, role: str, namespace: str = "") -> Json:
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
    return rbac(kind, name, namespace, roleRef={"apiGroup": RBAC, "kind": of, "name": role}, subjects=[subject])


async def planned(cluster: Cluster, owner: str, objects: Sequence[Json]) -> tuple[Plan, Inventory]:
    marked = [owned(one, owner) for one in objects]
    refs = [ref_of(one) for one in marked]
    found = await live(cluster, refs)
    return plan(Desired(marked), Inventory({}), found, owner=owner, owners={owner}), Inventory({}).union(refs)


def pasted(error: Forbidden) -> str:
    """What the message says to grant."""
    before, found, text = error.message.partition("grant them with:\n")
    assert found, before
    return text


# ---- what is missing is told as what grants it -------------------------------------------------------------


def varied(word: str, namespace: str) -> list[Json]:
    """Something of all that is decided apart: a new namespace and a new kind, roles and bindings of all sorts."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    kind = word.capitalize()
    pods = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}
    own = {"apiGroups": [f"{word}.example.com"], "resources": ["*"], "verbs": ["*"]}
    one = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["web-tls"], "verbs": ["get", "update"]}
    urls = {"nonResourceURLs": ["/metrics", "/healthz/*"], "verbs": ["get"]}
    crd_spec = {
        "group": f"{word}.example.com",
        "scope": "Namespaced",
        "names": {"plural": f"{word}s", "singular": word, "kind": kind},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
    }
    gathers = {"clusterRoleSelectors": [{"matchLabels": {"gather": word}}]}
    return [
        obj("Namespace", word),
        obj("CustomResourceDefinition", f"{word}s.{word}.example.com", "", "apiextensions.k8s.io/v1", spec=crd_spec),
        obj("ConfigMap", "here", namespace, data={"a": "1"}),
        obj("ConfigMap", "there", word, data={"a": "1"}),
        obj("Service", "web", namespace, spec={"ports": [{"port": 80}]}),
        obj(kind, "thing", word, f"{word}.example.com/v1"),
        rbac("Role", "web", namespace, rules=[one]),
        bound("RoleBinding", "web", "Role", "web", namespace),
        rbac("Role", "web", word, rules=[pods, own]),
        bound("RoleBinding", "web", "Role", "web", word),
        bound("RoleBinding", "viewer", "ClusterRole", "view", word),
        bound("RoleBinding", "editor", "ClusterRole", "edit", namespace),
        rbac("ClusterRole", f"{word}-web", rules=[pods, urls]),
        bound("ClusterRoleBinding", f"{word}-web", "ClusterRole", f"{word}-web"),
        rbac("ClusterRole", f"{word}-sum", aggregationRule=gathers),
        bound("ClusterRoleBinding", f"{word}-sum", "ClusterRole", f"{word}-sum"),
        bound("ClusterRoleBinding", f"{word}-auth", "ClusterRole", "system:auth-delegator"),
    ]


async def test_what_the_message_says_is_enough_for_the_whole_plan(
    link: Connected, cluster: ControlPlane, namespace: str, unique: str
) -> None:
    apply(cluster, *account(namespace, rules=[]))
    actor, objects = link.identities.of(namespace, "installer"), varied(unique, namespace)
    with pytest.raises(Forbidden) as refused:
        await refuse_without_rights(actor, objects, [])
    assert f"service account {namespace}/installer lacks " in refused.value.message

    apply(cluster, pasted(refused.value))
    await settled_rights(actor, objects)

    the_plan, ahead = await planned(actor, f"{namespace}/web", objects)
    the_plan = await preflight(actor, the_plan)
    done = await carry_out(actor, the_plan, ahead)
    assert (done.error, done.created) == (None, len(objects))


async def settled_rights(actor: Cluster, objects: Sequence[Json]) -> None:
    """Wait until the API server has heard of the rights that were granted a moment ago."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await refuse_without_rights(actor, objects, [])
            except Forbidden:
                await asyncio.sleep(0.1)


async def test_an_account_that_may_only_read_is_told_the_rest(
    link: Connected, cluster: ControlPlane, namespace: str, unique: str
) -> None:
    """The plan itself is made, and its preflight says the same as the check before it."""
    reading = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}
    apply(cluster, *account(namespace, rules=[]), *cluster_rights(unique, namespace, [reading]))
    actor, objects = link.identities.of(namespace, "installer"), varied(unique, namespace)
    the_plan, ahead = await planned(actor, f"{namespace}/web", objects)
    with pytest.raises(Forbidden) as refused:
        await preflight(actor, the_plan)
    assert all(found is None for found in [await link.cluster.get(change.ref) for change in the_plan.writes])

    apply(cluster, pasted(refused.value))
    await settled_rights(actor, objects)

    done = await carry_out(actor, await preflight(actor, the_plan), ahead)
    assert (done.error, done.created) == (None, len(objects))


@conformance.needed
async def test_a_real_package_passes_with_what_the_message_says(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    [case] = [case for case in conformance.rendered() if case.name == "contour@1.22.0"]
    apply(cluster, *account(namespace, rules=[]))
    actor = link.identities.of(namespace, "installer")
    with pytest.raises(Forbidden) as refused:
        await refuse_without_rights(actor, case.objects, [])
    apply(cluster, pasted(refused.value))
    await settled_rights(actor, case.objects)

    the_plan, ahead = await planned(actor, f"{namespace}/web", case.objects)
    await preflight(actor, the_plan)
    try:
        done = await carry_out(actor, the_plan, ahead)
        assert (done.error, done.created) == (None, len(the_plan.writes))
    finally:
        for one in case.objects:
            if one["kind"] in ("Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"):
                await link.cluster.delete(ref_of(one))


# ---- escalation is judged as the API server judges it ------------------------------------------------------

OWNED: dict[str, list[Json]] = {
    "nothing": [],
    "pods": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    "pods-in-pieces": [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["list"]},
    ],
    "one-pod": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get"]}],
    "scales": [{"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["*"]}],
    "core": [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}],
    "urls": [{"nonResourceURLs": ["/healthz*", "/metrics"], "verbs": ["get"]}],
    "everything": EVERYTHING,
}
WANTED: list[Json] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "c"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/log", "x/y/z"], "verbs": ["list"]},
    {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["update"]},
    {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["update"]},
    {"apiGroups": ["*"], "resources": ["scale"], "verbs": ["update"]},
    {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["*"], "verbs": ["list"]},
    {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
    {"nonResourceURLs": ["/healthz/etcd", "/metrics"], "verbs": ["get"]},
    {"nonResourceURLs": ["/metrics/x"], "verbs": ["get"]},
    {"nonResourceURLs": ["*"], "verbs": ["get"]},
]


async def test_rules_are_compared_as_the_api_server_compares_them(
    link: Connected, cluster: ControlPlane, namespace: str, unique: str
) -> None:
    writing = {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["create", "patch"]}
    grants = [
        one
        for word, rules in OWNED.items()
        for one in [
            *account(namespace, word, rules=[]),
            *cluster_rights(f"{unique}-{word}", namespace, [writing, *rules], word),
        ]
    ]
    apply(cluster, *grants)
    actors = {word: link.identities.of(namespace, word) for word in OWNED}
    # The last binding was heard of: so were those before it.
    async with asyncio.timeout(10):
        while await says_no(actors["everything"], rbac("ClusterRole", f"{unique}-x", rules=WANTED)):
            await asyncio.sleep(0.1)

    for word, actor in actors.items():
        reviews = Reviews(actor)
        await reviews.learn("")
        for wanted in WANTED:
            role = rbac("ClusterRole", f"{unique}-x", rules=[wanted])
            given = handout(role)
            assert given is not None
            ours = bool(await reviews.ungranted(given))
            assert ours is await says_no(actor, role), f"{word}: {wanted}"


async def says_no(actor: Cluster, role: Json) -> bool:
    try:
        await actor.apply(role, manager="test", dry_run=True)
    except Forbidden:
        return True
    return False


async def test_rights_of_one_namespace_do_not_help_a_cluster_role(
    link: Connected, cluster: ControlPlane, namespace: str, unique: str
) -> None:
    """Neither does a role that the same plan gives to its own account."""
    writing = {"apiGroups": [RBAC], "resources": ["*"], "verbs": ["get", "create", "patch"]}
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    apply(cluster, *account(namespace, rules=[pods]), *cluster_rights(unique, namespace, [writing]))
    actor = link.identities.of(namespace, "installer")
    local = [rbac("Role", "web", namespace, rules=[pods]), bound("RoleBinding", "web", "Role", "web", namespace)]
    wide = [
        rbac("ClusterRole", f"{unique}-w", rules=[pods]),
        bound("ClusterRoleBinding", f"{unique}-w", "ClusterRole", f"{unique}-w"),
    ]
    the_plan, _ = await planned(actor, f"{namespace}/web", local)
    assert await preflight(actor, the_plan) == the_plan

    the_plan, _ = await planned(actor, f"{namespace}/web", wide)
    with pytest.raises(Forbidden) as refused:
        await preflight(actor, the_plan)
    role, _ = yaml.safe_load_all(pasted(refused.value))
    assert (role["kind"], role["rules"]) == ("ClusterRole", [pods])


async def test_rights_by_name_are_enough_for_the_preflight_and_for_the_apply(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    verbs = ["get", "create", "patch"]
    named = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a", "b"], "verbs": verbs}
    apply(cluster, *account(namespace, rules=[named]))
    actor = link.identities.of(namespace, "installer")
    the_plan, ahead = await planned(actor, f"{namespace}/web", [obj("ConfigMap", name, namespace) for name in "ab"])

    done = await carry_out(actor, await preflight(actor, the_plan), ahead)

    assert (done.error, done.created) == (None, 2)


# ---- what cannot change, and what belongs to nobody --------------------------------------------------------


def workload(kind: str, name: str, namespace: str, label: str, api: str = "apps/v1", **spec: object) -> Json:
    pod = {"metadata": {"labels": {"app": label}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    return obj(kind, name, namespace, api, spec={"template": pod, **spec})


def selecting(name: str, namespace: str, label: str, selected: str) -> Json:
    return workload("Deployment", name, namespace, label, selector={"matchLabels": {"app": selected}})


def job(namespace: str, image: str) -> Json:
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]}}
    return obj("Job", "app", namespace, "batch/v1", spec={"template": pod})


def claim(namespace: str, mode: str) -> Json:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    return obj("PersistentVolumeClaim", "app", namespace, spec=spec)


def service(namespace: str, **spec: object) -> Json:
    return obj("Service", "app", namespace, spec={"ports": [{"port": 80}], **spec})


async def on_change(link: Connected, namespace: str, before: Json, after: Json) -> Plan:
    """The plan that makes `after` of what is `before`, as a preflight that replaces nothing sees it."""
    await link.cluster.apply(before, manager="packhouse")
    found = await link.cluster.get(ref_of(before))
    assert found is not None
    return Plan([[Change(ref_of(after), Action.CONFIGURE, "it changed", after, uid=found["metadata"]["uid"])]])


@pytest.mark.parametrize("case", ["selector", "job", "clusterIP", "roleRef", "claim", "immutable", "type"])
async def test_a_field_that_cannot_change_is_told_from_an_object_that_is_no_good(
    link: Connected, cluster: ControlPlane, namespace: str, case: str
) -> None:
    before, after = {
        "selector": (selecting("app", namespace, "a", "a"), selecting("app", namespace, "b", "b")),
        "job": (job(namespace, "one"), job(namespace, "two")),
        "clusterIP": (service(namespace), service(namespace, clusterIP="None")),
        "roleRef": (
            bound("RoleBinding", "app", "ClusterRole", "view", namespace),
            bound("RoleBinding", "app", "ClusterRole", "edit", namespace),
        ),
        "claim": (claim(namespace, "ReadWriteOnce"), claim(namespace, "ReadOnlyMany")),
        "immutable": (
            obj("ConfigMap", "app", namespace, immutable=True, data={"a": "1"}),
            obj("ConfigMap", "app", namespace, immutable=True, data={"a": "2"}),
        ),
        "type": (obj("Secret", "app", namespace, type="a/b"), obj("Secret", "app", namespace, type="c/d")),
    }[case]
    the_plan = await on_change(link, namespace, before, after)

    with pytest.raises(ImmutableField, match=r"the object itself is valid.*fallback-on-replace") as refused:
        await preflight(link.cluster, the_plan)

    assert str(ref_of(after)) in refused.value.message
    found = await link.cluster.get(ref_of(before), metadata_only=True)
    assert found is not None
    assert found["metadata"]["uid"] == next(iter(the_plan)).uid


async def test_an_object_that_is_no_good_is_refused_as_such(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    before, after = selecting("app", namespace, "a", "a"), selecting("app", namespace, "a", "b")
    the_plan = await on_change(link, namespace, before, after)

    with pytest.raises(DeployFailed, match=r"spec\.template\.metadata\.labels"):
        await preflight(link.cluster, the_plan, may_replace=lambda change: True)


async def test_what_differs_from_the_package_and_belongs_to_nobody_names_field_and_manager(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    apply(cluster, obj("ConfigMap", "app", namespace, data={"a": "1", "b": "1"}))
    objects = [obj("ConfigMap", "app", namespace, data={"a": "2", "b": "1"})]
    the_plan, _ = await planned(link.cluster, f"{namespace}/web", objects)

    with pytest.raises(AdoptionRefused, match=r"kubectl.*\.data\.a.*spec\.adopt: true") as refused:
        await preflight(link.cluster, the_plan)

    assert ".data.b" not in refused.value.message
    assert await preflight(link.cluster, the_plan, adopt=True) == the_plan


# ---- the operator ------------------------------------------------------------------------------------------


def test_an_install_says_what_to_grant_and_goes_on_once_that_is_granted(lab: Lab, namespace: str, unique: str) -> None:
    reading = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    lab.apply(*account(namespace, rules=[]), *cluster_rights(unique, namespace, [reading]))
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "delete"]}
    files = {
        "config.yaml": config_map_template("web", "  says: hello\n"),
        "role.yaml": yaml.safe_dump(rbac("Role", "web", rules=[pods])),
        "wide.yaml": yaml.safe_dump(rbac("ClusterRole", f"{unique}-w", rules=[pods])),
    }
    lab.apply(package(f"{unique}.example.com", "1.0.0", fetch=inline(files)))
    lab.apply(install("web", namespace, f"{unique}.example.com", version="1.0.0"))
    told = lab.settled("ipkg", "web", namespace, condition="ReconcileFailed", reason="Forbidden")
    message = told["status"]["usefulErrorMessage"]
    assert lab.get("configmap", "web", namespace) is None, "nothing is applied by half"

    lab.apply(message.partition("grant them with:\n")[2])

    lab.settled("ipkg", "web", namespace)
    assert lab.get("clusterrole", f"{unique}-w") is not None
    lab.delete("ipkg", "web", namespace, wait=False)
