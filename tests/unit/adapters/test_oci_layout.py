"""OCI layouts as a source: folders and tars, made by hand and by other tools; what is refused; damage."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import LocalRegistry
from hostile_registry import bundle, image_of, index_of, sha256
from layouts import as_tar, entry_of, tar_member, write_layout
from packhouse.adapters.oci_layout_registry import LayoutRegistry
from packhouse.adapters.oras_push import push_bundle
from packhouse.adapters.registries import Registries
from packhouse.api.errors import (
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    InvalidSpec,
    PackhouseError,
    SourceNotFound,
)
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Access
from packhouse.settings import Settings

FILES = {"packages/a.yml": b"a: 1\n", ".imgpkg/images.yml": b"kind: ImagesLock\n"}
ONE, TWO = bundle(FILES), bundle({"config.yml": b"two: 2\n"}, oci=True)
NOBODY = Access()
Open = Callable[..., LayoutRegistry]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The folder that the settings name."""
    (tmp_path / "layouts").mkdir()
    return tmp_path / "layouts"


@pytest.fixture
def opened(tmp_path: Path, top: Path) -> Iterator[Open]:
    caches: list[TreeCache] = []

    def make(**settings: Any) -> LayoutRegistry:
        given = Settings(**{"cache_dir": tmp_path / "cache", "oci_layout_dir": str(top), **settings})
        caches.append(TreeCache(given.cache_dir, given.cache_most_bytes))
        return LayoutRegistry(given, caches[-1])

    yield make
    for cache in caches:
        cache.close()


@pytest.fixture(params=["folder", "tar"])
def placed(request: pytest.FixtureRequest, top: Path, tmp_path: Path) -> Callable[..., str]:
    """Puts a layout in its place, and says how a fetch step names it."""

    def place(*args: Any) -> str:
        folder = write_layout(tmp_path / "made", *args)
        if request.param == "folder":
            shutil.copytree(folder, top / "web", dirs_exist_ok=True)
            return f"oci-layout://{top}/web"
        as_tar(folder, top / "web.tar")
        return f"oci-layout://{top}/web.tar"

    return place


