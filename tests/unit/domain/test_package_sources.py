"""Packages follow the images of their repository's bundle to where they were copied."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.package_sources import relocated_packages
from packhouse.ports import Json

ONE = f"sha256:{'1' * 64}"
NEW = f"mirror.test/repo@{ONE}"
MOVED = {f"origin.test/web@{ONE}": NEW, f"docker.io/library/web@{ONE}": NEW, "origin.test/web:1.0": NEW}


def package(*fetch: Json) -> Json:
    template = {"spec": {"fetch": list(fetch), "template": [], "deploy": [{"kapp": {}}]}}
    return {"kind": "Package", "metadata": {"name": "a"}, "spec": {"publicName": "a", "template": template}}


def bundle(image: Any, **more: Any) -> Json:
    return {"imgpkgBundle": {"image": image, "secretRef": {"name": "s"}, **more}}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(bundle(f"origin.test/web@{ONE}"), bundle(NEW), id="by its digest"),
        pytest.param(bundle("origin.test/web:1.0"), bundle(NEW), id="by its original name"),
        pytest.param(bundle(f"web@{ONE}"), bundle(NEW), id="written short"),
        pytest.param({"image": {"url": f"origin.test/web@{ONE}"}}, {"image": {"url": NEW}}, id="an image"),
    ],
)
def test_a_reference_that_the_lock_knows_is_replaced(step: Json, expected: Json) -> None:
    documents = [package({"path": "x", **step}), {"kind": "PackageMetadata"}]
    assert relocated_packages(documents, MOVED) == [package({"path": "x", **expected}), {"kind": "PackageMetadata"}]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(bundle("origin.test/web:2.0"), id="another tag"),
        pytest.param(
            bundle("origin.test/web:1.0", tagSelection={"semver": {"constraints": "1"}}), id="a choice of tags"
        ),
        pytest.param(bundle("https://x"), id="no reference"),
        pytest.param(bundle(1), id="no text"),
        pytest.param({"inline": {"paths": {"a": f"origin.test/web@{ONE}"}}}, id="another kind"),
    ],
)
def test_all_else_stays_the_same_object(step: Json) -> None:
    documents = [package(step)]
    assert relocated_packages(documents, MOVED)[0] is documents[0]
    assert relocated_packages(documents, {}) == documents
