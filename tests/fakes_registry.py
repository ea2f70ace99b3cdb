"""A registry that is a folder and a dict: serves unit tests of whoever uses the port Registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packhouse.api.errors import AuthenticationFailed, SourceNotFound
from packhouse.domain.references import read_reference
from packhouse.ports import Access, Descriptor, RawManifest, Tree


@dataclass(slots=True)
class FakeRegistry:
    """`images`: repository:tag -> files; `manifests` and `blobs`: by the whole reference.

    `passwords`: user -> password; where there are any, others are refused.
    """

    folder: Path
    images: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    manifests: dict[str, RawManifest] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> str:
        return self._find(image, access)[0]

    async def pull(self, image: str, access: Access, *, fresh_seconds: float = 0.0) -> Tree:
        digest, files = self._find(image, access)
        root = self.folder / digest.replace(":", "-")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        return Tree(root, digest, read_reference(image).tag)

    async def tags(self, repository: str, access: Access, *, fresh_seconds: float = 0.0) -> Sequence[str]:
        self._admit(repository, access)
        known = [read_reference(name) for name in self.images]
        return [one.tag for one in known if one.repository == repository and one.tag is not None]

    async def manifest(self, image: str, access: Access) -> RawManifest | None:
        self._admit(image, access)
        return self.manifests.get(image)

    async def blob(self, image: str, access: Access, *, most_bytes: int) -> bytes:
        self._admit(image, access)
        return self.blobs[image]

    async def referrers(self, image: str, access: Access) -> Sequence[Descriptor]:
        self._admit(image, access)
        return ()

    def _admit(self, image: str, access: Access) -> None:
        self.asked.append(image)
        if self.passwords and not any(self.passwords.get(one.username) == one.password for one in access.credentials):
            tried = ", ".join(one.source for one in access.credentials) or "no credentials"
            raise AuthenticationFailed(f"{image}: refused; tried {tried}{'; ' if access.hint else ''}{access.hint}")

    def _find(self, image: str, access: Access) -> tuple[str, Mapping[str, bytes]]:
        self._admit(image, access)
        reference = read_reference(image)
        for name, files in self.images.items():
            known = read_reference(name)
            digest = _digest(files)
            meant = digest == reference.digest if reference.digest is not None else known.tag == reference.tag
            if known.repository == reference.repository and meant:
                return digest, files
        raise SourceNotFound(f"{image}: there is no such image (404)")


def _digest(files: Mapping[str, bytes]) -> str:
    return f"sha256:{hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()}"
