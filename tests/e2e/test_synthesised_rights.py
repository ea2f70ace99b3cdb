"""The account that the command line makes for an install: its rights are enough for the install's whole life, each of
them is needed in it, and none of them leads to more.

Lives are lived in this process (one_life.py), by the operator's own rooms, with the account's token, on a real API
server. That the operator itself comes to the same end is seen with real packages, in test_ytt_packages.py and
test_conformance_deploy.py, whose accounts are made in the same way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

import conformance
from cluster.find import Cluster as ControlPlane
from goods import annotated, config_map
from lab import RBAC, Json, account
from one_life import Life, Subject, session_of
from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.client.account import Grant, added
from packhouse.client.errors import ExitCode, Trouble
from packhouse.client.granted import granted, refuse_ungrantable
from packhouse.client.making import make
from packhouse.client.session import Session
from packhouse.connected import Connected, connected
from packhouse.deploy.live import gathered
from packhouse.deploy.reviews import Reviews
from packhouse.domain.grants import Account
from packhouse.domain.objects import ref_of
from packhouse.domain.rights import ROLES, Right, handout
from packhouse.domain.roles import roles_of
from packhouse.ports import Cluster, Ref, RenderJob, ValuesDocument
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples" / "packages").glob("*/*"))
#: Those of which each right is taken away; the others only live.
EACH = ("crontab-1.0.0", "web-1.2.0")
#: Real packages whose lives are short: nothing of them takes long to go.
CHEAP = (
    "azurefile-csi-driver@1.21.0",
    "kube-vip-cloud-provider@0.0.4@kube-vip-cloud-provider",
    "oracle-cpi@1.24.0",
    "sriov-network-device-plugin@3.3.2",
    "vsphere-csi@2.5.2@vsphere-csi",
    "whereabouts@0.5.4",
)
SEED = 2211
SAMPLES = 16


@pytest.fixture
async def link(cluster: ControlPlane) -> AsyncIterator[Connected]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as opened:
        yield opened


class Trial:
    """A subject with its account, from which single rights are taken."""

    def __init__(self, link: Connected, subject: Subject, grant: Grant) -> None:
        self.rights = grant.rights
        self._link = link
        self._subject = subject
        self._grant = grant
        self._there: dict[Ref, Json] = {}  # of the grant, as it was applied last
        self._account = Account(subject.account, subject.namespace)
        self._life = Life(link, subject, {right.namespace for right in grant.rights})

    async def ended_by(self, lacking: Right | None = None) -> tuple[str, PackhouseError] | None:
        """What ended the life of an account without that right; None where it came to its end."""
        await self.hold(lacking)
        try:
            return await self._life.ended_by()
        finally:
            await self._life.end()

    async def hold(self, lacking: Right | None = None) -> None:
        """The account's roles without that right, once the API server has heard of them."""
        objects = roles_of([right for right in self.rights if right != lacking], self._account)
        left = [obj for obj in objects if obj["kind"] in ROLES]
        rules = {ref_of(obj): obj["rules"] for obj in left}
        for obj in self._grant.objects:
            held = {**obj, "rules": rules.get(ref_of(obj), [])} if obj["kind"] in ROLES else obj
            if obj["kind"] == "Namespace" and await is_leaving(self._link.cluster, obj):
                self._there.clear()  # the life before took it along, and with it the roles in it
            if held != self._there.get(ref_of(obj)):
                await applied(self._link.cluster, held)
                self._there[ref_of(obj)] = held
        actor = self._link.identities.of(self._subject.namespace, self._subject.account)
        async with asyncio.timeout(20):
            while not await self._is_heard(actor, left, lacking):
                await asyncio.sleep(0.02)

    def roles_with(self, rule: Json) -> list[Json]:
        """The account's own roles, with a rule more."""
        roles = [obj for obj in self._grant.objects if obj["kind"] in ROLES]
        return [{**role, "rules": [*role["rules"], rule]} for role in roles]

    async def _is_heard(self, actor: Cluster, roles: Sequence[Json], lacking: Right | None) -> bool:
        reviews = Reviews(actor)
        handouts = [given for role in roles if (given := handout(role)) is not None]
        await gathered([reviews.learn(namespace) for namespace in {right.namespace for right in self.rights}])
        if any(await gathered([reviews.ungranted(given) for given in handouts])):
            return False
        if lacking is None or lacking.rule.urls:
            return True
        return bool(await reviews.lacking({lacking: lacking.rule.names or ("",)}))


async def applied(cluster: Cluster, obj: Json) -> None:
    """A namespace as soon as the one before it is gone."""
    if obj["kind"] == "Namespace":
        async with asyncio.timeout(60):
            while (found := await cluster.get(ref_of(obj))) and found["metadata"].get("deletionTimestamp"):
                await asyncio.sleep(0.1)
    await cluster.apply(obj, manager="test")


