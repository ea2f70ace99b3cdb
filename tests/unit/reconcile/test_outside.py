"""What template steps get from outside of the package: read in whose name, remembered how, and who wakes for it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fakes_cluster import FakeCluster
from house import House, install, package, reason, secret, states
from packhouse.api.errors import Forbidden
from packhouse.api.names import YTT_PATHS, YTT_VALUES_OVERLAYS
from packhouse.api.views import InstalledPackage
from packhouse.ports import AddedFile, Json, Kind, Outside, Ref


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


def data(name: str, **contents: bytes) -> Json:
    encoded = {key: base64.b64encode(content).decode() for key, content in contents.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "demo"}, "data": encoded}


def stepping(**ytt: Any) -> Json:
    made = package()
    made["spec"]["template"]["spec"]["template"] = [{"ytt": ytt}]
    return made


def annotated(*names: str, **annotations: str) -> Json:
    made = install(values=names)
    made["metadata"]["annotations"] = annotations
    return made


async def outside(house: House, *objects: Json) -> Outside:
    """What the renderer was given."""
    await house.apply(*objects)
    await house.settle()
    return house.renderer.jobs[-1].outside


async def test_the_secrets_of_overlays_come_by_their_suffix_and_key(house: House) -> None:
    given = await outside(
        house,
        package(),
        data("zero", b=b"\xff", a=b"one"),
        data("one", c=b"two"),
        annotated(**{f"{YTT_PATHS}.0": "zero", f"{YTT_PATHS}.1": "one"}),
    )
    assert given.overlays == (
        AddedFile("a", "Secret demo/zero key a", b"one"),
        AddedFile("b", "Secret demo/zero key b", b"\xff"),
        AddedFile("c", "Secret demo/one key c", b"two"),
    )
    assert not given.values_as_files


def test_suffixes_are_ordered_as_people_count() -> None:
    names = ["", ".10", ".9", ".text", ".2"]
    wire = annotated(**{f"{YTT_PATHS}{name}": f"s{name}" for name in names}, **{f"{YTT_PATHS}-other": "no"})
    view = InstalledPackage.from_wire({**wire, "metadata": {**wire["metadata"], "uid": "u"}})
    assert view.overlay_secrets == ("s", "s.2", "s.9", "s.10", "s.text")


async def test_an_overlay_secret_that_is_missing_is_told_and_wakes_the_install_when_it_comes(house: House) -> None:
    await house.apply(package(), annotated(**{YTT_PATHS: "absent"}))
    status = await house.settle()
    assert reason(status) == "ValuesMissing"
    assert f"Secret demo/absent does not exist; create it, or remove it from the annotation {YTT_PATHS}" in str(status)
    house.woken.since()

    await house.apply(data("absent", a=b"#"))
    house.hear()

    assert house.woken.since() == {"web"}


async def test_values_that_are_to_be_files_are_named_by_their_keys(house: House) -> None:
    given = await outside(house, package(), secret("v", "a: 1"), annotated("v", **{YTT_VALUES_OVERLAYS: ""}))
    assert given.values_as_files
    assert [document.name for document in house.renderer.jobs[-1].values] == ["values.yml"]


async def test_what_a_package_names_is_read_with_the_rights_of_the_account(house: House) -> None:
    steps = stepping(
        inline={"pathsFrom": [{"secretRef": {"name": "tls"}}, {"configMapRef": {"name": "files"}}]},
        valuesFrom=[{"configMapRef": {"name": "files"}}, {"downwardAPI": {"items": []}}, {"path": "values.yml"}],
    )
    made = install()
    made["metadata"]["labels"] = {"team": "shop"}
    given = await outside(house, steps, data("tls", key=b"\x00"), config_map("files", a="text"), made)
    assert given.references == {("Secret", "tls"): {"key": b"\x00"}, ("ConfigMap", "files"): {"a": b"text"}}
    assert given.metadata["labels"] == {"team": "shop"}
    assert set(given.metadata) == {"name", "namespace", "uid", "labels", "annotations"}


async def test_what_the_account_may_not_read_is_not_read_by_the_operator_either(house: House) -> None:
    class Account(FakeCluster):
        async def get(self, ref: Ref, *, metadata_only: bool = False) -> Json | None:
            raise Forbidden(f"{ref} may not be read")

    house.identities.cluster = Account()
    await house.apply(stepping(inline={"pathsFrom": [{"secretRef": {"name": "tls"}}]}), data("tls", a=b"x"), install())
    status = await house.settle()
    assert (reason(status), house.renderer.jobs) == ("Forbidden", [])


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
async def test_what_a_package_names_and_is_missing_is_told(house: House, kind: str) -> None:
    field = "secretRef" if kind == "Secret" else "configMapRef"
    await house.apply(stepping(valuesFrom=[{field: {"name": "absent"}}]), install())
    status = await house.settle()
    assert (states(status)["ReconcileFailed"], reason(status)) == ("True", "SecretMissing")
    assert f"{kind} demo/absent does not exist, and a template step of the package reads it" in str(status)


async def test_a_change_of_what_a_package_names_renders_anew(house: House) -> None:
    steps = stepping(valuesFrom=[{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}])
    await outside(house, steps, data("s", a=b"1"), config_map("c", a="1"), install())
    house.woken.since()

    await house.apply(data("s", a=b"2"))
    house.hear()
    assert house.woken.since() == {"web"}
    await house.reconcile()
    assert house.renderer.jobs[-1].outside.references["Secret", "s"] == {"a": b"2"}

    await house.apply(config_map("c", a="2"))
    await house.reconcile()
    assert house.renderer.jobs[-1].outside.references["ConfigMap", "c"] == {"a": b"2"}


async def test_a_package_that_names_nothing_costs_no_request(house: House) -> None:
    await house.apply(package(), install())
    await house.settle()
    read: list[Ref] = []
    get = house.cluster.get

    async def counted(ref: Ref, **how: Any) -> Json | None:
        read.append(ref)
        return await get(ref, **how)

    house.cluster.get = counted  # type: ignore[method-assign]
    await house.reconcile()
    assert not {ref.kind for ref in read} & {Kind("", "v1", "Secret")}
