"""What of a repository's bundle changes when a version is added. Asserted: the files that would be written."""

from __future__ import annotations

import pytest
import yaml

from packhouse.authoring.repository import Offer, added
from packhouse.client.errors import Trouble
from packhouse.domain.bundle import read_bundle
from packhouse.ports import Json

IMAGE = f"registry.example.com/team/web.example.com@sha256:{'a' * 64}"
OTHER = f"registry.example.com/team/other@sha256:{'b' * 64}"
PLACE = "packages/web.example.com"


def package(version: str = "1.0.0", image: str = IMAGE, at: str = "2026-01-01T00:00:00Z") -> Json:
    return {
        "apiVersion": "package.carvel.dev/v1alpha1",
        "kind": "Package",
        "metadata": {"name": f"web.example.com.{version}"},
        "spec": {
            "publicName": "web.example.com",
            "version": version,
            "releasedAt": at,
            "template": {"spec": {"fetch": [{"imgpkgBundle": {"image": image}}], "deploy": [{"kapp": {}}]}},
        },
    }


def metadata(words: str = "A server") -> Json:
    return {
        "apiVersion": "package.carvel.dev/v1alpha1",
        "kind": "PackageMetadata",
        "metadata": {"name": "web.example.com"},
        "spec": {"displayName": "web", "shortDescription": words},
    }


def offer(version: str = "1.0.0", **changes: str) -> Offer:
    return Offer(package(version, **changes), changes.get("image", IMAGE), metadata())


def written(*documents: Json) -> bytes:
    return yaml.safe_dump_all(documents).encode()


def test_a_new_repository_gets_the_package_its_metadata_and_a_lock() -> None:
    files = added({}, offer(), "repo").files
    assert sorted(files) == [".imgpkg/images.yml", f"{PLACE}/1.0.0.yml", f"{PLACE}/metadata.yml"]
    [entry] = yaml.safe_load(files[".imgpkg/images.yml"])["images"]
    assert entry == {"annotations": {"kbld.carvel.dev/id": IMAGE}, "image": IMAGE}
    content = read_bundle(files, {})
    assert (content.faults, {one["kind"] for one in content.documents}) == ([], {"Package", "PackageMetadata"})


def test_another_version_leaves_all_that_is_there() -> None:
    before = dict(added({}, offer(), "repo").files)
    second = added(before, offer("1.1.0", image=OTHER), "repo").files
    assert sorted(second) == [".imgpkg/images.yml", f"{PLACE}/1.1.0.yml"]
    assert [entry["image"] for entry in yaml.safe_load(second[".imgpkg/images.yml"])["images"]] == [OTHER, IMAGE]


def test_what_is_offered_already_changes_nothing_whenever_it_was_released() -> None:
    before = dict(added({}, offer(), "repo").files)
    assert added(before, offer(at="2027-12-31T00:00:00Z"), "repo").files == {}


@pytest.mark.parametrize("file", [f"{PLACE}/1.0.0.yml", "packages/all.yaml", "packages/deep/down/web.json"])
def test_a_version_that_is_offered_with_other_content_is_refused(file: str) -> None:
    with pytest.raises(Trouble) as refused:
        added({file: written(package(image=OTHER))}, offer(), "example.com/repo:latest")
    assert str(refused.value) == (
        f"example.com/repo:latest, {file} offers web.example.com 1.0.0 with other content "
        "(spec.template.spec.fetch differs)"
    )
    assert "--bump patch" in refused.value.help


def test_the_version_is_found_in_the_form_that_others_write_it_in() -> None:
    carvel = {**package(), "apiVersion": "data.packaging.carvel.dev/v1alpha1"}
    carvel["spec"] = {"refName": "web.example.com"} | {
        key: value for key, value in carvel["spec"].items() if key != "publicName"
    }
    found = added({"packages/web.yml": written(carvel)}, offer(), "repo")
    assert f"{PLACE}/1.0.0.yml" not in found.files


def test_metadata_beside_the_versions_are_written_anew_and_those_elsewhere_stay() -> None:
    beside = added({f"{PLACE}/metadata.yml": written(metadata("Old words"))}, offer(), "repo")
    assert yaml.safe_load(beside.files[f"{PLACE}/metadata.yml"]) == metadata()
    elsewhere = added({"packages/metas.yml": written(metadata("Old words"))}, offer(), "repo")
    assert f"{PLACE}/metadata.yml" not in elsewhere.files
    assert elsewhere.notes == [
        "packages/metas.yml of the repository holds other metadata of web.example.com, and keeps them"
    ]


def test_in_a_bundle_without_the_folder_packages_the_version_goes_where_the_others_are() -> None:
    """Were there such a folder, nothing outside of it would count any more."""
    before = {"web/0.9.0.yml": written(package("0.9.0"))}
    files = added(before, offer(), "repo").files
    assert "web.example.com/1.0.0.yml" in files
    assert len(read_bundle({**before, **files}, {}).documents) == 3
