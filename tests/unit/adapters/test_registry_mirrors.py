"""Behind an air gap: references stay as they are, and a registry inside is asked for all of them.

Real: the registry with its passwords, the fetch step, cosign. `outside.invalid` does not exist: whoever asked for it
would fail. Asserted: what arrives, or what the refusal says.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster.registry import LocalRegistry
from fakes_sources import origins
from packhouse.adapters.cosign import CosignSignatures
from packhouse.adapters.oras_push import push_bundle_blocking
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import AuthenticationFailed, PackhouseError
from packhouse.domain.mirrors import Mirrors
from packhouse.fetch import Sources, fetch_all, resolve_all
from packhouse.ports import Access, Credentials, Json, PublicKey, TrustPolicy
from packhouse.settings import Settings
from signing import Signer, push, with_key

NAME = "outside.invalid/team"
GOOD, WRONG = "not-a-secret", "s3cret-but-wrong"

#: The entries of the Secret: where they are for -> the password. Whether it is let in.
ROWS: dict[str, tuple[Mapping[str, str], bool]] = {
    "an entry for the mirror": ({"MIRROR": GOOD}, True),
    "an entry for the path of the mirror": ({"MIRROR/copies/team": GOOD, "MIRROR": WRONG}, True),
    "an entry for the registry's own name": ({NAME: GOOD}, True),
    "that of the mirror goes before the other": ({"MIRROR": GOOD, NAME: WRONG}, True),
    "that of the mirror is the only one": ({"MIRROR": WRONG, NAME: GOOD}, False),
    "an entry for another path of the registry": ({"outside.invalid/other": GOOD}, False),
    "an entry for another registry": ({"ghcr.io": GOOD}, False),
    "no entry": ({}, False),
}


@pytest.fixture(scope="module")
def mirrored(auth_registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of what lies in the mirror, in the place of outside.invalid/team/app."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "a.yml").write_text("a: 1\n")
    login = Credentials(str(auth_registry.username), str(auth_registry.password))
    return push_bundle_blocking(folder, f"{auth_registry.host}/copies/team/app:1", login, Settings())


@pytest.mark.parametrize("row", ROWS)
async def test_a_secret_opens_the_mirror(row: str, auth_registry: LocalRegistry, mirrored: str, tmp_path: Path) -> None:
    entries, lets_in = ROWS[row]
    mirror = auth_registry.host
    auths = {
        host.replace("MIRROR", mirror): {"username": auth_registry.username, "password": password}
        for host, password in entries.items()
    }
    config = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()

    async def secret(_: str) -> Json:
        return {"data": {".dockerconfigjson": config}}

    settings = Settings(cache_dir=tmp_path, registry_mirrors=(f"{NAME}={mirror}/copies/team",))
    registry = OrasRegistry(settings)
    where = Mirrors.read(settings.registry_mirrors).repository
    sources = Sources(origins(registry), secret, secret, "demo", 1000, mirror=where)
    steps = [{"image": {"url": f"{NAME}/app:1", "secretRef": {"name": "pull"}}}]
    try:
        if lets_in:
            resolution = await resolve_all(steps, sources)
            files = await (await fetch_all(steps, sources, resolution)).files(["a.yml"])
            assert resolution.parts[0].source == f"{NAME}/app:1@{mirrored}", "the reference stays as it is"
            assert files == {"a.yml": b"a: 1\n"}
            return
        with pytest.raises(PackhouseError) as caught:
            await resolve_all(steps, sources)
    finally:
        await asyncio.to_thread(registry.close)
    assert type(caught.value) is AuthenticationFailed
    assert f"{NAME}/app:1: mirror {mirror}/copies/team/app refused access with 401" in caught.value.message
    assert "Secret demo/pull" in caught.value.message
    assert WRONG not in caught.value.message


def test_what_was_signed_is_good_in_the_mirror(
    cosign: Path, oras: Path, registry: LocalRegistry, tmp_path: Path
) -> None:
    signer = Signer(cosign, tmp_path)
    key = signer.key_pair()
    image = push(oras, registry, tmp_path)
    signer.sign(image, *with_key(key))
    settings = Settings(cache_dir=tmp_path / "cache", registry_mirrors=(f"outside.invalid={registry.host}",))
    policy = TrustPolicy("PackageRepository team", keys=(PublicKey(key.pem, "cosign.pub"),))

    async def verified() -> str:
        adapter = OrasRegistry(settings)
        try:
            outside = image.replace(registry.host, "outside.invalid")
            return await CosignSignatures(settings, adapter).verify(outside, Access(), policy)
        finally:
            await asyncio.to_thread(adapter.close)

    assert asyncio.run(verified()) == "key cosign.pub"
