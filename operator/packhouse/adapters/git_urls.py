"""Reads the address of a git repository: https, ssh and http only, and user@host:path.

Nothing else is an address here: no path, no file://, no ext:: (it runs a command), nothing that begins with a dash.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from packhouse.api.errors import InvalidSpec

_SHORT: Final = re.compile(r"(?P<user>[A-Za-z0-9_.][A-Za-z0-9_.-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>\S+)")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]+")
_USER: Final = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+@-]*")
_PORTS: Final = {"https": 443, "http": 80, "ssh": 22}
_UNFIT: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_LENGTH_MOST: Final = 2048


@dataclass(frozen=True, slots=True)
class GitUrl:
    """`path` as the server is told; `user` only for ssh."""

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""

    @property
    def place(self) -> str:
        """Host and port, as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        """The same for all ways to write it; without user and query, which may hold secrets."""
        at = f"{self.user}@" if self.user else ""
        if not self.path.startswith("/"):  # below the home folder of the user, which is another place
            return f"{at}{self.place}:{self.path}"
        return f"{self.scheme}://{at}{self.place}/{self.path.lstrip('/')}"


def read_git_url(text: str) -> GitUrl:
    """Raises InvalidSpec. The message does not repeat what may be a password."""
    if len(text) > _LENGTH_MOST or _UNFIT.search(text) or text.startswith("-"):
        raise InvalidSpec("a git url is at most 2048 characters without blanks, and does not begin with -")
    short = _SHORT.fullmatch(text)
    if short is not None and "://" not in text:
        return GitUrl("ssh", short["host"].lower(), 22, _path(short["path"], short["host"]), short["user"])
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise InvalidSpec("the git url cannot be read") from None
    if parts.scheme not in _PORTS or not parts.netloc:
        raise InvalidSpec("a git url begins with https://, ssh:// or http://, or has the form user@host:path")
    if not _HOST.fullmatch(host) or port == 0:
        raise InvalidSpec("the git url names no host")
    if parts.password is not None:
        raise InvalidSpec(f"the git url of {host} holds a password: put user and password into a Secret (secretRef)")
    if parts.query or parts.fragment:
        raise InvalidSpec(f"the git url of {host} has a query or a fragment, which no repository has")
    user = ""
    if parts.scheme == "ssh":
        user = unquote(parts.username or "git")
        if not _USER.fullmatch(user):
            raise InvalidSpec(f"the git url of {host} names a user that cannot be")
    return GitUrl(parts.scheme, host, port or _PORTS[parts.scheme], _path(parts.path, host), user)


def _path(path: str, host: str) -> str:
    if not path.strip("/") or path.lstrip("/").startswith("-") or ".." in path.split("/"):
        raise InvalidSpec(f"the git url of {host} names no repository that could be asked for")
    return path


def submodule_url(parent: GitUrl, text: str) -> GitUrl:
    """Of a submodule, as .gitmodules has it: a relative one begins at its parent. Raises InvalidSpec."""
    if not text.startswith(("./", "../")):
        return read_git_url(text)
    path = posixpath.normpath(posixpath.join(parent.path, text))
    return GitUrl(parent.scheme, parent.host, parent.port, _path(path, parent.host), parent.user)
