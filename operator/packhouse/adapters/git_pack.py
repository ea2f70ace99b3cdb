"""Reads a git pack from disk, within limits on every object, on all of them and on what is held in memory.

Called by git_servers in a thread, on bytes that a stranger sent. dulwich reads packs as well, but believes what their
headers say about sizes: a delta of a megabyte may stand for a terabyte. An object is found by its id, and the id is
the hash of its content: so whatever is found is what the commit names.
"""

from __future__ import annotations

import hashlib
import mmap
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final

from packhouse.api.errors import FetchFailed, FetchLimitExceeded

_KINDS: Final = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_OFFSET_DELTA: Final = 6
_ID_DELTA: Final = 7
_CHUNK: Final = 64 * 1024
_HELD_MOST: Final = 128 * 1024 * 1024  # of bases on the way to deltas of deltas
_CHAIN_MOST: Final = 4096  # git makes none that are longer


@dataclass(frozen=True, slots=True)
class PackLimits:
    objects_most: int
    object_most_bytes: int  # of one: it is held in memory
    unpacked_most_bytes: int  # of all


@dataclass(frozen=True, slots=True)
class _Place:
    kind: int
    size: int
    data: int  # where its zlib stream begins
    base: int | bytes | None  # of a delta: the offset or the id of what it changes


