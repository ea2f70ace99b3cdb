"""What newer versions there are for an install. Rows say what it asks for, what there is, and what comes of it."""

from __future__ import annotations

import pytest

from packhouse.domain.catalogue import Entry, Wish
from packhouse.domain.upgrades import Prospect, exact, prospect

NAME = "app.example.com"


def entries(*versions: str, repository: str = "main") -> list[Entry]:
    return [Entry("", f"{NAME}.{version}", version, NAME, version, version, "", repository) for version in versions]


def wish(version: str | None = None, constraint: str | None = None, prereleases: tuple[str, ...] | None = None) -> Wish:
    return Wish(NAME, version, constraint, prereleases, (), False)


@pytest.mark.parametrize(
    ("asked", "known", "expected"),
    [
        (wish("1.0.0"), ("1.0.0", "2.0.0"), Prospect("2.0.0", "1.0.0", "")),
        (wish(constraint="1.0.0"), ("1.0.0", "2.0.0"), Prospect("2.0.0", "1.0.0", "")),
        (wish(constraint="=v1.0.0"), ("1.0.0", "2.0.0"), Prospect("2.0.0", "1.0.0", "")),
        (wish(constraint=">=1.0.0"), ("1.0.0", "2.0.0"), Prospect("2.0.0", "2.0.0", ">=1.0.0")),
        (wish(constraint="1.x"), ("1.0.0", "1.1.0", "2.0.0"), Prospect("2.0.0", "1.1.0", "1.x")),
        (wish("1.0.0", "1.x"), ("1.0.0", "1.1.0", "2.0.0"), Prospect("1.1.0", "1.0.0", "")),
        (wish("1.0.0"), ("1.0.0", "2.0.0-rc.1"), Prospect("1.0.0", "1.0.0", "")),
        (wish("1.0.0-rc.1"), ("1.0.0-rc.1", "1.0.0-rc.2"), Prospect("1.0.0-rc.2", "1.0.0-rc.1", "")),
        (wish(constraint="1.0.0-a", prereleases=()), ("1.0.0-a", "1.0.0-b"), Prospect("1.0.0-b", "1.0.0-a", "")),
        (wish("3.0.0"), ("1.0.0",), Prospect("1.0.0", "", "")),
        (wish("1.0.0"), (), Prospect("", "", "")),
    ],
    ids=[
        "a version",
        "a constraint that names a version",
        "in other words",
        "a range that takes the newest",
        "a range that does not",
        "a version within a limit",
        "a prerelease is no upgrade of a release",
        "but of another prerelease",
        "prereleases that are asked for",
        "what it names is gone",
        "nothing is known",
    ],
)
def test_the_newest_is_what_the_install_may_take(asked: Wish, known: tuple[str, ...], expected: Prospect) -> None:
    assert prospect(asked, entries(*known)) == expected


def test_a_repository_that_it_does_not_follow_offers_it_nothing() -> None:
    has = Wish(NAME, "1.0.0", None, None, (), False, f"{NAME}.1.0.0", "main", "1.0.0", "1.0.0")

    found = prospect(has, [*entries("1.0.0", "1.1.0"), *entries("99.0.0", repository="other")])

    assert found.newest == "1.1.0"


def test_only_a_higher_version_exceeds_another() -> None:
    assert Prospect("2.0.0", "", "").exceeds("1.0.0")
    assert Prospect("2.0.0", "", "").exceeds("")
    assert not Prospect("2.0.0", "", "").exceeds("2.0.0")
    assert not Prospect("", "", "").exceeds("")


@pytest.mark.parametrize(("words", "version"), [("= 1.0.0", "1.0.0"), ("1.0", None), (">1.0.0", None), ("", None)])
def test_a_constraint_may_name_one_version(words: str, version: str | None) -> None:
    assert exact(words) == version
