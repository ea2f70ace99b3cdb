"""A package's folder on disk: its documents, the files that a bundle of it holds, the cases of its tests.

    package.yaml             the Package: publicName, version, valuesSchema, and in template.spec how it is rendered
    metadata.yaml            the PackageMetadata, if there is one
    config/, .imgpkg/        what is pushed; or a folder bundle/ with these two, and all else in it
    tests/NAME/values.yml    values of a case; expected.yml or expected-error.txt says what comes of it

A Package is read as an import reads it, with two things left to the release: metadata.name and fetch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, Final

from packhouse.api.errors import InvalidSpec
from packhouse.api.names import PACKAGE, PACKAGE_METADATA
from packhouse.api.views import Package
from packhouse.authoring.ytt_schema import declared
from packhouse.client.errors import NotFound
from packhouse.domain import yaml_text
from packhouse.domain.bundle import read_document
from packhouse.domain.bundle_lines import Lines
from packhouse.domain.bundle_schema import Problem, Shape
from packhouse.domain.catalogue import package_name
from packhouse.domain.images_lock import EMPTY_LOCK, LOCK_FILE
from packhouse.ports import Json, ValuesDocument

PACKAGE_FILE: Final = "package.yaml"
METADATA_FILE: Final = "metadata.yaml"
TESTS: Final = "tests"
VALUES_FILE: Final = "values.yml"
EXPECTED_FILE: Final = "expected.yml"
EXPECTED_ERROR_FILE: Final = "expected-error.txt"

#: A folder that holds the whole content of the bundle, as packages of the community have it.
BUNDLE: Final = "bundle"
#: Without it, these of the package's folder are pushed.
SHIPPED: Final = ("config", ".imgpkg")

#: What stands for the source until a release knows it.
UNRELEASED: Final[Json] = {"imgpkgBundle": {"image": "unreleased.invalid/package"}}

Path_ = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as messages name it."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Unreadable(InvalidSpec):
    """A document of the package that no repository would take. `path`: the field that shows it best."""

    def __init__(self, place: Place, path: Path_, message: str) -> None:
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


@dataclass(frozen=True, slots=True)
class Case:
    """A folder below tests/."""

    name: str
    folder: Path

    def values(self) -> Sequence[ValuesDocument]:
        """None at all where the case is that of the defaults."""
        return [values_file(path)] if (path := self.folder / VALUES_FILE).is_file() else []

    @property
    def expected(self) -> Path:
        return self.folder / EXPECTED_FILE

    @property
    def expected_error(self) -> Path:
        return self.folder / EXPECTED_ERROR_FILE


@dataclass(frozen=True, slots=True)
class Project:
    """`package` and `metadata` are as a repository would offer them, but for the source (`UNRELEASED`).

    `content` is the folder that paths of template steps begin at.
    """

    folder: Path
    content: Path
    package: Json
    metadata: Json | None
    cases: Sequence[Case]
    written: Written
    written_metadata: Written | None = None

    @property
    def view(self) -> Package:
        """As the rooms of the operator read it; what only an object of a cluster has is empty."""
        return Package.from_wire({**self.package, "metadata": {"uid": "", **self.package["metadata"]}})

    @property
    def name(self) -> str:
        """The first word of the public name: what files and installs of it are called here."""
        return self.view.public_name.partition(".")[0]

    def files(self) -> dict[str, bytes]:
        """What is pushed, by path below `content`; a lock is always there. Raises InvalidSpec for links out of it."""
        return {LOCK_FILE: EMPTY_LOCK} | {name: (self.content / name).read_bytes() for name in shipped(self.content)}


def read(folder: Path) -> Project:
    """Raises NotFound where there is no package, Unreadable for the first thing that a repository would refuse."""
    written = _written(folder / PACKAGE_FILE)
    if written is None:
        raise NotFound(
            f"{folder} holds no {PACKAGE_FILE}",
            "name the folder of a package, or begin one: packhouse package init NAME",
        )
    metadata = _written(folder / METADATA_FILE)
    bundle = folder / BUNDLE
    project = Project(
        folder=folder,
        content=bundle if bundle.is_dir() else folder,
        package=_offered(written, PACKAGE),
        metadata=_offered(metadata, PACKAGE_METADATA) if metadata is not None else None,
        cases=_cases(folder / TESTS),
        written=written,
        written_metadata=metadata,
    )
    return project if project.view.values_schema is not None else _with_declared(project)


def _with_declared(project: Project) -> Project:
    """With the schema that the files of a ytt package declare."""
    schema = declared(project.files(), project.view.template)
    if schema is None:
        return project
    spec = {**project.package["spec"], "valuesSchema": {"openAPIv3": schema}}
    return replace(project, package={**project.package, "spec": spec})


def shipped(content: Path) -> list[str]:
    """The files of the bundle, sorted. Raises InvalidSpec for a link that leads out."""
    tops = [content] if content.name == BUNDLE else [content / name for name in SHIPPED]
    found = []
    for path in (path for top in tops for path in sorted(top.rglob("*"))):
        if path.is_symlink() and not path.resolve().is_relative_to(content.resolve()):
            raise InvalidSpec(f"{shown(path)} is a link that leaves {shown(content)}: replace it by a file")
        if path.is_file():
            found.append(path.relative_to(content).as_posix())
    return sorted(found)


def shown(path: Path) -> str:
    """A path as whoever stands in the working folder writes it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def values_file(path: Path) -> ValuesDocument:
    """Raises NotFound, InvalidSpec."""
    return ValuesDocument(shown(path), _text(path), path.name)


def _cases(tests: Path) -> list[Case]:
    folders = sorted(tests.iterdir()) if tests.is_dir() else []
    return [Case(folder.name, folder) for folder in folders if folder.is_dir() and not folder.name.startswith(".")]


def _written(path: Path) -> Written | None:
    """The one document of a file; None where there is no such file."""
    if not path.is_file():
        return None
    text, name = _text(path), shown(path)
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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no file {shown(path)}") from None
    except UnicodeDecodeError:
        raise InvalidSpec(f"{shown(path)} is no UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InvalidSpec(f"{shown(path)} cannot be read: {error.strerror}") from None


def _offered(written: Written, kind: str) -> Json:
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
