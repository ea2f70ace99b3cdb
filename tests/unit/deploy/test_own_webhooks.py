"""A package whose own webhook does not answer can still be mended by its next version.

Real: preflight, the trial of each write. Faked: the cluster, which fails as if it could not reach a webhook.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import ApiServerError, DeployFailed, PackhouseError
from packhouse.deploy.desired import prepared
from packhouse.deploy.preflight import preflight
from packhouse.domain.change import Action, Change, Plan
from packhouse.domain.inventory import Entry, Inventory
from packhouse.domain.kapp.options import Options
from packhouse.domain.objects import Placement, ref_of
from packhouse.ports import Json, Kind, Ref, Served

HOOKS = "ValidatingWebhookConfiguration"


def change(kind: str, api: str, name: str, action: Action) -> Change:
    obj: Json = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "demo"}}
    return Change(ref_of(obj), action, "a test", obj, uid="u" if action is not Action.CREATE else "")


def unreachable(error: PackhouseError) -> FakeCluster:
    """A cluster that refuses the ConfigMap `asked`."""
    cluster = FakeCluster()
    hooks = Kind("admissionregistration.k8s.io", "v1", HOOKS)
    cluster.kinds[hooks] = Served(hooks, "validatingwebhookconfigurations", False)
    cluster.refuse = lambda verb, ref: error if ref.name == "asked" else None
    return cluster


CONFIGURE, KEEP, REPLACE = Action.CONFIGURE, Action.KEEP, Action.REPLACE
NO_ANSWER = ApiServerError("failed calling webhook", internal=True)
HOOK = change(HOOKS, "admissionregistration.k8s.io/v1", "hook", KEEP)


@pytest.mark.parametrize("action", [CONFIGURE, REPLACE])
async def test_what_the_packages_own_webhook_fails_at_does_not_keep_the_rest_from_being_applied(action: Action) -> None:
    asked = change("ConfigMap", "v1", "asked", action)
    backend = change("ConfigMap", "v1", "backend", CONFIGURE)
    amended = await preflight(unreachable(NO_ANSWER), Plan([[backend], [HOOK, asked]]))
    assert [one.ref.name for one in amended.writes] == ["backend", "asked"]


async def test_the_webhook_of_somebody_else_refuses_all_of_it() -> None:
    plan = Plan([[change("ConfigMap", "v1", "backend", CONFIGURE), change("ConfigMap", "v1", "asked", CONFIGURE)]])
    with pytest.raises(ApiServerError, match=r"^nothing was applied: failed calling webhook$"):
        await preflight(unreachable(NO_ANSWER), plan)


async def test_the_same_refusals_are_told_in_the_same_words_each_time() -> None:
    cluster, started = unreachable(NO_ANSWER), 0
    plain = cluster.apply

    async def slower_at_first(obj: Json, **how: Any) -> Json:
        nonlocal started
        started += 1
        await asyncio.sleep(0.03 / started)
        return await plain(obj, **how)

    cluster.apply = slower_at_first  # type: ignore[method-assign]
    cluster.refuse = lambda verb, ref: ApiServerError(f"{ref.name} failed", internal=True)
    plan = Plan([[change("ConfigMap", "v1", name, CONFIGURE) for name in "abc"]])
    with pytest.raises(ApiServerError, match="a failed; b failed; c failed"):
        await preflight(cluster, plan)


async def test_an_object_that_the_api_server_cannot_read_is_refused_all_the_same() -> None:
    asked = change("ConfigMap", "v1", "asked", CONFIGURE)
    with pytest.raises(DeployFailed, match="expected a map"):
        await preflight(unreachable(ApiServerError("expected a map")), Plan([[HOOK, asked]]))


@pytest.mark.parametrize(
    ("installed", "words"),
    [
        pytest.param(0, r"no objects at all; if", id="nothing was installed"),
        pytest.param(2, r"no objects at all, which would delete all 2 that are installed; if", id="something was"),
    ],
)
async def test_a_package_without_objects_says_what_that_would_delete(installed: int, words: str) -> None:
    refs = [Ref(Kind("", "v1", "ConfigMap"), "demo", f"c{number}") for number in range(installed)]
    inventory = Inventory({}).union(refs)
    assert all(isinstance(entry, Entry) for entry in inventory)
    with pytest.raises(PackhouseError, match=words):
        await prepared(
            FakeCluster(), [], owner="demo/web", placement=Placement("demo"), inventory=inventory, options=Options()
        )
