"""Writes an OCI image layout: a folder that grows blob by blob, and the tar that is made of it at the end.

Called by bundle_copy.py. A blob is under its own name only when all of it is there and has its digest; until then it is
a file beside the others, which a later run goes on with. index.json comes last: whoever reads a layout with one finds
all that it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from packhouse.adapters.oci_layout import REF_NAME, Layout
from packhouse.api.errors import DigestMismatch, FetchFailed, InvalidSpec
from packhouse.fetch.manifest import OCI_INDEX
from packhouse.ports import RawManifest

_VERSION: Final = b'{"imageLayoutVersion":"1.0.0"}'
_PART: Final = ".part"
#: What a folder may hold that is taken for a layout, or for one that was begun.
_TAR: Final = "whole.tar"
_KNOWN: Final = frozenset({"oci-layout", "index.json", "blobs", _TAR})


class LayoutFolder:
    """Blocking; blobs may be written by several threads at once. Errors: FetchFailed (the disk), InvalidSpec."""

    def __init__(self, folder: Path) -> None:
        if folder.is_file() or (folder.is_dir() and {path.name for path in folder.iterdir()} - _KNOWN):
            raise InvalidSpec(f"{folder} is there already, and is no OCI layout: name a new folder")
        self.name = str(folder)
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._index = folder / "index.json"
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
            (folder / "oci-layout").write_bytes(_VERSION)
        except OSError as error:
            raise self._trouble(error) from error

    def has(self, digest: str, size: int) -> bool:
        """Whether the blob is there with its size. Its digest was verified before it got its name."""
        try:
            return self._place(digest).stat().st_size == size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._trouble(error) from error

    def part_bytes(self, digest: str) -> int:
        """How much an earlier run left of the blob."""
        try:
            return self._part(digest).stat().st_size
        except OSError:
            return 0

    def fill(self, digest: str, fill: Callable[[BinaryIO], None]) -> None:
        """`fill` makes the file hold the whole blob, whose digest it verifies; it may find a part of it there."""
        part = self._part(digest)
        try:
            with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b") as file:
                fill(file)
            part.rename(self._place(digest))
        except OSError as error:
            raise self._trouble(error) from error

    def put(self, raw: RawManifest) -> None:
        """A manifest or an index; its digest was verified."""
        if not self.has(raw.digest, len(raw.body)):
            self.fill(raw.digest, lambda file: _replace(file, raw.body))

    def finish(self, entries: Sequence[Mapping[str, Any]], *, alone: bool = False) -> None:
        """Write index.json. What it named before stays, unless `alone`, and except for tags that go to new ones."""
        tags = {_tag(entry) for entry in entries} - {""}
        known = {(entry["digest"], _tag(entry)) for entry in entries}
        kept = [
            entry
            for entry in (() if alone else self._entries())
            if _tag(entry) not in tags and (entry.get("digest"), _tag(entry)) not in known
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*kept, *entries]}
        temporary = self._folder / f"index.json.{secrets.token_hex(4)}"
        try:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            temporary.rename(self._index)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._trouble(error) from error

    def pack(self, target: Path, digests: Collection[str], moved: Callable[[int], None]) -> None:
        """The layout with these blobs as a tar, in one order and without times: the same layout gives the same tar.

        DigestMismatch where the disk has spoilt a blob meanwhile; it is removed, so that the next run fetches it."""
        temporary = self._folder / _TAR  # a kill leaves it where the next run takes its place
        try:
            with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
                self._add(archive, self._folder / "oci-layout", moved)
                self._add(archive, self._index, moved)
                for digest in sorted(digests):
                    found = self._add(archive, self._place(digest), moved)
                    if found != digest:
                        self._place(digest).unlink()
                        raise DigestMismatch(f"{self._folder}: {digest} was spoilt on the disk: run the copy again")
            temporary.rename(target)
        except OSError as error:
            raise FetchFailed(f"{target} cannot be written ({error.strerror})") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _add(self, archive: tarfile.TarFile, path: Path, moved: Callable[[int], None]) -> str:
        info = tarfile.TarInfo(path.relative_to(self._folder).as_posix())
        info.size, info.mode = path.stat().st_size, 0o644
        with path.open("rb") as file:
            watched = _Watched(file, moved)
            archive.addfile(info, watched)
        return f"sha256:{watched.hashed.hexdigest()}"

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _entries(self) -> Sequence[Mapping[str, Any]]:
        if not self._index.exists():
            return ()
        Layout(self._folder, members_most=0)  # says what is wrong with it
        entries: list[Mapping[str, Any]] = json.loads(self._index.read_text(encoding="utf-8"))["manifests"]
        return entries

    def _place(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    def _part(self, digest: str) -> Path:
        return self._blobs / f"{digest.removeprefix('sha256:')}{_PART}"

    def _trouble(self, error: OSError) -> FetchFailed:
        return FetchFailed(f"{self._folder} cannot be written or read ({error.strerror})")


class _Watched:
    """A file that hashes and tells what was read of it."""

    def __init__(self, file: BinaryIO, moved: Callable[[int], None]) -> None:
        self._file = file
        self._moved = moved
        self.hashed = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hashed.update(data)
        self._moved(len(data))
        return data


def _replace(file: BinaryIO, body: bytes) -> None:
    file.seek(0)
    file.truncate()
    file.write(body)


def _tag(entry: Mapping[str, Any]) -> str:
    notes = entry.get("annotations")
    return str(notes.get(REF_NAME, "")) if isinstance(notes, Mapping) else ""
