"""What a step `helmChart` asks for, and where a chart repository (an index.yaml by http) keeps it.

Called by helm_chart.py. An index is no more than a list that its server gives: the digest that it names decides what
is taken later, and the Secret of the step goes to the host of the repository alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from packhouse.api.errors import (
    FetchFailed,
    FetchLimitExceeded,
    InvalidConstraint,
    InvalidSpec,
    NoMatchingVersion,
    SourceNotFound,
)
from packhouse.domain import chart_versions
from packhouse.domain.chart_index import read_index
from packhouse.fetch.access import web_access
from packhouse.fetch.large_texts import in_turn
from packhouse.fetch.sources import Resolved, Sources, check_fields, text_field
from packhouse.ports import Access, Json

KIND: Final = "helmChart"
OCI: Final = "oci://"

_KNOWN: Final = ("name", "version", "repository")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INDEX_MOST_BYTES: Final = 32 * 1024 * 1024
_SCHEMES: Final = ("oci", "https", "http")


@dataclass(frozen=True, slots=True)
class Chart:
    """`wanted` is a version or a constraint, "" for the newest release; `repository` the stanza with the secretRef."""

    name: str
    wanted: str
    url: str
    repository: Json

    @classmethod
    def read(cls, stanza: Json) -> Chart:
        """Errors: InvalidSpec, UnsupportedStep."""
        check_fields(stanza, KIND, _KNOWN)
        name = text_field(stanza, KIND, "name")
        if not _NAME.fullmatch(name) or ".." in name:
            raise InvalidSpec(f"fetch step {KIND}: {name!r} is no name of a chart: letters, digits and . _ -")
        wanted, repository = stanza.get("version") or "", stanza.get("repository")
        if not isinstance(wanted, str):
            raise InvalidSpec(f"fetch step {KIND}: version must be a text: quote it")
        if not isinstance(repository, dict):
            raise InvalidSpec(f"fetch step {KIND}: repository must be a map with a url")
        check_fields(repository, f"{KIND}, repository", ("url", "secretRef"))
        url = text_field(repository, f"{KIND}, repository", "url")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise InvalidSpec(f"fetch step {KIND}: repository.url cannot be read as an address") from None
        if parts.scheme not in _SCHEMES or not parts.netloc:
            raise InvalidSpec(
                f"fetch step {KIND}: repository.url must begin with https://, http:// or {OCI}, and a host"
            )
        if "@" in parts.netloc:
            raise InvalidSpec(f"fetch step {KIND}: repository.url names a user: put name and password into a Secret")
        return cls(name, wanted.strip(), url, repository)

    @property
    def is_oci(self) -> bool:
        return self.url.startswith(OCI)

    @property
    def reference(self) -> str:
        """Of a chart in a registry: host/path, without a tag."""
        return f"{self.url.removeprefix(OCI).rstrip('/')}/{self.name}"

    @property
    def index_url(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/index.yaml", fragment=""))

    @property
    def shown(self) -> str:
        """The repository for messages and status: a query may hold a token."""
        return without_query(self.url)

    def chosen(self, versions: Sequence[str]) -> str:
        try:
            return chart_versions.select(versions, self.wanted)
        except (NoMatchingVersion, InvalidConstraint) as error:
            raise type(error)(f"fetch step {KIND}, chart {self.name} of {self.shown}: {error.message}") from None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one version of a chart lies. `digest`: of the archive, "" where the index names none."""

    version: str
    url: str
    digest: str = ""

    @property
    def is_oci(self) -> bool:
        return self.url.startswith(OCI)

    @property
    def shown(self) -> str:
        return without_query(self.url)


def without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


async def find(chart: Chart, sources: Sources, *, version: str = "") -> Place:
    """The version that the chart's constraint takes, or `version`. Errors: NoMatchingVersion, SourceNotFound (no such
    chart), FetchFailed (an index that cannot be read), those of the port Downloads."""
    access = await web_access(chart.index_url, chart.repository, KIND, sources)
    body = await sources.origins.downloads.read(
        chart.index_url, access, most_bytes=_INDEX_MOST_BYTES, fresh_seconds=sources.fresh_seconds
    )
    try:
        entries = await asyncio.to_thread(in_turn, body, lambda text: read_index(text, chart.name))
    except (FetchFailed, FetchLimitExceeded) as error:
        raise type(error)(f"chart repository {chart.shown}: {error.message}") from None
    if not entries:
        raise SourceNotFound(f"chart repository {chart.shown} has no chart {chart.name}")
    wanted = version or chart.chosen([entry.version for entry in entries])
    entry = next((one for one in entries if one.version == wanted), None)
    if entry is None:
        raise SourceNotFound(f"chart repository {chart.shown} has no version {wanted} of {chart.name} any more")
    try:
        url = urljoin(chart.index_url, entry.urls[0])
        known = urlsplit(url).scheme in _SCHEMES
    except ValueError:
        known = False
    if not known:
        raise FetchFailed(f"chart repository {chart.shown}: the address of {chart.name} {wanted} cannot be read")
    return Place(wanted, url, entry.digest)


async def remember(chart: Chart, place: Place, digest: str, sources: Sources) -> None:
    """Where that digest lies, so that `recall` needs no index. An address with a query may hold a secret: not kept."""
    if "?" not in place.url and "?" not in chart.url:
        await sources.origins.remembered.put(_key(chart, digest), place.url)


async def recall(chart: Chart, resolved: Resolved, sources: Sources) -> Place:
    """Where the content of a Resolution lies: never by what the Resolution says itself, for status holds only words."""
    url = await sources.origins.remembered.get(_key(chart, resolved.digest))
    if url:
        return Place(resolved.version or "", url, resolved.digest)
    return await find(chart, sources, version=resolved.version or "")


async def access_to(url: str, chart: Chart, sources: Sources) -> Access:
    """For the archive of a chart: with the step's Secret where it lies on the repository's own host, else without."""
    same = urlsplit(url)[:2] == urlsplit(chart.url)[:2]
    return await web_access(url, chart.repository if same else {}, KIND, sources)


def _key(chart: Chart, digest: str) -> str:
    return f"chart {chart.name} of {chart.url} {digest}"
