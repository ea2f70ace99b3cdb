"""The shared cluster as a stage for real packages: what a user does with one, and what is looked at afterwards.

Used by tests/e2e/test_conformance_deploy.py. Which packages there are and what is expected of them: conformance.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import conformance
from cluster.audit import AuditLog, Call
from cluster.serving import Serving
from conformance import Case, Expected, crds, kind_of, kinds_of, ref_of
from lab import OPERATOR_USER, RBAC, Json, Lab, install, package, secret, wait_until
from one_life import Subject, session_of
from packhouse.adapters import connection
from packhouse.api.errors import DeployFailed
from packhouse.api.names import OWNER_LABEL
from packhouse.client.proposals import marked
from packhouse.connected import connected
from packhouse.domain.objects import owner_label
from packhouse.settings import Settings

QUIET_SECONDS = 0.4
SECONDS = 60.0
ACCOUNT = "installer"
#: Where these packages want their pods to run: control plane nodes, three of them for replicas that stay apart.
NODES = ("conformance-1", "conformance-2", "conformance-3")
NODE_LABELS = {
    "node-role.kubernetes.io/master": "",
    "node-role.kubernetes.io/control-plane": "",
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "a": "b",  # what values/vsphere-csi2.yml asks for
}

#: What no wait sees the end of here, by package: these are installed with spec.deploy.wait: false.
NEVER_READY: Mapping[str, str] = {
    "contour": "a Service of type LoadBalancer, and nobody gives it an address",
    "metrics-server": "an APIService, and no container answers behind it",
    "kapp-controller": "an APIService, and no container answers behind it",
    "grafana": "a Service of type LoadBalancer and a claim, and nobody gives an address or a volume",
}
#: Packages with roles that gather those of others, which only who may do everything may write: theirs is allowed all.
BOUNDLESS = frozenset({"knative-serving"})


class Stage:
    """The shared cluster, on which the cases are played."""

    def __init__(self, lab: Lab, audit: AuditLog, serving: Serving) -> None:
        self.lab = lab
        self.audit = audit
        self.serving = serving
        # The loader of kubeconfigs shares files within the process, which are there before they are written: with
        # this they are written before threads of the tests load the same one.
        asyncio.run(connection.load(str(lab.cluster.kubeconfig)))

    def publish(self, cases: Sequence[Case]) -> None:
        """Each case as a package with a bundle of its own."""
        packages = []
        for case in cases:
            image = self.lab.push(f"conformance/{case.slug}", {"config/all.yml": case.template})
            packages.append(package(f"{case.slug}.example.com", "1.0.0", image))
        self.lab.apply(*packages)

    def install(self, expected: Expected, **spec: Any) -> None:
        """In a namespace of its own. `spec`: more of the install's spec."""
        name = expected.case.slug
        values = secret(name, "values", values_yml="{}")
        wanted = install(name, name, f"{name}.example.com", version="1.0.0", values=["values"], **spec)
        account = self.bare_account(expected) if expected.missing else self.account(expected)
        self.lab.apply(*map(namespace, self.spaces(expected)), *account, values, wanted)

    def spaces(self, expected: Expected) -> list[str]:
        """The namespaces that must be there before it is installed."""
        return [expected.case.slug, *expected.foreign_namespaces]

    def bare_account(self, expected: Expected) -> list[Json]:
        """The account without any right: what a case needs whose kinds are not served is not known yet."""
        name = expected.case.slug
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": name}}
        return [marked(account, name, name)]

    def account(self, expected: Expected) -> list[Json]:
        """The account that the command line would make, with its rights, and none besides."""
        return asyncio.run(self._account(expected))

    async def _account(self, expected: Expected) -> list[Json]:
        case = expected.case
        async with connected(Settings(), kubeconfig=str(self.lab.cluster.kubeconfig)) as link:
            for name in self.spaces(expected):
                await link.cluster.apply(namespace(name), manager="test")
            session = session_of(link.cluster, case.slug)
            subject = Subject(case.slug, case.documents, name=case.slug, account=ACCOUNT)
            async with asyncio.timeout(SECONDS):
                while True:
                    with suppress(DeployFailed):  # a kind of another package is not served yet
                        grant = await subject.grant(session, allow_everything=case.package in BOUNDLESS)
                        return list(grant.objects)
                    await asyncio.sleep(QUIET_SECONDS)

    def clean_up(self, expected: Expected) -> None:
        """Whatever became of it: the next one finds nothing of it."""
        name = expected.case.slug
        self.lab.delete("ipkg", name, name, wait=False)
        self.lab.gone("ipkg", name, name, seconds=SECONDS)
        for foreign in expected.foreign_namespaces:
            self.lab.delete("namespace", foreign)
        self.lab.delete("namespace", name, wait=False)

    # ---- looking -----------------------------------------------------------------------------------------

    def existing(self, objects: Sequence[Json]) -> set[str]:
        """Those that exist, as inventory refs."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        found = self.lab.cluster.kubectl("get", "-f", "-", "-o", "json", "--ignore-not-found", input=text).stdout
        answer: Json = json.loads(found) if found.strip() else {"kind": "List", "items": []}
        return {ref_of(obj) for obj in (answer["items"] if answer["kind"] == "List" else [answer])}

    def labelled(self, case: Case, objects: Sequence[Json]) -> set[str]:
        """All of these kinds that say that they are the install's."""
        words = (f"{kind}.{api.rpartition('/')[2]}.{api.rpartition('/')[0]}" for api, kind in map(kind_of, objects))
        selector = f"{OWNER_LABEL}={owner_label(f'{case.slug}/{case.slug}')}"
        kinds = ",".join(sorted(set(words)))
        found = self.lab.cluster.kubectl("get", kinds, "-A", "-l", selector, "-o", "json").stdout
        return {ref_of(obj) for obj in json.loads(found)["items"]}

    def calls_of(self, case: Case, look: Callable[[], None]) -> list[Call]:
        """All calls for the case from `look` on, until nothing was asked for a while."""
        position = self.audit.position()
        look()
        seen: list[int] = []

        def calls() -> list[Call]:
            return [call for call in self.audit.since(position) if is_about(call, case)]

        def is_quiet() -> bool:
            seen.append(sum(call.user == account_of(case) for call in calls()))
            return len(seen) > 1 and 0 < seen[-2] == seen[-1]

        wait_until(f"{case} was looked at again", is_quiet, SECONDS, poll_seconds=QUIET_SECONDS)
        return calls()


