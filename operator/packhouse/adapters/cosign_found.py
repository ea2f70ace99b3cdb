"""Finds what cosign wrote beside an image, and reads it into `Signed`: one form for all layouts.

| layout | where | what |
|---|---|---|
| tags | sha256-<hex>.sig | simple signing payloads, the signature in an annotation |
| tags | sha256-<hex>.att | DSSE envelopes |
| referrers | artifacts of sigstore bundles | bundles with a DSSE envelope |

Called by cosign.py, which decides what counts. Nothing is verified here: whoever may push to the repository may have
written it, so all is read within limits, and what cannot be read is a `Fault` that the caller may tell of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from packhouse.api.errors import DigestMismatch, FetchLimitExceeded, SourceNotFound
from packhouse.domain.references import DIGEST, ImageReference
from packhouse.domain.statements import (
    SIGNATURE,
    Claim,
    Envelope,
    decoded,
    read_bundle,
    read_envelope,
    read_object,
    read_payload,
    read_statement,
)
from packhouse.ports import Access, Registry

#: Of one statement. Those about software (SBOMs) are the large ones.
STATEMENT_MOST_BYTES: Final = 16 * 1024 * 1024
#: Signatures that are looked at in one place: whoever may push could add any number.
LOOKED_AT_MOST: Final = 64
_LAYERS_MOST: Final = 4  # of one artifact: cosign writes one

SIGNATURE_NOTE: Final = "dev.cosignproject.cosign/signature"
_CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
_LOGGED: Final = "dev.sigstore.cosign/bundle"
_PREDICATE: Final = "predicateType"
_BUNDLE_PREDICATE: Final = "dev.sigstore.bundle.predicateType"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
_DSSE: Final = "application/vnd.dsse.envelope.v1+json"
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle"
#: Registries that know of no artifact types give that of the config.
_VAGUE: Final = frozenset({"", "application/vnd.oci.empty.v1+json"})


@dataclass(frozen=True, slots=True)
class Signed:
    """A claim and what should prove it: a signature over `message`, by a key or by a certificate."""

    where: str
    claim: Claim
    payload: bytes = field(repr=False)
    message: bytes = field(repr=False)  # of simple signing the payload; of DSSE the payload with its type
    signature: bytes = field(repr=False)
    enveloped: bool = False  # DSSE
    bundle: bytes = field(default=b"", repr=False)  # of sigstore, with a certificate
    certificate: str = field(default="", repr=False)  # PEM, of the layout of tags
    logged: str = field(default="", repr=False)  # the log's word, of the layout of tags

    @property
    def has_certificate(self) -> bool:
        return bool(self.bundle or self.certificate)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is no signature though it lies where one should be."""

    words: str


Found = Signed | Fault
Wanted = Callable[[str], bool]


async def found(registry: Registry, image: ImageReference, access: Access, wanted: Wanted) -> AsyncGenerator[Found]:
    """All signatures and statements beside `image` (with a digest), as far as their own words say that their predicate
    type is `wanted`. One request after the other, so that a caller that has enough can end it. Errors: those of
    Registry."""
    if wanted(SIGNATURE):
        async for one in _of_tag(registry, image, access, ".sig", wanted):
            yield one
    async for one in _of_referrers(registry, image, access, wanted):
        yield one
    async for one in _of_tag(registry, image, access, ".att", wanted):
        yield one


async def _of_tag(
    registry: Registry, image: ImageReference, access: Access, suffix: str, wanted: Wanted
) -> AsyncGenerator[Found]:
    assert image.digest is not None  # noqa: S101 - the caller resolved it
    tag = image.digest.replace(":", "-") + suffix
    raw = await registry.manifest(str(replace(image, tag=tag, digest=None)), access)
    if raw is None:
        return
    layers = _list(raw.body, "layers")
    if len(layers) > LOOKED_AT_MOST:
        yield Fault(f"tag {tag} holds {len(layers)} signatures, of which the first {LOOKED_AT_MOST} count")
    for number, layer in enumerate(layers[:LOOKED_AT_MOST], start=1):
        notes = _notes(layer)
        if suffix == ".att" and not wanted(notes.get(_PREDICATE, "")) and notes.get(_PREDICATE):
            continue
        where = f"tag {tag}, entry {number}"
        body = await _blob(registry, image, layer, access)
        yield body if isinstance(body, Fault) else await asyncio.to_thread(_of_layer, layer, notes, body, where)