class Pack:
    """Use as a context manager. `check` is called now and then and may raise to stop the work.

    Errors: FetchFailed (no pack), FetchLimitExceeded.
    """

    def __init__(self, file: BinaryIO, limits: PackLimits, check: Callable[[], None] = lambda: None) -> None:
        self._limits = limits
        self._check = check
        self._places: dict[int, _Place] = {}
        self._bases: dict[int, int] = {}  # delta -> the offset of its base
        self._ids: dict[bytes, int] = {}
        self._unpacked = 0
        try:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            raise FetchFailed("the server sent no pack") from None
        try:
            self._scan()
        except BaseException:
            self._bytes.close()
            raise

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bytes.close()

    def __contains__(self, id_: str) -> bool:
        return bytes.fromhex(id_) in self._ids

    def read(self, id_: str) -> tuple[bytes, bytes]:
        """Kind (commit, tree, blob, tag) and content. FetchFailed where the pack has it not."""
        offset = self._ids.get(bytes.fromhex(id_))
        if offset is None:
            raise FetchFailed(f"the server sent no object {id_}")
        deltas = []
        while offset in self._bases:
            deltas.append(offset)
            offset = self._bases[offset]
        content = self._inflate(self._places[offset])
        for delta in reversed(deltas):
            self._check()
            content = self._changed(content, delta)
        return _KINDS[self._places[offset].kind], content

    # ---- finding the objects -----------------------------------------------------------------------------

    def _scan(self) -> None:
        header = self._bytes[:12]
        if header[:4] != b"PACK" or int.from_bytes(header[4:8]) not in (2, 3):
            raise FetchFailed("the server sent no pack")
        count = int.from_bytes(header[8:12])
        if count > self._limits.objects_most:
            raise FetchLimitExceeded(
                f"the pack holds {count} objects: at most {self._limits.objects_most} are read "
                "(three times PACKHOUSE_BUNDLE_FILES_MOST)"
            )
        by_offset: dict[int, list[int]] = {}
        by_id: dict[bytes, list[int]] = {}
        whole = []
        offset = 12
        for _ in range(count):
            self._check()
            place = self._header(offset)
            self._places[offset] = place
            if place.base is None:
                whole.append(offset)
                id_, end = self._hash(place)
                self._ids[id_] = offset
            else:
                _, end = self._stream(place, lambda _: None)
                if isinstance(place.base, int):
                    by_offset.setdefault(place.base, []).append(offset)
                else:
                    by_id.setdefault(place.base, []).append(offset)
            offset = end
        self._resolve(whole, by_offset, by_id)

    def _header(self, offset: int) -> _Place:
        at, byte = offset + 1, self._byte(offset)
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 0x80:
            byte = self._byte(at)
            size |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if shift > 64:
                raise FetchFailed("the pack is broken: a size without an end")
        if size > self._limits.object_most_bytes:
            raise FetchLimitExceeded(
                f"the pack holds an object of {size} bytes: at most {self._limits.object_most_bytes} are read "
                "(PACKHOUSE_CONTENT_MOST_BYTES)"
            )
        if kind in _KINDS:
            return _Place(kind, size, at, None)
        if kind == _ID_DELTA:
            return _Place(kind, size, at + 20, bytes(self._bytes[at : at + 20]))
        if kind != _OFFSET_DELTA:
            raise FetchFailed(f"the pack is broken: an object of kind {kind}")
        byte = self._byte(at)
        back, at = byte & 0x7F, at + 1
        while byte & 0x80:
            byte = self._byte(at)
            back, at = ((back + 1) << 7) | (byte & 0x7F), at + 1
            if back > offset:
                break
        base = offset - back
        if base not in self._places:
            raise FetchFailed("the pack is broken: a change to an object that is not there")
        return _Place(kind, size, at, base)

    def _byte(self, offset: int) -> int:
        if offset >= len(self._bytes):
            raise FetchFailed("the pack is cut off")
        return self._bytes[offset]

    def _hash(self, place: _Place) -> tuple[bytes, int]:
        """The id of an object that is no delta, and where it ends."""
        self._spend(place.size)
        hashed = _hasher(place.kind, place.size)
        end = self._stream(place, hashed.update)[1]
        return hashed.digest(), end

    def _stream(self, place: _Place, take: Callable[[bytes], object]) -> tuple[int, int]:
        """Inflate to exactly the size that was announced. Gives that size, and where the stream ends."""
        engine, at, size = zlib.decompressobj(), place.data, 0
        try:
            while not engine.eof:
                packed = engine.unconsumed_tail
                if not packed:
                    packed = self._bytes[at : at + _CHUNK]
                    at += len(packed)
                if not packed:
                    raise FetchFailed("the pack is cut off")
                data = engine.decompress(packed, min(place.size - size + 1, 1024 * 1024))
                size += len(data)
                if size > place.size:
                    break
                take(data)
        except zlib.error:
            raise FetchFailed("the pack is broken: an object cannot be inflated") from None
        if size != place.size or not engine.eof:
            raise FetchFailed("the pack is broken: an object is not as long as it says")
        return size, at - len(engine.unused_data)

    def _inflate(self, place: _Place) -> bytes:
        parts: list[bytes] = []
        self._stream(place, parts.append)
        return b"".join(parts)

    def _resolve(self, whole: list[int], by_offset: dict[int, list[int]], by_id: dict[bytes, list[int]]) -> None:
        """The ids of deltas: from each whole object down, its content held until its last delta is made."""
        if not by_offset and not by_id:
            return
        found = {offset: id_ for id_, offset in self._ids.items()}
        for root in whole:
            first = by_offset.pop(root, []) + by_id.pop(found.get(root, b""), [])
            if not first:
                continue
            kind = self._places[root].kind
            held = [(self._inflate(self._places[root]), first, root)]
            weight = len(held[0][0])
            while held:
                self._check()
                if len(held) > _CHAIN_MOST or weight > _HELD_MOST + self._limits.object_most_bytes:
                    raise FetchLimitExceeded("the pack has changes upon changes that need too much memory")
                content, waiting, base = held[-1]
                delta = waiting.pop()
                if not waiting:
                    held.pop()
                    weight -= len(content)
                made = self._changed(content, delta)
                self._spend(len(made))
                hashed = _hasher(kind, len(made))
                hashed.update(made)
                id_ = hashed.digest()
                self._bases[delta] = base
                self._ids.setdefault(id_, delta)
                below = by_offset.pop(delta, []) + by_id.pop(id_, [])
                if below:
                    held.append((made, below, delta))
                    weight += len(made)
        if by_offset or by_id:
            raise FetchFailed("the pack is broken: a change to an object that is not there")

    def _changed(self, content: bytes, delta: int) -> bytes:
        return apply_delta(content, self._inflate(self._places[delta]), self._limits.object_most_bytes)

    def _spend(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._limits.unpacked_most_bytes:
            raise FetchLimitExceeded(
                f"its objects unpack to more than {self._limits.unpacked_most_bytes} bytes "
                "(PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES)"
            )


def _hasher(kind: int, size: int) -> hashlib._Hash:
    hashed = hashlib.sha1(usedforsecurity=False)  # git names its objects so
    hashed.update(b"%s %d\0" % (_KINDS[kind], size))
    return hashed


def apply_delta(base: bytes, delta: bytes, most_bytes: int) -> bytes:
    """What `delta` makes of `base`. Never makes more than it announces, nor announces more than `most_bytes`."""
    try:
        base_size, at = _number(delta, 0)
        size, at = _number(delta, at)
        if base_size != len(base):
            raise FetchFailed("the pack is broken: a change to an object of another size")
        if size > most_bytes:
            raise FetchLimitExceeded(
                f"the pack holds an object of {size} bytes: at most {most_bytes} are read "
                "(PACKHOUSE_CONTENT_MOST_BYTES)"
            )
        made = bytearray()
        while at < len(delta):
            order = delta[at]
            at += 1
            if order & 0x80:
                start, length, at = _copy(delta, order, at)
                part = base[start : start + length]
            else:
                length = order
                part = delta[at : at + length]
                at += length
            if not length or len(part) != length or len(made) + length > size:
                raise FetchFailed("the pack is broken: a change that does not fit")
            made += part
    except IndexError:
        raise FetchFailed("the pack is broken: a change is cut off") from None
    if len(made) != size:
        raise FetchFailed("the pack is broken: a change that does not fit")
    return bytes(made)


def _copy(delta: bytes, order: int, at: int) -> tuple[int, int, int]:
    """Where a copied part begins, how long it is, and where the next order stands."""
    start = length = 0
    for bit in range(4):
        if order & (1 << bit):
            start |= delta[at] << (8 * bit)
            at += 1
    for bit in range(3):
        if order & (0x10 << bit):
            length |= delta[at] << (8 * bit)
            at += 1
    return start, length or 0x10000, at


def _number(delta: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = delta[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise FetchFailed("the pack is broken: a size without an end")
