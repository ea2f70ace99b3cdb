"""Where files come to lie: the folder of a step among others (`path`), the folder of a source that is kept (`subPath`).

Called by fetch/ and its steps. A path stays below the folder that it is relative to, or it is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.fetch.sources import Content
from packhouse.ports import Json


def plain_path(value: Any, words: str) -> str:
    """A relative path without `.` and empty parts; "" for the top. InvalidSpec where it leads out, or is no text."""
    if not isinstance(value, str) or value.startswith("/") or "\0" in value or ".." in value.split("/"):
        raise InvalidSpec(f"{words} {value!r} must be a relative path without ..")
    return "/".join(part for part in value.split("/") if part not in ("", "."))


def step_folders(steps: Sequence[Json]) -> list[str]:
    """The folder of each step: its `path`, else the top for an only one, else its number. "" is the top.

    InvalidSpec where the folder of one step lies within another's: which file is whose would be chance.
    """
    several = len(steps) > 1
    folders = []
    for number, step in enumerate(steps):
        path = step.get("path")
        if path:
            folders.append(plain_path(path, f"fetch step {number + 1}: path"))
        else:
            folders.append(str(number) if several else "")
    for number, folder in enumerate(folders):
        for other, wider in enumerate(folders):
            if number != other and (not wider or folder == wider or folder.startswith(f"{wider}/")):
                raise InvalidSpec(
                    f"fetch step {number + 1} lands in {folder or '.'!r}, within the folder {wider or '.'!r} of step "
                    f"{other + 1}: give them paths apart"
                )
    return folders


def sub_path_of(stanza: Json, kind: str) -> str:
    """The stanza's subPath, "" for all of it."""
    return plain_path(stanza.get("subPath") or "", f"fetch step {kind}: subPath")


async def kept(content: Content, sub_path: str, words: str) -> Content:
    """The content with that folder of its tree as the top. `words` name the source. FetchFailed where there is none."""
    if not sub_path or content.root is None:
        return content
    root = content.root / sub_path
    if not await asyncio.to_thread(_is_folder_below, root, content.root):
        raise FetchFailed(f"{words} holds no folder {sub_path!r} (subPath)")
    return replace(content, root=root)


def _is_folder_below(folder: Path, top: Path) -> bool:
    return not folder.is_symlink() and folder.is_dir() and folder.resolve().is_relative_to(top.resolve())
