"""Which steps ask for signatures, and what happens to those that can have none. Registry and signatures are faked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes_registry import FakeRegistry
from fakes_sources import FakeSignatures, NoDownloads, origins
from packhouse.api.errors import PackhouseError, SecretMissing, SignatureInvalid
from packhouse.fetch import FETCHERS, Sources, fetch_all, resolve_all
from packhouse.fetch.verify import refuse_unpinned, verified
from packhouse.ports import Access, Json, TrustPolicy

IMAGE = "registry.test/demo/repo:1.0"
REPOSITORY = "registry.test/demo/repo"
TEAM = TrustPolicy("PackageRepository team")
HOUSE = TrustPolicy("PACKHOUSE_VERIFY_POLICY_FILE, prefix registry.test")


async def _no_object(name: str) -> Json:
    raise SecretMissing(f"Secret demo/{name} does not exist")


async def sources(
    folder: Path,
    *,
    signed: bool = False,
    team: TrustPolicy | None = None,
    house: TrustPolicy | None = None,
    image: str = IMAGE,
) -> Sources:
    registry = FakeRegistry(folder, {image: {"packages/a.yml": b"a"}})
    digest = await registry.resolve(image, Access())
    known: Mapping[str, str] = {f"{REPOSITORY}@{digest}": "key cosign.pub"} if signed else {}
    given = replace(origins(registry), signatures=FakeSignatures(known, settings_policy=house))
    return Sources(given, _no_object, _no_object, "demo", 1000, policy=lambda _: team)


STEPS: list[Any] = [
    pytest.param({"image": {"url": IMAGE}}, id="image"),
    pytest.param({"imgpkgBundle": {"image": IMAGE}}, id="imgpkgBundle"),
]
POLICIES = [
    pytest.param(TEAM, None, id="of the repository"),
    pytest.param(None, HOUSE, id="of the settings"),
    pytest.param(TEAM, HOUSE, id="both"),
]


@pytest.mark.parametrize(("team", "house"), POLICIES)
@pytest.mark.parametrize("step", STEPS)
async def test_signed_content_is_fetched_and_its_signer_is_told(
    step: Json, team: TrustPolicy | None, house: TrustPolicy | None, tmp_path: Path
) -> None:
    given = await sources(tmp_path, signed=True, team=team, house=house)
    resolution = await resolve_all([step], given)
    assert [part.verified_by for part in resolution.parts] == ["key cosign.pub"]
    assert await (await fetch_all([step], given, resolution)).files() == {"packages/a.yml": b"a"}


@pytest.mark.parametrize(("team", "house"), POLICIES)
@pytest.mark.parametrize("step", STEPS)
async def test_what_is_not_signed_is_refused_before_anything_is_pulled(
    step: Json, team: TrustPolicy | None, house: TrustPolicy | None, tmp_path: Path
) -> None:
    given = await sources(tmp_path, team=team, house=house)
    with pytest.raises(SignatureInvalid) as caught:
        await resolve_all([step], given)
    assert (team or house or TEAM).source in caught.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", STEPS)
async def test_a_recorded_resolution_is_verified_as_well(step: Json, tmp_path: Path) -> None:
    """It may have been recorded before somebody asked for signatures."""
    resolution = await resolve_all([step], await sources(tmp_path))
    assert resolution.parts[0].verified_by == ""
    with pytest.raises(SignatureInvalid):
        await fetch_all([step], await sources(tmp_path, team=TEAM), resolution)


@pytest.mark.parametrize("step", STEPS)
async def test_where_nobody_asks_nothing_is_looked_for(step: Json, tmp_path: Path) -> None:
    given = await sources(tmp_path)
    await fetch_all([step], given, await resolve_all([step], given))
    signatures = given.origins.signatures
    assert isinstance(signatures, FakeSignatures)
    assert signatures.asked == []


async def test_both_policies_must_hold(tmp_path: Path) -> None:
    given = await sources(tmp_path, signed=True, team=TEAM, house=HOUSE)
    digest = await given.origins.registry.resolve(IMAGE, Access())
    assert await verified(f"{REPOSITORY}@{digest}", Access(), given) == "key cosign.pub"
    signatures = given.origins.signatures
    assert isinstance(signatures, FakeSignatures)
    assert len(signatures.asked) == 2


async def test_inline_files_are_signed_with_the_catalogue_that_holds_them(tmp_path: Path) -> None:
    step: Json = {"inline": {"paths": {"a.yml": "a"}}}
    given = await sources(tmp_path, team=TEAM)
    fetched = await fetch_all([step], given, await resolve_all([step], given))
    assert await fetched.files() == {"a.yml": b"a"}


COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNPINNED: list[Any] = [
    pytest.param({"http": {"url": "https://web.test/a.tgz"}}, id="http without sha256"),
    pytest.param({"git": {"url": "https://git.test/a.git", "ref": "origin/main"}}, id="git by a branch"),
    pytest.param({"git": {"url": "https://git.test/a.git", "ref": "v1.0.0"}}, id="git by a tag"),
    pytest.param({"git": {"url": "https://git.test/a.git", "ref": COMMIT[:12]}}, id="git by a part of a commit"),
    pytest.param(
        {"git": {"url": "https://git.test/a.git", "refSelection": {"semver": {"constraints": "*"}}}},
        id="git by versions",
    ),
]


@pytest.mark.parametrize("step", UNPINNED)
async def test_what_can_have_no_signature_and_is_not_pinned_is_refused(step: Json, tmp_path: Path) -> None:
    """The doors stay shut: it is refused before they are asked."""
    (kind,) = step
    if kind not in FETCHERS:
        pytest.skip(f"there is no step {kind} yet")
    with pytest.raises(SignatureInvalid) as caught:
        await resolve_all([step], await sources(tmp_path, team=TEAM))
    assert "PackageRepository team wants signed content" in caught.value.message


class OneIndex(NoDownloads):
    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        entry = {"name": "web", "version": "1.0.0", "urls": ["web-1.0.0.tgz"], "digest": "0" * 64}
        return yaml.safe_dump({"apiVersion": "v1", "entries": {"web": [entry]}}).encode()


async def test_a_chart_of_an_http_repository_is_refused_once_its_index_leads_to_no_registry(tmp_path: Path) -> None:
    """The index may name charts in registries, which can be signed; itself it is signed by nobody."""
    given = await sources(tmp_path, team=TEAM)
    given = replace(given, origins=replace(given.origins, downloads=OneIndex()))
    step: Json = {"helmChart": {"name": "web", "version": "1.0.0", "repository": {"url": "https://charts.test"}}}
    with pytest.raises(SignatureInvalid) as caught:
        await resolve_all([step], given)
    assert "take the chart from a registry (oci://)" in caught.value.message


def test_the_refusal_says_what_would_pin_it(tmp_path: Path) -> None:
    given = Sources(origins(FakeRegistry(tmp_path)), _no_object, _no_object, "demo", 1, policy=lambda _: TEAM)
    with pytest.raises(PackhouseError) as caught:
        refuse_unpinned("https://web.test/a.tgz", "give sha256", given)
    assert caught.value.message == (
        "https://web.test/a.tgz: PackageRepository team wants signed content, and this is neither signed nor named by "
        "a digest; give sha256"
    )
    refuse_unpinned("https://web.test/a.tgz", "give sha256", replace(given, policy=lambda _: None))
