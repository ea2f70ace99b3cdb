"""Reads the credentials of a Secret (or of a docker config file) and picks those for one repository.

Called by reconcile/ (Secrets, read under the right identity) and the CLI. Pure: a Secret comes as a value. Messages
name the Secret and the hosts in it, never a user's password.

An entry may hold tokens in a password's place. identitytoken: Credentials with a user and a token, with which the
registry's token service is asked for another. registrytoken: Credentials without a user, sent as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from packhouse.api.errors import AuthenticationFailed
from packhouse.domain.references import DOCKER_HUB, DOCKER_HUB_NAMES
from packhouse.ports import Credentials, Json

_ANY_HOST: Final = ""
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")  # what a header may hold
_TOKEN_USER: Final = "<token>"  # noqa: S105 - as docker names who has an identity token alone


@dataclass(frozen=True, slots=True)
class _Entry:
    host: str  # with the port; may hold * for a part of a label; _ANY_HOST: all hosts
    path: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Keyring:
    """The credentials of one Secret, by host and path."""

    source: str  # "Secret demo/regcred"
    entries: Sequence[_Entry] = ()

    @classmethod
    def read(cls, secret: Json, source: str) -> Keyring:
        """From a core/v1 Secret: dockerconfigjson, dockercfg, or username and password for whatever host.

        Raises AuthenticationFailed where it is none of these.
        """
        data = secret.get("data") or {}
        if ".dockerconfigjson" in data:
            config = _json(_decoded(data, ".dockerconfigjson", source), source)
            return cls.from_docker_config(config, source)
        if ".dockercfg" in data:
            return cls.from_docker_config({"auths": _json(_decoded(data, ".dockercfg", source), source)}, source)
        if "username" in data and "password" in data:
            username, password = (_decoded(data, key, source) for key in ("username", "password"))
            return cls(source, (_Entry(_ANY_HOST, "", Credentials(username, password, source)),))
        raise AuthenticationFailed(
            f"{source} holds no registry credentials: expected key .dockerconfigjson (kubernetes.io/dockerconfigjson), "
            ".dockercfg, or username and password"
        )

    @classmethod
    def from_docker_config(cls, config: Any, source: str) -> Keyring:
        """From the content of a config.json. Entries without user and token (left to a helper program) are left out."""
        auths = config.get("auths", {}) if isinstance(config, Mapping) else None
        if not isinstance(auths, Mapping):
            raise AuthenticationFailed(f"{source}: no map of hosts under auths")
        entries = []
        for server, fields in auths.items():
            credentials = _credentials(fields, source, f"{source}, entry {server}")
            if credentials is not None:
                host, path = _host_and_path(str(server))
                entries.append(_Entry(host, path, credentials))
        return cls(source, tuple(entries))

    def match(self, repository: str) -> Credentials | None:
        """For host/path: the entry of that host with the longest path; names without * go before those with."""
        host, path = _host_and_path(repository)
        fitting = [entry for entry in self.entries if _fits(entry, host, path)]
        best = max(fitting, key=lambda entry: (len(entry.path), "*" not in entry.host, entry.host), default=None)
        return best.credentials if best is not None else None

    @property
    def hosts(self) -> str:
        return ", ".join(sorted({entry.host or "any host" for entry in self.entries})) or "no host"


def _fits(entry: _Entry, host: str, path: str) -> bool:
    if entry.path and path != entry.path and not path.startswith(f"{entry.path}/"):
        return False
    if entry.host in (_ANY_HOST, host):
        return True
    # * stands within one label, as the kubelet reads it
    labels, wanted = host.split("."), entry.host.split(".")
    return len(labels) == len(wanted) and all(map(fnmatchcase, labels, wanted))


def _host_and_path(server: str) -> tuple[str, str]:
    """A key of a docker config, such as https://index.docker.io/v1/, or a repository."""
    bare = server.partition("://")[2] or server
    host, _, path = bare.partition("/")
    path = path.strip("/")
    if path in ("v1", "v2"):  # the API's path, no repository
        path = ""
    host = host.lower()
    return (DOCKER_HUB if host in DOCKER_HUB_NAMES else host), path


def _credentials(fields: Any, source: str, where: str) -> Credentials | None:
    pair = _user_and_password(fields, where)
    for key in ("identitytoken", "registrytoken"):
        token = fields.get(key)
        if token is None or token == "":
            continue
        if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
            raise AuthenticationFailed(f"{where}: {key} is no token")
        user = (pair[0] if pair is not None else _TOKEN_USER) if key == "identitytoken" else ""
        return Credentials(user, "", source, token)
    return Credentials(*pair, source) if pair is not None else None


def _user_and_password(fields: Any, where: str) -> tuple[str, str] | None:
    if not isinstance(fields, Mapping):
        raise AuthenticationFailed(f"{where}: expected a map")
    if fields.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(fields["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise AuthenticationFailed(f"{where}: auth is not base64 of user:password") from None
        return (user, password) if colon and user else None
    if fields.get("username") and isinstance(fields.get("password"), str):
        return str(fields["username"]), fields["password"]
    return None


def _decoded(data: Mapping[str, Any], key: str, source: str) -> str:
    try:
        return base64.b64decode(str(data[key]), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed(f"{source}, key {key}: not base64 of a text") from None


def _json(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise AuthenticationFailed(f"{source}: its docker config is not JSON") from None
