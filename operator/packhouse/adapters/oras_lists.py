"""Lists of a registry, page by page: the tags of a repository, and what refers to a digest.

Called by oras_registry, in a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

from packhouse.adapters.oci_layout import read_descriptor
from packhouse.adapters.oras_conversation import Conversation
from packhouse.api.errors import FetchLimitExceeded
from packhouse.fetch.manifest import MANIFEST_MOST_BYTES, OCI_INDEX
from packhouse.ports import Descriptor

_PAGES_MOST: Final = 1000
_ENTRIES_MOST: Final = 100_000
_BYTES_MOST: Final = 32 * 1024 * 1024  # of all pages: what they hold is kept until the last one came
_TAG_MOST: Final = 128  # characters; what is longer is no tag that could be asked for
_NEXT: Final = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)
#: How registries say that they have no API for referrers.
_UNKNOWN: Final = (400, 404, 405, 501)

T = TypeVar("T")


def tags(talk: Conversation) -> list[str]:
    """Errors: FetchLimitExceeded (more than 100,000), and those of Network."""
    return _pages(talk, talk.url(talk.container.tags_url()), "tags", "a list of tags", _tags) or []


def referrers(talk: Conversation, digest: str | None = None) -> list[Descriptor] | None:
    """What refers to a digest, that of the conversation's reference else; None: its registry has no such API."""
    url = talk.url(f"{talk.container.registry}/v2/{talk.path}/referrers/{digest or talk.reference.digest}")
    return _pages(talk, url, "manifests", "a list of referrers", descriptors, _UNKNOWN)


def _tags(entries: list[Any]) -> list[str]:
    return [entry for entry in entries if isinstance(entry, str) and len(entry) <= _TAG_MOST]


def descriptors(entries: Any) -> list[Descriptor]:
    """Those of an index that can be read; what else it holds is passed over."""
    found = map(read_descriptor, entries) if isinstance(entries, list) else ()
    return [entry for entry in found if entry is not None]


def _pages(
    talk: Conversation,
    url: str,
    field: str,
    what: str,
    read: Callable[[list[Any]], list[T]],
    unknown: tuple[int, ...] = (),
) -> list[T] | None:
    """What `read` makes of the entries under `field`, of all pages, which are links to the same host. None: its status
    is in `unknown`."""
    found: list[T] = []
    first, size, count = urlsplit(url), 0, 0
    for _ in range(_PAGES_MOST):
        got = _page(talk, url, what, unknown)
        if got is None:
            return None
        body, following = got
        size += len(body)
        if size > _BYTES_MOST:
            raise FetchLimitExceeded(f"{talk.subject}: {what} of more than {_BYTES_MOST} bytes is not read")
        entries = _entries(body, field)
        if entries is None:
            if unknown:
                return None
            raise talk.failed(f"it answered with {what} that cannot be read")
        found += read(entries)
        count += len(entries)
        if count > _ENTRIES_MOST:
            raise FetchLimitExceeded(f"{talk.subject}: {what} with more than {_ENTRIES_MOST} entries is not read")
        if not following:
            return found
        url = urljoin(url, following)
        if urlsplit(url)[:2] != first[:2]:
            raise talk.failed(f"{what} goes on at another host, which is not followed")
    raise FetchLimitExceeded(f"{talk.subject}: {what} on more than {_PAGES_MOST} pages is not read")


def _entries(body: bytes, field: str) -> list[Any] | None:
    """None where it is no such list. A repository without tags may have null there."""
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        return None
    entries = (page.get(field) or []) if isinstance(page, dict) else None
    return entries if isinstance(entries, list) else None


def _page(talk: Conversation, url: str, what: str, unknown: tuple[int, ...]) -> tuple[bytes, str] | None:
    headers = {"Accept": OCI_INDEX} if unknown else {}

    def read() -> tuple[bytes, str] | None:
        with talk.answer("GET", url, accepted=(200, *unknown), headers=headers) as answer:
            if answer.response.status_code != 200:
                return None
            link = _NEXT.search(answer.response.headers.get("Link", ""))
            return talk.line.whole(answer.response, MANIFEST_MOST_BYTES, what), link[1] if link else ""

    return talk.attempts(read)
