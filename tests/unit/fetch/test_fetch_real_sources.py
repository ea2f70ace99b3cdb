"""Each kind of OCI source from a real registry, put there by what people use: helm, oras, crane, `packhouse bundle`.

Real: the registry, a web server, helm, oras, crane, our copy, the cache. Faked: Secrets, signatures.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bundle_app import app as bundle_app
from cluster.registry import LocalRegistry
from fakes_sources import FakeSignatures, NoGit
from lab_door import Door, door_to
from lab_web import open_web
from packhouse.adapters.http_downloads import HttpDownloads
from packhouse.adapters.oras_push import push_bundle
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import SOURCE_ERRORS
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.fetch import Origins, Resolution, Sources, fetch_all, resolve_all
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.remembered import Remembered
from packhouse.ports import Json
from packhouse.settings import Settings

Files = dict[str, bytes]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Sources]:
    """As an operator that starts with the cache in `folder`."""
    settings = Settings(cache_dir=folder, registry_timeout_seconds=5)
    cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)
    registry, downloads = OrasRegistry(settings, cache), HttpDownloads(settings, cache)

    async def read(name: str) -> Json:
        raise AssertionError(name)

    remembered = Remembered(folder / "remembered")
    try:
        origins = Origins(registry, downloads, NoGit(), FakeSignatures(), remembered)
        yield Sources(origins, read, read, "demo", 1_000_000)
    finally:
        for origin in (registry, downloads, cache):
            await asyncio.to_thread(origin.close)


async def fetched(step: Json, cache: Path) -> tuple[Files, Resolution]:
    async with opened(cache) as sources:
        resolution = await resolve_all([step], sources)
        return await (await fetch_all([step], sources, resolution)).files(), resolution


@pytest.fixture
def place(registry: LocalRegistry) -> str:
    """A repository of its own."""
    return f"{registry.host}/real/{secrets.token_hex(4)}"


def run(program: Path, *words: object, cwd: Path | None = None) -> str:
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def layer(folder: Path, files: Files) -> Path:
    place = folder / f"{secrets.token_hex(4)}.tar"
    with tarfile.open(place, "w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return place


# ---- charts ----------------------------------------------------------------------------------------------


@pytest.fixture
def charts(helm: Path, tmp_path: Path) -> Path:
    """A folder with two versions of the chart `web`, as `helm package` makes them."""
    run(helm, "create", tmp_path / "web")
    for version in ("1.0.0", "1.2.0+build.1"):
        run(helm, "package", tmp_path / "web", "--version", version, "-d", tmp_path / "packed")
    return tmp_path / "packed"


@pytest.mark.parametrize("wanted", ["1.2.0+build.1", "^1", ""])
async def test_a_chart_that_helm_pushed_is_what_helm_pulls(
    wanted: str, charts: Path, helm: Path, place: str, tmp_path: Path
) -> None:
    for archive in charts.iterdir():
        run(helm, "push", archive, f"oci://{place}", "--plain-http")
    run(helm, "pull", f"oci://{place}/web", "--version", "1.2.0+build.1", "--plain-http", "--untar", cwd=charts)
    step = {"helmChart": {"name": "web", "version": wanted, "repository": {"url": f"oci://{place}"}}}
    files, resolution = await fetched(step, tmp_path / "cache")
    assert files == tree(charts / "web")
    assert resolution.version == "1.2.0+build.1"


@pytest.mark.parametrize("wanted", ["1.0.0", "~1.0"])
async def test_a_chart_of_a_repository_by_http_is_what_helm_pulls(
    wanted: str, charts: Path, helm: Path, tmp_path: Path
) -> None:
    run(helm, "repo", "index", charts)
    with open_web(charts) as web:
        run(helm, "pull", "web", "--repo", web.url, "--version", wanted, "--untar", "-d", tmp_path / "by-helm")
        step = {"helmChart": {"name": "web", "version": wanted, "repository": {"url": web.url}}}
        files, resolution = await fetched(step, tmp_path / "cache")
        assert files == tree(tmp_path / "by-helm" / "web")
        assert resolution.to_wire()[0]["source"] == f"{web.url}/web-1.0.0.tgz"


# ---- images and artifacts --------------------------------------------------------------------------------


async def test_an_artifact_of_flux_is_a_folder(oras: Path, place: str, tmp_path: Path) -> None:
    packed = tmp_path / "content.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(layer(tmp_path, {"x": b"1"}), "deploy/x.tar")
    (tmp_path / "config.json").write_text("{}")
    run(
        oras, "push", "--plain-http", f"{place}:1.0", "content.tgz:application/vnd.cncf.flux.content.v1.tar+gzip",
        "--config", "config.json:application/vnd.cncf.flux.config.v1+json", cwd=tmp_path,
    )  # fmt: skip
    files, _ = await fetched({"image": {"url": f"{place}:1.0"}}, tmp_path / "cache")
    assert list(files) == ["deploy/x.tar"]


async def test_a_folder_that_oras_pushed_is_that_folder(oras: Path, place: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "a.yml").write_text("a: 1\n")
    (tmp_path / "readme.md").write_text("words")
    run(oras, "push", "--plain-http", f"{place}:1.0", "config", "readme.md:text/markdown", cwd=tmp_path)
    files, _ = await fetched({"image": {"url": f"{place}:1.0"}}, tmp_path / "cache")
    assert files == {"config/a.yml": b"a: 1\n", "readme.md": b"words"}


async def test_layers_lie_over_each_other_and_an_index_leads_to_its_image(
    crane: Path, place: str, tmp_path: Path
) -> None:
    below, above = ({"etc/a": b"1", "etc/b": b"1"}, {"etc/b": b"2", "etc/.wh.a": b""})
    run(crane, "append", "--insecure", "-f", layer(tmp_path, below), "-t", f"{place}:below")
    run(crane, "append", "--insecure", "-b", f"{place}:below", "-f", layer(tmp_path, above), "-t", f"{place}:both")
    run(crane, "index", "append", "--insecure", "-m", f"{place}:both", "-t", f"{place}:index", "--flatten=false")
    for tag in ("both", "index"):
        files, _ = await fetched({"image": {"url": f"{place}:{tag}"}}, tmp_path / "cache")
        assert files == {"etc/b": b"2"}, tag


@pytest.mark.parametrize("kind", ["image", "imgpkgBundle"])
async def test_the_highest_of_many_tags_is_taken(kind: str, crane: Path, place: str, tmp_path: Path) -> None:
    run(crane, "append", "--insecure", "-f", layer(tmp_path, {"a": b"1"}), "-t", f"{place}:1.9.0")
    for tag in ("1.10.0", "latest", "2.0.0-rc.1", *(f"0.{number}.0" for number in range(30))):
        run(crane, "tag", "--insecure", f"{place}:1.9.0", tag)
    field = "url" if kind == "image" else "image"
    step = {kind: {field: place, "tagSelection": {"semver": {"constraints": ">=1.0.0"}}}}
    _, resolution = await fetched(step, tmp_path / "cache")
    assert (resolution.version, resolution.to_wire()[0]["source"]) == (
        "1.10.0",
        f"{place}:1.10.0@{resolution.digest}",
    )


# ---- bundles and the images that they lock -----------------------------------------------------------------


@pytest.fixture
async def bundle(crane: Path, place: str, tmp_path: Path) -> tuple[str, list[str]]:
    """A bundle that locks two images of another repository: its reference, and theirs."""
    images = []
    for number in range(2):
        image = f"{place}/image{number}"
        run(crane, "append", "--insecure", "-f", layer(tmp_path, {"n": str(number).encode()}), "-t", f"{image}:1")
        images.append(f"{image}@{run(crane, 'digest', '--insecure', f'{image}:1').strip()}")
    folder = tmp_path / "bundle"
    (folder / ".imgpkg").mkdir(parents=True)
    (folder / "config.yml").write_text("a: 1\n")
    lock = {
        "apiVersion": "imgpkg.carvel.dev/v1alpha1",
        "kind": "ImagesLock",
        "images": [
            {"image": image, "annotations": {"kbld.carvel.dev/id": f"app{n}"}} for n, image in enumerate(images)
        ],
    }
    (folder / LOCK_FILE).write_text(yaml.safe_dump(lock))
    await push_bundle(folder, f"{place}/origin:1.0", None, Settings(cache_dir=tmp_path))
    return f"{place}/origin:1.0", images


def locked(files: Files) -> list[str]:
    return [entry["image"] for entry in yaml.safe_load(files[LOCK_FILE])["images"]]


def moved(images: list[str], repository: str) -> list[str]:
    return [f"{repository}@{image.partition('@')[2]}" for image in images]


async def test_where_a_bundle_was_pushed_its_lock_stays(bundle: tuple[str, list[str]], tmp_path: Path) -> None:
    image, images = bundle
    files, _ = await fetched({"imgpkgBundle": {"image": image}}, tmp_path / "cache")
    assert (locked(files), files["config.yml"]) == (images, b"a: 1\n")


async def test_a_bundle_that_was_copied_points_to_its_own_images(
    bundle: tuple[str, list[str]], place: str, tmp_path: Path
) -> None:
    image, images = bundle
    copied = CliRunner().invoke(bundle_app, ["copy", image, f"{place}/copy:1.0"])
    assert copied.exit_code == 0, copied.output
    files, _ = await fetched({"imgpkgBundle": {"image": f"{place}/copy:1.0"}}, tmp_path / "cache")
    assert locked(files) == moved(images, f"{place}/copy")


async def test_images_that_were_copied_by_hand_are_found(
    bundle: tuple[str, list[str]], crane: Path, place: str, tmp_path: Path
) -> None:
    image, images = bundle
    for number, source in enumerate([image, *images]):
        run(crane, "copy", "--insecure", source, f"{place}/hand:{number}")
    files, _ = await fetched({"imgpkgBundle": {"image": f"{place}/hand:0"}}, tmp_path / "cache")
    assert locked(files) == moved(images, f"{place}/hand")


# ---- while a source is away --------------------------------------------------------------------------------


async def recorded_then_away(step: Json, door: Door, cache: Path) -> tuple[Files, Files]:
    """What a first operator fetched, and what one that starts later gets by the record, with the door shut."""
    before, resolution = await fetched(step, cache)
    door.shut()
    record = Resolution.from_wire(resolution.to_wire(), [step])
    async with opened(cache) as sources:
        again = await resolve_all([step], sources, instead=record)
        assert isinstance(again.trouble, SOURCE_ERRORS)
        return before, await (await fetch_all([step], sources, again)).files()


async def test_a_copied_bundle_is_fetched_again_after_a_restart_without_its_registry(
    bundle: tuple[str, list[str]], registry: LocalRegistry, place: str, tmp_path: Path
) -> None:
    image, images = bundle
    with door_to(registry.host) as door:
        here = f"{door.host}/{place.partition('/')[2]}/copy"
        assert CliRunner().invoke(bundle_app, ["copy", image, f"{here}:1.0"]).exit_code == 0
        step = {"imgpkgBundle": {"image": f"{here}:1.0"}}
        before, after = await recorded_then_away(step, door, tmp_path / "cache")
        assert before == after
        assert locked(after) == moved(images, here)


async def test_a_chart_is_fetched_again_after_a_restart_without_its_repository(
    charts: Path, helm: Path, tmp_path: Path
) -> None:
    run(helm, "repo", "index", charts)
    with open_web(charts) as web, door_to(web.url.removeprefix("http://")) as door:
        step = {"helmChart": {"name": "web", "repository": {"url": f"http://{door.host}"}}}
        before, after = await recorded_then_away(step, door, tmp_path / "cache")
        assert before == after
        assert "Chart.yaml" in after
