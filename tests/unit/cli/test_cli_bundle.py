"""`packhouse bundle`: what its verbs print, where, and how they end. Registries are real; damage is made by hand."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bundle_app import app
from bundle_stock import PREDICATE, Stock, fill, locked_bundle, put
from cluster.registry import LocalRegistry
from hostile_registry import DOCKER_LAYER, image_of
from hostile_registry import bundle as plain_bundle
from layouts import write_layout

Bundle = Callable[..., Result]


@pytest.fixture(scope="module")
def stock(registry: LocalRegistry) -> Stock:
    return fill(registry.host, "cli/stock", layer_bytes=3_000, seed=11)


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundle:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    def run(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        return result

    return run


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def sizeless(text: str) -> str:
    """The port of a registry is in a lock, so digests and what they are compressed to differ from run to run."""
    return re.sub(r"[0-9]+(\.[0-9])? (B|KiB)", "N", text)


# ---- inspect ---------------------------------------------------------------------------------------------


def test_inspect_tells_all_that_hangs_on_a_bundle(stock: Stock, bundle: Bundle) -> None:
    names = {**stock.digests, **{f"home_{name}": home for name, home in stock.homes.items()}}
    assert sizeless(bundle("inspect", stock.outer).stdout) == EXPECTED.format(
        host=stock.host, **{name.replace("-", "_"): value for name, value in names.items()},
        sig=stock.digests["web"].replace(":", "-"), sbom_tag=stock.digests["tool"].replace(":", "-"),
    )  # fmt: skip


EXPECTED = """\
Image:   {host}/cli/stock/outer@{outer}
Tag:     1.0
Type:    bundle
Size:    N
In all:  N in 9 blobs, 4 images, 9 manifests
Images:
  - {home_inner}@{inner}
    Type:    bundle
    Size:    N
    Attested: https://slsa.dev/provenance/v1 ({attestation})
    Images:
      - {home_tool}@{tool}
        Type:    image
        Size:    N
        SBOM:    {sbom_tag}.sbom ({sbom})
  - {home_web}@{web}
    Type:    index (linux/amd64, linux/arm64/v8)
    Size:    N
    kbld.carvel.dev/id: web:1
    Signed:  {sig}.sig ({signature})
