"""Keeps unpacked trees by a key: trees/<key>/{content/, contents.jsonl}. One for all sources, built in app.

Called by adapters in threads. A key names the content and the server that gave it:

    key = oci_key(host, access, "sha256:...")
    root = cache.find(key)                      # None: it must be fetched
    with cache.staging() as place:              # a new folder on the same disk; fill place / "content"
        root = cache.keep(key, place / "content", unpacker.finish())
    cache.accepted.add("oci", repository, digest, *person_parts(credentials))   # who was given what: accepted.py

The server belongs to the key since its word decides who may have the content. Were a digest enough, whoever runs a
server of his own could let it say that it has another's digest, and be handed another's tree.

A tree is filled in a folder of this process and moved into place by one rename, so that a kill at any moment leaves
no half tree. Each process holds a lock on its folder; who starts removes the folders whose lock nobody holds.

Eviction takes the least recently used trees first and never one that was used within the last GUARD_SECONDS: what
is handed out is read at once, so age stands for "in use", also between processes. All trees younger than that may
together exceed the bound. A tree is checked against its recorded sizes at every use, and against its recorded
digests once in a process; a damaged one is thrown away and fetched anew.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from packhouse.api.errors import FetchFailed
from packhouse.domain.references import DIGEST
from packhouse.fetch.accepted import Accepted, way
from packhouse.fetch.tree_records import CONTENT, intact, recorded_bytes, write_records
from packhouse.fetch.unpack import Record
from packhouse.ports import Access

GUARD_SECONDS: Final = 600.0
_SMALL: Final = "bytes"  # the only file of what keep_bytes kept


def oci_key(host: str, access: Access, digest: str) -> str:
    """Of an image, manifest or blob of that registry, as this access reaches it."""
    return f"{digest}@{host}{way(access)}"


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
        self._checked: set[str] = set()  # by the names of their folders
        self._sizes: dict[str, int] = {}
        self.accepted = Accepted(self._opened)

    def find(self, key: str) -> Path | None:
        """The folder of the tree, intact and marked as used; None where it must be fetched."""
        self._open()
        home = self._home(key)
        whole = intact(home, deep=home.name not in self._checked)
        if whole is None:
            return None
        if not whole:
            self._discard(home)
            return None
        self._checked.add(home.name)
        with contextlib.suppress(OSError):  # evicted by another process just now: the caller's read will tell
            os.utime(home, (self._now(), self._now()))
        return home / CONTENT

    def find_bytes(self, key: str) -> bytes | None:
        """What keep_bytes kept."""
        root = self.find(key)
        with contextlib.suppress(FileNotFoundError):
            return (root / _SMALL).read_bytes() if root is not None else None
        return None

    def keep_bytes(self, key: str, content: bytes) -> None:
        """A small content that is no tree, such as a manifest."""
        with self.staging() as place:
            (place / CONTENT).mkdir()
            (place / CONTENT / _SMALL).write_bytes(content)
            self.keep(key, place / CONTENT, [Record(_SMALL, len(content), hashlib.sha256(content).hexdigest())])

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

    def keep(self, key: str, content: Path, records: Sequence[Record]) -> Path:
        """Move `content` (made in staging) into place under `key`, evict what is too much, give its folder."""
        tree = self._own / secrets.token_hex(8)
        tree.mkdir(mode=0o700)
        content.rename(tree / CONTENT)
        write_records(tree, records)
        os.utime(tree, (self._now(), self._now()))
        home = self._home(key)
        with self._mutex:
            self._place(tree, home)
            self._checked.add(home.name)
            self._sizes[home.name] = sum(record.size for record in records)
        self.evict()
        return home / CONTENT

    def _place(self, tree: Path, home: Path) -> None:
        """By one rename. Where another was faster with an intact one, that stays: somebody may be reading it."""
        for _ in range(5):
            try:
                tree.rename(home)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            if intact(home, deep=True):
                self._discard(tree)
                return
            self._discard(home)
        raise FetchFailed(f"the cache folder {self._folder} changes under our hands: set PACKHOUSE_CACHE_DIR")

    def evict(self) -> None:
        """Remove the longest unused trees until the rest fits; see the module's text for those that stay."""
        with self._mutex:
            trees = sorted((_used(home), home) for home in self._trees.iterdir())
            # a tree that is kept does not change: its size is read once
            self._sizes = {home.name: self._sizes.get(home.name) or recorded_bytes(home) for _, home in trees}
            sizes = {home: self._sizes[home.name] for _, home in trees}
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

    def _home(self, key: str) -> Path:
        if DIGEST.fullmatch(key):
            return self._trees / key.replace(":", "-")
        words = re.sub(r"[^a-z0-9.-]+", "-", key.lower())[:100].strip(".-")
        return self._trees / f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"

    def _opened(self) -> Path:
        self._open()
        return self._folder

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
