"""Stage 1: fetch. One file per kind of source; FETCHERS is the table, a new source is one file and one line.

Called by reconcile/ with the fetch steps of a spec and a `Sources`. It talks to the outside through ports only and
writes nothing to the cluster. adapters/oras_registry.py uses unpack, cache and manifest of this folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.errors import SOURCE_ERRORS, Failed, InvalidSpec, UnsupportedStep
from packhouse.fetch import git, helm_chart, http, image, imgpkg_bundle, inline
from packhouse.fetch.credentials import Keyring
from packhouse.fetch.folders import step_folders
from packhouse.fetch.resolution import Resolution
from packhouse.fetch.sources import Content, Fetcher, Origins, Resolved, Sources, matcher
from packhouse.ports import Json

__all__ = [
    "FETCHERS",
    "Fetched",
    "Fetcher",
    "Keyring",
    "Origins",
    "Resolution",
    "Resolved",
    "Sources",
    "fetch_all",
    "resolve_all",
]

FETCHERS: Final[dict[str, Fetcher]] = {
    "imgpkgBundle": Fetcher(imgpkg_bundle.resolve, imgpkg_bundle.fetch),
    "image": Fetcher(image.resolve, image.fetch),
    "inline": Fetcher(inline.resolve, inline.fetch),
    "helmChart": Fetcher(helm_chart.resolve, helm_chart.fetch),
    "http": Fetcher(http.resolve, http.fetch),
    "git": Fetcher(git.resolve, git.fetch),
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What all steps gave; digest and version as of their Resolution."""

    contents: Sequence[Content]
    folders: Sequence[str]  # where each of them lands; "" is the top
    digest: str
    version: str | None
    content_most_bytes: int

    @property
    def relocated(self) -> dict[str, str]:
        """References of images -> where they lie in the repository of their bundle; of all steps."""
        return {old: new for content in self.contents for old, new in content.relocated.items()}

    async def files(self, patterns: Sequence[str] | None = None) -> dict[str, bytes]:
        """Path -> content of the regular files that match a glob (`packages/**`), sorted.

        Several steps land in "0/", "1/" ... or in their `path`, and patterns see those paths. Raises
        FetchLimitExceeded.
        """
        return await asyncio.to_thread(self._read, patterns)

    def _read(self, patterns: Sequence[str] | None) -> dict[str, bytes]:
        wanted = matcher(patterns)
        files: dict[str, bytes] = {}
        room = self.content_most_bytes
        for folder, content in zip(self.folders, self.contents, strict=True):
            prefix = f"{folder}/" if folder else ""
            found = content.read(lambda path, prefix=prefix: wanted(prefix + path), room)  # type: ignore[misc]
            room -= sum(map(len, found.values()))
            files.update({prefix + path: data for path, data in found.items()})
        return dict(sorted(files.items()))


async def resolve_all(steps: Sequence[Json], sources: Sources, *, instead: Resolution | None = None) -> Resolution:
    """What the steps stand for now.

    `instead` is what they stood for before: a step whose source gives no answer (SOURCE_ERRORS) keeps its part of it,
    and the result's `trouble` is that error. Errors: InvalidSpec, UnsupportedStep, SecretMissing, those of the ports.
    """
    planned = [_known(step) for step in steps]  # all are checked before the first is asked for
    step_folders(steps)
    parts: list[Resolved] = []
    trouble: Failed | None = None
    for number, (kind, fetcher, stanza) in enumerate(planned):
        try:
            resolved = await fetcher.resolve(stanza, sources)
        except SOURCE_ERRORS as error:
            if instead is None:
                raise
            resolved, trouble = instead.parts[number], trouble or error
        parts.append(replace(resolved, kind=kind))
    return Resolution(parts, trouble)


async def fetch_all(steps: Sequence[Json], sources: Sources, resolution: Resolution) -> Fetched:
    """What `resolve_all` said, for the same steps. Errors as there."""
    planned = zip([_known(step) for step in steps], resolution.parts, strict=True)
    contents = [await fetcher.fetch(stanza, sources, resolved) for (_, fetcher, stanza), resolved in planned]
    return Fetched(contents, step_folders(steps), resolution.digest, resolution.version, sources.content_most_bytes)


def _known(step: Json) -> tuple[str, Fetcher, Json]:
    kinds = [kind for kind, stanza in step.items() if stanza is not None and kind != "path"]
    if len(kinds) != 1:
        raise InvalidSpec(f"a fetch step names exactly one kind of source, not {len(kinds)} ({', '.join(kinds)})")
    fetcher = FETCHERS.get(kinds[0])
    if fetcher is None:
        raise UnsupportedStep(
            f"fetch step {kinds[0]} is not supported by this version of Packhouse; it knows {', '.join(FETCHERS)}"
        )
    stanza = step[kinds[0]]
    if not isinstance(stanza, dict):
        raise InvalidSpec(f"fetch step {kinds[0]} must be a map")
    return kinds[0], fetcher, stanza
