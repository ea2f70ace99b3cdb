"""What is shown of a catalogue, and what is meant by a name."""

from __future__ import annotations

import pytest

from packhouse.api.errors import NoMatchingVersion
from packhouse.domain.offers import Offer, Words, nearest, newest_first, newest_of, summaries

NAMES = ["contour.community.tanzu.vmware.com", "cert-manager.community.tanzu.vmware.com", "grafana.example.com"]


def test_a_package_is_one_line_and_its_newest_release_speaks() -> None:
    offers = [
        Offer("web.example.com", "1.9.0", Words("old", "old words")),
        Offer("web.example.com", "1.10.0", Words("web", "new words")),
        Offer("web.example.com", "2.0.0-rc.1", Words("rc", "rc words")),
        Offer("app.example.com", "0.1.0-alpha", Words("app")),
    ]

    app, web = summaries(offers, {})

    assert (app.name, app.newest, app.words.display_name) == ("app.example.com", "0.1.0-alpha", "app")
    assert (web.name, web.newest, web.words) == ("web.example.com", "1.10.0", Words("web", "new words"))
    assert list(web.versions) == ["2.0.0-rc.1", "1.10.0", "1.9.0"]


def test_what_the_metadata_says_goes_first_and_what_it_leaves_out_is_filled_in() -> None:
    offers = [Offer("web.example.com", "1.0.0", Words("web", "of the version"))]

    [web] = summaries(offers, {"web.example.com": Words("Web", "", "long"), "gone.example.com": Words("Gone")})

    assert web.words == Words("Web", "of the version", "long")


@pytest.mark.parametrize(
    ("word", "found"),
    [("WEB", True), ("proxy", True), ("Reverse", True), ("nothing", False)],
)
def test_a_word_is_looked_for_in_all_that_is_said_whatever_its_capitals(word: str, found: bool) -> None:
    [web] = summaries([Offer("web.example.com", "1.0.0", Words("", "a reverse thing", "like a Proxy"))], {})

    assert web.tells_of(word) is found


def test_versions_are_ordered_by_precedence_and_not_as_text() -> None:
    assert newest_first(["1.9.0", "1.10.0", "1.10.0-rc.1", "1.10.0+build.2"]) == [
        "1.10.0+build.2",
        "1.10.0",
        "1.10.0-rc.1",
        "1.9.0",
    ]


@pytest.mark.parametrize(
    ("versions", "constraint", "chosen"),
    [
        (["1.0.0", "2.0.0-rc.1"], "*", ("1.0.0", False)),
        (["0.20.0-vmware0", "0.21.0-vmware0"], "*", ("0.21.0-vmware0", True)),
        (["1.0.0", "2.0.0-rc.1"], ">1.0.0", ("2.0.0-rc.1", True)),
        (["1.0.0", "1.1.0-rc.1"], "1.1.0-rc.1", ("1.1.0-rc.1", True)),
    ],
)
def test_the_newest_release_is_taken_and_a_prerelease_where_no_release_fits(
    versions: list[str], constraint: str, chosen: tuple[str, bool]
) -> None:
    assert newest_of(versions, constraint) == chosen


def test_what_no_version_satisfies_is_refused() -> None:
    with pytest.raises(NoMatchingVersion, match=r"highest is 1\.0\.0"):
        newest_of(["1.0.0"], ">=2")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("contour", ["contour.community.tanzu.vmware.com"]),
        ("contuor.community.tanzu.vmware.com", ["contour.community.tanzu.vmware.com"]),
        ("certmanager", ["cert-manager.community.tanzu.vmware.com"]),
        ("graf", ["grafana.example.com"]),
        ("zzz", []),
    ],
)
def test_the_nearest_names_are_those_that_may_have_been_meant(word: str, meant: list[str]) -> None:
    assert nearest(word, NAMES)[:1] == meant
