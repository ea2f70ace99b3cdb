"""Lays maps over each other. Called by values.py for the layers of a user and by values_schema.py for defaults."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse.ports import Json


def merge(layers: Sequence[Json]) -> Json:
    """The layers over each other: maps are merged key by key, all else is replaced, and the later layer wins.

    A null replaces too: whoever writes `key: null` gets null, not what a layer below says. The layers stay as they are.
    """
    merged: Json = {}
    for layer in layers:
        merged = _over(merged, layer)
    return merged


def _over(below: Json, above: Json) -> Json:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
