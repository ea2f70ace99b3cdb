"""Times as people read them in a table: how long ago, in one or two units, as kubectl has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def age(moment: str, now: datetime | None = None) -> str:
    """Of an RFC 3339 time; "" where there is none."""
    began = _read(moment)
    return span((now or datetime.now(UTC)) - began) if began is not None else ""


def lasted(begin: str, end: str) -> str:
    """Between two such times."""
    began, ended = _read(begin), _read(end)
    return span(ended - began) if began is not None and ended is not None else ""


def span(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d"


def _read(moment: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
