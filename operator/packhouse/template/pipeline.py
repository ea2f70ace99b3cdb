"""Carries out the template steps of a package: files and values go in, checked objects come out.

Called by template/jobs.py in a worker (and by the tests' fake). A new engine is one entry in TEMPLATERS. Values are
checked before anything is rendered; nothing is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid, RenderLimitExceeded, UnsupportedStep, ValuesInvalid
from packhouse.domain import values as domain_values
from packhouse.domain.yaml_text import load_all
from packhouse.ports import ImageAsk, Json, Rendered, RenderJob
from packhouse.template import selection
from packhouse.template.documents import Document, OutputMeter, StepInput, Templater
from packhouse.template.jinja.engine import JINJA2
from packhouse.template.kbld.engine import KBLD
from packhouse.template.limits import Limits
from packhouse.template.objects import to_objects
from packhouse.template.ytt import engine as ytt

#: The engines, by the word of the template step.
TEMPLATERS: Final[Mapping[str, Templater]] = {"jinja2": JINJA2, "ytt": ytt.YTT, "kbld": KBLD}

#: A line of code in values. `#@data/values` alone makes a document an overlay of plain values, which are what they are.
_CODE: Final = re.compile(r"^[ \t]*(?!#@[ \t]*data/values[ \t]*\r?$)#@", re.MULTILINE)


def prepare() -> None:
    """What the first job would else wait for."""
    ytt.prepare()


def render(job: RenderJob, limits: Limits) -> Rendered:
    """Raises what ports.Renderer names, but for RendererUnavailable."""
    try:
        return _render(job, limits)
    except RecursionError:
        raise RenderLimitExceeded("rendering was ended: the package or its values nest too deep") from None


def _render(job: RenderJob, limits: Limits) -> Rendered:
    steps = [_known_step(step) for step in job.steps]
    values, warnings = _values(job, [engine for engine, _ in steps])
    if not steps:
        return Rendered(to_objects(_plain(job.files)), warnings)
    meter = OutputMeter(limits)
    documents: Sequence[Document] | None = None
    asked: set[ImageAsk] = set()
    first_that_merges = next((place for place, (engine, _) in enumerate(steps) if engine.merges_values), None)
    for place, (engine, options) in enumerate(steps):
        is_first = place == first_that_merges
        step = StepInput(
            files=job.files,
            previous=documents,
            values=values,
            values_documents=job.values if is_first else (),
            context=job.context,
            meter=meter,
            outside=job.outside if is_first else replace(job.outside, overlays=(), values_as_files=False),
            asked=asked,
        )
        documents = engine.run(step, options)
    if asked:
        return Rendered((), warnings, sorted(asked, key=astuple))
    return Rendered(to_objects(documents or ()), warnings)


def _known_step(step: Json) -> tuple[Templater, Json]:
    """The engine of a step and its options. Raises UnsupportedStep."""
    supported = ", ".join(TEMPLATERS)
    if len(step) != 1:
        named = f"names {', '.join(step)}" if step else "names none"
        raise UnsupportedStep(f"a template step names exactly one engine, this one {named}: supported are {supported}")
    [(name, options)] = step.items()
    if name not in TEMPLATERS:
        raise UnsupportedStep(
            f"template step {name} is not supported by this version of packhouse: supported are {supported}"
        )
    engine = TEMPLATERS[name]
    options = options or {}
    if unknown := sorted(set(options) - engine.options):
        raise UnsupportedStep(
            f"template step {name}: option {unknown[0]} is not supported by this version of packhouse: "
            f"supported are {', '.join(sorted(engine.options))}"
        )
    return engine, options


def _values(job: RenderJob, engines: Sequence[Templater]) -> tuple[Json, list[str]]:
    """Schema defaults and all documents in one map, and what is to be warned of. Raises ValuesInvalid.

    An engine that merges values reads them itself, and may have a schema of its own. So nobody reads them before it,
    unless the package has a schema or an engine takes the map; and values that are templates are held against none.
    """
    if any(engine.merges_values for engine in engines):
        are_templates = job.outside.values_as_files or any(_CODE.search(document.text) for document in job.values)
        if not any(engine.takes_values for engine in engines) and (are_templates or job.values_schema is None):
            return {}, []
        if are_templates:
            return domain_values.merge(domain_values.parse(job.values)), []
    layers = domain_values.parse(job.values)
    given = domain_values.merge(layers)
    if job.values_schema is None:
        return given, []
    violations, warnings = domain_values.check(given, job.values_schema)
    if violations:
        text = domain_values.format_violations(violations)
        if job.enforce_schema:
            raise ValuesInvalid(text)
        warnings = [text, *warnings]
    return domain_values.merge([domain_values.defaults(job.values_schema), given]), list(warnings)


def _plain(files: Mapping[str, bytes]) -> list[Document]:
    """A package without template steps: its manifests as they are."""
    documents = []
    for path in selection.select(files, (), "none"):
        if selection.manifest_name(path):
            loaded: list[tuple[int, Any]] = load_all(selection.text(files, path), path, RenderedInvalid)
            documents += [Document(path, line, value) for line, value in loaded]
    return documents
