"""Fetch step `http`: a file or an archive by http or https.

With sha256 it is asked for once; without, each look is a conditional request. An archive (tar, plain or packed with
gzip, bzip2 or xz, and zip) is unpacked, anything else lands as a file under the last part of the url's path.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from packhouse.api.errors import FetchFailed, InvalidSpec
from packhouse.fetch.access import web_access
from packhouse.fetch.folders import kept, sub_path_of
from packhouse.fetch.sources import Content, Resolved, Sources, check_fields, text_field
from packhouse.fetch.verify import refuse_unpinned
from packhouse.ports import Json

_KIND: Final = "http"
_KNOWN: Final = ("url", "sha256", "secretRef", "subPath")


async def resolve(stanza: Json, sources: Sources) -> Resolved:
    url, sha256 = _checked(stanza, sources)
    access = await web_access(url, stanza, _KIND, sources)
    digest = await sources.origins.downloads.resolve(url, access, sha256=sha256, fresh_seconds=sources.fresh_seconds)
    return Resolved(digest, source=_shown(url))


async def fetch(stanza: Json, sources: Sources, resolved: Resolved) -> Content:
    url, sha256 = _checked(stanza, sources)
    if sha256 is not None and resolved.digest != f"sha256:{sha256.lower()}":
        raise FetchFailed(f"{_shown(url)}: {resolved.digest[:80]!r} is not what this step stands for")
    sub_path = sub_path_of(stanza, _KIND)
    access = await web_access(url, stanza, _KIND, sources)
    tree = await sources.origins.downloads.fetch(url, access, digest=resolved.digest)
    return await kept(Content(tree.digest, None, tree.root), sub_path, _shown(url))


def _checked(stanza: Json, sources: Sources) -> tuple[str, str | None]:
    """The url, and the sha256 that the content must have. Where signatures are asked for there must be one."""
    check_fields(stanza, _KIND, _KNOWN)
    url = text_field(stanza, _KIND, "url")
    try:
        urlsplit(url)
    except ValueError:
        raise InvalidSpec(f"fetch step {_KIND}: the url cannot be read") from None
    sub_path_of(stanza, _KIND)
    if stanza.get("sha256") is None:
        refuse_unpinned(_shown(url), "give the file's sha256", sources)
        return url, None
    return url, text_field(stanza, _KIND, "sha256")


def _shown(url: str) -> str:
    """Without user and query: those may hold secrets, and this goes into status."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
