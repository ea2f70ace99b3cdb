"""Fetch step `image`: all layers of an OCI image, or a folder of them.

Its door to the registry is used by `imgpkgBundle`, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from packhouse.api.errors import FetchFailed, InvalidSpec, UnsupportedStep
from packhouse.domain.references import read_reference
from packhouse.fetch.access import registry_access
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.ports import Json

_KNOWN: Final = ("url", "secretRef", "subPath", "tagSelection")


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    return await resolve_image(_checked(stanza), stanza, "image", sources)


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    url = _checked(stanza)
    sub_path = stanza.get("subPath", "")
    if not isinstance(sub_path, str) or sub_path.startswith("/") or ".." in PurePosixPath(sub_path).parts:
        raise InvalidSpec(f"fetch step image: subPath {sub_path!r} must be a path below the image's root")
    content = await pull(url, stanza, "image", sources, resolved)
    if not sub_path or content.root is None:
        return content
    root = content.root / sub_path
    if root.is_symlink() or not root.is_dir():
        raise FetchFailed(f"{url}: the image has no folder {sub_path!r} (subPath)")
    return replace(content, root=root)


async def resolve_image(image: str, stanza: Json, kind: str, sources: Sources) -> Resolved:
    reference = read_reference(image)
    access = await registry_access(reference.repository, stanza, kind, sources)
    digest = await sources.origins.registry.resolve(image, access, fresh_seconds=sources.fresh_seconds)
    return Resolved(digest, reference.tag, str(reference.at(digest)))


async def pull(image: str, stanza: Json, kind: str, sources: Sources, resolved: Resolved) -> Content:
    """The whole tree of what `image` was resolved to."""
    reference = read_reference(image)
    access = await registry_access(reference.repository, stanza, kind, sources)
    tree = await sources.origins.registry.pull(str(reference.at(resolved.digest)), access)
    return Content(tree.digest, resolved.version, tree.root)


def refuse_tag_selection(stanza: Json, kind: str) -> None:
    if stanza.get("tagSelection") is not None:
        raise UnsupportedStep(
            f"fetch step {kind}: tagSelection is not supported by this version; name a tag or a digest in the reference"
        )


def _checked(stanza: Json) -> str:
    check_fields(stanza, "image", _KNOWN)
    refuse_tag_selection(stanza, "image")
    return text_field(stanza, "image", "url")
