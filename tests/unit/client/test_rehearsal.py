"""A rehearsal around a cluster that is a dict: what it says is what a reconcile then does, and it writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from house import NAMESPACE, House, install, package, secret
from packhouse.client.rehearsal import Proposal, Rehearsal, rehearsed
from packhouse.client.session import Session, Target
from packhouse.client.workshop import Workshop
from packhouse.domain.change import Action
from packhouse.ports import Json

VALUED = {"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  text: '{{ values.text }}'\n"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def rehearsal_of(house: House, wanted: Json, *secrets: Json) -> Rehearsal:
    session = Session(house.cluster, NAMESPACE, house.settings, Target())
    shop = Workshop(house.renderer, house.world.origins)
    before = len(house.cluster.writes)
    result = await rehearsed(session, Proposal(wanted, secrets), shop)
    assert house.cluster.writes[before:] == []
    return result


def actions(rehearsal: Rehearsal) -> dict[str, Action]:
    return {change.ref.name: change.action for change in rehearsal.plan}


async def test_what_is_proposed_need_not_be_there(house: House) -> None:
    await house.apply(package("1.0.0", files=VALUED))
    result = await rehearsal_of(house, install(values=["later"]), secret("later", "text: hello"))
    assert actions(result) == {"web": Action.CREATE}
    [change] = result.plan
    assert change.obj is not None
    assert change.obj["data"] == {"text": "hello"}
    assert result.package.version == "1.0.0"


async def test_an_install_that_is_at_rest_gives_an_empty_plan(house: House) -> None:
    await house.apply(package("1.0.0", "a", "b"), install())
    await house.settle()
    live: Any = await house.find("InstalledPackage", "web", api="install.package.carvel.dev/v1alpha1")
    result = await rehearsal_of(house, live)
    assert result.plan.is_empty
    assert actions(result) == {"a": Action.KEEP, "b": Action.KEEP}
