"""Writes the files of a commit: trees are read from a pack, every entry goes through the Unpacker and its rules.

Called by git_servers in a thread. No .git is written, no filter is run, no link is followed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from packhouse.adapters.git_pack import Pack
from packhouse.api.errors import FetchFailed, FetchLimitExceeded
from packhouse.fetch.unpack import Unpacker

_TREE: Final = 0o040000
_LINK: Final = 0o120000
_COMMIT: Final = 0o160000
_FILE: Final = 0o100000
_TYPE: Final = 0o170000
_TAGS_MOST: Final = 10
_LINK_MOST: Final = 1024
#: Characters that some file systems pass over: ".g\u200cit" is ".git" there.
_UNSEEN: Final = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


@dataclass(frozen=True, slots=True)
class Submodule:
    """A place in a tree that holds a commit of another repository."""

    path: str
    commit: str


def commit_of(pack: Pack, id_: str) -> str:
    """`id_`, or the commit that a tag of that id leads to."""
    for _ in range(_TAGS_MOST):
        kind, content = pack.read(id_)
        if kind == b"commit":
            return id_
        if kind != b"tag":
            raise FetchFailed(f"{id_} is a {kind.decode()} and no commit")
        id_ = _field(content, b"object", id_)
    raise FetchFailed(f"{id_} is a tag of tags without an end")


def write_files(
    pack: Pack, commit: str, unpacker: Unpacker, *, below: str = "", check: Callable[[], None] = lambda: None
) -> list[Submodule]:
    """All files of `commit` (no tag), in the folder `below`. Gives the submodules, whose folders are empty.

    Errors: FetchFailed, FetchLimitExceeded, OSError.
    """
    kind, content = pack.read(commit)
    if kind != b"commit":
        raise FetchFailed(f"{commit} is a {kind.decode()} and no commit")
    found: list[Submodule] = []
    waiting = [(below, _field(content, b"tree", commit))]
    while waiting:
        check()
        folder, tree = waiting.pop()
        kind, content = pack.read(tree)
        if kind != b"tree":
            raise FetchFailed(f"{tree} is a {kind.decode()} and no tree")
        for mode, name, id_ in _entries(content):
            path = f"{folder}/{name}" if folder else name
            kind_of_entry = mode & _TYPE
            if kind_of_entry == _TREE:
                unpacker.add_folder(path)
                waiting.append((path, id_))
            elif kind_of_entry == _COMMIT:
                unpacker.add_folder(path)
                found.append(Submodule(path, id_))
            else:
                _write(pack, mode, path, id_, unpacker)
    return found


def _write(pack: Pack, mode: int, path: str, id_: str, unpacker: Unpacker) -> None:
    kind, content = pack.read(id_)
    if kind != b"blob":
        raise FetchFailed(f"{id_} ({path!r}) is a {kind.decode()} and no file")
    if mode & _TYPE == _LINK:
        if len(content) > _LINK_MOST:
            raise FetchLimitExceeded(f"the target of link {path!r} has {len(content)} bytes")
        unpacker.spend(len(content))
        try:
            target = content.decode()
        except UnicodeDecodeError:
            raise FetchLimitExceeded(f"the target of link {path!r} is not UTF-8") from None
        unpacker.add_link(path, target)
    elif mode & _TYPE == _FILE:
        unpacker.add_file(path, io.BytesIO(content), executable=bool(mode & 0o100))
    else:
        raise FetchLimitExceeded(f"{path!r} is neither a file, a folder nor a link (mode {mode:o})")


def _field(content: bytes, name: bytes, id_: str) -> str:
    """The id in the first line of a commit or a tag."""
    word, _, value = content.partition(b"\n")[0].partition(b" ")
    if word != name or len(value) != 40 or not set(value) <= set(b"0123456789abcdef"):
        raise FetchFailed(f"object {id_} has no {name.decode()} in its first line")
    return value.decode()


def _entries(content: bytes) -> list[tuple[int, str, str]]:
    """Mode, name and id of each entry of a tree."""
    entries, at = [], 0
    while at < len(content):
        blank, end = content.find(b" ", at, at + 8), content.find(b"\0", at)
        if blank == -1 or end < blank or end + 21 > len(content):
            raise FetchFailed("a tree of the repository cannot be read")
        try:
            mode, name = int(content[at:blank], 8), content[blank + 1 : end].decode()
        except ValueError:
            shown = content[blank + 1 : end][:80]
            raise FetchLimitExceeded(f"the name {shown!r} of a tree is not UTF-8, or its mode no number") from None
        _check_name(name)
        entries.append((mode, name, content[end + 1 : end + 21].hex()))
        at = end + 21
    return entries


def _check_name(name: str) -> None:
    if name in ("", ".", "..") or "/" in name:
        raise FetchLimitExceeded(f"the name {name[:80]!r} in a tree of the repository is no file name")
    bare = name.translate(_UNSEEN).casefold().partition(":")[0].rstrip(". ")
    if bare in (".git", "git~1"):
        raise FetchLimitExceeded(f"the name {name[:80]!r} in a tree of the repository stands for .git")
