"""Fetch step `imgpkgBundle`: the folder that an imgpkg bundle holds, with its lock of images (.imgpkg/images.yml).

Where all images of the lock lie in the bundle's own repository, as after a copy, the lock says so. An image without a
lock is taken as it is: imgpkg would refuse it, and nothing here depends on it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from packhouse.fetch.folders import kept, sub_path_of
from packhouse.fetch.image import Image
from packhouse.fetch.locations import located, lock_of
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.ports import Json

_KIND: Final = "imgpkgBundle"
_KNOWN: Final = ("image", "secretRef", "subPath", "tagSelection")


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    sub_path_of(stanza, _KIND)
    return await (await _image(stanza, sources)).resolve(sources)


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    image = await _image(stanza, sources)
    whole = await image.pull(sources, resolved)
    content = await located(whole, image.reference.at(resolved.digest), image.access, sources)
    sub_path = sub_path_of(stanza, _KIND)
    if not sub_path:
        return content
    folder = await kept(content, sub_path, f"fetch step {_KIND}: {stanza['image']}")
    # the step kbld looks for the lock at the top, whichever folder that is
    return replace(folder, inline=await asyncio.to_thread(lock_of, content))


async def _image(stanza: Json, sources: Sources) -> Image:
    check_fields(stanza, _KIND, _KNOWN)
    return await Image.of(text_field(stanza, _KIND, "image"), stanza, _KIND, sources)