async def is_leaving(cluster: Cluster, obj: Json) -> bool:
    """Whether it is gone, or on its way."""
    found = await cluster.get(ref_of(obj), metadata_only=True)
    return found is None or bool(found["metadata"].get("deletionTimestamp"))


@asynccontextmanager
async def tried(
    link: Connected, subject: Subject, *, beside: Sequence[Json] = (), allow_everything: bool = False
) -> AsyncIterator[Trial]:
    """`beside`: what is there before the install."""
    for obj in beside:
        await applied(link.cluster, obj)
    grant = await subject.grant(session_of(link.cluster, subject.namespace), allow_everything=allow_everything)
    yield Trial(link, subject, grant)
    for obj in grant.objects:
        if obj["metadata"].get("namespace") != subject.namespace:  # which goes as a whole
            await link.cluster.delete(ref_of(obj))


async def unneeded(trial: Trial, rights: Sequence[Right]) -> list[str]:
    """Those without which a life does not end with a refusal for lack of rights. With all of them it comes to its end;
    that one is lived last, since then it takes no time to make its namespaces anew."""
    found = []
    for right in rights:
        ended = await trial.ended_by(right)
        if ended is None or not isinstance(ended[1], Forbidden):
            found.append(f"{right}: {ended}")
    assert await trial.ended_by() is None
    return found


def example(folder: Path, namespace: str) -> Subject:
    """A package of docs/examples, with all that its values can turn on."""
    spec = yaml.safe_load((folder / "package.yaml").read_text())["spec"]
    bundle = folder / "bundle"
    values = "{firstCronTab: {enabled: true}}" if folder.parent.name == "crontab" else "{autoscaling: {enabled: true}}"
    job = RenderJob(
        files={str(file.relative_to(bundle)): file.read_bytes() for file in bundle.rglob("*") if file.is_file()},
        steps=spec["template"]["spec"]["template"],
        values=[ValuesDocument("Secret demo/values", values)],
        values_schema=spec["valuesSchema"]["openAPIv3"],
        enforce_schema=True,
        context={
            "package": {"name": spec["publicName"], "version": spec["version"]},
            "install": {"name": "web", "namespace": namespace},
            "cluster": {},
        },
    )
    return Subject(namespace, render(job, Limits.from_settings(Settings())).objects)


# ---- enough, and each of them needed -----------------------------------------------------------------------


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
async def test_an_example_package_lives_with_its_rights_and_needs_each(
    link: Connected, namespace: str, folder: Path
) -> None:
    async with tried(link, example(folder, namespace)) as trial:
        each = trial.rights if f"{folder.parent.name}-{folder.name}" in EACH else []
        assert await unneeded(trial, each) == []


def varied(namespace: str, word: str) -> Subject:
    """Something of all that is decided apart."""

    def objects(content: str) -> list[Json]:
        pods = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get", "watch"]}
        urls = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
        fixed = {**config_map("fixed", a=content), "immutable": True}
        plain = [
            config_map("plain", a=content),
            annotated(config_map("versioned", a=content), versioned=""),
            annotated(config_map("anew", a=content), update_strategy="always-replace"),
            annotated(fixed, update_strategy="fallback-on-replace"),
            annotated(config_map("once", a=content), update_strategy="skip"),
            annotated(config_map("staying", a=content), delete_strategy="orphan"),
            annotated(config_map("expected"), exists=""),
            annotated(config_map("ignored"), noop=""),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": word}},
        ]
        inside = config_map("inside", a=content)
        inside["metadata"]["namespace"] = word
        return [
            *plain,
            inside,
            rbac("Role", "web", rules=[pods]),
            bound("RoleBinding", "web", "Role", "web"),
            bound("RoleBinding", "viewer", "ClusterRole", "view"),
            rbac("ClusterRole", word, rules=[urls, pods]),
            bound("ClusterRoleBinding", word, "ClusterRole", word),
            bound("ClusterRoleBinding", f"{word}-auth", "ClusterRole", "system:auth-delegator"),
        ]

    values = [{"ytt": {"valuesFrom": [{"configMapRef": {"name": "values"}}]}}]
    fetch = [{"inline": {"paths": {"a": "b"}, "pathsFrom": [{"secretRef": {"name": "files"}}]}}]
    return Subject(namespace, objects("1"), later=objects("2"), steps={"template": values, "fetch": fetch})


def rbac(kind: str, name: str, **content: object) -> Json:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name}, **content}


def bound(kind: str, name: str, of: str, role: str) -> Json:
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
    return rbac(kind, name, roleRef={"apiGroup": RBAC, "kind": of, "name": role}, subjects=[subject])


