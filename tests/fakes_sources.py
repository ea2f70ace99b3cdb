"""Doors to the outside that stay shut, for tests of whoever uses other ones; `origins` puts a registry beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packhouse.api.errors import SignatureInvalid
from packhouse.fetch import Origins
from packhouse.ports import Access, GitAccess, Registry, Tree, TrustPolicy


class NoDownloads:
    async def resolve(self, url: str, access: Access, *, sha256: str | None, fresh_seconds: float = 0.0) -> str:
        raise AssertionError(f"{url} is asked for")

    async def fetch(self, url: str, access: Access, *, digest: str, archive: bool | None = None) -> Tree:
        raise AssertionError(f"{url} is asked for")

    async def read(self, url: str, access: Access, *, most_bytes: int, fresh_seconds: float = 0.0) -> bytes:
        raise AssertionError(f"{url} is asked for")


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
