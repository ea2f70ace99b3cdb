"""Reads what a signed text says: which content it speaks of, and what it states about it.

Two kinds: the payload of cosign's simple signing, and in-toto statements in DSSE envelopes, alone or in a bundle of
Sigstore. Pure; called by the adapter of signatures on texts that anybody may have written. None stands for what says
nothing that we understand. Megabytes of a predicate are never built as objects (json_fields.py).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from packhouse.domain.json_fields import pick

#: The predicate type of a statement that is a signature and says no more.
SIGNATURE: Final = "https://sigstore.dev/cosign/sign/v1"

_PAYLOAD_TYPES: Final = frozenset({"cosign container image signature", "atomic container signature"})
_STATEMENTS: Final = frozenset({"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"})
_IN_TOTO: Final = "application/vnd.in-toto+json"
_SMALL_MOST: Final = 1024 * 1024  # bytes of what is built as objects


@dataclass(frozen=True, slots=True)
class Claim:
    """`digests` of what it speaks of ("sha256:..."); `predicate_type` is SIGNATURE where it only says that."""

    digests: frozenset[str]
    predicate_type: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope with one signature. `message` is what was signed: the payload with its type."""

    payload: bytes = field(repr=False)
    message: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle of Sigstore around an envelope. `proof` is the same bundle without anything that is not known, where it
    has a certificate; else empty."""

    envelope: Envelope
    proof: bytes = field(repr=False)


def read_object(text: bytes) -> Mapping[str, Any] | None:
    """A JSON object that is not large."""
    found = _read(text)
    return found if isinstance(found, dict) else None


def _read(text: bytes | None) -> Any:
    if text is None or len(text) > _SMALL_MOST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def decoded(value: Any) -> bytes | None:
    """Base64 as JSON has it."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str | bytes) and value else None
    except (binascii.Error, ValueError):
        return None


def read_payload(payload: bytes) -> Claim | None:
    """Of simple signing. Its docker-reference is not looked at: a bundle that was copied elsewhere keeps its
    signatures, and the digest says which content is meant."""
    critical = (read_object(payload) or {}).get("critical")
    if not isinstance(critical, dict) or str(critical.get("type")) not in _PAYLOAD_TYPES:
        return None
    image = critical.get("image")
    digest = image.get("docker-manifest-digest") if isinstance(image, dict) else None
    return Claim(frozenset({digest}), SIGNATURE) if isinstance(digest, str) else None


def read_statement(payload: bytes) -> Claim | None:
    """Of in-toto, both versions."""
    fields = pick(payload, ("_type", "predicateType", "subject"))
    if fields is None or str(_read(fields.get("_type"))) not in _STATEMENTS:
        return None
    kind, subjects = _read(fields.get("predicateType")), _read(fields.get("subject"))
    if not isinstance(kind, str) or not kind or not isinstance(subjects, list):
        return None
    digests = {f"sha256:{found}" for found in map(_sha256, subjects) if found}
    return Claim(frozenset(digests), kind)


def _sha256(subject: Any) -> str:
    digests = subject.get("digest") if isinstance(subject, dict) else None
    found = digests.get("sha256") if isinstance(digests, dict) else None
    return found if isinstance(found, str) else ""


def read_envelope(text: bytes) -> Envelope | None:
    """A DSSE envelope around an in-toto statement. One with several signatures is none: which one counts?"""
    fields = pick(text, ("payloadType", "payload", "signatures"))
    if fields is None or _read(fields.get("payloadType")) != _IN_TOTO:
        return None
    signatures = _read(fields.get("signatures"))
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        return None
    payload, signature = _base64(fields.get("payload")), decoded(signatures[0].get("sig"))
    if payload is None or signature is None:
        return None
    head = f"DSSEv1 {len(_IN_TOTO)} {_IN_TOTO} {len(payload)} "
    return Envelope(payload, head.encode() + payload, signature)


def _base64(text: bytes | None) -> bytes | None:
    """Of a JSON string, which may be large; JSON may write / as \\/."""
    if text is None or not text.startswith(b'"'):
        return None
    return decoded(text[1:-1].replace(b"\\/", b"/"))


def read_bundle(text: bytes) -> Bundle | None:
    """Of Sigstore. One that signs an artifact itself, and no statement, is none."""
    fields = pick(text, ("mediaType", "verificationMaterial", "dsseEnvelope")) or {}
    material = _read(fields.get("verificationMaterial"))
    envelope = read_envelope(fields.get("dsseEnvelope", b""))
    if not isinstance(material, dict) or envelope is None:
        return None
    if "certificate" not in material and "x509CertificateChain" not in material:
        return Bundle(envelope, b"")
    return Bundle(envelope, _proof(_read(fields.get("mediaType")), material, envelope))


def _proof(media_type: Any, material: Any, envelope: Envelope) -> bytes:
    signature = {"sig": base64.b64encode(envelope.signature).decode()}
    inner = {
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": _IN_TOTO,
        "signatures": [signature],
    }
    return json.dumps({"mediaType": media_type, "verificationMaterial": material, "dsseEnvelope": inner}).encode()
