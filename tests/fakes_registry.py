"""A registry that is a folder and a dict: serves unit tests of whoever uses the port Registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packhouse.api.errors import AuthenticationFailed, FetchFailed
from packhouse.domain.references import read_reference
from packhouse.ports import Credentials, Tree


@dataclass(slots=True)
class FakeRegistry:
    """`images`: repository:tag -> files. `passwords`: user -> password; where there are any, others are refused."""

    folder: Path
    images: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, image: str, credentials: Credentials | None) -> str:
        return self._find(image, credentials)[0]

    async def pull(self, image: str, credentials: Credentials | None) -> Tree:
        digest, files = self._find(image, credentials)
        root = self.folder / digest.replace(":", "-")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        return Tree(root, digest, read_reference(image).tag)

    def _find(self, image: str, credentials: Credentials | None) -> tuple[str, Mapping[str, bytes]]:
        self.asked.append(image)
        reference = read_reference(image)
        if self.passwords and (credentials is None or self.passwords.get(credentials.username) != credentials.password):
            tried = credentials.source if credentials is not None else "no credentials"
            raise AuthenticationFailed(f"{image}: refused; tried {tried}")
        for name, files in self.images.items():
            known = read_reference(name)
            digest = _digest(files)
            meant = digest == reference.digest if reference.digest is not None else known.tag == reference.tag
            if known.repository == reference.repository and meant:
                return digest, files
        raise FetchFailed(f"{image}: there is no such image (404)")


def _digest(files: Mapping[str, bytes]) -> str:
    return f"sha256:{hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()}"
