"""Downloads that break off, mirrors, lists and small contents: a registry in this process that does as it is told."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.registry import LocalRegistry
from hostile_registry import (
    OCI,
    OCI_LAYER,
    Hang,
    HostileRegistry,
    Image,
    OtherPart,
    RedirectLoop,
    Refuse,
    Reset,
    Say,
    Trickle,
    Truncate,
    image_of,
    sha256,
    tar,
)
from packhouse.adapters.oras_push import push_bundle_blocking
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import (
    DigestMismatch,
    FetchFailed,
    FetchLimitExceeded,
    HostRefused,
    InvalidSpec,
    PackhouseError,
    RateLimited,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.domain.references import read_reference
from packhouse.ports import Access, Descriptor, RawManifest
from packhouse.settings import Settings

CONTENT = random.Random(6).randbytes(200_000)
PLAIN = "application/vnd.oci.image.layer.v1.tar"
IMAGE = image_of([(tar({"a": CONTENT}), {"mediaType": PLAIN})])


@contextmanager
def opened(folder: Path, **changes: Any) -> Iterator[OrasRegistry]:
    base = Settings(cache_dir=folder / "cache", registry_timeout_seconds=0.5, fetch_timeout_seconds=10.0)
    registry = OrasRegistry(replace(base, **changes), jitter=lambda: 0.0)
    try:
        yield registry
    finally:
        registry.close()


def parts(server: HostileRegistry) -> list[str]:
    return [request.part for request in server.requests if "/blobs/" in request.path]


# ---- resumed downloads -----------------------------------------------------------------------------------

SIZE = len(tar({"a": CONTENT}))
HALF = SIZE // 2

#: what the registry does with the first requests, how many of them, whether it gives parts; the parts asked for.
RESUMED: dict[str, tuple[Any, int, bool, list[str]]] = {
    "broken off once": (Truncate(), 1, True, ["", f"bytes={HALF}-"]),
    "broken off three times": (
        Truncate(),
        3,
        True,
        ["", f"bytes={HALF}-", f"bytes={HALF + (SIZE - HALF) // 2}-", f"bytes={HALF + (SIZE - HALF) * 3 // 4}-"],
    ),
    "by a registry that gives no parts": (Truncate(), 1, False, ["", f"bytes={HALF}-"]),
    "closed without a word": (Reset(), 2, True, ["", "", ""]),
}


@pytest.mark.parametrize("row", RESUMED)
async def test_a_download_goes_on_where_it_broke_off(row: str, tmp_path: Path) -> None:
    does, times, ranges, expected = RESUMED[row]
    with (
        HostileRegistry(IMAGE, does=does, at="blob", times=times, ranges=ranges) as server,
        opened(tmp_path) as registry,
    ):
        tree = await registry.pull(server.image, Access())
        assert ((tree.root / "a").read_bytes() == CONTENT, len(parts(server))) == (True, len(expected))
        assert [_near(one, other) for one, other in zip(parts(server), expected, strict=True)] == [True] * len(expected)


def _near(part: str, expected: str) -> bool:
    """The same place but for the rounding of halves."""
    numbers = [int(text.removeprefix("bytes=").rstrip("-") or 0) for text in (part, expected)]
    return abs(numbers[0] - numbers[1]) <= 2


@pytest.mark.parametrize("second", [OtherPart(), OtherPart(rotten=True)], ids=["another part", "other bytes"])
async def test_a_rest_that_does_not_fit_is_read_anew_in_one_piece(second: Any, tmp_path: Path) -> None:
    with HostileRegistry(IMAGE, at="blob", does=Truncate()) as server, opened(tmp_path) as registry:
        does = iter([Truncate(), second])
        server.behaviour = lambda kind: next(does, None) if kind == "blob" else None  # type: ignore[method-assign]
        tree = await registry.pull(server.image, Access())
        assert (tree.root / "a").read_bytes() == CONTENT
        assert [bool(part) for part in parts(server)] == [False, True, False]


async def test_a_rest_that_never_fits_is_a_digest_mismatch(tmp_path: Path) -> None:
    lie = image_of([(tar({"a": CONTENT}), {"mediaType": PLAIN, "digest": sha256(b"other")})])
    image = Image(lie.digest, lie.manifests, {sha256(b"other"): tar({"a": CONTENT})})
    with HostileRegistry(image, at="blob", does=Truncate(), times=1) as server, opened(tmp_path) as registry:
        with pytest.raises(DigestMismatch):
            await registry.pull(server.image, Access())
        assert len(parts(server)) == 3  # half of it, the rest, and once more the whole


async def test_layers_are_downloaded_beside_each_other_and_unpacked_in_their_order(tmp_path: Path) -> None:
    layers: list[tuple[bytes, dict[str, Any]]] = [
        (tar({"same": b"%d" % number, f"own-{number}": CONTENT[:1000]}), {"mediaType": PLAIN}) for number in range(8)
    ]
    with HostileRegistry(image_of(layers), at="blob", does=Trickle(0.00002)) as server, opened(tmp_path) as registry:
        tree = await registry.pull(server.image, Access())
        assert (tree.root / "same").read_bytes() == b"7"
        assert sorted(path.name for path in tree.root.glob("own-*")) == [f"own-{number}" for number in range(8)]
        assert server.most_at_once in (2, 3)


async def test_one_bad_layer_of_many_ends_them_all_at_once_and_its_reason_is_told(tmp_path: Path) -> None:
    layers: list[tuple[bytes, dict[str, Any]]] = [
        (tar({f"own-{number}": CONTENT[:1000]}), {"mediaType": PLAIN}) for number in range(6)
    ]
    image = image_of(layers)
    gone = sha256(layers[3][0])
    blobs = {digest: blob for digest, blob in image.blobs.items() if digest != gone}
    with HostileRegistry(Image(image.digest, image.manifests, blobs)) as server, opened(tmp_path) as registry:
        with pytest.raises(SourceNotFound, match="404"):
            await registry.pull(server.image, Access())
        assert not list((tmp_path / "cache/trees").iterdir())


# ---- mirrors ---------------------------------------------------------------------------------------------


async def test_a_mirror_is_asked_in_the_place_of_the_registry_and_named_in_messages(tmp_path: Path) -> None:
    with HostileRegistry(IMAGE) as server:
        mirrors = (f"registry.invalid/a={server.host}/b",)
        with opened(tmp_path, registry_mirrors=mirrors) as registry:
            tree = await registry.pull("registry.invalid/a/x:1", Access())
            assert (tree.digest, (tree.root / "a").read_bytes()) == (IMAGE.digest, CONTENT)
            assert {request.path.partition("/manifests")[0].partition("/blobs")[0] for request in server.requests} == {
                "/v2/b/x"
            }
            with pytest.raises(SourceNotFound, match=f"registry.invalid/a/x@.*: mirror {server.host}/b/x: not found"):
                await registry.pull(f"registry.invalid/a/x@{sha256(b'none')}", Access())


async def test_where_a_mirror_is_away_the_registry_itself_is_not_asked(tmp_path: Path) -> None:
    with HostileRegistry(IMAGE) as server:
        mirrors = (f"{server.host}/a=127.0.0.1:1/b",)
        with (
            opened(tmp_path, registry_mirrors=mirrors) as registry,
            pytest.raises(SourceUnreachable, match=r"mirror 127\.0\.0\.1:1/b"),
        ):
            await registry.pull(f"{server.host}/a:1", Access())
        assert server.requests == []


async def test_the_mirrors_host_is_judged_as_any_other(tmp_path: Path) -> None:
    mirrors = ("registry.example=169.254.169.254",)
    with opened(tmp_path, registry_mirrors=mirrors) as registry, pytest.raises(HostRefused):
        await registry.resolve("registry.example/a:1", Access())


def test_mirrors_that_cannot_be_read_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="PACKHOUSE_REGISTRY_MIRRORS"):
        OrasRegistry(Settings(cache_dir=tmp_path, registry_mirrors=("nonsense",)))


# ---- hosts -----------------------------------------------------------------------------------------------


async def test_the_token_service_must_be_an_allowed_host_too(tmp_path: Path) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://tokens.example/token"'}
    with (
        HostileRegistry(IMAGE, does=Refuse(401, challenge), at="manifest") as server,
        opened(tmp_path, fetch_hosts=("127.0.0.1",)) as registry,
        pytest.raises(HostRefused, match=r"tokens\.example is none of the hosts that may be fetched from"),
    ):
        await registry.resolve(server.image, Access())


@pytest.mark.parametrize("place", ["http://169.254.169.254/token", "https://metadata.google.internal/token"])
async def test_a_token_service_at_the_metadata_of_a_cloud_is_refused(place: str, tmp_path: Path) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{place}"'}
    with (
        HostileRegistry(IMAGE, does=Refuse(401, challenge), at="manifest") as server,
        opened(tmp_path) as registry,
        pytest.raises(HostRefused),
    ):
        await registry.resolve(server.image, Access())


async def test_a_storage_that_refuses_a_signed_address_is_asked_by_another_one(tmp_path: Path) -> None:
    with HostileRegistry(IMAGE, does=Refuse(403), at="blob", times=1) as storage:
        digest = next(digest for digest, blob in IMAGE.blobs.items() if len(blob) > 100)
        elsewhere = Refuse(307, {"Location": f"http://{storage.host}/v2/x/blobs/{digest}?signature=s3cret"})
        with HostileRegistry(IMAGE, does=elsewhere, at="blob") as server, opened(tmp_path) as registry:
            assert (await registry.pull(server.image, Access())).digest == IMAGE.digest
            assert len(storage.requests) == 2


# ---- lists and small contents ----------------------------------------------------------------------------


async def test_tags_are_read_page_by_page(tmp_path: Path) -> None:
    with HostileRegistry(IMAGE, at="tags") as server, opened(tmp_path) as registry:
        pages = iter(
            [
                Say(b'{"tags": ["1", "2"]}', headers={"Link": '</v2/demo/bundle/tags/list?last=2>; rel="next"'}),
                Say(b'{"tags": ["3"]}', headers={"Link": f'<http://{server.host}/v2/tags/list?last=3>; rel="next"'}),
                Say(b'{"tags": null}'),
            ]
        )
        server.behaviour = lambda kind: next(pages)  # type: ignore[method-assign]
        assert list(await registry.tags(f"{server.host}/demo/bundle", Access())) == ["1", "2", "3"]
        assert [request.path for request in server.requests][1:] == [
            "/v2/demo/bundle/tags/list?last=2",
            "/v2/tags/list?last=3",
        ]


TAGS: dict[str, tuple[Any, type[PackhouseError], str]] = {
    "no JSON": (Say(b"<html>"), FetchFailed, "a list of tags that cannot be read"),
    "no list": (Say(b'{"tags": 1}'), FetchFailed, "a list of tags that cannot be read"),
    "pages without an end": (
        Say(b'{"tags": ["1"]}', headers={"Link": '</v2/demo/bundle/tags/list?again>; rel="next"'}),
        FetchLimitExceeded,
        "on more than 1000 pages",
    ),
    "a page elsewhere": (
        Say(b'{"tags": ["1"]}', headers={"Link": '<http://169.254.169.254/tags>; rel="next"'}),
        FetchFailed,
        "goes on at another host",
    ),
    "a huge page": (Say(b'{"tags": ["' + b"x" * 5_000_000 + b'"]}'), FetchLimitExceeded, "of more than 4194304 bytes"),
    "too many": (
        Say(json.dumps({"tags": [str(number) for number in range(100_001)]}).encode()),
        FetchLimitExceeded,
        "more than 100000 entries",
    ),
    "large pages without an end": (
        Say(
            json.dumps({"tags": [], "other": "x" * 4_000_000}).encode(),
            headers={"Link": '</v2/demo/bundle/tags/list?again>; rel="next"'},
        ),
        FetchLimitExceeded,
        "a list of tags of more than 33554432 bytes",
    ),
    "no such repository": (Refuse(404), SourceNotFound, "not found (404)"),
    "a limited rate": (Refuse(429, {"Retry-After": "77"}), RateLimited, "with 429"),
    "a loop": (RedirectLoop(), FetchFailed, "redirected more than 5 times"),
}


async def test_what_can_be_no_tag_is_not_kept(tmp_path: Path) -> None:
    does = Say(json.dumps({"tags": ["1", "1" * 129, [[], []], None, "2"]}).encode())
    with HostileRegistry(IMAGE, at="tags", does=does) as server, opened(tmp_path) as registry:
        assert list(await registry.tags(f"{server.host}/demo/bundle", Access())) == ["1", "2"]


@pytest.mark.parametrize("row", TAGS)
async def test_a_list_that_is_none_is_refused(row: str, tmp_path: Path) -> None:
    does, error, words = TAGS[row]
    with (
        HostileRegistry(IMAGE, at="tags", does=does) as server,
        opened(tmp_path, fetch_timeout_seconds=30.0) as registry,
    ):
        with pytest.raises(PackhouseError) as caught:
            await registry.tags(f"{server.host}/demo/bundle", Access())
        assert caught.value.message.startswith(f"{server.host}/demo/bundle: ")
    assert (type(caught.value), words in caught.value.message) == (error, True), caught.value.message


@pytest.fixture
def subject(registry: LocalRegistry, referrers_registry: LocalRegistry, tmp_path: Path) -> dict[str, tuple[str, str]]:
    """In registries of two makes: (repository, digest of a bundle)."""
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle/a.yml").write_text("a: 1\n")
    found = {}
    for name, real in (("without the API", registry), ("with it", referrers_registry)):
        repository = f"{real.host}/referrers/x"
        digest = push_bundle_blocking(tmp_path / "bundle", f"{repository}:1", None, Settings())
        found[name] = (repository, digest)
    return found


@pytest.mark.parametrize("make", ["without the API", "with it"])
async def test_what_refers_to_an_image_is_found_in_registries_of_either_make(
    make: str, subject: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    repository, digest = subject[make]
    pushing = Repository(read_reference(f"{repository}:1"), Access(), Settings())
    with opened(tmp_path) as registry:
        assert list(await registry.referrers(f"{repository}@{digest}", Access())) == []
        config = b"{}"
        pushing.upload(sha256(config), len(config), io.BytesIO(config))
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "artifactType": "application/vnd.test.note",
            "config": {
                "mediaType": "application/vnd.test.note",  # some registries call this the type
                "digest": sha256(config),
                "size": 2,
            },
            "layers": [],
            "subject": {"mediaType": OCI, "digest": digest, "size": 10},
            "annotations": {"said": "hello"},
        }
        body = json.dumps(manifest).encode()
        pushing.put_manifest(RawManifest(body, OCI, sha256(body)))
        pushing.close()
        expected = Descriptor(OCI, sha256(body), len(body), "application/vnd.test.note", {"said": "hello"})
        assert list(await registry.referrers(f"{repository}@{digest}", Access())) == [expected]
        raw = await registry.manifest(f"{repository}@{expected.digest}", Access())
        assert raw is not None
        assert (raw.body, raw.media_type, raw.digest) == (body, OCI, expected.digest)
        assert "1" in await registry.tags(repository, Access())


async def test_a_manifest_that_is_not_there_is_none(registry: LocalRegistry, tmp_path: Path) -> None:
    with opened(tmp_path) as adapter:
        assert await adapter.manifest(f"{registry.host}/none/x:1", Access()) is None
        assert await adapter.manifest(f"{registry.host}/none/x@{sha256(b'')}", Access()) is None


async def test_an_index_of_referrers_that_is_none_falls_back_to_the_tag(tmp_path: Path) -> None:
    with HostileRegistry(IMAGE, at="referrers", does=Say(b"<html>")) as server, opened(tmp_path) as registry:
        assert list(await registry.referrers(f"{server.host}/x@{server.digest}", Access())) == []
        assert server.requests[-1].path == f"/v2/x/manifests/{server.digest.replace(':', '-')}"


async def test_a_blob_is_held_in_memory_within_its_bound_and_asked_for_once(tmp_path: Path) -> None:
    body = b"0123456789"
    image = image_of([(body, {"mediaType": OCI_LAYER})])
    with HostileRegistry(image) as server, opened(tmp_path) as registry:
        name = f"{server.host}/demo/bundle@{sha256(body)}"
        with pytest.raises(FetchLimitExceeded, match="of more than 9 bytes is not read"):
            await registry.blob(name, Access(), most_bytes=9)
        assert await registry.blob(name, Access(), most_bytes=10) == body
        with pytest.raises(SourceNotFound):
            await registry.blob(f"{server.host}/x@{sha256(b'none')}", Access(), most_bytes=10)
        with pytest.raises(InvalidSpec):
            await registry.blob(f"{server.host}/x:1", Access(), most_bytes=10)


async def test_another_blob_than_the_one_asked_for_is_a_digest_mismatch(tmp_path: Path) -> None:
    wanted = hashlib.sha256(b"wanted").hexdigest()
    image = Image(IMAGE.digest, IMAGE.manifests, {f"sha256:{wanted}": b"other"})
    with (
        HostileRegistry(image) as server,
        opened(tmp_path) as registry,
        pytest.raises(DigestMismatch, match=wanted),
    ):
        await registry.blob(f"{server.host}/x@sha256:{wanted}", Access(), most_bytes=10)


async def test_the_work_of_many_goes_on_while_one_registry_hangs(tmp_path: Path) -> None:
    with (
        HostileRegistry(IMAGE, does=Hang(), at="manifest") as slow,
        HostileRegistry(IMAGE) as quick,
        opened(tmp_path, registry_timeout_seconds=3.0) as registry,
    ):
        hanging = asyncio.create_task(registry.pull(slow.image, Access()))
        async with asyncio.timeout(2):
            await registry.pull(quick.image, Access())
        hanging.cancel()
