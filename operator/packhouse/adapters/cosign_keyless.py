"""Checks signatures by certificates with `sigstore`: that the authority of the trusted root issued it for the identity
that is wanted, that the logs saw it, and that it was valid when it signed. Offline: nothing is asked over the network.

Called by cosign.py, in a thread. sigstore reads bundles; what cosign wrote in the layout of tags has the same parts
apart from the proof that the log's entry is in its tree, in whose place the log's signed promise stands. `_Promised`
and `_Parts` give sigstore these parts in the form that it reads, so that every check is its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from packhouse.adapters.cosign_found import Signed
from packhouse.api.errors import InvalidSpec
from packhouse.domain.statements import decoded, read_object
from packhouse.ports import Identity

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

_ISSUER: Final = "1.3.6.1.4.1.57264.1.8"
_ISSUER_BEFORE: Final = "1.3.6.1.4.1.57264.1.1"
_OTHER_NAME: Final = "1.3.6.1.4.1.57264.1.7"
_WORDS_MOST: Final = 300


class NotProven(Exception):
    """The signature does not count; the text says why and names the identity where that is certain."""


def load_verifier(trusted_root: str, source: str) -> Verifier:
    """Errors: InvalidSpec."""
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.trustroot.v1 import TrustedRoot as Inner

    try:
        return Verifier(trusted_root=TrustedRoot(Inner.from_json(trusted_root)))
    except Exception:  # whatever a library says of a broken file
        raise InvalidSpec(
            f"{source} is no trusted root of Sigstore that can be read; make it with `cosign trusted-root create`"
        ) from None


def signer(verifier: Verifier, identities: Sequence[Identity], signed: Signed) -> str:
    """Words for the identity that signed. Raises NotProven."""
    from sigstore.models import InvalidBundle

    wanted = _Wanted(identities)
    try:
        _verify(verifier, wanted, signed)
    except InvalidBundle:
        raise NotProven("its bundle is none that can be read") from None
    except Exception as error:  # the libraries raise many kinds on what strangers wrote; all mean no
        if wanted.stranger:
            raise NotProven(f"its certificate is that of {wanted.stranger}") from None
        raise NotProven(f"its certificate proves nothing here: {_words(error)}") from None
    return wanted.found


def _verify(verifier: Verifier, wanted: _Wanted, signed: Signed) -> None:
    from sigstore.models import Bundle

    if signed.bundle:
        _, payload = verifier.verify_dsse(Bundle.from_json(signed.bundle), wanted)
        if payload != signed.payload:
            raise ValueError("the bundle signs another text")
        return
    parts: Any = _parts(signed)
    if signed.enveloped:
        _, payload = verifier.verify_dsse(parts, wanted)
        if payload != signed.payload:
            raise ValueError("the envelope holds another text")
        return
    verifier.verify_artifact(signed.payload, parts, wanted)


def _words(error: Exception) -> str:
    """sigstore's own words, which speak of certificates and logs alone, made harmless."""
    text = " ".join(str(error).split()) or type(error).__name__
    printable = "".join(sign for sign in text if sign.isprintable())
    return printable if len(printable) <= _WORDS_MOST else f"{printable[:_WORDS_MOST]} ..."


# ---- whose certificate it is -----------------------------------------------------------------------------


class _Wanted:
    """A policy of sigstore, asked once the certificate is known to be genuine: it notes whose that is."""

    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = identities
        self.found = ""
        self.stranger = ""

    def verify(self, cert: Certificate) -> None:
        from sigstore.errors import VerificationError

        issuer, subjects = issuer_of(cert), subjects_of(cert)
        for subject in subjects:
            if any(_fits(identity, issuer, subject) for identity in self._identities):
                self.found = f"{subject} (issuer {issuer})"
                return
        self.stranger = f"{', '.join(subjects) or 'nobody'} (issuer {issuer or 'unknown'})"
        raise VerificationError("another identity")


def _fits(identity: Identity, issuer: str, subject: str) -> bool:
    return _is(identity.issuer, identity.issuer_reg_exp, issuer) and _is(
        identity.subject, identity.subject_reg_exp, subject
    )


def _is(exact: str, expression: str, text: str) -> bool:
    if exact:
        return text == exact
    return bool(expression) and re.fullmatch(expression, text) is not None


