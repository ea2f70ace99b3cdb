"""Signs what lies in a repository, as `cosign sign --key` does: a payload that names the digest, under a tag beside it.

Called by who releases packages. The layout is that of tags (cosign_found.py), which every version of cosign and every
registry knows. A digest that the key signed already is left as it is, so a release that is run again changes nothing;
the signatures of others stay.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import Any, Final

from packhouse.adapters import cosign_keys
from packhouse.adapters.cosign_found import SIGNATURE_NOTE, SIMPLE_SIGNING, STATEMENT_MOST_BYTES
from packhouse.adapters.cosign_private_keys import SigningKey
from packhouse.adapters.oci_layout import read_document
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import FetchFailed
from packhouse.domain.statements import decoded, read_payload
from packhouse.fetch.manifest import OCI_MANIFEST
from packhouse.ports import RawManifest

_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_CONFIG_MOST_BYTES: Final = 1024 * 1024
_NO_TIME: Final = "0001-01-01T00:00:00Z"


def sign(target: Repository, digest: str, key: SigningKey) -> bool:
    """Whether a signature was added; False where the key had signed that digest before. Errors: those of Registry,
    FetchFailed where something else lies under the tag of signatures."""
    tag = f"{digest.replace(':', '-')}.sig"
    known = target.manifest(tag)
    layers, diff_ids = _there(target, tag, known)
    if any(_is_ours(target, layer, digest, key) for layer in layers):
        return False
    payload = _json(
        {
            "critical": {
                "identity": {"docker-reference": target.name},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )
    signature = base64.b64encode(key.sign(payload)).decode()
    layer = _sent(target, payload, SIMPLE_SIGNING) | {"annotations": {SIGNATURE_NOTE: signature}}
    config = _json(
        {
            "architecture": "",
            "created": _NO_TIME,
            "history": [{"created": _NO_TIME} for _ in [*layers, layer]],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [*diff_ids, layer["digest"]]},
            "config": {},
        }
    )
    body = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _sent(target, config, _CONFIG),
            "layers": [*layers, layer],
        }
    )
    target.put_manifest(RawManifest(body, OCI_MANIFEST, _digest(body)), tag)
    return True


def _there(target: Repository, tag: str, known: RawManifest | None) -> tuple[list[dict[str, Any]], list[str]]:
    """The signatures that are there, and what their config calls them."""
    if known is None:
        return [], []
    document = read_document(known.body)
    layers, config = document.get("layers"), document.get("config")
    if not isinstance(layers, list) or not isinstance(config, dict):
        raise FetchFailed(f"{target.name}:{tag} is there and holds no signatures; delete that tag and sign again")
    body = target.content(str(config.get("digest")), _CONFIG_MOST_BYTES)
    rootfs = read_document(body or b"").get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    named = [str(one) for one in found] if isinstance(found, list) else []
    kept = [layer for layer in layers if isinstance(layer, dict)]
    # a payload is kept as it is, so both its names are one
    return kept, named if len(named) == len(kept) else [str(layer.get("digest")) for layer in kept]


def _is_ours(target: Repository, layer: dict[str, Any], digest: str, key: SigningKey) -> bool:
    notes = layer.get("annotations")
    signature = decoded(notes.get(SIGNATURE_NOTE)) if isinstance(notes, dict) else None
    if signature is None or layer.get("mediaType") != SIMPLE_SIGNING:
        return False
    payload = target.content(str(layer.get("digest")), STATEMENT_MOST_BYTES)
    claim = read_payload(payload) if payload is not None else None
    if payload is None or claim is None or digest not in claim.digests:
        return False
    return cosign_keys.signer([key.public], payload, signature) is not None


def _sent(target: Repository, content: bytes, media_type: str) -> dict[str, Any]:
    """How a manifest names the blob, which is in the repository then."""
    digest = _digest(content)
    if not target.has(digest):
        target.upload(digest, len(content), io.BytesIO(content))
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
