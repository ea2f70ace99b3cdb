"""The catalogue as the command line asks for it. Faked: the cluster. Asserted: what is found, and what was asked."""

from __future__ import annotations

import pytest

from fakes_cluster import FakeCluster
from packhouse.api.errors import Forbidden, NoMatchingVersion
from packhouse.api.names import PACKAGE_API, REPOSITORY_LABEL
from packhouse.client.catalogue import choose_for_install, find, metadata_of, packages_of, packages_there, spec_of
from packhouse.client.errors import ExitCode, NotFound, Usage, trouble_of
from packhouse.client.listings import PACKAGE_KIND, listed, searched, versions_by_name, versions_of
from packhouse.client.session import Session, Target
from packhouse.domain.offers import Words
from packhouse.ports import Json, Ref
from packhouse.settings import Settings

WEB, KNATIVE = "web.example.com", "knative-serving.tce.vmware.com"


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
async def session(cluster: FakeCluster) -> Session:
    for obj in (
        offer(WEB, "1.9.0", displayName="old"),
        offer(WEB, "1.10.0", displayName="web", shortDescription="A web server", longDescription="It is fast."),
        offer(WEB, "2.0.0-rc.1", displayName="rc"),
        offer(KNATIVE, "0.20.0-vmware0"),
        offer(KNATIVE, "0.21.0-vmware0"),
        metadata(WEB, displayName="Web", longDescription="The very web."),
    ):
        await cluster.apply(obj, manager="test")
    return Session(cluster, "demo", Settings(), Target())


def offer(name: str, version: str, *, labels: Json | None = None, **spec: object) -> Json:
    found = {
        "apiVersion": PACKAGE_API,
        "kind": "Package",
        "metadata": {"name": f"{name}.{version}"},
        "spec": {"publicName": name, "version": version, **spec},
    }
    return found if labels is None else {**found, "metadata": {"name": f"{name}.{version}", "labels": labels}}


def metadata(name: str, **spec: object) -> Json:
    return {"apiVersion": PACKAGE_API, "kind": "PackageMetadata", "metadata": {"name": name}, "spec": spec}


async def test_every_package_is_listed_once_and_its_metadata_speaks_first(session: Session) -> None:
    knative, web = await listed(session)

    assert (knative.name, knative.newest) == (KNATIVE, "0.21.0-vmware0")
    assert (web.name, web.newest, web.words) == (WEB, "1.10.0", Words("Web", "A web server"))


async def test_a_list_asks_for_no_whole_package(session: Session, cluster: FakeCluster) -> None:
    cluster.pages = None  # type: ignore[assignment] # whoever asks for it fails

    assert [summary.name for summary in await listed(session)] == [KNATIVE, WEB]
    assert await versions_of(session, WEB) == ["2.0.0-rc.1", "1.10.0", "1.9.0"]


async def test_with_definitions_of_an_older_release_whole_packages_are_read(
    session: Session, cluster: FakeCluster
) -> None:
    del cluster.columns[PACKAGE_KIND]["Display-Name"]

    _, web = await listed(session)

    assert (web.words.display_name, web.words.short_description) == ("Web", "A web server")


@pytest.mark.parametrize(
    ("word", "names"),
    [("very", [WEB]), ("SERVER", [WEB]), ("serving", [KNATIVE]), ("e", [KNATIVE, WEB]), ("old", []), ("fast", [])],
)
async def test_a_word_is_searched_in_what_speaks_for_the_package(session: Session, word: str, names: list[str]) -> None:
    assert [summary.name for summary in await searched(session, word)] == names


