"""Makes archives, layers and git packs of entries that an honest tool would not write, for the tests of unpacking.

An entry is (kind, name, content or target). `FORMATS` makes the same entries into each form, and `unpack` reads a form
as the operator does.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import struct
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from packhouse.adapters.git_pack import Pack, PackLimits
from packhouse.adapters.git_trees import commit_of, write_files
from packhouse.fetch.archives import unpack_file
from packhouse.fetch.unpack import Limits, Record, Unpacker

FILE, FOLDER, LINK, HARD = "file", "folder", "link", "hard"
PIPE, CHARACTERS, BLOCKS, SETUID = "pipe", "characters", "blocks", "setuid"

#: kind, name, content (of a file) or target (of a link)
Entry = tuple[str, str, str]
WIDE: Final = Limits(64 * 1024 * 1024, 1000)

_TAR: Final = {
    FILE: (tarfile.REGTYPE, 0o644),
    SETUID: (tarfile.REGTYPE, 0o6755),
    FOLDER: (tarfile.DIRTYPE, 0o755),
    LINK: (tarfile.SYMTYPE, 0o777),
    HARD: (tarfile.LNKTYPE, 0o644),
    PIPE: (tarfile.FIFOTYPE, 0o644),
    CHARACTERS: (tarfile.CHRTYPE, 0o644),
    BLOCKS: (tarfile.BLKTYPE, 0o644),
}
_MODES: Final = {
    FILE: 0o100644,
    SETUID: 0o106755,
    FOLDER: 0o040755,
    LINK: 0o120777,
    PIPE: stat.S_IFIFO | 0o644,
    CHARACTERS: stat.S_IFCHR | 0o644,
    BLOCKS: stat.S_IFBLK | 0o644,
}


def tar(entries: Iterable[Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made:
        for kind, name, content in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mode = _TAR[kind]
            data = b""
            if "\0" in name:
                info.name, info.pax_headers = "x", {"path": name}
            if kind in (LINK, HARD):
                info.linkname = content
            else:
                data = content.encode()
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tgz(entries: Iterable[Entry]) -> bytes:
    return gzip.compress(tar(entries), 1)


def zip_(entries: Iterable[Entry]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of names that come twice
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            for kind, name, content in entries:
                info = zipfile.ZipInfo(name.replace("\0", "?") + ("/" if kind == FOLDER else ""))
                info.create_system = 3
                info.external_attr = _MODES[kind] << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(info, content.encode())
    packed = buffer.getvalue()
    for _, name, _ in entries if isinstance(entries, Sequence) else ():
        if "\0" in name:
            packed = packed.replace(name.replace("\0", "?").encode(), name.encode())
    return packed


# ---- git -------------------------------------------------------------------------------------------------

COMMIT_KIND, TREE_KIND, BLOB_KIND, TAG_KIND, OFFSET_DELTA, ID_DELTA = 1, 2, 3, 4, 6, 7
_WORDS: Final = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}


def git_id(kind: int, content: bytes) -> str:
    return hashlib.sha1(b"%s %d\0" % (_WORDS[kind], len(content)) + content).hexdigest()


class Objects:
    """What a pack is made of, in the order in which it was added."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._packed: list[bytes] = []

    def add(self, kind: int, content: bytes) -> str:
        id_ = git_id(kind, content)
        if id_ not in self._known:
            self._known.add(id_)
            self._packed.append(packed_object(kind, content))
        return id_

    def tree(self, entries: Iterable[tuple[int, bytes, str]]) -> str:
        content = b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(id_)) for mode, name, id_ in entries)
        return self.add(TREE_KIND, content)

    def commit(self, tree: str) -> str:
        return self.add(COMMIT_KIND, f"tree {tree}\nauthor a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n".encode())

    def pack(self, more: Iterable[bytes] = ()) -> bytes:
        return pack([*self._packed, *more])


def packed_object(kind: int, content: bytes, *, size: int | None = None, base: bytes = b"") -> bytes:
    """`size`: what the header says; `base`: what stands between header and content of a delta."""
    size = len(content) if size is None else size
    header, size = bytearray([kind << 4 | size & 15]), size >> 4
    while size:
        header[-1] |= 0x80
        header.append(size & 0x7F)
        size >>= 7
    return bytes(header) + base + zlib.compress(content, 1)


def pack(objects: Sequence[bytes], *, count: int | None = None) -> bytes:
    body = b"PACK" + struct.pack(">II", 2, len(objects) if count is None else count) + b"".join(objects)
    return body + hashlib.sha1(body).digest()


class _Folder:
    def __init__(self) -> None:
        self.rows: list[tuple[int, bytes, str]] = []
        self.folders: dict[str, _Folder] = {}

    def below(self, parts: Iterable[str]) -> _Folder:
        folder = self
        for part in parts:
            folder = folder.folders.setdefault(part, _Folder())
        return folder

    def made(self, objects: Objects) -> str:
        folders = [(_MODES[FOLDER], _bytes(name), folder.made(objects)) for name, folder in self.folders.items()]
        return objects.tree([*self.rows, *folders])


def git(entries: Iterable[Entry]) -> tuple[bytes, str]:
    """A pack and its commit. A name that is no plain path stands in the top tree just as it is."""
    objects, top = Objects(), _Folder()
    for kind, name, content in entries:
        parts = name.split("/")
        strange = bool({"", ".", ".."} & set(parts))
        if kind == FOLDER and not strange:
            top.below(parts)
            continue
        made = objects.tree([]) if kind == FOLDER else objects.add(BLOB_KIND, content.encode())
        folder, last = (top, name) if strange else (top.below(parts[:-1]), parts[-1])
        folder.rows.append((_MODES[kind], _bytes(last), made))
    commit = objects.commit(top.made(objects))
    return objects.pack(), commit


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


# ---- reading them ----------------------------------------------------------------------------------------


def unpack_layers(root: Path, *layers: bytes, limits: Limits = WIDE) -> list[Record]:
    unpacker = Unpacker(root, limits)
    for layer in layers:
        unpacker.tar(io.BytesIO(layer), gzipped=False)
    return unpacker.finish()


def unpack_archive(root: Path, packed: bytes, limits: Limits = WIDE) -> list[Record]:
    unpacker = Unpacker(root, limits)
    unpack_file(io.BytesIO(packed), "plain", unpacker)
    return unpacker.finish()


def pack_limits(limits: Limits) -> PackLimits:
    return PackLimits(3 * limits.files_most, limits.unpacked_most_bytes, limits.unpacked_most_bytes)


def unpack_git(root: Path, packed: bytes, commit: str, limits: Limits = WIDE) -> list[Record]:
    unpacker = Unpacker(root, limits)
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.flush()
        with Pack(file, pack_limits(limits)) as read:
            unpacker.begin()
            write_files(read, commit_of(read, commit), unpacker)
    return unpacker.finish()


def _git(root: Path, entries: Sequence[Entry], limits: Limits) -> list[Record]:
    packed, commit = git(entries)
    return unpack_git(root, packed, commit, limits)


#: What makes the entries into a form and unpacks it.
FORMATS: Final[dict[str, Callable[[Path, Sequence[Entry], Limits], list[Record]]]] = {
    "layer": lambda root, entries, limits: unpack_layers(root, tar(entries), limits=limits),
    "tgz": lambda root, entries, limits: unpack_archive(root, tgz(entries), limits),
    "zip": lambda root, entries, limits: unpack_archive(root, zip_(entries), limits),
    "git": _git,
}
