"""Fetch step `imgpkgBundle`: the folder that an imgpkg bundle holds, with its .imgpkg/images.yml."""

from __future__ import annotations

from typing import Final

from packhouse.fetch import image
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.ports import Json

_KIND: Final = "imgpkgBundle"
_KNOWN: Final = ("image", "secretRef", "tagSelection")


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    return await image.resolve_image(_checked(stanza), stanza, _KIND, sources)


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    return await image.pull(_checked(stanza), stanza, _KIND, sources, resolved)


def _checked(stanza: Json) -> str:
    check_fields(stanza, _KIND, _KNOWN)
    image.refuse_tag_selection(stanza, _KIND)
    return text_field(stanza, _KIND, "image")
