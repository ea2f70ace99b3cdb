"""What steps choose and where it lands: tags by a range, folders of their own, files of Secrets and ConfigMaps."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes_registry import FakeRegistry
from fakes_sources import origins
from packhouse.api.errors import InvalidConstraint, InvalidSpec, NoMatchingVersion, PackhouseError, SecretMissing
from packhouse.fetch import Fetched, Sources, fetch_all, resolve_all
from packhouse.ports import Json

REPOSITORY = "registry.test/demo/repo"
TAGS = ("1.0.0", "1.2.0", "v1.3.0", "2.0.0-rc.1", "2.0.0-beta.2", "latest", "sha256-abc.sig", "0.9.0")


def sources(folder: Path, kept: Mapping[str, Json] | None = None) -> Sources:
    objects = kept or {}

    def reader(kind: str) -> Any:
        async def read(name: str) -> Json:
            try:
                return objects[f"{kind}/{name}"]
            except KeyError:
                raise SecretMissing(f"{kind} demo/{name} does not exist") from None

        return read

    images = {f"{REPOSITORY}:{tag}": {"tag": tag.encode(), "d/e/f": b"deep"} for tag in TAGS}
    return Sources(origins(FakeRegistry(folder, images)), reader("secret"), reader("configmap"), "demo", 10_000)


async def fetched(given: Sources, *steps: Json) -> Fetched:
    return await fetch_all(steps, given, await resolve_all(steps, given))


def semver(constraints: Any, prereleases: Any = None) -> Json:
    chosen = {"constraints": constraints} | ({} if prereleases is None else {"prereleases": prereleases})
    return {"semver": chosen}


# ---- tagSelection ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "imgpkgBundle"])
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(semver(">0.0.0"), "v1.3.0", id="the highest release"),
        pytest.param(semver("1.x"), "v1.3.0", id="a series"),
        pytest.param(semver("<1.2.0"), "1.0.0", id="a bound"),
        pytest.param(semver(">1.0.0", {}), "2.0.0-rc.1", id="all prereleases"),
        pytest.param(semver(">1.0.0", {"identifiers": ["beta"]}), "2.0.0-beta.2", id="some prereleases"),
        pytest.param(semver("2.0.0-beta.2"), "2.0.0-beta.2", id="a prerelease by its name"),
    ],
)
async def test_a_tag_is_chosen_by_its_version(kind: str, selection: Json, expected: str, tmp_path: Path) -> None:
    step = {kind: {"url" if kind == "image" else "image": REPOSITORY, "tagSelection": selection}}
    given = sources(tmp_path)
    found = await fetched(given, step)
    assert (found.version, (await found.files())["tag"]) == (expected, expected.encode())
    (part,) = (await resolve_all([step], given)).to_wire()
    assert part["source"] == f"{REPOSITORY}:{expected}@{found.digest}"


@pytest.mark.parametrize(
    ("url", "selection", "error", "words"),
    [
        pytest.param(REPOSITORY, semver(">3"), NoMatchingVersion, f"tags of {REPOSITORY}: no version of 8", id="none"),
        pytest.param(REPOSITORY, semver("a"), InvalidConstraint, "fetch step image, tags of", id="no constraint"),
        pytest.param(f"{REPOSITORY}:1.0.0", semver("1"), InvalidSpec, "names a tag or a digest", id="a tag beside it"),
        pytest.param(f"{REPOSITORY}:latest", semver("1"), InvalidSpec, "names a tag", id="the tag latest beside it"),
        pytest.param(
            f"{REPOSITORY}@sha256:{'1' * 64}", semver("1"), InvalidSpec, "names a tag", id="a digest beside it"
        ),
        pytest.param(REPOSITORY, {}, InvalidSpec, "must be a map with semver", id="no semver"),
        pytest.param(REPOSITORY, "1", InvalidSpec, "must be a map with semver", id="no map"),
        pytest.param(REPOSITORY, semver(""), InvalidSpec, "constraints must be a text", id="no constraints"),
        pytest.param(REPOSITORY, semver(1), InvalidSpec, "constraints must be a text", id="constraints as a number"),
        pytest.param(REPOSITORY, semver("1", []), InvalidSpec, "prereleases must be a map", id="prereleases as a list"),
        pytest.param(
            REPOSITORY, semver("1", {"identifiers": "rc"}), InvalidSpec, "a list of texts", id="identifiers as a text"
        ),
        pytest.param(
            REPOSITORY, {"semver": {"constraint": "1"}}, PackhouseError, "constraint is not supported", id="typo"
        ),
    ],
)
async def test_a_selection_that_chooses_nothing_says_why(
    url: str, selection: Any, error: type[PackhouseError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        await fetched(sources(tmp_path), {"image": {"url": url, "tagSelection": selection}})


# ---- path and subPath ------------------------------------------------------------------------------------

INLINE: Json = {"inline": {"paths": {"x": "1"}}}
IMAGE: Json = {"image": {"url": f"{REPOSITORY}:1.0.0", "subPath": "d/e"}}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([INLINE], ["x"], id="one alone at the top"),
        pytest.param([INLINE | {"path": "a/b"}], ["a/b/x"], id="one in its own folder"),
        pytest.param([INLINE | {"path": "./a//b/"}], ["a/b/x"], id="a path written loosely"),
        pytest.param([INLINE | {"path": "."}], ["x"], id="a path that is the top"),
        pytest.param([INLINE, IMAGE], ["0/x", "1/f"], id="several by their numbers"),
        pytest.param([INLINE, IMAGE | {"path": "app"}], ["0/x", "app/f"], id="one of several in its own folder"),
    ],
)
async def test_the_files_of_a_step_land_in_its_folder(steps: list[Json], expected: list[str], tmp_path: Path) -> None:
    found = await fetched(sources(tmp_path), *steps)
    assert list(await found.files()) == expected
    assert list(await found.files([expected[0]])) == expected[:1]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        pytest.param([INLINE | {"path": "../a"}], "path '../a' must be a relative path", id="out"),
        pytest.param([INLINE | {"path": "/a"}], "must be a relative path", id="absolute"),
        pytest.param([INLINE | {"path": "a/../../b"}], "must be a relative path", id="out behind a folder"),
        pytest.param([INLINE | {"path": 1}], "must be a relative path", id="no text"),
        pytest.param([INLINE, INLINE | {"path": "0"}], "within the folder '0' of step 2", id="the number of another"),
        pytest.param([INLINE | {"path": "a/b"}, INLINE | {"path": "a"}], "within the folder 'a'", id="within another"),
        pytest.param([INLINE | {"path": "."}, INLINE], "within the folder '.' of step 1", id="within the top"),
    ],
)
async def test_folders_that_lead_out_or_into_each_other_are_refused(
    steps: list[Json], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSpec, match=words):
        await fetched(sources(tmp_path), *steps)


async def test_a_folder_behind_a_link_is_none_to_keep(tmp_path: Path) -> None:
    given = sources(tmp_path)
    step: Json = {"image": {"url": f"{REPOSITORY}:1.0.0"}}
    root = (await fetched(given, step)).contents[0].root
    assert root is not None
    (root / "link").symlink_to("d")
    for place in ("link", "none", "tag"):
        with pytest.raises(PackhouseError, match=r"holds no folder '.*' \(subPath\)"):
            await fetched(given, {"image": {**step["image"], "subPath": place}})
    assert list(await (await fetched(given, {"image": {**step["image"], "subPath": "./d/"}})).files()) == ["e/f"]


# ---- pathsFrom -------------------------------------------------------------------------------------------


def secret(**data: bytes) -> Json:
    return {"data": {key: base64.b64encode(content).decode() for key, content in data.items()}}


OBJECTS = {
    "secret/one": secret(a=b"\x00\xff", b=b"secret b"),
    "configmap/two": {
        "data": {"b": "text", "c.yml": "c: 1\n"},
        "binaryData": {"d": base64.b64encode(b"\xfe").decode()},
    },
    "secret/empty": {},
}


@pytest.mark.parametrize(
    ("inline", "expected"),
    [
        pytest.param(
            {"pathsFrom": [{"secretRef": {"name": "one"}}]}, {"a": b"\x00\xff", "b": b"secret b"}, id="a Secret"
        ),
        pytest.param(
            {"pathsFrom": [{"configMapRef": {"name": "two", "directoryPath": "x/y/"}}]},
            {"x/y/b": b"text", "x/y/c.yml": b"c: 1\n", "x/y/d": b"\xfe"},
            id="a ConfigMap in a folder",
        ),
        pytest.param(
            {
                "paths": {"b": "inline", "z": "z"},
                "pathsFrom": [{"secretRef": {"name": "one"}}, {"configMapRef": {"name": "two"}}],
            },
            {"a": b"\x00\xff", "b": b"text", "c.yml": b"c: 1\n", "d": b"\xfe", "z": b"z"},
            id="of several with one path the last counts",
        ),
        pytest.param({"pathsFrom": [{"secretRef": {"name": "empty"}}]}, {}, id="a Secret without a key"),
    ],
)
async def test_keys_of_secrets_and_config_maps_become_files(
    inline: Json, expected: dict[str, bytes], tmp_path: Path
) -> None:
    found = await fetched(sources(tmp_path, OBJECTS), {"inline": inline})
    assert await found.files() == expected


async def test_a_change_of_a_secret_is_another_digest(tmp_path: Path) -> None:
    step = {"inline": {"pathsFrom": [{"secretRef": {"name": "one"}}]}}
    before = await resolve_all([step], sources(tmp_path, OBJECTS))
    after = await resolve_all([step], sources(tmp_path, OBJECTS | {"secret/one": secret(a=b"2")}))
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("item", "error", "words"),
    [
        pytest.param({"secretRef": {"name": "none"}}, SecretMissing, "secret demo/none", id="no such Secret"),
        pytest.param({"configMapRef": {"name": "none"}}, SecretMissing, "configmap demo/none", id="no such ConfigMap"),
        pytest.param({}, InvalidSpec, r"pathsFrom\[0\] needs exactly one", id="neither"),
        pytest.param("x", InvalidSpec, "needs exactly one", id="no map"),
        pytest.param({"secretRef": "one"}, InvalidSpec, "needs exactly one", id="a name alone"),
        pytest.param(
            {"secretRef": {"name": "one"}, "configMapRef": {"name": "two"}}, InvalidSpec, "exactly one", id="both"
        ),
        pytest.param({"secretRef": {"name": "one", "directoryPath": "../x"}}, InvalidSpec, "directoryPath", id="out"),
        pytest.param({"secretRef": {"name": "one", "key": "a"}}, PackhouseError, "key is not supported", id="a key"),
    ],
)
async def test_paths_from_elsewhere_that_cannot_be_read_say_why(
    item: Any, error: type[PackhouseError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        await fetched(sources(tmp_path, OBJECTS), {"inline": {"pathsFrom": [item]}})
