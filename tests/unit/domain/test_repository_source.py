"""What a repository follows after a change: the table of decision 0020, row by row."""

from __future__ import annotations

import pytest

from packhouse.api.errors import InvalidConstraint, InvalidSpec
from packhouse.domain.repository_source import Wanted, address_of, changed_source, followed, new_source
from packhouse.ports import Json

HOST = "registry.example.com:5000/team/packages"
DIGEST = f"sha256:{'0' * 64}"


def bundle(image: str, constraint: str = "", **more: Json) -> Json:
    selection = {"tagSelection": {"semver": {"constraints": constraint}}} if constraint else {}
    return {"imgpkgBundle": {"image": image, **selection, **more}}


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        (Wanted(f"{HOST}:1.12"), bundle(f"{HOST}:1.12")),
        (Wanted(HOST), bundle(HOST)),
        (Wanted(HOST, tag="1.12"), bundle(f"{HOST}:1.12")),
        (Wanted(HOST, constraint="1.x"), bundle(HOST, "1.x")),
        (Wanted(f"{HOST}@{DIGEST}"), bundle(f"{HOST}@{DIGEST}")),
        (Wanted(f"{HOST}:1", secret="team"), bundle(f"{HOST}:1", secretRef={"name": "team"})),
    ],
    ids=["a tag in the address", "nothing", "a tag", "a range", "a digest", "a Secret"],
)
def test_a_new_repository_follows_what_is_said(wanted: Wanted, source: Json) -> None:
    assert new_source(wanted) == source


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        (bundle(f"{HOST}:1.12"), Wanted(tag="1.13"), bundle(f"{HOST}:1.13")),
        (bundle(HOST, "1.x"), Wanted(tag="1.13"), bundle(f"{HOST}:1.13")),
        (bundle(f"{HOST}@{DIGEST}"), Wanted(tag="1.13"), bundle(f"{HOST}:1.13")),
        (bundle(f"{HOST}:1.12"), Wanted(constraint="1.x"), bundle(HOST, "1.x")),
        (bundle(f"{HOST}@{DIGEST}"), Wanted(constraint="1.x"), bundle(HOST, "1.x")),
        (bundle(HOST, "1.x"), Wanted(constraint="2.x"), bundle(HOST, "2.x")),
        (bundle(f"{HOST}:1.12"), Wanted("mirror.example.com/a"), bundle("mirror.example.com/a:1.12")),
        (bundle(HOST, "1.x"), Wanted("mirror.example.com/a"), bundle("mirror.example.com/a", "1.x")),
        (bundle(f"{HOST}@{DIGEST}"), Wanted("mirror.example.com/a"), bundle("mirror.example.com/a")),
        (bundle(HOST, "1.x"), Wanted("mirror.example.com/a:2"), bundle("mirror.example.com/a:2")),
        (bundle(HOST, "1.x"), Wanted(f"mirror.example.com/a@{DIGEST}"), bundle(f"mirror.example.com/a@{DIGEST}")),
        (bundle(f"{HOST}:1"), Wanted(secret="new"), bundle(f"{HOST}:1", secretRef={"name": "new"})),
    ],
)
def test_a_change_of_the_source_leaves_what_was_not_said(before: Json, wanted: Wanted, after: Json) -> None:
    assert changed_source(before, wanted) == after


def test_another_range_keeps_which_prereleases_take_part() -> None:
    semver = {"constraints": "1.x", "prereleases": {"identifiers": ["rc"]}}

    changed = changed_source({"image": {"url": HOST, "tagSelection": {"semver": semver}}}, Wanted(constraint="2.x"))

    assert changed == {"image": {"url": HOST, "tagSelection": {"semver": {**semver, "constraints": "2.x"}}}}


def test_a_source_of_git_has_refs_in_the_place_of_tags() -> None:
    url = "https://git.example.com/a.git"

    by_range = changed_source({"git": {"url": url, "ref": "main"}}, Wanted(constraint="1.x"))
    by_ref = changed_source(by_range, Wanted(tag="v2"))

    assert by_range == {"git": {"url": url, "refSelection": {"semver": {"constraints": "1.x"}}}}
    assert by_ref == {"git": {"url": url, "ref": "v2"}}


@pytest.mark.parametrize(
    ("fetch", "wanted", "words"),
    [
        (bundle(HOST), Wanted(tag="1", constraint="1.x"), "name one of the two"),
        (bundle(HOST), Wanted(f"{HOST}:1", tag="2"), "the address names a tag 1"),
        (bundle(HOST), Wanted(f"{HOST}@{DIGEST}", constraint="1.x"), "the address names a digest"),
        (bundle(HOST), Wanted(tag="no tag"), "the tag must be letters"),
        (bundle(HOST), Wanted("https://registry.example.com/a"), "has no scheme"),
        ({"inline": {"paths": {}}}, Wanted(tag="1"), "of the kind inline has no tags; apply another manifest"),
    ],
)
def test_what_cannot_be_followed_is_refused(fetch: Json, wanted: Wanted, words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        changed_source(fetch, wanted)


def test_a_range_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidConstraint, match="=>1"):
        new_source(Wanted(HOST, constraint="=>1"))


@pytest.mark.parametrize(
    ("fetch", "address", "words"),
    [
        (bundle(f"{HOST}:1.12"), HOST, "tag 1.12"),
        (bundle(HOST), HOST, "tag latest"),
        (bundle(HOST, ">=1 <2"), HOST, "tags >=1 <2"),
        (bundle(f"{HOST}:1@{DIGEST}"), HOST, f"digest {DIGEST}"),
        (bundle("oci-layout:///srv/a.tar:1"), "oci-layout:///srv/a.tar", "tag 1"),
        ({"git": {"url": "https://g.example.com/a", "ref": "main"}}, "https://g.example.com/a", "ref main"),
        ({"http": {"url": "https://w.example.com/a.tgz"}}, "https://w.example.com/a.tgz", ""),
        ({"inline": {"paths": {}}}, "inline", ""),
    ],
)
def test_what_is_followed_is_said_in_words(fetch: Json, address: str, words: str) -> None:
    assert (address_of(fetch), followed(fetch)) == (address, words)
