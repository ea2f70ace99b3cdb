"""Whose is it: Packages among repositories and people, objects among installs, and what becomes of both."""

from __future__ import annotations

import pytest
import yaml

from lab import (
    Json,
    Lab,
    account,
    config_map_template,
    find_condition,
    inline,
    install,
    package,
    repository,
    wait_until,
)
from packhouse.api.names import ALSO_OFFERED_BY, OWNER_ANNOTATION, REPOSITORY_LABEL, REVISION

PACKAGES = "packages.package.carvel.dev"
METADATAS = "packagemetadatas.package.carvel.dev"


def doc(word: str, version: str = "1.0.0", says: str = "v", *config_maps: str, revision: str = "") -> Json:
    """A Package that applies the ConfigMaps (by default `web`), each of them saying `says`."""
    files = {f"{name}.yaml": config_map_template(name, f"  says: {says!r}\n") for name in config_maps or ("web",)}
    annotations = {REVISION: revision} if revision else None
    return package(f"{word}.example.com", version, fetch=inline(files), annotations=annotations)


def name_of(word: str, version: str = "1.0.0") -> str:
    return f"{word}.example.com.{version}"


def offer(lab: Lab, name: str, *docs: Json | str, **spec: object) -> Json:
    """A repository of that name with these documents, once it was synced."""
    lab.apply(repository(name, lab.publish(f"{name}/repo", docs), **spec))
    return lab.settled("pkgr", name)


def refused(lab: Lab, name: str, *docs: Json) -> Json:
    """The same, where the sync ends in a conflict."""
    lab.apply(repository(name, lab.publish(f"{name}/repo", docs)))
    return lab.settled("pkgr", name, condition="ReconcileFailed", reason="OwnershipConflict")


def publish(lab: Lab, name: str, *docs: Json | str) -> None:
    """Other content for a repository that is there, which looks at once."""
    lab.publish(f"{name}/repo", docs)
    lab.poke("pkgr", name)


def there(lab: Lab, kind: str, name: str, namespace: str = "") -> Json:
    found = lab.get(kind, name, namespace)
    assert found is not None, f"{kind} {name} is not there"
    return found


def repository_of(obj: Json) -> str | None:
    owner: str | None = (obj["metadata"].get("labels") or {}).get(REPOSITORY_LABEL)
    return owner


def owned_by(lab: Lab, name: str, owner: str) -> Json:
    """The Package, once that repository owns it."""

    def look() -> Json | None:
        found = lab.get(PACKAGES, name)
        return found if found is not None and repository_of(found) == owner else None

    found: Json = wait_until(f"{owner} owns {name}", look)
    return found


def uid_of(obj: Json) -> str:
    return str(obj["metadata"]["uid"])


def says(lab: Lab, namespace: str, name: str = "web") -> str | None:
    found = lab.get("configmap", name, namespace)
    return found["data"]["says"] if found is not None else None


@pytest.fixture
def two(lab: Lab, unique: str) -> object:
    """Names of two repositories; both are gone afterwards."""
    names = (f"{unique}a", f"{unique}b")
    yield names
    for name in names:
        lab.delete("pkgr", name)


# ---- repositories and Packages ---------------------------------------------------------------------------


def test_identical_content_is_shared_and_outlives_the_repository_that_brought_it(
    lab: Lab, unique: str, two: tuple[str, str]
) -> None:
    first, second = two
    offer(lab, first, doc(unique))
    before = there(lab, PACKAGES, name_of(unique))
    offer(lab, second, doc(unique))
    shared = there(lab, PACKAGES, name_of(unique))
    assert (repository_of(shared), shared["metadata"]["annotations"][ALSO_OFFERED_BY]) == (first, second)

    lab.delete("pkgr", first)

    after = there(lab, PACKAGES, name_of(unique))
    assert (uid_of(after), repository_of(after)) == (uid_of(before), second)
    assert ALSO_OFFERED_BY not in after["metadata"].get("annotations", {})
    lab.delete("pkgr", second)
    assert lab.get(PACKAGES, name_of(unique)) is None


