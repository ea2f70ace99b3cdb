"""Names of entries that strangers chose: what may become a path below the target folder, and which two are the same.

Called by unpack for archives, layers and git trees alike. Pure; it never looks at a disk.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from packhouse.api.errors import FetchLimitExceeded

NAME_MOST: Final = 255  # bytes; what file systems take
PATH_MOST: Final = 1024
DEPTH_MOST: Final = 64
_SHOWN: Final = 80


def checked_path(name: str) -> str:
    """`name` without "./" and a slash at its end; "" is the root itself. Raises FetchLimitExceeded."""
    if name.startswith("/"):
        raise FetchLimitExceeded(f"the path {name[:_SHOWN]!r} is absolute")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FetchLimitExceeded(f"the path {name[:_SHOWN]!r} climbs out by ..")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise FetchLimitExceeded(f"the path {name[:_SHOWN]!r} is not UTF-8") from None
    if len(parts) > DEPTH_MOST:
        raise FetchLimitExceeded(f"the path {name[:_SHOWN]!r}... is more than {DEPTH_MOST} folders deep")
    if "\0" in name or any(size > NAME_MOST for size in sizes) or sum(sizes) + len(sizes) > PATH_MOST:
        raise FetchLimitExceeded(f"the path {name[:_SHOWN]!r}... is too long or holds a NUL")
    return "/".join(parts)


def folded(path: str) -> str:
    """The same for two paths that a file system which folds case, or normalises Unicode, holds for one."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
