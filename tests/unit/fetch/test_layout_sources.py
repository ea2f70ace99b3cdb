"""Fetch steps on OCI layouts, as an edge cluster uses them: no registry is there, and none is asked.

Real: the copy that a layout or a tar is made by, the registry that it is copied from, the adapter that reads it. Faked:
nothing; a registry that is asked ends the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bundle_app import app
from bundle_stock import locked_bundle, put
from cluster.registry import open_registry
from fakes_sources import origins
from hostile_registry import Image, bundle
from packhouse.adapters.oci_layout_registry import LayoutRegistry
from packhouse.adapters.registries import Registries
from packhouse.api.errors import HostRefused
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.domain.package_sources import relocated_packages
from packhouse.fetch import Fetched, Sources, fetch_all, resolve_all
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Access, Json, Tree
from packhouse.settings import Settings

NGINX = bundle({"bin/nginx": b"elf"}, oci=True)


class NobodyThere:
    """A registry that must not be asked."""

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        raise AssertionError(f"{image} is asked for")

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        raise AssertionError(f"{image} is asked for")


@pytest.fixture(scope="module", params=["folder", "tar"])
def layout(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Image, str]]:
    """Where a repository with one package was copied to, the package's bundle, and what the registry called that."""
    folder = tmp_path_factory.mktemp("layouts")
    with open_registry() as near:
        put(f"{near.host}/nginx", "1", NGINX)
        web = locked_bundle({f"{near.host}/nginx": NGINX.digest}, {"config/web.yml": b"kind: ConfigMap\n"})
        put(f"{near.host}/web", "1.0.0", web)
        called = f"{near.host}/web@{web.digest}"
        catalogue = locked_bundle({f"{near.host}/web": web.digest}, {"packages/web.yml": called.encode()})
        put(f"{near.host}/catalogue", "stable", catalogue)
        target = ["--to-tar", f"{folder}/b.tar"] if request.param == "tar" else [f"{folder}/b"]
        result = CliRunner().invoke(app, ["copy", f"{near.host}/catalogue:stable", *target])
        assert result.exit_code == 0, result.output
    yield folder / ("b.tar" if request.param == "tar" else "b"), web, called


@pytest.fixture
def sources(layout: tuple[Path, Image, str], tmp_path: Path) -> Iterator[Sources]:
    settings = Settings(cache_dir=tmp_path / "cache", oci_layout_dir=str(layout[0].parent))
    cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)

    async def read(name: str) -> Json:
        raise AssertionError(name)

    registry = Registries(NobodyThere(), LayoutRegistry(settings, cache))  # type: ignore[arg-type]
    yield Sources(origins(registry), read, read, "demo", 100_000)
    cache.close()


async def fetched(sources: Sources, image: str, kind: str = "imgpkgBundle", field: str = "image") -> Fetched:
    steps = [{kind: {field: image}}]
    return await fetch_all(steps, sources, await resolve_all(steps, sources))


async def test_a_repository_and_its_packages_come_from_one_layout(
    layout: tuple[Path, Image, str], sources: Sources
) -> None:
    path, web, called = layout
    repository = await fetched(sources, f"oci-layout://{path}:stable")
    assert repository.version == "stable"
    assert (await repository.files(["packages/**"])) == {"packages/web.yml": called.encode()}
    package = {
        "kind": "Package",
        "spec": {"template": {"spec": {"fetch": [{"imgpkgBundle": {"image": called}}], "template": [], "deploy": []}}},
    }
    (moved,) = relocated_packages([package], repository.relocated)
    step = moved["spec"]["template"]["spec"]["fetch"][0]
    assert step == {"imgpkgBundle": {"image": f"oci-layout://{path}@{web.digest}"}}
    content = await fetched(sources, step["imgpkgBundle"]["image"])
    assert (await content.files())["config/web.yml"] == b"kind: ConfigMap\n"


async def test_the_lock_of_a_package_names_images_where_a_node_can_pull_them(
    layout: tuple[Path, Image, str], sources: Sources
) -> None:
    path, web, called = layout
    files = await (await fetched(sources, f"oci-layout://{path}@{web.digest}")).files([LOCK_FILE])
    images = [entry["image"] for entry in yaml.safe_load(files[LOCK_FILE])["images"]]
    assert images == [f"{called.partition('/')[0]}/nginx@{NGINX.digest}"]


async def test_a_plain_image_is_read_from_a_layout_too(layout: tuple[Path, Image, str], sources: Sources) -> None:
    content = await fetched(sources, f"oci-layout://{layout[0]}@{NGINX.digest}", "image", "url")
    assert await content.files() == {"bin/nginx": b"elf"}


async def test_a_layout_elsewhere_is_no_source(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(HostRefused, match="PACKHOUSE_OCI_LAYOUT_DIR"):
        await fetched(sources, f"oci-layout://{tmp_path}/other")
