"""A rehearsal around a cluster that is a dict: what it says is what a reconcile then does, and it writes nothing.

Real: everything of ours, the operator's code too. Faked: the cluster, the registry, the renderer's process. Asserted:
the plan, the warnings, and that the cluster saw no write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from house import NAMESPACE, House, config_map, install, package, repository, secret
from packhouse.api.errors import AuthenticationFailed, Forbidden, OwnershipConflict, ValuesMissing
from packhouse.api.names import INSTALL_API, OWNER_ANNOTATION, REPOSITORY_LABEL
from packhouse.client.proposed_cluster import ProposedCluster
from packhouse.client.rehearsal import Proposal, Rehearsal, previews, rehearsed
from packhouse.client.session import Session, Target
from packhouse.client.workshop import Workshop
from packhouse.domain.change import Action
from packhouse.domain.objects import ref_of
from packhouse.ports import Json, Ref

VALUED = {"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  text: '{{ values.text }}'\n"}
SITE = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sites.web.example.com}
spec:
  group: web.example.com
  scope: Cluster
  names: {kind: Site, plural: sites}
  versions: [{name: v1, served: true, storage: true}]
---
apiVersion: web.example.com/v1
kind: Site
metadata: {name: main}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return House(tmp_path)


def session_of(house: House) -> Session:
    return Session(house.cluster, NAMESPACE, house.settings, Target())


async def rehearsal_of(house: House, wanted: Json, *secrets: Json) -> Rehearsal:
    shop = Workshop(house.renderer, house.world.origins)
    before = len(house.cluster.writes)
    result = await rehearsed(session_of(house), Proposal(wanted, secrets), shop)
    assert house.cluster.writes[before:] == []
    return result


def actions(rehearsal: Rehearsal) -> dict[str, Action]:
    return {change.ref.name: change.action for change in rehearsal.plan}


def forbidding(*kinds: str, verbs: tuple[str, ...] = ("get",)) -> Callable[[str, Ref], Forbidden | None]:
    """Who asks may do all but this."""

    def refuse(verb: str, ref: Ref) -> Forbidden | None:
        if verb in verbs and ref.kind.kind in kinds:
            return Forbidden(f"{ref}: you may not {verb} it; ask somebody")
        return None

    return refuse


async def live_install(house: House) -> Json:
    found: Any = await house.find("InstalledPackage", "web", api=INSTALL_API)
    return dict(found)


async def test_what_is_proposed_need_not_be_there(house: House) -> None:
    await house.apply(package("1.0.0", files=VALUED))
    result = await rehearsal_of(house, install(values=["later"]), secret("later", "text: hello"))
    [change] = result.plan
    assert (change.action, change.obj and change.obj["data"]) == (Action.CREATE, {"text": "hello"})
    assert result.package.version == "1.0.0"
    with pytest.raises(ValuesMissing):
        await rehearsal_of(house, install(values=["later"]))


async def test_an_install_that_is_at_rest_gives_an_empty_plan(house: House) -> None:
    await house.apply(package("1.0.0", "a", "b"), install())
    await house.settle()
    result = await rehearsal_of(house, await live_install(house))
    assert result.plan.is_empty
    assert actions(result) == {"a": Action.KEEP, "b": Action.KEEP}
    assert await previews(session_of(house), result) == []


async def test_what_a_rehearsal_tells_a_reconcile_then_does(house: House) -> None:
    await house.apply(package("1.0.0", "a", "old"), install())
    await house.settle()
    await house.apply(package("1.1.0", "a", "new"))
    result = await rehearsal_of(house, await live_install(house))
    assert actions(result) == {"a": Action.CONFIGURE, "new": Action.CREATE, "old": Action.PRUNE}
    shown = {one.change.ref.name: list(map(str, one.differences)) for one in await previews(session_of(house), result)}
    assert shown["a"] == ["~ data.text: '1.0.0' -> '1.1.0'"]
    start = len(house.cluster.writes)
    await house.reconcile()
    written = [write.split() for write in house.writes(start) if " ConfigMap " in write]
    assert {words[2].rpartition("/")[2] for words in written} == {"a", "new", "old"}


async def test_objects_of_kinds_that_the_package_brings_itself_are_planned(house: House) -> None:
    await house.apply(package("1.0.0", files={"site.yaml": SITE}))
    result = await rehearsal_of(house, install())
    assert actions(result) == {"sites.web.example.com": Action.CREATE, "main": Action.CREATE}
    notes = [one.note for one in await previews(session_of(house), result)]
    assert notes == ["", "shown as rendered, since it rests on what the same plan brings"]


async def test_an_owner_that_may_not_be_looked_for_is_told_of(house: House) -> None:
    taken = {"name": "web", "namespace": NAMESPACE, "annotations": {OWNER_ANNOTATION: "other/site"}}
    other = {**install("site"), "metadata": {"name": "site", "namespace": "other"}}
    await house.apply(package("1.0.0"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": taken}, other)
    with pytest.raises(OwnershipConflict):
        await rehearsal_of(house, install())
    house.cluster.refuse = forbidding("InstalledPackage")
    result = await rehearsal_of(house, install())
    assert ["other/site" in text for text in result.warnings] == [True]


async def test_what_may_not_be_read_of_the_objects_themselves_ends_it(house: House) -> None:
    await house.apply(package("1.0.0"))
    house.cluster.refuse = forbidding("ConfigMap")
    with pytest.raises(Forbidden, match="ConfigMap demo/web"):
        await rehearsal_of(house, install())


async def test_what_may_not_be_tried_is_shown_as_rendered(house: House) -> None:
    await house.apply(package("1.0.0"), install())
    await house.settle()
    await house.apply(package("1.1.0"))
    result = await rehearsal_of(house, await live_install(house))
    house.cluster.refuse = forbidding("ConfigMap", verbs=("dry run",))
    [one] = await previews(session_of(house), result)
    assert one.note == "shown as rendered, since it may not be tried: you may not dry run it"
    assert [str(field) for field in one.differences] == ["~ data.text: '1.0.0' -> '1.1.0'"]


async def test_terms_of_a_repository_that_may_not_be_read_are_left_out_in_words(house: House) -> None:
    await house.apply(package("1.0.0", labels={REPOSITORY_LABEL: "main"}), repository(certSecretRef={"name": "ca"}))
    house.cluster.refuse = forbidding("Secret")
    result = await rehearsal_of(house, install())
    assert ["PackageRepository main" in text for text in result.warnings] == [True]


# ---- the docker login --------------------------------------------------------------------------------------


def in_registry(**stanza: object) -> Json:
    made = package("1.0.0")
    made["spec"]["template"]["spec"]["fetch"] = [{"image": {"url": "registry.test/private:1", **stanza}}]
    return made


@pytest.fixture
def private(house: House, tmp_path: Path) -> House:
    house.registry.images["registry.test/private:1"] = {"web.yaml": config_map("web", "1").encode()}
    house.registry.passwords = {"me": "mine"}
    (tmp_path / "docker").mkdir()
    auths = {"auths": {"registry.test": {"username": "me", "password": "mine"}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(auths))
    return house


@pytest.mark.parametrize("stanza", [{}, {"secretRef": {"name": "pull"}}], ids=["of the account", "of the package"])
async def test_the_docker_login_helps_where_pull_secrets_may_not_be_read(private: House, stanza: Json) -> None:
    await private.apply(in_registry(**stanza))
    private.cluster.refuse = forbidding("Secret", "ServiceAccount")
    result = await rehearsal_of(private, install())
    assert actions(result) == {"web": Action.CREATE}
    assert all("docker/config.json is used in" in text for text in result.warnings)
    assert result.warnings


async def test_where_they_may_be_read_they_alone_count_as_they_do_for_the_operator(private: House) -> None:
    await private.apply(in_registry())
    with pytest.raises(AuthenticationFailed):
        await rehearsal_of(private, install())


# ---- it cannot write ---------------------------------------------------------------------------------------


async def test_a_proposed_cluster_tries_and_never_writes(house: House) -> None:
    cluster = ProposedCluster(house.cluster, ())
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    await cluster.apply(obj, manager="me", dry_run=True)
    await cluster.create(obj, dry_run=True)
    ref = ref_of(obj)
    for writing in (cluster.apply(obj, manager="me"), cluster.create(obj), cluster.delete(ref), cluster.patch(ref, [])):
        with pytest.raises(AssertionError):
            await writing
    assert house.cluster.writes == []