def test_a_package_that_three_share_is_handed_down_and_follows_its_owner_of_the_day(
    lab: Lab, unique: str, two: tuple[str, str]
) -> None:
    first, second = two
    third = f"{unique}c"
    for name in (first, second, third):
        offer(lab, name, doc(unique))
    before = there(lab, PACKAGES, name_of(unique))
    lab.delete("pkgr", first)
    owned_by(lab, name_of(unique), second)

    publish(lab, second, doc(unique, says="changed"))
    changed = wait_until(
        "the new owner has its content there",
        lambda: (
            (
                found := there(lab, PACKAGES, name_of(unique)),
                "changed" in yaml.safe_dump(found["spec"]),
            )[1]
            and found
        ),
    )

    assert uid_of(changed) == uid_of(before)
    assert ALSO_OFFERED_BY not in changed["metadata"].get("annotations", {}), "the third offers something else now"
    lab.settled("pkgr", third, condition="ReconcileFailed", reason="OwnershipConflict")
    lab.delete("pkgr", third)


def test_the_higher_revision_wins(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    first, second = two
    offer(lab, first, doc(unique, says="old", revision="1.9"))
    offer(lab, second, doc(unique, says="new", revision="1.10"))

    found = owned_by(lab, name_of(unique), second)

    assert "new" in yaml.safe_dump(found["spec"])
    lab.poke("pkgr", first)
    lab.settled("pkgr", first)
    assert repository_of(there(lab, PACKAGES, name_of(unique))) == second


def test_other_content_is_a_reported_conflict_that_leaves_the_first_owner(
    lab: Lab, unique: str, two: tuple[str, str]
) -> None:
    first, second = two
    offer(lab, first, doc(unique, says="first"))

    told = refused(lab, second, doc(unique, says="second"), doc(unique, "2.0.0"))

    assert repository_of(there(lab, PACKAGES, name_of(unique))) == first
    assert repository_of(there(lab, PACKAGES, name_of(unique, "2.0.0"))) == second, "the rest arrives"
    assert [(entry["name"], entry["owner"]) for entry in told["status"]["conflicts"]] == [(name_of(unique), first)]
    assert told["status"]["packages"]["conflicting"] == 1
    assert first in told["status"]["usefulErrorMessage"]
    assert REVISION in told["status"]["usefulErrorMessage"]


def test_of_repositories_that_bring_other_content_at_the_same_moment_one_owns_it_and_the_other_is_told(
    lab: Lab, unique: str, two: tuple[str, str]
) -> None:
    images = {name: lab.publish(f"{name}/repo", [doc(unique, says=name)]) for name in two}

    lab.apply(*(repository(name, image) for name, image in images.items()))

    owner = repository_of(wait_until("the Package is there", lambda: lab.get(PACKAGES, name_of(unique))))
    assert owner in two
    [other] = set(two) - {owner}
    lab.settled("pkgr", owner)
    lab.settled("pkgr", other, condition="ReconcileFailed", reason="OwnershipConflict")
    found = there(lab, PACKAGES, name_of(unique))
    assert repository_of(found) == owner
    assert owner in yaml.safe_dump(found["spec"])


def test_when_the_owner_goes_the_other_takes_over_at_once(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    first, second = two
    offer(lab, first, doc(unique, says="first"))
    refused(lab, second, doc(unique, says="second"))

    lab.delete("pkgr", first)

    found = wait_until("the other's Package is there", lambda: lab.get(PACKAGES, name_of(unique)), seconds=5)
    assert repository_of(found) == second
    done = lab.settled("pkgr", second, seconds=5)
    assert "conflicts" not in done["status"]


def test_a_package_made_by_hand_is_an_owner_like_any_other(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    first, second = two
    lab.apply(doc(unique), doc(unique, "2.0.0"))
    by_hand = there(lab, PACKAGES, name_of(unique))
    offer(lab, first, doc(unique))
    refused(lab, second, doc(unique, "2.0.0", says="another thing", revision="9"))

    lab.delete("pkgr", first)
    lab.delete("pkgr", second)

    after = there(lab, PACKAGES, name_of(unique))
    assert (uid_of(after), repository_of(after)) == (uid_of(by_hand), None)
    assert ALSO_OFFERED_BY not in after["metadata"]["annotations"]
    lab.delete(PACKAGES, name_of(unique))
    lab.delete(PACKAGES, name_of(unique, "2.0.0"))


def test_a_deleted_package_comes_back(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    offer(lab, two[0], doc(unique), doc(unique, "2.0.0"))

    lab.delete(PACKAGES, name_of(unique))

    wait_until("it is back", lambda: lab.get(PACKAGES, name_of(unique)), seconds=5)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"template": {"spec": {"template": []}}}, id="another value"),
        pytest.param({"shortDescription": "said by hand"}, id="a field that was not there"),
    ],
)
def test_an_edited_package_is_repaired(lab: Lab, unique: str, two: tuple[str, str], edit: Json) -> None:
    offer(lab, two[0], doc(unique))
    before = there(lab, PACKAGES, name_of(unique))

    lab.patch(PACKAGES, name_of(unique), {"spec": edit})

    def repaired() -> bool:
        return bool(there(lab, PACKAGES, name_of(unique))["spec"] == before["spec"])

    wait_until("it is as published", repaired, seconds=5)
    assert uid_of(there(lab, PACKAGES, name_of(unique))) == uid_of(before)
    lab.settled("pkgr", two[0])


