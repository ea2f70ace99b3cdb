"""What was given to whom: the list that lets a cached digest be used without asking its source again.

One list for all sources, beside the trees: `TreeCache.accepted`. It holds keyed hashes alone, with the key in a file
of its own, both readable by this user only. An entry has no end: a source that gave a content to these credentials
once cannot take it back. A list that cannot be read or written costs requests, nothing else.

The file is appended to, so that a kill at any byte spoils the last line at most; what is no whole line is passed over.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from packhouse.ports import Access, Credentials

_KEY_BYTES: Final = 32
_LINE: Final = re.compile(rb"[0-9a-f]{64}")
ENTRIES_MOST: Final = 20_000


def way(access: Access) -> str:
    """Through whom a source is reached. Another authority or proxy can speak in its name, so what came that way is
    no proof for those who reach it directly. Empty for the usual way."""
    if not access.ca_pem and access.proxy is None:
        return ""
    proxy = access.proxy
    parts = (access.ca_pem, *((proxy.url, proxy.username, proxy.password) if proxy is not None else ()))
    return hashlib.blake2b(_joined(parts), digest_size=16).hexdigest()


def persons(access: Access) -> list[Credentials | None]:
    """As whom the access may be let in: nobody (what everybody may have), and each of its credentials."""
    return [None, *access.credentials]


def person_parts(credentials: Credentials | None) -> tuple[str, ...]:
    """For the parts of an entry."""
    return () if credentials is None else (credentials.username, credentials.password, credentials.token)


class Accepted:
    """Methods may be called in any thread; they block for moments. `folder` gives the open folder or raises."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._key: bytes | None = None
        self._known: dict[bytes, None] = {}  # in the order in which they came
        self._read: tuple[int, int] = (0, 0)  # inode, and the bytes of it that were read

    def holds(self, *parts: str) -> bool:
        """Whether `add` was called with the same parts, by whatever process."""
        with self._mutex:
            entry = self._entry(parts)
            if entry not in self._known:
                self._read_on()
            return entry in self._known

    def add(self, *parts: str) -> None:
        with self._mutex:
            entry = self._entry(parts)
            if entry in self._known:
                return
            self._known[entry] = None
            with contextlib.suppress(OSError):
                self._append([entry])
                if len(self._known) > ENTRIES_MOST:
                    self._shorten()

    # ---- the files ---------------------------------------------------------------------------------------

    @property
    def _list(self) -> Path:
        return self._folder() / "accepted"

    def _entry(self, parts: tuple[str, ...]) -> bytes:
        if self._key is None:
            self._key = self._load_key()
        return hashlib.blake2b(_joined(parts), key=self._key, digest_size=32).hexdigest().encode()

    def _load_key(self) -> bytes:
        """That of the folder, made where there is none or a damaged one; else one for this process alone."""
        with contextlib.suppress(OSError), self._alone() as folder:
            path = folder / "accepted.key"
            with contextlib.suppress(FileNotFoundError):
                key = path.read_bytes()
                if len(key) == _KEY_BYTES:
                    return key
            key = secrets.token_bytes(_KEY_BYTES)
            _replace(path, key)
            return key
        return secrets.token_bytes(_KEY_BYTES)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Path]:
        """The folder, while no other process makes a key or a shorter list; what a killed one left there is removed."""
        folder = self._folder()
        with (folder / "accepted.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in folder.glob("accepted*.new"):
                left.unlink(missing_ok=True)
            yield folder

    def _read_on(self) -> None:
        """What this and other processes added since."""
        with contextlib.suppress(OSError), self._list.open("rb") as file:
            status = os.fstat(file.fileno())
            inode, offset = self._read
            if (status.st_ino, status.st_size) == self._read:
                return
            file.seek(offset if inode == status.st_ino and offset <= status.st_size else 0)
            data = file.read((ENTRIES_MOST + 1) * 2 * 66)
            whole = data.rfind(b"\n") + 1  # a line that is being written is read the next time
            self._read = (status.st_ino, file.tell() - len(data) + whole)
            for line in data[:whole].split(b"\n"):
                if _LINE.fullmatch(line):
                    self._known[line] = None

    def _append(self, entries: list[bytes]) -> None:
        # the newline before it ends a line that a killed process began
        data = b"".join(b"\n" + entry + b"\n" for entry in entries)
        descriptor = os.open(self._list, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _shorten(self) -> None:
        """Keep the younger half, in a new file that takes the old one's place."""
        with self._alone() as folder:
            self._known = dict.fromkeys(list(self._known)[-ENTRIES_MOST // 2 :])
            _replace(folder / "accepted", b"".join(b"\n" + entry + b"\n" for entry in self._known))


def _replace(path: Path, content: bytes) -> None:
    """By one rename; for this user alone."""
    made = path.with_name(f"{path.name}.new")
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(content)
    made.rename(path)


def _joined(parts: tuple[str, ...]) -> bytes:
    """So that no other parts give the same bytes."""
    return "".join(f"{len(part)}:{part}" for part in parts).encode()
