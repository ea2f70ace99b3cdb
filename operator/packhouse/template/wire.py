"""Frames between operator, renderer and workers: a prefix, a JSON header, then raw bytes. Never pickle.

Both sides of every pipe and socket use these functions. Lengths are checked before anything is read; what a frame
says is checked by who reads it (answers.py for what comes back from the renderer).
"""

from __future__ import annotations

import json
import struct
from asyncio import StreamReader
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_PREFIX: Final = struct.Struct(">4sBIQ")  # magic, flags, bytes of the header, bytes of the body
_MAGIC: Final = b"PkH1"

#: Set by a worker that ends after this answer.
LAST: Final = 1


class WireError(Exception):
    """The other side does not speak this protocol, or more than was agreed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, still as bytes."""

    header: bytes
    body: bytes = b""
    flags: int = 0

    def chunks(self) -> list[bytes]:
        """What goes over the wire, without copying the body."""
        prefix = _PREFIX.pack(_MAGIC, self.flags, len(self.header), len(self.body))
        return [prefix, self.header, self.body] if self.body else [prefix, self.header]

    @property
    def size(self) -> int:
        return len(self.header) + len(self.body)


def frame(message: dict[str, Any], *, body: bytes = b"", flags: int = 0) -> Frame:
    """Raises ValueError for what JSON cannot say (NaN), UnicodeEncodeError for half a surrogate pair."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Frame(text.encode(), body, flags)


def sizes(prefix: bytes, most_bytes: int) -> tuple[int, int, int]:
    """Flags, header length and body length of a prefix. Raises WireError."""
    magic, flags, header, body = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        raise WireError("no frame of this protocol")
    if header + body > most_bytes:
        raise WireError(f"a frame of {header + body:,} bytes, where {most_bytes:,} are allowed")
    return flags, header, body


async def receive(reader: StreamReader, most_bytes: int) -> Frame:
    """One frame. Raises WireError, asyncio.IncompleteReadError where the other side ended, OSError."""
    flags, header, body = sizes(await reader.readexactly(_PREFIX.size), most_bytes)
    return Frame(await reader.readexactly(header), await reader.readexactly(body), flags)


def read_prefix(stream: BinaryIO, most_bytes: int) -> tuple[int, int, int] | None:
    """The same for a blocking stream; None at its end."""
    prefix = stream.read(_PREFIX.size)
    return sizes(prefix, most_bytes) if len(prefix) == _PREFIX.size else None


def split(body: BinaryIO, table: Sequence[tuple[str, int]]) -> dict[str, bytes]:
    """The files that follow a header, read one by one so that the whole is held once."""
    return {path: body.read(size) for path, size in table}
