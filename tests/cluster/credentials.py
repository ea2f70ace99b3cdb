"""Makes what a control plane needs to trust its callers: bearer tokens, a key for service accounts, kubeconfigs.

Called by `controlplane`. The standard library is enough: callers use static tokens instead of client certificates, the
API server makes its own serving certificate, and an elliptic curve key is 32 random bytes in an envelope.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_NAME = bytes.fromhex("06082a8648ce3d030107")  # the object identifier 1.2.840.10045.3.1.7, in DER


@dataclass(frozen=True, slots=True)
class Caller:
    """One user of the API server, known by a random token."""

    name: str
    groups: tuple[str, ...]
    token: str


def new_caller(name: str, *groups: str) -> Caller:
    """Return a caller with a fresh token of 256 bits."""
    return Caller(name, groups, secrets.token_hex(32))


def write_private(file: Path, text: str) -> Path:
    """Write a file that only this user can read (mode 0600), from the first byte on."""
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
    return file


def token_file(callers: list[Caller]) -> str:
    """Return the lines of `--token-auth-file`: token, user, uid, "group,group"."""
    return "".join(f'{one.token},{one.name},{one.name},"{",".join(one.groups)}"\n' for one in callers)


def signing_key() -> str:
    """Return a new P-256 private key as PEM (SEC 1; the public half is left out, Go computes it)."""
    secret = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    body = b"\x02\x01\x01" + b"\x04\x20" + secret + b"\xa0" + bytes([len(_P256_NAME)]) + _P256_NAME
    der = b"\x30" + bytes([len(body)]) + body
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def kubeconfig(server: str, authority: Path, caller: Caller) -> str:
    """Return a kubeconfig that needs no other file. JSON is YAML too."""
    data = base64.b64encode(authority.read_bytes()).decode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": data}}],
            "users": [{"name": caller.name, "user": {"token": caller.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": caller.name}}],
            "current-context": "test",
        },
        indent=2,
    )
