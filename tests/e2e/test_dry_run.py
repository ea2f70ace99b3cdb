"""The dry run of a plan, on a real API server: what it shows is what would be, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from cluster.audit import writes
from cluster.find import Cluster as ControlPlane
from goods import config_map, workload
from lab import Json
from packhouse.connected import connected
from packhouse.deploy.apply import carry_out
from packhouse.deploy.dry_run import Preview, dry_run
from packhouse.deploy.live import live
from packhouse.domain.change import Plan
from packhouse.domain.inventory import Inventory
from packhouse.domain.objects import Placement, owned, ref_of
from packhouse.domain.plan import Desired, plan
from packhouse.ports import Cluster
from packhouse.settings import Settings

ME = "demo/web"


@pytest.fixture
async def port(cluster: ControlPlane) -> AsyncIterator[Cluster]:
    async with connected(Settings(), kubeconfig=str(cluster.kubeconfig)) as link:
        yield link.cluster


async def planned(port: Cluster, namespace: str, recorded: Inventory, *objects: Json) -> tuple[Plan, Inventory]:
    wanted = [owned(Placement(namespace).placed(obj, namespaced=True), ME) for obj in objects]
    refs = [ref_of(obj) for obj in wanted]
    found = await live(port, [*refs, *(entry.ref for entry in recorded)])
    return plan(Desired(wanted), recorded, found, owner=ME, owners={ME}), recorded.union(refs)


def shown(previews: Sequence[Preview]) -> str:
    return "\n".join(str(preview) for preview in previews)


async def test_a_dry_run_shows_what_the_api_server_would_make_of_it_and_writes_nothing(
    port: Cluster, cluster: ControlPlane, namespace: str
) -> None:
    first, ahead = await planned(port, namespace, Inventory({}), workload("app"), config_map("old"), config_map("same"))
    done = await carry_out(port, first, ahead)
    assert done.error is None
    objects = (workload("app", replicas=2), config_map("new", a="1"), config_map("same"))
    the_plan, ahead = await planned(port, namespace, done.inventory, *objects)
    position = cluster.audit.position() if cluster.audit is not None else 0

    text = shown(await dry_run(port, the_plan))

    assert f"configure Deployment {namespace}/app (apps/v1): what is wanted changed" in text
    assert "  ~ spec.replicas: 1 -> 2" in text
    assert "spec.strategy" not in text, "defaults that the server has set already are no change"
    assert f"create ConfigMap {namespace}/new (v1): it is new" in text
    assert "  + data: {'a': '1'}" in text
    assert f"prune ConfigMap {namespace}/old (v1): it is no longer wanted" in text
    assert "same" not in text
    if cluster.audit is not None:
        made = [call for call in writes(cluster.audit.since(position)) if call.namespace == namespace]
        assert [call for call in made if "controller" not in call.user] == []

    after = await carry_out(port, the_plan, ahead)
    assert (after.error, after.created, after.configured, after.deleted, after.unchanged) == (None, 1, 1, 1, 1)
    again, _ = await planned(port, namespace, after.inventory, *objects)
    assert again.is_empty
    assert shown(await dry_run(port, again)) == ""


async def test_a_new_object_is_shown_with_the_defaults_of_the_server(port: Cluster, namespace: str) -> None:
    the_plan, _ = await planned(port, namespace, Inventory({}), workload("app"))
    text = shown(await dry_run(port, the_plan))
    assert "'progressDeadlineSeconds': 600" in text


async def test_what_would_be_refused_is_shown_with_the_reason(port: Cluster, namespace: str) -> None:
    the_plan, _ = await planned(port, namespace, Inventory({}), workload("app", replicas=-1))
    text = shown(await dry_run(port, the_plan))
    assert "it would be refused: " in text
    assert "spec.replicas" in text
