"""The fetch steps through their table, with a fake registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes_registry import FakeRegistry
from fakes_sources import origins
from packhouse.api.errors import (
    AuthenticationFailed,
    FetchFailed,
    FetchLimitExceeded,
    InvalidSpec,
    PackhouseError,
    SecretMissing,
    UnsupportedStep,
)
from packhouse.fetch import FETCHERS, Fetched, Resolution, Sources, resolve_all
from packhouse.fetch import fetch_all as fetch_resolved
from packhouse.ports import Access, Json

FILES = {"packages/a.yml": b"a", "packages/d/b.yml": b"b", "readme.md": b"r"}
IMAGE = "registry.test/demo/repo:1.0"
BUNDLE: Json = {"imgpkgBundle": {"image": IMAGE}}
INLINE: Json = {"inline": {"paths": {"x.yml": "x: 1\n", "d/y.yml": "y"}}}


def sources(
    folder: Path,
    files: Mapping[str, bytes] = FILES,
    *,
    passwords: Mapping[str, str] | None = None,
    secrets: Mapping[str, Json] | None = None,
    most_bytes: int = 1000,
) -> Sources:
    async def secret(name: str) -> Json:
        try:
            return (secrets or {})[name]
        except KeyError:
            raise SecretMissing(f"Secret demo/{name} does not exist") from None

    registry = FakeRegistry(folder, {IMAGE: files}, passwords or {})
    return Sources(origins(registry), secret, secret, "demo", most_bytes)


async def fetch_all(steps: Sequence[Json], given: Sources) -> Fetched:
    return await fetch_resolved(steps, given, await resolve_all(steps, given))


@pytest.mark.parametrize("step", [BUNDLE, {"image": {"url": IMAGE}}], ids=["imgpkgBundle", "image"])
async def test_an_image_gives_its_files_digest_and_version(step: Json, tmp_path: Path) -> None:
    given = sources(tmp_path)
    fetched = await fetch_all([step], given)
    assert await fetched.files() == FILES
    assert (fetched.version, fetched.digest) == ("1.0", await given.origins.registry.resolve(IMAGE, Access()))


async def test_a_folder_of_an_image_can_be_named(tmp_path: Path) -> None:
    fetched = await fetch_all([{"image": {"url": IMAGE, "subPath": "packages"}}], sources(tmp_path))
    assert await fetched.files() == {"a.yml": b"a", "d/b.yml": b"b"}
    with pytest.raises(FetchFailed, match="subPath"):
        await fetch_all([{"image": {"url": IMAGE, "subPath": "none"}}], sources(tmp_path))


async def test_inline_files_are_as_they_stand(tmp_path: Path) -> None:
    fetched = await fetch_all([INLINE], sources(tmp_path))
    assert (await fetched.files(), fetched.version) == ({"x.yml": b"x: 1\n", "d/y.yml": b"y"}, None)


async def test_several_steps_land_in_numbered_folders_under_one_digest(tmp_path: Path) -> None:
    given = sources(tmp_path)
    fetched = await fetch_all([INLINE, BUNDLE], given)
    expected = {"0/x.yml": b"x: 1\n", "0/d/y.yml": b"y"} | {f"1/{path}": content for path, content in FILES.items()}
    assert list((await fetched.files()).items()) == sorted(expected.items())
    assert fetched.version == "1.0"
    assert fetched.digest not in {(await fetch_all([step], given)).digest for step in (INLINE, BUNDLE)}
    assert await fetched.files(["1/*"]) == {"1/readme.md": b"r"}


@pytest.mark.parametrize("steps", [[BUNDLE], [INLINE], [INLINE, BUNDLE]])
async def test_resolving_gives_the_digest_that_fetching_gives(steps: list[Json], tmp_path: Path) -> None:
    given = sources(tmp_path)
    assert (await resolve_all(steps, given)).digest == (await fetch_all(steps, given)).digest


@pytest.mark.parametrize("kind", ["image", "imgpkgBundle"])
async def test_what_a_step_names_by_its_digest_no_record_changes(kind: str, tmp_path: Path) -> None:
    given = sources(tmp_path)
    place = {"image": "url", "imgpkgBundle": "image"}[kind]
    digest = (await resolve_all([{kind: {place: IMAGE}}], given)).digest
    steps: list[Json] = [{kind: {place: f"{IMAGE}@{digest}"}}]
    other = "sha256:" + "a" * 64
    recorded = Resolution.from_wire([{"kind": kind, "digest": other}], steps)
    assert recorded is not None
    with pytest.raises(FetchFailed, match="is not what this step stands for"):
        await fetch_resolved(steps, given, recorded)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["packages/**"], ["packages/a.yml", "packages/d/b.yml"]),
        (["**/*.yml"], ["packages/a.yml", "packages/d/b.yml"]),
        (["packages/*"], ["packages/a.yml"]),
        (["*.md", "packages/?.yml"], ["packages/a.yml", "readme.md"]),
        (["packages"], []),
        ([], []),
        (["[a-z]*"], []),
    ],
)
async def test_globs_pick_files_by_their_whole_path(patterns: list[str], expected: list[str], tmp_path: Path) -> None:
    assert list(await (await fetch_all([BUNDLE], sources(tmp_path))).files(patterns)) == expected


async def test_links_to_files_are_read_and_links_to_folders_not_walked(tmp_path: Path) -> None:
    given = sources(tmp_path, {"d/a": b"1"})
    fetched = await fetch_all([BUNDLE], given)
    root = fetched.contents[0].root
    assert root is not None
    (root / "file-link").symlink_to("d/a")
    (root / "folder-link").symlink_to("d")
    (root / "loop").symlink_to(".")
    assert await fetched.files() == {"d/a": b"1", "file-link": b"1"}


async def test_more_bytes_than_allowed_are_not_read_over_all_steps_together(tmp_path: Path) -> None:
    fetched = await fetch_all([BUNDLE, BUNDLE], sources(tmp_path, {"a": b"x" * 60}, most_bytes=100))
    with pytest.raises(FetchLimitExceeded, match="more than"):
        await fetched.files()
    assert list(await fetched.files(["1/*"])) == ["1/a"]


async def test_a_tree_that_is_gone_is_a_failed_fetch(tmp_path: Path) -> None:
    fetched = await fetch_all([BUNDLE], sources(tmp_path, {"a": b""}))
    root = fetched.contents[0].root
    assert root is not None
    (root / "a").unlink()
    root.rmdir()
    with pytest.raises(FetchFailed, match="cannot be read"):
        await fetched.files()


# ---- credentials -----------------------------------------------------------------------------------------


def ring(host: str) -> Json:
    auths = {"auths": {host: {"username": "ada", "password": "right"}}}
    return {"data": {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}}


SECRET_STEP: Json = {"imgpkgBundle": {"image": IMAGE, "secretRef": {"name": "regcred"}}}


async def test_the_secret_of_a_step_opens_the_registry(tmp_path: Path) -> None:
    given = sources(tmp_path, passwords={"ada": "right"}, secrets={"regcred": ring("registry.test")})
    assert await (await fetch_all([SECRET_STEP], given)).files() == FILES


async def test_a_secret_for_other_hosts_is_named_in_the_refusal(tmp_path: Path) -> None:
    given = sources(tmp_path, passwords={"ada": "right"}, secrets={"regcred": ring("ghcr.io")})
    with pytest.raises(AuthenticationFailed, match=r"Secret demo/regcred holds credentials for ghcr\.io only"):
        await fetch_all([SECRET_STEP], given)


async def test_a_secret_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="demo/regcred"):
        await resolve_all([SECRET_STEP], sources(tmp_path))


# ---- refusals --------------------------------------------------------------------------------------------

REFUSED: list[tuple[Any, type[PackhouseError], str]] = [
    (
        {"svn": {}},
        UnsupportedStep,
        "fetch step svn is not supported by this version of Packhouse; it knows imgpkgBundle",
    ),
    ({}, InvalidSpec, "exactly one kind of source, not 0"),
    (BUNDLE | INLINE, InvalidSpec, "exactly one kind of source, not 2 (imgpkgBundle, inline)"),
    ({"imgpkgBundle": "x"}, InvalidSpec, "must be a map"),
    ({"imgpkgBundle": {}}, InvalidSpec, "image must be a text"),
    ({"imgpkgBundle": {"image": "https://x"}}, InvalidSpec, "has no scheme"),
    ({"imgpkgBundle": {"image": IMAGE, "tagSelection": {}}}, InvalidSpec, "names a tag or a digest beside"),
    ({"image": {"url": IMAGE, "tagSelection": {}}}, InvalidSpec, "names a tag or a digest beside"),
    ({"image": {"url": IMAGE, "stripComponents": 1}}, UnsupportedStep, "stripComponents is not supported"),
    ({"image": {"url": IMAGE, "subPath": "../x"}}, InvalidSpec, "subPath"),
    ({"image": {"url": IMAGE, "secretRef": {}}}, InvalidSpec, "name must be a text"),
    ({"image": {"url": IMAGE, "secretRef": "x"}}, InvalidSpec, "secretRef must be a map"),
    ({"inline": {"pathsFrom": [{"secretRef": {}}]}}, InvalidSpec, "name must be a text"),
    ({"inline": {"paths": {}}}, InvalidSpec, "not empty"),
    ({"inline": {"paths": {"../x": ""}}}, InvalidSpec, "is no path below"),
    ({"inline": {"paths": {"/x": ""}}}, InvalidSpec, "is no path below"),
    ({"inline": {"paths": {"x": 1}}}, InvalidSpec, "must be a text"),
]


@pytest.mark.parametrize(("step", "error", "words"), REFUSED)
async def test_a_step_that_cannot_be_carried_out_says_why(
    step: Any, error: type[PackhouseError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(PackhouseError) as caught:
        await fetch_all([step], sources(tmp_path))
    assert (type(caught.value), words in caught.value.message) == (error, True), caught.value.message


async def test_nothing_is_fetched_when_a_later_step_is_refused(tmp_path: Path) -> None:
    given = sources(tmp_path)
    with pytest.raises(UnsupportedStep):
        await fetch_all([BUNDLE, {"svn": {}}], given)
    assert isinstance(given.origins.registry, FakeRegistry)
    assert given.origins.registry.asked == []


def test_the_table_names_every_source_once() -> None:
    assert list(FETCHERS) == ["imgpkgBundle", "image", "inline", "helmChart", "http", "git"]
