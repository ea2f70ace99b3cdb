"""Service account tokens, and the cluster as seen with them.

A token is asked for with TokenRequest by the operator and used on connections that hold no credentials of the
operator's at all. It is kept until four fifths of its life are over.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from packhouse.adapters.api_server import ApiServer
from packhouse.adapters.cluster import KubeCluster
from packhouse.adapters.discovery import Discovery
from packhouse.api.errors import ServiceAccountMissing
from packhouse.ports import Cluster, Kind, Ref
from packhouse.settings import Settings

SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount")
LIFE_USED: Final = 0.8


@dataclass(slots=True)
class _Token:
    header: str = field(default="", repr=False)
    good_until: float = 0.0


class ServiceAccountIdentities:
    """Clusters by service account; tokens by service account, made when first used."""

    def __init__(self, operator: Cluster, bare: ApiServer, discovery: Discovery, settings: Settings) -> None:
        """`operator` asks for tokens; `bare` is the API server without any credentials."""
        self._operator = operator
        self._bare = bare
        self._discovery = discovery
        self._settings = settings
        self._tokens: dict[tuple[str, str], _Token] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    def of(self, namespace: str, service_account: str) -> Cluster:
        async def header(renew: bool) -> str:
            return await self._header(namespace, service_account, renew)

        who = f"service account {namespace}/{service_account}"
        return KubeCluster(self._bare.acting_as(header), self._discovery, self._settings, who=who)

    async def _header(self, namespace: str, service_account: str, renew: bool) -> str:
        key = (namespace, service_account)
        refused = self._tokens.get(key) if renew else None
        async with self._locks.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key)
            # Of many calls whose token was refused at the same moment, the first asks for a new one.
            if token is None or token is refused or time.monotonic() >= token.good_until:
                token = self._tokens[key] = await self._ask(namespace, service_account)
            return token.header

    async def _ask(self, namespace: str, service_account: str) -> _Token:
        """Raises ServiceAccountMissing, Forbidden, ClusterUnavailable."""
        asked = time.monotonic()
        account = Ref(SERVICE_ACCOUNT, namespace, service_account)
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": self._settings.token_lifetime_seconds},
        }
        answer = await self._operator.create(request, parent=account, subresource="token")
        if answer is None:
            raise ServiceAccountMissing(
                f"service account {namespace}/{service_account} does not exist; create it, with the rights that the "
                f"package needs, or name another in spec.serviceAccountName"
            )
        header = f"Bearer {answer['status']['token']}"
        return _Token(header, asked + LIFE_USED * self._settings.token_lifetime_seconds)
