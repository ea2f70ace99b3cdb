"""The files of an OCI image layout, from a folder or from an uncompressed tar. They are read, and never written.

Called by oci_layout.py alone, which knows what the files mean. A name is one of the few that a layout has, so that no
path of a stranger's making is opened; of a folder nothing is read that lies outside of it, whatever links say.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from packhouse.api.errors import FetchFailed, FetchLimitExceeded, SourceNotFound

NAMES: Final = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
#: What a header of a tar may have beside its block: a long name, not a way to fill the memory.
_HEADER_MOST_BYTES: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class LayoutFiles(Protocol):
    """Errors of `open`: FetchFailed (it cannot be read)."""

    def open(self, name: str) -> tuple[BinaryIO, int] | None:
        """A new reader at the beginning of the file, and its bytes; None where there is no such file."""
        ...


def files_of(path: Path, *, members_most: int) -> LayoutFiles:
    """`path` is a folder or a tar. Errors: SourceNotFound, FetchFailed, FetchLimitExceeded."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return _Folder(path)
        if stat.S_ISREG(found.st_mode):
            return _Tar(path, members_most)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"{path}: there is no such folder or file") from None
    except OSError as error:
        raise FetchFailed(f"{path} cannot be read ({error.strerror})") from error
    raise FetchFailed(f"{path} is neither a folder nor a file")


class _Folder:
    def __init__(self, path: Path) -> None:
        self._root = path.resolve()

    def open(self, name: str) -> tuple[BinaryIO, int] | None:
        try:
            place = (self._root / name).resolve(strict=True)
            if not place.is_relative_to(self._root):
                raise FetchFailed(f"{self._root}: {name} is a link that leaves the folder")
            file = _opened(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise FetchFailed(f"{self._root}: {name} cannot be read ({_words(error)})") from error
        return file, os.fstat(file.fileno()).st_size


class _Tar:
    """The places of its files are read once; it is opened anew for each of them."""

    def __init__(self, path: Path, members_most: int) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        with _opened(path) as file:
            start = file.read(4)
            if start.startswith(_GZIP) or start == _ZSTD:
                raise FetchFailed(f"{path} is compressed: a layout is read from a tar that is not, so unpack it first")
            file.seek(0)
            try:
                self._read(file, members_most)
            except (tarfile.TarError, EOFError, ValueError) as error:
                raise FetchFailed(f"{path} is no readable tar ({type(error).__name__})") from error

    def _read(self, file: BinaryIO, members_most: int) -> None:
        whole = file.seek(0, io.SEEK_END)
        file.seek(0)
        # the members' content is passed over by seeking
        with tarfile.open(fileobj=_Headers(file), mode="r:") as archive:  # type: ignore[call-overload]
            for count, member in enumerate(archive):
                if count >= members_most:
                    raise FetchLimitExceeded(
                        f"{self._path} has more than {members_most} members (PACKHOUSE_BUNDLE_FILES_MOST)"
                    )
                archive.members = []  # it would keep them all
                name = member.name.removeprefix("./")
                if NAMES.fullmatch(name) and member.isreg() and not member.issparse():
                    if member.offset_data + member.size > whole:
                        raise FetchFailed(f"{self._path} ends in the middle of {name}: it was not copied to its end")
                    self._places[name] = (member.offset_data, member.size)

    def open(self, name: str) -> tuple[BinaryIO, int] | None:
        place = self._places.get(name)
        if place is None:
            return None
        try:
            file = _opened(self._path)
            return io.BufferedReader(_Part(file, *place), 256 * 1024), place[1]
        except OSError as error:
            raise FetchFailed(f"{self._path} cannot be read ({_words(error)})") from error


class _Headers:
    """What tarfile sees of the file: it reads whole extended headers into memory, as large as they say they are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.name = file.seek, file.tell, ""

    def read(self, size: int) -> bytes:
        if size > _HEADER_MOST_BYTES:
            raise tarfile.ReadError("a header is too large")
        return self._file.read(size)


class _Part(io.RawIOBase):
    """A part of a file; it closes the file with itself."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), max(0, self._size - self._at))
        data = os.pread(self._file.fileno(), wanted, self._start + self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _opened(place: Path) -> BinaryIO:
    """A regular file, and nothing that a link, a pipe or a device puts in its place meanwhile."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "it is no regular file")
    return os.fdopen(handle, "rb")


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "links in a circle"
