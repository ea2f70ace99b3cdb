"""The template stage, in this process.

Real: the pipeline, jinja2 with its sandbox, YAML. Faked: nothing, but no worker is around it: limits on time and memory
are tested beside adapters/worker_pool.py. Asserted: objects, and the words of refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from packhouse.ports import Json
from packhouse.settings import Settings
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render
from render_jobs import config_map, job


@pytest.fixture
def objects() -> Callable[..., list[Json]]:
    """`objects(files, **job)`: what comes out of the pipeline."""

    def run(files: Mapping[str, str | bytes], **told: Any) -> list[Json]:
        return list(render(job(files, **told), Limits.from_settings(Settings())).objects)

    return run


@pytest.fixture
def value(objects: Callable[..., list[Json]]) -> Callable[..., Any]:
    """`value(expression, **job)`: what a template writes for one expression, as text."""

    def run(expression: str, **told: Any) -> Any:
        # A block at the beginning of a line takes the indentation before it away, so none stands there.
        text = config_map(x=f"|-\n    >{expression}")
        return objects({"a.yml": text}, **told)[0]["data"]["x"][1:]

    return run