def read(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ---- what is read ----------------------------------------------------------------------------------------


async def test_an_image_is_pulled_by_its_tag_its_digest_or_as_the_only_one(
    placed: Callable[..., str], opened: Open
) -> None:
    name = placed({"1.0": ONE})
    for reference in (name, f"{name}:1.0", f"{name}@{ONE.digest}", f"{name}:old@{ONE.digest}"):
        tree = await opened().pull(reference, NOBODY)
        assert (tree.digest, read(tree.root)) == (ONE.digest, FILES)
    assert (await opened().pull(f"{name}:1.0", NOBODY)).version == "1.0"
    assert await opened().resolve(name, NOBODY) == ONE.digest
    assert await opened().tags(name, NOBODY) == ["1.0"]


async def test_of_several_the_marked_one_counts_then_the_one_tagged_latest(
    placed: Callable[..., str], opened: Open, top: Path, tmp_path: Path
) -> None:
    name = placed({"1.0": ONE, "latest": TWO})
    assert await opened().resolve(name, NOBODY) == TWO.digest
    assert await opened().resolve(f"{name}:1.0", NOBODY) == ONE.digest
    root = entry_of(ONE, "", **{"dev.carvel.imgpkg.copy.root-bundle": ""})
    shutil.rmtree(tmp_path / "made")
    other = write_layout(top / "marked", {"1.0": ONE, "latest": TWO}, root)
    assert await opened().resolve(f"oci-layout://{other}", NOBODY) == ONE.digest


async def test_a_tag_that_is_not_there_is_answered_with_those_that_are(
    placed: Callable[..., str], opened: Open
) -> None:
    name = placed({"1.0": ONE, "2.0": TWO})
    with pytest.raises(SourceNotFound, match=r"no manifest tagged '3.0'; its tags: 1.0, 2.0"):
        await opened().resolve(f"{name}:3.0", NOBODY)
    with pytest.raises(SourceNotFound, match="2 manifests, so name a tag"):
        await opened().resolve(name, NOBODY)
    with pytest.raises(SourceNotFound, match="lacks the manifest"):
        await opened().pull(f"{name}@sha256:{'0' * 64}", NOBODY)
    assert await opened().manifest(f"{name}:3.0", NOBODY) is None


async def test_an_index_leads_to_one_image_and_keeps_its_own_digest(placed: Callable[..., str], opened: Open) -> None:
    index = index_of([(TWO, {"os": "linux", "architecture": "arm64"}), (ONE, {"os": "linux", "architecture": "amd64"})])
    tree = await opened().pull(placed({"1": index}), NOBODY)
    assert (tree.digest, read(tree.root)) == (index.digest, FILES)


async def test_manifests_blobs_and_referrers_are_what_signatures_need(placed: Callable[..., str], opened: Open) -> None:
    subject = {"digest": ONE.digest, "size": 1, "mediaType": "x"}
    signature = image_of([(b"sig", {"mediaType": "text/x"})], artifactType="application/x.sig", subject=subject)
    name = placed({"1.0": ONE, "": signature, f"{ONE.digest.replace(':', '-')}.sig": TWO})
    registry = opened()
    found = await registry.referrers(f"{name}@{ONE.digest}", NOBODY)
    assert [(one.digest, one.artifact_type) for one in found] == [(signature.digest, "application/x.sig")]
    raw = await registry.manifest(f"{name}:{ONE.digest.replace(':', '-')}.sig", NOBODY)
    assert raw is not None
    assert (raw.digest, raw.media_type) == (TWO.digest, TWO.manifests[TWO.digest][0])
    assert await registry.blob(f"{name}@{sha256(b'sig')}", NOBODY, most_bytes=3) == b"sig"
    with pytest.raises(FetchLimitExceeded, match="more than 2 bytes"):
        await registry.blob(f"{name}@{sha256(b'sig')}", NOBODY, most_bytes=2)
    with pytest.raises(SourceNotFound, match="lacks this blob"):
        await registry.blob(f"{name}@sha256:{'1' * 64}", NOBODY, most_bytes=2)


async def test_a_layout_that_changes_is_read_anew(placed: Callable[..., str], opened: Open, tmp_path: Path) -> None:
    registry = opened()
    name = placed({"1.0": ONE})
    first = await registry.resolve(f"{name}:1.0", NOBODY)
    shutil.rmtree(tmp_path / "made")
    placed({"1.0": TWO, "2.0": ONE})
    assert (first, await registry.resolve(f"{name}:1.0", NOBODY)) == (ONE.digest, TWO.digest)


@pytest.mark.parametrize("form", ["folder", "tar"])
async def test_a_layout_made_by_oras_is_read(
    form: str, registry: LocalRegistry, oras: Path, opened: Open, top: Path, tmp_path: Path
) -> None:
    (tmp_path / "in/packages").mkdir(parents=True)
    (tmp_path / "in/packages/a.yml").write_text("a: 1\n")
    digest = await push_bundle(tmp_path / "in", f"{registry.host}/layouts/oras:1.0", None, Settings())
    made = top / "made"
    source = f"{registry.host}/layouts/oras:1.0"
    subprocess.run([oras, "cp", "--from-plain-http", source, "--to-oci-layout", f"{made}:1.0"], check=True)
    name = f"oci-layout://{made}" if form == "folder" else f"oci-layout://{as_tar(made, top / 'made.tar')}"
    tree = await opened().pull(f"{name}:1.0", NOBODY)
    assert (tree.digest, read(tree.root)["packages/a.yml"]) == (digest, b"a: 1\n")


async def test_a_layout_made_by_crane_is_read(
    registry: LocalRegistry, crane: Path, opened: Open, top: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.yml").write_text("a: 1\n")
    image = f"{registry.host}/layouts/crane:1.0"
    digest = await push_bundle(tmp_path / "in", image, None, Settings())
    subprocess.run([crane, "pull", "--insecure", "--format=oci", image, top / "made"], check=True)
    assert (await opened().pull(f"oci-layout://{top}/made", NOBODY)).digest == digest


# ---- what stays while the disk is away -------------------------------------------------------------------


async def test_a_digest_that_was_read_once_comes_from_the_cache_without_its_layout(
    placed: Callable[..., str], opened: Open, top: Path
) -> None:
    name = placed({"1.0": ONE})
    await opened().pull(name, NOBODY)
    shutil.rmtree(top)
    top.mkdir()
    later = opened()  # as after a restart
    assert await later.resolve(f"{name}@{ONE.digest}", NOBODY) == ONE.digest
    assert read((await later.pull(f"{name}@{ONE.digest}", NOBODY)).root) == FILES
    with pytest.raises(SourceNotFound, match="there is no OCI layout"):
        await later.resolve(name, NOBODY)


async def test_a_cached_digest_is_not_given_to_who_names_a_layout_that_never_held_it(
    placed: Callable[..., str], opened: Open, top: Path
) -> None:
    registry = opened()
    await registry.pull(placed({"1.0": ONE}), NOBODY)
    other = write_layout(top / "other", {"1.0": TWO})
    with pytest.raises(SourceNotFound, match="lacks the manifest"):
        await registry.pull(f"oci-layout://{other}@{ONE.digest}", NOBODY)
    elsewhere = opened(oci_layout_dir=str(top / "other"))
    with pytest.raises(HostRefused):
        await elsewhere.pull(f"oci-layout://{top}/web@{ONE.digest}", NOBODY)


async def test_one_door_sends_each_reference_to_its_registry(placed: Callable[..., str], opened: Open) -> None:
    name = placed({"1.0": ONE})
    layouts = opened()

    class Remote:
        async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
            return f"remote {image}"

    both = Registries(Remote(), layouts)  # type: ignore[arg-type]
    assert await both.resolve(name, NOBODY) == ONE.digest
    assert await both.resolve("ghcr.io/x", NOBODY) == "remote ghcr.io/x"
    with pytest.raises(InvalidSpec, match="oci-layout://"):
        await layouts.resolve("ghcr.io/x", NOBODY)


# ---- where layouts may lie -------------------------------------------------------------------------------


async def test_without_the_setting_there_are_no_layouts(placed: Callable[..., str], opened: Open) -> None:
    name = placed({"1.0": ONE})
    with pytest.raises(HostRefused, match="PACKHOUSE_OCI_LAYOUT_DIR is not set"):
        await opened(oci_layout_dir="").pull(name, NOBODY)


@pytest.mark.parametrize(
    "path",
    ["{up}/outside", "{top}", "{top}/link", "{top}/linked.tar", "/etc", "/etc/passwd", "/proc/self/root", "{top}x/web"],
)
async def test_what_lies_elsewhere_is_refused_in_the_same_words_whether_it_is_there_or_not(
    path: str, opened: Open, top: Path
) -> None:
    outside = write_layout(top.parent / "outside", {"1.0": ONE})
    write_layout(top.parent / "layoutsx" / "web", {"1.0": ONE})
    as_tar(outside, top.parent / "outside.tar")
    (top / "link").symlink_to(outside)
    (top / "linked.tar").symlink_to(top.parent / "outside.tar")
    name = "oci-layout://" + path.format(up=top.parent, top=top)
    for reference in (name, f"{top.parent}/none".join(["oci-layout://", ""])):
        with pytest.raises(HostRefused, match=r"oci-layout sources lie below .*/layouts \(PACKHOUSE_OCI_LAYOUT_DIR\)"):
            await opened().pull(reference, NOBODY)


async def test_climbing_out_is_no_reference(opened: Open, top: Path) -> None:
    write_layout(top.parent / "outside", {"1.0": ONE})
    with pytest.raises(InvalidSpec, match=r"no \. or \.\. as a part"):
        await opened().pull(f"oci-layout://{top}/../outside", NOBODY)


async def test_a_link_that_stays_below_the_folder_is_followed(opened: Open, top: Path) -> None:
    write_layout(top / "..2026", {"1.0": ONE})  # as a mounted volume has it
    (top / "web").symlink_to("..2026")
    assert (await opened().pull(f"oci-layout://{top}/web", NOBODY)).digest == ONE.digest


LAYER = next(digest for digest in ONE.blobs if len(ONE.blobs[digest]) > 2).removeprefix("sha256:")


def _linked(target: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = (folder / "blobs/sha256" / LAYER).read_bytes()
        (folder.parent.parent / "secret").write_bytes(content)
        (folder / "blobs/sha256" / LAYER).unlink()
        (folder / "blobs/sha256" / LAYER).symlink_to(target.format(up=folder.parent.parent))

    return spoil


def _pipe(folder: Path) -> None:
    (folder / "blobs/sha256" / LAYER).unlink()
    os.mkfifo(folder / "blobs/sha256" / LAYER)


def _index_out(folder: Path) -> None:
    (folder.parent.parent / "index.json").write_bytes((folder / "index.json").read_bytes())
    (folder / "index.json").unlink()
    (folder / "index.json").symlink_to("../../index.json")


def _blobs_out(folder: Path) -> None:
    shutil.move(folder / "blobs", folder.parent.parent / "blobs")
    (folder / "blobs").symlink_to("../../blobs")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(_linked("{up}/secret"), "is a link that leaves the folder", id="a blob is an absolute link"),
        pytest.param(_linked("../../../../secret"), "is a link that leaves the folder", id="a blob is a link out"),
        pytest.param(_linked("/dev/zero"), "is a link that leaves the folder", id="a blob is a device"),
        pytest.param(_linked(LAYER), "links in a circle|Too many levels|Symlink loop", id="a blob is a circle"),
        pytest.param(_pipe, "it is no regular file|cannot be read", id="a blob is a pipe"),
        pytest.param(_index_out, "is a link that leaves the folder", id="the index is a link out"),
        pytest.param(_blobs_out, "is a link that leaves the folder", id="all blobs are a link out"),
    ],
)
async def test_of_a_folder_nothing_is_read_that_lies_outside(
    spoil: Callable[[Path], None], words: str, opened: Open, top: Path
) -> None:
    spoil(write_layout(top / "web", {"1.0": ONE}))
    with pytest.raises(FetchFailed, match=words):
        await opened().pull(f"oci-layout://{top}/web", NOBODY)


# ---- damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("form", ["folder", "tar"])
async def test_one_flipped_bit_of_any_blob_is_found_before_anything_is_used(
    which: int, form: str, opened: Open, top: Path
) -> None:
    folder = write_layout(top / "web", {"1.0": ONE})
    names = [digest for digest in (*ONE.manifests, *ONE.blobs) if digest != sha256(b"{}")]
    digest = (names * 2)[which]
    path = folder / "blobs/sha256" / digest.removeprefix("sha256:")
    content = bytearray(path.read_bytes())
    content[len(content) // (which + 1) - 1] ^= 1
    path.write_bytes(content)
    name = f"oci-layout://{folder if form == 'folder' else as_tar(folder, top / 'web.tar')}"
    registry = opened()
    for _ in range(2):
        with pytest.raises(DigestMismatch, match=f"as {digest} has another digest"):
            await registry.pull(name, NOBODY)


def _no_layout(folder: Path) -> None:
    (folder / "oci-layout").unlink()


def _text(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def _missing(folder: Path) -> None:
    (folder / "blobs/sha256" / LAYER).unlink()


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        pytest.param(_no_layout, FetchFailed, "has no file oci-layout", id="no mark"),
        pytest.param(_text("oci-layout", '{"a": 1}'), FetchFailed, "layout of version", id="no version"),
        pytest.param(_text("oci-layout", '{"imageLayoutVersion": "2"}'), FetchFailed, "version '2'", id="version 2"),
        pytest.param(_text("index.json", "["), FetchFailed, "index.json is not JSON", id="an index that is no JSON"),
        pytest.param(_text("index.json", "[" * 200_000), FetchFailed, "is not JSON", id="an index of brackets"),
        pytest.param(
            _text("index.json", '{"a": 1}'), FetchFailed, "no list of at most", id="an index without manifests"
        ),
        pytest.param(
            _text("index.json", '{"manifests": [{"digest": "sha256:../../x", "size": 1}]}'),
            FetchFailed,
            "without a sha256 digest",
            id="a digest that is a path",
        ),
        pytest.param(_text("index.json", " " * (5 << 20)), FetchLimitExceeded, "is not read", id="a large index"),
        pytest.param(
            _text("index.json", json.dumps({"manifests": [{"digest": ONE.digest, "size": 1}] * 20_001})),
            FetchFailed,
            "no list of at most 20000",
            id="an index of many",
        ),
        pytest.param(_missing, SourceNotFound, "it was not copied as a whole", id="a blob that is missing"),
    ],
)
async def test_a_broken_layout_is_refused_with_what_is_wrong(
    spoil: Callable[[Path], None],
    kind: type[PackhouseError],
    words: str,
    placed: Callable[..., str],
    opened: Open,
    tmp_path: Path,
    top: Path,
) -> None:
    write_layout(tmp_path / "made", {"1.0": ONE})
    placed_name = placed({"1.0": ONE})
    spoil(tmp_path / "made")
    if placed_name.endswith(".tar"):
        as_tar(tmp_path / "made", top / "web.tar")
    else:
        spoil(top / "web")
    with pytest.raises(kind, match=words):
        await opened().pull(placed_name, NOBODY)


def _truncated(tar: Path) -> None:
    content = tar.read_bytes()
    tar.write_bytes(content[: len(content) // 2])


def _garbage(tar: Path) -> None:
    tar.write_bytes(hashlib.sha256(b"x").digest() * 1000)


def _compressed(tar: Path) -> None:
    tar.write_bytes(gzip.compress(tar.read_bytes()))


def _members(*members: tuple[tarfile.TarInfo, Any]) -> Callable[[Path], None]:
    def spoil(tar: Path) -> None:
        with tarfile.open(tar, "w") as archive:
            for info, content in members:
                archive.addfile(info, content)

    return spoil


def _large_header(tar: Path) -> None:
    """A header that says it is followed by a name of 64 MiB."""
    info = tarfile.TarInfo("././@LongLink")
    info.size, info.type = 64 << 20, tarfile.GNUTYPE_LONGNAME
    with tar.open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(80 << 20)


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        pytest.param(_truncated, FetchFailed, "ends in the middle|no readable tar", id="half of it"),
        pytest.param(_garbage, FetchFailed, "is no readable tar", id="something else"),
        pytest.param(_compressed, FetchFailed, "is compressed", id="gzipped"),
        pytest.param(lambda tar: tar.write_bytes(b""), FetchFailed, "no readable tar|has no file", id="empty"),
        pytest.param(_large_header, FetchFailed, "no readable tar", id="a header of 64 MiB"),
        pytest.param(
            _members(tar_member("oci-layout", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
            FetchFailed,
            "has no file oci-layout",
            id="a link for a file",
        ),
        pytest.param(
            _members(*(tar_member(f"f{n}") for n in range(1001))), FetchLimitExceeded, "more than 1000", id="many"
        ),
    ],
)
async def test_a_broken_tar_is_refused_with_what_is_wrong(
    spoil: Callable[[Path], Any], kind: type[PackhouseError], words: str, opened: Open, top: Path, tmp_path: Path
) -> None:
    tar = as_tar(write_layout(tmp_path / "made", {"1.0": ONE}), top / "web.tar")
    spoil(tar)
    with pytest.raises(kind, match=words):
        await opened(bundle_files_most=1000).pull(f"oci-layout://{tar}", NOBODY)


async def test_layers_are_unpacked_within_the_limits_of_registries(opened: Open, top: Path) -> None:
    write_layout(top / "web", {"1.0": bundle({"large": bytes(100_000)})})
    with pytest.raises(FetchLimitExceeded, match=f"oci-layout|{top}.*PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES"):
        await opened(bundle_unpacked_most_bytes=50_000).pull(f"oci-layout://{top}/web", NOBODY)
    write_layout(top / "two", {"1.0": bundle({"../out": b"x"})})
    with pytest.raises(FetchLimitExceeded, match=r"climbs out by \.\."):
        await opened().pull(f"oci-layout://{top}/two", NOBODY)


async def test_a_layout_takes_no_longer_than_a_fetch_may(opened: Open, top: Path, tmp_path: Path) -> None:
    write_layout(top / "web", {"1.0": ONE})
    settings = Settings(cache_dir=tmp_path / "cache", oci_layout_dir=str(top), fetch_timeout_seconds=5)
    times = iter([0.0, *[6.0] * 100])
    cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)
    slow = LayoutRegistry(settings, cache, clock=lambda: next(times))
    with pytest.raises(FetchFailed, match="not read within 5 s"):
        await slow.pull(f"oci-layout://{top}/web", NOBODY)
    cache.close()
