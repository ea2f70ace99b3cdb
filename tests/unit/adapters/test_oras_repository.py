"""Copies from and to registries that misbehave, and to one that wants tokens: nothing wrong arrives anywhere."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bundle_app import app
from bundle_stock import fill, manifest, put, put_referrer
from cluster.registry import LocalRegistry, open_registry
from hostile_registry import (
    DOCKER,
    DOCKER_LAYER,
    Endless,
    Hang,
    HostileRegistry,
    Lie,
    OtherPart,
    RedirectLoop,
    Refuse,
    Reset,
    Truncate,
    image_of,
)
from packhouse.adapters.oras_repository import Repository, fallback_tag
from packhouse.api.errors import AuthenticationFailed
from packhouse.domain.references import read_reference
from packhouse.ports import Access, Credentials
from packhouse.settings import Settings
from token_server import TokenServer

BLOB = random.Random(1).randbytes(300_000)
IMAGE = image_of([(BLOB, {"mediaType": DOCKER_LAYER})], DOCKER)
Bundle = Callable[..., Result]


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundle:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("PACKHOUSE_REGISTRY_TIMEOUT_SECONDS", "1")

    def run(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.mark.parametrize(
    ("does", "at", "said"),
    [
        pytest.param(Lie(), "blob", "with digest sha256:", id="other bytes for a blob"),
        pytest.param(Lie(longer=True), "blob", "is longer than its", id="more bytes for a blob"),
        pytest.param(Endless(), "blob", "is longer than its", id="a blob without end"),
        pytest.param(Lie(), "manifest", "there is no such manifest", id="other bytes for the manifest"),
        pytest.param(Endless(), "manifest", "is not read", id="a manifest without end"),
        pytest.param(Hang(), "blob", "it sent nothing for 1 s", id="no answer"),
        pytest.param(Hang(after_headers=True), "blob", "it sent nothing for 1 s", id="no body"),
        pytest.param(Reset(), "blob", "broke off|connection failed", id="always reset"),
        pytest.param(RedirectLoop(), "blob", "redirected more than", id="a redirect loop"),
        pytest.param(Refuse(404), "blob", "the registry has no blob", id="a blob that is missing"),
        pytest.param(Refuse(403), "blob", "refused access", id="a blob that is hidden"),
        pytest.param(Refuse(500), "blob", "with 500", id="always 500"),
    ],
)
def test_what_a_bad_registry_sends_is_never_made_a_tar(
    does: Any, at: str, said: str, bundle: Bundle, tmp_path: Path
) -> None:
    tar = tmp_path / "b.tar"
    with HostileRegistry(IMAGE, does=does, at=at) as server:
        result = bundle("copy", server.image, "--to-tar", tar, "--no-signatures", code=1)
    assert re.search(said, result.stderr), result.stderr
    assert not tar.exists()


@pytest.mark.parametrize(
    "does",
    [
        pytest.param(Reset(), id="reset"),
        pytest.param(Truncate(), id="half of it"),
        pytest.param(Refuse(503, {"Retry-After": "0"}), id="busy"),
        pytest.param(Refuse(429, {"Retry-After": "1"}), id="too many"),
        pytest.param(Lie(), id="other bytes, once a part was there"),
        pytest.param(OtherPart(), id="another part"),
    ],
)
def test_what_passes_is_tried_again(does: Any, bundle: Bundle, tmp_path: Path) -> None:
    digest = next(digest for digest, content in IMAGE.blobs.items() if content == BLOB)
    part = tmp_path / "b.tar.part/blobs/sha256" / f"{digest.removeprefix('sha256:')}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BLOB[:1000])  # of an earlier run
    with HostileRegistry(IMAGE, does=does, at="blob", times=1) as server:
        bundle("copy", server.image, "--to-tar", tmp_path / "b.tar", "--no-signatures", "--parallel", "1")
        assert any(request.part for request in server.requests)
    assert (tmp_path / "b.tar").exists()


def test_a_copy_asks_for_tokens_of_each_repository_and_is_told_which_it_has_not(
    bundle: Bundle, registry: LocalRegistry, tmp_path: Path
) -> None:
    stock = fill(registry.host, "tokens/stock", layer_bytes=1000, seed=21)
    grants = {"ada": ["team/*"], "": []}
    with (
        TokenServer(users={"ada": "pw"}, grants=grants, folder=tmp_path) as tokens,
        open_registry(token=tokens.registry_config) as closed,
    ):
        auths = {closed.host: {"username": "ada", "password": "pw"}}
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker/config.json").write_text(json.dumps({"auths": auths}))
        bundle("copy", stock.outer, f"{closed.host}/team/outer")
        bundle("copy", f"{closed.host}/team/outer:1.0", f"{closed.host}/team/again:2")
        assert bundle("inspect", f"{closed.host}/team/again:2").stdout.startswith(f"Image:   {closed.host}/team/again")
        refused = bundle("copy", stock.outer, f"{closed.host}/other/outer", code=1)
        assert f"user 'ada' of {tmp_path}/docker/config.json" in refused.stderr
        assert "pw" not in refused.stderr.replace(str(tmp_path), "")


def test_referrers_are_added_to_those_that_are_there(registry: LocalRegistry) -> None:
    name = f"{registry.host}/referrers/added"
    put(name, "1", IMAGE)
    media_type, body = IMAGE.manifests[IMAGE.digest]
    subject = {"mediaType": media_type, "digest": IMAGE.digest, "size": len(body)}
    notes = {"annotations": {"x": "y"}}
    one, two = (
        image_of([(b"%d" % n, {"mediaType": "a/b"})], artifactType=f"a/{n}", subject=subject, **notes) for n in (1, 2)
    )
    put_referrer(name, IMAGE, one)
    put(name, two.digest, two)
    repository = Repository(read_reference(name), Access(), Settings())
    raw = repository.manifest(two.digest)
    assert raw is not None
    for _ in range(2):  # the second time it is there already
        repository.put_manifest(raw)
    found = repository.referrers(IMAGE.digest)
    assert [(entry.digest, entry.artifact_type) for entry in found] == [(one.digest, "a/1"), (two.digest, "a/2")]
    repository.close()
    index = manifest(name, fallback_tag(IMAGE.digest))
    assert len(index["manifests"]) == 2


def test_a_registry_that_is_read_only_is_said_to_be(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: 1\n")
    with open_registry(read_only=True) as there:
        said = bundle("push", f"{there.host}/a/b:1", "-f", tmp_path, code=1).stderr
    assert said == (
        f"error: {there.host}/a/b: registry {there.host}: it takes no pushes (405): it is read-only, or the cache of "
        "another registry\n"
    )


@pytest.mark.parametrize("size", [0, 1, 2, 262_144, 300_001])
def test_a_blob_of_any_size_goes_up_and_comes_down(size: int, registry: LocalRegistry, tmp_path: Path) -> None:
    content = random.Random(size).randbytes(size)
    image = image_of([(content, {"mediaType": "a/b"})])
    digest = next(digest for digest, body in image.blobs.items() if body == content)
    repository = Repository(read_reference(f"{registry.host}/sizes/{size}"), Access(), Settings())
    with (tmp_path / "file").open("w+b") as file:
        file.write(content)
        moved: list[int] = []
        repository.upload(digest, size, file, moved.append)
    assert (repository.has(digest), sum(moved)) == (True, size)
    with repository.opened(digest, size) as got:
        assert got.read() == content
    assert repository.content(digest, 400_000) == content
    repository.close()


def test_wrong_credentials_are_named_and_several_are_tried(auth_registry: LocalRegistry) -> None:
    assert auth_registry.username and auth_registry.password
    wrong = Credentials("ada", "wrong-word", "Secret demo/old")
    right = Credentials(auth_registry.username, auth_registry.password, "Secret demo/new")
    reference = read_reference(f"{auth_registry.host}/several/x")
    both = Repository(reference, Access((wrong, right)), Settings())
    assert both.manifest("1") is None
    both.close()
    one = Repository(reference, Access((wrong,)), Settings())
    with pytest.raises(AuthenticationFailed, match="Secret demo/old") as caught:
        one.manifest("1")
    assert "wrong-word" not in caught.value.message
    one.close()
