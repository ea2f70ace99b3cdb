"""Waiting for what was written, with progress. Interrupted, only the waiting ends: the operator goes on."""

from __future__ import annotations

import asyncio

from packhouse.cli.terminal import note
from packhouse.client.session import Session


async def followed(session: Session, name: str, timeout_seconds: float) -> None:
    """Until the install is in place as it is written now. Raises Trouble (NOT_READY)."""
    from packhouse.cli.progress import progress
    from packhouse.client.following import follow_install

    try:
        with progress() as watcher:
            await follow_install(session, name, timeout_seconds=timeout_seconds, watcher=watcher)
    except asyncio.CancelledError:
        note(f"The operator goes on with {session.namespace}/{name}: kubectl package installed status {name}")
        raise


async def gone(session: Session, name: str, timeout_seconds: float) -> None:
    """Until the install is gone. Raises Trouble (NOT_READY)."""
    from packhouse.cli.progress import progress
    from packhouse.client.following import follow_deletion
    from packhouse.client.proposals import ref

    where = ref(session.namespace, name)
    try:
        with progress() as watcher:
            await follow_deletion(session, where, timeout_seconds=timeout_seconds, watcher=watcher)
    except asyncio.CancelledError:
        note(f"The operator goes on deleting it; called again, this removes what was made for {name}, too")
        raise
