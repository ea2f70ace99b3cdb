"""Stage 1: fetch. One file per kind of source; FETCHERS is the table, a new source is one file and one line.

Called by reconcile/ with the fetch steps of a spec and a `Sources`. It talks to the outside through ports only and
writes nothing to the cluster. adapters/oras_registry.py uses unpack, cache and manifest of this folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.api.errors import InvalidSpec, UnsupportedStep
from packhouse.fetch import image, imgpkg_bundle, inline
from packhouse.fetch.credentials import Keyring
from packhouse.fetch.sources import Content, Fetcher, Origins, Resolved, Sources, combined_digest, matcher
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
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What all steps stand for, in their order. `digest` is that of the only step, or one over all."""

    parts: Sequence[Resolved]

    @property
    def digest(self) -> str:
        return combined_digest([part.digest for part in self.parts])

    @property
    def version(self) -> str | None:
        """The first that there is."""
        return next((part.version for part in self.parts if part.version is not None), None)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What all steps gave; digest and version as of their Resolution."""

    contents: Sequence[Content]
    digest: str
    version: str | None
    content_most_bytes: int

    async def files(self, patterns: Sequence[str] | None = None) -> dict[str, bytes]:
        """Path -> content of the regular files that match a glob (`packages/**`), sorted.

        Several steps land in "0/", "1/" ... and patterns see those paths. Raises FetchLimitExceeded.
        """
        return await asyncio.to_thread(self._read, patterns)

    def _read(self, patterns: Sequence[str] | None) -> dict[str, bytes]:
        wanted, several = matcher(patterns), len(self.contents) > 1
        files: dict[str, bytes] = {}
        room = self.content_most_bytes
        for number, content in enumerate(self.contents):
            prefix = f"{number}/" if several else ""
            found = content.read(lambda path, prefix=prefix: wanted(prefix + path), room)  # type: ignore[misc]
            room -= sum(map(len, found.values()))
            files.update({prefix + path: data for path, data in found.items()})
        return dict(sorted(files.items()))


async def resolve_all(steps: Sequence[Json], sources: Sources) -> Resolution:
    """Errors: InvalidSpec, UnsupportedStep, SecretMissing, and those of the ports."""
    planned = [_known(step) for step in steps]  # all are checked before the first is asked for
    return Resolution([await fetcher.resolve(stanza, sources) for fetcher, stanza in planned])


async def fetch_all(steps: Sequence[Json], sources: Sources, resolution: Resolution) -> Fetched:
    """What `resolve_all` said, for the same steps. Errors as there."""
    planned = zip([_known(step) for step in steps], resolution.parts, strict=True)
    contents = [await fetcher.fetch(stanza, sources, resolved) for (fetcher, stanza), resolved in planned]
    return Fetched(contents, resolution.digest, resolution.version, sources.content_most_bytes)


def _known(step: Json) -> tuple[Fetcher, Any]:
    kinds = [kind for kind, stanza in step.items() if stanza is not None]
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
    return fetcher, stanza