def _of_layer(layer: Mapping[str, Any], notes: Mapping[str, str], body: bytes, where: str) -> Found:
    certificate, logged = notes.get(_CERTIFICATE, ""), notes.get(_LOGGED, "")
    if layer.get("mediaType") == SIMPLE_SIGNING:
        claim, signature = read_payload(body), decoded(notes.get(SIGNATURE_NOTE))
        if claim is None or signature is None:
            return Fault(f"{where} is no signature that can be read")
        return Signed(where, claim, body, body, signature, certificate=certificate, logged=logged)
    if layer.get("mediaType") == _DSSE:
        return _of_envelope(read_envelope(body), where, certificate=certificate, logged=logged)
    return Fault(f"{where} has media type {layer.get('mediaType')!r}, which is not known")


def _of_envelope(envelope: Envelope | None, where: str, **proof: Any) -> Found:
    claim = read_statement(envelope.payload) if envelope is not None else None
    if envelope is None or claim is None:
        return Fault(f"{where} is no statement of in-toto with one signature")
    return Signed(where, claim, envelope.payload, envelope.message, envelope.signature, enveloped=True, **proof)


async def _of_referrers(
    registry: Registry, image: ImageReference, access: Access, wanted: Wanted
) -> AsyncGenerator[Found]:
    named = await registry.referrers(str(replace(image, tag=None)), access)
    bundles = [one for one in named if one.artifact_type.startswith(_BUNDLE) or one.artifact_type in _VAGUE]
    if len(bundles) > LOOKED_AT_MOST:
        yield Fault(f"{len(bundles)} artifacts refer to it, of which the first {LOOKED_AT_MOST} count")
    for one in bundles[:LOOKED_AT_MOST]:
        told = one.annotations.get(_BUNDLE_PREDICATE, "")
        if told and not wanted(told):
            continue
        raw = await registry.manifest(str(image.at(one.digest)), access)
        if raw is None:
            yield Fault(f"artifact {one.digest} refers to it and is not there")
            continue
        told = _notes(read_object(raw.body) or {}).get(_BUNDLE_PREDICATE, "")
        if told and not wanted(told):
            continue
        for layer in _list(raw.body, "layers")[:_LAYERS_MOST]:
            if str(layer.get("mediaType", "")).startswith(_BUNDLE):
                body = await _blob(registry, image, layer, access)
                where = f"artifact {one.digest}"
                yield body if isinstance(body, Fault) else await asyncio.to_thread(_of_bundle, body, where)


def _of_bundle(body: bytes, where: str) -> Found:
    bundle = read_bundle(body)
    if bundle is None:
        return Fault(f"{where} is no bundle of Sigstore with a statement that can be read")
    return _of_envelope(bundle.envelope, where, bundle=bundle.proof)


async def _blob(registry: Registry, image: ImageReference, layer: Mapping[str, Any], access: Access) -> bytes | Fault:
    digest, size = layer.get("digest"), layer.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or not isinstance(size, int):
        return Fault("an entry names no content")
    if size > STATEMENT_MOST_BYTES:
        return Fault(f"{digest} has {size} bytes: at most {STATEMENT_MOST_BYTES} are read of a statement")
    try:
        name = str(replace(image, tag=None, digest=digest))
        return await registry.blob(name, access, most_bytes=STATEMENT_MOST_BYTES)
    except (SourceNotFound, DigestMismatch, FetchLimitExceeded) as error:
        return Fault(error.message)


def _list(body: bytes, name: str) -> list[Mapping[str, Any]]:
    entries = (read_object(body) or {}).get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _notes(entry: Mapping[str, Any]) -> dict[str, str]:
    notes = entry.get("annotations")
    return {str(key): str(value) for key, value in notes.items()} if isinstance(notes, dict) else {}
