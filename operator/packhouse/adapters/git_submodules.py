"""Which repositories the submodules of a commit come from: its .gitmodules, read within limits.

Called by git_checkout in a thread. A submodule of another host gets no credentials: they were given for one host.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Final

from packhouse.adapters.git_trees import Submodule
from packhouse.adapters.git_urls import GitUrl, submodule_url
from packhouse.api.errors import FetchFailed, FetchLimitExceeded, InvalidSpec
from packhouse.ports import GitAccess

LEVELS_MOST: Final = 5
MODULES_MOST: Final = 100
_FILE: Final = ".gitmodules"
_FILE_MOST: Final = 256 * 1024


def submodule_urls(
    folder: Path, parent: GitUrl, modules: list[Submodule], below: str
) -> list[tuple[Submodule, GitUrl]]:
    """`folder` holds the files of the parent, `below` is where it lies in the whole. Errors: FetchFailed,
    FetchLimitExceeded."""
    if not modules:
        return []
    known = _read(folder / _FILE)
    found = []
    for module in modules:
        path = module.path.removeprefix(f"{below}/") if below else module.path
        if path not in known:
            raise FetchFailed(f"submodule {module.path!r} has no url in {_FILE}")
        try:
            found.append((module, submodule_url(parent, known[path])))
        except InvalidSpec as error:
            raise FetchFailed(f"submodule {module.path!r}: {error.message}") from error
    return found


def access_for(url: GitUrl, parent: GitUrl, access: GitAccess) -> GitAccess:
    """The same access for the same host; for another one nobody is named."""
    if url.origin == parent.origin:
        return access
    return replace(access, access=replace(access.access, credentials=()), ssh_key="", source="")


def _read(path: Path) -> dict[str, str]:
    from dulwich.config import ConfigFile, parse_submodules

    if path.is_symlink() or not path.is_file():
        raise FetchFailed(f"there are submodules and no file {_FILE}")
    if path.stat().st_size > _FILE_MOST:
        raise FetchLimitExceeded(f"{_FILE} has more than {_FILE_MOST} bytes")
    try:
        config = ConfigFile.from_file(io.BytesIO(path.read_bytes()))
        return {place.decode(): url.decode() for place, url, _ in parse_submodules(config)}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FetchFailed(f"{_FILE} cannot be read") from error
