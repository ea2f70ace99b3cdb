"""A renderer without a process: the same pipeline, in ours. Passes the contract tests of the real client.

For tests of what stands before the door; it has no limits on time and memory, so give it no bombs.
"""

from __future__ import annotations

from collections.abc import Mapping

from packhouse.api.errors import PackhouseError
from packhouse.domain.bundle import read_bundle
from packhouse.ports import BundleContent, Json, Rendered, RenderJob
from packhouse.settings import Settings
from packhouse.template import answers, wire
from packhouse.template.jobs import bundle_answer, render_answer
from packhouse.template.limits import Limits
from packhouse.template.pipeline import render


class FakeRenderer:
    """`jobs` keeps what was asked; `fail_with`, once set, is raised instead of an answer."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._limits = Limits.from_settings(settings or Settings())
        self.jobs: list[RenderJob] = []
        self.fail_with: PackhouseError | None = None

    async def render(self, job: RenderJob) -> Rendered:
        self.jobs.append(job)
        if self.fail_with is not None:
            raise self.fail_with
        return answers.read_render(self._sent(render_answer(render(job, self._limits))))

    async def read_bundle(self, files: Mapping[str, bytes], schemas: Mapping[str, Json]) -> BundleContent:
        if self.fail_with is not None:
            raise self.fail_with
        return answers.read_bundle(self._sent(bundle_answer(read_bundle(files, schemas))))

    def _sent(self, answer: Json) -> bytes:
        """As it would come over the wire: JSON, and no larger than allowed."""
        frame = wire.frame(answer)
        if frame.size > self._limits.output_most_bytes:
            raise self._limits.output_exceeded()
        return frame.header
