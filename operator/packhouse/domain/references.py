"""Image references: host/path[:tag][@sha256:...], with the defaults that docker users expect.

oci-layout:///folder/or.tar[:tag][@sha256:...] names content in an OCI image layout on disk in the same way.
Pure. Called by fetch/ and the registry adapter; never asks a registry whether the image exists.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final

from packhouse.api.errors import InvalidSpec

DOCKER_HUB: Final = "docker.io"
#: Names that mean Docker Hub, in references and in docker config files.
DOCKER_HUB_NAMES: Final = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = re.compile(
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})*|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PATH_MOST: Final = 255

#: docker.io, as kbld and imgpkg write it.
_DOCKER_HUB_WRITTEN: Final = "index.docker.io"

#: How the references of layouts begin; it stands where others have their host.
OCI_LAYOUT: Final = "oci-layout://"
_LAYOUT_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_.+=~-]+)+")
_LAYOUT_PATH_MOST: Final = 1024


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image. Without a tag and a digest the tag is "latest" (in a layout: what it names first, or alone); with
    both, the digest decides."""

    host: str  # with the port; docker.io for all names of Docker Hub; OCI_LAYOUT for layouts
    path: str  # of a layout: on disk, without the slash at its beginning
    tag: str | None
    digest: str | None

    @property
    def repository(self) -> str:
        return f"{self.host}/{self.path}"

    @property
    def is_layout(self) -> bool:
        """Whether it lies on disk, where no registry is asked and nobody can pull from."""
        return self.host == OCI_LAYOUT

    @property
    def api_host(self) -> str:
        """Where the registry's API is served."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host

    def pinned(self, digest: str) -> str:
        """By that digest alone, as a lock names it."""
        host = _DOCKER_HUB_WRITTEN if self.host == DOCKER_HUB else self.host
        return f"{host}/{self.path}@{digest}"

    def at(self, digest: str) -> ImageReference:
        return replace(self, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def read_reference(text: str) -> ImageReference:
    """Raises InvalidSpec with the part that cannot be read."""
    if text.startswith(OCI_LAYOUT):
        return _read_layout(text)
    if "://" in text:
        raise InvalidSpec("an image reference has no scheme: write host/path:tag, without http:// or https://")
    name, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        # what stands around the @ is not shown: it may be user:password@host
        raise InvalidSpec("the image reference has an @ that is not followed by sha256: and 64 lower-case hex digits")
    host, path, tag = _split(name)
    if host is not None:
        _check_host(host, text)
    known = DOCKER_HUB if host is None or host.lower() in DOCKER_HUB_NAMES else host.lower()
    if known == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if not _PATH.fullmatch(path) or len(path) > _PATH_MOST:
        raise InvalidSpec(
            f"image reference {text!r}: the path must be lower-case letters, digits and . _ - between slashes, "
            f"at most {_PATH_MOST} characters"
        )
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidSpec(
            f"image reference {text!r}: the tag must be letters, digits and _ . -, at most 128 characters"
        )
    if tag is None and not at:
        tag = "latest"
    return ImageReference(known, path, tag, digest if at else None)


def _read_layout(text: str) -> ImageReference:
    name, at, digest = text.removeprefix(OCI_LAYOUT).partition("@")
    path, colon, tag = name.partition(":")
    if at and not DIGEST.fullmatch(digest):
        raise InvalidSpec(f"{text!r}: the @ is not followed by sha256: and 64 lower-case hex digits")
    if not _LAYOUT_PATH.fullmatch(path) or len(path) > _LAYOUT_PATH_MOST or {".", ".."} & set(path.split("/")):
        raise InvalidSpec(
            f"{text!r}: after oci-layout:// stands a whole path, such as /bundles/web.tar: letters, digits and "
            "_ . + = ~ - between single slashes, no . or .. as a part"
        )
    if colon and not _TAG.fullmatch(tag):
        raise InvalidSpec(f"{text!r}: the tag must be letters, digits and _ . -, at most 128 characters")
    return ImageReference(OCI_LAYOUT, path.removeprefix("/"), tag if colon else None, digest if at else None)


def _split(name: str) -> tuple[str | None, str, str | None]:
    """Host (None where it is left out), path, and tag (None where it is left out)."""
    first, slash, rest = name.partition("/")
    has_host = bool(slash) and (first == "localhost" or any(sign in first for sign in ".:["))
    path = rest if has_host else name
    path, colon, tag = path.partition(":")
    return (first if has_host else None), path, (tag if colon else None)


def _check_host(host: str, text: str) -> None:
    match = _HOST.fullmatch(host)
    if match is None or (match["port"] is not None and int(match["port"]) > 65535):
        raise InvalidSpec(f"image reference {text!r}: {host!r} is no host name with an optional port")
    if match["six"] is not None:
        try:
            ipaddress.IPv6Address(match["six"])
        except ValueError:
            raise InvalidSpec(f"image reference {text!r}: {host!r} is no IPv6 address") from None


def host_name(host: str) -> str:
    """`host` without port and brackets."""
    match = _HOST.fullmatch(host)
    return host if match is None else (match["six"] or match["name"])


def is_loopback(host: str) -> bool:
    """Whether `host` (with or without a port) is this machine by its very name; nothing is resolved."""
    name = host_name(host)
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