async def test_only_the_packages_of_that_name_are_asked_for(session: Session, cluster: FakeCluster) -> None:
    before = cluster.reads

    found = await packages_of(session, WEB)

    assert [package["spec"]["version"] for package in found] == ["2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert cluster.reads - before == 3


@pytest.mark.parametrize(
    ("words", "version"),
    [
        (WEB, "1.10.0"),
        (f"{WEB}/1.9.0", "1.9.0"),
        (f"{WEB}/2.0.0-rc.1", "2.0.0-rc.1"),
        (KNATIVE, "0.21.0-vmware0"),
    ],
)
async def test_a_name_means_its_newest_release_and_a_version_itself(session: Session, words: str, version: str) -> None:
    assert (await find(session, words))["spec"]["version"] == version


async def test_a_version_is_found_with_one_request_and_its_capitals_and_builds_in_the_name(
    session: Session, cluster: FakeCluster
) -> None:
    named = offer(WEB, "1.11.0-RC.1+build.2")
    named["metadata"]["name"] = f"{WEB}.1.11.0-rc.1--build.2"
    await cluster.apply(named, manager="test")
    before = cluster.reads

    assert (await find(session, f"{WEB}/1.11.0-RC.1+build.2"))["spec"]["version"] == "1.11.0-RC.1+build.2"
    assert cluster.reads - before == 1


@pytest.mark.parametrize(
    ("words", "what", "lever"),
    [
        ("web", "there is no package web", f"did you mean {WEB}?"),
        ("knativ-serving.tce.vmware.com", "there is no package knativ-serving.tce.vmware.com", KNATIVE),
        ("zzz/1.0.0", "there is no package zzz", "kubectl package available list"),
        (f"{WEB}/9.0.0", f"package {WEB} has no version 9.0.0", "there are 2.0.0-rc.1, 1.10.0, 1.9.0"),
    ],
)
async def test_what_is_not_there_is_answered_with_what_is(session: Session, words: str, what: str, lever: str) -> None:
    with pytest.raises(NotFound) as refused:
        await find(session, words)

    assert (refused.value.what, refused.value.code) == (what, ExitCode.NOT_FOUND)
    assert lever in refused.value.help


@pytest.mark.parametrize("words", ["", f"{WEB}/", "/1.0.0"])
async def test_half_a_name_is_told_as_such(session: Session, words: str) -> None:
    with pytest.raises(Usage, match="is neither NAME nor NAME/VERSION"):
        await find(session, words)


async def test_a_range_that_nothing_fits_is_answered_with_what_there_is(session: Session) -> None:
    with pytest.raises(NotFound) as refused:
        await choose_for_install(session, WEB, ">=7")

    assert refused.value.what.startswith(f"package {WEB}: no version of 3 satisfies '>=7'")
    assert refused.value.help == "there are 2.0.0-rc.1, 1.10.0, 1.9.0"


async def test_an_empty_catalogue_and_a_cluster_without_the_kind_are_told_apart() -> None:
    empty = Session(FakeCluster(), "demo", Settings(), Target())
    assert await listed(empty) == []
    with pytest.raises(NotFound) as refused:
        await packages_there(empty, WEB)
    assert "add a repository" in refused.value.help

    bare = FakeCluster()
    bare.kinds.clear()
    for ask in (
        listed(Session(bare, "demo", Settings(), Target())),
        find(Session(bare, "", Settings(), Target()), WEB),
    ):
        with pytest.raises(NotFound, match=r"does not know the kind Package \(package.carvel.dev/v1alpha1\)"):
            await ask


@pytest.mark.parametrize(
    ("name", "words", "version", "reference"),
    [
        (WEB, None, "1.10.0", {"versionSelection": {"constraint": "1.10.0"}}),
        (WEB, "1.9.0", "1.9.0", {"version": "1.9.0"}),
        (WEB, "v1.9.0", "1.9.0", {"version": "1.9.0"}),
        (WEB, "2.0.0-rc.1", "2.0.0-rc.1", {"version": "2.0.0-rc.1"}),
        (WEB, "1.x", "1.10.0", {"versionSelection": {"constraint": "1.x"}}),
        (WEB, "<1.10.0", "1.9.0", {"versionSelection": {"constraint": "<1.10.0"}}),
        (WEB, ">1.10.0", "2.0.0-rc.1", {"versionSelection": {"constraint": ">1.10.0", "prereleases": {}}}),
        (KNATIVE, None, "0.21.0-vmware0", {"versionSelection": {"constraint": "0.21.0-vmware0", "prereleases": {}}}),
        (KNATIVE, ">0.19", "0.21.0-vmware0", {"versionSelection": {"constraint": ">0.19", "prereleases": {}}}),
    ],
)
async def test_an_install_asks_for_what_was_said_and_for_nothing_else(
    session: Session, name: str, words: str | None, version: str, reference: Json
) -> None:
    chosen = await choose_for_install(session, name, words)

    assert chosen.package["spec"]["version"] == version
    assert spec_of(chosen) == {"publicName": name, **reference}
    assert chosen.prerelease is ("prereleases" in reference.get("versionSelection", {}))


async def test_versions_that_want_another_kubernetes_are_passed_over(session: Session, cluster: FakeCluster) -> None:
    await cluster.apply(offer(WEB, "1.11.0", kubernetesVersionSelection={"constraint": ">=1.99.0"}), manager="test")

    assert (await choose_for_install(session, WEB, None)).constraint == "1.10.0"
    assert (await choose_for_install(session, WEB, "1.11.0")).version == "1.11.0", "who names it shall have it"

    await cluster.apply(
        offer("new.example.com", "1.0.0", kubernetesVersionSelection={"constraints": ">=1.99.0"}), manager="test"
    )
    with pytest.raises(NoMatchingVersion, match=r"runs on Kubernetes v1\.37\.2") as refused:
        await choose_for_install(session, "new.example.com", None)
    assert trouble_of(refused.value).code is ExitCode.NOT_FOUND


async def test_the_packages_of_a_repository_are_found_by_its_label(session: Session, cluster: FakeCluster) -> None:
    for version in ("1.0.0", "1.1.0"):
        await cluster.apply(offer("a.example.com", version, labels={REPOSITORY_LABEL: "team"}), manager="test")

    found = await versions_by_name(session, label_selector=f"{REPOSITORY_LABEL}=team")

    assert found == {"a.example.com": ["1.1.0", "1.0.0"]}


async def test_a_missing_right_is_said_as_it_is(session: Session, cluster: FakeCluster) -> None:
    def refuse(verb: str, ref: Ref) -> Forbidden | None:
        return Forbidden(f"{verb} {ref.kind.kind}; grant it") if verb == "list" else None

    cluster.refuse = refuse
    with pytest.raises(Forbidden, match="list Package"):
        await listed(session)
    assert await metadata_of(session, WEB) is not None
