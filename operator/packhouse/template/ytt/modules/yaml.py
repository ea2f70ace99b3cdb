"""`load("@ytt:yaml", "yaml")`: encode and decode; and what such work costs, which json.py counts in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.modules.arguments import exactly, one_text
from packhouse.template.ytt.nodes import Array, Document, DocumentSet, Map
from packhouse.template.ytt.values import Args, Builtin, Fragment, Kwargs, Module, Thread
from packhouse.template.ytt.yaml.read import plain
from packhouse.template.ytt.yaml.write import encode, write

_CHARACTERS_A_STEP: Final = 8


def _encode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    exactly(args, 1)
    value = args[0].node if isinstance(args[0], Fragment) else args[0]
    try:
        if isinstance(value, DocumentSet):
            return write(value.items, cost(thread))
        if value is None or isinstance(value, Map | Array):  # printed as a document: nothing where it is empty
            return write([Document(value)], cost(thread))
        return encode(value, cost(thread))
    except YttError as error:
        raise EvalError(error.message) from None


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    text = one_text(args)
    cost(thread)(len(text))
    try:
        documents = plain(text)
    except YttError as error:
        raise EvalError(error.message) from None
    if len(documents) != 1:
        raise EvalError("Expected to find exactly one YAML document")
    return documents[0]


def cost(thread: Thread) -> Callable[[int], None]:
    """What tells a thread of characters that are read or written: they count as weight, and as steps."""

    def count(size: int) -> None:
        thread.weigh(size)
        thread.tick(size // _CHARACTERS_A_STEP)

    return count


YAML: Final = Module("yaml", {"encode": Builtin("yaml.encode", _encode), "decode": Builtin("yaml.decode", _decode)})
