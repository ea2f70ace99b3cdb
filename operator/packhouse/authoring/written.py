"""The documents of a package as their author wrote them: read as an import reads them, errors with file and line.

Called by project.py. Two things are left to a release: metadata.name, which follows, and the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final

from packhouse.api.errors import InvalidSpec
from packhouse.api.names import PACKAGE, PACKAGE_METADATA
from packhouse.client.errors import NotFound
from packhouse.domain import yaml_text
from packhouse.domain.bundle import read_document
from packhouse.domain.bundle_lines import Lines
from packhouse.domain.bundle_schema import Problem, Shape
from packhouse.domain.catalogue import package_name
from packhouse.ports import Json

#: What stands for the source until a release knows it.
UNRELEASED: Final[Json] = {"imgpkgBundle": {"image": "unreleased.invalid/package"}}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as messages name it."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Unreadable(InvalidSpec):
    """A document of the package that no repository would take. `path`: the field that shows it best."""

    def __init__(self, place: Place, path: Sequence[str | int], message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.path = tuple(path)
        self.what = message


@dataclass(frozen=True, slots=True)
class Written:
    """A document as its author wrote it. `line`: where it begins."""

    file: str
    line: int
    document: Json
    text: str = field(repr=False)

    def place(self, *path: str | int) -> Place:
        """Where a field stands, or the nearest one above it."""
        return Place(self.file, Lines(self.text).of(self.line, path))

    def search(self, word: str) -> Place | None:
        """The first line that holds a word."""
        lines = (number for number, line in enumerate(self.text.splitlines(), 1) if word in line)
        return next((Place(self.file, number) for number in lines), None)


def read_written(path: Path) -> Written | None:
    """The one document of a file; None where there is no such file."""
    if not path.is_file():
        return None
    text, name = read_text(path), shown(path)
    try:
        found = yaml_text.load_all(text, "", InvalidSpec)
    except InvalidSpec as error:  # ":line: reason"
        number, _, reason = error.message.lstrip(":").partition(": ")
        raise Unreadable(Place(name, int(number) if number.isdecimal() else 0), (), reason) from None
    if len(found) != 1:
        line = found[1][0] if found else 1
        raise Unreadable(Place(name, line), (), f"one document is expected, found {len(found)}; keep one in this file")
    [(line, document)] = found
    if not isinstance(document, dict):
        raise Unreadable(Place(name, line), (), "a map with apiVersion, kind and spec is expected")
    return Written(name, line, document, text)


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no file {shown(path)}") from None
    except UnicodeDecodeError:
        raise InvalidSpec(f"{shown(path)} is no UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InvalidSpec(f"{shown(path)} cannot be read: {error.strerror}") from None


def offered(written: Written, kind: str) -> Json:
    """The document as a repository offers it. Raises Unreadable."""
    document = written.document
    if document.get("kind") != kind:
        raise Unreadable(written.place("kind"), ("kind",), f"kind {kind} is expected, found {document.get('kind')!r}")
    try:
        return read_document(_completed(document) if kind == PACKAGE else document, shapes())
    except Problem as problem:
        raise Unreadable(written.place(*problem.path), problem.path, problem.message) from None


def _completed(document: Json) -> Json:
    """With the name that follows from publicName and version, and a source, where the author leaves them out."""
    metadata: Any = document.get("metadata") or {}
    spec: Any = document.get("spec")
    of_spec = spec if isinstance(spec, dict) else {}
    if isinstance(metadata, dict) and "name" not in metadata:
        # of what is missing or no text, too: that is said of the field itself
        named, version = of_spec.get("publicName", of_spec.get("refName")), of_spec.get("version")
        metadata = {**metadata, "name": package_name(str(named or "?"), str(version or "?"))}
    if not of_spec:
        return {**document, "metadata": metadata}
    template: Any = spec.get("template")
    app: Any = template.get("spec") if isinstance(template, dict) else None
    if isinstance(app, dict) and not app.get("fetch"):
        spec = {**spec, "template": {**template, "spec": {**app, "fetch": [UNRELEASED]}}}
    return {**document, "metadata": metadata, "spec": spec}


def shapes() -> Mapping[str, Shape]:
    """The schemas that the API server has for the two kinds."""
    return {kind: Shape(crd_schema(kind)) for kind in (PACKAGE, PACKAGE_METADATA)}


@cache
def crd_schema(kind: str) -> Json:
    """The openAPIV3Schema of a kind's CRD."""
    text = (resources("packhouse") / "crds" / f"{kind.lower()}.yaml").read_text()
    [(_, crd)] = yaml_text.load_all(text, "the CRD", InvalidSpec)
    schema: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def shown(path: Path) -> str:
    """A path as whoever stands in the working folder writes it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
