"""A change of an install, and its end: what is written, in which order, and what is swept away.

Real: everything of ours, the operator's code too. Faked: the cluster, the registry, the renderer's process.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from client_house import RBAC, ClientHouse, refusing
from house import NAME, install, package, secret
from packhouse.api.errors import DeployFailed, ValuesInvalid
from packhouse.api.names import DOWNGRADABLE, INSTALL_API, KICKED_AT
from packhouse.client.changing import Amendment, Wishes, amended, change, check, edited, sweep
from packhouse.client.deleting import clear, delete, parting
from packhouse.client.errors import NotFound, Trouble
from packhouse.client.installing import Order, drafted, installed
from packhouse.client.proposals import kicked, marked, with_spec
from packhouse.client.upgrading import upgrades
from packhouse.domain.roles import words
from packhouse.ports import Json, Kind, Ref, ValuesDocument

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}, "port": {"type": "integer"}}}
VALUED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  text: "{{ values.text | default('none') }}"
"""


def version(number: str, *, more: bool = False) -> Json:
    files = {"web.yaml": VALUED, **({"more.yaml": VALUED.replace("name: web", "name: more")} if more else {})}
    found = package(number, files=files)
    found["spec"]["valuesSchema"] = {"openAPIv3": SCHEMA}
    return found


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClientHouse:
    """With the install web at 1.0.0, made by the client, in place; there are 1.1.0 and 2.0.0, which brings more."""
    house = ClientHouse(tmp_path, monkeypatch)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
    await house.apply(namespace, version("1.0.0"), version("1.1.0"), version("2.0.0", more=True))
    text = ValuesDocument("values.yaml", "text: first\n")
    await installed(house.session, await drafted(house.session, Order("web", NAME, "1.0.0", texts=[text])))
    await house.settle()
    house.cluster.writes.clear()
    return house


async def live(house: ClientHouse, name: str = "web") -> Json:
    found = await house.find("InstalledPackage", name, api=INSTALL_API)
    assert found is not None
    return found


async def carried_out(house: ClientHouse, wishes: Wishes, name: str = "web") -> Amendment:
    amendment = await amended(house.session, name, wishes)
    await check(house.session, amendment)
    await change(house.session, amendment)
    return amendment


