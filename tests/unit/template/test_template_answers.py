"""What a renderer that was taken over could answer. Nothing here is a real renderer: the bytes are written by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packhouse.api import errors
from packhouse.api.errors import BY_REASON, RendererUnavailable, TemplateFailed
from packhouse.ports import ImageAsk, Rendered
from packhouse.template import answers
from packhouse.template.answers import MAY_RAISE, RendererBug

GOOD = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}


def said(message: Any) -> bytes:
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b'{"objects": [NaN], "warnings": [], "asked": []}',
        b"[" * 100_000,
        b'{"objects": ' + b"1" * 5000 + b', "warnings": [], "asked": []}',
        said([]),
        said({}),
        said({"objects": []}),
        said({"objects": [], "warnings": [], "asked": [], "more": 1}),
        said({"objects": {}, "warnings": [], "asked": []}),
        said({"objects": [], "warnings": "x", "asked": []}),
        said({"objects": [], "warnings": [1], "asked": []}),
        said({"objects": ["x"], "warnings": [], "asked": []}),
        said({"objects": [{}], "warnings": [], "asked": []}),
        said({"objects": [{"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Other"}], "warnings": [], "asked": []}),
        said({"objects": [{**GOOD, "metadata": {"name": 1}}], "warnings": [], "asked": []}),
        said({"objects": [{**GOOD, "metadata": {"name": "a", "namespace": 1}}], "warnings": [], "asked": []}),
        said({"objects": [{**GOOD, "metadata": {"name": "a", "labels": {"x": 1}}}], "warnings": [], "asked": []}),
        said({"objects": [{**GOOD, "metadata": {"name": "a", "annotations": ["x"]}}], "warnings": [], "asked": []}),
        said({"objects": [{**GOOD, "spec": json.loads("[" * 300 + "]" * 300)}], "warnings": [], "asked": []}),
        said({"objects": [], "warnings": []}),
        said({"objects": [], "warnings": [], "asked": ["nginx"]}),
        said({"objects": [], "warnings": [], "asked": [{"image": "nginx"}]}),
        said({"objects": [], "warnings": [], "asked": [{"image": 1, "selection": ""}]}),
        said({"objects": [], "warnings": [], "asked": [{"image": "n" * 5000, "selection": ""}]}),
        said({"objects": [], "warnings": [], "asked": [{"image": "n", "selection": ""}] * 257}),
        said({"reason": "TemplateFailed", "message": 1}),
        said({"reason": 1, "message": "x"}),
        said({"reason": "Forbidden", "message": "x"}),
        said({"reason": "NoSuchReason", "message": "x"}),
    ],
)
def test_an_answer_of_another_shape_is_refused_whole(answer: bytes) -> None:
    with pytest.raises(RendererUnavailable, match="the renderer gave an answer that cannot be used"):
        answers.read_render(answer)


@pytest.mark.parametrize(
    "fault", [{}, {"file": "a", "line": "1", "message": "x"}, {"file": 1, "line": 1, "message": "x"}, 1]
)
def test_a_fault_of_another_shape_is_refused(fault: Any) -> None:
    with pytest.raises(RendererUnavailable):
        answers.read_bundle(said({"documents": [], "faults": [fault]}))


@pytest.mark.parametrize("reason", sorted(BY_REASON))
def test_only_errors_that_a_renderer_may_raise_become_errors_again(reason: str) -> None:
    expected = BY_REASON[reason] if BY_REASON[reason] in MAY_RAISE else RendererUnavailable
    with pytest.raises(errors.PackhouseError) as raised:
        answers.read_render(said({"reason": reason, "message": "what happened"}))
    assert expected is type(raised.value)
    assert (raised.value.message == "what happened") is (BY_REASON[reason] in MAY_RAISE)


def test_a_bug_of_ours_stays_one() -> None:
    with pytest.raises(RendererBug, match=r"KeyError at x\.py:1"):
        answers.read_render(said({"reason": "InternalError", "message": "KeyError at x.py:1"}))


def test_texts_are_cut_and_lose_what_cannot_be_printed() -> None:
    with pytest.raises(TemplateFailed) as raised:
        answers.read_render(said({"reason": "TemplateFailed", "message": "a\x1b[31mb\n" + "x" * 100_000}))
    assert raised.value.message.startswith("a[31mb\nx")
    assert len(raised.value.message) < 8_100


def test_a_good_answer_is_taken_as_it_is() -> None:
    asked = [{"image": "nginx:1", "selection": ""}]
    read = answers.read_render(said({"objects": [GOOD], "warnings": ["w"], "asked": asked}))
    assert read == Rendered([GOOD], ["w"], (ImageAsk("nginx:1"),))


@pytest.mark.parametrize("metadata", [{}, {"metadata": None}, {"metadata": {"name": 1}}])
def test_a_config_of_kapp_needs_no_name_and_is_no_document_of_a_bundle(metadata: Any) -> None:
    config = {"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", **metadata}
    assert answers.read_render(said({"objects": [config], "warnings": [], "asked": []})).objects == [config]
    with pytest.raises(RendererUnavailable):
        answers.read_bundle(said({"documents": [config], "faults": []}))
