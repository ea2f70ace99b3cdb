"""Answers that cost requests and stay true, kept by key: in memory, and in a folder where there is one.

Called by the steps, one object for all. It survives a restart, so that a source that is away then need not be asked
again. A file is written aside and renamed: a kill leaves the old answer or the new one. What cannot be read or
written counts as never asked. Nothing secret may be in a key or an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packhouse.api.errors import SOURCE_ERRORS

#: After this a no ("") is asked again; a yes stays.
NO_SECONDS: Final = 3600.0
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    at: float


@dataclass(slots=True)
class Remembered:
    """`folder`: None keeps answers as long as the process lives."""

    folder: Path | None = None
    now: Callable[[], float] = time.time
    _answers: dict[str, _Answer] = field(default_factory=dict)
    _locks: weakref.WeakValueDictionary[str, asyncio.Lock] = field(default_factory=weakref.WeakValueDictionary)

    async def get(self, key: str) -> str | None:
        """None where nothing was put."""
        found = await self._find(key)
        return None if found is None else found.text

    async def put(self, key: str, text: str) -> None:
        found = self._answers.get(key)
        if found is not None and found.text == text and text:
            return
        answer = _Answer(text, self.now())
        self._keep(key, answer)
        if self.folder is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(_write, self.folder, key, answer)

    async def answer(self, key: str, ask: Callable[[], Awaitable[str]]) -> str:
        """The answer of `ask`, asked once at a time; where the source is away, an old no stands."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            found = await self._find(key)
            if found is not None and (found.text or 0 <= self.now() - found.at < NO_SECONDS):
                return found.text
            try:
                text = await ask()
            except SOURCE_ERRORS:
                if found is None:
                    raise
                return found.text
            await self.put(key, text)
            return text

    async def _find(self, key: str) -> _Answer | None:
        found = self._answers.get(key)
        if found is None and self.folder is not None:
            found = await asyncio.to_thread(_read, self.folder, key)
            if found is not None:
                self._keep(key, found)
        return found

    def _keep(self, key: str, answer: _Answer) -> None:
        if len(self._answers) >= _MOST:
            self._answers.pop(next(iter(self._answers)))
        self._answers[key] = answer


def _place(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _read(folder: Path, key: str) -> _Answer | None:
    try:
        found = json.loads(_place(folder, key).read_bytes())
        answer = _Answer(found["text"], found["at"])
        return answer if found["key"] == key and isinstance(answer.text, str) and answer.at + 0 == answer.at else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(folder: Path, key: str, answer: _Answer) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f"{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({"key": key, "text": answer.text, "at": answer.at}, file)
        aside.replace(_place(folder, key))
    finally:
        aside.unlink(missing_ok=True)
    _thin(folder)


def _thin(folder: Path) -> None:
    """The oldest go where there are too many, and what a kill left aside."""
    names = os.listdir(folder)  # noqa: PTH208 - names alone: 10,000 paths would be objects for nothing
    if len(names) <= _MOST:
        return
    files = sorted((folder / name for name in names), key=lambda file: file.stat().st_mtime)
    for file in files[: len(files) - _MOST * 9 // 10]:
        file.unlink(missing_ok=True)
