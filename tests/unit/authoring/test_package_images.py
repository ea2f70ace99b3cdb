"""Which images a package's objects hold, and the lock of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.api.errors import FetchFailed, InvalidSpec, SourceNotFound, ValuesInvalid
from packhouse.authoring import images
from packhouse.authoring.building import Build, build
from packhouse.authoring.images import Locked
from packhouse.authoring.project import read
from packhouse.authoring.rendering import ClusterFacts, started
from packhouse.domain.references import ImageReference

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
FACTS = ClusterFacts.of(37)

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers:
  - {name: init, image: {{ values.init }}}
  containers:
  - {name: web, image: "nginx:1.25"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  sidecar: quay.io/team/sidecar:2
  image: ""
"""
PACKAGE = """\
apiVersion: package.carvel.dev/v1alpha1
kind: Package
spec:
  publicName: web.example.com
  version: 1.0.0
  valuesSchema:
    openAPIv3: {type: object, properties: {init: {type: string, default: busybox}}}
  template:
    spec:
      template:
      - jinja2: {paths: [config/]}
      - kbld: {paths: ["-", .imgpkg/images.yml]}
      deploy:
      - kapp: {}
"""
STRICT = PACKAGE.replace(", default: busybox", "").replace("object, prop", "object, required: [init], prop")
KBLD = """\
apiVersion: kbld.k14s.io/v1alpha1
kind: Config
searchRules:
- keyMatcher: {name: sidecar}
"""


async def built(package: Callable[..., Any], **changes: Any) -> Build:
    folder = package({"tests": None, "config": None, "package.yaml": PACKAGE, "config/pod.yml": POD, **changes})
    async with started() as renderer:
        return await build(renderer, read(folder), FACTS)


async def test_images_are_found_where_the_kbld_step_looks_in_every_case(package: Callable[..., Any]) -> None:
    made = await built(
        package,
        **{
            "package.yaml": PACKAGE.replace("images.yml]", "images.yml, config/kbld.yml]").replace(
                "config/]", "config/pod.yml]"
            ),
            "config/kbld.yml": KBLD,
            "tests/other/values.yml": "init: busybox:2\n",
            "tests/refused/values.yml": "init: [1]\n",
            "tests/refused/expected-error.txt": "init",
        },
    )
    assert made.references == {
        "busybox": "defaults: Pod web",
        "nginx:1.25": "defaults: Pod web",
        "quay.io/team/sidecar:2": "defaults: ConfigMap web",
        "busybox:2": "other: Pod web",
    }
    assert "kbld.k14s.io/images" not in str(made.objects)
    assert made.warnings == []


async def test_without_a_kbld_step_they_are_found_under_the_key_image_and_the_author_is_told(
    package: Callable[..., Any],
) -> None:
    made = await built(
        package, **{"package.yaml": "\n".join(line for line in PACKAGE.splitlines() if "kbld" not in line)}
    )
    assert list(made.references) == ["busybox", "nginx:1.25"]
    [warning] = made.warnings
    assert warning.startswith("no kbld step reads .imgpkg/images.yml")


async def test_what_cannot_be_rendered_is_told_with_its_case(package: Callable[..., Any]) -> None:
    with pytest.raises(ValuesInvalid, match=r"defaults: values\.init: expected a value, it is required"):
        await built(package, **{"package.yaml": STRICT})


async def test_a_package_is_built_by_its_cases_where_its_defaults_are_refused(package: Callable[..., Any]) -> None:
    made = await built(package, **{"package.yaml": STRICT, "tests/one/values.yml": "init: a:1\n"})
    assert list(made.objects) == ["one"]
    assert made.warnings[0].startswith("the defaults alone are refused, and not built: values.init")


# ---- the lock --------------------------------------------------------------------------------------------


def nobody(reference: ImageReference) -> str:
    raise AssertionError(f"{reference} is asked for")


