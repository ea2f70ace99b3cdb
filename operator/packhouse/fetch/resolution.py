"""What the steps of a fetch stood for at one time, and how status.fetch.sources records it.

Called by fetch/ and by reconcile/, which keeps the last Resolution in status: what was installed can be rendered again
from the cache while a source is away. A record is only a text that somebody wrote: what does not fit is no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from packhouse.api.errors import Failed
from packhouse.fetch.sources import Resolved, combined_digest
from packhouse.ports import Json


@dataclass(frozen=True, slots=True)
class Resolution:
    """What all steps stand for, in their order. `digest` is that of the only step, or one over all."""

    parts: Sequence[Resolved]
    #: Why some parts are those of an earlier Resolution: their source gave no answer. None: all were asked.
    trouble: Failed | None = field(default=None, compare=False)

    @property
    def digest(self) -> str:
        return combined_digest([part.digest for part in self.parts])

    @property
    def version(self) -> str | None:
        """The first that there is."""
        return next((part.version for part in self.parts if part.version is not None), None)

    def to_wire(self) -> list[Json]:
        """The entries of status.fetch.sources; what is not there is left out."""
        return [_entry(part) for part in self.parts]

    @classmethod
    def from_wire(cls, wire: object, steps: Sequence[Json]) -> Resolution | None:
        """The Resolution that `to_wire` recorded for these steps; None where it cannot be theirs (number or kinds).

        Whether the steps are those of that time, the caller must know: a source's own words may have changed.
        """
        if not isinstance(wire, list) or len(wire) != len(steps):
            return None
        parts = [_part(entry) for entry in wire]
        found = [part for part in parts if part is not None]
        if len(found) != len(steps) or not all(
            step.get(part.kind) is not None for part, step in zip(found, steps, strict=True)
        ):
            return None
        return cls(found)


def _entry(part: Resolved) -> Json:
    fields = {
        "kind": part.kind,
        "source": part.source,
        "digest": part.digest,
        "version": part.version,
        "verifiedBy": part.verified_by,
    }
    return {name: value for name, value in fields.items() if value}


def _part(entry: object) -> Resolved | None:
    if not isinstance(entry, dict):
        return None
    values = {name: entry.get(name, "") for name in ("kind", "source", "digest", "version", "verifiedBy")}
    if not all(isinstance(value, str) for value in values.values()) or not values["kind"] or not values["digest"]:
        return None
    return Resolved(
        digest=values["digest"],
        version=values["version"] or None,
        source=values["source"],
        verified_by=values["verifiedBy"],
        kind=values["kind"],
    )
