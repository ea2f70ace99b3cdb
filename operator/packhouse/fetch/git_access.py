"""How a git server is reached for one fetch step: the keys of its Secret, in Carvel's words or in Flux's.

Called by the step `git`. Messages name keys of the Secret, never what is in them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from packhouse.api.errors import AuthenticationFailed
from packhouse.fetch.access import secret_of
from packhouse.fetch.sources import Sources
from packhouse.ports import Access, Credentials, GitAccess, Json

_SSH_KEYS: Final = ("ssh-privatekey", "identity")
_KNOWN_HOSTS: Final = ("ssh-knownhosts", "known_hosts")
_AUTHORITIES: Final = ("ca.crt", "caFile")
_TEXT_MOST: Final = 1024 * 1024


async def git_access(url: str, stanza: Json, kind: str, sources: Sources) -> GitAccess:
    """Errors: InvalidSpec, SecretMissing, AuthenticationFailed (a Secret that holds nothing of use for this url)."""
    own = await secret_of(stanza, kind, sources)
    if own is None:
        return GitAccess(Access(ca_pem=sources.ca_pem, proxy=sources.proxy))
    secret, source = own
    data = secret.get("data") or {}
    ssh_key, known_hosts, authority = (_first(data, keys, source) for keys in (_SSH_KEYS, _KNOWN_HOSTS, _AUTHORITIES))
    user, password, token = (_first(data, (key,), source) for key in ("username", "password", "bearerToken"))
    credentials = Credentials(user, password, source, token)
    if not url.startswith(("https://", "http://")):
        if not known_hosts and not ssh_key and not password:
            raise _useless(source, data, "ssh-privatekey and ssh-knownhosts (or identity and known_hosts)")
    elif not token and not (user and password) and not authority:
        raise _useless(source, data, "username and password, or bearerToken")
    return GitAccess(
        Access(
            credentials=(credentials,) if token or password else (),
            ca_pem="\n".join(filter(None, (sources.ca_pem, authority))),
            proxy=sources.proxy,
        ),
        ssh_key=ssh_key,
        known_hosts=known_hosts,
        source=source,
    )


def _useless(source: str, data: Mapping[str, Any], wanted: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"{source} has the keys {', '.join(sorted(data)) or 'none'}; for this git url it needs {wanted}"
    )


def _first(data: Mapping[str, Any], keys: tuple[str, ...], source: str) -> str:
    """The text under the first of the keys that there is, else ""."""
    key = next((key for key in keys if data.get(key)), None)
    if key is None:
        return ""
    try:
        text = base64.b64decode(str(data[key]), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed(f"{source}, key {key}: not base64 of a text") from None
    if len(text) > _TEXT_MOST:
        raise AuthenticationFailed(f"{source}, key {key}: more than {_TEXT_MOST} characters")
    # an editor leaves a line break behind, which no user, password or token has
    return text if key in (*_SSH_KEYS, *_KNOWN_HOSTS, *_AUTHORITIES) else text.rstrip("\r\n")
