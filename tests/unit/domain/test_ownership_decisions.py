"""Who owns a catalogue document: one row per decision, the patches that hand it over, and the order of revisions."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.api.names import ALSO_OFFERED_BY, PACKAGE, PACKAGE_API, PACKAGE_METADATA, REPOSITORY_LABEL, REVISION
from packhouse.domain.catalogue import Entry
from packhouse.domain.ownership import (
    Action,
    content_digest,
    decide,
    entry_of,
    handing_over,
    holding,
    leave,
    marked,
    revision_key,
)
from packhouse.ports import Json

ME, OTHER, THIRD = "mine", "other", "third"
NAME = "web.example.com.1.0.0"


def doc(text: str = "same", revision: str = "", **metadata: Any) -> Json:
    annotations = {REVISION: revision} if revision else {}
    return {
        "apiVersion": PACKAGE_API,
        "kind": PACKAGE,
        "metadata": {"name": NAME, "annotations": annotations, **metadata},
        "spec": {"publicName": "web.example.com", "version": "1.0.0", "longDescription": text},
    }


def live(owner: str | None, *others: str, text: str = "same", revision: str = "") -> Entry:
    return entry_of(marked(doc(text, revision), owner, others))


@pytest.mark.parametrize(
    ("offer", "entry", "action", "owner", "others"),
    [
        pytest.param(doc(), None, Action.CREATE, ME, "", id="nobody offers it yet"),
        pytest.param(doc(), live(ME), Action.KEEP, None, "", id="mine as it should be"),
        pytest.param(doc(), live(ME, OTHER), Action.KEEP, None, "", id="mine, and another shares it"),
        pytest.param(doc("new"), live(ME), Action.CONFIGURE, ME, "", id="mine, with new content"),
        pytest.param(
            doc("new"), live(ME, OTHER), Action.CONFIGURE, ME, "", id="who shared the old content shares no more"
        ),
        pytest.param(doc(), live(OTHER), Action.SHARE, OTHER, ME, id="another's, the same"),
        pytest.param(doc(), live(OTHER, THIRD), Action.SHARE, OTHER, f"{THIRD},{ME}", id="a third one shares too"),
        pytest.param(doc(), live(OTHER, ME), Action.KEEP, None, "", id="shared by me already"),
        pytest.param(doc(), live(None), Action.SHARE, None, ME, id="made by hand, the same"),
        pytest.param(doc(), live(None, ME), Action.KEEP, None, "", id="made by hand, shared by me"),
        pytest.param(doc("new"), live(None), Action.CONFLICT, None, "", id="made by hand, other content"),
        pytest.param(
            doc("new", "9"), live(None), Action.CONFLICT, None, "", id="made by hand, no revision takes it over"
        ),
        pytest.param(doc("new"), live(OTHER), Action.CONFLICT, None, "", id="another's, other content, no revisions"),
        pytest.param(
            doc("new", "1"), live(OTHER, text="old", revision="1"), Action.CONFLICT, None, "", id="same revision"
        ),
        pytest.param(doc("new", "2"), live(OTHER, revision="1"), Action.TAKE_OVER, ME, "", id="my revision is higher"),
        pytest.param(doc("same", "2"), live(OTHER), Action.TAKE_OVER, ME, "", id="a revision is content too"),
        pytest.param(doc("new", "1"), live(OTHER, revision="2"), Action.SUPERSEDED, None, "", id="theirs is higher"),
        pytest.param(doc("new"), live(OTHER, revision="2"), Action.SUPERSEDED, None, "", id="mine has none"),
    ],
)
def test_what_is_offered(offer: Json, entry: Entry | None, action: Action, owner: str | None, others: str) -> None:
    known = {NAME: entry} if entry is not None else {}

    [step] = decide(ME, [offer], known, kind=PACKAGE, may_remove=True)

    assert (step.kind, step.name, step.action, step.entry) == (PACKAGE, NAME, action, entry)
    writes = action in (Action.CREATE, Action.CONFIGURE, Action.SHARE, Action.TAKE_OVER)
    assert (step.doc is not None) is writes
    if step.doc is not None:
        assert step.doc["metadata"]["labels"].get(REPOSITORY_LABEL) == owner
        assert step.doc["metadata"]["annotations"].get(ALSO_OFFERED_BY, "") == others
        assert step.doc["spec"] == offer["spec"]


@pytest.mark.parametrize(
    ("entry", "action"),
    [
        pytest.param(live(ME), Action.REMOVE, id="mine alone"),
        pytest.param(live(ME, OTHER), Action.PASS_ON, id="mine, and another offers it"),
        pytest.param(live(OTHER, ME), Action.RELEASE, id="another's, shared by me"),
        pytest.param(live(None, ME), Action.RELEASE, id="made by hand, shared by me"),
        pytest.param(live(ME, ME), Action.REMOVE, id="mine, and nobody but me shares it"),
    ],
)
def test_what_is_no_longer_offered(entry: Entry, action: Action) -> None:
    [step] = decide(ME, [], {NAME: entry}, kind=PACKAGE, may_remove=True)
    assert step.action is action
    assert leave(ME, entry, kind=PACKAGE) == step


@pytest.mark.parametrize("entry", [live(ME), live(ME, OTHER), live(OTHER, ME)])
def test_nothing_leaves_while_a_document_is_bad(entry: Entry) -> None:
    assert decide(ME, [], {NAME: entry}, kind=PACKAGE, may_remove=False) == []


@pytest.mark.parametrize("entry", [live(OTHER), live(None), live(OTHER, THIRD)])
def test_what_is_not_mine_is_left_alone(entry: Entry) -> None:
    assert decide(ME, [], {NAME: entry}, kind=PACKAGE, may_remove=True) == []


LABEL = "/metadata/labels/install.package.carvel.dev~1repository"
OTHERS = "/metadata/annotations/install.package.carvel.dev~1also-offered-by"


def test_an_owner_that_leaves_names_the_first_sharer_as_heir() -> None:
    assert handing_over(ME, live(ME, OTHER, THIRD)) == [
        {"op": "test", "path": OTHERS, "value": "other,third"},
        {"op": "test", "path": LABEL, "value": ME},
        {"op": "replace", "path": LABEL, "value": OTHER},
        {"op": "replace", "path": OTHERS, "value": THIRD},
    ]


def test_the_last_sharer_becomes_the_owner_and_the_list_goes() -> None:
    assert handing_over(ME, live(ME, OTHER)) == [
        {"op": "test", "path": OTHERS, "value": OTHER},
        {"op": "test", "path": LABEL, "value": ME},
        {"op": "replace", "path": LABEL, "value": OTHER},
        {"op": "remove", "path": OTHERS},
    ]


def test_an_owner_that_stands_in_its_own_list_is_not_its_own_heir() -> None:
    operations = handing_over(ME, live(ME, ME, OTHER))
    assert {"op": "replace", "path": LABEL, "value": OTHER} in operations
    assert operations[-1] == {"op": "remove", "path": OTHERS}


def test_a_sharer_that_leaves_touches_the_list_alone() -> None:
    assert handing_over(ME, live(OTHER, THIRD, ME)) == [
        {"op": "test", "path": OTHERS, "value": "third,mine"},
        {"op": "replace", "path": OTHERS, "value": THIRD},
    ]


def test_revisions_are_ordered_by_number_and_none_is_the_lowest() -> None:
    ordered = ["", "alpha", "beta", "1", "1.2", "1.9", "1.10", "2", "10.0"]
    assert sorted(set(ordered), key=revision_key) == ordered


def test_revisions_that_mean_the_same_are_equal() -> None:
    assert revision_key("1.0") == revision_key("1-0") == revision_key("01.0")


@pytest.mark.parametrize(
    "revision", ["\u00b2", "\u0661", "9" * 5000, "-", "."], ids=["no number", "another script", "long", "dash", "dot"]
)
def test_any_text_is_a_revision(revision: str) -> None:
    assert revision_key(revision) >= revision_key("")


def test_what_others_add_to_a_document_is_not_its_content() -> None:
    original = doc()
    assert content_digest(marked(original, OTHER, (ME,))) == content_digest(original)
    assert content_digest(doc(labels={"team": "x"})) == content_digest(original)
    assert content_digest(doc(revision="1")) != content_digest(original)
    assert content_digest(doc("new")) != content_digest(original)


def test_an_entry_of_metadata_goes_by_its_name() -> None:
    entry = entry_of({"kind": PACKAGE_METADATA, "metadata": {"name": "web.example.com", "uid": "u"}, "spec": {}})
    assert (entry.public_name, entry.version, entry.repository, entry.also_offered_by) == (
        "web.example.com",
        "",
        None,
        (),
    )


def test_a_repository_holds_what_it_owns_and_what_it_shares() -> None:
    known = {"a": live(ME), "b": live(OTHER, ME), "c": live(OTHER), "d": live(None)}
    assert set(holding(ME, known)) == {"a", "b"}
