"""The step kbld, through the pipeline. Real: everything but the worker's process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.api.errors import RenderedInvalid, TemplateFailed, UnsupportedStep
from packhouse.template.kbld.rules import repository
from render_jobs import config_map

DIGEST = "sha256:" + "a" * 64
KBLD = {"kbld": {"paths": ["-", ".imgpkg/images.yml"]}}
PLAIN = {"jinja2": {"paths": ["config"]}}
Objects = Callable[..., list[Any]]


def lock(*entries: tuple[str, str]) -> str:
    """An ImagesLock as `kbld --imgpkg-lock-output` writes it: (name in the manifests, reference by digest)."""
    images = "".join(
        f"- annotations:\n    kbld.carvel.dev/id: {name}\n    kbld.carvel.dev/origins: |\n      - resolved: {{}}\n"
        f"  image: {image}\n"
        for name, image in entries
    )
    return f"---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n{images}kind: ImagesLock\n"


def pod(*images: str, name: str = "web") -> str:
    containers = "".join(f"  - name: c{number}\n    image: {image}\n" for number, image in enumerate(images))
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n{containers}"


def images_of(obj: Any) -> list[str]:
    return [container["image"] for container in obj["spec"]["containers"]]


def test_references_become_those_of_the_lock_and_nothing_else_changes(objects: Objects) -> None:
    files = {
        "config/pod.yml": pod("nginx:1.25", "nginx:1.26", "registry.example.com/other:1"),
        "config/map.yml": config_map("map", image_name="nginx:1.25"),
        ".imgpkg/images.yml": lock(("nginx:1.25", f"index.docker.io/library/nginx@{DIGEST}")),
    }
    before = objects({name: text for name, text in files.items() if name.startswith("config")}, steps=[PLAIN])
    after = objects(files, steps=[PLAIN, KBLD])
    assert images_of(after[1]) == [
        f"index.docker.io/library/nginx@{DIGEST}",
        "nginx:1.26",
        "registry.example.com/other:1",
    ]
    before[1]["spec"]["containers"][0]["image"] = f"index.docker.io/library/nginx@{DIGEST}"
    assert after == before


def test_the_key_image_is_looked_for_at_any_depth(objects: Objects) -> None:
    text = (
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nimage: a:1\n"
        "spec: {image: {image: a:1, repository: a:1}, list: [[{image: a:1}], a:1], more: {image: 5}}\n"
    )
    [found] = objects({"config/t.yml": text, ".imgpkg/images.yml": lock(("a:1", "b"))}, steps=[PLAIN, KBLD])
    assert found["image"] == "b"
    assert found["spec"] == {
        "image": {"image": "b", "repository": "a:1"},
        "list": [[{"image": "b"}], "a:1"],
        "more": {"image": 5},
    }


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([{"kbld": {"paths": ["config/", ".imgpkg"]}}], id="files of the package"),
        pytest.param([{"kbld": {}}], id="no paths and no step before: the whole folder, with what a dot hides"),
        pytest.param([{"kbld": {"paths": ["./config/../", "-"]}}], id="a path that leads back to the top"),
    ],
)
def test_without_a_step_before_it_reads_the_package(objects: Objects, steps: list[Any]) -> None:
    files = {"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": lock(("a:1", "b")), "README.md": "# no manifest"}
    if "-" in steps[0]["kbld"].get("paths", ()):
        steps = [{"kbld": {"paths": [".imgpkg"]}}, *steps]
    [found] = objects(files, steps=steps)
    assert images_of(found) == ["b"]


def test_a_lock_may_come_along_the_stream(objects: Objects) -> None:
    files = {"config/all.yml": pod("a:1") + lock(("a:1", "b"))}
    [found] = objects(files, steps=[PLAIN, {"kbld": {}}])
    assert images_of(found) == ["b"]


def test_the_first_lock_that_names_an_image_counts(objects: Objects) -> None:
    files = {"config/all.yml": pod("a:1") + lock(("a:1", "b")), ".imgpkg/images.yml": lock(("a:1", "c"))}
    [found] = objects(files, steps=[PLAIN, KBLD])
    assert images_of(found) == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("images: []\n", id="a list alone"),
        pytest.param("---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages: []\n", id="no image"),
        pytest.param(
            f"apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: b@{DIGEST}\n", id="no id"
        ),
    ],
)
def test_a_lock_that_names_nothing_changes_nothing(objects: Objects, text: str) -> None:
    [found] = objects({"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": text}, steps=[PLAIN, KBLD])
    assert images_of(found) == ["a:1"]


def test_a_lock_of_the_first_kind_holds_its_list_under_spec(objects: Objects) -> None:
    text = (
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nspec:\n  images:\n"
        "  - image: b\n    annotations: {kbld.carvel.dev/id: a:1}\n"
    )
    [found] = objects({"config/pod.yml": pod("a:1"), ".imgpkg/images.yml": text}, steps=[PLAIN, KBLD])
    assert images_of(found) == ["b"]


def test_a_config_says_images_repositories_and_keys(objects: Objects) -> None:
    config = (
        "---\napiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nminimumRequiredVersion: 0.30.0\nkeys: [img]\n"
        "overrides:\n- image: a:1\n  newImage: one\n  preresolved: true\n- imageRepo: a\n  newImage: others\n"
    )
    text = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nimg: a:1\nspec: {image: a:2}\n"
    [found] = objects({"config/t.yml": text + config}, steps=[PLAIN, {"kbld": {}}])
    assert (found["img"], found["spec"]) == ("one", {"image": "others"})


def test_an_object_that_stands_in_two_places_is_changed_in_a_copy(objects: Objects) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: t}\nspec: {containers: [&c {image: a:1}], initContainers: [*c]}\n"
    )
    steps = [PLAIN, KBLD]
    [found] = objects({"config/t.yml": text, ".imgpkg/images.yml": lock(("a:1", "b"))}, steps=steps)
    assert found["spec"] == {"containers": [{"image": "b"}], "initContainers": [{"image": "b"}]}


@pytest.mark.parametrize(
    ("files", "steps", "error", "message"),
    [
        pytest.param(
            {"config/a.yml": config_map()},
            [PLAIN, {"kbld": {"paths": ["-", ".imgpkg/image.yml"]}}],
            TemplateFailed,
            "template step kbld: path '.imgpkg/image.yml' names no file of the package",
            id="a path that names nothing",
        ),
        pytest.param(
            {"config/a.yml": config_map()},
            [{"kbld": {"paths": ["-"]}}],
            TemplateFailed,
            "template step kbld: path '-' is the output of the step before, and there is none before",
            id="nothing before",
        ),
        pytest.param(
            {"config/a.yml": config_map()},
            [{"kbld": {"paths": ["config/../../etc"]}}],
            TemplateFailed,
            "template step kbld: path 'config/../../etc' leads out of the package's folder",
            id="a path that leads out",
        ),
        pytest.param(
            {"config/a.yml": config_map(), ".imgpkg/images.yml": "a: [\n"},
            [PLAIN, KBLD],
            RenderedInvalid,
            ".imgpkg/images.yml:2: no valid YAML",
            id="a lock that is no YAML",
        ),
        pytest.param(
            {".imgpkg/images.yml": lock(("a", "b")).replace("image: b", "image: []")},
            [{"kbld": {}}],
            TemplateFailed,
            ".imgpkg/images.yml:2: images[0].image must be a text that is not empty, found a list",
            id="an image that is no text",
        ),
        pytest.param(
            {".imgpkg/images.yml": "images: {a: b}"},
            [{"kbld": {}}],
            TemplateFailed,
            ".imgpkg/images.yml:1: images must be a list, found a map",
            id="images that are no list",
        ),
        pytest.param(
            {"a.yml": "apiVersion: kbld.k14s.io/v1alpha1\nkind: Sources\nsources:\n- {image: a, path: src}\n"},
            [{"kbld": {}}],
            UnsupportedStep,
            "a.yml:1: sources of a kbld Sources is not supported by this version of packhouse: "
            "supported are overrides and keys",
            id="images to build",
        ),
        pytest.param(
            {
                "a.yml": "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n"
                "- {image: a, newImage: b, tagSelection: {semver: {}}}\n"
            },
            [{"kbld": {}}],
            UnsupportedStep,
            "a.yml:1: overrides[0].tagSelection would ask a registry: name the image by tag",
            id="a tag to choose",
        ),
    ],
)
def test_what_cannot_be_done_is_said_with_its_place(
    objects: Objects, files: dict[str, str], steps: list[Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        objects(files, steps=steps)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", "nginx"),
        ("nginx:1.25", "nginx"),
        (f"nginx@{DIGEST}", "nginx"),
        (f"nginx:1.25@{DIGEST}", "nginx"),
        ("localhost:5000/nginx", "localhost:5000/nginx"),
        (f"localhost:5000/nginx:1@{DIGEST}", "localhost:5000/nginx"),
        ("localhost:5000", "localhost"),
        (":1", ":1"),
        ("a:", "a:"),
        ("a@b", "a@b"),
        ("a@b:", "a@b:"),
        ("", ""),
    ],
)
def test_a_repository_is_a_reference_without_tag_and_digest(reference: str, expected: str) -> None:
    assert repository(reference) == expected
