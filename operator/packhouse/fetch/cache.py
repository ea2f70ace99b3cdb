"""Keeps unpacked trees by the digest of their manifest: trees/sha256-<hex>/{content/, contents.jsonl}.

Called by the registry adapter in threads. A tree is filled in a folder of this process and moved into place by
one rename, so that a kill at any moment leaves no half tree. Each process holds a lock on its folder; who starts
removes the folders whose lock nobody holds.

Eviction takes the least recently used trees first and never one that was used within the last GUARD_SECONDS: what
is handed out is read at once, so age stands for "in use", also between processes. All trees younger than that may
together exceed the bound. A tree is checked against its recorded sizes at every use, and against its recorded
digests once in a process; a damaged one is thrown away and fetched anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final

from packhouse.api.errors import FetchFailed
from packhouse.fetch.unpack import CHUNK, Record

GUARD_SECONDS: Final = 600.0
_CONTENT: Final = "content"
_CONTENTS: Final = "contents.jsonl"  # first line: {"bytes": n}; then one record a line


class TreeCache:
    """All methods block. Errors: FetchFailed where the folder cannot be used."""

    def __init__(self, folder: Path, most_bytes: int, *, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._trees = folder / "trees"
        self._most_bytes = most_bytes
        self._now = now
        self._mutex = threading.Lock()
        self._lock_file: IO[bytes] | None = None
        self._own = folder / "tmp"  # set when the folder is opened
        self._checked: set[str] = set()

    def find(self, digest: str) -> Path | None:
        """The folder of the tree, intact and marked as used; None where it must be fetched."""
        self._open()
        home = self._home(digest)
        try:
            records = _read_records(home)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            records = None
        if records is None or not _intact(home / _CONTENT, records, deep=digest not in self._checked):
            self._discard(home)
            return None
        self._checked.add(digest)
        with contextlib.suppress(OSError):  # evicted by another process just now: the caller's read will tell
            os.utime(home, (self._now(), self._now()))
        return home / _CONTENT

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A new folder on the cache's file system; whatever was not kept is removed."""
        self._open()
        place = self._own / secrets.token_hex(8)
        place.mkdir(mode=0o700)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def keep(self, digest: str, content: Path, records: Sequence[Record]) -> Path:
        """Move `content` (made in staging) into place under `digest`, evict what is too much, give its folder."""
        tree = self._own / secrets.token_hex(8)
        tree.mkdir(mode=0o700)
        content.rename(tree / _CONTENT)
        with (tree / _CONTENTS).open("w", encoding="utf-8") as file:
            file.write(json.dumps({"bytes": sum(record.size for record in records)}) + "\n")
            file.writelines(json.dumps(asdict(record)) + "\n" for record in records)
        os.utime(tree, (self._now(), self._now()))
        home = self._home(digest)
        with self._mutex:
            if home.exists():  # another process was faster
                self._discard(home)
            tree.rename(home)
        self._checked.add(digest)
        self.evict()
        return home / _CONTENT

    def evict(self) -> None:
        """Remove the longest unused trees until the rest fits; see the module's text for those that stay."""
        with self._mutex:
            trees = sorted((_used(home), home) for home in self._trees.iterdir())
            sizes = {home: _recorded_bytes(home) for _, home in trees}
            total = sum(sizes.values())
            for used, home in trees:
                if total <= self._most_bytes or self._now() - used < GUARD_SECONDS:
                    return
                self._discard(home)
                total -= sizes[home]

    def close(self) -> None:
        """Remove this process's own folder and its lock."""
        if self._lock_file is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            Path(self._lock_file.name).unlink(missing_ok=True)
            self._lock_file.close()
            self._lock_file = None

    # ---- the folder --------------------------------------------------------------------------------------

    def _home(self, digest: str) -> Path:
        return self._trees / digest.replace(":", "-")

    def _discard(self, home: Path) -> None:
        """Out of sight by one rename, then removed."""
        doomed = self._own / secrets.token_hex(8)
        with contextlib.suppress(FileNotFoundError):
            home.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def _open(self) -> None:
        with self._mutex:
            if self._lock_file is not None:
                return
            temporary = self._folder / "tmp"
            try:
                for place in (self._trees, temporary):
                    place.mkdir(mode=0o700, parents=True, exist_ok=True)
                _check_owner(self._folder, {os.getuid(), 0})  # a mounted volume belongs to root
                _check_owner(self._trees, {os.getuid()})
                _check_owner(temporary, {os.getuid()})
                with (temporary / "guard").open("wb") as guard:
                    fcntl.flock(guard, fcntl.LOCK_EX)  # held for a moment by whoever starts
                    _remove_leftovers(temporary)
                    name = secrets.token_hex(8)
                    lock = (temporary / f"{name}.lock").open("wb")
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    (temporary / name).mkdir(mode=0o700)
            except OSError as error:
                raise FetchFailed(
                    f"the cache folder {self._folder} cannot be used ({error.strerror}): set PACKHOUSE_CACHE_DIR"
                ) from error
            self._own, self._lock_file = temporary / name, lock


def _check_owner(folder: Path, allowed: set[int]) -> None:
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid not in allowed:
        raise FetchFailed(f"the cache folder {folder} belongs to somebody else: set PACKHOUSE_CACHE_DIR")


def _remove_leftovers(temporary: Path) -> None:
    """What dead processes left: a folder whose lock can be taken, or which has no lock at all."""
    held = set()
    for path in temporary.glob("*.lock"):
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.add(path.stem)
                continue
        path.unlink(missing_ok=True)
    for path in temporary.iterdir():
        if path.is_dir() and path.name not in held:
            shutil.rmtree(path, ignore_errors=True)


def _used(home: Path) -> float:
    try:
        return home.stat().st_mtime
    except FileNotFoundError:  # evicted by another process just now
        return 0.0


def _recorded_bytes(home: Path) -> int:
    try:
        with (home / _CONTENTS).open(encoding="utf-8") as file:
            return int(json.loads(file.readline())["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _read_records(home: Path) -> list[Record]:
    with (home / _CONTENTS).open(encoding="utf-8") as file:
        lines = file.read().splitlines()
    records = [Record(**json.loads(line)) for line in lines[1:]]
    if json.loads(lines[0])["bytes"] != sum(record.size for record in records):
        raise ValueError("the list of contents is cut off")
    return records


def _intact(root: Path, records: Sequence[Record], *, deep: bool) -> bool:
    try:
        if not all(_same(root / record.path, record, deep=deep) for record in records):
            return False
    except OSError:
        return False
    # a file that nobody recorded is damage, too
    return not deep or sum(1 for path in root.rglob("*") if path.is_symlink() or path.is_file()) == len(records)


def _same(path: Path, record: Record, *, deep: bool) -> bool:
    if record.link:
        return path.readlink().as_posix() == Path(record.link).as_posix()
    if path.is_symlink() or path.lstat().st_size != record.size:
        return False
    if not deep:
        return True
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest() == record.sha256
