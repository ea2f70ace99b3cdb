"""The port Signatures: what cosign wrote beside an image, checked with sigstore and cryptography."""

from __future__ import annotations

from packhouse.ports import Access, Registry, TrustPolicy
from packhouse.settings import Settings


class CosignSignatures:
    """Errors: those of the port."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry

    def required(self, repository: str) -> TrustPolicy | None:
        return None

    async def verify(self, image: str, access: Access, policy: TrustPolicy) -> str:
        raise NotImplementedError
