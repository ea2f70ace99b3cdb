"""A downloaded file becomes a folder: a tar (plain, gzip, bzip2, xz) or a zip is unpacked, anything else stays a file.

Called by the adapter of downloads in a thread. The content decides what it is, never its name or a header of the
server's. Zip files are read through zipfile's directory, whose size is looked at before it is read; what it names is
written by the Unpacker, with its rules.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from typing import BinaryIO, Final, cast

from packhouse.api.errors import FetchFailed, FetchLimitExceeded
from packhouse.fetch.tar_headers import BROKEN, inflated
from packhouse.fetch.unpack import Unpacker

_MARKS: Final = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_DIRECTORY_MOST: Final = 64 * 1024 * 1024
_LOCAL_HEADER: Final = 30  # bytes, and at least these
_BLOCK: Final = 512
_BROKEN_ZIP: Final = (*BROKEN, zipfile.BadZipFile, struct.error, NotImplementedError, RuntimeError)


def unpack_file(source: BinaryIO, name: str, unpacker: Unpacker, *, archive: bool | None = None) -> bool:
    """Whether it was an archive. `source` can be sought in; `name` is what a plain file is called.

    `archive`: True refuses what is none, False unpacks nothing. Errors: those of Unpacker.
    """
    kind = None if archive is False else _kind(source)
    source.seek(0)
    if kind == "zip":
        unpack_zip(source, unpacker)
    elif kind is not None:
        unpacker.archive(source, kind)
    elif archive:
        raise FetchFailed("it is no archive: tar (plain, gzip, bzip2, xz) and zip are read")
    else:
        unpacker.file(name, source)
    return kind is not None


def _kind(source: BinaryIO) -> str | None:
    """zip, or the compression of a tar ("" for none); None for what is no archive."""
    source.seek(0)
    start = source.read(_BLOCK)
    if start.startswith(_ZIP):
        return "zip"
    if _is_tar(start):
        return ""
    compression = next((word for mark, word in _MARKS.items() if start.startswith(mark)), None)
    if compression is None:
        return None
    source.seek(0)
    try:
        return compression if _is_tar(_first_block(inflated(source, compression))) else None
    except BROKEN:
        return None


def _first_block(source: BinaryIO) -> bytes:
    block = b""
    while len(block) < _BLOCK and (more := source.read(_BLOCK - len(block))):
        block += more
    return block


def _is_tar(block: bytes) -> bool:
    """By the checksum of its first header: old archives have no other mark."""
    if len(block) < _BLOCK or not block[0]:
        return False
    try:
        wanted = int(block[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in rest)
    return wanted in (sum(rest), signed)


# ---- zip -------------------------------------------------------------------------------------------------


class _Directory(io.RawIOBase):
    """The file, as zipfile reads it. Until `opened`, refuses a directory that would fill the memory."""

    def __init__(self, source: BinaryIO, files_most: int) -> None:
        self._source = source
        self._files_most = files_most
        self.opened = False

    def read(self, size: int = -1) -> bytes:
        if self.opened:
            return self._source.read(size)
        data = self._source.read(min(size, _DIRECTORY_MOST + 1) if size >= 0 else _DIRECTORY_MOST + 1)
        if len(data) > _DIRECTORY_MOST:
            raise FetchLimitExceeded(f"a zip directory of more than {_DIRECTORY_MOST} bytes is not read")
        if data.count(_DIRECTORY_ENTRY) > self._files_most:
            raise FetchLimitExceeded(
                f"it holds more than {self._files_most} files and folders (PACKHOUSE_BUNDLE_FILES_MOST)"
            )
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset < 0:
            raise zipfile.BadZipFile("an offset before the beginning")
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def unpack_zip(source: BinaryIO, unpacker: Unpacker) -> None:
    """All entries, in the order of their bytes. Links are taken as links. Errors: those of Unpacker."""
    unpacker.begin()
    directory = _Directory(source, unpacker.limits.files_most)
    try:
        with zipfile.ZipFile(cast(BinaryIO, directory)) as archive:
            directory.opened = True
            entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
            _check_places(entries, unpacker)
            for entry in entries:
                _unpack_entry(archive, entry, unpacker)
    except _BROKEN_ZIP as error:
        raise FetchFailed(f"it is no readable zip archive ({type(error).__name__})") from error


def _check_places(entries: list[zipfile.ZipInfo], unpacker: Unpacker) -> None:
    """Bytes that several entries share inflate many times: how a small file becomes petabytes."""
    ends = 0
    for entry in entries:
        if entry.header_offset < ends:
            raise FetchLimitExceeded(f"the bytes of {entry.filename[:80]!r} belong to another entry of the zip as well")
        ends = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if sum(entry.file_size for entry in entries) > unpacker.limits.unpacked_most_bytes:
        raise FetchLimitExceeded(
            f"it unpacks to more than {unpacker.limits.unpacked_most_bytes} bytes "
            "(PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES)"
        )


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, unpacker: Unpacker) -> None:
    name = entry.orig_filename  # zipfile cuts the other one at a NUL
    if "\\" in name:
        raise FetchLimitExceeded(f"the path {name[:80]!r} has a backslash, which some take for a slash")
    if entry.flag_bits & 1:
        raise FetchFailed(f"{name[:80]!r} is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FetchFailed(f"{name[:80]!r} is packed with a method other than store and deflate")
    mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
    kind = stat.S_IFMT(mode)
    if name.endswith("/"):
        unpacker.add_folder(name)
    elif kind == stat.S_IFLNK:
        unpacker.add_link(name, _link_target(archive, entry, unpacker))
    elif kind in (0, stat.S_IFREG):
        with archive.open(entry) as content:
            unpacker.add_file(name, cast(BinaryIO, content), executable=bool(mode & 0o100))
    else:
        raise FetchLimitExceeded(f"{name[:80]!r} is neither a file, a folder nor a link (device or pipe)")


def _link_target(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, unpacker: Unpacker) -> str:
    with archive.open(entry) as content:
        target = content.read(1025)
    unpacker.spend(len(target))
    return target.decode()