async def test_whatever_a_package_says_of_its_objects_counts(link: Connected, namespace: str, unique: str) -> None:
    beside = [config_map("expected"), config_map("values")]
    beside = [{**obj, "metadata": {**obj["metadata"], "namespace": namespace}} for obj in beside]
    async with tried(link, varied(namespace, unique), beside=beside) as trial:
        assert await unneeded(trial, trial.rights) == []


@conformance.needed
async def test_sampled_rights_of_real_packages_are_needed(link: Connected, namespace: str) -> None:
    cases = {case.name: case for case in conformance.rendered()}
    chance = random.Random(SEED)
    chosen = [chance.choice(CHEAP) for _ in range(SAMPLES)]
    found: list[str] = []
    for name in sorted(set(chosen)):
        documents = [one for one in yaml.load_all(cases[name].text, Loader=yaml.CSafeLoader) if one]
        async with tried(link, Subject(namespace, documents)) as trial:
            found += await unneeded(trial, [chance.choice(trial.rights) for _ in range(chosen.count(name))])
    assert found == []


# ---- and no way to more ------------------------------------------------------------------------------------

EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


async def test_the_account_cannot_write_more_into_a_role_than_it_holds(
    link: Connected, namespace: str, unique: str
) -> None:
    """With `escalate` on the role it could."""
    objects = [rbac("ClusterRole", unique, rules=[PODS]), bound("ClusterRoleBinding", unique, "ClusterRole", unique)]
    subject = Subject(namespace, [*objects, rbac("Role", "web", rules=[PODS])])
    async with tried(link, subject) as trial:
        await trial.hold()
        actor = link.identities.of(namespace, subject.account)
        assert await Life(link, subject).ended_by(("install",)) is None
        here = {"name": "web", "namespace": namespace}
        for more in [
            rbac("ClusterRole", unique, rules=[EVERYTHING]),
            rbac("ClusterRole", unique, rules=[PODS | {"verbs": ["*"]}]),
            {**rbac("Role", "web", rules=[EVERYTHING]), "metadata": here},
            rbac("ClusterRole", f"{unique}-other", rules=[PODS]),
            bound("ClusterRoleBinding", unique, "ClusterRole", "cluster-admin"),
            bound("ClusterRoleBinding", f"{unique}-other", "ClusterRole", unique),
            *trial.roles_with(EVERYTHING),
        ]:
            with pytest.raises(Forbidden):
                await actor.apply(more, manager="somebody")
        kept = await link.cluster.get(ref_of(objects[0]))
        assert kept is not None
        assert kept["rules"] == [PODS]
        await Life(link, subject).end()


async def test_a_package_that_asks_for_everything_is_refused_unless_that_is_allowed(
    link: Connected, namespace: str, unique: str
) -> None:
    gathering = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"gather": unique}}]}, "rules": []}
    subject = Subject(namespace, [rbac("ClusterRole", unique, **gathering)])
    with pytest.raises(Trouble, match="gathers the rules of other roles") as refused:
        await subject.grant(session_of(link.cluster, namespace))
    assert (refused.value.code, "--service-account" in refused.value.help) == (ExitCode.FORBIDDEN, True)

    async with tried(link, subject, allow_everything=True) as trial:
        assert await trial.ended_by() is None


async def test_who_holds_less_is_told_what_he_cannot_give(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    """And the API server refuses the same. What he holds himself he may give."""
    session = session_of(link.cluster, namespace)
    small = Subject(namespace, [config_map("one")])
    large = Subject(namespace, [config_map("one"), rbac("Role", "web", rules=[PODS])])
    writing = {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create", "patch", "get", "list"]}
    mine = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch", "delete"]}
    mine |= {"resources": ["configmaps", "serviceaccounts"]}
    for obj in account(namespace, "caller", rules=[mine, writing]):
        await link.cluster.apply(obj, manager="test")
    caller = session_of(link.identities.of(namespace, "caller"), namespace)
    grants = [await subject.grant(session) for subject in (small, large)]
    async with asyncio.timeout(20):  # until his own rights are heard of
        while await lacks(caller, grants[0]):
            await asyncio.sleep(0.05)

    said = await lacks(caller, grants[1])

    assert f"{namespace}: get pods" in said
    assert "configmaps" not in said
    await make(caller, grants[0].objects)
    role = next(obj for obj in grants[1].objects if obj["kind"] == "Role")
    with pytest.raises(Forbidden):
        await caller.cluster.apply(role, manager="test")
    more = added(await granted(caller, namespace, "web"), grants[1].rights)
    assert more == [right for right in grants[1].rights if right not in grants[0].rights]


async def lacks(session: Session, grant: Grant) -> str:
    """What the caller of the session is told that he lacks."""
    try:
        await refuse_ungrantable(session, grant)
    except Trouble as trouble:
        return trouble.what
    return ""
