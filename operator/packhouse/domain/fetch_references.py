"""Which Secrets and ConfigMaps the fetch steps of a spec name. Pure; the API server has checked their form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packhouse.domain.step_references import Named, referred
from packhouse.ports import Json


def fetch_references(steps: Sequence[Json]) -> list[Named]:
    """Each once, in the order of their names."""
    return sorted({named for source in _sources(steps) if (named := referred(source)) is not None})


def _sources(steps: Sequence[Json]) -> Iterator[Json]:
    for step in steps:
        for stanza in step.values():
            if not isinstance(stanza, dict):
                continue
            yield stanza
            repository = stanza.get("repository")  # of a chart
            if isinstance(repository, dict):
                yield repository
            yield from stanza.get("pathsFrom") or ()
