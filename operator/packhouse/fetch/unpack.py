"""Unpacks the layers of an image over each other, within limits.

Called by the registry adapter in a thread, on content whose digest is already verified. tarfile only reads
headers and bytes here; every entry is written by us, below real folders that we made ourselves, and a link is
never followed. So nothing rests on tarfile's extraction filters, which were bypassed more than once.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from packhouse.api.errors import FetchFailed, FetchLimitExceeded

CHUNK: Final = 256 * 1024
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_NAME_MOST: Final = 255  # bytes; what file systems take
_PATH_MOST: Final = 1024
_DEPTH_MOST: Final = 64
_HEADER_MOST: Final = 1024 * 1024  # a long name or a pax header; tarfile reads it into memory at once
_EXTENSIONS: Final = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"L", b"K")


@dataclass(frozen=True, slots=True)
class Limits:
    unpacked_most_bytes: int
    files_most: int


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was unpacked: a regular file, or a symbolic link with its target."""

    path: str
    size: int
    sha256: str  # hex; "" for a link
    link: str = ""


@dataclass(slots=True)
class _Entry:
    layer: int
    record: Record | None  # None: a folder


class _CheckedInfo(tarfile.TarInfo):
    """Refuses extension headers that would fill the memory, and negative sizes, before they are acted upon."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _CheckedInfo:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError:
            if not any(buf):  # the mark at the end, or the end itself
                raise
            # tarfile would take a broken header in the middle for the end: half a catalogue, and no error
            raise tarfile.ReadError("broken header") from None
        if info.size < 0 or (info.type in _EXTENSIONS and info.size > _HEADER_MOST):
            raise FetchLimitExceeded(f"a tar header of {info.size} bytes: at most {_HEADER_MOST} are read")
        return info


class _Counted:
    """What tarfile reads from: counts the inflated bytes, so that a gzip bomb ends at the limit."""

    def __init__(self, source: BinaryIO, spend: Callable[[int], None]) -> None:
        self._source = source
        self._spend = spend

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._spend(len(data))
        return data


class Unpacker:
    """Fills one folder. `check` is called now and then and may raise to stop the work."""

    def __init__(self, root: Path, limits: Limits, check: Callable[[], None] = lambda: None) -> None:
        self._root = root
        self._limits = limits
        self._check = check
        self._layer = 0
        self._bytes = 0
        self._made = 0
        self._entries: dict[str, _Entry] = {}

    def tar(self, source: BinaryIO, *, gzipped: bool) -> None:
        """One layer. Errors: FetchLimitExceeded (too large, or unsafe), FetchFailed (no tar)."""
        self._layer += 1
        stream = gzip.GzipFile(fileobj=source, mode="rb") if gzipped else source
        counted = cast(BinaryIO, _Counted(cast(BinaryIO, stream), self._spend))  # tarfile only calls read
        try:
            with tarfile.open(fileobj=counted, mode="r|", bufsize=CHUNK, tarinfo=_CheckedInfo) as archive:
                for member in archive:
                    self._check()
                    self._member(archive, member)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, UnicodeError) as error:
            raise FetchFailed(f"layer {self._layer} is no readable tar archive ({type(error).__name__})") from error

    def file(self, name: str, source: BinaryIO) -> None:
        """A layer that is one plain file (an artifact with a title)."""
        self._layer += 1
        path = _checked_path(name)
        if not path:
            raise FetchLimitExceeded("a file without a name")
        self._make_room(path)
        self._write(path, source, executable=False, counted=False)

    def finish(self) -> list[Record]:
        """What is there now. FetchLimitExceeded where a link, with all others in place, leaves the root."""
        root = os.path.realpath(self._root)
        records = [entry.record for entry in self._entries.values() if entry.record is not None]
        for record in records:
            if record.link:
                target = os.path.realpath(self._root / record.path)
                if target != root and not target.startswith(root + os.sep):
                    raise FetchLimitExceeded(f"link {record.path!r} leaves the root by way of other links")
        return sorted(records, key=lambda record: record.path)

    # ---- entries -----------------------------------------------------------------------------------------

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = _checked_path(member.name)
        folder, _, name = path.rpartition("/")
        if name.startswith(_WHITEOUT):
            self._white_out(folder, name)
        elif member.isdir():
            self._folder(path)
        elif not path:
            raise FetchLimitExceeded("a file without a name")
        elif member.issym():
            self._symlink(path, member.linkname)
        elif member.islnk():
            self._hard_link(path, member.linkname)
        elif member.isreg() and not member.issparse():
            source = archive.extractfile(member)
            assert source is not None  # noqa: S101 - only links and folders have none
            self._make_room(path)
            self._write(path, source, executable=bool(member.mode & 0o100))  # type: ignore[arg-type]
        else:
            raise FetchLimitExceeded(f"{path!r} is neither a file, a folder nor a link (device, pipe or sparse file)")

    def _folder(self, path: str) -> None:
        """`path` as a folder; whatever else stood there goes."""
        if not path:
            return
        known = self._entries.get(path)
        if known is not None and known.record is None:
            known.layer = self._layer
            return
        self._make_room(path)
        self._make_folder(path)

    def _make_folder(self, path: str) -> None:
        (self._root / path).mkdir(mode=0o755)
        self._entries[path] = _Entry(self._layer, None)

    def _make_room(self, path: str) -> None:
        """Real folders above `path`, and nothing at it. A link above it is refused, never followed."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            known = self._entries.get(above)
            if known is None:
                self._count()
                self._make_folder(above)
            elif known.record is not None:
                kind = "link" if known.record.link else "file"
                raise FetchLimitExceeded(f"{path!r} would be written through the {kind} {above!r}")
        if path in self._entries:
            self._remove(path)
        self._count()

    def _write(self, path: str, source: BinaryIO, *, executable: bool, counted: bool = True) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        hashed, size = hashlib.sha256(), 0
        with os.fdopen(os.open(self._root / path, flags, 0o600), "wb") as target:
            while chunk := source.read(CHUNK):
                self._check()
                if not counted:
                    self._spend(len(chunk))
                target.write(chunk)
                hashed.update(chunk)
                size += len(chunk)
            os.fchmod(target.fileno(), 0o555 if executable else 0o444)
        self._entries[path] = _Entry(self._layer, Record(path, size, hashed.hexdigest()))

    def _symlink(self, path: str, target: str) -> None:
        if not target or "\0" in target or target.startswith("/"):
            raise FetchLimitExceeded(f"link {path!r} has the absolute or empty target {target!r}")
        landing = os.path.normpath(f"./{path.rpartition('/')[0]}/{target}")
        if landing == ".." or landing.startswith("../"):
            raise FetchLimitExceeded(f"link {path!r} leaves the root (target {target!r})")
        self._make_room(path)
        (self._root / path).symlink_to(target)
        self._entries[path] = _Entry(self._layer, Record(path, 0, "", link=target))

    def _hard_link(self, path: str, target: str) -> None:
        goal = _checked_path(target)
        known = self._entries.get(goal)
        if known is None or known.record is None or known.record.link:
            raise FetchLimitExceeded(f"hard link {path!r} names {target!r}, which is no file of this image")
        if goal == path:
            return
        self._make_room(path)
        if goal not in self._entries:
            raise FetchLimitExceeded(f"hard link {path!r} takes the place of the folder that holds {target!r}")
        os.link(self._root / goal, self._root / path, follow_symlinks=False)
        self._entries[path] = _Entry(self._layer, Record(path, known.record.size, known.record.sha256))

    def _white_out(self, folder: str, name: str) -> None:
        """A mark that takes away what lower layers hold: one name, or all that is in the folder."""
        if name == _OPAQUE:
            inside = f"{folder}/" if folder else ""
            gone = [path for path in self._entries if path.startswith(inside) and path != folder]
        else:
            hidden = _checked_path(f"{folder}/{name.removeprefix(_WHITEOUT)}" if folder else name[len(_WHITEOUT) :])
            if hidden in ("", folder):
                raise FetchLimitExceeded(f"whiteout {name!r} names nothing")
            gone = [path for path in self._entries if path == hidden or path.startswith(f"{hidden}/")]
        self._count()
        # deepest first; a folder that this layer filled anew stays
        for path in sorted(gone, reverse=True):
            entry = self._entries[path]
            stays = entry.record is None and any((self._root / path).iterdir())
            if entry.layer < self._layer and not stays:
                self._remove(path)

    def _remove(self, path: str) -> None:
        entry, place = self._entries.pop(path), self._root / path
        if entry.record is not None:
            place.unlink()
            return
        shutil.rmtree(place)
        for below in [known for known in self._entries if known.startswith(f"{path}/")]:
            del self._entries[below]

    # ---- limits ------------------------------------------------------------------------------------------

    def _spend(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._limits.unpacked_most_bytes:
            raise FetchLimitExceeded(
                f"it unpacks to more than {self._limits.unpacked_most_bytes} bytes "
                "(PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES)"
            )

    def _count(self) -> None:
        self._made += 1
        if self._made > self._limits.files_most:
            raise FetchLimitExceeded(
                f"it holds more than {self._limits.files_most} files and folders (PACKHOUSE_BUNDLE_FILES_MOST)"
            )


def _checked_path(name: str) -> str:
    """`name` without "./" and a slash at its end; "" is the root itself."""
    if name.startswith("/"):
        raise FetchLimitExceeded(f"the path {name[:80]!r} is absolute")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FetchLimitExceeded(f"the path {name[:80]!r} climbs out by ..")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise FetchLimitExceeded(f"the path {name[:80]!r} is not UTF-8") from None
    if len(parts) > _DEPTH_MOST:
        raise FetchLimitExceeded(f"the path {name[:80]!r}... is more than {_DEPTH_MOST} folders deep")
    if "\0" in name or any(size > _NAME_MOST for size in sizes) or sum(sizes) + len(sizes) > _PATH_MOST:
        raise FetchLimitExceeded(f"the path {name[:80]!r}... is too long or holds a NUL")
    return "/".join(parts)
