"""`packhouse renderer`: the process that reads content which we did not write. See docs/howto/templates-jinja2.md.

In a cluster a second container of the operator's pod; elsewhere a child of the operator, started by
adapters/renderer_client.py as `python -m packhouse.cli.renderer`. It needs no token and no kubeconfig.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from packhouse.adapters.worker_pool import PoolSize, WorkerPool
from packhouse.api.errors import PackhouseError
from packhouse.settings import Settings, SettingsInvalid
from packhouse.template.limits import Limits
from packhouse.template.server import serving


def renderer(
    socket: Annotated[Path, typer.Option(help="The Unix socket to serve on; only this user may connect.")],
    parent_watch: Annotated[
        bool, typer.Option("--parent-watch", help="End when standard input closes: the parent that held it is gone.")
    ] = False,
) -> None:
    """Render packages for the operator, in workers with limits on time, memory and output."""
    try:
        settings = Settings.from_environment()
        logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
        asyncio.run(_serve(settings, socket, parent_watch=parent_watch))
    except (SettingsInvalid, PackhouseError) as error:
        typer.echo(f"renderer: {error}", err=True)
        raise typer.Exit(2) from None


async def _serve(settings: Settings, path: Path, *, parent_watch: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    orphaned = asyncio.Event()
    if parent_watch:
        _watch_parent(loop, ended, orphaned)
    size = PoolSize(workers=max(1, settings.render_workers))
    async with WorkerPool(size, Limits.from_settings(settings)) as pool, serving(pool, path):
        await ended.wait()
    if orphaned.is_set():
        _remove_if_empty(path.parent)


def _remove_if_empty(folder: Path) -> None:
    """The private folder that a parent made for the socket and can no longer remove itself."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def _watch_parent(loop: asyncio.AbstractEventLoop, ended: asyncio.Event, orphaned: asyncio.Event) -> None:
    """The parent holds the other end of standard input and never writes: it becomes readable when that closes."""
    descriptor = sys.stdin.fileno()
    os.set_blocking(descriptor, False)

    def readable() -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(descriptor, 1024):
                loop.remove_reader(descriptor)
                orphaned.set()
                ended.set()

    loop.add_reader(descriptor, readable)


if __name__ == "__main__":
    typer.run(renderer)
