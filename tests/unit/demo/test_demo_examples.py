from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from demo import examples
from demo.examples import EXAMPLES, Offer
from demo.tables import NotAsTold

HOST = "127.0.0.1:5000"


def reference(offer: Offer) -> str:
    return f"{HOST}/{offer.name}@sha256:{'0' * 64}"


def prepared(folder: Path) -> list[Offer]:
    offers = examples.copy(folder, HOST)
    examples.put_on_offer(folder, {offer: reference(offer) for offer in offers}, offers)
    return offers


def test_every_version_of_the_examples_is_offered(tmp_path: Path) -> None:
    offers = prepared(tmp_path)

    assert {(offer.name, offer.version) for offer in offers} == {
        ("crontab", "1.0.0"),
        ("web", "1.0.0"),
        ("web", "1.1.0"),
        ("web", "1.2.0"),
        ("web", "2.0.0-rc.1"),
    }
    assert all((tmp_path / offer.folder / "config").is_dir() for offer in offers)


def test_a_package_on_offer_names_its_bundle_by_the_pushed_reference(tmp_path: Path) -> None:
    for offer in prepared(tmp_path):
        file = tmp_path / "repository" / "packages" / offer.public_name / f"{offer.version}.yaml"
        package = yaml.safe_load(file.read_text())
        assert package["metadata"]["name"] == f"{offer.public_name}.{offer.version}"
        assert package["spec"]["template"]["spec"]["fetch"] == [{"imgpkgBundle": {"image": reference(offer)}}]


def test_the_repository_is_looked_for_in_the_registry(tmp_path: Path) -> None:
    prepared(tmp_path)

    repository = yaml.safe_load((tmp_path / "repository.yaml").read_text())
    assert repository["spec"]["fetch"]["imgpkgBundle"]["image"] == f"{HOST}/repository:stable"


def test_what_is_not_put_on_offer_is_not_in_the_repository(tmp_path: Path) -> None:
    offers = examples.copy(tmp_path, HOST)
    examples.put_on_offer(tmp_path, {offers[0]: reference(offers[0])}, offers[:1])

    found = [path.stem for path in (tmp_path / "repository").rglob("*.yaml") if path.stem != "metadata"]
    assert found == [offers[0].version]


def test_the_examples_themselves_stay_as_they_are(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in EXAMPLES.rglob("*") if path.is_file()}
    prepared(tmp_path)

    assert before == {path: path.read_bytes() for path in EXAMPLES.rglob("*") if path.is_file()}


def test_a_file_without_its_placeholder_is_refused(tmp_path: Path) -> None:
    (offer, *_) = examples.copy(tmp_path, HOST)
    (tmp_path / offer.folder.parent / "package.yaml").write_text("image: somewhere/else\n")

    with pytest.raises(NotAsTold, match=r"1\.0\.0\.yaml has no placeholder REGISTRY/crontab@DIGEST"):
        examples.put_on_offer(tmp_path, {offer: reference(offer)}, [offer])
