"""What `build` and `release` have in common: a package is rendered, and its images are locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packhouse.api.errors import SourceNotFound
from packhouse.authoring import images
from packhouse.authoring.building import Build, build
from packhouse.authoring.images import Locked
from packhouse.authoring.project import Project, shown
from packhouse.authoring.rendering import ClusterFacts
from packhouse.cli.terminal import begins, warn
from packhouse.domain.images_lock import LOCK_FILE
from packhouse.domain.references import ImageReference
from packhouse.ports import Renderer

if TYPE_CHECKING:
    from packhouse.cli.bundle_places import Places


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock of a package: as it is on disk, and as it should be."""

    path: Path
    before: Sequence[Locked]
    after: Sequence[Locked]
    body: bytes | None  # as it is on disk

    @property
    def shown(self) -> str:
        return shown(self.path)

    @property
    def is_stale(self) -> bool:
        return images.differs(self.before, self.after) or self.body is None

    @property
    def content(self) -> bytes:
        """As it should be. What says the same in another form stays as its author wrote it."""
        return images.write(self.after) if self.body is None or self.is_stale else self.body

    def into(self, project: Project) -> Project:
        return replace(project, instead={LOCK_FILE: self.content})

    def write(self) -> None:
        if self.is_stale:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(self.content)


def counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


async def rendered(renderer: Renderer, project: Project, facts: ClusterFacts) -> Build:
    spec = project.package["spec"]
    begins(f"Rendering {spec['publicName']} {spec['version']}...")
    made = await build(renderer, project, facts)
    for warning in made.warnings:
        warn(warning)
    return made


def locked(project: Project, made: Build, places: Places, *, anew: bool) -> Lock:
    """Registries are asked for what is not locked; `anew`: for everything. Errors: those of Registry, InvalidSpec."""

    def digest_of(reference: ImageReference) -> str:
        home = places.repository(reference)
        found = home.digest_of(reference.digest or reference.tag or "latest")
        if found is None:
            raise SourceNotFound(f"{reference}: not found (404), or hidden from: {home.tried()}")
        return found

    path = project.content / LOCK_FILE
    body = path.read_bytes() if path.is_file() else None
    before = images.read(body, shown(path))
    if made.references:
        begins(f"Locking {counted(len(made.references), 'image')}...")
    after = images.lock(made.references, before, digest_of, anew=anew)
    return Lock(path, before, after, body)
