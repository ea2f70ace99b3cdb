"""What one rendering has from its beginning to its end, handed down to all that works for it."""

from __future__ import annotations

from dataclasses import dataclass

from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.workspace.cache import Cache
from packhouse.template.ytt.workspace.inputs import Options


@dataclass(frozen=True, slots=True)
class Session:
    """`thread` counts what all templates of the rendering take together. `options` may differ for a library."""

    thread: Thread
    cache: Cache
    options: Options
