"""`build`, `push` and `release` as the command line calls them, with a real registry and the renderer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from cluster.registry import LocalRegistry
from packhouse.adapters.oras_push import push_folder
from packhouse.ports import Access
from packhouse.settings import Settings

Verb = Callable[..., int]
IMAGE = "docker.io/hashicorp/http-echo:1.0.0@sha256:fcb75f691c8b0414d670ae570240cbf95502cc18a9ba57e982ecac589760a186"
NAME = "web.packages.example.com"


@pytest.fixture
def image(registry: LocalRegistry, tmp_path: Path) -> Callable[[str], str]:
    """`image("1")` pushes something under the tag of an image of the test's own; its reference by tag."""
    repository = f"{registry.host}/t{secrets.token_hex(4)}/server"

    def push(content: str) -> str:
        folder = tmp_path / f"image-{content}"
        folder.mkdir()
        (folder / "content").write_text(content)
        push_folder(folder, f"{repository}:1", Access(), Settings())
        return f"{repository}:1"

    return push


@pytest.fixture
def web(
    package: Callable[..., Path], image: Callable[[str], str], verb: Verb, capfd: pytest.CaptureFixture[str]
) -> Path:
    """The package `web`, its image named by tag, its tests as it renders."""
    folder = package({"package.yaml": (IMAGE, image("first"))})
    assert verb("test", "web", "--update") == 0
    capfd.readouterr()
    return folder


def test_a_build_writes_a_lock_and_the_next_one_leaves_it_as_it_is(
    web: Path, verb: Verb, capfd: pytest.CaptureFixture[str]
) -> None:
    assert verb("build", "web") == 0
    said = capfd.readouterr()
    path = web / ".imgpkg/images.yml"
    [entry] = yaml.safe_load(path.read_text())["images"]
    name = entry["annotations"]["kbld.carvel.dev/id"]
    assert said.out.split() == ["IMAGE", "DIGEST", "CHANGE", name, entry["image"].partition("@")[2], "new"]
    assert said.err.endswith("web/.imgpkg/images.yml: 1 image, 1 new\n")
    other_style = "# by hand\n" + path.read_text().replace("---\n", "")
    path.write_text(other_style)
    assert verb("build", "web") == 0
    assert capfd.readouterr().err.endswith("web/.imgpkg/images.yml: 1 image, as before\n")
    assert path.read_text() == other_style


def test_check_writes_nothing_and_fails_where_the_lock_is_stale(
    web: Path, image: Callable[[str], str], verb: Verb, capfd: pytest.CaptureFixture[str]
) -> None:
    assert verb("build", "web", "--check") == 1
    assert not (web / ".imgpkg").exists()
    assert verb("build", "web") == 0
    before = (web / ".imgpkg/images.yml").read_bytes()
    assert verb("build", "web", "--check") == 0
    capfd.readouterr()
    image("second")  # under the same tag
    assert verb("build", "web", "--check") == 1
    assert capfd.readouterr().err.splitlines()[-2:] == [
        "error: web/.imgpkg/images.yml is not what a build would write: 1 changed",
        "help:  run packhouse package build, and keep what it writes",
    ]
    assert (web / ".imgpkg/images.yml").read_bytes() == before


def test_objects_that_a_version_of_kubernetes_does_not_serve_are_named(
    web: Path, verb: Verb, capfd: pytest.CaptureFixture[str]
) -> None:
    (web / "config/service.yml").write_text(
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
    )
    assert verb("build", "web", "--kubernetes-version", "1.30") == 1
    assert capfd.readouterr().err.splitlines()[-3:] == [
        "PodDisruptionBudget web: policy/v1beta1 is gone since Kubernetes 1.25; use policy/v1",
        "error: Kubernetes 1.30 does not serve all objects: 1 fault",
        "help:  correct the templates, or name the version that is meant: --kubernetes-version",
    ]
    assert verb("build", "web", "--kubernetes-version", "1.30", "--against-cluster") == 2


