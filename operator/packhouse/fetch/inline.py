"""Fetch step `inline`: files that stand in the spec itself."""

from __future__ import annotations

import hashlib

from packhouse.api.errors import InvalidSpec, UnsupportedStep
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields
from packhouse.ports import Json


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    return Resolved(_digest(_files(stanza)))


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    files = _files(stanza)
    return Content(_digest(files), inline=files)


def _files(stanza: Json) -> dict[str, bytes]:
    if stanza.get("pathsFrom"):
        raise UnsupportedStep("fetch step inline: pathsFrom is not supported by this version; put the files in paths")
    check_fields(stanza, "inline", ("paths", "pathsFrom"))
    paths = stanza.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise InvalidSpec("fetch step inline: paths must be a map of path to content that is not empty")
    for path, content in paths.items():
        parts = path.split("/")
        if not path or path.startswith("/") or "\0" in path or {"", ".", ".."} & set(parts):
            raise InvalidSpec(f"fetch step inline: {path!r} is no path below the fetched folder")
        if not isinstance(content, str):
            raise InvalidSpec(f"fetch step inline: the content of {path!r} must be a text")
    return {path: content.encode() for path, content in sorted(paths.items())}


def _digest(files: dict[str, bytes]) -> str:
    hashed = hashlib.sha256()
    for path, content in files.items():
        for part in (path.encode(), content):
            hashed.update(b"%d:" % len(part) + part)
    return f"sha256:{hashed.hexdigest()}"
