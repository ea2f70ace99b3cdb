"""Signatures that Packhouse makes, with every form of private key that people have.

Real: keys of cosign and of `cryptography`, both registries, cosign and the operator's own adapter as judges.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cluster.registry import LocalRegistry
from packhouse.adapters.cosign import CosignSignatures
from packhouse.adapters.cosign_private_keys import SigningKey, read_key
from packhouse.adapters.cosign_sign import sign
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.domain.references import read_reference
from packhouse.ports import Access, PublicKey, TrustPolicy
from packhouse.settings import Settings
from signing import REGISTRIES, KeyPair, Signer, read_manifest, signature_tag, with_key, write_manifest

P256 = ec.generate_private_key(ec.SECP256R1())
LOCKED = BestAvailableEncryption(b"pass")


def no_password() -> bytes:
    raise AssertionError("this key has no password")


def signed(image: str, key: SigningKey) -> bool:
    repository = Repository(read_reference(image), Access(), Settings())
    try:
        return sign(repository, image.partition("@")[2], key)
    finally:
        repository.close()


async def judged(image: str, pem: str, folder: Path) -> str:
    settings = Settings(cache_dir=folder / "cache")
    registry = OrasRegistry(settings)
    try:
        policy = TrustPolicy("the test", (PublicKey(pem, "cosign.pub"),))
        return await CosignSignatures(settings, registry).verify(image, Access(), policy)
    finally:
        registry.close()


@pytest.mark.parametrize("make", REGISTRIES)
async def test_a_key_of_cosign_signs_what_cosign_and_the_operator_accept(
    make: str,
    request: pytest.FixtureRequest,
    signer: Signer,
    key: KeyPair,
    pushed: Callable[[LocalRegistry], str],
    tmp_path: Path,
) -> None:
    image = pushed(request.getfixturevalue(make))
    ours = read_key(key.private.read_bytes(), "cosign.key", lambda: b"")
    assert signed(image, ours)
    signer.verify(image, key)
    assert await judged(image, key.pem, tmp_path) == "key cosign.pub"


async def test_what_the_key_signed_before_is_left_as_it_is_and_signatures_of_others_stay(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], tmp_path: Path
) -> None:
    image, other = pushed(registry), signer.key_pair()
    signer.sign(image, *with_key(other), bundle=False)
    ours = read_key(key.private.read_bytes(), "cosign.key", lambda: b"")
    assert signed(image, ours)
    before = read_manifest(signature_tag(image))
    assert not signed(image, ours)
    assert read_manifest(signature_tag(image)) == before
    for one in (other, key):
        signer.verify(image, one)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat, lock: object = None) -> bytes:
    locked = lock if isinstance(lock, KeySerializationEncryption) else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, locked)


@pytest.mark.parametrize(
    ("text", "password"),
    [
        pytest.param(pem_of(P256, PrivateFormat.PKCS8), None, id="PKCS 8"),
        pytest.param(pem_of(P256, PrivateFormat.TraditionalOpenSSL), None, id="EC PRIVATE KEY"),
        pytest.param(pem_of(P256, PrivateFormat.PKCS8, LOCKED), b"pass", id="with a password"),
        pytest.param(pem_of(ec.generate_private_key(ec.SECP384R1()), PrivateFormat.PKCS8), None, id="another curve"),
        pytest.param(pem_of(rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8), None, id="RSA"),
        pytest.param(
            ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            None,
            id="Ed25519",
        ),
    ],
)
async def test_every_form_of_a_key_signs(
    text: bytes,
    password: bytes | None,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    tmp_path: Path,
) -> None:
    key = read_key(text, "team.pem", no_password if password is None else lambda: password)
    image = pushed(registry)
    assert signed(image, key)
    pem = key.public.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert await judged(image, pem, tmp_path) == "key cosign.pub"


def test_a_wrong_password_is_told_without_the_key(key: KeyPair) -> None:
    with pytest.raises(InvalidSpec, match=r"cosign\.key: the password does not open the key; give the right one"):
        read_key(key.private.read_bytes(), "cosign.key", lambda: b"wrong")
    locked = pem_of(P256, PrivateFormat.PKCS8, LOCKED)
    with pytest.raises(InvalidSpec, match=r"team\.pem: the key cannot be read; it must be an ECDSA, RSA"):
        read_key(locked, "team.pem", lambda: b"wrong")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\ne30=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_what_is_no_key_that_signs_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidSpec, match=r"team\.pem"):
        read_key(text, "team.pem", lambda: b"")


def test_what_else_lies_under_the_tag_of_signatures_is_not_overwritten(
    key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str]
) -> None:
    image = pushed(registry)
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    write_manifest(signature_tag(image), index)
    ours = read_key(key.private.read_bytes(), "cosign.key", lambda: b"")
    with pytest.raises(FetchFailed, match=r"\.sig is there and holds no signatures; delete that tag and sign again"):
        signed(image, ours)
