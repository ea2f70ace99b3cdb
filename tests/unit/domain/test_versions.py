"""Versions: the order, the ranges, the selection, and the answers of the originals. Nothing is faked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from packhouse.api.errors import InvalidConstraint, NoMatchingVersion
from packhouse.domain import versions

KNOWN = ["0.20.0", "0.21.0-vmware0", "0.21.0", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.2.5", "2.0.0-rc.1", "2.0.0", "3.1.0"]


def conformance() -> dict[str, Any]:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "conformance"
    vectors = Path(os.environ.get("PACKHOUSE_CONFORMANCE", beside)) / "versions.json"
    if not vectors.is_file():
        pytest.skip("no conformance data here")
    loaded: dict[str, Any] = json.loads(vectors.read_text())
    return loaded


def taken(constraint: str, known: list[str] = KNOWN) -> list[str]:
    return [version for version in known if versions.satisfies(version, constraint)]


# ---- the answers of the originals ---------------------------------------------------------------------------------

#: docs/decisions/0003-version-ranges.md says why we take the older answer here.
AS_THE_OLDER = {("1.0.0-rc2", "1.0.0-rc10"), ">=1.0.0-0"}


def test_versions_compare_as_the_originals_do() -> None:
    for vector in conformance()["compare"]:
        pair = (vector["a"], vector["b"])
        expected = vector["vendored"] if pair in AS_THE_OLDER else vector["head"]
        assert (pair, versions.compare(*pair)) == (pair, expected)


def test_ranges_take_what_the_originals_take() -> None:
    vectors = conformance()
    refused = []
    for vector in vectors["range"]:
        constraint = vector["constraint"]
        answer = "vendored" if constraint in AS_THE_OLDER else "head"
        if f"{answer}_error" in vector:
            refused.append(constraint)
            continue
        assert (constraint, taken(constraint, vectors["range_set"])) == (constraint, vector[answer])
    assert sorted(constraint for constraint in refused if not is_read(constraint)) == ["=>1.0.0", "||"]


def is_read(constraint: str) -> bool:
    try:
        versions.satisfies("1.0.0", constraint)
    except InvalidConstraint:
        return False
    return True


def test_selection_answers_as_the_originals_do_wherever_these_answer() -> None:
    for vector in conformance()["select"]:
        if "head" in vector:
            found = versions.select(vector["versions"], vector["constraints"], vector["prereleases"])
            assert (vector["constraints"], found) == (vector["constraints"], vector["head"])


# ---- the order ------------------------------------------------------------------------------------------------------

number = st.integers(0, 12).map(str)
word = st.text("abcrxyzAB019-", min_size=1, max_size=4)
alphanumeric = word.filter(lambda text: not text.isdigit())
prerelease = st.one_of(
    st.just(""),
    st.lists(number | alphanumeric | st.just("rc"), min_size=1, max_size=3).map(lambda ids: "-" + ".".join(ids)),
)
build = st.one_of(
    st.just(""),
    st.lists(number | word | st.sampled_from(["33-rc", "rc", "10-tkg", "2-tkg", "alpha"]), min_size=1, max_size=3).map(
        lambda ids: "+" + ".".join(ids)
    ),
)
version = st.builds("{}.{}.{}{}{}".format, number, number, number, prerelease, build)
term = st.builds(
    "{}{}".format,
    st.sampled_from(["", "=", "!=", ">", ">=", "<", "<=", "^", "~"]),
    st.one_of(version, st.builds("{}.{}.x".format, number, number), st.builds("{}.x".format, number), number),
)
constraint = st.lists(st.lists(term, min_size=1, max_size=2).map(" ".join), min_size=1, max_size=2).map(" || ".join)


@given(version, version)
def test_the_order_is_antisymmetric(a: str, b: str) -> None:
    assert versions.compare(a, b) == -versions.compare(b, a)


@given(version, version, version)
def test_the_order_is_transitive(a: str, b: str, c: str) -> None:
    low, middle, high = versions.sort([a, b, c])
    assert versions.compare(low, middle) <= 0
    assert versions.compare(middle, high) <= 0
    assert versions.compare(low, high) <= 0


@given(version, version)
def test_without_build_metadata_the_order_is_that_of_semantic_versioning(a: str, b: str) -> None:
    a, b = a.partition("+")[0], b.partition("+")[0]
    assert versions.compare(a, b) == semver.Version.parse(a).compare(b)


def test_build_metadata_is_ordered_naturally() -> None:
    ascending = [
        "1.0.0-rc.1+9",
        "1.0.0",
        "1.0.0+2",
        "1.0.0+10",
        "1.0.0+2a",
        "1.0.0+ab2",
        "1.0.0+ab10",
        "1.0.0+v1.32",
        "1.0.0+v1.33-rc.2",
        "1.0.0+v1.33-rc.10",
        "1.0.0+v1.33",
        "1.0.0+vmware.1",
        "1.0.0+vmware.1-tkg.1-rc.1",
        "1.0.0+vmware.1-tkg.1",
        "1.0.0+vmware.2-tkg.1",
        "1.0.0+vmware.10-tkg.1",
        "1.0.1-alpha",
    ]
    assert versions.sort(reversed(ascending)) == ascending


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3+",
        "1.2.3 ",
        "1.2.3\n",
        "1.٣.0",
        "latest",
        "1." * 200,
    ],
)
def test_what_is_no_semantic_version_is_none(text: str) -> None:
    assert not versions.is_version(text)
    with pytest.raises(InvalidConstraint, match="cannot be read"):
        versions.compare(text, "1.0.0")


def test_a_leading_v_is_read_everywhere_but_makes_no_version_of_a_package() -> None:
    assert versions.compare("v1.0.0", "1.0.0") == 0
    assert versions.satisfies("v1.31.4+k3s1", ">=v1.31.0")
    assert versions.core("v1.31.4+k3s1") == "1.31.4"
    assert not versions.is_version("v1.0.0")
    assert versions.is_version("1.0.0+vmware.1-tkg.1")


def test_the_highest_of_all_counts_prereleases_and_skips_what_is_no_version() -> None:
    assert versions.highest(["1.0.0", "latest", "1.1.0-rc.1"]) == "1.1.0-rc.1"
    assert versions.highest(["latest"]) is None


# ---- ranges ---------------------------------------------------------------------------------------------------------

RANGES = {
    "": KNOWN,
    "*": KNOWN,
    "X": KNOWN,
    "x.x": KNOWN,
    ">=x": KNOWN,
    "1": ["1.0.0", "1.2.0", "1.2.5", "2.0.0-rc.1"],
    "1.x.x": ["1.0.0", "1.2.0", "1.2.5", "2.0.0-rc.1"],
    "=1.2": ["1.2.0", "1.2.5"],
    "1.2.*": ["1.2.0", "1.2.5"],
    ">0.20": KNOWN[1:],
    ">=1.2": ["1.2.0", "1.2.5", "2.0.0-rc.1", "2.0.0", "3.1.0"],
    "<1": ["0.20.0", "0.21.0-vmware0", "0.21.0", "1.0.0-rc.1"],
    "<=0.20": ["0.20.0"],
    "!=1.2": [known for known in KNOWN if not known.startswith("1.2")],
    "!0.x": ["1.0.0", "1.2.0", "1.2.5", "2.0.0-rc.1", "2.0.0", "3.1.0"],
    "! 1.0.0": [known for known in KNOWN if known != "1.0.0"],
    "^1.0.0": ["1.0.0", "1.2.0", "1.2.5"],
    "^0.20.0": ["0.20.0"],
    "^0.21": ["0.21.0-vmware0", "0.21.0"],
    "^0.0": [],
    "^0": ["0.20.0", "0.21.0-vmware0", "0.21.0"],
    "~1.2.1": ["1.2.5"],
    "~1.2": ["1.2.0", "1.2.5"],
    "~1": ["1.0.0-rc.1", "1.0.0", "1.2.0", "1.2.5"],
    "^ v1.2.0": ["1.2.0", "1.2.5"],
    ">=1.0.0, <1.2.5": ["1.0.0", "1.2.0"],
    ">= 1.0.0   <1.2.5": ["1.0.0", "1.2.0"],
    ">1.2.5 <2.0.0-rc.2||=3.1.0": ["2.0.0-rc.1", "3.1.0"],
    ">1.0.0 <2.0.0-0 !1.2.0 || 3.1.0": ["1.2.5", "3.1.0"],
    "2.0.0-rc.1": ["2.0.0-rc.1"],
    "1.0.0+build": [],
    "<1.0.0 >2.0.0": [],
}


@pytest.mark.parametrize(("text", "expected"), RANGES.items())
def test_a_range_takes_these(text: str, expected: list[str]) -> None:
    assert taken(text) == expected


def test_an_x_in_a_prerelease_or_in_build_metadata_is_a_letter() -> None:
    assert taken("1.2.3-x.x", ["1.2.3-x.x", "1.2.3-x.y"]) == ["1.2.3-x.x"]
    assert taken("1.2.3+vmware.x", ["1.2.3+vmware.1", "1.2.3+vmware.x"]) == ["1.2.3+vmware.x"]


def test_a_series_begins_before_its_prereleases_but_behind_its_release_candidates() -> None:
    known = ["1.2.0-alpha", "1.2.0-rc.1", "1.2.0", "1.3.0-alpha", "1.3.0-rc.1", "1.3.0"]
    assert taken("1.2.x", known) == ["1.2.0-alpha", "1.2.0", "1.3.0-rc.1"]
    assert taken("~1.2", known) == ["1.2.0-alpha", "1.2.0-rc.1", "1.2.0"]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("=>1.0.0", "=>1.0.0"),
        ("~>1.0", "~>1.0"),
        (">=1.0.0 <<2.0.0", "<<2.0.0"),
        ("1.0.0 - 2.0.0", "-"),
        (">=1.0.0<2.0.0", ">=1.0.0<2.0.0"),
        ("1.x.3", "1.x.3"),
        ("x.2", "x.2"),
        ("1.2.x-rc.1", "1.2.x-rc.1"),
        ("1.2-rc.1", "1.2-rc.1"),
        ("1.02", "1.02"),
        ("1.2.03", "1.2.03"),
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3-", "1.2.3-"),
        (">x", ">x"),
        ("!*", "!*"),
        (">", ">"),
        ("latest", "latest"),
        ("1.0.0 ||", "||"),
        ("|| 1.0.0", "||"),
        ("1.0.0 || || 2.0.0", "||"),
        (",", ","),
        (">=1.0.0,", ","),
        ("1.٣", "1.٣"),
    ],
)
def test_a_constraint_that_cannot_be_read_is_refused_by_its_term(text: str, term: str) -> None:
    with pytest.raises(InvalidConstraint) as refused:
        versions.satisfies("1.0.0", text)
    assert repr(term)[1:-1] in refused.value.message
    assert "write an operator" in refused.value.message


def test_an_endless_constraint_is_refused_and_not_quoted() -> None:
    with pytest.raises(InvalidConstraint, match="at most 1000 are read") as refused:
        versions.select(KNOWN, "1.0.0 || " * 10_000)
    assert len(refused.value.message) < 200


@given(constraint, version)
def test_a_negated_term_takes_exactly_what_the_term_does_not(text: str, candidate: str) -> None:
    bare = text.split()[0].lstrip("=!<>^~")
    assert versions.satisfies(candidate, f"!={bare}") is not versions.satisfies(candidate, f"={bare}")


@given(st.text(max_size=30))
def test_any_text_is_either_read_or_refused_by_our_own_error(text: str) -> None:
    try:
        versions.select(KNOWN, text)
    except (InvalidConstraint, NoMatchingVersion) as refused:
        assert refused.message


# ---- selection ------------------------------------------------------------------------------------------------------


@given(
    st.lists(version, min_size=1, max_size=6),
    constraint,
    st.none() | st.lists(st.sampled_from(["rc", "a", "b"]), max_size=2),
)
def test_what_is_selected_is_known_satisfies_the_constraint_and_is_the_highest(
    known: list[str], text: str, prereleases: list[str] | None
) -> None:
    try:
        found = versions.select(known, text, prereleases)
    except NoMatchingVersion:
        assert prereleases != [] or taken(text, known) == []
        return
    assert found in known
    assert versions.satisfies(found, text)
    if prereleases == []:
        assert all(versions.compare(other, found) <= 0 for other in taken(text, known))


def orders() -> Iterator[tuple[str, ...]]:
    return permutations(["v1.0.0", "1.0.0", "1.0.0+01", "1.0.0+1", "latest"])


def test_the_order_in_which_versions_are_known_does_not_matter() -> None:
    assert {versions.select(order, "*") for order in orders()} == {"1.0.0+1"}
    assert {versions.select(order, "=1.0.0") for order in orders()} == {"v1.0.0"}


def test_a_prerelease_is_selected_only_by_policy_or_by_its_exact_name() -> None:
    known = ["1.0.0", "1.1.0-rc.1", "1.1.0-beta.2", "1.1.0-rc2"]
    assert versions.select(known, ">=1.0.0") == "1.0.0"
    assert versions.select(known, ">=1.0.0", []) == "1.1.0-rc2"
    assert versions.select(known, ">=1.0.0", ["rc"]) == "1.1.0-rc.1"
    assert versions.select(known, ">=1.0.0", ["beta", "gamma"]) == "1.1.0-beta.2"
    assert versions.select(known, ">=1.0.0", ["gamma"]) == "1.0.0"
    assert versions.select(known, "1.1.0-beta.2") == "1.1.0-beta.2"
    assert versions.select(known, "2.x || =1.1.0-beta.2", ["rc"]) == "1.1.0-beta.2"
    with pytest.raises(NoMatchingVersion):
        versions.select(known, ">=1.1.0-beta.2")


def test_the_examples_of_the_original_design_select() -> None:
    assert versions.select(["0.20.0", "0.21.0-vmware0"], ">0.20", []) == "0.21.0-vmware0"


def test_a_refusal_counts_what_each_filter_left() -> None:
    with pytest.raises(NoMatchingVersion) as refused:
        versions.select(KNOWN, ">=4.0.0")
    assert refused.value.message == (
        "no version of 10 satisfies '>=4.0.0': 10 known, 0 match the constraint, highest is 3.1.0"
    )


def test_a_refusal_names_the_lever_that_would_let_a_prerelease_pass() -> None:
    with pytest.raises(NoMatchingVersion) as refused:
        versions.select(["0.20.0", "0.21.0-vmware0", "latest"], ">0.20")
    assert refused.value.message == (
        "no version of 3 satisfies '>0.20': 2 known, 1 skipped as no semantic version ('latest'), 1 match the "
        "constraint, 0 of these are releases; 0.21.0-vmware0 would match with prereleases: {}"
    )
    with pytest.raises(NoMatchingVersion, match=r"prerelease identifiers \(rc\); 0.21.0-vmware0 would match"):
        versions.select(["0.20.0", "0.21.0-vmware0"], ">0.20", ["rc"])


def test_a_refusal_says_that_nothing_is_known() -> None:
    with pytest.raises(NoMatchingVersion, match="none is known"):
        versions.select([], ">=1.0.0")
