"""A bundle whose images were copied into its repository: its lock points there, and nobody asks twice.

Faked: the registry. tests/unit/fetch/test_fetch_real_sources.py has a real one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes_registry import FakeRegistry
from fakes_sources import FakeSignatures, NoDownloads, NoGit
from packhouse.api.errors import FetchLimitExceeded, PackhouseError, SourceUnreachable
from packhouse.domain.images_lock import LOCK_FILE, locations_tag
from packhouse.domain.references import OCI_LAYOUT
from packhouse.fetch import Fetched, Origins, Resolution, Resolved, Sources, fetch_all, resolve_all
from packhouse.fetch.remembered import NO_SECONDS, Remembered
from packhouse.ports import Access, Json

ORIGIN, REPOSITORY = "origin.test/images", "mirror.test/bundle"
BUNDLE = f"{REPOSITORY}:1.0"
ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
API = "imgpkg.carvel.dev/v1alpha1"


def lock(*references: str) -> bytes:
    entries = [{"image": one, "annotations": {"kbld.carvel.dev/id": f"name-of-{one[-1]}"}} for one in references]
    return yaml.safe_dump({"apiVersion": API, "kind": "ImagesLock", "images": entries}, sort_keys=False).encode()


LOCK = lock(f"{ORIGIN}/a@{ONE}", f"{ORIGIN}/b@{TWO}")
FILES = {"config/a.yml": b"a", LOCK_FILE: LOCK}


def locations(*references: str) -> dict[str, bytes]:
    entries = [{"image": one, "isBundle": False} for one in references]
    document = {"apiVersion": API, "kind": "ImageLocations", "images": entries}
    return {"image-locations.yml": yaml.safe_dump(document).encode()}


@dataclass(slots=True)
class Registry(FakeRegistry):
    """`there`: references by digest that it knows besides `images`; `away`: it answers nothing but by the cache."""

    there: frozenset[str] = frozenset()
    away: bool = False

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        if self.away:
            raise SourceUnreachable(f"{image}: refused")
        if image in self.there:
            self.asked.append(image)
            return image.partition("@")[2]
        return await FakeRegistry.resolve(self, image, access)


@dataclass(slots=True)
class Lab:
    registry: Registry
    origins: Origins

    async def fetch(self, image: str = BUNDLE, *, recorded: Resolution | None = None, **more: Any) -> Fetched:
        async def read(name: str) -> Json:
            raise AssertionError(name)

        sources = Sources(self.origins, read, read, "demo", 1_000_000)
        steps: list[Json] = [{"imgpkgBundle": {"image": image, **more}}]
        return await fetch_all(steps, sources, recorded or await resolve_all(steps, sources))


def lab_in(folder: Path, registry: Registry) -> Lab:
    return Lab(registry, Origins(registry, NoDownloads(), NoGit(), FakeSignatures(), Remembered(folder / "answers")))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return lab_in(tmp_path, Registry(tmp_path / "trees", {BUNDLE: FILES}))


async def images_of(fetched: Fetched) -> list[str]:
    files = await fetched.files()
    return [entry["image"] for entry in yaml.safe_load(files[LOCK_FILE])["images"]]


HERE = [f"{REPOSITORY}@{ONE}", f"{REPOSITORY}@{TWO}"]
THERE = [f"{ORIGIN}/a@{ONE}", f"{ORIGIN}/b@{TWO}"]


async def locations_for(lab: Lab, *references: str) -> None:
    digest = await lab.registry.resolve(BUNDLE, Access())
    lab.registry.images[f"{REPOSITORY}:{locations_tag(digest)}"] = locations(*references)
    lab.registry.asked.clear()


@pytest.mark.parametrize(
    ("listed", "there", "expected"),
    [
        pytest.param([], [], THERE, id="none of them is there"),
        pytest.param([], HERE[:1], THERE, id="one of them is there"),
        pytest.param([], HERE, HERE, id="all are there, and nothing says so"),
        pytest.param(THERE, [], HERE, id="image locations say that all are there"),
        pytest.param(THERE[:1], [], THERE, id="image locations know one, the other is not there"),
        pytest.param(THERE[:1], HERE[1:], HERE, id="image locations know one, the other is there"),
    ],
)
async def test_references_point_to_the_repository_of_the_bundle_where_all_images_are_in_it(
    listed: list[str], there: list[str], expected: list[str], lab: Lab
) -> None:
    if listed:
        await locations_for(lab, *listed)
    lab.registry.there = frozenset(there)
    fetched = await lab.fetch()
    assert await images_of(fetched) == expected
    assert set(fetched.relocated.values()) == set(HERE if expected is HERE else [])
    if expected is HERE:
        assert fetched.relocated[THERE[0]] == fetched.relocated["name-of-1"] == HERE[0]
        assert (await fetched.files())["config/a.yml"] == b"a"


async def test_the_file_in_the_cache_stays_as_the_bundle_has_it(lab: Lab) -> None:
    lab.registry.there = frozenset(HERE)
    fetched = await lab.fetch()
    root = fetched.contents[0].root
    assert root is not None
    assert (root / LOCK_FILE).read_bytes() == LOCK


async def test_with_image_locations_no_image_is_asked_for(lab: Lab) -> None:
    await locations_for(lab, *THERE)
    await lab.fetch()
    assert not [image for image in lab.registry.asked if ONE in image or TWO in image]


async def test_the_answer_is_kept_for_the_digest_and_over_a_restart(lab: Lab, tmp_path: Path) -> None:
    lab.registry.there = frozenset(HERE)
    await lab.fetch()
    asked = len(lab.registry.asked)
    await lab.fetch()
    assert len(lab.registry.asked) == asked + 2  # resolve and pull of the bundle, no more
    lab.registry.there = frozenset()
    assert await images_of(await lab_in(tmp_path, lab.registry).fetch()) == HERE


async def test_images_that_are_copied_later_are_found_after_a_while(lab: Lab) -> None:
    now = [0.0]
    lab.origins.remembered.now = lambda: now[0]
    assert await images_of(await lab.fetch()) == THERE
    lab.registry.there = frozenset(HERE)
    assert await images_of(await lab.fetch()) == THERE
    now[0] = NO_SECONDS
    assert await images_of(await lab.fetch()) == HERE


async def test_what_was_answered_stands_while_the_registry_is_away(lab: Lab) -> None:
    now = [0.0]
    lab.origins.remembered.now = lambda: now[0]
    digest = await lab.registry.resolve(BUNDLE, Access())
    await lab.fetch()
    now[0] = NO_SECONDS * 2
    lab.registry.away = True
    fetched = await lab.fetch(recorded=Resolution([Resolved(digest, kind="imgpkgBundle")]))
    assert await images_of(fetched) == THERE


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"a.yml": b"a"}, id="no lock"),
        pytest.param({LOCK_FILE: b"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"}, id="an empty lock"),
        pytest.param({LOCK_FILE: b"a: ["}, id="no yaml"),
        pytest.param({LOCK_FILE: lock(*HERE)}, id="all images are written as in the repository"),
        pytest.param({LOCK_FILE: lock("nginx:1.27")}, id="an image by its tag"),
    ],
)
async def test_no_question_is_asked_where_nothing_could_move(files: dict[str, bytes], lab: Lab) -> None:
    lab.registry.images[BUNDLE] = files
    found = await (await lab.fetch()).files()
    assert [path for path in files if found[path].removeprefix(b"---\n") != files[path]] == []
    assert len(lab.registry.asked) == 2  # resolve and pull


async def test_the_images_of_a_layout_on_disk_stay_where_they_can_be_pulled_from(lab: Lab) -> None:
    image = f"{OCI_LAYOUT}/bundles/web:1.0"
    lab.registry.images = {image: FILES}
    lab.registry.there = frozenset(f"{OCI_LAYOUT}/bundles/web@{digest}" for digest in (ONE, TWO))
    assert await images_of(await lab.fetch(image)) == THERE


async def test_a_folder_of_a_bundle_keeps_the_lock_at_its_top(lab: Lab) -> None:
    lab.registry.there = frozenset(HERE)
    fetched = await lab.fetch(subPath="config")
    assert list(await fetched.files()) == [LOCK_FILE, "a.yml"]
    assert await images_of(fetched) == HERE
    lab.registry.images[BUNDLE] = {"config/a.yml": b"b"}
    assert await (await lab.fetch(subPath="config")).files() == {"a.yml": b"b"}


MANY = [f"sha256:{number:064}" for number in range(1001)]


async def test_a_lock_of_many_images_that_are_elsewhere_costs_a_few_questions(lab: Lab) -> None:
    lab.registry.images[BUNDLE] = {LOCK_FILE: lock(*(f"{ORIGIN}/a@{digest}" for digest in MANY))}
    fetched = await lab.fetch()
    assert [image.partition("@")[0] for image in await images_of(fetched)] == [f"{ORIGIN}/a"] * 1001
    assert len(lab.registry.asked) < 10


async def test_a_registry_that_takes_its_time_for_each_image_is_not_waited_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any, **__: Any) -> str:
        await asyncio.sleep(60)
        return ONE

    recorded = Resolution([Resolved((await lab.registry.resolve(BUNDLE, Access())), kind="imgpkgBundle")])
    monkeypatch.setattr("packhouse.fetch.locations._SECONDS_MOST", 0.1)
    monkeypatch.setattr(Registry, "resolve", slow)
    with pytest.raises(SourceUnreachable, match=r"did not say within 0.1 s which of the 2 images of its lock"):
        await lab.fetch(recorded=recorded)


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        pytest.param(
            {LOCK_FILE: lock(*(f"{ORIGIN}/a@{digest}" for digest in MANY))},
            FetchLimitExceeded,
            "names 1001 images",
            id="too many images that are there, and nothing says so",
        ),
        pytest.param({LOCK_FILE: b"#" * (4 * 1024 * 1024 + 1)}, FetchLimitExceeded, "more than", id="a huge lock"),
    ],
)
async def test_a_lock_beyond_its_limits_is_refused(
    files: dict[str, bytes], error: type[PackhouseError], words: str, lab: Lab
) -> None:
    lab.registry.images[BUNDLE] = files
    lab.registry.there = frozenset(f"{REPOSITORY}@{digest}" for digest in MANY)
    with pytest.raises(error, match=words):
        await lab.fetch()
