"""What signed texts say, whoever wrote them."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.domain.statements import (
    SIGNATURE,
    Claim,
    read_bundle,
    read_envelope,
    read_object,
    read_payload,
    read_statement,
)

DIGEST = f"sha256:{'a' * 64}"


def payload(**critical: Any) -> bytes:
    known = {"type": "cosign container image signature", "image": {"docker-manifest-digest": DIGEST}}
    return json.dumps({"critical": {**known, **critical}}).encode()


def statement(**fields: Any) -> bytes:
    known = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "x", "digest": {"sha256": "a" * 64}}],
    }
    return json.dumps({**known, **fields}).encode()


def test_a_payload_names_its_digest() -> None:
    assert read_payload(payload()) == Claim(frozenset({DIGEST}), SIGNATURE)


@pytest.mark.parametrize("version", ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"])
def test_a_statement_names_its_subjects_and_its_type(version: str) -> None:
    assert read_statement(statement(_type=version)) == Claim(frozenset({DIGEST}), "https://spdx.dev/Document")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff", id="binary"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(payload(type="other"), id="another type"),
        pytest.param(payload(image=None), id="no image"),
        pytest.param(payload(image={"docker-manifest-digest": 1}), id="no text"),
        pytest.param(b'{"critical": 1}', id="no map"),
        pytest.param(statement(), id="a statement"),
    ],
)
def test_what_is_no_payload_says_nothing(text: bytes) -> None:
    assert read_payload(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(statement(_type="https://in-toto.io/Statement/v2"), id="another version"),
        pytest.param(statement(predicateType=""), id="no type"),
        pytest.param(statement(subject="x"), id="no list"),
        pytest.param(payload(), id="a payload"),
    ],
)
def test_what_is_no_statement_says_nothing(text: bytes) -> None:
    assert read_statement(text) is None


@pytest.mark.parametrize("subject", [[], [1], [{"digest": "x"}], [{"digest": {"sha512": "a"}}], [{"digest": {}}]])
def test_a_statement_about_nothing_names_no_digest(subject: Any) -> None:
    assert read_statement(statement(subject=subject)) == Claim(frozenset(), "https://spdx.dev/Document")


def envelope(**fields: Any) -> dict[str, Any]:
    known = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64.b64encode(b"text").decode(),
        "signatures": [{"sig": base64.b64encode(b"signature").decode()}],
    }
    return {**known, **fields}


def test_an_envelope_signs_its_payload_with_the_type() -> None:
    read = read_envelope(json.dumps(envelope()).encode())
    assert read is not None
    assert (read.payload, read.signature) == (b"text", b"signature")
    assert read.message == b"DSSEv1 28 application/vnd.in-toto+json 4 text"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"payloadType": "text/plain"}, id="another type"),
        pytest.param({"payload": "?"}, id="no base64"),
        pytest.param({"signatures": []}, id="no signature"),
        pytest.param({"signatures": [{"sig": "AA=="}, {"sig": "AA=="}]}, id="two signatures"),
        pytest.param({"signatures": ["AA=="]}, id="a signature of another form"),
        pytest.param({"signatures": [{"sig": ""}]}, id="an empty one"),
    ],
)
def test_what_is_no_envelope_is_none(fields: dict[str, Any]) -> None:
    assert read_envelope(json.dumps(envelope(**fields)).encode()) is None


def bundle(**material: Any) -> bytes:
    known = {"mediaType": "m", "verificationMaterial": material or {"publicKey": {"hint": "h"}}, "extra": [[]] * 9}
    return json.dumps({**known, "dsseEnvelope": envelope()}).encode()


def test_a_bundle_keeps_of_its_proof_what_is_known_and_no_more() -> None:
    read = read_bundle(bundle(certificate={"rawBytes": "AA=="}))
    assert read is not None
    assert read.envelope == read_envelope(json.dumps(envelope()).encode())
    proof = json.loads(read.proof)
    assert sorted(proof) == ["dsseEnvelope", "mediaType", "verificationMaterial"]
    assert proof["verificationMaterial"] == {"certificate": {"rawBytes": "AA=="}}


def test_a_bundle_by_a_key_needs_no_proof() -> None:
    read = read_bundle(bundle())
    assert read is not None
    assert read.proof == b""


def test_a_statement_with_megabytes_of_hostile_predicate_costs_little_memory() -> None:
    """As objects it would take some 15 MiB."""
    text = statement(predicate=None).replace(b'"predicate": null', b'"predicate": [' + b"[]," * 200_000 + b"0]")
    tracemalloc.start()
    try:
        assert read_statement(text) == Claim(frozenset({DIGEST}), "https://spdx.dev/Document")
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(
        [
            "critical",
            "type",
            "image",
            "subject",
            "predicateType",
            "signatures",
            "payload",
            "payloadType",
            "_type",
            "dsseEnvelope",
        ]
    ),
    JSON,
)
def test_no_value_of_a_field_breaks_the_reading(name: str, value: Any) -> None:
    for text in (payload(), statement(), json.dumps(envelope()).encode(), bundle()):
        document = {**(read_object(text) or {}), name: value}
        inner = {"critical": {**json.loads(payload())["critical"], name: value}}
        for one in (document, inner):
            changed = json.dumps(one).encode()
            read_payload(changed)
            read_statement(changed)
            read_envelope(changed)
            read_bundle(changed)
