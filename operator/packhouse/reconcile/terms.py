"""What a repository demands of its source and of the sources of its packages, and how they are reached.

`verify`, `certSecretRef` and `proxySecretRef` of a PackageRepository count for every Package that came from it. Their
Secrets lie in the operator's namespace and are read as the operator. What was read is kept by the marks that the watch
of Secrets has of them, so that an object at rest costs no request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from packhouse.api.errors import InvalidSpec, SecretMissing
from packhouse.api.names import INSTALL_GROUP, PACKAGE_REPOSITORY, VERSION
from packhouse.api.views import PackageRepository
from packhouse.domain import trust
from packhouse.domain.objects import digest
from packhouse.ports import Json, Kind, Proxy, Ref, TrustPolicy
from packhouse.reconcile.stores import secret_mark
from packhouse.reconcile.values import SECRET
from packhouse.reconcile.world import World

REPOSITORY: Final = Kind(INSTALL_GROUP, VERSION, PACKAGE_REPOSITORY)


@dataclass(frozen=True, slots=True)
class Terms:
    """`mark` changes when they do; "" where there are none."""

    ca_pem: str = ""
    proxy: Proxy | None = None
    policy: TrustPolicy | None = None
    mark: str = ""

    def policy_for(self, repository: str) -> TrustPolicy | None:
        """Who must have signed what is in host/path: the same for all that a repository's packages are fetched from."""
        return self.policy


NONE: Final = Terms()


def secrets_of(repository: PackageRepository) -> frozenset[str]:
    """The Secrets in the operator's namespace that count for the repository's packages as well."""
    names = {repository.cert_secret, repository.proxy_secret, *trust.secret_names(repository.verify or {})}
    return frozenset(name for name in names if name)


class TermsBook:
    """Terms by repository. Nothing but a memory: it can be lost at any moment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._read: dict[str, tuple[Any, Terms]] = {}

    async def of_name(self, name: str | None) -> Terms:
        """For a Package of that repository; one made by hand has none. Raises as `of` does."""
        if not name:
            return NONE
        repository = self._world.stores.repositories.get(("", name))
        if repository is None:  # its watch may not have told yet: who must have signed is not left to chance
            found = await self._world.cluster.get(Ref(REPOSITORY, "", name))
            if found is None:
                return NONE
            repository = PackageRepository.from_wire(found)
        return await self.of(repository)

    async def of(self, repository: PackageRepository) -> Terms:
        """Raises SecretMissing, InvalidSpec, Forbidden, ClusterUnavailable."""
        names = sorted(secrets_of(repository))
        if not names and repository.verify is None:
            return NONE
        key = self._key(repository, names)
        kept = self._read.get(repository.meta.name)
        if kept is not None and kept[0] == key:
            return kept[1]
        terms = await self._ask(repository, names)
        if key == self._key(repository, names):  # a Secret that changed meanwhile may be the old one or the new one
            self._read[repository.meta.name] = (key, terms)
        return terms

    def _key(self, repository: PackageRepository, names: list[str]) -> Any:
        store, namespace = self._world.stores.secrets, self._world.settings.operator_namespace
        marks = [(name, store.get((namespace, name))) for name in names]
        return repository.meta.uid, repository.meta.generation, marks

    async def _ask(self, repository: PackageRepository, names: list[str]) -> Terms:
        namespace = self._world.settings.operator_namespace
        secrets = {name: await self._secret(repository, namespace, name) for name in names}
        ca_pem, proxy, policy = "", None, None
        if repository.cert_secret:
            ca_pem = _text(secrets[repository.cert_secret], "ca.crt", f"Secret {namespace}/{repository.cert_secret}")
        if repository.proxy_secret:
            proxy = _proxy(secrets[repository.proxy_secret], f"Secret {namespace}/{repository.proxy_secret}")
        if repository.verify is not None:
            source = f"PackageRepository {repository.meta.name}"
            policy = trust.read_verify(repository.verify, source, secrets, namespace)
        marks = [secret_mark(secret)[1] for secret in secrets.values()]
        told = [repository.verify, repository.cert_secret, repository.proxy_secret]
        return Terms(ca_pem, proxy, policy, digest([told, marks]))

    async def _secret(self, repository: PackageRepository, namespace: str, name: str) -> Json:
        found = await self._world.cluster.get(Ref(SECRET, namespace, name))
        if found is None:
            raise SecretMissing(
                f"Secret {namespace}/{name} does not exist, and PackageRepository {repository.meta.name} names it; "
                "create it, or mend the repository"
            )
        return found


def _proxy(secret: Json, source: str) -> Proxy:
    data: Mapping[str, str] = secret.get("data") or {}
    optional = {key: _text(secret, key, source) for key in ("username", "password") if key in data}
    address = _text(secret, "address", source).strip()
    if not address.startswith(("http://", "https://")) or "@" in address:
        raise InvalidSpec(f"{source} key address: a proxy is written as http://host:port, without user and password")
    return Proxy(address, optional.get("username", ""), optional.get("password", ""))


def _text(secret: Json, key: str, source: str) -> str:
    data: Mapping[str, str] = secret.get("data") or {}
    if key not in data:
        raise InvalidSpec(f"{source} has no key {key}; it has {', '.join(sorted(data)) or 'none'}")
    try:
        return base64.b64decode(data[key]).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidSpec(f"{source} key {key}: the content is no UTF-8 text") from None
