"""Files as a tree of folders, which are libraries: what is under `_ytt_lib` is private to the folder that has it.

The loader finds files and libraries here; the execution goes through the files that are accessible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.files import File

PRIVATE = "_ytt_lib"


class Library:
    """One folder; the outermost has no name."""

    __slots__ = ("children", "files", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: dict[str, Library] = {}
        self.files: list[File] = []

    @classmethod
    def of(cls, files: Sequence[File]) -> Self:
        """The tree of these files, by their paths."""
        root = cls("")
        for file in files:
            library: Library = root
            for folder in file.folders:
                library = library.children.setdefault(folder, Library(folder))
            library.files.append(file)
        return root

    def accessible(self) -> list[LibraryFile]:
        """All files but those of private libraries: first its own, then those of each folder."""
        return list(self._accessible(""))

    def _accessible(self, prefix: str) -> Iterator[LibraryFile]:
        for file in self.files:
            yield LibraryFile(file, self, prefix + file.name)
        for name, child in self.children.items():
            if name != PRIVATE:
                yield from child._accessible(f"{prefix}{name}/")

    def private(self, path: str) -> Library:
        """The library that `library.get(path)` means. Raises YttError where there is none."""
        library = self.children.get(PRIVATE)
        if library is None:
            raise YttError(f"Could not find private library (directory '{PRIVATE}' missing?)")
        names = path.split("/")
        for index, name in enumerate(names):
            child = library.children.get(name)
            if child is None:
                found = "/".join(names[:index])
                raise YttError(f"Expected to find library '{path}', but did not find '{found}'")
            if name == PRIVATE:
                raise YttError(f"Could not load private library '{'/'.join(names[:index])}'")
            library = child
        return library

    def folder(self, path: str) -> Library:
        """A folder that is not private. Raises YttError where there is none."""
        library = self
        names = path.split("/")
        for index, name in enumerate(names):
            child = library.children.get(name)
            if child is None:
                raise YttError(f"Did not find '{'/'.join(names[:index])}'")
            if name == PRIVATE:
                raise YttError(f"Encountered private library '{PRIVATE}'")
            library = child
        return library

    def find(self, path: str) -> LibraryFile:
        """A file by its path from here. Raises YttError where there is none."""
        folder, slash, name = path.rpartition("/")
        library = self
        if slash:
            try:
                library = self.folder(folder)
            except YttError as error:
                raise YttError(f"Expected to find file '{path}', but did not: {error.message}") from None
        for file in library.files:
            if file.name == name:
                return LibraryFile(file, library, path)
        raise YttError(f"Expected to find file '{path}' (hint: only files included via -f flag are available)")


class LibraryFile(NamedTuple):
    """A file, the folder that it is in, and its path from the library that was asked."""

    file: File
    home: Library
    path: str


class Place(NamedTuple):
    """Where code runs: the folder that it is in, and the library that "/" means."""

    current: Library
    root: Library
