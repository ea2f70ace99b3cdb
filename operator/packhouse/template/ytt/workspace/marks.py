"""File marks: `path:key=value` changes what a file is. Called before anything is looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.files import File, Kind

#: `type=` and what it makes of a file: its kind, and whether it is a template.
_TYPES = {
    "yaml-template": (Kind.YAML, True),
    "yaml-plain": (Kind.YAML, False),
    "text-template": (Kind.TEXT, True),
    "text-plain": (Kind.TEXT, False),
    "starlark": (Kind.STARLARK, False),
    "data": (Kind.UNKNOWN, False),
}


def apply_marks(files: list[File], marks: Sequence[str]) -> list[File]:
    """The files that are left, marked. Raises YttError for a mark that is none, or that matches no file."""
    exclusive: list[File] = []
    for mark in marks:
        path, key, value = _read(mark)
        matches = _matcher(path)
        marked = [file for file in files if matches.fullmatch(file.given_path)]
        if not marked:
            raise YttError(f"Expected file mark '{mark}' to match at least one file by path, but did not")
        if key == "exclude":
            _only_true(value, mark)
            files = [file for file in files if file not in marked]
        elif key == "exclusive-for-output":
            _only_true(value, mark)
            exclusive += marked
        else:
            for file in marked:
                _mark(file, key, value, mark)
    if exclusive:
        for file in files:
            file.mark_output(False)
        for file in exclusive:
            file.mark_output(True)
    return files


def _read(mark: str) -> tuple[str, str, str]:
    path, colon, rest = mark.partition(":")
    if not colon:
        raise YttError(f"Expected file mark '{mark}' to be in format path:key=value")
    key, equals, value = rest.partition("=")
    if not equals:
        raise YttError(f"Expected file mark '{mark}' key-value portion to be in format key=value")
    return path, key, value


def _matcher(path: str) -> re.Pattern[str]:
    """`**/*` is anything, `*` anything within a folder; one of each at the most."""
    pattern = re.escape(path).replace(re.escape("**/*"), ".+", 1).replace(re.escape("*"), "[^/]+", 1)
    return re.compile(pattern)


def _mark(file: File, key: str, value: str, mark: str) -> None:
    if key == "path":
        file.path = value
    elif key == "type":
        if value not in _TYPES:
            raise _unknown_value(mark)
        file.mark_kind(*_TYPES[value])
    elif key == "for-output":
        _only_true(value, mark)
        file.mark_output(True)
    else:
        raise YttError(f"Unknown key in file mark '{mark}'")


def _only_true(value: str, mark: str) -> None:
    if value != "true":
        raise _unknown_value(mark)


def _unknown_value(mark: str) -> YttError:
    return YttError(f"Unknown value in file mark '{mark}'")
