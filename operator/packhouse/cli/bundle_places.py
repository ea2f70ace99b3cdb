"""Where `packhouse bundle` reads from and writes to: repositories of registries, and layouts on disk.

A word that begins with / . or oci-layout:// is a layout, a folder or a tar; everything else is an image reference.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packhouse.adapters.contents import Contents
from packhouse.adapters.oci_layout import Layout
from packhouse.adapters.oras_repository import Repository
from packhouse.api.errors import InvalidSpec, SourceNotFound
from packhouse.cli.bundle_login import Logins
from packhouse.domain.references import DOCKER_HUB, DOCKER_HUB_NAMES, OCI_LAYOUT, ImageReference, read_reference
from packhouse.settings import Settings

_PATHS: Final = ("/", "./", "../")


@dataclass(frozen=True, slots=True)
class Place:
    """One image of a repository or a layout. `home` is None on disk."""

    source: Contents
    home: ImageReference | None
    tag: str | None
    digest: str

    def __str__(self) -> str:
        return f"{self.source.name}@{self.digest}"


class Places:
    """A context manager: closes every connection at its end. Errors: those of Contents, InvalidSpec."""

    def __init__(self, logins: Logins, settings: Settings) -> None:
        self._logins = logins
        self._settings = settings
        self._open: dict[str, Repository] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def repository(self, reference: ImageReference) -> Repository:
        """Each is opened once."""
        known = self._open.get(reference.repository)
        if known is None:
            known = Repository(reference, self._logins.access(reference), self._settings)
            self._open[reference.repository] = known
            self._stack.callback(known.close)
        return known

    def find(self, text: str) -> Place:
        if text.startswith(_PATHS):
            return self.on_disk(Path(text), None, None)
        reference = reference_of(text)
        if reference.is_layout:
            return self.on_disk(Path(f"/{reference.path}"), reference.tag, reference.digest)
        source = self.repository(reference)
        raw = source.manifest(reference.digest or reference.tag or "latest")
        if raw is None:
            raise SourceNotFound(f"{reference}: not found (404), or hidden from: {source.tried()}")
        return Place(source, reference, reference.tag, raw.digest)

    def on_disk(self, path: Path, tag: str | None, digest: str | None) -> Place:
        layout = Layout(path, members_most=self._settings.bundle_files_most)
        found = digest or layout.digest(tag)
        return Place(layout, None, tag or _tag(layout, found), found)


def reference_of(text: str) -> ImageReference:
    """Errors: InvalidSpec, also for what is a path by all appearances: a registry would be asked for it in vain."""
    if text.startswith("oci-layout:") and not text.startswith(OCI_LAYOUT):
        raise InvalidSpec(f"{text}: write {OCI_LAYOUT} and a whole path, or a path that begins with ./")
    reference = read_reference(text)
    hostless = reference.host == DOCKER_HUB and not text.startswith(tuple(f"{name}/" for name in DOCKER_HUB_NAMES))
    if hostless and (text.endswith(".tar") or (Path(text) / "oci-layout").is_file()):
        raise InvalidSpec(f"{text}: a path begins with /, ./ or ../; write ./{text} for the one on this disk")
    return reference


def tar_of(path: Path) -> Path:
    """The tar to be written. Errors: InvalidSpec, before anything is copied."""
    if not path.name or path.is_dir():
        raise InvalidSpec(f"--to-tar {path}: that is a folder; name a file in it")
    return path


def target_of(text: str) -> tuple[ImageReference | Path, str | None]:
    """Where a copy goes, and the tag that is asked for, if one is."""
    if text.startswith(_PATHS):
        return Path(text), None
    reference = reference_of(text)
    if reference.digest is not None:
        raise InvalidSpec(f"{text}: a copy goes to a tag, its digest is that of the source")
    if reference.is_layout:
        return Path(f"/{reference.path}"), reference.tag
    named = ":" in text.rpartition("/")[2]
    return reference, reference.tag if named else None


def as_layout(path: Path, digest: str) -> str:
    """How a fetch step names it; just the path where a reference cannot say it."""
    text = f"{OCI_LAYOUT}{path.resolve()}@{digest}"
    try:
        return str(read_reference(text))
    except InvalidSpec:
        return f"{path}@{digest}"


def _tag(layout: Layout, digest: str) -> str | None:
    from packhouse.adapters.oci_layout import tag_of

    return next((tag for entry in layout.entries if entry.digest == digest and (tag := tag_of(entry))), None)
