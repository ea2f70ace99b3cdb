"""A new install: what is made, what is asked before, and what is left when it cannot be made.

Real: everything of ours. Faked: the cluster, the registry, the renderer's process. Asserted: what is in the cluster.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from client_house import ClientHouse, refusing
from house import NAME, install, package
from packhouse.api.errors import DeployFailed, ValuesInvalid
from packhouse.api.names import INSTALL_API, MADE_FOR, MADE_IN, REPOSITORY_LABEL
from packhouse.client.errors import ExitCode, NotFound, Trouble, Usage
from packhouse.client.installing import Draft, Order, check, drafted, installed
from packhouse.ports import Json, ValuesDocument

VALUES = '#@data/values\n---\nhello_msg: "hi"\n'
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"hello_msg": {"type": "string"}, "port": {"type": "integer"}},
}


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClientHouse:
    house = ClientHouse(tmp_path, monkeypatch)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
    offered = package("1.0.0")
    offered["spec"]["valuesSchema"] = {"openAPIv3": SCHEMA}
    await house.apply(namespace, offered)
    return house


def order(**words: object) -> Order:
    return Order(**{"name": "web", "package": NAME, **words})  # type: ignore[arg-type] # a table of words


def texts(*contents: str) -> list[ValuesDocument]:
    return [ValuesDocument(f"values-{number}.yaml", text) for number, text in enumerate(contents)]


async def carried_out(house: ClientHouse, wanted: Order) -> Draft:
    draft = await drafted(house.session, wanted)
    await check(house.session, draft)
    await installed(house.session, draft)
    return draft


async def live(house: ClientHouse, kind: str, name: str, api: str = "v1") -> Json:
    found = await house.find(kind, name, api=api)
    assert found is not None
    return found


async def test_values_and_install_look_as_in_the_design(house: ClientHouse) -> None:
    await carried_out(house, order(texts=texts(VALUES)))

    secret = await live(house, "Secret", "web-values")
    made = await live(house, "InstalledPackage", "web", INSTALL_API)
    assert secret["data"] == {"values.yml": base64.b64encode(VALUES.encode()).decode()}
    assert made["spec"] == {
        "serviceAccountName": "web-installer",
        "packageRef": {"publicName": NAME, "versionSelection": {"constraint": "1.0.0"}},
        "values": [{"secretRef": {"name": "web-values"}}],
    }


async def test_the_operator_installs_it_with_the_account_that_was_made(house: ClientHouse) -> None:
    await carried_out(house, order(texts=texts(VALUES)))

    status = await house.settle()

    assert status["version"] == "1.0.0"
    assert await house.data("web") == {"text": "1.0.0"}
    assert set(house.identities.asked) == {"demo/web-installer"}


async def test_all_that_is_made_for_it_is_marked_and_the_install_is_the_last(house: ClientHouse) -> None:
    house.cluster.writes.clear()

    await carried_out(house, order(texts=texts(VALUES)))

    assert [write.split()[1] for write in house.cluster.writes] == [
        *("Secret", "ServiceAccount", "Role", "RoleBinding", "InstalledPackage")
    ]
    for kind, api in (("Secret", "v1"), ("ServiceAccount", "v1"), ("Role", "rbac.authorization.k8s.io/v1")):
        [obj] = await house.all(kind, api)
        assert obj["metadata"]["annotations"][MADE_FOR] == "demo/web"
    made = await live(house, "InstalledPackage", "web", INSTALL_API)
    assert set(made["metadata"]["annotations"]) == {MADE_IN}


@pytest.mark.parametrize("kind", ["InstalledPackage", "RoleBinding", "ServiceAccount"])
async def test_nothing_is_left_when_one_of_them_is_refused(house: ClientHouse, kind: str) -> None:
    house.cluster.refuse = refusing("create", kind, error=DeployFailed("a webhook says no"))

    with pytest.raises(Trouble, match="a webhook says no; what was made before is taken back"):
        await carried_out(house, order(texts=texts(VALUES)))

    assert await house.made() == []
    assert await house.names("InstalledPackage", INSTALL_API) == []


async def test_all_missing_rights_are_told_at_once_with_the_way_without_them(house: ClientHouse) -> None:
    house.cluster.refuse = refusing("dry run", "Secret", "Role", "RoleBinding")
    house.cluster.writes.clear()

    with pytest.raises(Trouble) as refused:
        await carried_out(house, order(texts=texts(VALUES)))

    assert refused.value.code is ExitCode.FORBIDDEN
    assert [line.split()[0] for line in refused.value.what.splitlines()[1:]] == ["Secret", "Role", "RoleBinding"]
    assert "--service-account NAME" in refused.value.help
    assert house.cluster.writes == []


async def test_with_an_account_of_the_callers_no_rights_are_made(house: ClientHouse) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "mine", "namespace": "demo"}}
    await house.apply(account)
    house.cluster.refuse = refusing("create", "Role", "RoleBinding", "ServiceAccount")

    await carried_out(house, order(account="mine"))

    assert await house.made() == ["ServiceAccount mine"]
    made = await live(house, "InstalledPackage", "web", INSTALL_API)
    assert made["spec"]["serviceAccountName"] == "mine"
    assert "values" not in made["spec"]


async def test_an_account_that_is_not_there_is_told_before_anything_is_made(house: ClientHouse) -> None:
    with pytest.raises(NotFound, match="there is no service account demo/mine"):
        await carried_out(house, order(account="mine", texts=texts(VALUES)))

    assert await house.made() == []


@pytest.mark.parametrize("name", ["My_web", "web-", ".web", "", "w" * 241])
async def test_a_name_that_no_object_can_have_is_told_at_once(house: ClientHouse, name: str) -> None:
    with pytest.raises(Usage, match="is no name of an install"):
        await drafted(house.session, order(name=name))


async def test_what_is_installed_already_is_to_be_updated(house: ClientHouse) -> None:
    await house.apply(install())

    with pytest.raises(Trouble, match="demo/web is installed already") as refused:
        await carried_out(house, order())

    assert "installed update web" in refused.value.help


async def test_a_namespace_is_made_where_that_is_asked_for_and_only_then(house: ClientHouse) -> None:
    away = house.session.within("new")

    with pytest.raises(NotFound) as missing:
        await drafted(away, order())
    draft = await drafted(away, order(create_namespace=True))

    assert "--create-namespace" in missing.value.help
    assert [obj["kind"] for obj in draft.objects][:2] == ["Namespace", "ServiceAccount"]
    assert (await drafted(house.session, order(create_namespace=True))).namespace is None


async def test_where_there_are_prereleases_alone_they_take_part(house: ClientHouse) -> None:
    for version in ("0.1.0-a", "0.2.0-a"):
        only = package(version)
        only["spec"]["publicName"] = "only.example.com"
        only["metadata"]["name"] = f"only.example.com.{version}"
        await house.apply(only)

    draft = await carried_out(house, order(package="only.example.com"))

    assert (draft.version, draft.chosen.prerelease) == ("0.2.0-a", True)
    assert draft.install["spec"]["packageRef"]["versionSelection"] == {"constraint": "0.2.0-a", "prereleases": {}}


async def test_several_files_are_one_secret_in_their_order(house: ClientHouse) -> None:
    await carried_out(house, order(texts=texts("hello_msg: a\n", "hello_msg: b\n"), sets=["port=1"]))

    [secret] = await house.all("Secret")
    texts_there = [base64.b64decode(text).decode() for _, text in sorted(secret["data"].items())]
    assert list(secret["data"]) == ["values-1.yml", "values-2.yml"]
    assert texts_there[0] == "hello_msg: a\n"
    assert texts_there[1].startswith("hello_msg: b\n")
    assert "port: 1" in texts_there[1]


async def test_values_are_held_against_the_schema_before_anything_is_made(house: ClientHouse) -> None:
    with pytest.raises(ValuesInvalid, match=r"values-0.yaml:1: .*did you mean hello_msg"):
        await carried_out(house, order(texts=texts("helo_msg: a\n")))

    assert await house.made() == []


async def test_a_secret_of_that_name_stays_what_it_is(house: ClientHouse) -> None:
    there = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-values", "namespace": "demo"}}
    await house.apply({**there, "data": {"mine": "eA=="}})

    await carried_out(house, order(texts=texts(VALUES)))

    other = next(name for name in await house.names("Secret") if name != "web-values")
    made = await live(house, "InstalledPackage", "web", INSTALL_API)
    assert (await live(house, "Secret", "web-values"))["data"] == {"mine": "eA=="}
    assert made["spec"]["values"] == [{"secretRef": {"name": other}}]


async def test_it_may_come_from_the_named_repositories_alone(house: ClientHouse) -> None:
    await house.apply(package("2.0.0", labels={REPOSITORY_LABEL: "main"}))

    draft = await drafted(house.session, order(repositories=["main"]))

    assert draft.version == "2.0.0"
    assert draft.install["spec"]["packageRef"]["repositories"] == ["main"]
    with pytest.raises(NotFound, match="not offered by other"):
        await drafted(house.session, order(repositories=["other"]))


async def test_without_packhouse_in_the_cluster_that_is_said(house: ClientHouse) -> None:
    house.cluster.kinds = {kind: how for kind, how in house.cluster.kinds.items() if kind.kind != "InstalledPackage"}

    with pytest.raises(NotFound, match="does not know the kind InstalledPackage"):
        await drafted(house.session, order())
