"""Copies of bundles between real registries, layouts and tars: whole, resumed after kills and cuts, damage found."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bundle_app import app
from bundle_stock import Stock, fill, locked_bundle, manifest, put, tags, whole
from cluster.registry import LocalRegistry, open_registry
from cutting_proxy import CuttingProxy
from hostile_registry import DOCKER, DOCKER_LAYER, image_of, sha256
from layouts import write_layout

Bundle = Callable[..., Result]

KILLER = """
import os, signal, sys
from packhouse.cli import bundle_progress
from bundle_app import app
left = int(sys.argv.pop(1))
class Killer(bundle_progress._Lines):
    def moved(self, count):
        global left
        left -= count
        if left <= 0:
            os.kill(os.getpid(), getattr(signal, os.environ.get("BY", "SIGKILL")))
bundle_progress._Lines = Killer
app(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def far() -> Iterator[LocalRegistry]:
    """A second registry, that knows nothing of the first."""
    with open_registry() as opened:
        yield opened


@pytest.fixture(scope="module")
def stock(registry: LocalRegistry) -> Stock:
    return fill(registry.host, "copies/stock")


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundle:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    def run(*words: object, code: int = 0, **more: str) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words], **more)  # type: ignore[arg-type]
        assert result.exit_code == code, result.output
        return result

    return run


