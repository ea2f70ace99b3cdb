"""Fetch step `helmChart`: the content of one chart, from a registry (oci://) or from a chart repository by http.

What lands is the chart's own folder, as `helm pull --untar` gives it, without the folder around it. An index may send
on to a registry; the step's Secret is for the repository that it names, and no other host sees it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

from packhouse.api.errors import FetchFailed
from packhouse.domain import chart_versions
from packhouse.domain.references import read_reference
from packhouse.fetch import chart_repository
from packhouse.fetch.access import registry_access
from packhouse.fetch.chart_repository import KIND, OCI, Chart, Place
from packhouse.fetch.image import Image
from packhouse.fetch.sources import Content, Resolved, Sources
from packhouse.fetch.verify import refuse_unpinned
from packhouse.ports import Json

_CHART_FILE: Final = "Chart.yaml"


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    chart = Chart.read(stanza)
    if chart.is_oci:
        return await _resolve_oci(chart, sources)
    place = await chart_repository.find(chart, sources)
    if place.is_oci:
        found = await (await _image(place.url, {}, sources)).resolve(sources)
        resolved = replace(found, version=place.version, source=f"{OCI}{found.source}")
    else:
        _refuse_unsigned(chart, sources)
        digest = place.digest or await sources.origins.downloads.resolve(
            place.url,
            await chart_repository.access_to(place.url, chart, sources),
            sha256=None,
            fresh_seconds=sources.fresh_seconds,
        )
        resolved = Resolved(digest, place.version, place.shown)
    await chart_repository.remember(chart, place, resolved.digest, sources)
    return resolved


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    chart = Chart.read(stanza)
    if chart.is_oci:
        content = await (await _image(chart.reference, chart.repository, sources)).pull(sources, resolved)
    else:
        place = await chart_repository.recall(chart, resolved, sources)
        content = await _fetch_from(place, chart, sources, resolved)
    if content.root is None:
        return content
    return replace(content, root=await asyncio.to_thread(_chart_folder, content.root, chart))


async def _resolve_oci(chart: Chart, sources: Sources) -> Resolved:
    """A version that is named whole is the tag; else the tags are listed. Tags have `_` where versions have `+`."""
    version = chart.wanted
    if not chart_versions.is_exact(version):
        image = await _image(chart.reference, chart.repository, sources)
        repository = image.reference.repository
        tags = await sources.origins.registry.tags(repository, image.access, fresh_seconds=sources.fresh_seconds)
        version = chart.chosen([tag.replace("_", "+") for tag in tags])
    tag = version.replace("+", "_")
    found = await (await _image(f"{chart.reference}:{tag}", chart.repository, sources)).resolve(sources)
    return replace(found, version=version, source=f"{OCI}{found.source}")


async def _fetch_from(place: Place, chart: Chart, sources: Sources, resolved: Resolved) -> Content:
    if place.is_oci:
        return await (await _image(place.url, {}, sources)).pull(sources, resolved)
    _refuse_unsigned(chart, sources)
    access = await chart_repository.access_to(place.url, chart, sources)
    tree = await sources.origins.downloads.fetch(place.url, access, digest=resolved.digest, archive=True)
    return Content(tree.digest, resolved.version, tree.root)


async def _image(text: str, stanza: Json, sources: Sources) -> Image:
    reference = read_reference(text.removeprefix(OCI))
    if reference.is_layout:  # an index is a stranger's, and must not lead to the operator's disk
        raise FetchFailed(f"fetch step {KIND}: {text[:200]} names no registry")
    return Image(reference, await registry_access(reference.repository, stanza, KIND, sources), {}, KIND)


def _refuse_unsigned(chart: Chart, sources: Sources) -> None:
    refuse_unpinned(f"chart {chart.name} of {chart.shown}", "take the chart from a registry (oci://)", sources)


def _chart_folder(root: Path, chart: Chart) -> Path:
    """The folder with the Chart.yaml: there is one in the archive, and it is named as the chart calls itself."""
    try:
        folders = sorted(
            folder
            for folder in root.iterdir()
            if folder.is_dir() and not folder.is_symlink() and (folder / _CHART_FILE).is_file()
        )
    except OSError as error:
        raise FetchFailed(f"the fetched chart {chart.name} cannot be read ({error.strerror})") from error
    if len(folders) != 1:
        raise FetchFailed(
            f"the archive of chart {chart.name} of {chart.shown} holds {len(folders)} folders with a {_CHART_FILE}: "
            "expected one, as `helm package` makes it"
        )
    return folders[0]
