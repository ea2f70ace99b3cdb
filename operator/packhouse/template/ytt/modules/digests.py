"""`@ytt:md5` and `@ytt:sha256`: `sum` gives the digest of a text in lower case hexadecimal letters."""

from __future__ import annotations

import hashlib
from typing import Final

from packhouse.template.ytt.modules.arguments import one_text
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread
from packhouse.template.ytt.words import to_bytes

#: How many bytes are digested for one step.
_STEP = 1024


def _bytes(thread: Thread, args: Args) -> bytes:
    data = to_bytes(one_text(args))
    thread.tick(1 + len(data) // _STEP)
    return data


def _md5(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    return hashlib.md5(_bytes(thread, args), usedforsecurity=False).hexdigest()


def _sha256(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    return hashlib.sha256(_bytes(thread, args)).hexdigest()


MD5: Final = Module("md5", {"sum": Builtin("md5.sum", _md5)})
SHA256: Final = Module("sha256", {"sum": Builtin("sha256.sum", _sha256)})
