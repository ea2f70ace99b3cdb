"""The story of an InstalledPackage: what is applied, what status says, and what survives trouble on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from house import House, config_map, install, package, reason, secret, states
from packhouse.api.errors import ClusterUnavailable, DeployFailed, Forbidden, PackhouseError, ServiceAccountMissing
from packhouse.api.names import FINALIZER, OWNER_ANNOTATION
from packhouse.ports import Json, Kind, Ref

GREETING = {"web.yaml": config_map("web", "{{ values.greeting }}")}


async def set_up(house: House, *objects: Json) -> Json:
    await house.apply(*(objects or (package(), install())))
    return await house.settle()


def refs(status: Json) -> list[str]:
    return [entry["ref"] for entry in status.get("inventory") or []]


def at(name: str) -> Ref:
    return Ref(Kind("", "v1", "ConfigMap"), "demo", name)


async def test_an_install_applies_its_package_and_says_so(house: House) -> None:
    status = await set_up(house)

    assert await house.data("web") == {"text": "1.0.0"}
    assert states(status) == {
        "Ready": "True",
        "Reconciling": "False",
        "ReconcileSucceeded": "True",
        "ReconcileFailed": "False",
        "ValuesSchemaCheckFailed": "False",
        "SourceAvailable": "True",
    }
    assert (status["version"], status["lastAttemptedVersion"]) == ("1.0.0", "1.0.0")
    assert status["packageRef"] == {"name": "web.example.com.1.0.0"}
    assert refs(status) == ["v1/ConfigMap/demo/web"]
    assert status["deploy"] | {"startedAt": "", "updatedAt": ""} == {
        "created": 1,
        "configured": 0,
        "replaced": 0,
        "unchanged": 0,
        "skipped": 0,
        "deleted": 0,
        "startedAt": "",
        "updatedAt": "",
    }
    assert status["consecutiveReconcileSuccesses"] == 1


async def test_the_finalizer_is_there_before_anything_else_is_written(house: House) -> None:
    await house.apply(package(), install())
    start = len(house.cluster.writes)
    await house.settle()
    assert house.writes(start) == [
        "apply InstalledPackage demo/web (install.package.carvel.dev/v1alpha1)",  # the finalizer
        "apply InstalledPackage demo/web (install.package.carvel.dev/v1alpha1)",  # the inventory, ahead
        "apply ConfigMap demo/web (v1)",
        "apply InstalledPackage demo/web (install.package.carvel.dev/v1alpha1)",  # the outcome
    ]


async def test_a_reconcile_with_nothing_to_do_writes_and_renders_nothing(house: House) -> None:
    before = await set_up(house)
    writes, jobs = len(house.cluster.writes), len(house.renderer.jobs)

    for _ in range(3):
        assert await house.reconcile() == 600

    assert (len(house.cluster.writes), len(house.renderer.jobs)) == (writes, jobs) == (writes, 1)
    assert await house.status() == before


async def test_a_restarted_operator_renders_once_and_writes_nothing(house: House, tmp_path: Path) -> None:
    await set_up(house)
    writes = len(house.cluster.writes)

    again = House(tmp_path, house.cluster)
    await again.reconcile()
    await again.reconcile()

    assert len(again.renderer.jobs) == 1
    assert len(again.cluster.writes) == writes


# ---- the inventory is written ahead ------------------------------------------------------------------------


async def test_before_the_first_object_is_written_status_holds_old_and_new(house: House) -> None:
    await set_up(house, package("1.0.0", "old", "both"), install())
    await house.apply(package("2.0.0", "both", "new"))
    recorded: list[list[str]] = []

    def look(verb: str, ref: Ref) -> PackhouseError | None:
        if verb == "apply" and ref.kind.kind == "ConfigMap":
            view = house.stores.installs.get(("demo", "web"))
            assert view is not None
            recorded.append(sorted(refs(view.status)))
            assert {"Ready": "Unknown", "ReconcileFailed": "False"}.items() <= states(view.status).items()
        return None

    house.cluster.refuse = look
    await house.reconcile()

    everything = ["v1/ConfigMap/demo/both", "v1/ConfigMap/demo/new", "v1/ConfigMap/demo/old"]
    assert recorded == [everything, everything]
    assert sorted(refs(await house.status())) == everything[:2]
    assert await house.data("old") is None


async def test_while_a_plan_is_carried_out_nothing_that_it_touches_is_held_against_its_record(house: House) -> None:
    await set_up(
        house, package(files={f"{name}.yaml": config_map(name, "1") for name in ("old", "same", "other")}), install()
    )
    files = {"same.yaml": config_map("same", "1"), "other.yaml": config_map("other", "2")}
    await house.apply(package("2.0.0", files=files))
    confirmed: list[str] = []

    def look(verb: str, ref: Ref) -> PackhouseError | None:
        if (verb, ref.name) == ("delete", "old"):
            view = house.stores.installs.get(("demo", "web"))
            assert view is not None
            confirmed.extend(entry["ref"] for entry in view.status["inventory"] if entry["digest"] != "-")
        return None

    house.cluster.refuse = look
    await house.reconcile()

    assert confirmed == ["v1/ConfigMap/demo/same"]


async def test_where_the_inventory_cannot_be_written_nothing_is_applied(house: House) -> None:
    await house.apply(package(), install())
    await house.reconcile()
    house.cluster.refuse = lambda verb, ref: (
        ClusterUnavailable("down") if verb == "apply" and ref.kind.kind == "InstalledPackage" else None
    )

    delays = [await house.reconcile() for _ in range(3)]

    assert await house.data("web") is None
    assert delays == [0.5, 1.0, 2.0]
    house.cluster.refuse = lambda verb, ref: None
    assert await house.reconcile() == 600
    assert await house.data("web") == {"text": "1.0.0"}


async def test_an_apply_that_fails_half_way_leaves_everything_that_may_exist_in_the_inventory(house: House) -> None:
    house.cluster.refuse = lambda verb, ref: DeployFailed("no") if (verb, ref.name) == ("apply", "second") else None
    status = await set_up(house, package("1.0.0", "first", "second"), install())

    assert (states(status)["ReconcileFailed"], reason(status)) == ("True", "DeployFailed")
    assert sorted(refs(status)) == ["v1/ConfigMap/demo/first", "v1/ConfigMap/demo/second"]
    assert {entry["ref"] for entry in status["inventory"] if "uid" in entry} == {"v1/ConfigMap/demo/first"}
    assert status["deploy"]["error"] == "no"
    house.cluster.refuse = lambda verb, ref: None
    await house.reconcile()
    assert all("uid" in entry for entry in (await house.status())["inventory"])
    assert "error" not in (await house.status())["deploy"]


async def test_an_apply_whose_answer_was_lost_is_not_taken_for_the_old_one(house: House) -> None:
    await set_up(house, package(files=GREETING), secret("values", "greeting: first"), install(values=["values"]))
    await house.apply(secret("values", "greeting: second"))
    plain = house.cluster.apply

    async def lossy(obj: Json, **named: Any) -> Json:
        answer = await plain(obj, **named)
        if obj["kind"] == "ConfigMap" and not named.get("dry_run"):
            raise ClusterUnavailable("the answer was lost")
        return answer

    house.cluster.apply = lossy  # type: ignore[method-assign]
    await house.reconcile()
    house.cluster.apply = plain  # type: ignore[method-assign]
    assert await house.data("web") == {"text": "second"}

    await house.apply(secret("values", "greeting: first"))
    await house.reconcile()

    assert await house.data("web") == {"text": "first"}


async def test_a_refusal_of_the_dry_run_changes_nothing(house: House) -> None:
    await set_up(house, package("1.0.0", "web"), install())
    await house.apply(package("2.0.0", "web", "new"))
    house.cluster.refuse = lambda verb, ref: (
        Forbidden("you may not") if (verb, ref.name) == ("dry run", "new") else None
    )

    await house.reconcile()

    status = await house.status()
    assert reason(status) == "Forbidden"
    assert "nothing was applied" in status["usefulErrorMessage"]
    assert await house.data("web") == {"text": "1.0.0"}
    assert refs(status) == ["v1/ConfigMap/demo/web"]
    assert (status["version"], status["lastAttemptedVersion"]) == ("1.0.0", "2.0.0")


async def test_an_inventory_that_does_not_fit_is_refused_before_the_first_write(tmp_path: Path) -> None:
    house, asked = House(tmp_path, inventory_most_bytes=100), list[str]()

    def note(verb: str, ref: Ref) -> None:
        asked.append(ref.kind.kind)

    house.cluster.refuse = note
    status = await set_up(house)
    assert reason(status) == "InventoryTooLarge"
    assert "ConfigMap" not in asked  # nor is each of so many objects looked for
    assert await house.data("web") is None


# ---- survivors ---------------------------------------------------------------------------------------------


async def test_what_was_deleted_and_is_not_gone_stays_in_the_inventory(house: House) -> None:
    await set_up(house, package("1.0.0", "old", "web"), install())
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "old", "namespace": "demo", "finalizers": ["x/y"]},
    }
    await house.apply(held, package("2.0.0", "web"))

    delay = await house.reconcile()

    status = await house.status()
    assert sorted(refs(status)) == ["v1/ConfigMap/demo/old", "v1/ConfigMap/demo/web"]
    assert (states(status)["Reconciling"], states(status)["ReconcileFailed"], reason(status)) == (
        "True",
        "False",
        "DeletionPending",
    )
    assert delay is not None
    assert delay <= 3

    await house.reconcile()
    start = len(house.cluster.writes)
    await house.reconcile()
    assert house.writes(start) == []

    await house.cluster.patch(at("old"), [{"op": "remove", "path": "/metadata/finalizers/0"}])
    await house.reconcile()

    assert refs(await house.status()) == ["v1/ConfigMap/demo/web"]
    assert states(await house.status())["ReconcileSucceeded"] == "True"


async def test_what_somebody_else_makes_is_missed_until_it_is_there(house: House) -> None:
    theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs, annotations: {kapp.k14s.io/exists: ''}}\n"
    files = {"web.yaml": config_map("web", "1"), "theirs.yaml": theirs}
    status = await set_up(house, package(files=files), install())
    assert (reason(status), refs(status)) == ("NotHealthy", ["v1/ConfigMap/demo/web"])
    start = len(house.cluster.writes)

    await house.reconcile()  # all that is ours is in place by now

    assert reason(await house.status()) == "NotHealthy"
    assert house.writes(start) == []

    await house.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "demo"}})
    await house.reconcile()
    assert reason(await house.status()) == "ReconcileSucceeded"


async def test_what_a_newer_version_says_to_leave_alone_is_not_pruned(house: House) -> None:
    await set_up(house, package("1.0.0", "web", "left"), install())
    left = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: left, annotations: {kapp.k14s.io/noop: ''}}\n"
    await house.apply(package("2.0.0", files={"web.yaml": config_map("web", "2"), "left.yaml": left}))

    await house.reconcile()

    assert (await house.data("web"), await house.data("left")) == ({"text": "2"}, {"text": "1.0.0"})
    assert sorted(refs(await house.status())) == ["v1/ConfigMap/demo/left", "v1/ConfigMap/demo/web"]


# ---- drift -------------------------------------------------------------------------------------------------


async def test_an_object_that_somebody_deleted_comes_back(house: House) -> None:
    await set_up(house)
    await house.cluster.delete(at("web"))
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0"}
    assert len(house.renderer.jobs) == 2


async def test_a_field_that_somebody_changed_is_set_again(house: House) -> None:
    await set_up(house)
    await house.cluster.patch(at("web"), [{"op": "replace", "path": "/data/text", "value": "theirs"}])
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0"}


async def test_a_field_that_somebody_added_stays_and_wakes_nothing(house: House) -> None:
    await set_up(house)
    await house.cluster.patch(at("web"), [{"op": "add", "path": "/data/more", "value": "theirs"}])
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0", "more": "theirs"}
    assert len(house.renderer.jobs) == 1


# ---- what cannot be done -----------------------------------------------------------------------------------


async def test_when_the_package_is_gone_what_runs_keeps_running(house: House) -> None:
    await set_up(house)
    writes = len(house.cluster.writes)
    await house.cluster.delete(Ref(Kind("package.carvel.dev", "v1alpha1", "Package"), "", "web.example.com.1.0.0"))

    await house.reconcile()

    status = await house.status()
    assert (states(status)["ReconcileFailed"], reason(status)) == ("True", "PackageNotFound")
    assert await house.data("web") == {"text": "1.0.0"}
    assert refs(status) == ["v1/ConfigMap/demo/web"]
    assert not any("ConfigMap" in write for write in house.writes(writes))


async def test_when_only_a_lower_version_is_left_what_runs_keeps_running(house: House) -> None:
    await set_up(house, package("1.0.0"), package("2.0.0"), install())
    await house.cluster.delete(Ref(Kind("package.carvel.dev", "v1alpha1", "Package"), "", "web.example.com.2.0.0"))
    await house.reconcile()
    assert reason(await house.status()) == "DowngradeRefused"
    assert await house.data("web") == {"text": "2.0.0"}


@pytest.mark.parametrize(
    ("objects", "why", "words"),
    [
        pytest.param([package(), install(values=["absent"])], "ValuesMissing", "demo/absent", id="no such Secret"),
        pytest.param([package(), secret("v", "- a"), install(values=["v"])], "ValuesInvalid", "demo/v", id="no map"),
        pytest.param([package(files=GREETING), install()], "TemplateFailed", "greeting", id="a value is missing"),
        pytest.param([package(files={"a.yaml": "a: 1"}), install()], "RenderedInvalid", "a.yaml", id="no object"),
        pytest.param([package(), install(syncPeriod="soon")], "InvalidSpec", "soon", id="no duration"),
        pytest.param(
            [package(files={"a.yaml": config_map("'a/b'", "")}), install()], "RenderedInvalid", "a/b", id="no name"
        ),
        pytest.param(
            [package(files={"a.yaml": "apiVersion: x.example.com/v1\nkind: Thing\nmetadata: {name: a}"}), install()],
            "DeployFailed",
            "x.example.com/v1",
            id="a kind that nobody serves",
        ),
        pytest.param(
            [
                package(files={"a.yaml": config_map("a", ""), "b.yaml": config_map("a\n  namespace: demo", "other")}),
                install(),
            ],
            "RenderedInvalid",
            "twice",
            id="the same object twice",
        ),
        pytest.param(
            [
                package(
                    files={
                        "a.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
                        "metadata: {name: a}\nspec: {names: [x]}\n---\n"
                        "apiVersion: x.example.com/v1\nkind: Thing\nmetadata: {name: a}"
                    }
                ),
                install(),
            ],
            "DeployFailed",
            "x.example.com/v1",
            id="a definition that defines nothing",
        ),
    ],
)
async def test_what_cannot_be_done_is_said_with_its_place(
    house: House, objects: list[Json], why: str, words: str
) -> None:
    status = await set_up(house, *objects)
    assert (states(status)["ReconcileFailed"], reason(status)) == ("True", why)
    assert words in status["usefulErrorMessage"]
    assert await house.find("ConfigMap", "web") is None


async def test_the_second_install_of_an_object_is_told_of_the_first(house: House) -> None:
    await set_up(house)
    await house.apply(install("other"))
    status = await house.settle("other")
    assert reason(status) == "OwnershipConflict"
    assert "demo/web" in status["usefulErrorMessage"]
    assert states(await house.status("web"))["ReconcileSucceeded"] == "True"


async def test_an_object_that_a_package_only_looks_at_is_not_held_against_its_owner(house: House) -> None:
    theirs = config_map("web", "1").replace("  name: web\n", "  name: web\n  annotations: {kapp.k14s.io/exists: ''}\n")
    await house.apply(package(files={"web.yaml": theirs, "own.yaml": config_map("own", "1")}), install("looks"))
    await house.cluster.create(
        {**yaml.safe_load(config_map("web", "1")), "metadata": {"name": "web", "namespace": "demo"}}
    )
    async with house.dispatch.installs._stage.claims.held([at("web")], "demo/web"):
        status = await house.settle("looks")
    assert states(status)["ReconcileSucceeded"] == "True"


@pytest.mark.parametrize("owner", ["demo/..", "demo/.", "../web", "demo/a?b", "demo", "/web", "demo/a/b"])
async def test_an_annotation_that_names_no_install_is_not_asked_for(house: House, owner: str) -> None:
    metadata = {"name": "web", "namespace": "demo", "annotations": {OWNER_ANNOTATION: owner}}
    await house.cluster.create({**yaml.safe_load(config_map("web", "1.0.0")), "metadata": metadata})
    asked = list[Ref]()

    def note(verb: str, ref: Ref) -> None:
        if ref.kind.kind == "InstalledPackage":
            asked.append(ref)

    house.cluster.refuse = note
    assert states(await set_up(house, package(), install(adopt=True)))["ReconcileSucceeded"] == "True"
    assert {ref.name for ref in asked} == {"web"}
    assert {ref.namespace for ref in asked} == {"demo"}


async def test_an_object_of_an_install_that_is_gone_is_taken_over_even_if_no_watch_told_of_it(house: House) -> None:
    await set_up(house)
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")
    await house.cluster.patch(ref, [{"op": "remove", "path": "/metadata/finalizers/0"}])
    house.hear()
    await house.cluster.delete(ref)
    house._heard += 1  # the deletion is not heard of
    await house.apply(install("other"))
    assert house.stores.installs.get(("demo", "web")) is not None

    assert states(await house.settle("other"))["ReconcileSucceeded"] == "True"


async def test_an_install_that_is_gone_without_our_hearing_of_it_is_left_alone(house: House) -> None:
    await set_up(house)
    await house.apply(package("2.0.0"))
    house.hear()
    ref = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")
    await house.cluster.patch(ref, [{"op": "remove", "path": "/metadata/finalizers/0"}])
    await house.cluster.delete(ref)
    house._heard += 2
    writes = len(house.cluster.writes)

    assert await house.reconcile() is None

    assert house.stores.installs.get(("demo", "web")) is None
    assert house.writes(writes) == []
    assert await house.data("web") == {"text": "1.0.0"}


async def test_a_paused_install_is_not_touched(house: House) -> None:
    await set_up(house)
    await house.apply(package("2.0.0"), install(paused=True))
    assert await house.reconcile() is None
    status = await house.status()
    assert status["friendlyDescription"] == "Paused"
    assert await house.data("web") == {"text": "1.0.0"}
    assert status["consecutiveReconcileSuccesses"] == 1


# ---- the end -----------------------------------------------------------------------------------------------

INSTALL = Ref(Kind("install.package.carvel.dev", "v1alpha1", "InstalledPackage"), "demo", "web")


async def test_a_deleted_install_takes_its_objects_along_without_package_or_rendering(house: House) -> None:
    await set_up(house)
    await house.cluster.delete(Ref(Kind("package.carvel.dev", "v1alpha1", "Package"), "", "web.example.com.1.0.0"))
    await house.cluster.delete(INSTALL)

    assert await house.reconcile() is None

    assert await house.data("web") is None
    assert await house.cluster.get(INSTALL) is None
    assert len(house.renderer.jobs) == 1
    assert await house.reconcile() is None


async def test_noop_delete_leaves_everything_where_it_is(house: House) -> None:
    await set_up(house, package(), install(noopDelete=True))
    await house.cluster.delete(INSTALL)
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0"}
    assert await house.cluster.get(INSTALL) is None


async def test_an_object_that_another_install_owns_by_now_survives(house: House) -> None:
    await set_up(house)
    mark = "/metadata/annotations/install.package.carvel.dev~1installed-by"
    await house.cluster.patch(at("web"), [{"op": "replace", "path": mark, "value": "demo/other"}])
    await house.cluster.delete(INSTALL)
    await house.reconcile()
    assert await house.data("web") == {"text": "1.0.0"}
    assert await house.cluster.get(INSTALL) is None


async def test_objects_that_are_not_gone_yet_hold_the_install(house: House) -> None:
    await set_up(house)
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "demo", "finalizers": ["x/y"]},
    }
    await house.apply(held)
    await house.cluster.delete(INSTALL)

    await house.reconcile()

    status = await house.status()
    assert {"Deleting": "True", "DeleteFailed": "False"}.items() <= states(status).items()
    assert refs(status) == ["v1/ConfigMap/demo/web"]
    assert status["consecutiveReconcileSuccesses"] == 1
    await house.cluster.patch(at("web"), [{"op": "remove", "path": "/metadata/finalizers/0"}])
    await house.reconcile()
    assert await house.cluster.get(INSTALL) is None


@pytest.mark.parametrize("error", [ServiceAccountMissing("no account demo/installer"), Forbidden("you may not")])
async def test_a_deletion_that_is_refused_says_why_and_is_tried_again(house: House, error: PackhouseError) -> None:
    await set_up(house)
    await house.cluster.delete(INSTALL)
    house.cluster.refuse = lambda verb, ref: error if ref.kind.kind == "ConfigMap" else None

    delay = await house.reconcile()

    status = await house.status()
    assert {"Deleting": "True", "DeleteFailed": "True", "Ready": "False"}.items() <= states(status).items()
    assert reason(status, "DeleteFailed") == error.reason
    assert delay is not None
    found = await house.cluster.get(INSTALL)
    assert found is not None
    assert found["metadata"]["finalizers"] == [FINALIZER]


async def test_objects_in_waves_go_in_reverse(house: House) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}"
    await set_up(house, package(files={"a.yaml": f"{account}\n---\n{config_map('web', '')}"}), install())
    start = len(house.cluster.writes)
    await house.cluster.delete(INSTALL)
    await house.reconcile()
    deleted = [write for write in house.writes(start) if write.startswith("delete ") and "Installed" not in write]
    assert deleted == ["delete ConfigMap demo/web (v1)", "delete ServiceAccount demo/web (v1)"]
