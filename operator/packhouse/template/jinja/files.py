"""`files` of a template's context: the files of the fetched folder as texts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from packhouse.template import selection
from packhouse.template.jinja.problems import Refusal


class Files:
    """Read-only; a template reaches the methods alone."""

    __slots__ = ("_files",)

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files: Final = files

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def get(self, path: str) -> str:
        """The text of a file."""
        return selection.text(self._files, self._known(path))

    def base64(self, path: str) -> str:
        """A file in base64, whatever it holds: for binaryData."""
        return base64.b64encode(self._files[self._known(path)]).decode()

    def glob(self, pattern: str) -> dict[str, str]:
        """The texts of all files that a pattern names, by their paths, in order."""
        return {path: selection.text(self._files, path) for path in selection.glob(self._files, pattern)}

    def _known(self, path: str) -> str:
        if path not in self._files:
            raise Refusal("files: the package has no file of this path (paths begin at the fetched folder)")
        return path
