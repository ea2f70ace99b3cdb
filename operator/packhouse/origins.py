"""Where content comes from, built from settings: registries, layouts on disk, git, the web, and their one cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from packhouse.adapters.cosign import CosignSignatures
from packhouse.adapters.git_servers import DulwichServers
from packhouse.adapters.http_downloads import HttpDownloads
from packhouse.adapters.oci_layout_registry import LayoutRegistry
from packhouse.adapters.oras_registry import OrasRegistry
from packhouse.adapters.registries import Registries
from packhouse.fetch import Origins
from packhouse.fetch.cache import TreeCache
from packhouse.fetch.remembered import Remembered
from packhouse.settings import Settings


@asynccontextmanager
async def origins_of(settings: Settings) -> AsyncIterator[Origins]:
    cache = TreeCache(settings.cache_dir, settings.cache_most_bytes)
    remote = OrasRegistry(settings, cache)
    downloads, git = HttpDownloads(settings, cache), DulwichServers(settings, cache)
    registry = Registries(remote, LayoutRegistry(settings, cache))
    try:
        signatures, remembered = CosignSignatures(settings, registry), Remembered(settings.cache_dir / "remembered")
        yield Origins(registry, downloads, git, signatures, remembered)
    finally:
        for origin in (remote, downloads, git, cache):
            await asyncio.to_thread(origin.close)
