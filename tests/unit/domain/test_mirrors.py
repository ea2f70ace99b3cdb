"""Where references are read from instead."""

from __future__ import annotations

import pytest

from packhouse.api.errors import InvalidSpec
from packhouse.domain.mirrors import Mirrors
from packhouse.domain.references import read_reference

RULES = (
    "registry.example/a=mirror.example/b",
    "registry.example/a/deep=deep.example:5000",
    "docker.io=hub.example/cache",
)
DIGEST = f"sha256:{1:064x}"

ROWS = {
    "the path of the prefix": ("registry.example/a:1", "mirror.example/b:1"),
    "below it": ("registry.example/a/x/y:1", "mirror.example/b/x/y:1"),
    "the longest prefix counts": ("registry.example/a/deep/x:1", "deep.example:5000/x:1"),
    "a path that begins alike": ("registry.example/ab:1", "registry.example/ab:1"),
    "another path": ("registry.example/c:1", "registry.example/c:1"),
    "another port is another host": ("registry.example:5000/a:1", "registry.example:5000/a:1"),
    "Docker Hub by its short names": ("nginx:1", "hub.example/cache/library/nginx:1"),
    "Docker Hub by an old name": ("index.docker.io/team/x:1", "hub.example/cache/team/x:1"),
    "digest and tag stay": (f"registry.example/a/x:1@{DIGEST}", f"mirror.example/b/x:1@{DIGEST}"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_reference_is_read_from_the_mirror_of_its_longest_prefix(row: str) -> None:
    reference, expected = ROWS[row]
    assert str(Mirrors.read(RULES).of(read_reference(reference))) == expected


def test_without_mirrors_everything_stays_where_it_is() -> None:
    assert Mirrors.read(()).repository("registry.example/a") == "registry.example/a"


@pytest.mark.parametrize(
    "text",
    [
        "registry.example/a",
        "=mirror.example",
        "a/b=mirror.example",
        "registry.example/A=m.example",
        "r.example:x/a=m.e",
        "r.example/a:1=m.example",
        "r.example=https://m.example",
    ],
)
def test_what_is_no_pair_of_prefixes_is_said_with_its_text(text: str) -> None:
    with pytest.raises(InvalidSpec, match="PACKHOUSE_REGISTRY_MIRRORS") as caught:
        Mirrors.read((text,))
    assert text in caught.value.message
