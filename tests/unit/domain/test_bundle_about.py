"""What a bundle says about itself in .imgpkg/bundle.yml."""

from __future__ import annotations

from typing import Any

import pytest

from packhouse.domain.bundle_about import read_about

HEAD = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: Bundle\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(
            f"{HEAD}metadata: {{name: web, tier: edge}}\n"
            "authors: [{name: Ada, email: ada@example.com}, {email: bob@example.com}, {name: Cy}]\n"
            "websites: [{url: https://example.com}, {url: https://example.org}]\n",
            {
                "metadata": {"name": "web", "tier": "edge"},
                "authors": ["Ada <ada@example.com>", "<bob@example.com>", "Cy"],
                "websites": ["https://example.com", "https://example.org"],
            },
            id="everything",
        ),
        pytest.param(HEAD, {}, id="nothing"),
        pytest.param(f"{HEAD}authors: Ada\nwebsites: {{url: x}}\nmetadata: [a]\n", {}, id="other types"),
        pytest.param(
            f"{HEAD}authors: [Ada, {{name: 1}}]\nmetadata: {{a: 1, b: x}}\n", {"metadata": {"b": "x"}}, id="in part"
        ),
        pytest.param("authors: [{name: Ada}]\n", {"authors": ["Ada"]}, id="without saying what it is"),
        pytest.param("kind: Bundle\nauthors: [{name: Ada}]\n", {}, id="another document"),
        pytest.param(f"{HEAD}---\n{HEAD}", {}, id="two documents"),
        pytest.param("a: [", {}, id="no YAML"),
        pytest.param("\udcff", {}, id="no UTF-8"),
    ],
)
def test_what_is_said_is_read_and_what_is_no_such_document_says_nothing(text: str, found: dict[str, Any]) -> None:
    assert read_about(text.encode("utf-8", "surrogateescape")) == found
