"""Signatures and attestations that the real cosign made, in real registries, with keys and without.

Real: cosign, both registries, our registry adapter, a Sigstore on loopback that issues certificates and keeps a log.
Asserted: who is found to have signed, or what the refusal says.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cluster.referrers_registry import open_referrers_registry
from cluster.registry import LocalRegistry
from cluster.sigstore import LocalSigstore, open_sigstore
from fakes_registry import FakeRegistry
from packhouse.adapters.cosign import CosignSignatures
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.api.errors import FetchLimitExceeded, InvalidSpec, PackhouseError, SignatureInvalid, SourceUnreachable
from packhouse.ports import Access, Identity, PublicKey, RawManifest, TrustPolicy
from packhouse.settings import Settings
from signing import (
    DEVELOPER,
    ISSUER,
    MANIFEST,
    REGISTRIES,
    KeyPair,
    Signer,
    push,
    read_blob,
    read_manifest,
    signature_tag,
    with_key,
    without_key,
    write_blob,
    write_manifest,
)

OURS = Identity(issuer=ISSUER, subject=DEVELOPER)
BY_US = f"{DEVELOPER} (issuer {ISSUER})"
FORMATS = [pytest.param(True, id="bundles"), pytest.param(False, id="tags")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


def check(settings: Settings, image: str, policy: TrustPolicy) -> str:
    """A process that starts, asks and ends."""

    async def run() -> str:
        registry = OrasRegistry(settings)
        try:
            return await CosignSignatures(settings, registry).verify(image, Access(), policy)
        finally:
            await asyncio.to_thread(registry.close)

    return asyncio.run(run())


def refused(settings: Settings, image: str, policy: TrustPolicy, kind: type[PackhouseError] = SignatureInvalid) -> str:
    with pytest.raises(kind) as caught:
        check(settings, image, policy)
    return caught.value.message


def by_keys(*keys: KeyPair, attestations: tuple[str, ...] = ()) -> TrustPolicy:
    known = tuple(PublicKey(key.pem, f"cosign{number}.pub") for number, key in enumerate(keys, start=1))
    return TrustPolicy("PackageRepository team", keys=known, attestations=attestations)


def by_identity(sigstore: LocalSigstore, *identities: Identity, attestations: tuple[str, ...] = ()) -> TrustPolicy:
    return TrustPolicy(
        "PackageRepository team",
        identities=identities or (OURS,),
        attestations=attestations,
        trusted_root=sigstore.trusted_root.read_text(),
    )


# ---- keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bundle", FORMATS)
@pytest.mark.parametrize("name", REGISTRIES)
def test_what_a_key_signed_is_found_in_both_layouts_and_both_kinds_of_registry(
    name: str,
    bundle: bool,
    request: pytest.FixtureRequest,
    signer: Signer,
    key: KeyPair,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(request.getfixturevalue(name))
    signer.sign(image, *with_key(key), bundle=bundle)
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"


def test_one_of_several_keys_is_enough_and_is_named(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    signer.sign(image, *with_key(key))
    assert check(settings, image, by_keys(signer.key_pair(), key)) == "key cosign2.pub"


def test_of_several_signatures_the_right_one_is_found(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    for one in (signer.key_pair(), key, signer.key_pair()):
        signer.sign(image, *with_key(one), bundle=False)
        signer.sign(image, *with_key(one), bundle=True)
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"


KINDS: list[Any] = [
    pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="ECDSA P-256"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="ECDSA P-384"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="ECDSA P-521"),
    pytest.param(lambda: rsa.generate_private_key(65537, 3072), id="RSA 3072"),
]


@pytest.mark.parametrize("bundle", FORMATS)
@pytest.mark.parametrize("make", KINDS)
def test_every_kind_of_key_that_cosign_takes_over_counts(
    make: Callable[[], PrivateKeyTypes],
    bundle: bool,
    signer: Signer,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    key = signer.key_pair(make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signer.sign(image, *with_key(key), bundle=bundle)
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"


def test_ed25519_counts_where_the_text_itself_was_signed(
    signer: Signer, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    """cosign 3 signs a digest of the text with such keys and then does not take its own signature."""
    image = pushed(registry)
    private = ed25519.Ed25519PrivateKey.generate()
    payload = payload_for(image)
    signer.attach(image, payload, private.sign(payload))
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    policy = TrustPolicy("PackageRepository team", keys=(PublicKey(pem, "ed.pub"),))
    assert check(settings, image, policy) == "key ed.pub"


def payload_for(image: str) -> bytes:
    repository, _, digest = image.partition("@")
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def test_what_nobody_signed_is_refused_with_its_digest_and_whose_signature_is_wanted(
    key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    assert refused(settings, image, by_keys(key)) == (
        f"{image}: PackageRepository team wants a signature by key cosign1.pub; found: none; sign it with cosign, or "
        "change who is trusted"
    )


@pytest.mark.parametrize("bundle", FORMATS)
def test_another_key_is_refused(
    bundle: bool,
    signer: Signer,
    key: KeyPair,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *with_key(signer.key_pair()), bundle=bundle)
    message = refused(settings, image, by_keys(key))
    assert "found: " in message
    assert ": it was made by another key; " in message


# ---- without keys ----------------------------------------------------------------------------------------

WAYS = [
    pytest.param(1, True, id="bundle, the log promises"),
    pytest.param(2, True, id="bundle, the log and a timestamp authority"),
    pytest.param(1, False, id="tags, the log promises"),
]


@pytest.mark.parametrize(("log", "bundle"), WAYS)
@pytest.mark.parametrize("name", REGISTRIES)
def test_an_identity_is_found_by_the_trusted_root_alone(
    name: str,
    log: int,
    bundle: bool,
    request: pytest.FixtureRequest,
    signer: Signer,
    sigstore: LocalSigstore,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(request.getfixturevalue(name))
    signer.sign(image, *without_key(sigstore, log=log, bundle=bundle), bundle=bundle)
    assert check(settings, image, by_identity(sigstore)) == BY_US


WORKFLOW = "https://github.com/acme/web/.github/workflows/release.yml@refs/tags/v1"


@pytest.mark.parametrize(
    ("subject", "identity", "fits"),
    [
        pytest.param(WORKFLOW, Identity(issuer=ISSUER, subject=WORKFLOW), True, id="a workflow"),
        pytest.param(
            WORKFLOW,
            Identity(issuer=ISSUER, subject_reg_exp=r"https://github\.com/acme/.*@refs/tags/.*"),
            True,
            id="an expression",
        ),
        pytest.param(WORKFLOW, Identity(issuer=ISSUER, subject_reg_exp="acme"), False, id="a part of the subject"),
        pytest.param(
            DEVELOPER, Identity(issuer_reg_exp=r"https://issuer\..*", subject=DEVELOPER), True, id="of the issuer"
        ),
        pytest.param(DEVELOPER, Identity(issuer=ISSUER, subject="ops@example.com"), False, id="another subject"),
        pytest.param(
            DEVELOPER, Identity(issuer="https://accounts.example.com", subject=DEVELOPER), False, id="another issuer"
        ),
        pytest.param(DEVELOPER, Identity(issuer_reg_exp="issuer", subject=DEVELOPER), False, id="a part of the issuer"),
    ],
)
def test_identities_match_as_a_whole(
    subject: str,
    identity: Identity,
    fits: bool,
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *without_key(sigstore, subject))
    if fits:
        assert check(settings, image, by_identity(sigstore, identity)) == f"{subject} (issuer {ISSUER})"
    else:
        message = refused(settings, image, by_identity(sigstore, identity))
        assert f"its certificate is that of {subject} (issuer {ISSUER})" in message
        assert image.partition("@")[2] in message


def test_the_certificate_of_another_authority_proves_nothing(
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    with open_sigstore() as stranger:
        signer.sign(image, *without_key(stranger))
        signer.sign(image, *without_key(stranger, bundle=False), bundle=False)
        assert check(settings, image, by_identity(stranger)) == BY_US
    message = refused(settings, image, by_identity(sigstore))
    assert message.count("its certificate proves nothing here: ") == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param("expired", "failed to build timestamp certificate chain", id="it had ended when it signed"),
        pytest.param("silent", "failed to verify SCT on signing certificate", id="no log knows of it"),
    ],
)
def test_a_certificate_that_no_honest_authority_gives_proves_nothing(
    wrong: str,
    words: str,
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    by = without_key(sigstore, bundle=False, expired=wrong == "expired", silent=wrong == "silent")
    signer.sign(image, *by, bundle=False)
    assert f"its certificate proves nothing here: {words}" in refused(settings, image, by_identity(sigstore))


@pytest.mark.parametrize("bundle", FORMATS)
def test_a_policy_of_keys_takes_no_identity_and_one_of_identities_no_key(
    bundle: bool,
    signer: Signer,
    key: KeyPair,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *without_key(sigstore, bundle=bundle), bundle=bundle)
    assert "it was made without a key, and the policy names keys alone" in refused(settings, image, by_keys(key))
    both = replace(by_identity(sigstore), keys=by_keys(key).keys)
    assert check(settings, image, both) == BY_US
    other = pushed(registry)
    signer.sign(other, *with_key(key), bundle=bundle)
    assert check(settings, other, both) == "key cosign1.pub"
    assert "it was made by another key" in refused(settings, other, by_identity(sigstore))


def test_the_trusted_root_of_the_settings_serves_policies_without_one(
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *without_key(sigstore))
    bare = replace(by_identity(sigstore), trusted_root="")
    assert "there is no trusted root to check them by: set PACKHOUSE_TRUSTED_ROOT_FILE" in refused(
        settings, image, bare, InvalidSpec
    )
    assert check(replace(settings, trusted_root_file=str(sigstore.trusted_root)), image, bare) == BY_US


# ---- attestations ----------------------------------------------------------------------------------------

PROVENANCE = json.dumps(
    {"buildDefinition": {"buildType": "x", "externalParameters": {}}, "runDetails": {"builder": {"id": "b"}}}
)
STATEMENTS = [
    pytest.param("slsaprovenance1", PROVENANCE, "slsaprovenance", id="provenance, any version"),
    pytest.param("slsaprovenance1", PROVENANCE, "https://slsa.dev/provenance/v1", id="provenance by its address"),
    pytest.param("spdxjson", '{"spdxVersion": "SPDX-2.3"}', "spdx", id="SPDX"),
    pytest.param("cyclonedx", '{"bomFormat": "CycloneDX"}', "cyclonedx", id="CycloneDX"),
    pytest.param("https://acme.example/review/v1", '{"ok": true}', "https://acme.example/review/v1", id="an own type"),
]


@pytest.mark.parametrize("bundle", FORMATS)
@pytest.mark.parametrize(("kind", "predicate", "wanted"), STATEMENTS)
def test_an_attestation_that_is_wanted_must_be_there_beside_the_signature(
    kind: str,
    predicate: str,
    wanted: str,
    bundle: bool,
    signer: Signer,
    key: KeyPair,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    policy = by_keys(key, attestations=(wanted,))
    signer.sign(image, *with_key(key), bundle=bundle)
    signer.attest(image, "vuln", '{"scanner": {}}', *with_key(key), bundle=bundle)
    assert f"wants an attestation {wanted} by key cosign1.pub; found: none" in refused(settings, image, policy)
    signer.attest(image, kind, predicate, *with_key(signer.key_pair()), bundle=bundle)
    assert "it was made by another key" in refused(settings, image, policy)
    signer.attest(image, kind, predicate, *with_key(key), bundle=bundle)
    assert check(settings, image, policy) == "key cosign1.pub"


def test_an_attestation_alone_is_no_signature(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    signer.attest(image, "spdxjson", "{}", *with_key(key))
    assert "wants a signature by key" in refused(settings, image, by_keys(key, attestations=("spdx",)))


@pytest.mark.parametrize(("log", "bundle"), WAYS)
def test_an_identity_attests(
    log: int,
    bundle: bool,
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *without_key(sigstore, log=log, bundle=bundle), bundle=bundle)
    signer.attest(image, "spdxjson", "{}", *without_key(sigstore, log=log, bundle=bundle), bundle=bundle)
    assert check(settings, image, by_identity(sigstore, attestations=("spdx",))) == BY_US


# ---- what somebody who may push tries --------------------------------------------------------------------


def test_the_signature_of_other_content_is_refused(
    signer: Signer,
    key: KeyPair,
    oras: Path,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    tmp_path: Path,
    settings: Settings,
) -> None:
    good, bad = pushed(registry), push(oras, registry, tmp_path, "evil")
    signer.sign(good, *with_key(key), bundle=False)
    manifest = read_manifest(signature_tag(good))
    layer = manifest["layers"][0]
    write_blob(bad, read_blob(good, layer["digest"]))
    write_blob(bad, read_blob(good, manifest["config"]["digest"]))
    write_manifest(signature_tag(bad), manifest)
    message = refused(settings, bad, by_keys(key))
    assert f"it speaks of {good.partition('@')[2]}" in message


def test_a_payload_that_was_changed_is_refused(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    signer.sign(image, *with_key(key), bundle=False)
    tag = signature_tag(image)
    manifest = read_manifest(tag)
    payload = json.loads(read_blob(image, manifest["layers"][0]["digest"]))
    payload["optional"] = {"approved": "yes"}
    manifest["layers"][0] |= write_blob(image, json.dumps(payload).encode())
    write_manifest(tag, manifest)
    assert "it was made by another key" in refused(settings, image, by_keys(key))


def _moved(word: dict[str, Any]) -> None:
    word["Payload"]["integratedTime"] += 3600


def _other_body(word: dict[str, Any]) -> None:
    word["Payload"]["body"] = word["Payload"]["body"][:-4] + "AAAA"


def _no_promise(word: dict[str, Any]) -> None:
    del word["SignedEntryTimestamp"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_moved, id="the time"),
        pytest.param(_other_body, id="the entry"),
        pytest.param(_no_promise, id="no promise"),
        pytest.param(lambda word: word.clear(), id="nothing"),
    ],
)
def test_the_logs_word_must_hold(
    change: Callable[[dict[str, Any]], None],
    signer: Signer,
    sigstore: LocalSigstore,
    registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(registry)
    signer.sign(image, *without_key(sigstore, bundle=False), bundle=False)
    tag = signature_tag(image)
    manifest = read_manifest(tag)
    notes = manifest["layers"][0]["annotations"]
    word = json.loads(notes["dev.sigstore.cosign/bundle"])
    change(word)
    notes["dev.sigstore.cosign/bundle"] = json.dumps(word)
    write_manifest(tag, manifest)
    assert "its certificate proves nothing here: " in refused(settings, image, by_identity(sigstore))


GARBAGE = [
    pytest.param({"layers": []}, "found: none", id="no layers"),
    pytest.param({"layers": "x"}, "found: none", id="layers of another type"),
    pytest.param({"layers": [{"digest": "sha256:x", "size": 1}]}, "an entry names no content", id="no digest"),
    pytest.param(
        {"layers": [{"digest": f"sha256:{'0' * 64}", "size": 10**12}]}, "at most 16777216 are read", id="too large"
    ),
    pytest.param({"layers": [{"digest": f"sha256:{'0' * 64}", "size": 7}]}, "found: ", id="content that is not there"),
]


@pytest.mark.parametrize(("fields", "words"), GARBAGE)
def test_what_is_no_signature_is_told_and_ends_nothing(
    fields: dict[str, Any],
    words: str,
    signer: Signer,
    key: KeyPair,
    referrers_registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(referrers_registry)
    config = write_blob(image, b"{}") | {"mediaType": "application/vnd.oci.image.config.v1+json"}
    write_manifest(signature_tag(image), {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, **fields})
    assert words in refused(settings, image, by_keys(key))
    signer.sign(image, *with_key(key))
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00", id="binary"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"mediaType": "x", "verificationMaterial": []}', id="no material"),
        pytest.param(
            b'{"verificationMaterial": {"certificate": {"rawBytes": "AA=="}}, "dsseEnvelope": {"payloadType": '
            b'"application/vnd.in-toto+json", "payload": "e30=", "signatures": [{"sig": "AA=="}]}}',
            id="no statement",
        ),
    ],
)
def test_bundles_that_are_none_are_told(
    content: bytes,
    key: KeyPair,
    referrers_registry: LocalRegistry,
    pushed: Callable[[LocalRegistry], str],
    settings: Settings,
) -> None:
    image = pushed(referrers_registry)
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    write_manifest(
        f"{image.partition('@')[0]}:attack",
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": write_blob(image, b"{}") | {"mediaType": "application/vnd.oci.empty.v1+json"},
            "layers": [write_blob(image, content) | {"mediaType": kind}],
            "subject": {"mediaType": MANIFEST, "digest": image.partition("@")[2], "size": 583},
        },
    )
    assert "found: artifact sha256:" in refused(settings, image, by_keys(key))


def test_a_crowd_of_signatures_is_looked_at_up_to_a_number(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    signer.sign(image, *with_key(signer.key_pair()), bundle=False)
    tag = signature_tag(image)
    manifest = read_manifest(tag)
    manifest["layers"] *= 200
    write_manifest(tag, manifest)
    message = refused(settings, image, by_keys(key))
    assert "holds 200 signatures, of which the first 64 count" in message
    assert "and 60 more" in message
    assert len(message) < 2000


# ---- what is remembered, and what cannot be read ---------------------------------------------------------


def test_a_yes_outlives_its_registry_and_counts_for_that_policy_alone(
    signer: Signer, key: KeyPair, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    with open_referrers_registry() as registry:
        image = pushed(registry)
        signer.sign(image, *with_key(key))
        assert check(settings, image, by_keys(key)) == "key cosign1.pub"
        asked = registry.log.read_text()
        assert check(settings, image, by_keys(key)) == "key cosign1.pub"
        assert registry.log.read_text() == asked
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"
    refused(settings, image, by_keys(key, signer.key_pair()), SourceUnreachable)
    refused(settings, image, by_keys(key, attestations=("spdx",)), SourceUnreachable)


def test_a_no_is_not_remembered(
    signer: Signer, key: KeyPair, registry: LocalRegistry, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    image = pushed(registry)
    refused(settings, image, by_keys(key))
    signer.sign(image, *with_key(key))
    assert check(settings, image, by_keys(key)) == "key cosign1.pub"


def test_a_hundred_installs_ask_once(
    signer: Signer, key: KeyPair, pushed: Callable[[LocalRegistry], str], settings: Settings
) -> None:
    async def run(image: str) -> set[str]:
        registry = OrasRegistry(settings)
        try:
            signatures = CosignSignatures(settings, registry)
            asks = [signatures.verify(image, Access(), by_keys(key)) for _ in range(100)]
            return set(await asyncio.gather(*asks))
        finally:
            await asyncio.to_thread(registry.close)

    with open_referrers_registry() as registry:
        image = pushed(registry)
        signer.sign(image, *with_key(key), bundle=False)
        before = len(registry.log.read_text().splitlines())
        assert asyncio.run(run(image)) == {"key cosign1.pub"}
        assert len(registry.log.read_text().splitlines()) - before <= 3  # at most a greeting, the manifest, the payload


def test_whoever_pushes_much_beside_an_image_keeps_nobody_for_long(key: KeyPair, settings: Settings) -> None:
    class Slow(FakeRegistry):
        async def manifest(self, image: str, access: Access) -> RawManifest | None:
            await asyncio.sleep(60)
            return None

    limited = replace(settings, fetch_timeout_seconds=0.2)
    signatures = CosignSignatures(limited, Slow(settings.cache_dir))
    with pytest.raises(FetchLimitExceeded, match=r"not looked through for signatures within 0.2 s"):
        asyncio.run(signatures.verify(IMAGE, Access(), by_keys(key)))


IMAGE = f"127.0.0.1:9/team/web@sha256:{'0' * 64}"
BROKEN = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def _pem(private: PrivateKeyTypes) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        pytest.param(
            TrustPolicy("t", keys=(PublicKey(BROKEN, "Secret a/b"),)), "Secret a/b is no public key", id="a broken key"
        ),
        pytest.param(
            TrustPolicy("t", keys=(PublicKey(_pem(rsa.generate_private_key(65537, 1024)), "Secret a/b"),)),
            "Secret a/b is an RSA key of 1024 bits: 2048 is the least",
            id="a short key",
        ),
        pytest.param(
            TrustPolicy("t", keys=(PublicKey(_pem(x25519.X25519PrivateKey.generate()), "Secret a/b"),)),
            "Secret a/b is a key of a kind that signs no images",
            id="a key that signs nothing",
        ),
        pytest.param(
            TrustPolicy("repository t", identities=(OURS,), trusted_root="{}"),
            "the trusted root of repository t is no trusted root of Sigstore",
            id="a broken root",
        ),
    ],
)
def test_keys_and_roots_that_cannot_be_read_are_named(policy: TrustPolicy, words: str, settings: Settings) -> None:
    assert words in refused(settings, IMAGE, policy, InvalidSpec)


def test_the_root_of_the_public_sigstore_is_read(settings: Settings) -> None:
    """The one that the library brings along. Nothing in it is asked: the registry is not there."""
    from sigstore import _store

    (folder,) = Path(next(iter(_store.__path__))).glob("*tuf-repo-cdn.sigstore.dev")
    root = (folder / "trusted_root.json").read_text()
    policy = TrustPolicy("repository t", identities=(OURS,), trusted_root=root)
    refused(settings, IMAGE, policy, SourceUnreachable)


# ---- the files of the settings ---------------------------------------------------------------------------


def test_the_policy_file_counts_for_its_prefixes(key: KeyPair, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "team.pub").write_text(key.pem)
    (tmp_path / "policy.yml").write_text("[{prefix: registry.example.com/team, keys: [{file: team.pub}]}]")
    settings = replace(settings, verify_policy_file=str(tmp_path / "policy.yml"))
    signatures = CosignSignatures(settings, OrasRegistry(settings))
    policy = signatures.required("registry.example.com/team/web")
    assert policy == TrustPolicy(
        "PACKHOUSE_VERIFY_POLICY_FILE, prefix registry.example.com/team",
        keys=(PublicKey(key.pem, "team.pub"),),
    )
    assert signatures.required("registry.example.com/other") is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"verify_policy_file": "none.yml"}, "PACKHOUSE_VERIFY_POLICY_FILE: ", id="no file"),
        pytest.param({"verify_policy_file": "bad.yml"}, "the policy file must be a list", id="another form"),
        pytest.param({"verify_policy_file": "keys.yml"}, "file none.pub: ", id="no key"),
        pytest.param({"verify_policy_file": "binary.yml"}, "is no text in UTF-8", id="no text"),
        pytest.param({"trusted_root_file": "none.json"}, "PACKHOUSE_TRUSTED_ROOT_FILE: ", id="no root"),
    ],
)
def test_files_that_cannot_be_used_end_the_operator_at_its_start(
    fields: dict[str, str], words: str, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("a: b")
    (tmp_path / "keys.yml").write_text("[{prefix: a.b, keys: [{file: none.pub}]}]")
    (tmp_path / "binary.yml").write_bytes(b"\xff")
    changed = replace(settings, **{name: str(tmp_path / file) for name, file in fields.items()})  # type: ignore[arg-type]
    with pytest.raises(InvalidSpec) as caught:
        CosignSignatures(changed, OrasRegistry(settings))
    assert words in caught.value.message


def test_without_keyless_identities_the_large_library_stays_away() -> None:
    """An operator that checks keys, or nothing, pays neither the memory nor the time."""
    code = (
        "import sys, packhouse.adapters.cosign as it; from packhouse.ports import *; "
        "from packhouse.adapters.cosign_keys import *; "
        f"load_keys([PublicKey({_pem(ec.generate_private_key(ec.SECP256R1()))!r}, 'k')]); "
        "sys.exit(any(name.partition('.')[0] in ('sigstore', 'tuf', 'pydantic') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
