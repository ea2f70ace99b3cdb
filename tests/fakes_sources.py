"""Doors to the outside that stay shut, for tests of whoever uses other ones; `origins` puts a registry beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from packhouse.api.errors import (
    AuthenticationFailed,
    DigestMismatch,
    SignatureInvalid,
    SourceNotFound,
    SourceUnreachable,
)
from packhouse.fetch import Origins
from packhouse.ports import Access, GitAccess, Registry, Tree, TrustPolicy


class NoDownloads:
    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        raise AssertionError(f"{url} is asked for")

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        raise AssertionError(f"{url} is asked for")

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        raise AssertionError(f"{url} is asked for")


@dataclass(slots=True)
class FakeDownloads:
    """A web of files that are text, by address. `passwords`: host -> password, without which it refuses."""

    folder: Path
    files: dict[str, bytes] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    away: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)  # (address, user)

    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        return f"sha256:{sha256 or self._sha256(url, access)}"

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        """An archive is a JSON map of path to content."""
        root = self.folder / digest.replace(":", "-")
        if not root.exists():
            if f"sha256:{self._sha256(url, access)}" != digest:
                raise DigestMismatch(f"{url} has another digest than {digest}")
            files = json.loads(self.files[url]) if archive is not False else {"file": self.files[url].decode()}
            for path, content in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content)
        return Tree(root, digest)

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        self._admit(url, access)
        return self.files[url]

    def _sha256(self, url: str, access: Access) -> str:
        self._admit(url, access)
        return hashlib.sha256(self.files[url]).hexdigest()

    def _admit(self, url: str, access: Access) -> None:
        user = access.credentials[0] if access.credentials else None
        self.asked.append((url, user.username if user is not None else ""))
        if self.away:
            raise SourceUnreachable(f"{url}: refused")
        wanted = self.passwords.get(urlsplit(url).netloc)
        if wanted is not None and (user is None or user.password != wanted):
            raise AuthenticationFailed(f"{url}: refused")
        if url not in self.files:
            raise SourceNotFound(f"{url}: there is nothing (404)")


class NoGit:
    async def refs(self, url: str, access: GitAccess, *, fresh_seconds: float = 0.0) -> Mapping[str, str]:
        raise AssertionError(f"{url} is asked for")

    async def checkout(
        self, url: str, commit: str, access: GitAccess, *, ref: str = "", depth: int = 0, submodules: bool = False
    ) -> Tree:
        raise AssertionError(f"{url} is asked for")


@dataclass(slots=True)
class FakeSignatures:
    """Each image in `signed` is signed by whom it names there."""

    signed: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    settings_policy: TrustPolicy | None = None

    def required(self, repository: str) -> TrustPolicy | None:
        return self.settings_policy

    async def verify(self, image: str, access: Access, policy: TrustPolicy) -> str:
        self.asked.append(image)
        if image not in self.signed:
            raise SignatureInvalid(f"{image}: no signature that {policy.source} asks for")
        return self.signed[image]


def origins(registry: Registry, signed: Mapping[str, str] | Sequence[str] = ()) -> Origins:
    """`registry` beside doors that stay shut."""
    known = signed if isinstance(signed, Mapping) else dict.fromkeys(signed, "a key")
    return Origins(registry, NoDownloads(), NoGit(), FakeSignatures(known))
