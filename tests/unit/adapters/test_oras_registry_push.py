"""Pushing a bundle to a real registry, and what the command says."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundle_app import app
from cluster.registry import LocalRegistry
from hostile_registry import HostileRegistry
from packhouse.adapters.oras_push import push_bundle, write_layer
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import AuthenticationFailed, InvalidSpec
from packhouse.ports import Access
from packhouse.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "bundle"
    (root / "packages/demo").mkdir(parents=True)
    (root / "packages/demo/1.0.0.yml").write_text("kind: Package\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o750)
    (root / ".git").mkdir()
    (root / ".git/HEAD").write_text("ref\n")
    return root


def get(url: str, accept: str = "*/*") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as answer:
        body: bytes = answer.read()
        return body


async def test_a_pushed_folder_has_the_form_of_an_imgpkg_bundle(folder: Path, registry: LocalRegistry) -> None:
    digest = await push_bundle(folder, f"{registry.host}/push/form:1.0", None, Settings())
    root = f"http://{registry.host}/v2/push/form"
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.loads(get(f"{root}/manifests/1.0", docker))
    assert manifest["mediaType"] == docker
    assert manifest["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/vnd.docker.image.rootfs.diff.tar.gzip"]
    config = json.loads(get(f"{root}/blobs/{manifest['config']['digest']}"))
    assert config["config"]["Labels"] == {"dev.carvel.imgpkg.bundle": "true"}
    layer = get(f"{root}/blobs/{manifest['layers'][0]['digest']}")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
        found = {entry.name: (entry.mode, entry.mtime, entry.uid) for entry in archive if entry.isfile()}
    assert found == {
        ".imgpkg/images.yml": (0o644, 0, 0),
        "packages/demo/1.0.0.yml": (0o644, 0, 0),
        "run.sh": (0o755, 0, 0),
    }
    assert not (folder / ".imgpkg").exists()
    assert digest.startswith("sha256:")


async def test_the_same_folder_gives_the_same_digest_whatever_its_times(folder: Path, registry: LocalRegistry) -> None:
    first = await push_bundle(folder, f"{registry.host}/push/same:1", None, Settings())
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert await push_bundle(folder, f"{registry.host}/push/same:2", None, Settings()) == first
    (folder / "packages/demo/1.0.0.yml").write_text("kind: Other\n")
    assert await push_bundle(folder, f"{registry.host}/push/same:3", None, Settings()) != first


async def test_an_own_images_lock_is_pushed_as_it_is(folder: Path, registry: LocalRegistry, tmp_path: Path) -> None:
    (folder / ".imgpkg").mkdir()
    (folder / ".imgpkg/images.yml").write_text("mine: 1\n")
    image = f"{registry.host}/push/lock:1"
    await push_bundle(folder, image, None, Settings())
    adapter = OrasRegistry(Settings(cache_dir=tmp_path / "cache"))
    assert ((await adapter.pull(image, Access())).root / ".imgpkg/images.yml").read_text() == "mine: 1\n"
    adapter.close()


def test_links_that_stay_inside_are_kept_and_others_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "inside").symlink_to("packages/demo")
    write_layer(folder, io.BytesIO())
    for target in ("../outside", "/etc", str(folder / "run.sh")):
        (folder / "outside").symlink_to(target)
        with pytest.raises(InvalidSpec, match="is a link that leaves"):
            write_layer(folder, io.BytesIO())
        (folder / "outside").unlink()


def test_an_empty_folder_and_odd_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty/sub").mkdir(parents=True)
    with pytest.raises(InvalidSpec, match="holds no file"):
        write_layer(tmp_path / "empty", io.BytesIO())
    with pytest.raises(InvalidSpec, match="is no folder"):
        write_layer(tmp_path / "missing", io.BytesIO())
    os.mkfifo(tmp_path / "empty/pipe")
    with pytest.raises(InvalidSpec, match="neither a file"):
        write_layer(tmp_path / "empty", io.BytesIO())


async def test_a_push_without_credentials_to_a_closed_registry_is_refused(
    folder: Path, auth_registry: LocalRegistry
) -> None:
    with pytest.raises(AuthenticationFailed, match="401"):
        await push_bundle(folder, f"{auth_registry.host}/push/closed:1", None, Settings())


# ---- the command -----------------------------------------------------------------------------------------


def test_the_command_prints_the_reference_with_its_digest(
    folder: Path, auth_registry: LocalRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    image = f"{auth_registry.host}/push/cli:1.0"
    options = ["push", image, "-f", str(folder)]
    login = ["--username", str(auth_registry.username), "--password-stdin"]
    given = CliRunner().invoke(app, [*options, *login], input=f"{auth_registry.password}\n")
    assert (given.exit_code, given.stdout.startswith(f"{auth_registry.host}/push/cli@sha256:")) == (0, True)
    auths = {auth_registry.host: {"username": auth_registry.username, "password": auth_registry.password}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    from_config = CliRunner().invoke(app, options)
    assert (from_config.exit_code, from_config.stdout) == (0, given.stdout)


FAILURES = {
    "no reference": (["push", "https://x", "-f", "{folder}"], 2, "no scheme"),
    "a digest": (["push", "127.0.0.1:1/x@sha256:" + "0" * 64, "-f", "{folder}"], 2, "a push goes to a tag"),
    "no folder": (["push", "127.0.0.1:1/x", "-f", "{folder}/none"], 2, "is no folder"),
    "no listener": (["push", "127.0.0.1:1/x", "-f", "{folder}"], 1, "Connection refused"),
    "half a login": (["push", "127.0.0.1:1/x", "-f", "{folder}", "--username", "u"], 2, "go together"),
    "no password": (
        ["push", "127.0.0.1:1/x", "-f", "{folder}", "--username", "u", "--password-stdin"],
        2,
        "holds no password",
    ),
}


@pytest.mark.parametrize("row", FAILURES)
def test_the_command_says_what_is_wrong_and_sets_its_exit_code(
    row: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PACKHOUSE_FETCH_TIMEOUT_SECONDS", "2")
    arguments, code, words = FAILURES[row]
    result = CliRunner().invoke(app, [argument.format(folder=folder) for argument in arguments], input="")
    assert (result.exit_code, words in result.stderr, result.stdout) == (code, True, ""), result.stderr


def test_the_command_says_that_a_password_helper_is_not_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"credsStore": "desktop"}')
    with HostileRegistry({}, auth="basic") as server:
        result = CliRunner().invoke(app, ["push", server.image, "-f", str(folder)])
    assert (result.exit_code, "--password-stdin" in result.stderr) == (1, True)
