"""Looking at installs: the list with newer versions, the objects, and why one is not ready.

Real: everything of ours, the operator too. Faked: the cluster, the registry, the renderer's process. Asserted: what is
told, and that what may not be read ends nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from client_house import ClientHouse, refusing
from house import NAME, install, package
from packhouse.api.conditions import Reason
from packhouse.api.errors import Forbidden, PackhouseError
from packhouse.api.names import INSTALL_API, OWNER_LABEL, REPOSITORY_LABEL
from packhouse.api.views import InstalledPackage
from packhouse.client.advice import steps
from packhouse.client.errors import NotFound
from packhouse.client.inspection import Inspection, inspected
from packhouse.client.installs import Installed, listed, present
from packhouse.client.tree import Objects, in_words, objects_of
from packhouse.domain.object_tree import Standing
from packhouse.ports import Json, Kind, Ref, Served

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
CONFIG_MAPS = "".join(f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in ("one", "two"))
OWNED = [("apps", "v1", "ReplicaSet"), ("", "v1", "Pod")]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClientHouse:
    """One install `web` of 1.0.0, which has a Deployment and two ConfigMaps, and does not wait for them."""
    house = ClientHouse(tmp_path, monkeypatch)
    for kind in (Kind(*words) for words in OWNED):
        house.cluster.kinds[kind] = Served(kind, f"{kind.kind.lower()}s", True)
    await house.apply(package("1.0.0", files={"all.yaml": DEPLOYMENT + CONFIG_MAPS}))
    await house.apply(install(constraint="1.0.x", deploy={"wait": False}))
    await house.settle()
    return house


async def the_install(house: ClientHouse) -> Installed:
    [one] = (await listed(house.session)).installs
    return one


async def objects(house: ClientHouse) -> Objects:
    return await objects_of(house.session, await present(house.session, "web"))


async def look(house: ClientHouse) -> Inspection:
    return await inspected(house.session, "web")


def standings(found: Objects) -> dict[str, str]:
    return {f"{node.ref.kind.kind} {node.ref.name}": node.standing.value for node in found.all}


async def owned(house: ClientHouse, kind: Kind, name: str, owner: Json, **more: Json) -> Json:
    metadata: Json = {"name": name, "namespace": "demo", "ownerReferences": [{"uid": owner["metadata"]["uid"]}]}
    made = await house.cluster.create({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **more})
    assert made is not None
    return made


# ---- the list ----------------------------------------------------------------------------------------------


async def test_the_newest_that_there_is_and_the_newest_that_its_range_allows_are_told(house: ClientHouse) -> None:
    await house.apply(package("1.0.1"), package("1.1.0"), package("2.0.0-rc.1"))

    one = await the_install(house)

    assert (one.version, one.available, one.allowed) == ("1.0.0", "1.1.0", "1.0.1")


async def test_of_many_packages_only_those_that_look_like_the_answer_are_read_as_a_whole(house: ClientHouse) -> None:
    await house.apply(*(package(version) for version in ("0.9.0", "1.0.1", "1.0.2", "1.1.0", "1.2.0", "1.3.0-rc.1")))

    one, asked = await read_packages(house)

    assert (one.available, one.allowed) == ("1.2.0", "1.0.2")
    assert asked == ["1.0.2", "1.2.0"]


async def test_what_it_may_not_have_gives_way_to_the_next(house: ClientHouse) -> None:
    foreign = package("3.0.0", labels={REPOSITORY_LABEL: "theirs"})
    too_new = package("2.0.0")
    too_new["spec"]["kubernetesVersionSelection"] = {"constraint": ">=99"}
    await house.apply(foreign, too_new, package("1.1.0"))

    one, asked = await read_packages(house)

    assert (one.available, one.allowed) == ("1.1.0", "")
    assert asked == ["1.1.0", "2.0.0", "3.0.0"]


async def read_packages(house: ClientHouse) -> tuple[Installed, list[str]]:
    """The install, and the versions that were read for it."""
    asked: list[str] = []

    def note(verb: str, ref: Ref) -> PackhouseError | None:
        asked.extend([ref.name.removeprefix(f"{NAME}.")] if verb == "get" else [])
        return None

    house.cluster.refuse = note
    return await the_install(house), sorted(asked)


async def test_who_may_not_read_packages_gets_the_list_without_them(house: ClientHouse) -> None:
    house.cluster.refuse = refusing("list", "Package")

    shelf = await listed(house.session, all_namespaces=True)

    assert [one.view.meta.name for one in shelf.installs] == ["web"]
    assert shelf.unknown == "you may not read Package"


async def test_who_misspells_a_name_is_told_the_nearest(house: ClientHouse) -> None:
    with pytest.raises(NotFound) as ended:
        await present(house.session, "wep")
    assert ended.value.help == "did you mean web?"
    house.cluster.refuse = refusing("list", "InstalledPackage")
    with pytest.raises(NotFound):
        await present(house.session, "wep")


# ---- the objects -------------------------------------------------------------------------------------------


async def test_objects_are_found_with_what_they_own(house: ClientHouse) -> None:
    deployment = await house.find("Deployment", "web", api="apps/v1")
    assert deployment is not None
    replica_set = await owned(house, Kind("apps", "v1", "ReplicaSet"), "web-1", deployment)
    await owned(house, Kind("", "v1", "Pod"), "web-1-a", replica_set)
    await owned(house, Kind("", "v1", "Pod"), "stranger", {"metadata": {"uid": "x"}})

    assert standings(await objects(house)) == {
        "ConfigMap one": "ready",
        "ConfigMap two": "ready",
        "Deployment web": "waiting",
        "ReplicaSet web-1": "waiting",
        "Pod web-1-a": "waiting",
    }


async def test_what_is_missing_and_what_was_changed_is_told(house: ClientHouse) -> None:
    await drift(house)

    found = standings(await objects(house))

    assert (found["ConfigMap one"], found["ConfigMap two"]) == (Standing.DRIFTED, Standing.MISSING)


async def drift(house: ClientHouse) -> None:
    """The fields of one ConfigMap are somebody else's, another ConfigMap is gone."""
    kind = Kind("", "v1", "ConfigMap")
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "demo", "labels": {}}}
    one["metadata"]["labels"] = {OWNER_LABEL: "nobody"}
    await house.cluster.apply(one, manager="somebody")
    await house.cluster.delete(Ref(kind, "demo", "two"))


