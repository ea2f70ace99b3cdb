"""What `packhouse ytt` reads and writes: files and folders in the order in which they are given, folders of results.

Called by ytt.py alone. What is wrong is said in the words of the original.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.inputs import InputFile

STDIN: Final = "-"
_STDIN_FILE: Final = "stdin.yml"
_YAML: Final = (".yml", ".yaml")
_URL: Final = ("http://", "https://")
#: Folders that nobody means to empty.
_NEVER_EMPTIED: Final = ("/", ".", "./", "")


class Reader:
    """`allowed`: where links may lead, None for anywhere. Standard input is read once."""

    def __init__(self, allowed: Sequence[str] | None) -> None:
        self._allowed = allowed
        self._stdin_was_read = False

    def files(self, paths: Iterable[str]) -> list[InputFile]:
        """What `-f` names: a file, a folder, "-", each perhaps with another name in front ("name=path")."""
        found: list[InputFile] = []
        for given in paths:
            name, equals, path = given.partition("=")
            if "=" in path:
                raise YttError(f"Expected file '{given}' to only have single '=' sign to for relative path assignment")
            group = self._group(path if equals else given)
            if equals and len(group) == 1 and not Path(path).is_dir():
                group = [InputFile(name, group[0].content)]
            found += sorted(group, key=lambda file: file.path)
        return found

    def values(self, given: str) -> list[tuple[str, str]]:
        """What `--data-values-file` names, perhaps with a library in front; of a folder, the YAML."""
        reference, path = _reference(given)
        is_folder = path != STDIN and Path(path).is_dir()
        try:
            group = sorted(self._group(path), key=lambda file: file.path)
        except YttError as error:
            raise YttError(f"Extracting data value from file: Find files '{path}': {error.message}") from None
        chosen = [file for file in group if not is_folder or file.path.endswith(_YAML)]
        return [(f"{reference}{file.path}", _text(file.content, file.path)) for file in chosen]

    def value(self, given: str) -> tuple[str, str]:
        """What `--data-value-file` names: "key=path", and the text of that file."""
        _, equals, path = given.partition("=")
        if not equals:
            return given, ""  # refused where keys are read
        try:
            [file] = self._group(path)
        except (YttError, ValueError):
            raise YttError(f"Extracting data value from file: Reading file '{path}'") from None
        return given, _text(file.content, path)

    def _group(self, path: str) -> list[InputFile]:
        if path == STDIN:
            return [InputFile(_STDIN_FILE, self._stdin())]
        if path.startswith(_URL):
            raise YttError(f"{path}: this command reads files and standard input and asks no server: download it first")
        try:
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode):
                return [InputFile(Path(path).name, self._content(path, mode))]
            return self._folder(path)
        except OSError as error:
            what = f"lstat {path}: {(error.strerror or 'cannot be read').lower()}"
            raise YttError(f"Checking file '{path}': {what}") from None

    def _folder(self, path: str) -> list[InputFile]:
        found = []
        for place, _, names in os.walk(path):
            for name in names:
                file = os.path.join(place, name)  # noqa: PTH118 - thousands of them, and Path is slow
                relative = os.path.relpath(file, path).replace(os.sep, "/")
                found.append(InputFile(relative, self._content(file, os.lstat(file).st_mode)))
        return found

    def _content(self, path: str, mode: int) -> bytes:
        if stat.S_ISLNK(mode):
            self._check_link(path)
        elif not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise YttError(f"Expected file '{path}' to be a regular file, but was not")
        with open(path, "rb") as file:  # noqa: PTH123 - the same
            return file.read()

    def _check_link(self, path: str) -> None:
        if self._allowed is None:
            return
        target = Path(path).resolve()
        if not os.path.lexists(target) and "/fd/pipe:" in str(target):  # a shell's <(...), which is nowhere
            return
        if not any(target.is_relative_to(Path(allowed).absolute()) for allowed in self._allowed):
            expected = f"Expected symlink file '{path}' -> '{target}' to be allowed, but was not"
            raise YttError(f"Checking symlink file '{path}': {expected}")

    def _stdin(self) -> bytes:
        if self._stdin_was_read:
            hint = "has the '-' argument been used in more than one flags?"
            raise YttError(f"Standard input has been already read once ({hint})")
        self._stdin_was_read = True
        return sys.stdin.buffer.read()


def write_files(folder: str, files: Iterable[tuple[str, str]], *, emptied: bool) -> list[str]:
    """Writes (path, text) below `folder`, which is emptied before where that is wanted; the paths written."""
    files = list(files)
    for path, _ in files:
        if path.startswith("/") or ".." in path.split("/"):
            raise YttError(f"Expected output file '{path}' to stay in the output directory")
    if emptied:
        _empty(folder, [path for path, _ in files])
    written = []
    for path, text in files:
        target = Path(folder) / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
        written.append(str(target))
    return written


def _empty(folder: str, paths: Sequence[str]) -> None:
    for path in paths:
        if paths.count(path) > 1:
            raise YttError(f"Multiple files have same output destination paths: {path}")
    if folder in _NEVER_EMPTIED:
        never = "', '".join(_NEVER_EMPTIED)
        raise YttError(f"Expected output directory path to not be one of '{never}'")
    shutil.rmtree(folder, ignore_errors=True)


def _reference(given: str) -> tuple[str, str]:
    """ "@lib:values.yml": the library with its colon, and the path."""
    if given.startswith("@"):
        reference, colon, path = given.partition(":")
        return reference + colon, path
    return "", given


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YttError(f"Reading file '{path}': it is no UTF-8 text") from None
