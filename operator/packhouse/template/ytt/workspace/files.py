"""What a file is: by its name, or as a file mark says. A `File` belongs to one rendering, which may mark it.

`files_of` makes them of what was given; the library puts them into folders, the execution asks what to do with each.
Contents are not read here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.workspace.inputs import InputFile


class Kind(Enum):
    YAML = "yaml"
    TEXT = "text"
    STARLARK = "starlark"
    UNKNOWN = "unknown"


_KINDS = ((".yaml", Kind.YAML), (".yml", Kind.YAML), (".star", Kind.STARLARK), (".txt", Kind.TEXT))
_NO_UTF8 = {
    "invalid continuation byte": "invalid trailing UTF-8 octet",
    "unexpected end of data": "incomplete UTF-8 octet sequence",
}


class File:
    """`order` counts from 0: how files are merged and printed. `path` may be another than was given (file mark)."""

    __slots__ = ("_digest", "_kind", "_output", "_template", "content", "given_path", "order", "path")

    def __init__(self, path: str, content: bytes, order: int) -> None:
        self.path = path
        self.given_path = path
        self.content = content
        self.order = order
        self._digest = b""
        self._kind: Kind | None = None
        self._template: bool | None = None
        self._output: bool | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folders(self) -> list[str]:
        return self.path.split("/")[:-1]

    @property
    def kind(self) -> Kind:
        if self._kind is not None:
            return self._kind
        return next((kind for ending, kind in _KINDS if self.name.endswith(ending)), Kind.UNKNOWN)

    @property
    def is_template(self) -> bool:
        return self._is_template_by_name if self._template is None else self._template

    @property
    def is_library(self) -> bool:
        """What others may load: `.lib.yml`, `.lib.txt` and such by name, and Starlark."""
        pieces = self.name.split(".")
        return (len(pieces) > 2 and pieces[-2] == "lib") or self.name.endswith(".star")

    @property
    def is_for_output(self) -> bool:
        if self._output is not None:
            return self._output
        return self._template is True or self._is_template_by_name

    @property
    def _is_template_by_name(self) -> bool:
        return not self.is_library and self.kind in (Kind.YAML, Kind.TEXT)

    def mark_kind(self, kind: Kind, template: bool) -> None:
        self._kind = kind
        self._template = template

    def mark_output(self, output: bool) -> None:
        self._output = output

    @property
    def digest(self) -> bytes:
        """By which the content is known again."""
        if not self._digest:
            self._digest = hashlib.sha256(self.content).digest()
        return self._digest

    def yaml_text(self) -> str:
        """Raises YttError where the content is no UTF-8, in the words of the YAML library."""
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise YttError(f"yaml: {_NO_UTF8.get(error.reason, 'invalid leading UTF-8 octet')}") from None

    def raw_text(self) -> str:
        """Bytes that are no UTF-8 become lone surrogates, as `os.fsdecode` makes them."""
        return self.content.decode("utf-8", "surrogateescape")


def files_of(given: Sequence[InputFile]) -> list[File]:
    return [File(file.path, file.content, order) for order, file in enumerate(given)]