async def somebody_elses(house: ClientHouse) -> None:
    """An install `own` with an account and values that its user made."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "installer", "namespace": "demo"}}
    await house.apply(account, secret("mine", "text: mine"), install("own", constraint="1.0.0", values=["mine"]))


def texts_in(obj: Json) -> list[str]:
    return [base64.b64decode(text).decode() for _, text in sorted(obj["data"].items())]


async def test_a_version_alone_is_one_write_and_keeps_the_rest(house: ClientHouse) -> None:
    before = await live(house)

    amendment = await carried_out(house, Wishes(version="1.1.0"))

    after = await live(house)
    assert house.writes() == [write for write in house.writes() if write.startswith("patch InstalledPackage")]
    assert after["spec"] == {**before["spec"], "packageRef": {"publicName": NAME, "version": "1.1.0"}}
    assert (amendment.version, amendment.present_version) == ("1.1.0", "1.0.0")
    await house.reconcile()
    assert (await house.status())["version"] == "1.1.0"


async def test_new_values_come_as_a_new_secret_and_the_old_one_goes_when_they_are_in_place(house: ClientHouse) -> None:
    amendment = await carried_out(house, Wishes(texts=[ValuesDocument("new.yaml", "text: second\n")]))

    assert amendment.keys == ["text"]
    [entry] = (await live(house))["spec"]["values"]
    new = entry["secretRef"]["name"]
    assert await house.names("Secret") == ["web-values", new]
    await house.reconcile()
    assert await sweep(house.session, amendment) == []
    assert await house.names("Secret") == [new]
    assert await house.data("web") == {"text": "second"}


async def test_single_values_are_laid_over_those_that_are_there(house: ClientHouse) -> None:
    await carried_out(house, Wishes(sets=["port=80"]))

    [entry] = (await live(house))["spec"]["values"]
    found = await house.find("Secret", entry["secretRef"]["name"])
    assert found is not None
    assert texts_in(found) == ["text: first\n---\nport: 80\n"]


async def test_what_is_like_this_already_writes_nothing(house: ClientHouse) -> None:
    for wishes in (Wishes(sets=["text=first"]), Wishes(texts=[ValuesDocument("v.yaml", "# said\ntext: first\n")])):
        assert (await amended(house.session, "web", wishes)).is_empty
    assert house.cluster.writes == []


async def test_rights_that_are_missing_by_now_are_given_and_the_operator_looks_again(house: ClientHouse) -> None:
    """Such as those in a namespace that somebody deleted, or those of a version that a range led to."""
    before = await live(house)
    await house.cluster.delete(Ref(Kind(RBAC, "v1", "Role"), "demo", "web-installer"))

    amendment = await carried_out(house, Wishes())

    assert words(amendment.added) == "demo: create, delete, get, patch configmaps web"
    assert await house.names("Role", f"{RBAC}/v1") == ["web-installer"]
    after = await live(house)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["annotations"][KICKED_AT]
    assert (await amended(house.session, "web", Wishes())).is_empty


async def test_values_of_somebody_else_are_not_written_to(house: ClientHouse) -> None:
    await somebody_elses(house)

    with pytest.raises(Trouble, match="stand in Secret demo/mine") as refused:
        await amended(house.session, "own", Wishes(texts=[ValuesDocument("new.yaml", "text: new")]))

    assert "kubectl edit secret mine" in refused.value.help
    assert "--force" in refused.value.help


async def test_single_values_lie_over_those_of_somebody_else(house: ClientHouse) -> None:
    await somebody_elses(house)

    await carried_out(house, Wishes(sets=["port=80"]), "own")

    names = [entry["secretRef"]["name"] for entry in (await live(house, "own"))["spec"]["values"]]
    assert names == ["mine", "own-values"]


async def test_with_force_the_install_turns_away_from_them_and_they_stay(house: ClientHouse) -> None:
    await somebody_elses(house)
    wishes = Wishes(texts=[ValuesDocument("new.yaml", "text: new\n")], force=True)

    amendment = await carried_out(house, wishes, "own")
    await sweep(house.session, amendment)

    mine = await house.find("Secret", "mine")
    assert mine is not None
    assert texts_in(mine) == ["text: mine"]
    assert [entry["secretRef"]["name"] for entry in (await live(house, "own"))["spec"]["values"]] == ["own-values"]


async def test_values_that_another_version_does_not_take_are_told_before(house: ClientHouse) -> None:
    strict = version("3.0.0")
    strict["spec"]["valuesSchema"] = {"openAPIv3": {"type": "object", "properties": {"text": {"type": "integer"}}}}
    await house.apply(strict)

    with pytest.raises(ValuesInvalid, match=r"the values of web:1: .*text: expected integer"):
        await amended(house.session, "web", Wishes(version="3.0.0"))


async def test_a_lower_version_is_taken_only_if_that_is_meant(house: ClientHouse) -> None:
    await carried_out(house, Wishes(version="1.1.0"))
    await house.reconcile()

    with pytest.raises(Trouble) as refused:
        await amended(house.session, "web", Wishes(version="1.0.0"))
    await carried_out(house, Wishes(version="1.0.0", allow_downgrade=True))

    assert "--allow-downgrade" in refused.value.help
    assert DOWNGRADABLE in (await live(house))["metadata"]["annotations"]
    await house.reconcile()
    assert (await house.status())["version"] == "1.0.0"


async def test_rights_that_are_added_are_known_and_given_before_the_install_needs_them(house: ClientHouse) -> None:
    amendment = await carried_out(house, Wishes(version="2.0.0"))

    assert {right.rule.names for right in amendment.added} == {("more",)}
    written = [" ".join(write.split()[:2]) for write in house.writes()]
    assert written == ["patch Role", "patch InstalledPackage"]
    [role] = await house.all("Role", f"{RBAC}/v1")
    assert {name for rule in role["rules"] for name in rule["resourceNames"]} >= {"web", "more"}


async def test_a_change_that_is_refused_leaves_rights_and_values_as_they_were(house: ClientHouse) -> None:
    [role] = await house.all("Role", f"{RBAC}/v1")
    house.cluster.refuse = refusing("patch", "InstalledPackage", error=DeployFailed("a policy says no"))

    with pytest.raises(Trouble, match="a policy says no; what was made before is taken back"):
        await carried_out(house, Wishes(version="2.0.0", sets=["port=1"]))

    [after] = await house.all("Role", f"{RBAC}/v1")
    assert after["rules"] == role["rules"]
    assert await house.names("Secret") == ["web-values"]


async def test_another_account_leaves_the_one_that_was_made_without_use(house: ClientHouse) -> None:
    await somebody_elses(house)

    amendment = await carried_out(house, Wishes(account="installer"))
    await sweep(house.session, amendment)

    assert (await live(house))["spec"]["serviceAccountName"] == "installer"
    assert await house.names("ServiceAccount") == ["installer"]
    assert await house.names("Role", f"{RBAC}/v1") == []


async def test_there_must_be_such_an_install(house: ClientHouse) -> None:
    with pytest.raises(NotFound, match="there is no install demo/nix"):
        await amended(house.session, "nix", Wishes(version="1.1.0"))


async def test_pausing_and_kicking_are_one_write_and_keep_the_rest(house: ClientHouse) -> None:
    before = await edited(house.session, "web", lambda one: with_spec(one, paused=True))
    await edited(house.session, "web", lambda one: kicked(one, "now"))

    after = await live(house)
    assert after["spec"] == {**before["spec"], "paused": True}
    assert after["metadata"]["annotations"] == {**before["metadata"]["annotations"], KICKED_AT: "now"}


# ---- upgrades ----------------------------------------------------------------------------------------------


async def test_each_is_upgraded_to_the_newest_or_it_is_said_why_not(house: ClientHouse) -> None:
    await somebody_elses(house)
    ranges = (("range", ">=1.0.0"), ("narrow", "1.x"))
    await house.apply(*(install(name, constraint=constraint) for name, constraint in ranges))
    await house.apply({**install("rest", constraint="1.0.0"), "spec": {**install()["spec"], "paused": True}})

    found = await upgrades(house.session, ())

    assert {one.name: one.version for one in found.amendments} == {"web": "2.0.0", "own": "2.0.0"}
    words = dict(line.split(": ", 1) for line in found.staying)
    assert words["range"] == "follows >=1.0.0, and gets 2.0.0 by itself"
    assert words["narrow"].startswith("follows 1.x, which does not take 2.0.0; ")
    assert words["rest"] == "is held; 2.0.0 waits until it is resumed"


async def test_an_upgrade_puts_the_version_in_the_place_of_the_one_that_is_named(house: ClientHouse) -> None:
    await somebody_elses(house)

    for amendment in (await upgrades(house.session, ("web", "own"))).amendments:
        await change(house.session, amendment)

    assert (await live(house))["spec"]["packageRef"] == {"publicName": NAME, "version": "2.0.0"}
    assert (await live(house, "own"))["spec"]["packageRef"]["versionSelection"] == {"constraint": "2.0.0"}
    assert (await upgrades(house.session, ("web",))).amendments == []


# ---- the end -----------------------------------------------------------------------------------------------


async def test_all_that_was_made_for_it_goes_after_it_and_nothing_else(house: ClientHouse) -> None:
    await somebody_elses(house)
    leaving = await parting(house.session, "web", keep_values=False)

    await delete(house.session, leaving)
    assert await house.names("ServiceAccount") == ["installer", "web-installer"]
    await house.reconcile()
    await house.reconcile()
    assert await house.find("InstalledPackage", "web", api=INSTALL_API) is None
    assert await clear(house.session, leaving) == []

    assert leaving.objects == 1
    assert await house.made() == ["Secret mine", "ServiceAccount installer"]


async def test_what_is_left_of_an_install_that_is_gone_can_be_removed(house: ClientHouse) -> None:
    await delete(house.session, await parting(house.session, "web", keep_values=False))
    await house.reconcile()
    await house.reconcile()

    leaving = await parting(house.session, "web", keep_values=False)
    await clear(house.session, leaving)

    assert leaving.install is None
    assert await house.made() == []
    with pytest.raises(NotFound):
        await parting(house.session, "web", keep_values=False)


async def test_what_other_installs_use_by_now_stays(house: ClientHouse) -> None:
    await house.apply(install("guest", values=["web-values"], serviceAccountName="web-installer"))

    leaving = await parting(house.session, "web", keep_values=False)

    assert {obj["kind"] for obj in leaving.kept} == {"Secret", "ServiceAccount", "Role", "RoleBinding"}
    assert leaving.made == []


async def test_values_can_be_kept_and_are_the_callers_then(house: ClientHouse) -> None:
    leaving = await parting(house.session, "web", keep_values=True)
    await delete(house.session, leaving)
    await house.reconcile()
    await house.reconcile()
    await clear(house.session, leaving)

    assert [obj["kind"] for obj in leaving.kept] == ["Secret"]
    assert await house.made() == ["Secret web-values"]
    with pytest.raises(NotFound):
        await parting(house.session, "web", keep_values=False)


async def test_what_cannot_be_removed_is_told(house: ClientHouse) -> None:
    leaving = await parting(house.session, "web", keep_values=False)
    house.cluster.refuse = refusing("delete", "Role")

    left = await clear(house.session, leaving)

    assert [words.split(":")[0] for words in left] == [f"Role demo/web-installer ({RBAC}/v1)"]


async def test_what_is_only_marked_as_made_for_it_is_left_alone(house: ClientHouse) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "demo"}}
    await house.apply(*(marked(obj, "demo", "web") for obj in (account, secret("passwords", "a: 1"))))

    going = (await parting(house.session, "web", keep_values=False)).made

    names = {obj["metadata"]["name"] for obj in going}
    assert names == {"web-installer", "web-values"}
