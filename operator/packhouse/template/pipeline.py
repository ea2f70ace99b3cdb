"""Carries out the template steps of a package: files and values go in, checked objects come out.

Called by template/jobs.py in a worker (and by the tests' fake). A new engine is one entry in TEMPLATERS. Values are
checked before anything is rendered; nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any, Final

from packhouse.api.errors import RenderedInvalid, RenderLimitExceeded, UnsupportedStep, ValuesInvalid
from packhouse.domain import values as domain_values
from packhouse.domain.yaml_text import load_all
from packhouse.ports import Json, Rendered, RenderJob
from packhouse.template import selection
from packhouse.template.documents import Document, Folder, Helm, OutputMeter, StepInput, Templater
from packhouse.template.helm.engine import HELM_TEMPLATE
from packhouse.template.helm.program import Direct
from packhouse.template.jinja.engine import JINJA2
from packhouse.template.kbld.engine import KBLD
from packhouse.template.limits import Limits
from packhouse.template.objects import to_objects
from packhouse.template.sops.engine import SOPS
from packhouse.template.ytt import engine as ytt

#: The engines, by the word of the template step.
TEMPLATERS: Final[Mapping[str, Templater]] = {
    "jinja2": JINJA2,
    "ytt": ytt.YTT,
    "kbld": KBLD,
    "helmTemplate": HELM_TEMPLATE,
    "sops": SOPS,
}


def prepare() -> None:
    """What the first job would else wait for."""
    ytt.prepare()


def render(job: RenderJob, limits: Limits, helm: Helm | None = None) -> Rendered:
    """`helm`: who runs that program; None: it is started from this process. Raises what ports.Renderer names."""
    try:
        return _render(job, limits, helm)
    except RecursionError:
        raise RenderLimitExceeded("rendering was ended: the package or its values nest too deep") from None


def _render(job: RenderJob, limits: Limits, helm: Helm | None) -> Rendered:
    steps = [_known_step(step) for step in job.steps]
    engines = [engine for engine, _ in steps]
    defaults, given, warnings = _values(job, engines)
    step = StepInput(
        files=job.files,
        previous=None,
        values=domain_values.merge([defaults, given]),
        values_documents=(),
        context=job.context,
        meter=OutputMeter(limits),
        outside=replace(job.outside, overlays=(), values_as_files=False),
        defaults=defaults,
        given=given,
        warnings=warnings,
        helm=helm or Direct(limits),
    )
    first_that_merges = _first(engine.merges_values for engine in engines)
    first_with_overlays = _first(engine.takes_overlays for engine in engines)
    for place, (engine, options) in enumerate(steps):
        outside = replace(
            step.outside,
            overlays=job.outside.overlays if place == first_with_overlays else (),
            values_as_files=job.outside.values_as_files and place == first_that_merges == first_with_overlays,
        )
        documents = job.values if place == first_that_merges else ()
        given_out = engine.run(replace(step, outside=outside, values_documents=documents), options)
        if isinstance(given_out, Folder):
            step = replace(step, files=given_out.files, secret_files=step.secret_files | given_out.secret_files)
        else:
            step = replace(step, previous=given_out)
    if step.asked:
        return Rendered((), warnings, sorted(step.asked, key=astuple))
    return Rendered(to_objects(_plain(step.files) if step.previous is None else step.previous), warnings)


def _first(flags: Iterable[bool]) -> int | None:
    return next((place for place, flag in enumerate(flags) if flag), None)


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


def _values(job: RenderJob, engines: Sequence[Templater]) -> tuple[Json, Json, list[str]]:
    """Schema defaults, all documents in one map, and what is to be warned of. Raises ValuesInvalid.

    An engine that merges values reads them itself, and may have a schema of its own. So nobody reads them before it,
    unless the package has a schema or an engine takes the map; and values that are templates are held against none.
    """
    merging = next((engine for engine in engines if engine.merges_values), None)
    if merging is not None:
        are_templates = merging.takes_overlays and (
            job.outside.values_as_files or any(domain_values.has_code(document.text) for document in job.values)
        )
        if not any(engine.takes_values for engine in engines) and (are_templates or job.values_schema is None):
            return {}, {}, []
        if are_templates:
            return {}, domain_values.merge(domain_values.parse(job.values)), []
    layers = domain_values.parse(job.values)
    given = domain_values.merge(layers)
    if job.values_schema is None:
        return {}, given, []
    violations, warnings = domain_values.check(given, job.values_schema)
    if violations:
        text = domain_values.format_violations(violations)
        if job.enforce_schema:
            raise ValuesInvalid(text)
        warnings = [text, *warnings]
    return domain_values.defaults(job.values_schema), given, list(warnings)


def _plain(files: Mapping[str, bytes]) -> list[Document]:
    """A package without template steps: its manifests as they are."""
    documents = []
    for path in selection.select(files, (), "none"):
        if selection.manifest_name(path):
            loaded: list[tuple[int, Any]] = load_all(selection.text(files, path), path, RenderedInvalid)
            documents += [Document(path, line, value) for line, value in loaded]
    return documents