def test_globs_limit_what_a_repository_may_provide(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    docs = [doc(f"{unique}{word}") for word in ("web", "db", "webmail")]
    globs = [f"{unique}web*.example.com"]
    offer(lab, two[0], *docs, packages=globs)
    assert lab.get(PACKAGES, name_of(f"{unique}db")) is None
    assert repository_of(there(lab, PACKAGES, name_of(f"{unique}webmail"))) == two[0]

    lab.patch("pkgr", two[0], {"spec": {"packages": [f"{unique}db.*"]}})

    done = lab.settled("pkgr", two[0])
    assert [obj["spec"]["publicName"] for obj in lab.list(PACKAGES, selector=f"{REPOSITORY_LABEL}={two[0]}")] == [
        f"{unique}db.example.com"
    ]
    assert done["status"]["packages"]["removed"] == 2


def test_globs_that_let_nothing_through_change_nothing_and_are_named(
    lab: Lab, unique: str, two: tuple[str, str]
) -> None:
    offer(lab, two[0], doc(unique))

    lab.patch("pkgr", two[0], {"spec": {"packages": ["nobody.*"]}})

    told = lab.settled("pkgr", two[0], condition="ReconcileFailed", reason="BundleInvalid")
    assert "spec.packages" in told["status"]["usefulErrorMessage"]
    there(lab, PACKAGES, name_of(unique))


def metadata_doc(word: str, says: str) -> Json:
    return {
        "apiVersion": "package.carvel.dev/v1alpha1",
        "kind": "PackageMetadata",
        "metadata": {"name": f"{word}.example.com"},
        "spec": {"displayName": says},
    }


def test_the_metadata_of_packages_follows_its_repository(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    first, second = two
    offer(lab, first, doc(unique), metadata_doc(unique, "one"))
    assert there(lab, METADATAS, f"{unique}.example.com")["spec"]["displayName"] == "one"

    publish(lab, first, doc(unique), metadata_doc(unique, "two"))
    wait_until("the new words", lambda: there(lab, METADATAS, f"{unique}.example.com")["spec"]["displayName"] == "two")

    offer(lab, second, doc(unique), metadata_doc(unique, "two"))
    lab.delete("pkgr", first)
    assert repository_of(there(lab, METADATAS, f"{unique}.example.com")) == second
    lab.delete("pkgr", second)
    assert lab.get(METADATAS, f"{unique}.example.com") is None


def test_documents_of_the_later_generation_are_converted(lab: Lab, unique: str, two: tuple[str, str]) -> None:
    later = doc(unique, "1.0.0+vmware.1")
    later["apiVersion"] = "data.packaging.carvel.dev/v1alpha1"
    later["spec"]["refName"] = later["spec"].pop("publicName")
    later["metadata"] = {"name": f"{unique}.example.com.1.0.0+vmware.1", "namespace": "default"}
    words = metadata_doc(unique, "in words")
    words["apiVersion"] = "data.packaging.carvel.dev/v1alpha1"

    offer(lab, two[0], later, words)

    found = there(lab, PACKAGES, name_of(unique, "1.0.0--vmware.1"))
    assert (found["spec"]["publicName"], found["spec"]["version"]) == (f"{unique}.example.com", "1.0.0+vmware.1")
    assert there(lab, METADATAS, f"{unique}.example.com")["spec"]["displayName"] == "in words"


def test_a_package_of_a_repository_that_installs_use_goes_with_it_and_what_runs_keeps_running(
    lab: Lab, installer: str, unique: str, two: tuple[str, str]
) -> None:
    offer(lab, two[0], doc(unique))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    before = there(lab, "configmap", "web", installer)

    lab.delete("pkgr", two[0])

    lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="PackageNotFound")
    after = there(lab, "configmap", "web", installer)
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    lab.delete("ipkg", "web", installer)
    assert lab.get("configmap", "web", installer) is None, "deletion needs no package"


# ---- installs and the repository that they follow --------------------------------------------------------


def test_a_foreign_repository_with_a_higher_version_takes_no_install_over(
    lab: Lab, installer: str, unique: str, two: tuple[str, str]
) -> None:
    first, foreign = two
    offer(lab, first, doc(unique))
    lab.apply(install("web", installer, f"{unique}.example.com", constraint=">=1.0.0"))
    lab.settled("ipkg", "web", installer)

    offer(lab, foreign, doc(unique, "99.0.0", says="hijacked"))
    told = lab.settled(
        "ipkg",
        "web",
        installer,
        when=lambda obj: "99.0.0" in find_condition(obj, "ReconcileSucceeded")["message"],  # type: ignore[index]
    )

    words = find_condition(told, "ReconcileSucceeded")["message"]  # type: ignore[index]
    assert foreign in words
    assert "packageRef.repositories" in words
    assert (told["status"]["version"], says(lab, installer)) == ("1.0.0", "v")

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"repositories": [first, foreign]}}}, installer)

    done = lab.settled("ipkg", "web", installer, when=lambda obj: obj["status"]["version"] == "99.0.0")
    assert done["status"]["packageRef"]["repository"] == foreign
    assert says(lab, installer) == "hijacked"


