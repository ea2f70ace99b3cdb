"""Rebase rules on a real API server, with real controllers: what is applied twice changes nothing, and nobody fights.

Real: the control plane, the adapter. Each test applies what `rebased` gives, as the deploy stage does, and looks at the
live object, at what our manager holds of it, and at what the next pass would apply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cluster.find import Cluster as ControlPlane
from packhouse.api.names import APPLY_MANAGER
from packhouse.connected import Connected, connected
from packhouse.domain.kapp.config import Config, split_config
from packhouse.domain.kapp.rebase import rebased
from packhouse.domain.objects import digest, managed_digest, owned, ref_of
from packhouse.ports import Cluster, Json
from packhouse.settings import Settings

OWNER = "demo/web"


@pytest.fixture
async def link(cluster: ControlPlane) -> AsyncIterator[Connected]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as opened:
        yield opened


class Install:
    """Applies one object again and again. A pass says what it applied and what it then held."""

    def __init__(self, cluster: Cluster, rules: list[Json], obj: Json) -> None:
        self.cluster = cluster
        self.config = config(rules)
        self.obj = owned(obj, OWNER)

    async def live(self) -> Json:
        found = await self.cluster.get(ref_of(self.obj))
        assert found is not None
        return found

    async def wanted(self) -> Json:
        return rebased(self.obj, await self.cluster.get(ref_of(self.obj)), self.config)

    async def passed(self) -> tuple[str, str]:
        """One pass: the digests that the inventory records."""
        wanted = await self.wanted()
        applied = await self.cluster.apply(wanted, manager=APPLY_MANAGER)
        return digest(wanted), managed_digest(applied, APPLY_MANAGER)

    async def at_rest(self) -> tuple[str, str]:
        """What the next pass would find: equal to the last pass where there is nothing to write."""
        return digest(await self.wanted()), managed_digest(await self.live(), APPLY_MANAGER)


def config(rules: list[Json]) -> Config:
    _, said = split_config(
        [{"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", "metadata": {"name": "c"}, "rebaseRules": rules}]
    )
    return said


def copied(path: list[Any], *sources: str) -> Json:
    return {"path": path, "type": "copy", "sources": list(sources), "resourceMatchers": [{"allMatcher": {}}]}


def deployment(namespace: str, **labels: str) -> Json:
    labels = {"app": "web", **labels}
    pod = {"containers": [{"name": "main", "image": "registry.invalid/web:1"}], "nodeSelector": {"no": "node"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


async def test_a_field_that_somebody_scales_is_let_go_and_never_fought_for(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    install = Install(link.cluster, [copied(["spec", "replicas"], "existing", "new")], deployment(namespace))
    first = await install.passed()
    assert await install.at_rest() == first
    assert await install.passed() == first

    cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=5")
    assert await install.at_rest() != first
    second = await install.passed()
    assert (await install.live())["spec"]["replicas"] == 5

    cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=7")
    assert await install.at_rest() == second
    await install.passed()
    assert (await install.live())["spec"]["replicas"] == 7


async def test_a_field_that_only_we_hold_keeps_its_live_value_when_the_package_changes(
    link: Connected, namespace: str
) -> None:
    install = Install(link.cluster, [copied(["spec", "replicas"], "existing", "new")], deployment(namespace))
    await install.passed()
    install.obj["spec"]["replicas"] = 3
    await install.passed()
    assert (await install.live())["spec"]["replicas"] == 1
    del install.obj["spec"]["replicas"]
    await install.passed()
    assert (await install.live())["spec"]["replicas"] == 1


async def test_a_selector_that_another_tool_made_stays_as_it_is(link: Connected, namespace: str) -> None:
    made = deployment(namespace, **{"kapp.k14s.io/app": "17"})
    await link.cluster.apply(made, manager="kapp")
    path = ["spec", "selector", "matchLabels", "kapp.k14s.io/app"]
    wanted = deployment(namespace)
    wanted["spec"]["template"]["metadata"]["labels"] = made["spec"]["template"]["metadata"]["labels"]
    install = Install(link.cluster, [copied(path, "existing")], wanted)
    first = await install.passed()
    live = await install.live()
    assert live["spec"]["selector"] == made["spec"]["selector"]
    assert (await install.at_rest(), await install.passed()) == (first, first)


async def test_a_password_that_a_user_set_stays_and_the_rest_of_the_secret_is_ours(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "c", "namespace": namespace},
        "data": {"user": "YQ==", "password": "", "host": "aA=="},
    }
    rules = [{**copied([], "existing", "new"), "paths": [["data", "user"], ["data", "password"]]}]
    del rules[0]["path"]
    install = Install(link.cluster, rules, secret)
    first = await install.passed()
    assert (await install.at_rest(), await install.passed()) == (first, first)

    cluster.kubectl("patch", "secret", "c", "-n", namespace, "-p", '{"data": {"password": "cw=="}}')
    second = await install.passed()
    assert (await install.live())["data"] == {"user": "YQ==", "password": "cw==", "host": "aA=="}
    assert (await install.at_rest(), await install.passed()) == (second, second)

    cluster.kubectl("patch", "secret", "c", "-n", namespace, "-p", '{"data": {"password": "dA=="}}')
    assert await install.at_rest() == second


async def test_the_bundle_that_an_injector_puts_into_a_webhook_stays(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    def hook(name: str) -> Json:
        return {
            "name": f"{name}.example.com",
            "clientConfig": {"service": {"name": "x", "namespace": namespace}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "rules": [
                {"apiGroups": ["no.example.com"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}
            ],
        }

    hooks: Json = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [hook("a"), hook("b")],
    }
    path = ["webhooks", {"allIndexes": True}, "clientConfig", "caBundle"]
    install = Install(link.cluster, [copied(path, "new", "existing")], hooks)
    try:
        first = await install.passed()
        operation = '[{"op": "add", "path": "/webhooks/1/clientConfig/caBundle", "value": "Cg=="}]'
        cluster.kubectl("patch", "validatingwebhookconfiguration", namespace, "--type=json", "-p", operation)
        assert await install.at_rest() == first
        install.obj["webhooks"].reverse()
        await install.passed()
        bundles = {each["name"]: each["clientConfig"].get("caBundle") for each in (await install.live())["webhooks"]}
        assert bundles == {"a.example.com": None, "b.example.com": "Cg=="}
    finally:
        cluster.kubectl("delete", "validatingwebhookconfiguration", namespace, "--ignore-not-found")


async def test_an_aggregated_role_is_left_to_the_control_plane(
    link: Connected, cluster: ControlPlane, namespace: str
) -> None:
    def role(name: str, **content: Any) -> Json:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"{namespace}-{name}", "labels": {f"{name}-of": namespace}},
            **content,
        }

    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    selectors = [{"matchLabels": {"part-of": namespace}}]
    whole = role("whole", rules=[], aggregationRule={"clusterRoleSelectors": selectors})
    install = Install(link.cluster, [], whole)
    try:
        first = await install.passed()
        await link.cluster.apply(role("part", rules=rules), manager=APPLY_MANAGER)
        async with asyncio.timeout(20):
            while (await install.live()).get("rules") != rules:
                await asyncio.sleep(0.1)
        assert await install.at_rest() == first
        assert await install.passed() == first
        assert (await install.live())["rules"] == rules
    finally:
        cluster.kubectl("delete", "clusterrole", f"{namespace}-whole", f"{namespace}-part", "--ignore-not-found")
