"""A package's folder on disk: its documents, the files that a bundle of it holds, the cases of its tests.

    package.yaml             the Package: publicName, version, valuesSchema, and in template.spec how it is rendered
    metadata.yaml            the PackageMetadata, if there is one
    config/, .imgpkg/        what is pushed; or a folder bundle/ with these two, and all else in it
    tests/NAME/values.yml    values of a case; expected.yml or expected-error.txt says what comes of it

A Package is read as an import reads it, with two things left to the release: metadata.name and fetch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from packhouse.api.errors import InvalidSpec
from packhouse.api.names import PACKAGE, PACKAGE_METADATA
from packhouse.api.views import Package
from packhouse.authoring.written import (
    UNRELEASED,
    Place,
    Unreadable,
    Written,
    crd_schema,
    offered,
    read_text,
    read_written,
    shown,
)
from packhouse.authoring.ytt_schema import declared
from packhouse.client.errors import NotFound
from packhouse.domain.images_lock import EMPTY_LOCK, LOCK_FILE
from packhouse.ports import Json, ValuesDocument

__all__ = [
    "UNRELEASED",
    "Case",
    "Place",
    "Project",
    "Unreadable",
    "Written",
    "crd_schema",
    "read",
    "shown",
    "values_file",
]

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

    `content` is the folder that paths of template steps begin at. `instead`: files that stand in the place of those on
    disk.
    """

    folder: Path
    content: Path
    package: Json
    metadata: Json | None
    cases: Sequence[Case]
    written: Written
    written_metadata: Written | None = None
    instead: Mapping[str, bytes] = field(default_factory=dict)

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
        on_disk = {name: (self.content / name).read_bytes() for name in self._shipped()}
        return {LOCK_FILE: EMPTY_LOCK, **on_disk, **self.instead}

    def _shipped(self) -> Iterator[str]:
        tops = [self.folder / name for name in SHIPPED] if self.content == self.folder else [self.content]
        for path in (path for top in tops for path in (top, *sorted(top.rglob("*")))):
            if not self._is_within(path):
                link, left = f"{shown(path.parent)}/{path.name}", path.parent if path == self.content else self.content
                raise InvalidSpec(f"{link} is a link that leaves {shown(left)}: replace it by what it leads to")
            name = path.relative_to(self.content)
            if path.is_file() and ".git" not in name.parts:
                yield name.as_posix()

    def _is_within(self, path: Path) -> bool:
        """Wherever links lead: below the content, and so below the package's folder."""
        place, content = path.resolve(), self.content.resolve()
        return place.is_relative_to(content) and content.is_relative_to(self.folder.resolve())


def read(folder: Path) -> Project:
    """Raises NotFound where there is no package, Unreadable for the first thing that a repository would refuse."""
    written = read_written(folder / PACKAGE_FILE)
    if written is None:
        raise NotFound(
            f"{folder} holds no {PACKAGE_FILE}",
            "name the folder of a package, or begin one: packhouse package init NAME",
        )
    metadata = read_written(folder / METADATA_FILE)
    bundle = folder / BUNDLE
    project = Project(
        folder=folder,
        content=bundle if bundle.is_dir() else folder,
        package=offered(written, PACKAGE),
        metadata=offered(metadata, PACKAGE_METADATA) if metadata is not None else None,
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


def values_file(path: Path) -> ValuesDocument:
    """Raises NotFound, InvalidSpec."""
    return ValuesDocument(shown(path), read_text(path), path.name)


def _cases(tests: Path) -> list[Case]:
    folders = sorted(tests.iterdir()) if tests.is_dir() else []
    return [Case(folder.name, folder) for folder in folders if folder.is_dir() and not folder.name.startswith(".")]