def test_a_package_that_is_taken_over_by_revision_does_not_reach_those_who_follow_its_first_owner(
    lab: Lab, installer: str, unique: str, two: tuple[str, str]
) -> None:
    first, foreign = two
    offer(lab, first, doc(unique))
    lab.apply(install("web", installer, f"{unique}.example.com", version="1.0.0", syncPeriod="1s"))
    lab.settled("ipkg", "web", installer)

    offer(lab, foreign, doc(unique, says="hijacked", revision="9"))
    owned_by(lab, name_of(unique), foreign)

    told = lab.settled("ipkg", "web", installer, condition="ReconcileFailed", reason="PackageNotFound")
    assert foreign in told["status"]["usefulErrorMessage"]
    assert says(lab, installer) == "v"


# ---- installs and objects --------------------------------------------------------------------------------


@pytest.fixture
def offered(lab: Lab, unique: str, two: tuple[str, str]) -> str:
    """A public name: 1.0.0 applies web, extra and more, 2.0.0 web and extra with other words."""
    offer(lab, two[0], doc(unique, "1.0.0", "one", "web", "extra", "more"), doc(unique, "2.0.0", "two", "web", "extra"))
    return f"{unique}.example.com"


def test_the_second_install_of_an_object_is_told_whose_it_is_and_gets_it_when_the_first_goes(
    lab: Lab, installer: str, offered: str
) -> None:
    lab.apply(install("first", installer, offered, version="1.0.0"))
    lab.settled("ipkg", "first", installer)
    lab.apply(install("second", installer, offered, version="2.0.0"))

    told = lab.settled("ipkg", "second", installer, condition="ReconcileFailed", reason="OwnershipConflict")

    assert f"{installer}/first" in told["status"]["usefulErrorMessage"]
    assert says(lab, installer) == "one"
    assert not told["status"].get("inventory")

    lab.delete("ipkg", "first", installer)

    lab.settled("ipkg", "second", installer, seconds=5)
    found = there(lab, "configmap", "web", installer)
    assert (found["data"]["says"], found["metadata"]["annotations"][OWNER_ANNOTATION]) == ("two", f"{installer}/second")
    assert lab.get("configmap", "more", installer) is None


