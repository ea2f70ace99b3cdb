"""What was signed stays signed wherever `packhouse bundle copy` takes it: a registry, a folder, a tar.

Real: cosign, registries, the command, layouts on disk. Asserted: who is found to have signed the copy.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.registry import LocalRegistry
from cluster.sigstore import LocalSigstore
from packhouse.adapters.cosign import CosignSignatures
from packhouse.adapters.oci_layout_registry import LayoutRegistry
from packhouse.adapters.oras_push import push_bundle
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.adapters.registries import Registries
from packhouse.api.errors import SignatureInvalid
from packhouse.fetch.cache import TreeCache
from packhouse.ports import Access, Identity, PublicKey, TrustPolicy
from packhouse.settings import Settings
from signing import DEVELOPER, ISSUER, Signer, with_key, without_key

SECONDS = 60


@pytest.fixture
def signer(cosign: Path, tmp_path: Path) -> Signer:
    (tmp_path / "cosign").mkdir()
    return Signer(cosign, tmp_path / "cosign")


def copy(*words: str) -> None:
    command = [sys.executable, "-m", "packhouse.cli.main", "bundle", "copy", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr


def signer_of(image: str, policy: TrustPolicy, folder: Path) -> str:
    settings = Settings(cache_dir=folder / "cache", oci_layout_dir=str(folder))

    async def run() -> str:
        remote, cache = OrasRegistry(settings), TreeCache(settings.cache_dir, settings.cache_most_bytes)
        registry = Registries(remote, LayoutRegistry(settings, cache))
        try:
            return await CosignSignatures(settings, registry).verify(image, Access(), policy)
        finally:
            await asyncio.to_thread(remote.close)
            await asyncio.to_thread(cache.close)

    return asyncio.run(run())


TARGETS = [
    pytest.param("a registry", id="a registry"),
    pytest.param("another registry", id="a registry with referrers"),
    pytest.param("a folder", id="a folder"),
    pytest.param("a tar", id="a tar"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bundle", [pytest.param(True, id="bundles"), pytest.param(False, id="tags")])
def test_a_copy_is_signed_as_its_original(
    bundle: bool,
    target: str,
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    referrers_registry: LocalRegistry,
    tmp_path: Path,
) -> None:
    content = tmp_path / "content"
    content.mkdir()
    (content / "packages.yml").write_text("a: 1\n")
    name = f"signed/{tmp_path.name.replace('_', '-').lower()}"
    source = f"{registry.host}/{name}:1"
    digest = asyncio.run(push_bundle(content, source, None, Settings()))
    key = signer.key_pair()
    image = f"{registry.host}/{name}@{digest}"
    signer.sign(image, *with_key(key), bundle=bundle)
    signer.attest(image, "spdxjson", "{}", *without_key(sigstore, bundle=bundle), bundle=bundle)
    policy = TrustPolicy(
        "PackageRepository team",
        keys=(PublicKey(key.pem, "cosign.pub"),),
        identities=(Identity(issuer=ISSUER, subject=DEVELOPER),),
        attestations=("spdx",),
        trusted_root=sigstore.trusted_root.read_text(),
    )
    place = moved(source, target, registry, referrers_registry, tmp_path)
    assert signer_of(f"{place}@{digest}", policy, tmp_path) == f"key cosign.pub, {DEVELOPER} (issuer {ISSUER})"
    stranger = TrustPolicy("PackageRepository team", keys=(PublicKey(signer.key_pair().pem, "other.pub"),))
    with pytest.raises(SignatureInvalid, match="it was made by another key"):
        signer_of(f"{place}@{digest}", stranger, tmp_path)


def moved(source: str, target: str, registry: LocalRegistry, other: LocalRegistry, folder: Path) -> str:
    """Copy it there; the repository of the copy."""
    name = source.partition("/")[2].rpartition(":")[0]
    if target == "a tar":
        copy(source, "--to-tar", str(folder / "copy.tar"))
        return f"oci-layout://{folder}/copy.tar"
    place = {
        "a registry": f"{registry.host}/copies/{name}",
        "another registry": f"{other.host}/copies/{name}",
        "a folder": f"oci-layout://{folder}/copy",
    }[target]
    copy(source, place)
    return place
