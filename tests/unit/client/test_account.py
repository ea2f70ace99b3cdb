"""The account of an install as objects, and why there is none. The cluster is a fake; what rights there are to be is
decided in domain/lifelong.py, and tried on a real API server in tests/e2e/test_synthesised_rights.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes_cluster import FakeCluster
from one_life import Subject, session_of
from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.api.names import MADE_FOR, OWNER_ANNOTATION
from packhouse.client.account import Grant, account_name
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.granted import granted, made_for
from packhouse.client.proposals import marked, namespace_object
from packhouse.domain.objects import ref_of
from packhouse.domain.roles import words
from packhouse.ports import Json, Kind, Ref, Served

RBAC = "rbac.authorization.k8s.io"
ROLES = {"Role": "roles", "RoleBinding": "rolebindings", "ClusterRole": "clusterroles"}
ROLES |= {"ClusterRoleBinding": "clusterrolebindings"}


@pytest.fixture
async def cluster() -> FakeCluster:
    made = FakeCluster()
    for word, plural in ROLES.items():
        kind = Kind(RBAC, "v1", word)
        made.kinds[kind] = Served(kind, plural, not word.startswith("Cluster"))
    await made.create(namespace_object("demo"))
    return made


def config_map(name: str = "web", namespace: str = "demo") -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


def rbac(kind: str, name: str, **content: Any) -> Json:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name}, **content}


VIEWER = rbac("ClusterRoleBinding", "viewer", roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"})


async def granting(cluster: FakeCluster, *objects: Json, allow_everything: bool = False, **more: Any) -> Grant:
    before = list(cluster.writes)
    subject = Subject("demo", objects, account=account_name("web"), **more)
    grant = await subject.grant(session_of(cluster, "demo"), allow_everything=allow_everything)
    assert cluster.writes == before, "nothing is written"
    return grant


def names(grant: Grant) -> list[str]:
    return [str(ref_of(obj)).partition(" (")[0] for obj in grant.objects]


async def test_an_account_with_a_role_in_each_namespace_and_one_for_the_cluster(cluster: FakeCluster) -> None:
    await cluster.create(namespace_object("other"))
    grant = await granting(cluster, config_map(), config_map("there", "other"), rbac("ClusterRole", "web", rules=[]))
    assert names(grant) == [
        "ServiceAccount demo/web-installer",
        "Role demo/web-installer",
        "RoleBinding demo/web-installer",
        "Role other/demo:web-installer",
        "RoleBinding other/demo:web-installer",
        "ClusterRole demo:web-installer",
        "ClusterRoleBinding demo:web-installer",
    ]
    assert all(obj["metadata"]["annotations"][MADE_FOR] == "demo/web" for obj in grant.objects)
    assert grant.account["automountServiceAccountToken"] is False
    _, role, binding, *_ = grant.objects
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["web"],
            "verbs": ["create", "delete", "get", "patch"],
        }
    ]
    assert binding["roleRef"] == {"apiGroup": RBAC, "kind": "Role", "name": "web-installer"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "web-installer", "namespace": "demo"}]


# ---- namespaces --------------------------------------------------------------------------------------------


async def test_a_namespace_that_the_package_brings_is_made_first_and_is_anybodys(cluster: FakeCluster) -> None:
    labelled = {**namespace_object("new"), "metadata": {"name": "new", "labels": {"a": "b"}}}
    grant = await granting(cluster, labelled, config_map("there", "new"))
    assert grant.objects[0] == namespace_object("new")
    assert names(grant)[1:3] == ["ServiceAccount demo/web-installer", "Role new/demo:web-installer"]


async def test_where_nothing_is_taken_over_it_is_the_installs_from_the_start(cluster: FakeCluster) -> None:
    grant = await granting(cluster, namespace_object("new"), config_map("there", "new"), spec={"adopt": False})
    assert grant.objects[0]["metadata"]["annotations"] == {OWNER_ANNOTATION: "demo/web"}


async def test_what_is_made_once_and_then_left_is_made_whole(cluster: FakeCluster) -> None:
    once = {"annotations": {"kapp.k14s.io/update-strategy": "skip"}, "labels": {"a": "b"}}
    new = {**namespace_object("new"), "metadata": {"name": "new", **once}}
    grant = await granting(cluster, new, config_map("there", "new"))
    assert grant.objects[0]["metadata"]["labels"]["a"] == "b"
    assert grant.objects[0]["metadata"]["annotations"][OWNER_ANNOTATION] == "demo/web"


async def test_a_namespace_that_nobody_brings_is_missed(cluster: FakeCluster) -> None:
    with pytest.raises(Trouble, match="namespace nowhere does not exist") as missed:
        await granting(cluster, config_map("there", "nowhere"))
    assert (missed.value.code, missed.value.help) == (
        ExitCode.NOT_FOUND,
        "make it first: kubectl create namespace nowhere",
    )
    cluster.refuse = refusing("Namespace")
    assert "Role nowhere/demo:web-installer" in names(await granting(cluster, config_map("there", "nowhere")))


def refusing(*kinds: str) -> Any:
    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        return Forbidden("you may not look") if verb == "get" and ref.kind.kind in kinds else None

    return refuse


# ---- the account -------------------------------------------------------------------------------------------


async def test_an_account_of_somebody_else_is_left_alone(cluster: FakeCluster) -> None:
    theirs = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web-installer", "namespace": "demo"}}
    await cluster.create(theirs)
    with pytest.raises(Trouble, match="exists already and was not made for demo/web"):
        await granting(cluster, config_map())
    cluster.refuse = refusing("ServiceAccount")  # making it will tell
    await granting(cluster, config_map())


async def test_one_that_was_made_before_may_have_been_told_how_to_pull(cluster: FakeCluster) -> None:
    mine = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web-installer", "namespace": "demo"}}
    await cluster.create({**marked(mine, "demo", "web"), "imagePullSecrets": [{"name": "pull"}]})
    lines = words((await granting(cluster, config_map())).rights).splitlines()
    assert "demo: get secrets pull" in lines
    assert "demo: get serviceaccounts web-installer" in lines


async def test_what_the_steps_of_the_package_name_is_read(cluster: FakeCluster) -> None:
    steps = {
        "fetch": [{"imgpkgBundle": {"image": "registry.example/web", "secretRef": {"name": "pull"}}}],
        "template": [{"ytt": {"valuesFrom": [{"configMapRef": {"name": "values"}}]}}],
    }
    grant = await granting(cluster, config_map(), steps=steps)
    assert words(grant.rights).splitlines() == [
        "demo: get configmaps values",
        "demo: create, delete, get, patch configmaps web",
        "demo: get secrets pull",
    ]


# ---- there is none -----------------------------------------------------------------------------------------


async def test_a_package_that_asks_for_everything_gets_none_unless_that_is_allowed(cluster: FakeCluster) -> None:
    wild = rbac("ClusterRole", "wild", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    with pytest.raises(Trouble) as refused:
        await granting(cluster, wild)
    assert "ClusterRole wild holds every verb on every resource" in refused.value.what
    assert "--service-account NAME" in refused.value.help
    assert "--allow-everything" in refused.value.help
    assert refused.value.code == ExitCode.FORBIDDEN
    assert words((await granting(cluster, wild, allow_everything=True)).rights) == "cluster: * * (any group)"


async def test_a_role_that_the_caller_may_not_read_may_hold_anything(cluster: FakeCluster) -> None:
    cluster.refuse = refusing("ClusterRole")
    with pytest.raises(Trouble, match="binds ClusterRole view, which you may not read"):
        await granting(cluster, VIEWER)


async def test_roles_of_a_million_rules_are_not_taken_apart(cluster: FakeCluster) -> None:
    many = [{"apiGroups": [str(n) for n in range(1000)], "resources": [str(n) for n in range(1000)], "verbs": ["get"]}]
    with pytest.raises(Trouble, match="1,000,000 single rules") as refused:
        await granting(cluster, rbac("ClusterRole", "web", rules=many), allow_everything=True)
    assert "--allow-everything" not in refused.value.help


# ---- what was granted before -------------------------------------------------------------------------------


async def test_what_was_granted_is_found_by_its_marks(cluster: FakeCluster) -> None:
    grant = await granting(cluster, config_map(), rbac("ClusterRole", "web", rules=[]))
    for obj in grant.objects:
        await cluster.create(obj)
    others = rbac("ClusterRole", "theirs", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
    await cluster.create(marked(others, "demo", "other"))
    session = session_of(cluster, "demo")
    assert {ref_of(obj) for obj in await made_for(session, "demo", "web")} == {ref_of(obj) for obj in grant.objects}
    assert await granted(session, "demo", "web") == list(grant.rights)


async def test_who_may_not_look_everywhere_looks_where_the_install_is(cluster: FakeCluster) -> None:
    for obj in (await granting(cluster, config_map(), rbac("ClusterRole", "web", rules=[]))).objects:
        await cluster.create(obj)

    def refuse(verb: str, ref: Ref) -> PackhouseError | None:
        return Forbidden("you may not") if verb == "list" and ref.namespace != "demo" else None

    cluster.refuse = refuse
    found = await made_for(session_of(cluster, "demo"), "demo", "web", also=["elsewhere"])
    assert [obj["kind"] for obj in found] == ["ServiceAccount", "Role", "RoleBinding"]


async def test_marks_that_somebody_else_writes_make_nothing_of_his_ours(cluster: FakeCluster) -> None:
    await cluster.create(namespace_object("other"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "other"}}
    role = rbac("Role", "demo:web-installer", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    role["metadata"]["namespace"] = "other"
    others = {**role, "metadata": {"name": "theirs", "namespace": "other"}}
    for obj in (account, role, others):
        await cluster.create(marked(obj, "demo", "web"))
    session = session_of(cluster, "demo")
    assert [ref_of(obj) for obj in await made_for(session, "demo", "web")] == [ref_of(role)]
    # Bound to nobody, it grants nothing: what an update gives there is told as new.
    assert await granted(session, "demo", "web") == []
