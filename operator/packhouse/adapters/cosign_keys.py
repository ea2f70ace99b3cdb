"""Checks signatures by public keys with `cryptography`: ECDSA, RSA (PKCS #1 v1.5, as cosign signs) and Ed25519.

Called by cosign.py, in a thread. What a transparency log says beside such a signature is not looked at: the key is
proof enough, and the log would have to be asked over the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from packhouse.api.errors import InvalidSpec
from packhouse.ports import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_RSA_LEAST_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class LoadedKey:
    key: PublicKeyTypes
    source: str


def load_keys(keys: Sequence[PublicKey]) -> list[LoadedKey]:
    """Errors: InvalidSpec."""
    return [LoadedKey(_load(key), key.source) for key in keys]


def _load(key: PublicKey) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        loaded = load_pem_public_key(key.pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidSpec(f"{key.source} is no public key in PEM that can be read") from None
    if not isinstance(loaded, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise InvalidSpec(f"{key.source} is a key of a kind that signs no images; it must be ECDSA, RSA or Ed25519")
    if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < _RSA_LEAST_BITS:
        raise InvalidSpec(f"{key.source} is an RSA key of {loaded.key_size} bits: {_RSA_LEAST_BITS} is the least")
    return loaded


def signer(keys: Sequence[LoadedKey], message: bytes, signature: bytes) -> str | None:
    """The source of the key that made `signature`; None where none of them did."""
    return next((key.source for key in keys if _made(key.key, message, signature)), None)


def _made(key: PublicKeyTypes, message: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    if isinstance(key, ed25519.Ed25519PublicKey):
        return _holds(partial(key.verify, signature, message))
    if isinstance(key, rsa.RSAPublicKey):
        return any(_holds(partial(key.verify, signature, message, padding.PKCS1v15(), kind)) for kind in _hashes(0))
    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(_holds(partial(key.verify, signature, message, ec.ECDSA(kind))) for kind in _hashes(key.key_size))
    return False


def _holds(check: Callable[[], None]) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        check()
    except (InvalidSignature, ValueError):
        return False
    return True


def _hashes(bits: int) -> Sequence[HashAlgorithm]:
    """SHA-256, which cosign took for every key until its third version, and that of the key's own size."""
    from cryptography.hazmat.primitives import hashes

    own = {384: hashes.SHA384(), 521: hashes.SHA512()}.get(bits)
    return (hashes.SHA256(),) if own is None else (hashes.SHA256(), own)
