"""From what was gathered to the objects that an install wants: fetched, rendered, and asked for where a step asks.

Called by install.py. The renderer knows no network: what it must be told of images, it says, and is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from packhouse.api.errors import SOURCE_ERRORS, TemplateFailed
from packhouse.domain.objects import digest
from packhouse.fetch import Fetched, fetch_all
from packhouse.ports import ImageAsk, Json, Rendered, RenderJob
from packhouse.reconcile.gather import Facts, Progress, context_of
from packhouse.reconcile.images import Answers, ask, recorded, resolves
from packhouse.reconcile.outcome import away
from packhouse.reconcile.outside import read_outside
from packhouse.reconcile.values import read_values
from packhouse.reconcile.world import World

#: How many renderings may come back with questions: a step may ask for what an earlier answer led to.
ROUNDS_MOST: Final = 2
_WARNINGS_MOST: Final = 20


async def render(world: World, progress: Progress, facts: Facts, answers: Answers) -> Sequence[Json]:
    """The objects; `answers` are those that are known already, and has all that were needed afterwards.

    Raises what fetching, reading values and rendering raise.
    """
    install, package = progress.install, facts.package
    progress.stage = "fetch"
    fetched = await fetch_all(package.fetch, facts.sources, facts.resolution)
    progress.stage = "template"
    documents, values_digest = await read_values(world.cluster, install)
    job = RenderJob(
        files={},
        steps=package.template,
        values=documents,
        values_schema=package.values_schema,
        enforce_schema=world.settings.values_schema_check == "enforce",
        context=context_of(install, facts),
        outside=await read_outside(world, install, package),
    )
    rendered = await _answered(world, progress, facts, fetched, job, answers)
    stanza: Json = {
        "digest": digest(rendered.objects),
        "valuesDigest": values_digest,
        "objects": len(rendered.objects),
    }
    if rendered.warnings:
        stanza["warnings"] = list(rendered.warnings)[:_WARNINGS_MOST]
    if answers.found:
        stanza["images"] = answers.to_wire()
    progress.fields["template"] = stanza
    return rendered.objects


async def ask_images(progress: Progress, facts: Facts, asks: Sequence[ImageAsk], answers: Answers) -> None:
    """Adds what registries say; while one is away, what status records of the time before."""
    before = recorded((progress.install.status.get("template") or {}).get("images"))
    try:
        await ask(asks, facts.package.fetch, facts.sources, before, answers)
    except SOURCE_ERRORS as error:
        progress.source = away(error)
        raise
    progress.in_trouble(answers.trouble)


async def _answered(
    world: World, progress: Progress, facts: Facts, fetched: Fetched, job: RenderJob, answers: Answers
) -> Rendered:
    """What the renderer makes of the job once all that it asks for is answered."""
    asks: Sequence[ImageAsk] = ()
    for _ in range(ROUNDS_MOST + 1):
        if asks:
            await ask_images(progress, facts, asks, answers)
        async with world.reading:
            outside = replace(job.outside, images=answers.found)
            rendered = await world.renderer.render(replace(job, files=await fetched.files(), outside=outside))
        if not rendered.asked:
            return rendered
        if not resolves(job.steps):
            break  # it was not asked to ask
        asks = rendered.asked
    raise TemplateFailed(
        f"the template steps ask registries for more images each time that they are answered, such as {asks[0].image}; "
        "name images by digest where another step makes references of them"
        if asks
        else "the renderer asks registries for images, and no step says so; check that it runs the same version"
    )