def issuer_of(certificate: Certificate) -> str:
    """Who vouched for the identity; "" where the certificate does not say."""
    for identifier in (_ISSUER, _ISSUER_BEFORE):
        for extension in certificate.extensions:
            if extension.oid.dotted_string == identifier:
                raw = bytes(extension.value.value)
                return _utf8_of_der(raw) if identifier == _ISSUER else raw.decode("utf-8", "replace")
    return ""


def subjects_of(certificate: Certificate) -> list[str]:
    """The names that the certificate was issued for."""
    from cryptography.x509 import (
        ExtensionNotFound,
        OtherName,
        RFC822Name,
        SubjectAlternativeName,
        UniformResourceIdentifier,
    )

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    others = [
        _utf8_of_der(name.value)
        for name in names.get_values_for_type(OtherName)
        if name.type_id.dotted_string == _OTHER_NAME
    ]
    return [
        *names.get_values_for_type(RFC822Name),
        *names.get_values_for_type(UniformResourceIdentifier),
        *filter(None, others),
    ]


def _utf8_of_der(raw: bytes) -> str:
    from cryptography.hazmat import asn1

    try:
        return str(asn1.decode_der(str, raw))
    except ValueError:
        return ""


# ---- the layout of tags ----------------------------------------------------------------------------------


class _Parts:
    """What sigstore's verifier reads of a bundle, from the annotations of a layer."""

    class _Material:
        timestamp_verification_data = None

    class _Inner:
        def __init__(self, message_signature: Any) -> None:
            self.message_signature = message_signature

    def __init__(self, certificate: Certificate, entry: Any, envelope: Any, message_signature: Any) -> None:
        self.signing_certificate = certificate
        self.log_entry = entry
        self.verification_material = self._Material()
        self._dsse_envelope = envelope
        self._inner = self._Inner(message_signature)


def _parts(signed: Signed) -> _Parts:
    """Raises ValueError."""
    from cryptography.x509 import load_pem_x509_certificate
    from sigstore import dsse
    from sigstore_models.common.v1 import MessageSignature
    from sigstore_models.intoto import Envelope, Signature

    certificate = load_pem_x509_certificate(signed.certificate.encode())
    entry = _entry(signed.logged)
    if not signed.enveloped:
        return _Parts(certificate, entry, None, MessageSignature(signature=base64.b64encode(signed.signature)))
    inner = Envelope(
        payload=base64.b64encode(signed.payload),
        payload_type="application/vnd.in-toto+json",
        signatures=[Signature(sig=base64.b64encode(signed.signature))],
    )
    return _Parts(certificate, entry, dsse.Envelope(inner), None)


def _entry(logged: str) -> Any:
    """The log's entry with its promise. Raises ValueError."""
    from sigstore.models import TransparencyLogEntry
    from sigstore_models.common.v1 import LogId
    from sigstore_models.rekor import v1

    class _Promised(TransparencyLogEntry):
        """Proven by the log's signed promise alone."""

        def _validate(self) -> None:
            pass

        def _verify(self, keyring: Any) -> None:
            self._verify_set(keyring)

    document = read_object(logged.encode()) or {}
    payload = document.get("Payload") or {}
    if not isinstance(payload, dict):
        raise TypeError("the log's word is no object")
    promise, body = decoded(document.get("SignedEntryTimestamp")), decoded(payload.get("body"))
    told = read_object(body) if body is not None else None
    moment, index, log_id = payload.get("integratedTime"), payload.get("logIndex"), payload.get("logID")
    if promise is None or told is None or not isinstance(log_id, str):
        raise ValueError("no log promised to keep it (dev.sigstore.cosign/bundle); sign it in the new bundle format")
    if not isinstance(moment, int) or not isinstance(index, int) or moment <= 0:
        raise ValueError("the log's promise has no time")
    kind = v1.KindVersion(kind=str(told.get("kind")), version=str(told.get("apiVersion")))
    inner = v1.TransparencyLogEntry.model_construct(
        log_index=index,
        log_id=LogId.model_construct(key_id=bytes.fromhex(log_id)),
        kind_version=kind,
        integrated_time=moment,
        inclusion_promise=v1.InclusionPromise.model_construct(signed_entry_timestamp=promise),
        inclusion_proof=None,
        canonicalized_body=body,
    )
    return _Promised(inner)
