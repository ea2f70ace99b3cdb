"""Reads the private keys that images are signed with, and signs with them as cosign does.

Called by cosign_sign.py. Keys are PEM: PKCS #8 (with a password or without), the older forms of OpenSSL, and what
`cosign generate-key-pair` writes, a PKCS #8 key in a secretbox whose key scrypt makes of the password. A password is
asked for only where the key has one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from packhouse.adapters.cosign_keys import LoadedKey, load_keys
from packhouse.api.errors import InvalidSpec
from packhouse.ports import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

#: Gives the password of the key; called once at the most.
Password = Callable[[], bytes]

_COSIGN: Final = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
#: What scrypt may use: cosign's own parameters take 64 MiB.
_SCRYPT_MOST_BYTES: Final = 512 * 1024 * 1024
_KINDS: Final = "it must be an ECDSA, RSA or Ed25519 key in PEM"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the public one that proves what it signed."""

    source: str
    public: LoadedKey
    _private: PrivateKeyTypes = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """SHA-256 for every curve, which all versions of cosign verify."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

        match self._private:
            case ec.EllipticCurvePrivateKey():
                return self._private.sign(message, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPrivateKey():
                return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())
            case ed25519.Ed25519PrivateKey():
                return self._private.sign(message)
            case _:
                raise InvalidSpec(f"{self.source}: {_KINDS}")


def read_key(text: bytes, source: str, password: Password) -> SigningKey:
    """Errors: InvalidSpec, which never holds anything of the key."""
    from cryptography.hazmat.primitives import serialization

    private = _private(text, source, password)
    public = private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    [loaded] = load_keys([PublicKey(pem.decode(), source)])
    return SigningKey(source, loaded, private)


def _private(text: bytes, source: str, password: Password) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    label, body = _pem(text, source)
    try:
        if label in _COSIGN:
            return load_der_private_key(_unsealed(body, source, password), None)
        try:
            return load_pem_private_key(text, None)
        except TypeError:  # it has a password
            return load_pem_private_key(text, password())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidSpec(f"{source}: the key cannot be read; {_KINDS}, and its password the right one") from None


def _pem(text: bytes, source: str) -> tuple[str, bytes]:
    """The label of the one PEM block, and what is in it."""
    lines = text.decode("ascii", "replace").strip().splitlines()
    begin, end = (lines[0], lines[-1]) if len(lines) > 2 else ("", "")
    label = begin.removeprefix("-----BEGIN ").removesuffix("-----")
    if end != f"-----END {label}-----" or not label.endswith("PRIVATE KEY"):
        raise InvalidSpec(f"{source} holds no private key; {_KINDS}")
    return label, "".join(line for line in lines[1:-1] if ":" not in line).encode()


def _unsealed(body: bytes, source: str, password: Password) -> bytes:
    """The DER of cosign's own form."""
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    try:
        sealed: Any = json.loads(base64.b64decode(body, validate=True))
        kdf, cipher = sealed["kdf"], sealed["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise InvalidSpec(f"{source}: only keys that cosign sealed with scrypt and nacl/secretbox are known")
        salt, nonce, box = (base64.b64decode(part) for part in (kdf["salt"], cipher["nonce"], sealed["ciphertext"]))
        cost = {name.lower(): int(kdf["params"][name]) for name in ("N", "r", "p")}
        secret = hashlib.scrypt(password(), salt=salt, dklen=SecretBox.KEY_SIZE, maxmem=_SCRYPT_MOST_BYTES, **cost)
        return SecretBox(secret).decrypt(box, nonce)
    except CryptoError:
        raise InvalidSpec(
            f"{source}: the password does not open the key; give the right one in COSIGN_PASSWORD"
        ) from None
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise InvalidSpec(f"{source} is no key that cosign wrote") from None
