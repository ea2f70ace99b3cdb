"""status.history: what the operator remembers of the roll-outs of an install."""

from __future__ import annotations

from typing import Any

from house import House, install, package, secret

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "demo"}}
SCHEMA = {"type": "object", "properties": {"port": {"type": "integer"}}}


async def told(house: House, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(field) for field in fields) for entry in (await house.status())["history"]]


async def test_an_install_and_its_upgrade_are_two_rollouts(house: House) -> None:
    await house.apply(package("1.0.0"), install())
    await house.settle()
    await house.apply(package("1.1.0"))
    await house.reconcile()

    assert await told(house, "version", "package", "reason", "changed") == [
        ("1.1.0", "web.example.com.1.1.0", "ReconcileSucceeded", 1),
        ("1.0.0", "web.example.com.1.0.0", "ReconcileSucceeded", 1),
    ]
    for begun, ended in await told(house, "startedAt", "finishedAt"):
        assert begun <= ended


async def test_neither_rest_nor_a_repair_is_one(house: House) -> None:
    await house.apply(package("1.0.0"), install())
    await house.settle()
    before, written = await told(house, "version", "startedAt", "finishedAt", "changed"), len(house.cluster.writes)
    await house.reconcile()
    assert house.writes(written) == []
    await house.apply({**MAP, "data": {"text": "drifted"}})
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0"}
    assert await told(house, "version", "startedAt", "finishedAt", "changed") == before


async def test_values_that_do_not_fit_are_one_that_failed_and_then_was_mended(house: House) -> None:
    offered = package("1.0.0")
    offered["spec"]["valuesSchema"] = {"openAPIv3": SCHEMA}
    await house.apply(offered, secret("v", "port: 1\n"), install(values=["v"]))
    await house.settle()
    await house.apply(secret("v", "port: no\n"))
    await house.reconcile()
    assert await told(house, "reason") == [("ValuesInvalid",), ("ReconcileSucceeded",)]
    await house.apply(secret("v", "port: 2\n"))
    await house.reconcile()
    assert await told(house, "reason") == [("ReconcileSucceeded",), ("ReconcileSucceeded",)]


async def test_where_no_version_is_chosen_nothing_is_rolled_out(house: House) -> None:
    await house.apply(install())
    assert "history" not in await house.settle()
