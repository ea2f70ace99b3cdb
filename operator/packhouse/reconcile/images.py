"""References that a kbld step with `resolve` asks about: what registries say of them, and what they said before.

The renderer has no network; it answers with its questions, and is asked again with the answers. While a registry is
away, what it said last (status.template.images) stands in, as it does for sources.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from packhouse.api.errors import SOURCE_ERRORS, Failed, InvalidSpec
from packhouse.domain.references import read_reference
from packhouse.fetch import Sources
from packhouse.fetch.access import registry_access
from packhouse.fetch.tags import choose_tag
from packhouse.ports import FoundImage, ImageAsk, Json

_PARALLEL: Final = 4

Images = Mapping[ImageAsk, FoundImage]


@dataclass(slots=True)
class Answers:
    """All that was asked for one install, and the first trouble of a registry that an older answer stood in for."""

    found: dict[ImageAsk, FoundImage] = field(default_factory=dict)
    trouble: Failed | None = None

    def to_wire(self) -> list[Json]:
        """The entries of status.template.images."""
        return [
            {"image": ask.image, "url": found.url}
            | ({"tagSelection": ask.selection} if ask.selection else {})
            | ({"tag": found.tag} if found.tag else {})
            for ask, found in sorted(self.found.items(), key=lambda pair: (pair[0].image, pair[0].selection))
        ]


def resolves(steps: Sequence[Json]) -> bool:
    """Whether a step may ask registries."""
    return any((step.get("kbld") or {}).get("resolve") is True for step in steps)


def recorded(wire: object) -> Images:
    """What status records; whatever has another form is no record."""
    entries = wire if isinstance(wire, list) else []
    return {
        ImageAsk(entry["image"], entry.get("tagSelection", "")): FoundImage(entry["url"], entry.get("tag", ""))
        for entry in entries
        if isinstance(entry, dict)
        and all(isinstance(entry.get(key, ""), str) for key in ("image", "url", "tag"))
        and entry.get("image")
        and entry.get("url")
        and isinstance(entry.get("tagSelection", ""), str)
    }


async def ask(
    asks: Sequence[ImageAsk], steps: Sequence[Json], sources: Sources, before: Images, answers: Answers
) -> None:
    """Adds what registries say to `answers`; where one is away, what `before` holds. `steps`: those of the fetch.

    Raises what the registry raises, SOURCE_ERRORS where nothing stands in; NoMatchingVersion, InvalidConstraint.
    """
    free = asyncio.Semaphore(_PARALLEL)
    stanzas = _by_host(steps)

    async def one(wanted: ImageAsk) -> None:
        async with free:
            try:
                answers.found[wanted] = await _resolved(wanted, stanzas, sources)
            except SOURCE_ERRORS as error:
                if wanted not in before:
                    raise
                answers.found[wanted] = before[wanted]
                answers.trouble = answers.trouble or error

    for result in await asyncio.gather(*map(one, asks), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _by_host(steps: Sequence[Json]) -> Mapping[str, Json]:
    """The fetch stanzas with a Secret of their own, by the registry that it is for: no other one is shown it, whoever
    wrote the references."""
    found: dict[str, Json] = {}
    for step in steps:
        for kind, place in (("imgpkgBundle", "image"), ("image", "url")):
            stanza = step.get(kind)
            if isinstance(stanza, dict) and stanza.get("secretRef") and isinstance(stanza.get(place), str):
                found.setdefault(read_reference(stanza[place]).host, stanza)
    return found


async def _resolved(wanted: ImageAsk, stanzas: Mapping[str, Json], sources: Sources) -> FoundImage:
    reference = read_reference(wanted.image)
    if reference.is_layout:
        raise InvalidSpec(f"template step kbld: {wanted.image!r} is on the operator's disk, and no node can pull it")
    access = await registry_access(reference.repository, stanzas.get(reference.host, {}), "kbld", sources)
    if wanted.selection:
        tag = await choose_tag(reference, _selection(wanted), "kbld", access, sources)
        reference = replace(reference, tag=tag, digest=None)
    digest = await sources.origins.registry.resolve(str(reference), access, fresh_seconds=sources.fresh_seconds)
    return FoundImage(reference.pinned(digest), reference.tag or "")


def _selection(wanted: ImageAsk) -> Any:
    try:
        return json.loads(wanted.selection)
    except (ValueError, RecursionError):
        raise InvalidSpec(f"template step kbld: the tagSelection of {wanted.image!r} cannot be read") from None
