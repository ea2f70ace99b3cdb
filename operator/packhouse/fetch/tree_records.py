"""The list of what a kept tree holds, and whether it still does: contents.jsonl beside the tree.

Called by cache alone. First line: {"bytes": n}; then one record a line, read as a stream, since a tree may have
100,000 files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from packhouse.fetch.unpack import CHUNK, Record

CONTENT: Final = "content"
CONTENTS: Final = "contents.jsonl"


def write_records(home: Path, records: Sequence[Record]) -> None:
    with (home / CONTENTS).open("w", encoding="utf-8") as file:
        file.write(json.dumps({"bytes": sum(record.size for record in records)}) + "\n")
        file.writelines(json.dumps(asdict(record)) + "\n" for record in records)


def recorded_bytes(home: Path) -> int:
    """0 where nothing can be read."""
    try:
        with (home / CONTENTS).open(encoding="utf-8") as file:
            return int(json.loads(file.readline())["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def intact(home: Path, *, deep: bool) -> bool | None:
    """Whether all is there in its size, and (`deep`) with its digest, and nothing besides. None: there is no tree."""
    count = total = 0
    root = home / CONTENT
    try:
        said = -1
        for line in _lines(home):
            if said < 0:
                said = int(json.loads(line)["bytes"])
                continue
            record = Record(**json.loads(line))
            if not _same(f"{root}/{record.path}", record, deep=deep):
                return False
            count += 1
            total += record.size
    except FileNotFoundError as error:
        return None if error.filename == str(home / CONTENTS) else False
    except (OSError, ValueError, LookupError, TypeError):
        return False
    if said != total:  # the list is cut off
        return False
    # a file that nobody recorded is damage, too
    return not deep or _count(root) == count


def _lines(home: Path) -> Iterator[str]:
    with open(str(home / CONTENTS), encoding="utf-8") as file:  # noqa: PTH123 - the error names the text that was given
        yield from file


def _same(path: str, record: Record, *, deep: bool) -> bool:
    if record.link:
        return Path(os.readlink(path)).as_posix() == Path(record.link).as_posix()  # noqa: PTH115 - 100,000 of these
    status = os.lstat(path)
    if not _is_regular(status.st_mode) or status.st_size != record.size:
        return False
    return not deep or _digest(path) == record.sha256


def _is_regular(mode: int) -> bool:
    return mode & 0o170000 == 0o100000


def _digest(path: str) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - 100,000 of these
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _count(root: Path) -> int:
    """Files and links below `root`; links to folders count as links."""
    found = 0
    for place, folders, files in os.walk(root):
        found += len(files) + sum(1 for name in folders if os.path.islink(f"{place}/{name}"))  # noqa: PTH114
    return found
