"""Fetch step `inline`: files that stand in the spec itself, or in Secrets and ConfigMaps that it names."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from packhouse.api.errors import InvalidSpec
from packhouse.fetch.folders import plain_path
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.ports import Json

_REFERENCES: Final = ("secretRef", "configMapRef")


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    return Resolved(_digest(await _files(stanza, sources)))


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    files = await _files(stanza, sources)
    return Content(_digest(files), inline=files)


async def _files(stanza: Json, sources: Sources) -> dict[str, bytes]:
    """Of a path that occurs twice the last content counts: paths first, then pathsFrom in their order."""
    check_fields(stanza, "inline", ("paths", "pathsFrom"))
    paths, paths_from = stanza.get("paths") or {}, stanza.get("pathsFrom") or []
    if not isinstance(paths, dict) or not isinstance(paths_from, list) or not (paths or paths_from):
        raise InvalidSpec(
            "fetch step inline: expected paths (a map of path to content) or pathsFrom (a list) that is not empty"
        )
    files: dict[str, bytes] = {}
    for path, content in paths.items():
        if not isinstance(content, str):
            raise InvalidSpec(f"fetch step inline: the content of {path!r} must be a text")
        files[_checked(path)] = content.encode()
    for number, item in enumerate(paths_from):
        files |= await _from(item, f"inline, pathsFrom[{number}]", sources)
    return dict(sorted(files.items()))


async def _from(item: Any, words: str, sources: Sources) -> dict[str, bytes]:
    """The keys of one Secret or ConfigMap, below its directoryPath."""
    kinds = [kind for kind in _REFERENCES if isinstance(item, dict) and item.get(kind) is not None]
    if len(kinds) != 1 or not isinstance(item[kinds[0]], dict):
        raise InvalidSpec(f"fetch step {words} needs exactly one of {' and '.join(_REFERENCES)}, a map with a name")
    check_fields(item, words, _REFERENCES)
    reference: Json = item[kinds[0]]
    check_fields(reference, f"{words}.{kinds[0]}", ("name", "directoryPath"))
    name = text_field(reference, f"{words}.{kinds[0]}", "name")
    folder = plain_path(reference.get("directoryPath") or "", f"fetch step {words}: directoryPath")
    read: Callable[[str], Awaitable[Json]] = sources.secret if kinds[0] == "secretRef" else sources.config_map
    found = await read(name)
    data = found.get("data") or {}
    contents = {key: _decoded(text) for key, text in data.items()} if kinds[0] == "secretRef" else _texts(found)
    return {_checked(f"{folder}/{key}" if folder else key): content for key, content in sorted(contents.items())}


def _texts(config_map: Json) -> dict[str, bytes]:
    texts = {key: str(text).encode() for key, text in (config_map.get("data") or {}).items()}
    return texts | {key: _decoded(text) for key, text in (config_map.get("binaryData") or {}).items()}


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:  # an API server gives no such thing
        return b""


def _checked(path: Any) -> str:
    parts = path.split("/") if isinstance(path, str) else [""]
    if "\0" in str(path) or {"", ".", ".."} & set(parts):
        raise InvalidSpec(f"fetch step inline: {path!r} is no path below the fetched folder")
    return str(path)


def _digest(files: dict[str, bytes]) -> str:
    hashed = hashlib.sha256()
    for path, content in files.items():
        for part in (path.encode(), content):
            hashed.update(b"%d:" % len(part) + part)
    return f"sha256:{hashed.hexdigest()}"
