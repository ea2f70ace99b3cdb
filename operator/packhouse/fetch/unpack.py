"""Writes what strangers packed into one folder, within limits: layers over each other, an archive, a git tree.

Called by adapters in a thread, on content whose digest is already verified. tarfile only reads headers and bytes
(tar_headers); every entry is written here, below real folders that we made ourselves, and a link is never followed.
So nothing rests on tarfile's extraction filters, which were bypassed more than once.

Within one archive no name comes twice, nor do two that differ in case or in Unicode's forms alone: what the second
of them stands for depends on who reads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from packhouse.api.errors import FetchFailed, FetchLimitExceeded
from packhouse.fetch.entry_names import checked_path, folded
from packhouse.fetch.tar_headers import BROKEN, CHUNK, inflated, opened

__all__ = ["CHUNK", "Limits", "Record", "Unpacker"]

_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_LINKS_FOLLOWED: Final = 40  # what Linux follows on the way to one file


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
    inside: set[str] = field(default_factory=set)  # the paths that are directly in it


class Unpacker:
    """Fills one folder. `check` is called now and then and may raise to stop the work.

    Errors of all methods: FetchLimitExceeded (too large, or unsafe), FetchFailed (cannot be read), OSError (the disk).
    """

    def __init__(self, root: Path, limits: Limits, check: Callable[[], None] = lambda: None) -> None:
        self._root = root
        self._limits = limits
        self._check = check
        self._layer = 0
        self._bytes = 0
        self._made = 0
        self._top = _Entry(0, None)
        self._entries: dict[str, _Entry] = {}
        self._folded: dict[str, str] = {}

    def tar(self, source: BinaryIO, *, gzipped: bool) -> None:
        """One layer of an image: marks in it take away what lower layers hold."""
        self.archive(source, "gzip" if gzipped else "", layered=True)

    def archive(self, source: BinaryIO, compression: str, *, layered: bool = False) -> None:
        """A tar archive; `compression` as in tar_headers.inflated."""
        self.begin()
        try:
            with opened(inflated(source, compression, self._check), self.spend) as archive:
                for member in archive:
                    self._check()
                    self._member(archive, member, layered=layered)
        except BROKEN as error:
            raise FetchFailed(f"layer {self._layer} is no readable tar archive ({type(error).__name__})") from error

    def file(self, name: str, source: BinaryIO) -> None:
        """A layer that is one plain file (an artifact with a title)."""
        self.begin()
        self.add_file(name, source)

    def finish(self) -> list[Record]:
        """What is there now. FetchLimitExceeded where a link, with all others in place, leaves the root."""
        records = [entry.record for entry in self._entries.values() if entry.record is not None]
        for record in records:
            if record.link:
                self._check()
                self._follow(record.path)
        return sorted(records, key=lambda record: record.path)

    # ---- for readers of other formats --------------------------------------------------------------------

    def begin(self) -> None:
        """What is added from here on is one archive: no name may come twice in it."""
        self._layer += 1

    def add_folder(self, name: str) -> None:
        """With the folders above it. One that is there already may be named again."""
        path = checked_path(name)
        known = self._entries.get(path)
        if not path:
            return
        if known is not None and known.record is None:
            known.layer = self._layer
            return
        self._make_room(path)
        os.mkdir(self._place(path), 0o755)  # noqa: PTH102 - 100,000 of these: joining Paths costs more than the call
        self._enter(path, None)

    def add_file(self, name: str, source: BinaryIO, *, executable: bool = False, counted: bool = False) -> None:
        """A regular file with all that `source` gives; `counted`: its bytes were spent already."""
        path = checked_path(name)
        if not path:
            raise FetchLimitExceeded("a file without a name")
        self._make_room(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        hashed, size = hashlib.sha256(), 0
        with open(os.open(self._place(path), flags, 0o600), "wb", buffering=0) as target:  # noqa: PTH123 - as above
            while chunk := source.read(CHUNK):
                self._check()
                if not counted:
                    self.spend(len(chunk))
                view = memoryview(chunk)
                while view:
                    view = view[target.write(view) :]
                hashed.update(chunk)
                size += len(chunk)
            os.fchmod(target.fileno(), 0o555 if executable else 0o444)
        self._enter(path, Record(path, size, hashed.hexdigest()))

    def add_link(self, name: str, target: str) -> None:
        """A symbolic link that stays inside."""
        path = checked_path(name)
        if not path:
            raise FetchLimitExceeded("a link without a name")
        if not target or "\0" in target or target.startswith("/"):
            raise FetchLimitExceeded(f"link {path!r} has the absolute or empty target {target[:80]!r}")
        landing = os.path.normpath(f"./{path.rpartition('/')[0]}/{target}")
        if landing == ".." or landing.startswith("../"):
            raise FetchLimitExceeded(f"link {path!r} leaves the root (target {target[:80]!r})")
        try:
            size = len(target.encode())
        except UnicodeEncodeError:
            raise FetchLimitExceeded(f"the target of link {path!r} is not UTF-8") from None
        if size > 1024:
            raise FetchLimitExceeded(f"the target of link {path!r} has {size} bytes: at most 1024 are taken")
        self._make_room(path)
        os.symlink(target, self._place(path))  # noqa: PTH211 - as above
        self._enter(path, Record(path, 0, "", link=target))

    def spend(self, size: int) -> None:
        """Count bytes that were unpacked."""
        self._bytes += size
        if self._bytes > self._limits.unpacked_most_bytes:
            raise FetchLimitExceeded(
                f"it unpacks to more than {self._limits.unpacked_most_bytes} bytes "
                "(PACKHOUSE_BUNDLE_UNPACKED_MOST_BYTES)"
            )

    @property
    def limits(self) -> Limits:
        return self._limits

    # ---- entries of a tar archive ------------------------------------------------------------------------

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, *, layered: bool) -> None:
        path = checked_path(member.name)
        folder, _, name = path.rpartition("/")
        if layered and name.startswith(_WHITEOUT):
            self._white_out(folder, name)
        elif member.isdir():
            self.add_folder(path)
        elif member.issym():
            self.add_link(path, member.linkname)
        elif member.islnk():
            self._hard_link(path, member.linkname)
        elif member.isreg() and not member.issparse():
            source = archive.extractfile(member)
            assert source is not None  # noqa: S101 - only links and folders have none
            self.add_file(path, source, executable=bool(member.mode & 0o100), counted=True)  # type: ignore[arg-type]
        else:
            raise FetchLimitExceeded(f"{path!r} is neither a file, a folder nor a link (device, pipe or sparse file)")

    def _hard_link(self, path: str, target: str) -> None:
        goal = checked_path(target)
        known = self._entries.get(goal)
        if not path:
            raise FetchLimitExceeded("a hard link without a name")
        if known is None or known.record is None or known.record.link:
            raise FetchLimitExceeded(f"hard link {path!r} names {target[:80]!r}, which is no file of this image")
        if goal == path:
            return
        self._make_room(path)
        if goal not in self._entries:
            raise FetchLimitExceeded(f"hard link {path!r} takes the place of the folder that holds {target[:80]!r}")
        os.link(self._place(goal), self._place(path), follow_symlinks=False)
        self._enter(path, Record(path, known.record.size, known.record.sha256))

    def _white_out(self, folder: str, name: str) -> None:
        """A mark that takes away what lower layers hold: one name, or all that is in the folder."""
        self._count()
        if name == _OPAQUE:
            known = self._entries.get(folder) if folder else self._top
            for path in list(known.inside) if known is not None else ():
                self._take_away(path)
            return
        hidden = checked_path(f"{folder}/{name.removeprefix(_WHITEOUT)}" if folder else name[len(_WHITEOUT) :])
        if hidden in ("", folder):
            raise FetchLimitExceeded(f"whiteout {name!r} names nothing")
        if hidden in self._entries:
            self._take_away(hidden)

    def _take_away(self, path: str) -> None:
        """What lower layers put there; a folder that this layer filled anew stays, with that alone."""
        for below in list(self._entries[path].inside):
            self._take_away(below)
        entry = self._entries[path]
        if entry.layer < self._layer and not entry.inside:
            self._remove(path)

    # ---- the folder --------------------------------------------------------------------------------------

    def _place(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _make_room(self, path: str) -> None:
        """Real folders above `path`, and nothing at it. A link above it is refused, never followed."""
        slash = path.find("/")
        while slash != -1:
            above = path[:slash]
            known = self._entries.get(above)
            if known is None:
                self._count()
                self._refuse_twin(above)
                os.mkdir(self._place(above), 0o755)  # noqa: PTH102 - as in add_folder
                self._enter(above, None)
            elif known.record is not None:
                kind = "link" if known.record.link else "file"
                raise FetchLimitExceeded(f"{path!r} would be written through the {kind} {above!r}")
            slash = path.find("/", slash + 1)
        known = self._entries.get(path)
        if known is not None:
            if known.layer == self._layer:
                raise FetchLimitExceeded(f"{path!r} is there twice")
            self._remove(path)
        self._refuse_twin(path)
        self._count()

    def _refuse_twin(self, path: str) -> None:
        twin = self._folded.get(folded(path))
        if twin is not None:
            raise FetchLimitExceeded(f"{path!r} and {twin!r} differ in case or in Unicode's forms alone")

    def _enter(self, path: str, record: Record | None) -> None:
        self._entries[path] = _Entry(self._layer, record)
        self._folded[folded(path)] = path
        self._folder_of(path).inside.add(path)

    def _folder_of(self, path: str) -> _Entry:
        folder = path.rpartition("/")[0]
        return self._entries[folder] if folder else self._top

    def _remove(self, path: str) -> None:
        entry = self._entries[path]
        self._folder_of(path).inside.discard(path)
        if entry.record is not None:
            os.unlink(self._place(path))  # noqa: PTH108 - as in add_folder
        else:
            shutil.rmtree(self._place(path))
        gone = [path]
        while gone:
            here = gone.pop()
            gone += self._entries.pop(here).inside
            del self._folded[folded(here)]

    def _follow(self, path: str) -> None:
        """The way of a link over all others, as the kernel goes it: FetchLimitExceeded where it leaves the root.

        One that goes on for longer than the kernel follows leads nowhere; each link on it is looked at by itself.
        """
        ahead, here, followed = deque(path.split("/")), [""], 0
        while ahead:
            part = ahead.popleft()
            if part == "..":
                if len(here) == 1:
                    raise FetchLimitExceeded(f"link {path!r} leaves the root by way of other links")
                here.pop()
                continue
            if part in ("", "."):
                continue
            place = f"{here[-1]}/{part}" if here[-1] else part
            known = self._entries.get(place)
            if known is None or known.record is None or not known.record.link:
                here.append(place)
                continue
            followed += 1
            if followed > _LINKS_FOLLOWED:
                return
            ahead.extendleft(reversed(known.record.link.split("/")))

    def _count(self) -> None:
        self._made += 1
        if self._made > self._limits.files_most:
            raise FetchLimitExceeded(
                f"it holds more than {self._limits.files_most} files and folders (PACKHOUSE_BUNDLE_FILES_MOST)"
            )