def test_a_lock_is_written_as_kbld_writes_it() -> None:
    found = images.lock({"nginx:1.25": "Pod web", "quay.io/a/b": "Pod web"}, (), lambda _: A, anew=True)
    assert images.write(reversed(found)) == (
        b"---\n"
        b"apiVersion: imgpkg.carvel.dev/v1alpha1\n"
        b"images:\n"
        b"- annotations:\n"
        b"    kbld.carvel.dev/id: nginx:1.25\n"
        b"    kbld.carvel.dev/origins: |\n"
        b"      - resolved:\n"
        b"          tag: '1.25'\n"
        b"          url: nginx:1.25\n"
        b"  image: index.docker.io/library/nginx@" + A.encode() + b"\n"
        b"- annotations:\n"
        b"    kbld.carvel.dev/id: quay.io/a/b\n"
        b"    kbld.carvel.dev/origins: |\n"
        b"      - resolved:\n"
        b"          tag: latest\n"
        b"          url: quay.io/a/b\n"
        b"  image: quay.io/a/b@" + A.encode() + b"\n"
        b"kind: ImagesLock\n"
    )
    assert list(images.read(images.write(found), "images.yml")) == list(found)


def test_what_is_locked_stays_locked_unless_all_is_looked_up_anew() -> None:
    before = images.lock({"a.io/x:1": "Pod web"}, (), lambda _: A, anew=True)
    wanted = {"a.io/x:1": "Pod web", "a.io/y:1": "Pod web"}
    kept = images.lock(wanted, before, lambda _: B, anew=False)
    assert {one.name: one.digest for one in kept} == {"a.io/x:1": A, "a.io/y:1": B}
    renewed = images.lock(wanted, before, lambda _: B, anew=True)
    assert {one.digest for one in renewed} == {B}
    assert images.differs(before, kept)
    assert not images.differs(renewed, list(reversed(renewed)))


def test_two_names_of_one_image_are_both_locked() -> None:
    body = images.write(images.lock({"a.io/x:1": "Pod web", "a.io/x:latest": "Pod web"}, (), lambda _: A, anew=True))
    assert [one.name for one in images.read(body, "images.yml")] == ["a.io/x:1", "a.io/x:latest"]


def test_a_reference_with_a_digest_stays_as_it_is_and_nobody_is_asked() -> None:
    name = f"nginx:1.25@{A}"
    assert images.lock({name: "Pod web"}, (), nobody, anew=True) == [Locked(name, name, {"kbld.carvel.dev/id": name})]


def test_images_that_no_template_names_stay_and_those_that_are_named_no_more_go() -> None:
    by_hand = Locked("", f"a.io/env@{A}", {})
    before = [by_hand, *images.lock({"a.io/x:1": "Pod web"}, (), lambda _: A, anew=True)]
    assert images.lock({}, before, nobody, anew=False) == [by_hand]


def test_a_text_that_is_no_image_is_told_with_the_object_and_the_lever() -> None:
    with pytest.raises(
        InvalidSpec, match=r"Pod web: image reference 'a b': .*; where that is no image, let a search rule"
    ):
        images.lock({"a b": "Pod web"}, (), nobody, anew=True)
    with pytest.raises(InvalidSpec, match="no node pulls from there"):
        images.lock({"oci-layout:///x/y": "Pod web"}, (), nobody, anew=True)


def test_an_image_that_cannot_be_looked_up_is_told_with_the_object() -> None:
    def away(reference: ImageReference) -> str:
        raise SourceNotFound(f"{reference}: not found")

    with pytest.raises(SourceNotFound, match=r"^Pod web, image a\.io/x:1: a\.io/x:1: not found; correct the reference"):
        images.lock({"a.io/x:1": "Pod web"}, (), away, anew=True)


def test_a_lock_that_is_none_is_refused_and_none_at_all_is_empty() -> None:
    assert images.read(None, "images.yml") == []
    with pytest.raises(FetchFailed, match=r"images\.yml is no ImagesLock"):
        images.read(b"images:\n- image: nginx\n", "images.yml")