def test_the_second_install_gets_an_object_that_the_first_no_longer_wants(
    lab: Lab, installer: str, unique: str, two: tuple[str, str]
) -> None:
    docs = [doc(unique, "1.0.0", "x", "web", "shared"), doc(unique, "2.0.0", "x", "web")]
    offer(lab, two[0], *docs, doc(f"{unique}o", "1.0.0", "other", "shared"))
    lab.apply(install("first", installer, f"{unique}.example.com", version="1.0.0"))
    lab.settled("ipkg", "first", installer)
    lab.apply(install("second", installer, f"{unique}o.example.com", version="1.0.0"))
    lab.settled("ipkg", "second", installer, condition="ReconcileFailed", reason="OwnershipConflict")

    lab.patch("ipkg", "first", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    lab.settled("ipkg", "second", installer, seconds=5)
    assert says(lab, installer, "shared") == "other"
    lab.settled("ipkg", "first", installer)


def test_of_installs_that_want_the_same_object_at_the_same_moment_one_gets_it(
    lab: Lab, installer: str, offered: str
) -> None:
    names = [f"rival{number}" for number in range(6)]
    lab.apply(*(install(name, installer, offered, version="1.0.0") for name in names))

    def outcomes() -> list[str] | None:
        found = [
            next(
                (
                    condition["reason"]
                    for condition in (obj.get("status") or {}).get("conditions", [])
                    if condition["type"] in ("ReconcileSucceeded", "ReconcileFailed") and condition["status"] == "True"
                ),
                None,
            )
            for obj in lab.list("ipkg", installer)
        ]
        return None if None in found else sorted(str(reason) for reason in found)

    assert wait_until("all have an outcome", outcomes) == ["OwnershipConflict"] * 5 + ["ReconcileSucceeded"]
    owners = {
        there(lab, "configmap", name, installer)["metadata"]["annotations"][OWNER_ANNOTATION]
        for name in ("web", "extra", "more")
    }
    assert len(owners) == 1


def test_what_somebody_changes_or_deletes_by_hand_is_repaired(lab: Lab, installer: str, offered: str) -> None:
    lab.apply(install("web", installer, offered, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    uids = {name: uid_of(there(lab, "configmap", name, installer)) for name in ("web", "extra", "more")}

    lab.patch("configmap", "web", {"data": {"says": "edited", "more": "stays"}}, installer)
    lab.delete("configmap", "extra", installer)
    lab.poke("ipkg", "web", installer)

    wait_until("the edit is taken back", lambda: says(lab, installer) == "one")
    wait_until("the deleted one is back", lambda: says(lab, installer, "extra") == "one")
    done = lab.settled("ipkg", "web", installer)
    assert there(lab, "configmap", "web", installer)["data"]["more"] == "stays", "what is not ours is left alone"
    counts = {key: done["status"]["deploy"][key] for key in ("created", "configured", "unchanged", "deleted")}
    assert counts == {"created": 1, "configured": 1, "unchanged": 1, "deleted": 0}
    assert uid_of(there(lab, "configmap", "web", installer)) == uids["web"]


def test_drift_is_repaired_at_the_sync_period_without_anybody_asking(lab: Lab, installer: str, offered: str) -> None:
    lab.apply(install("web", installer, offered, version="1.0.0", syncPeriod="1s"))
    lab.settled("ipkg", "web", installer)

    lab.patch("configmap", "web", {"data": {"says": "edited"}}, installer)

    wait_until("the edit is taken back", lambda: says(lab, installer) == "one", seconds=5)


def test_an_object_that_left_the_package_is_deleted_and_the_others_stay_the_same_objects(
    lab: Lab, installer: str, offered: str
) -> None:
    lab.apply(install("web", installer, offered, version="1.0.0"))
    lab.settled("ipkg", "web", installer)
    uids = {name: uid_of(there(lab, "configmap", name, installer)) for name in ("web", "extra")}

    lab.patch("ipkg", "web", {"spec": {"packageRef": {"version": "2.0.0"}}}, installer)

    done = lab.settled("ipkg", "web", installer)
    assert lab.get("configmap", "more", installer) is None
    assert {name: uid_of(there(lab, "configmap", name, installer)) for name in ("web", "extra")} == uids
    assert done["status"]["deploy"]["deleted"] == 1
    assert {entry["ref"].rpartition("/")[2] for entry in done["status"]["inventory"]} == {"web", "extra"}


def test_an_object_that_somebody_took_away_from_an_install_survives_it(lab: Lab, installer: str, offered: str) -> None:
    lab.apply(install("web", installer, offered, version="1.0.0", syncPeriod="10m"))
    lab.settled("ipkg", "web", installer)

    lab.patch("configmap", "more", {"metadata": {"annotations": {OWNER_ANNOTATION: None}}}, installer)
    lab.delete("ipkg", "web", installer)

    assert says(lab, installer, "more") == "one"
    assert lab.get("configmap", "web", installer) is None


def test_noop_delete_leaves_the_objects_and_a_restored_install_adopts_them(
    lab: Lab, installer: str, offered: str
) -> None:
    wish = install("web", installer, offered, version="1.0.0", noopDelete=True)
    lab.apply(wish)
    first = lab.settled("ipkg", "web", installer)
    before = {obj["metadata"]["name"]: obj for obj in lab.list("configmap", installer)}

    lab.delete("ipkg", "web", installer)

    assert {obj["metadata"]["name"]: obj for obj in lab.list("configmap", installer)} == before

    lab.apply({**wish, "spec": {**wish["spec"], "noopDelete": False}})
    second = lab.settled("ipkg", "web", installer)
    assert uid_of(second) != uid_of(first)
    after = {obj["metadata"]["name"]: obj for obj in lab.list("configmap", installer)}
    assert {name: uid_of(obj) for name, obj in after.items()} == {name: uid_of(obj) for name, obj in before.items()}
    assert second["status"]["inventory"] == first["status"]["inventory"]

    lab.delete("ipkg", "web", installer)
    assert [name for name in ("web", "extra", "more") if lab.get("configmap", name, installer)] == []


def test_installs_in_two_namespaces_do_not_meet(lab: Lab, installer: str, offered: str, unique: str) -> None:
    other = f"test-{unique}"
    lab.cluster.kubectl("create", "namespace", other)
    lab.apply(*account(other))
    for namespace in (installer, other):
        lab.apply(install("web", namespace, offered, version="1.0.0"))
    for namespace in (installer, other):
        lab.settled("ipkg", "web", namespace)

    lab.delete("ipkg", "web", other)

    assert (says(lab, installer), says(lab, other)) == ("one", None)
    lab.cluster.kubectl("delete", "namespace", other, "--wait=false")
