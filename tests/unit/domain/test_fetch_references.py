"""Which Secrets and ConfigMaps a fetch names."""

from __future__ import annotations

import pytest

from packhouse.domain.fetch_references import fetch_references
from packhouse.ports import Json


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([], [], id="no step"),
        pytest.param([{}], [], id="a repository without a source"),
        pytest.param([{"inline": {"paths": {"a": "b"}}}], [], id="files alone"),
        pytest.param([{"image": {"url": "a", "secretRef": {"name": "s"}}}], [("Secret", "s")], id="an image"),
        pytest.param([{"git": {"url": "a", "secretRef": {"name": "s"}}, "http": None}], [("Secret", "s")], id="git"),
        pytest.param(
            [{"helmChart": {"name": "c", "repository": {"url": "u", "secretRef": {"name": "s"}}}}],
            [("Secret", "s")],
            id="a chart, whose repository has the Secret",
        ),
        pytest.param(
            [
                {"inline": {"pathsFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]}},
                {"imgpkgBundle": {"image": "i", "secretRef": {"name": "s"}}},
            ],
            [("ConfigMap", "c"), ("Secret", "s")],
            id="several, each once",
        ),
    ],
)
def test_what_a_fetch_names_is_found(steps: list[Json], expected: list[tuple[str, str]]) -> None:
    assert fetch_references(steps) == expected
