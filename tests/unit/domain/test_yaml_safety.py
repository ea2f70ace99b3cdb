"""YAML of catalogues and values that is made to hurt: it ends early and in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from packhouse.api.errors import ValuesInvalid
from packhouse.domain import yaml_text
from packhouse.domain.bundle import read_bundle

MIB = 1024 * 1024
LINE = 10 * 1000 * 1000


def laughs(levels: int = 9) -> str:
    """Each line names the one before it ten times."""
    lines = ["a0: &a0 lol"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


def merges() -> str:
    """Likewise, in maps that are merged into the next."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, l{n}: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]
    return "\n".join(lines)


DEEP = r"more than 200|too deep|levels"
REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "aliases upon aliases": (laughs, "aliases add more than 1,000,000 nodes"),
    "merges upon merges": (merges, "aliases add more than"),
    "an alias of itself": (lambda: "a: &a [*a]", "contains it"),
    "a million open brackets": (lambda: "[" * 1_000_000, DEEP),
    "a million indented keys": (
        lambda: "\n".join("  " * n + "k:" for n in range(2000)),
        "more than 200|too deep|levels",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_a_bomb_is_refused_early_and_in_little_memory(row: str) -> None:
    make, words = REFUSED[row]
    text = make()
    tracemalloc.start()
    try:
        with pytest.raises(ValuesInvalid, match=words):
            yaml_text.load_all(text, "Secret demo/values key v.yml", ValuesInvalid)
        assert tracemalloc.get_traced_memory()[1] < 256 * MIB
    finally:
        tracemalloc.stop()


LINES: dict[str, str] = {
    "a scalar": "a: " + "x" * LINE,
    "a quoted scalar": 'a: "' + "x" * LINE + '"',
    "a comment": "a: 1 # " + "x" * LINE,
    "a list": "a: [" + "1," * (LINE // 20) + "1]",
    "blanks": "a: 1" + " " * LINE,
}


@pytest.mark.parametrize("row", LINES)
def test_a_line_of_10_mb_is_read(row: str) -> None:
    [(line, value)] = yaml_text.load_all(LINES[row], "v.yml", ValuesInvalid)
    assert (line, list(value)) == (1, ["a"])


def test_a_line_of_10_mb_in_a_catalogue_is_a_fault_of_its_file_alone() -> None:
    good = (
        b"apiVersion: package.carvel.dev/v1alpha1\nkind: PackageMetadata\nmetadata: {name: a.example.com}\nspec: {}\n"
    )
    found = read_bundle({"packages/bad.yml": b"kind: " + b"x" * LINE, "packages/good.yml": good}, {})
    assert [document["metadata"]["name"] for document in found.documents] == ["a.example.com"]
    assert [fault.file for fault in found.faults] == ["packages/bad.yml"]
    assert len(found.faults[0].message) < 2000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a: \xff\xfe", id="no UTF-8"),
        pytest.param("a: 1".encode("utf-16"), id="UTF-16"),
        pytest.param(b"a: \xed\xa0\x80", id="half of a pair"),
        pytest.param(b"a: \xc0\xaf", id="an overlong form"),
    ],
)
def test_what_is_no_utf_8_is_a_fault_of_its_file(content: bytes) -> None:
    found = read_bundle({"packages/x.yml": content}, {})
    assert [(fault.file, fault.line, fault.message) for fault in found.faults] == [
        ("packages/x.yml", 1, "is no UTF-8 text: save it as UTF-8")
    ]


@pytest.mark.parametrize(
    "sign", ["\0", "\x07", "\ud800", "\ufffe"], ids=["NUL", "a bell", "half of a pair", "no character"]
)
def test_characters_that_yaml_does_not_allow_are_refused(sign: str) -> None:
    with pytest.raises(ValuesInvalid, match="no valid YAML"):
        yaml_text.load_all(f"password: s3cr3t{sign}", "v.yml", ValuesInvalid)
