"""Fetch step `image`: all layers of an OCI image, or a folder of them.

Its door to the registry is used by `imgpkgBundle`, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final, TypeVar

from packhouse.api.errors import AuthenticationFailed, FetchFailed, InvalidSpec, UnsupportedStep
from packhouse.domain.references import read_reference
from packhouse.fetch.credentials import Keyring
from packhouse.fetch.sources import Content, Sources, check_fields, text_field
from packhouse.ports import Credentials, Json

_KNOWN: Final = ("url", "secretRef", "subPath", "tagSelection")

T = TypeVar("T")


async def fetch(stanza: Json, sources: Sources) -> Content:
    url = _checked(stanza)
    sub_path = stanza.get("subPath", "")
    if not isinstance(sub_path, str) or sub_path.startswith("/") or ".." in PurePosixPath(sub_path).parts:
        raise InvalidSpec(f"fetch step image: subPath {sub_path!r} must be a path below the image's root")
    content = await pull(url, stanza, "image", sources)
    if not sub_path or content.root is None:
        return content
    root = content.root / sub_path
    if root.is_symlink() or not root.is_dir():
        raise FetchFailed(f"{url}: the image has no folder {sub_path!r} (subPath)")
    return replace(content, root=root)


async def resolve(stanza: Json, sources: Sources) -> str:
    return await resolve_image(_checked(stanza), stanza, "image", sources)


async def pull(image: str, stanza: Json, kind: str, sources: Sources) -> Content:
    """The whole tree of `image`, with the credentials that the stanza's secretRef holds for it."""
    tree = await _with_credentials(
        image, stanza, kind, sources, lambda credentials: sources.registry.pull(image, credentials)
    )
    return Content(tree.digest, tree.version, tree.root)


async def resolve_image(image: str, stanza: Json, kind: str, sources: Sources) -> str:
    return await _with_credentials(
        image, stanza, kind, sources, lambda credentials: sources.registry.resolve(image, credentials)
    )


def refuse_tag_selection(stanza: Json, kind: str) -> None:
    if stanza.get("tagSelection") is not None:
        raise UnsupportedStep(
            f"fetch step {kind}: tagSelection is not supported by this version; name a tag or a digest in the reference"
        )


def _checked(stanza: Json) -> str:
    check_fields(stanza, "image", _KNOWN)
    refuse_tag_selection(stanza, "image")
    return text_field(stanza, "image", "url")


async def _with_credentials(
    image: str, stanza: Json, kind: str, sources: Sources, call: Callable[[Credentials | None], Awaitable[T]]
) -> T:
    """Without an entry for the host the registry is asked anonymously, as docker does; a refusal says so."""
    keyring = await _keyring(stanza, kind, sources)
    if keyring is None:
        return await call(None)
    credentials = keyring.match(read_reference(image).repository)
    try:
        return await call(credentials)
    except AuthenticationFailed as error:
        if credentials is not None:
            raise
        hint = f"{keyring.source} holds credentials for {keyring.hosts} only"
        raise AuthenticationFailed(f"{error.message}; {hint}") from error


async def _keyring(stanza: Json, kind: str, sources: Sources) -> Keyring | None:
    reference = stanza.get("secretRef")
    if reference is None:
        return None
    if not isinstance(reference, dict):
        raise InvalidSpec(f"fetch step {kind}: secretRef must be a map with a name")
    return await sources.keyring(text_field(reference, f"{kind}, secretRef", "name"))
