"""Reads what a signed text says: which content it speaks of, and what it states about it.

Two kinds: the payload of cosign's simple signing, and in-toto statements in DSSE envelopes. Pure; called by the
adapter of signatures on texts that anybody may have written. None stands for what says nothing that we understand.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: The predicate type of a statement that is a signature and says no more.
SIGNATURE: Final = "https://sigstore.dev/cosign/sign/v1"

_PAYLOAD_TYPES: Final = frozenset({"cosign container image signature", "atomic container signature"})
_STATEMENTS: Final = frozenset({"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"})
_IN_TOTO: Final = "application/vnd.in-toto+json"


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


def read_object(text: bytes) -> Mapping[str, Any] | None:
    """A JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def decoded(value: Any) -> bytes | None:
    """Base64 as JSON has it."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) and value else None
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
    statement = read_object(payload)
    if statement is None or str(statement.get("_type")) not in _STATEMENTS:
        return None
    kind, subjects = statement.get("predicateType"), statement.get("subject")
    if not isinstance(kind, str) or not kind or not isinstance(subjects, list):
        return None
    digests = {f"sha256:{found}" for found in map(_sha256, subjects) if found}
    return Claim(frozenset(digests), kind)


def _sha256(subject: Any) -> str:
    digests = subject.get("digest") if isinstance(subject, dict) else None
    found = digests.get("sha256") if isinstance(digests, dict) else None
    return found if isinstance(found, str) else ""


def read_envelope(envelope: Any) -> Envelope | None:
    """A DSSE envelope around an in-toto statement. One with several signatures is none: which one counts?"""
    if not isinstance(envelope, Mapping) or envelope.get("payloadType") != _IN_TOTO:
        return None
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        return None
    payload, signature = decoded(envelope.get("payload")), decoded(signatures[0].get("sig"))
    if payload is None or signature is None:
        return None
    head = f"DSSEv1 {len(_IN_TOTO)} {_IN_TOTO} {len(payload)} "
    return Envelope(payload, head.encode() + payload, signature)
