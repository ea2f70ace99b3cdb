"""How the registry of an image, or another host, is reached for one fetch step: whose credentials fit it.

Called by the steps. Secrets are read through `Sources`, which knows in whose name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from packhouse.api.errors import InvalidSpec
from packhouse.fetch.credentials import Keyring
from packhouse.fetch.sources import Sources, text_field
from packhouse.ports import Access, Json


async def secret_of(stanza: Json, kind: str, sources: Sources) -> tuple[Json, str] | None:
    """The Secret that the stanza's secretRef names, and the words for it. Errors: InvalidSpec, SecretMissing."""
    reference = stanza.get("secretRef")
    if reference is None:
        return None
    if not isinstance(reference, dict):
        raise InvalidSpec(f"fetch step {kind}: secretRef must be a map with a name")
    name = text_field(reference, f"{kind}, secretRef", "name")
    return await sources.secret(name), f"Secret {sources.place}/{name}"


async def registry_access(repository: str, stanza: Json, kind: str, sources: Sources) -> Access:
    """For host/path: what its own Secret holds for it, then what the pull secrets do.

    Without an entry for the host the registry is asked anonymously, as docker does; a refusal says so.
    """
    own = await secret_of(stanza, kind, sources)
    keyrings = [Keyring.read(*own)] if own is not None else []
    keyrings += await sources.pull_secrets()
    mirror = sources.mirror(repository)  # an entry for the place that is asked goes before one for its name
    found = [(keyring, keyring.match(mirror) or keyring.match(repository)) for keyring in keyrings]
    strangers = [keyring for keyring, credentials in found if credentials is None]
    return Access(
        credentials=tuple(credentials for _, credentials in found if credentials is not None),
        ca_pem=sources.ca_pem,
        proxy=sources.proxy,
        hint="; ".join(f"{keyring.source} holds credentials for {keyring.hosts} only" for keyring in strangers),
    )


async def web_access(url: str, stanza: Json, kind: str, sources: Sources) -> Access:
    """For an address by http: the user and the password of the stanza's Secret; without one nobody is named.

    Pull secrets are those of registries and stay with them.
    """
    own = await secret_of(stanza, kind, sources)
    if own is None:
        return Access(ca_pem=sources.ca_pem, proxy=sources.proxy)
    keyring = Keyring.read(*own)
    host = urlsplit(url).netloc.rpartition("@")[2]
    credentials = keyring.match(f"{host}/")
    return Access(
        credentials=() if credentials is None else (credentials,),
        ca_pem=sources.ca_pem,
        proxy=sources.proxy,
        hint="" if credentials is not None else f"{keyring.source} holds credentials for {keyring.hosts} only",
    )
