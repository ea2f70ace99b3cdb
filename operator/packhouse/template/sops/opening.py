"""Decrypts the values of one file and keeps the sum over all of them, in the order in which they stand.

Called by the forms: `leaf` for every value that is no null, `comment` for comments, `check` at the end. AES-256-GCM
binds each value to its keys; the sum (SHA-512, itself encrypted) binds values that are not encrypted, and their order.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from packhouse.template.sops.errors import refused
from packhouse.template.sops.metadata import Metadata

_ENCRYPTED: Final = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]"
)
_TYPES: Final = frozenset({"str", "int", "float", "bool", "bytes", "time", "comment"})
#: What sums over encrypted values alone begin with, so that none is taken for one over all.
_ONLY_ENCRYPTED: Final = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
_TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value as it was before: `kind` is a type of sops."""

    kind: str
    content: bytes

    @property
    def text(self) -> str:
        """Of a file in a form of text, where all that was encrypted was text."""
        return self.content.decode(errors="replace")


def looks_encrypted(value: object) -> bool:
    return isinstance(value, str) and _ENCRYPTED.fullmatch(value) is not None


class Opening:
    """`file` names it in messages."""

    def __init__(self, file: str, metadata: Metadata, key: bytes) -> None:
        self.file = file
        self._metadata = metadata
        self._cipher = AESGCM(key)
        self._sum = hashlib.sha512(_ONLY_ENCRYPTED if metadata.only_encrypted else b"")

    def leaf(self, path: Sequence[str], value: object, plain: bytes) -> Leaf | None:
        """The decrypted value, or None where it is not encrypted and stays as it is.

        `plain`: what such a value adds to the sum. Raises TemplateFailed for a value that is not what was encrypted.
        """
        encrypted = self._metadata.rule(path)
        if encrypted is None:
            encrypted = looks_encrypted(value)
        if not encrypted:
            if not self._metadata.only_encrypted:
                self._sum.update(plain)
            return None
        if value == "":  # an empty text is not worth a cipher
            return Leaf("str", b"")
        leaf = self._decrypt(value, ":".join(path) + ":") if isinstance(value, str) else None
        if leaf is None:
            raise refused(
                self.file,
                f"the value of {':'.join(path) or 'the file'} cannot be decrypted: it was changed, or taken from "
                "another place; encrypt the file anew",
            )
        if leaf.kind != "comment":
            self._sum.update(_in_sum(leaf))
        return leaf

    def comment(self, paths: Sequence[Sequence[str]], text: str) -> str | None:
        """A comment that is encrypted below one of these keys; None where it is below none."""
        for path in paths:
            leaf = self._decrypt(text, ":".join(path) + ":")
            if leaf is not None and leaf.kind == "comment":
                return leaf.text
        return None

    def check(self) -> None:
        """Raises TemplateFailed where the values are not those that were encrypted, all of them and in their order."""
        recorded = self._decrypt(self._metadata.mac, self._metadata.last_modified)
        if recorded is None or not hmac.compare_digest(recorded.content, self._sum.hexdigest().upper().encode()):
            raise refused(
                self.file,
                "its content is not what was encrypted (the sum over its values differs): something was added, "
                "taken away or changed; encrypt it anew",
            )

    def _decrypt(self, text: str, bound_to: str) -> Leaf | None:
        found = _ENCRYPTED.fullmatch(text)
        if found is None or found[4] not in _TYPES:
            return None
        try:
            data, nonce, tag = (base64.b64decode(part, validate=True) for part in found.groups()[:3])
            if len(tag) != _TAG_BYTES:
                return None
            content = self._cipher.decrypt(nonce, data + tag, bound_to.encode())
        except (binascii.Error, InvalidTag, ValueError, OverflowError):
            return None
        return Leaf(found[4], content)


def _in_sum(leaf: Leaf) -> bytes:
    """Booleans are spelled in one way there, whatever stands in the file."""
    if leaf.kind == "bool":
        return b"True" if leaf.content.lower() in (b"true", b"1", b"t") else b"False"
    return leaf.content