async def test_what_may_not_be_read_is_said_once_and_ends_nothing(house: ClientHouse) -> None:
    house.cluster.refuse = lambda verb, ref: (
        Forbidden("no") if ref.kind.kind in ("ConfigMap", "Pod", "ReplicaSet") else None
    )

    found = await objects(house)

    assert standings(found) == {"ConfigMap one": "unread", "ConfigMap two": "unread", "Deployment web": "waiting"}
    assert in_words(found.barred) == [
        "you may not get ConfigMap in namespace demo",
        "you may not list Pod, ReplicaSet in namespace demo",
    ]


async def test_who_may_get_and_not_list_sees_the_objects_all_the_same(house: ClientHouse) -> None:
    house.cluster.refuse = refusing("list", "ConfigMap")
    assert standings(await objects(house))["ConfigMap one"] == "ready"


# ---- why it is not ready -----------------------------------------------------------------------------------


async def test_an_install_in_place_is_ready_and_says_what_is_not(house: ClientHouse) -> None:
    found = await look(house)
    assert (found.ready, found.total, [node.ref.name for node in found.troubled]) == (True, 3, ["web"])
    assert ([event.reason for event in found.events], found.steps) == (["ReconcileSucceeded"], [])
    await drift(house)
    found = await look(house)
    assert [node.ref.name for node in found.troubled] == ["one", "two", "web"]
    assert found.steps == ["it is put right at the next sync, or now: kubectl package installed kick web -n demo"]


async def test_like_events_of_an_object_are_one_and_those_of_others_are_not_told(house: ClientHouse) -> None:
    deployment = await house.find("Deployment", "web", api="apps/v1")
    assert deployment is not None
    for number, uid in enumerate([deployment["metadata"]["uid"]] * 3 + ["another"]):
        event = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"e{number}", "namespace": "demo"},
            "eventTime": f"2026-01-01T00:00:0{number}.5Z",
            "type": "Warning",
            "reason": "FailedCreate",
            "note": f"pod {number} is refused",
            "regarding": {"kind": "Deployment", "name": "web", "uid": uid},
        }
        await house.cluster.create(event)

    told = {event.reason: event for event in (await look(house)).events}

    assert (told["FailedCreate"].note, told["FailedCreate"].count) == ("pod 2 is refused", 3)


async def test_who_may_read_nothing_but_the_install_is_told_what_its_status_says(house: ClientHouse) -> None:
    house.cluster.refuse = lambda verb, ref: Forbidden("no") if ref.kind.kind != "InstalledPackage" else None

    found = await look(house)

    assert (found.ready, found.troubled, found.unread, found.events) == (True, [], 3, ())
    assert in_words(found.barred)[-1] == "you may not list Event in namespace demo"


async def test_a_failure_comes_with_the_commands_that_help(house: ClientHouse) -> None:
    await house.apply(install(constraint="9.x", deploy={"wait": False}))
    await house.reconcile()

    found = await look(house)

    assert not found.ready
    assert found.steps == [
        f"the versions that there are: kubectl package available get {NAME}",
        "another version: kubectl package installed update web -n demo --version",
    ]


@pytest.mark.parametrize("reason", list(Reason))
def test_for_each_reason_the_advice_can_be_read(reason: Reason) -> None:
    conditions = [
        {"type": kind, "status": status, "reason": reason.value, "observedGeneration": 1}
        for kind, status in (("Ready", "False"), ("ReconcileFailed", "True"))
    ]
    status = {"conditions": conditions, "observedGeneration": 1, "packageRef": {"repository": "main"}}
    wire = {**install(), "apiVersion": INSTALL_API, "status": status}
    wire["metadata"] = {**wire["metadata"], "uid": "u", "generation": 1}
    for step in steps(InstalledPackage.from_wire(wire), "packhouse-system"):
        assert "{" not in step
        assert ": kubectl " in step


async def test_what_is_held_is_taken_up_by_one_command(house: ClientHouse) -> None:
    await house.apply(install(constraint="1.0.x", paused=True))
    await house.reconcile()
    assert (await look(house)).steps == ["to take it up again: kubectl package installed resume web -n demo"]
