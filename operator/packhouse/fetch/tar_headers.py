"""What tarfile reads of an archive, with the headers refused that would fill the memory before an entry is seen.

Called by unpack. tarfile keeps long names, pax headers and sparse maps in memory and follows headers that announce
others by recursion: an archive of nothing else is small and endless. So each header is looked at before it is acted
upon. No entry is written here.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar, Final, cast

from packhouse.api.errors import FetchLimitExceeded

CHUNK: Final = 256 * 1024
_HEADER_MOST: Final = 1024 * 1024  # one long name or pax header
_GLOBAL_MOST: Final = 1024 * 1024  # all global headers of an archive: tarfile keeps them to its end
_IN_A_ROW_MOST: Final = 16  # headers that only announce the next one
_EXTENSIONS: Final = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"L", b"K"})
_XZ_MEMORY_MOST: Final = 128 * 1024 * 1024  # a dictionary of 64 MiB, as xz -9 has it, and what is around it

#: What a reader of broken or hostile content may raise, beside errors of the disk.
BROKEN: Final = (
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    UnicodeError,
    ValueError,
    OverflowError,
    RecursionError,
    LookupError,
)


class _CheckedInfo(tarfile.TarInfo):
    """One class for each archive: `in_a_row` and `kept` count its headers."""

    in_a_row: ClassVar[int] = 0
    kept: ClassVar[int] = 0

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _CheckedInfo:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError:
            if not any(buf):  # the mark at the end, or the end itself
                raise
            # tarfile would take a broken header in the middle for the end: half a catalogue, and no error
            raise tarfile.ReadError("broken header") from None
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise FetchLimitExceeded(f"{info.name[:80]!r} is a sparse file")
        if info.type not in _EXTENSIONS:
            cls.in_a_row = 0
            if info.size < 0:
                raise FetchLimitExceeded(f"{info.name[:80]!r} has a negative size")
            return info
        cls.in_a_row += 1
        cls.kept += info.size if info.type == tarfile.XGLTYPE else 0
        if not 0 <= info.size <= _HEADER_MOST:
            raise FetchLimitExceeded(f"a tar header of {info.size} bytes: at most {_HEADER_MOST} are read")
        if cls.in_a_row > _IN_A_ROW_MOST or cls.kept > _GLOBAL_MOST:
            raise FetchLimitExceeded("too many tar headers that describe no file")
        return info

    def _proc_gnusparse_10(self, *_: Any) -> None:
        # its map stands in the content and has no bound
        raise FetchLimitExceeded(f"{self.name[:80]!r} is a sparse file")


class _Counted:
    """A file that only tells what was read from it."""

    def __init__(self, source: BinaryIO, spend: Callable[[int], None]) -> None:
        self._source = source
        self._spend = spend

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._spend(len(data))
        return data


def inflated(source: BinaryIO, compression: str, check: Callable[[], None] = lambda: None) -> BinaryIO:
    """`compression`: gzip, bzip2, xz, or "" for none. What is read from it raises one of BROKEN.

    `check` is called while packed bytes are read: millions of empty streams inflate to nothing and take their time.
    """
    source = cast(BinaryIO, _Counted(source, lambda _: check()))  # those below only call read
    match compression:
        case "gzip":
            return cast(BinaryIO, gzip.GzipFile(fileobj=source, mode="rb"))
        case "bzip2":
            return cast(BinaryIO, _Inflated(source, bz2.BZ2Decompressor))
        case "xz":
            return cast(
                BinaryIO, _Inflated(source, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_MOST))
            )
        case _:
            return source


class _Inflated:
    """One stream of bzip2 or xz after the other, never more of it than was asked for."""

    def __init__(self, source: BinaryIO, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> None:
        self._source = source
        self._make = make
        self._engine = make()

    def read(self, size: int) -> bytes:
        while True:
            if self._engine.eof:
                rest = self._engine.unused_data or self._source.read(CHUNK)
                if not rest.strip(b"\0"):  # padding, or the end
                    return b""
                self._engine = self._make()
            else:
                rest = self._source.read(CHUNK) if self._engine.needs_input else b""
                if not rest and self._engine.needs_input:
                    raise EOFError("the compressed stream is cut off")
            try:
                data = self._engine.decompress(rest, size)
            except OSError as error:  # bz2's word for broken content
                raise tarfile.ReadError("the compressed stream is broken") from error
            if data:
                return data


@contextmanager
def opened(source: BinaryIO, spend: Callable[[int], None]) -> Iterator[tarfile.TarFile]:
    """A tar archive, read once from its beginning to its end. Its reader raises one of BROKEN.

    `spend` gets the number of inflated bytes, so that a gzip bomb ends at the limit.
    """

    class Info(_CheckedInfo):
        pass

    counted = cast(BinaryIO, _Counted(source, spend))  # tarfile only calls read
    with tarfile.open(fileobj=counted, mode="r|", bufsize=CHUNK, tarinfo=Info, encoding="utf-8") as archive:
        yield archive
