"""Which Package an install takes: versions named or selected, downgrades, and whom an install trusts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from packhouse.api.errors import DowngradeRefused, InvalidConstraint, NoMatchingVersion, PackageNotFound, PackhouseError
from packhouse.domain.catalogue import Choice, Entry, Wish, choose

NAME = "web.example.com"


def entry(version: str, repository: str | None = "main", *others: str) -> Entry:
    name = f"{NAME}.{version.lower().replace('+', '--')}"
    return Entry("", name, f"uid-{version}", NAME, version, f"digest-{version}", "", repository, others)


def wish(**asked: Any) -> Wish:
    nothing: dict[str, Any] = {
        "public_name": NAME,
        "version": None,
        "constraint": None,
        "prereleases": None,
        "repositories": (),
        "downgradable": False,
    }
    return Wish(**{**nothing, **asked})


KNOWN = [entry("1.0.0"), entry("1.1.0"), entry("2.0.0-rc.1"), entry("1.0.1")]
INSTALLED = {"recorded_package": f"{NAME}.1.0.0", "recorded_repository": "main", "last_attempted": "1.0.0"}


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        pytest.param({"version": "1.0.0"}, "1.0.0", id="the version that is named"),
        pytest.param({"version": "2.0.0-rc.1"}, "2.0.0-rc.1", id="a prerelease that is named"),
        pytest.param({"constraint": ">=1.0.0"}, "1.1.0", id="the highest release of a constraint"),
        pytest.param(
            {"constraint": ">=1.0.0", "prereleases": ()}, "2.0.0-rc.1", id="prereleases where they are asked for"
        ),
        pytest.param({"constraint": "~1.0"}, "1.0.1", id="the highest within a series"),
        pytest.param({"version": "1.0.0", "constraint": ">=1.0.0"}, "1.0.0", id="both: the version is taken"),
        pytest.param({"constraint": "*"}, "1.1.0", id="any"),
    ],
)
def test_an_install_takes(asked: dict[str, Any], version: str) -> None:
    assert choose(wish(**asked), KNOWN) == Choice(entry(version), "main")


@pytest.mark.parametrize(
    ("asked", "known", "error", "word"),
    [
        pytest.param({"version": "1.0.0"}, [], PackageNotFound, NAME, id="nothing of that name"),
        pytest.param({"version": "3.0.0"}, KNOWN, PackageNotFound, "no version 3.0.0", id="no such version"),
        pytest.param({"constraint": ">3.0.0"}, KNOWN, NoMatchingVersion, "1.1.0|2.0.0", id="no version matches"),
        pytest.param({"constraint": ">=2.0.0"}, KNOWN, NoMatchingVersion, "2.0.0-rc.1", id="only a prerelease matches"),
        pytest.param({}, KNOWN, InvalidConstraint, "neither", id="nothing is asked for"),
        pytest.param(
            {"version": "1.0.0", "constraint": ">1.0.0"}, KNOWN, InvalidConstraint, "contradicts", id="a contradiction"
        ),
        pytest.param(
            {"version": "1.0.0", "constraint": ">1.0.0"}, [], InvalidConstraint, "contradicts", id="before all else"
        ),
        pytest.param(
            {"constraint": "nonsense"}, KNOWN, InvalidConstraint, "nonsense", id="a constraint that cannot be read"
        ),
        pytest.param({"version": "latest"}, KNOWN, InvalidConstraint, "latest", id="a version that cannot be read"),
    ],
)
def test_an_install_is_told(asked: dict[str, Any], known: list[Entry], error: type[PackhouseError], word: str) -> None:
    with pytest.raises(error, match=word):
        choose(wish(**asked), known)


def test_build_metadata_tells_versions_apart() -> None:
    known = [entry("1.0.0+vmware.2"), entry("1.0.0+vmware.10")]
    assert choose(wish(version="1.0.0+vmware.2"), known).entry == known[0]
    assert choose(wish(constraint=">=1.0.0"), known).entry == known[1]


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        pytest.param({"constraint": "<1.1.0"}, KNOWN, id="the constraint was lowered"),
        pytest.param({"constraint": ">=1.0.0"}, [entry("1.0.0")], id="the higher version was withdrawn"),
        pytest.param({"version": "1.0.0"}, KNOWN, id="a lower version is named"),
    ],
)
def test_a_downgrade_needs_the_annotation(asked: dict[str, Any], known: list[Entry]) -> None:
    installed = {**INSTALLED, "last_attempted": "1.1.0"}
    with pytest.raises(DowngradeRefused, match="downgradable"):
        choose(wish(**installed, **asked), known)
    assert choose(wish(**installed, **asked | {"downgradable": True}), known).entry.version < "1.1.0"


@pytest.mark.parametrize(
    ("asked", "known", "version", "followed"),
    [
        pytest.param({}, [entry("1.0.0"), entry("9.0.0", "evil")], "9.0.0", "evil", id="the first time, anybody"),
        pytest.param(
            INSTALLED, [entry("1.0.0"), entry("9.0.0", "evil")], "1.0.0", "main", id="then the same repository"
        ),
        pytest.param(INSTALLED, [entry("1.0.0"), entry("1.1.0", "main", "evil")], "1.1.0", "main", id="which owns it"),
        pytest.param(
            INSTALLED, [entry("1.0.0"), entry("1.1.0", "evil", "main")], "1.1.0", "main", id="or which shares it"
        ),
        pytest.param(
            INSTALLED, [entry("1.0.0"), entry("1.2.0", None)], "1.2.0", None, id="who has rights in the cluster"
        ),
        pytest.param(
            {**INSTALLED, "repositories": ("beta",)},
            [entry("1.0.0"), entry("1.5.0", "beta")],
            "1.5.0",
            "beta",
            id="whom it names",
        ),
        pytest.param(
            {"repositories": ("beta",)}, [entry("9.0.0"), entry("1.5.0", "beta")], "1.5.0", "beta", id="and nobody else"
        ),
        pytest.param(
            {"repositories": ("beta",)},
            [entry("9.0.0", None), entry("1.5.0", "beta")],
            "1.5.0",
            "beta",
            id="not even by hand",
        ),
    ],
)
def test_an_install_trusts(asked: dict[str, Any], known: list[Entry], version: str, followed: str | None) -> None:
    choice = choose(wish(constraint=">=1.0.0", **asked), known)
    assert (choice.entry.version, choice.repository) == (version, followed)


def test_a_version_named_exactly_may_come_from_anybody() -> None:
    known = [entry("1.0.0"), entry("2.0.0", "another")]
    assert choose(wish(version="2.0.0", **INSTALLED), known) == Choice(known[1], "another")


def test_the_installed_version_itself_may_not_change_hands() -> None:
    with pytest.raises(PackageNotFound, match="offered by evil, and this install follows main"):
        choose(wish(version="1.0.0", **INSTALLED), [entry("1.0.0", "evil")])


def test_an_install_of_what_was_made_by_hand_follows_no_repository() -> None:
    installed = {**INSTALLED, "recorded_repository": None}
    with pytest.raises(PackageNotFound, match=r"made by hand.*packageRef.repositories"):
        choose(wish(constraint=">=1.0.0", **installed), [entry("9.0.0", "evil")])
    assert (
        choose(wish(constraint=">=1.0.0", **installed), [entry("1.0.0", None), entry("9.0.0", "evil")]).repository
        is None
    )


def test_an_untrusted_package_made_by_hand_is_said_to_be_of_no_repository() -> None:
    with pytest.raises(PackageNotFound, match="offered by no repository, and this install follows beta"):
        choose(wish(constraint="*", repositories=("beta",)), [entry("1.0.0", None)])


def test_the_content_that_is_installed_stays_trusted_when_its_repository_goes_and_another_offers_the_same() -> None:
    installed = {**INSTALLED, "recorded_digest": "digest-1.0.0"}
    heir = [entry("1.0.0", "other"), entry("1.1.0", "other")]
    chosen = choose(wish(constraint=">=1.0.0", **installed), heir)
    assert chosen.entry == entry("1.0.0", "other")
    assert chosen.repository == "main"  # the heir is not followed, or offering the same would be a way in
    assert "1.1.0 is offered by other" in chosen.passed_over


def test_other_content_under_the_installed_name_is_an_upgrade_and_is_not_taken_from_another_repository() -> None:
    installed = {**INSTALLED, "recorded_digest": "digest-of-before"}
    with pytest.raises(PackageNotFound, match="offered by other"):
        choose(wish(version="1.0.0", **installed), [entry("1.0.0", "other")])


def test_versions_that_do_not_run_on_this_kubernetes_are_passed_over() -> None:
    known = [replace(entry("1.0.0"), kubernetes=">=1.20.0"), replace(entry("1.1.0"), kubernetes=">=1.99.0")]
    chosen = choose(wish(constraint="*", kubernetes="v1.37.2+k3s1"), known)
    assert chosen.entry.version == "1.0.0"
    with pytest.raises(NoMatchingVersion, match=r"runs on Kubernetes v1\.10\.0"):
        choose(wish(constraint="*", kubernetes="v1.10.0"), known)
    assert choose(wish(constraint="*"), known).entry.version == "1.1.0"  # the cluster's version is not known yet