def killed(after: int, *words: object, by: str = "SIGKILL") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, that is killed when so many bytes have moved."""
    return subprocess.run(
        [sys.executable, "-c", KILLER, str(after), *map(str, words)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "BY": by},
    )  # fmt: skip


def requests(registry: LocalRegistry, method: str, repository: str) -> int:
    path = repository.partition("/")[2]
    return sum(f'"{method} /v2/{path}/' in line for line in registry.log.read_text().splitlines())


def everything(stock: Stock, repository: str) -> None:
    """The copy has all that hangs on the bundle, under all its names."""
    found: set[str] = set()
    for digest in stock.digests.values():
        found |= whole(repository, digest)
    assert found == set(stock.digests.values()) | set(stock.blobs)
    for name in ("outer", "inner", "web", "tool"):
        tag = stock.digests[name].replace(":", "-")
        assert manifest(repository, f"{tag}.imgpkg") == manifest(repository, stock.digests[name])
    assert f"{stock.digests['web'].replace(':', '-')}.sig" in tags(repository)
    assert f"{stock.digests['tool'].replace(':', '-')}.sbom" in tags(repository)


# ---- what a copy has -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["registry", "referrers_registry"])
def test_a_copy_has_every_image_nested_bundles_platforms_signatures_and_locations(
    kind: str, stock: Stock, far: LocalRegistry, bundle: Bundle, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    target = far if kind == "registry" else request.getfixturevalue(kind)
    repository = f"{target.host}/air/whole"
    result = bundle("copy", stock.outer, repository)
    assert result.stdout == f"{repository}@{stock.digests['outer']}\n"
    everything(stock, repository)
    # the tag of the source is the tag of the copy
    assert manifest(repository, "1.0") == manifest(repository, stock.digests["outer"])
    data = json.loads(bundle("inspect", f"{repository}:1.0", "-o", "json").stdout)
    inner = next(image for image in data["images"] if image["type"] == "bundle")
    assert [entry["digest"] for entry in inner["attestations"]] == [stock.digests["attestation"]]
    for name, images in {"outer": ["inner", "web"], "inner": ["tool"]}.items():
        tag = f"{stock.digests[name].replace(':', '-')}.image-locations.imgpkg"
        bundle("pull", f"{repository}:{tag}", "-o", tmp_path / kind / name)
        lines = (tmp_path / kind / name / "image-locations.yml").read_text()
        expected = "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n"
        for image in images:
            word = "true" if image == "inner" else "false"
            expected += f"- image: {stock.homes[image]}@{stock.digests[image]}\n  isBundle: {word}\n"
        assert lines == f"{expected}kind: ImageLocations\n"
        layers = manifest(repository, tag)["layers"]  # imgpkg reads one layer of Docker's type
        assert [layer["mediaType"] for layer in layers] == [DOCKER_LAYER]


def test_a_second_copy_sends_nothing(stock: Stock, far: LocalRegistry, bundle: Bundle) -> None:
    repository = f"{far.host}/air/twice"
    bundle("copy", stock.outer, f"{repository}:stable")
    sent = [requests(far, method, repository) for method in ("POST", "PATCH", "PUT")]
    read = requests(far, "GET", repository)
    again = bundle("copy", stock.outer, f"{repository}:stable")
    assert "of which 0 were moved (0 B)" in again.stderr
    assert [requests(far, method, repository) for method in ("POST", "PATCH")] == sent[:2]
    # what refers to something is put again, since its list may have been lost; one signature and one attestation
    assert requests(far, "PUT", repository) - sent[2] <= 4
    assert requests(far, "GET", repository) - read <= 4
    assert "stable" in tags(repository) and "1.0" not in tags(repository)


def test_within_one_registry_blobs_are_taken_over_and_not_sent(
    stock: Stock, registry: LocalRegistry, bundle: Bundle
) -> None:
    repository = f"{registry.host}/copies/mounted"
    bundle("copy", stock.outer, repository)
    everything(stock, repository)
    assert requests(registry, "PATCH", repository) <= 4  # the layers and configs of two ImageLocations


def test_a_copy_is_read_without_the_registries_that_its_lock_names(bundle: Bundle, far: LocalRegistry) -> None:
    with open_registry() as near:
        stock = fill(near.host, "near")
        first = f"{far.host}/air/first"
        bundle("copy", stock.outer, first)
    second = f"{far.host}/air/second"
    bundle("copy", f"{first}:1.0", second)
    everything(stock, second)


def test_signatures_stay_behind_when_they_are_not_wanted(stock: Stock, far: LocalRegistry, bundle: Bundle) -> None:
    repository = f"{far.host}/air/unsigned"
    bundle("copy", stock.outer, repository, "--no-signatures")
    assert not [tag for tag in tags(repository) if tag.endswith((".sig", ".sbom"))]
    assert manifest(repository, stock.digests["attestation"]) is None
    whole(repository, stock.digests["web"])


def test_a_plain_image_is_copied_with_what_is_said_about_it(stock: Stock, far: LocalRegistry, bundle: Bundle) -> None:
    repository = f"{far.host}/air/plain"
    result = bundle("copy", f"{stock.homes['web']}@{stock.digests['web']}", repository)
    assert result.stdout == f"{repository}@{stock.digests['web']}\n"
    whole(repository, stock.digests["web"])
    digest = stock.digests["web"].replace(":", "-")
    # no tag was given and none was named: the one that keeps it is all there is
    assert tags(repository) == [f"{digest}.imgpkg", f"{digest}.sig"]


@pytest.mark.parametrize("included", [False, True], ids=["left out", "included"])
def test_layers_that_may_not_be_handed_on_are_left_out_unless_asked_for(
    included: bool, referrers_registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    noise = random.Random(included).randbytes(1000)
    image = image_of([(noise, {"mediaType": foreign, "urls": ["https://far.example/layer"]})], DOCKER)
    host = referrers_registry.host  # the other one takes no such layers
    put(f"{host}/copies/foreign", "1", image)
    flags = ["--include-non-distributable-layers"] if included else []
    result = bundle("copy", f"{host}/copies/foreign:1", tmp_path / "folder", *flags)
    assert ("1 layers that may not be handed on were left out" in result.stderr) is not included
    blobs = {path.name for path in (tmp_path / "folder/blobs/sha256").iterdir()}
    assert (sha256(noise).removeprefix("sha256:") in blobs) is included
    assert bundle("copy", tmp_path / "folder", f"{host}/air/foreign", *flags).exit_code == 0


def test_a_bundle_that_names_no_images_and_one_that_names_an_image_twice_are_copied(
    registry: LocalRegistry, far: LocalRegistry, bundle: Bundle, stock: Stock
) -> None:
    put(f"{registry.host}/copies/none", "1", locked_bundle({}, {"a": b"1"}))
    assert "1 images" in bundle("copy", f"{registry.host}/copies/none:1", f"{far.host}/air/none").stderr
    tool = {stock.homes["tool"]: stock.digests["tool"], f"{registry.host}/copies/else": stock.digests["tool"]}
    put(f"{registry.host}/copies/two", "1", locked_bundle(tool, {"a": b"1"}))
    assert "2 images" in bundle("copy", f"{registry.host}/copies/two:1", f"{far.host}/air/two").stderr


# ---- what is missing or wrong ----------------------------------------------------------------------------


def test_an_image_that_is_nowhere_is_named_and_nothing_is_written(
    registry: LocalRegistry, far: LocalRegistry, bundle: Bundle
) -> None:
    lost = f"sha256:{'5' * 64}"
    put(f"{registry.host}/copies/lost", "1", locked_bundle({f"{registry.host}/copies/gone": lost}, {"a": b"1"}))
    result = bundle("copy", f"{registry.host}/copies/lost:1", f"{far.host}/air/lost", code=1)
    assert f"{registry.host}/copies/gone@{lost}" in result.stderr
    assert tags(f"{far.host}/air/lost") == []


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        pytest.param("images: [{image: 'ghcr.io/a:1'}]", "names each image by its digest", id="a tag"),
        pytest.param("images: {}x", "is no ImagesLock", id="no YAML"),
        pytest.param("kind: Other\nimages: [{image: x}]", "is no ImagesLock", id="another kind"),
        pytest.param("images:\n- image: oci-layout:///etc@sha256:" + "0" * 64, "is no ImagesLock", id="a path"),
    ],
)
def test_a_lock_that_cannot_be_followed_ends_the_copy(
    lock: str, words: str, registry: LocalRegistry, far: LocalRegistry, bundle: Bundle
) -> None:
    image = locked_bundle({}, {".imgpkg/images.yml": lock.encode()})
    name = f"{registry.host}/copies/badlock"
    put(name, "1", image)
    result = bundle("copy", f"{name}:1", f"{far.host}/air/badlock", code=1)
    assert re.search(words, result.stderr), result.stderr


def test_the_credentials_of_each_host_come_from_the_docker_config(
    stock: Stock, auth_registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    target = f"{auth_registry.host}/air/closed"
    assert "no credentials" in bundle("copy", stock.outer, target, code=1).stderr
    auths = {auth_registry.host: {"username": auth_registry.username, "password": auth_registry.password}}
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": auths}))
    bundle("copy", stock.outer, target)
    login = ["--username", str(auth_registry.username), "--password-stdin"]
    (tmp_path / "docker/config.json").unlink()
    bundle("copy", stock.outer, f"{target}2", *login, input=f"{auth_registry.password}\n")
    # the same user is nobody for the registry that it is not meant for
    assert "401" in bundle("inspect", f"{target}:1.0", code=1).stderr


# ---- layouts and tars ------------------------------------------------------------------------------------


def test_over_a_tar_everything_arrives_though_the_source_is_gone(
    far: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    tar = tmp_path / "bundle.tar"
    with open_registry() as near:
        stock = fill(near.host, "near")
        result = bundle("copy", stock.outer, "--to-tar", tar)
    assert result.stdout == f"oci-layout://{tar}@{stock.digests['outer']}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.tar"]
    repository = f"{far.host}/air/tarred"
    assert bundle("copy", "--from-tar", tar, repository).stdout == f"{repository}@{stock.digests['outer']}\n"
    everything(stock, repository)
    assert manifest(repository, "1.0") == manifest(repository, stock.digests["outer"])


def test_the_same_bundle_gives_the_same_tar_byte_for_byte(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        bundle("copy", stock.outer, "--to-tar", tmp_path / name)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        names = [member.name for member in archive]
    assert names[:2] == ["oci-layout", "index.json"]
    wanted = {f"blobs/sha256/{digest.removeprefix('sha256:')}" for digest in {*stock.blobs, *stock.digests.values()}}
    assert set(names[2:]) == wanted


def test_other_tools_read_the_tar_and_the_folder(
    stock: Stock, bundle: Bundle, tmp_path: Path, oras: Path, crane: Path, far: LocalRegistry
) -> None:
    bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar")
    bundle("copy", stock.outer, tmp_path / "folder")
    run = lambda *words: subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: E731
    for place in (tmp_path / "b.tar", tmp_path / "folder"):
        assert "1.0" in run(oras, "repo", "tags", "--oci-layout", place).split()
        target = f"{far.host}/air/oras-{place.name}"
        run(oras, "cp", "--from-oci-layout", f"{place}:1.0", "--to-plain-http", f"{target}:1.0")
        whole(target, stock.digests["outer"])
    run(crane, "push", "--insecure", tmp_path / "folder", f"{far.host}/air/crane:1", "--index")
    # crane takes the layout's index for one image; all that it names came with it
    whole(f"{far.host}/air/crane", stock.digests["web"])


def test_a_folder_takes_several_bundles_and_their_newer_versions(
    stock: Stock, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    folder = tmp_path / "layouts"
    bundle("copy", stock.outer, f"oci-layout://{folder}")
    other = locked_bundle({}, {"other": b"1"})
    put(f"{registry.host}/copies/other", "2.0", other)
    bundle("copy", f"{registry.host}/copies/other:2.0", f"oci-layout://{folder}:2.0")
    data = {tag: bundle("inspect", f"oci-layout://{folder}:{tag}", "-o", "json").stdout for tag in ("1.0", "2.0")}
    assert json.loads(data["1.0"])["digest"] == stock.digests["outer"]
    assert json.loads(data["2.0"])["digest"] == other.digest
    newer = locked_bundle({}, {"other": b"2"})
    put(f"{registry.host}/copies/other", "2.0", newer)
    bundle("copy", f"{registry.host}/copies/other:2.0", f"oci-layout://{folder}:2.0")
    index = json.loads((folder / "index.json").read_text())
    named = [entry for entry in index["manifests"] if "2.0" in entry.get("annotations", {}).values()]
    assert [entry["digest"] for entry in named] == [newer.digest]


def test_a_folder_with_other_things_in_it_is_left_alone(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    result = bundle("copy", stock.outer, tmp_path / "mine", code=2)
    assert "is there already, and is no OCI layout" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_one_flipped_bit_anywhere_in_a_tar_is_found_and_nothing_gets_a_name(
    registry: LocalRegistry, far: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    stock = fill(registry.host, "copies/flips", layer_bytes=2_000, seed=7)
    bundle("copy", stock.outer, "--to-tar", tmp_path / "good.tar")
    with tarfile.open(tmp_path / "good.tar") as archive:
        members = [(member.name, member.offset_data, member.size) for member in archive if "blobs/" in member.name]
    chance = random.Random(3)
    for number, (name, offset, size) in enumerate(members):
        content = bytearray((tmp_path / "good.tar").read_bytes())
        content[offset + chance.randrange(size)] ^= 1 << chance.randrange(8)
        (tmp_path / "bad.tar").write_bytes(content)
        repository = f"{far.host}/air/flipped{number}"
        result = bundle("copy", "--from-tar", tmp_path / "bad.tar", repository, code=1)
        assert name.rpartition("/")[2] in result.stderr, result.stderr
        assert tags(repository) == []
    assert len(members) == len({*stock.blobs, *stock.digests.values()})


@pytest.mark.parametrize("keep", [0, 511, 5_000, 100_000])
def test_a_tar_that_ends_early_is_found(
    keep: int, stock: Stock, far: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    bundle("copy", stock.outer, "--to-tar", tmp_path / "good.tar")
    (tmp_path / "bad.tar").write_bytes((tmp_path / "good.tar").read_bytes()[:keep])
    bundle("copy", "--from-tar", tmp_path / "bad.tar", f"{far.host}/air/short{keep}", code=1)
    assert tags(f"{far.host}/air/short{keep}") == []


def test_a_layout_that_lacks_an_image_says_which(bundle: Bundle, far: LocalRegistry, tmp_path: Path) -> None:
    lost = f"sha256:{'6' * 64}"
    folder = write_layout(tmp_path / "l", {"1": locked_bundle({"ghcr.io/gone": lost}, {"a": b"1"})})
    result = bundle("copy", folder, f"{far.host}/air/lacking", code=1)
    assert f"lacks ghcr.io/gone@{lost}: it is no whole copy" in result.stderr


# ---- kills and cuts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 150_000, 450_000, 620_000])
def test_a_copy_to_a_tar_that_is_killed_goes_on_where_it_was(
    after: int, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    stock = fill(registry.host, f"copies/killed{after}", seed=after)
    tar = tmp_path / "b.tar"
    assert killed(after, "copy", "--parallel", "1", stock.outer, "--to-tar", tar).returncode == -signal.SIGKILL
    assert not tar.exists()
    there = sum(path.stat().st_size for path in (tmp_path / "b.tar.part").rglob("*") if path.is_file())
    result = bundle("copy", stock.outer, "--to-tar", tar)
    moved = result.stderr.partition("were moved")[0].rpartition(" ")[0]
    assert moved and sorted(path.name for path in tmp_path.iterdir() if path.name != "docker") == ["b.tar"]
    bundle("copy", stock.outer, "--to-tar", tmp_path / "other.tar")
    assert tar.read_bytes() == (tmp_path / "other.tar").read_bytes()
    if after > 200_000:
        assert there >= 200_000  # whole layers stayed, and were not read again
        path = stock.homes["web"].partition("/")[2]
        asked = [line for line in registry.log.read_text().splitlines() if f"GET /v2/{path}/blobs/" in line]
        whole_layers = [line for line in asked if " 200 200000 " in line]
        assert len(whole_layers) < 2 * 3


@pytest.mark.parametrize("after", [1, 150_000, 450_000, 590_000])
def test_a_copy_to_a_registry_that_is_killed_leaves_no_name_and_goes_on(
    after: int, stock: Stock, far: LocalRegistry, bundle: Bundle
) -> None:
    repository = f"{far.host}/air/killed{after}"
    assert killed(after, "copy", "--parallel", "1", stock.outer, repository).returncode == -signal.SIGKILL
    assert tags(repository) == []
    sent = requests(far, "PATCH", repository)
    bundle("copy", stock.outer, repository)
    everything(stock, repository)
    blobs = requests(far, "PATCH", repository) - sent
    # the one that was broken off may be in the log only now
    assert blobs <= len(stock.blobs) + 4 + 1 - after // 210_000


def test_a_part_that_is_no_part_of_the_blob_is_read_anew(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    bundle("copy", stock.outer, "--to-tar", tmp_path / "good.tar")
    bundle("copy", stock.outer, tmp_path / "b.tar.part")
    (tmp_path / "b.tar.part/index.json").unlink()
    layer = max(stock.blobs, key=lambda digest: stock.blobs[digest]).removeprefix("sha256:")
    blobs = tmp_path / "b.tar.part/blobs/sha256"
    (blobs / layer).unlink()
    (blobs / f"{layer}.part").write_bytes(b"x" * 1000)
    bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_bytes() == (tmp_path / "good.tar").read_bytes()


def test_a_blob_that_the_disk_spoilt_is_found_while_the_tar_is_written(
    stock: Stock, bundle: Bundle, tmp_path: Path
) -> None:
    bundle("copy", stock.outer, tmp_path / "b.tar.part")
    layer = max(stock.blobs, key=lambda digest: stock.blobs[digest]).removeprefix("sha256:")
    path = tmp_path / "b.tar.part/blobs/sha256" / layer
    path.write_bytes(bytes(path.stat().st_size))
    assert "was spoilt on the disk" in bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar", code=1).stderr
    assert not (tmp_path / "b.tar").exists()
    bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar")


def test_an_interrupt_ends_the_copy_with_a_word_and_code_130(
    stock: Stock, far: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    ended = killed(300_000, "copy", stock.outer, "--to-tar", tmp_path / "b.tar", by="SIGINT")
    assert (ended.returncode, "goes on where it was" in ended.stderr) == (130, True), ended.stderr
    assert "Traceback" not in ended.stderr
    bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar")


@pytest.mark.parametrize("down", [10_000, 120_000, 199_000])
def test_a_download_that_is_cut_goes_on_where_it_was(
    down: int, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    blob = random.Random(down).randbytes(1_000_000)
    put(f"{registry.host}/copies/cut{down}", "1", image_of([(blob, {"mediaType": DOCKER_LAYER})], DOCKER))
    with CuttingProxy(registry.host, down=down, times=6) as proxy:
        bundle("copy", f"{proxy.host}/copies/cut{down}:1", "--to-tar", tmp_path / "b.tar", "--parallel", "1")
        assert proxy.cuts >= 4
    lines = [line for line in registry.log.read_text().splitlines() if f"GET /v2/copies/cut{down}/blobs/" in line]
    assert any(" 206 " in line for line in lines)


@pytest.mark.parametrize("up", [20_000, 120_000, 199_000])
def test_an_upload_that_is_cut_goes_on_where_it_was(
    up: int, registry: LocalRegistry, far: LocalRegistry, bundle: Bundle
) -> None:
    blob = random.Random(up).randbytes(1_000_000)
    image = image_of([(blob, {"mediaType": DOCKER_LAYER})], DOCKER)
    put(f"{registry.host}/copies/up{up}", "1", image)
    with CuttingProxy(far.host, up=up, times=3) as proxy:
        bundle("copy", f"{registry.host}/copies/up{up}:1", f"{proxy.host}/air/up{up}", "--parallel", "1")
        assert proxy.cuts == 3
    whole(f"{far.host}/air/up{up}", image.digest)


# ---- size and signatures ---------------------------------------------------------------------------------

MEASURE = """
import re, sys
from pathlib import Path
from bundle_app import app
from packhouse.adapters import bundle_copy, oras_push, oras_repository, oci_layout_writer, bundle_graph
def peak():  # of this process alone: what getrusage tells was inherited from whoever started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
app(sys.argv[1:], standalone_mode=False)
print("GROWTH", peak() - before)
"""


def test_memory_stays_flat_whatever_the_size(registry: LocalRegistry, far: LocalRegistry, tmp_path: Path) -> None:
    blob = random.Random(5).randbytes(100 * 1024 * 1024)
    put(f"{registry.host}/copies/large", "1", image_of([(blob, {"mediaType": DOCKER_LAYER})], DOCKER))
    source, tar = f"{registry.host}/copies/large:1", str(tmp_path / "b.tar")
    for words in (
        ["copy", source, "--to-tar", tar],
        ["copy", "--from-tar", tar, f"{far.host}/air/large"],
        ["copy", source, f"{far.host}/air/large2"],
    ):
        done = subprocess.run([sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, timeout=120)
        growth = int(done.stdout.partition("GROWTH ")[2] or 10**9)
        assert growth < 32 * 1024, (words, growth, done.stderr)


@pytest.mark.parametrize("form", ["tags", "referrers"])
def test_what_cosign_signed_is_good_in_the_copy(
    form: str,
    registry: LocalRegistry,
    referrers_registry: LocalRegistry,
    cosign: Path,
    bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.chdir(tmp_path)
    source = f"{registry.host}/copies/cosign-{form}"
    image = locked_bundle({}, {"a": form.encode()})
    put(source, "1", image)
    run = lambda *words: subprocess.run([cosign, *words], check=True, capture_output=True, timeout=120)  # noqa: E731
    run("generate-key-pair")
    new = "--new-bundle-format=" + ("true" if form == "referrers" else "false")
    flags = ["--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", new, "-y"]
    run("sign", *flags, f"{source}@{image.digest}")
    tar = tmp_path / "b.tar"
    bundle("copy", f"{source}:1", "--to-tar", tar)
    for host in (registry.host, referrers_registry.host):
        target = f"{host}/copies/cosigned-{form}"
        bundle("copy", "--from-tar", tar, target)
        run("verify", "--key", "cosign.pub", "--insecure-ignore-tlog", new, f"{target}@{image.digest}")
        data = json.loads(bundle("inspect", f"{target}:1", "-o", "json").stdout)
        assert len(data["signatures"]) == 1
    shutil.rmtree(tmp_path / "docker", ignore_errors=True)
