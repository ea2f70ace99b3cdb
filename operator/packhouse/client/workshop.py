"""What rendering takes on the caller's machine: sources, and a renderer in a process of its own, which holds nothing.

Opened for one verb, shared by all that it renders.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from packhouse.fetch import Origins
from packhouse.ports import Renderer
from packhouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Workshop:
    renderer: Renderer
    origins: Origins


@asynccontextmanager
async def workshop(settings: Settings) -> AsyncIterator[Workshop]:
    """Raises RendererUnavailable."""
    from packhouse.adapters.renderer_client import RendererClient
    from packhouse.origins import origins_of

    # One job at a time, and nothing to say beside what its answers say.
    quiet = replace(settings, renderer_socket="", render_workers=1, log_level="error")
    async with RendererClient(quiet) as renderer, origins_of(settings) as origins:
        yield Workshop(renderer, origins)