def account_of(case: Case) -> str:
    return f"system:serviceaccount:{case.slug}:{ACCOUNT}"


def is_about(call: Call, case: Case) -> bool:
    """A call of the install's account, or of the operator for the install."""
    return call.user == account_of(case) or (call.user == OPERATOR_USER and call.namespace == case.slug)


def node(name: str) -> Json:
    """One that kwok plays."""
    labels = {"kubernetes.io/hostname": name, **NODE_LABELS}
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata}


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def namespace_with_admin(name: str) -> list[Json]:
    return [
        namespace(name),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": name}},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": name}],
        },
    ]


def bare_crd(api_version: str, kind: str) -> Json:
    """A CRD that takes anything, for a kind whose package is not there."""
    group, _, version = api_version.rpartition("/")
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def crds_for(kinds: Sequence[tuple[str, str]]) -> list[Json]:
    """The CRD of each kind, as another package of the folder brings it, or else a bare one."""
    known = {kind: crd for case in conformance.rendered() for crd in crds(case.objects) for kind in kinds_of(crd)}
    return [known.get(kind) or bare_crd(*kind) for kind in kinds]


def lanes(cases: Sequence[Expected]) -> list[list[Expected]]:
    """Cases that share an object, or a namespace that one of them brings, in one lane, longest lane first."""
    brought = {obj["metadata"]["name"] for one in cases for obj in one.case.objects if obj["kind"] == "Namespace"}
    found: list[tuple[set[str], list[Expected]]] = []
    for one in cases:
        claims = set[str]()  # what is refused touches nothing
        if not one.missing or one.foreign:
            objects = one.placed()
            claims = {ref_of(obj) for obj in [*objects, *crds_for(one.foreign)]}
            claims |= {obj["metadata"].get("namespace", "") for obj in objects} & (brought - conformance.OLD_NAMESPACES)
        shared = [lane for lane in found if not claims.isdisjoint(lane[0])]
        found = [lane for lane in found if lane not in shared]
        found.append((claims.union(*(lane[0] for lane in shared)), [*(e for lane in shared for e in lane[1]), one]))
    return sorted((members for _, members in found), key=len, reverse=True)