"""


def test_inspect_as_data_has_the_same_and_the_bytes(stock: Stock, bundle: Bundle) -> None:
    data = json.loads(bundle("inspect", stock.outer, "-o", "json").stdout)
    assert data == yaml.safe_load(bundle("inspect", stock.outer, "-o", "yaml").stdout)
    assert (data["type"], data["digest"], data["tag"]) == ("bundle", stock.digests["outer"], "1.0")
    manifests = data["total"]["bytes"] - sum(stock.blobs.values())
    assert data["total"] == {
        "images": 4, "manifests": 9, "blobs": len(stock.blobs), "bytes": sum(stock.blobs.values()) + manifests,
    }  # fmt: skip
    inner, web = data["images"]
    assert inner["attestations"] == [
        {
            "digest": stock.digests["attestation"],
            "of": stock.digests["inner"],
            "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "predicateTypes": [PREDICATE],
        }
    ]
    assert web["platforms"] == ["linux/amd64", "linux/arm64/v8"]
    assert [(entry["digest"], entry["of"]) for entry in web["signatures"]] == [
        (stock.digests["signature"], stock.digests["web"])
    ]


def test_inspect_of_a_copy_says_where_each_image_was_found(
    stock: Stock, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    copy = f"{registry.host}/cli/copy"
    bundle("copy", stock.outer, copy, "--quiet")
    data = json.loads(bundle("inspect", f"{copy}:1.0", "-o", "json").stdout)
    assert [image["found"] for image in data["images"]] == [
        f"{copy}@{stock.digests[name]}" for name in ("inner", "web")
    ]
    bundle("copy", stock.outer, tmp_path / "layout", "--quiet")
    on_disk = json.loads(bundle("inspect", tmp_path / "layout", "-o", "json").stdout)
    for image in [*data["images"], *data["images"][0]["images"]]:
        image.pop("found")
    assert on_disk["images"] == data["images"]
    assert on_disk["image"] == f"{tmp_path}/layout@{stock.digests['outer']}"


def test_inspect_shows_what_a_bundle_says_of_itself_and_nothing_of_it_steers_the_terminal(
    registry: LocalRegistry, bundle: Bundle
) -> None:
    about = {
        "apiVersion": "imgpkg.carvel.dev/v1alpha1",
        "kind": "Bundle",
        "metadata": {"name": "web"},
        "authors": [{"name": "Ada\x1b[2J\nSigned: by all", "email": "ada@example.com"}],
        "websites": [{"url": "https://example.com"}],
    }
    name = f"{registry.host}/cli/about"
    put(name, "1", locked_bundle({}, {".imgpkg/bundle.yml": yaml.safe_dump(about).encode()}))
    text = bundle("inspect", f"{name}:1").stdout
    assert text.splitlines()[-3:] == [
        "name:    web",
        "Author:  Ada\ufffd[2J\ufffdSigned: by all <ada@example.com>",
        "Website: https://example.com",
    ]
    assert json.loads(bundle("inspect", f"{name}:1", "-o", "json").stdout)["about"]["metadata"] == {"name": "web"}


# ---- pull ------------------------------------------------------------------------------------------------


def test_pull_puts_the_files_into_a_folder_that_may_be_changed(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    result = bundle("pull", stock.outer, "-o", tmp_path / "new/out")
    assert result.stdout == f"{stock.outer.removesuffix(':1.0')}@{stock.digests['outer']}\n"
    assert sorted(files(tmp_path / "new/out")) == [".imgpkg/images.yml", "config.yml"]
    assert stat.S_IMODE((tmp_path / "new/out/config.yml").stat().st_mode) & 0o200
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_pull_of_a_copy_names_the_images_beside_it(
    stock: Stock, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    copy = f"{registry.host}/cli/beside"
    bundle("copy", stock.outer, copy, "--quiet")
    result = bundle("pull", f"{copy}:1.0", "-o", tmp_path / "out")
    assert "it names them there" in result.stderr
    lock = yaml.safe_load((tmp_path / "out/.imgpkg/images.yml").read_text())
    assert [image["image"] for image in lock["images"]] == [f"{copy}@{stock.digests[n]}" for n in ("inner", "web")]
    assert lock["images"][1]["annotations"] == {"kbld.carvel.dev/id": "web:1"}
    bundle("pull", stock.outer, "-o", tmp_path / "origin")
    origin = yaml.safe_load((tmp_path / "origin/.imgpkg/images.yml").read_text())
    assert [image["image"].partition("@")[0] for image in origin["images"]] == [
        stock.homes["inner"], stock.homes["web"],
    ]  # fmt: skip


def test_pull_works_on_layouts_and_on_plain_images(bundle: Bundle, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "l", {"1": plain_bundle({"a/b.yml": b"1"})})
    bundle("pull", f"oci-layout://{folder}:1", "-o", tmp_path / "out")
    assert files(tmp_path / "out") == {"a/b.yml": b"1"}


def test_pull_leaves_a_folder_with_something_in_it_alone(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    assert "is there and no empty folder" in bundle("pull", stock.outer, "-o", tmp_path / "out", code=2).stderr
    (tmp_path / "link").symlink_to("empty")
    assert "is there and no empty folder" in bundle("pull", stock.outer, "-o", tmp_path / "link", code=2).stderr
    (tmp_path / "empty").mkdir()
    bundle("pull", stock.outer, "-o", tmp_path / "empty")
    assert files(tmp_path / "out") == {"mine": b"mine"}


def test_pull_fills_the_empty_folder_that_one_stands_in(
    stock: Stock, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = (tmp_path / "here").stat().st_ino
    bundle("pull", stock.outer, "-o", ".")
    assert sorted(files(tmp_path / "here")) == [".imgpkg/images.yml", "config.yml"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert (tmp_path / "here").stat().st_ino == before, "the folder may be a volume, which nobody can replace"


def test_an_interrupted_pull_promises_nothing(
    stock: Stock, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("packhouse.adapters.bundle_pull.unpack", interrupted)
    assert bundle("pull", stock.outer, "-o", tmp_path / "out", code=130).stderr == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_pull_that_fails_leaves_nothing(registry: LocalRegistry, bundle: Bundle, tmp_path: Path) -> None:
    name = f"{registry.host}/cli/unsafe"
    put(name, "1", plain_bundle({"good": b"1", "../bad": b"2"}))
    assert r"climbs out by .." in bundle("pull", f"{name}:1", "-o", tmp_path / "out", code=1).stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    bundle("pull", f"{name}:1", "-o", tmp_path / "empty", code=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


# ---- the command line ------------------------------------------------------------------------------------

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["copy"], 2, "name a source and a target", id="no places"),
        pytest.param(["copy", "127.0.0.1:1/a"], 2, "name a source and a target", id="one place"),
        pytest.param(["copy", "a", "b", "--to-tar", "c"], 2, "name a source and a target", id="three places"),
        pytest.param(["copy", "--to-tar", "a", "--from-tar", "b"], 2, "name a source and a target", id="two tars"),
        pytest.param(["copy", "https://a/b", "127.0.0.1:1/a"], 2, "no scheme", id="a url"),
        pytest.param(["copy", "127.0.0.1:1/a", f"127.0.0.1:1/b@{DIGEST}"], 2, "a copy goes to a tag", id="to a digest"),
        pytest.param(["copy", "127.0.0.1:1/a", "{tmp}/x"], 1, "Connection refused", id="nobody there"),
        pytest.param(["copy", "{tmp}/none", "127.0.0.1:1/a"], 1, "there is no such folder or file", id="no layout"),
        pytest.param(["copy", "--from-tar", "{tmp}", "127.0.0.1:1/a"], 1, "is no OCI image layout", id="no tar"),
        pytest.param(["copy", "a", "b", "--username", "u"], 2, "go together", id="half a login"),
        pytest.param(["copy", "a", "b", "--parallel", "0"], 2, "", id="nobody works"),
        pytest.param(["pull", "127.0.0.1:1/a"], 2, "", id="pull to nowhere"),
        pytest.param(["inspect", "127.0.0.1:1/a", "-o", "xml"], 2, "", id="an unknown form"),
        pytest.param(["inspect", "oci-layout://a"], 2, "a whole path", id="a relative layout"),
        pytest.param(["inspect", "oci-layout:./a"], 2, "write oci-layout:// and a whole path", id="half a scheme"),
        pytest.param(["inspect", "a.tar"], 2, "write ./a.tar for the one on this disk", id="a path without ./"),
        pytest.param(["push", "./a", "-f", "{tmp}"], 2, "a push goes to a registry; `packhouse", id="push to a path"),
        pytest.param(["copy", "out/a.tar", "127.0.0.1:1/a"], 2, "write ./out/a.tar", id="a path below without ./"),
        pytest.param(["copy", "127.0.0.1:1/a", "--to-tar", "{tmp}"], 2, "name a file in it", id="a folder for a tar"),
        pytest.param(["copy", "127.0.0.1:1/a", "--to-tar", ""], 2, "name a file in it", id="a tar without a name"),
        pytest.param(["inspect", "{host}/cli/none:1"], 1, "not found (404), or hidden from: nobody (", id="no image"),
    ],
)
def test_the_command_says_what_is_wrong_and_sets_its_exit_code(
    words: list[str], code: int, said: str, bundle: Bundle, tmp_path: Path, registry: LocalRegistry
) -> None:
    result = bundle(*(word.format(tmp=tmp_path, host=registry.host) for word in words), code=code)
    assert (said in result.stderr, result.stdout) == (True, ""), result.stderr


REFUSED = "refused access with 401; tried as "
NOBODY = f"{REFUSED}nobody (no credentials were given: docker login, or --username and --password-stdin)"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        pytest.param({}, f"{NOBODY}\n", id="no credentials"),
        pytest.param(
            {"ghcr.io": {"username": "a", "password": "b"}},
            f"{NOBODY}; {{config}} holds credentials for ghcr.io only\n",
            id="those of another registry",
        ),
        pytest.param(
            {"{host}": {"username": "packhouse", "password": "wrong"}},
            f"{REFUSED}user 'packhouse' of {{config}}\n",
            id="wrong ones",
        ),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ["push", "{host}/cli/mine:1", "-f", "{tmp}"],
        ["pull", "{host}/cli/mine:1", "-o", "{tmp}/out"],
        ["copy", "{layout}", "{host}/cli/mine:1"],
        ["inspect", "{host}/cli/mine:1"],
    ],
    ids=lambda words: words[0],
)
def test_a_refusal_names_who_was_tried_and_how_to_log_in(
    words: list[str], config: dict[str, dict[str, str]], said: str, bundle: Bundle, tmp_path: Path,
    auth_registry: LocalRegistry,
) -> None:  # fmt: skip
    file = tmp_path / "docker/config.json"
    file.parent.mkdir()
    host = auth_registry.host
    file.write_text(json.dumps({"auths": {name.format(host=host): entry for name, entry in config.items()}}))
    layout = write_layout(tmp_path / "layout", {"1": plain_bundle({"a": b"1"})})
    words = [word.format(host=host, tmp=tmp_path, layout=layout) for word in words]
    assert said.format(config=file) in bundle(*words, code=1).stderr


def test_the_help_shows_whole_references(bundle: Bundle) -> None:
    for verb in ("copy", "pull", "inspect"):
        assert "host/path[:tag][@digest]" in bundle(verb, "--help").stdout


def test_a_setting_that_cannot_be_read_is_a_usage_error(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKHOUSE_FETCH_PARALLEL", "many")
    assert "PACKHOUSE_FETCH_PARALLEL" in bundle("inspect", "127.0.0.1:1/a", code=2).stderr


def test_progress_goes_to_standard_error_and_can_be_switched_off(stock: Stock, bundle: Bundle, tmp_path: Path) -> None:
    loud = bundle("copy", stock.outer, "--to-tar", tmp_path / "a.tar")
    assert sizeless(loud.stderr).splitlines() == [
        "copying: N",
        "writing a.tar: N",
        "4 images: 9 manifests and 9 blobs, of which 9 were moved (N)",
    ]
    quiet = bundle("copy", stock.outer, "--to-tar", tmp_path / "b.tar", "--quiet")
    assert quiet.stderr.splitlines() == loud.stderr.splitlines()[2:]


def test_a_copy_of_a_bundle_that_names_no_image_says_so(
    registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    note = "note: .imgpkg/images.yml of the bundle names no image: the bundle is copied alone"
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.yml").write_text("a: 1")
    bundle("push", f"{registry.host}/cli/alone:1", "-f", tmp_path / "files")
    assert note in bundle("copy", f"{registry.host}/cli/alone:1", "--to-tar", tmp_path / "a.tar").stderr
    put(f"{registry.host}/cli/plain", "1", image_of([(b"", {"mediaType": DOCKER_LAYER})]))
    assert "note" not in bundle("copy", f"{registry.host}/cli/plain:1", "--to-tar", tmp_path / "b.tar").stderr


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        pytest.param("images: [{image: 'x.test/a@DIGEST'}]", "", id="whole"),
        pytest.param("images: []", "", id="empty"),
        pytest.param("images: [{image: 'x.test/a@DIGEST'}, {image: 'b:1'}]", "(see images[1].image): this", id="a tag"),
        pytest.param("images: [", "is no ImagesLock", id="no YAML"),
    ],
)
def test_a_lock_that_cannot_be_copied_is_told_when_it_is_pushed(
    lock: str, said: str, registry: LocalRegistry, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "files/.imgpkg").mkdir(parents=True)
    (tmp_path / "files/.imgpkg/images.yml").write_text(lock.replace("DIGEST", DIGEST))
    result = bundle("push", f"{registry.host}/cli/locks:1", "-f", tmp_path / "files")
    assert (said in result.stderr, bool(said)) == (True, bool(result.stderr)), result.stderr


def test_on_a_terminal_there_is_a_bar(stock: Stock, tmp_path: Path) -> None:
    leader, follower = os.openpty()
    command = [sys.executable, "-m", "packhouse.cli.main", "bundle", "copy", stock.outer, "--to-tar", "a.tar"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=follower, stdout=subprocess.PIPE, text=True) as running:
        os.close(follower)
        shown = b""
        try:
            while part := os.read(leader, 65536):
                shown += part
        except OSError:
            pass  # the other end is closed
        out = running.stdout.read() if running.stdout else ""
        assert running.wait(30) == 0
    os.close(leader)
    assert "━" in shown.decode() and "KiB" in shown.decode()
    assert out == f"oci-layout://{tmp_path}/a.tar@{stock.digests['outer']}\n"


def test_a_bundle_copied_again_under_another_tag_keeps_its_digest(registry: LocalRegistry, bundle: Bundle) -> None:
    name = f"{registry.host}/cli/tags"
    image = locked_bundle({}, {"a": b"1"})
    put(name, "1", image)
    for tag in ("2", "stable"):
        assert bundle("copy", f"{name}:1", f"{name}:{tag}").stdout == f"{name}@{image.digest}\n"
        assert json.loads(bundle("inspect", f"{name}:{tag}", "-o", "json").stdout)["digest"] == image.digest