def test_a_folder_is_pushed_and_named_by_its_digest(
    web: Path, registry: LocalRegistry, verb: Verb, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"{registry.host}/t{secrets.token_hex(4)}/web"
    assert verb("push", "web", target) == 0
    first = capfd.readouterr().out
    assert first.startswith(f"{target}@sha256:")
    monkeypatch.chdir(web)
    assert verb("push", f"{target}:other") == 0
    assert capfd.readouterr().out == first
    assert (verb("push"), verb("push", "./layout"), verb("push", "a", "b", "c")) == (2, 2, 2)


def test_a_release_writes_the_version_and_what_the_tests_expect_last(
    web: Path, registry: LocalRegistry, verb: Verb, capfd: pytest.CaptureFixture[str]
) -> None:
    repository = f"{registry.host}/t{secrets.token_hex(4)}/repo"
    before = (web / "package.yaml").read_text()
    assert verb("release", "web", "--to", repository, "--bump", "minor", "--yes", "-o", "json") == 0
    [package, offering] = json.loads(capfd.readouterr().out)["items"]
    assert package["image"].startswith(f"{repository.rpartition('/')[0]}/{NAME}@sha256:")
    assert offering["image"].startswith(f"{repository}@sha256:")
    assert (web / "package.yaml").read_text() == before.replace("version: 0.1.0", "version: 0.2.0")
    assert (web / ".imgpkg/images.yml").is_file()
    assert verb("test", "web") == 0
    capfd.readouterr()
    assert verb("release", "web", "--to", repository, "--yes", "-o", "name") == 0
    said = capfd.readouterr()
    assert said.out.splitlines() == [package["image"], offering["image"]]
    assert f"keep    {repository}:latest, which offers it already" in said.err


def test_a_release_that_ended_between_its_last_files_goes_on(web: Path, registry: LocalRegistry, verb: Verb) -> None:
    repository = f"{registry.host}/t{secrets.token_hex(4)}/repo"
    before = {file: (web / file).read_text() for file in ("package.yaml", "tests/large/expected.yml")}
    for undone in (("package.yaml",), ("package.yaml", "tests/large/expected.yml")):
        assert verb("release", "web", "--to", repository, "--bump", "minor", "--yes") == 0
        for file in undone:
            (web / file).write_text(before[file])
    assert verb("release", "web", "--to", repository, "--bump", "minor", "--yes") == 0
    assert "version: 0.2.0" in (web / "package.yaml").read_text()
    assert verb("test", "web") == 0


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("config/service.yml", "kind: Other\n", "error: lint finds "),
        ("tests/large/expected.yml", "kind: Other\n", "error: 1 of 3 tests failed"),
    ],
)
def test_what_lint_or_a_test_finds_stops_a_release(
    web: Path,
    registry: LocalRegistry,
    verb: Verb,
    capfd: pytest.CaptureFixture[str],
    file: str,
    change: str,
    words: str,
) -> None:
    (web / file).write_text(change)
    repository = f"{registry.host}/t{secrets.token_hex(4)}/repo"
    assert verb("release", "web", "--to", repository, "--yes") == 1
    assert words in capfd.readouterr().err


def test_a_rehearsal_prints_the_package_and_writes_nothing(
    web: Path, registry: LocalRegistry, verb: Verb, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    files = {path: path.read_bytes() for path in web.rglob("*") if path.is_file()}
    repository = f"{registry.host}/t{secrets.token_hex(4)}/repo"
    call = ("release", "web", "--to", f"{repository}:stable", "--tag", "2", "--version", "3.0.0")
    assert verb(*call, "--dry-run") == 0
    said = capfd.readouterr()
    offered = yaml.safe_load(said.out)
    assert (offered["metadata"]["name"], offered["spec"]["releasedAt"]) == (f"{NAME}.3.0.0", "2023-11-14T22:13:20Z")
    assert offered["spec"]["template"]["spec"]["fetch"][0]["imgpkgBundle"]["image"].startswith(registry.host)
    assert said.err.splitlines()[-7:] == [
        f"{NAME} 3.0.0, after 0.1.0",
        f"  push    {repository.rpartition('/')[0]}/{NAME}:3.0.0, with a bill of materials",
        f"  begin   {repository}:stable, a new repository",
        "            .imgpkg/images.yml",
        f"            packages/{NAME}/3.0.0.yml",
        f"            packages/{NAME}/metadata.yml",
        f"  tag     {repository}:2",
    ]
    assert verb(*call) == 6  # nobody consents
    assert files == {path: path.read_bytes() for path in web.rglob("*") if path.is_file()}


def test_a_key_with_a_password_is_opened_by_the_environment(
    web: Path, registry: LocalRegistry, verb: Verb, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    lock = BestAvailableEncryption(b"open")
    (web / "../team.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    repository = f"{registry.host}/t{secrets.token_hex(4)}/repo"
    call = ("release", "web", "--to", repository, "--yes", "--key", "team.pem")
    assert verb(*call) == 2
    assert "error: team.pem has a password, and there is no terminal to ask on" in capfd.readouterr().err
    monkeypatch.setenv("COSIGN_PASSWORD", "open")
    assert verb(*call) == 0
    assert capfd.readouterr().err.count("signed ") == 2
    assert verb(*call) == 0
    assert capfd.readouterr().err.count("was signed before: ") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "./layout"), "--to ./layout: a release goes to a registry"),
        (
            ("--to", "example.com/r", "--package-image", "example.com/p:1"),
            "--package-image example.com/p:1 is no repos",
        ),
        (("--to", "example.com/r", "--bump", "tiny"), "--bump tiny is no part of a version"),
        (("--to", "example.com/r", "--key", "none.pem"), "the key none.pem cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_told_in_two_lines(
    web: Path, verb: Verb, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert verb("release", "web", *words) in (2, 3)
    assert said in capfd.readouterr().err
