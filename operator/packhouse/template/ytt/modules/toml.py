"""`@ytt:toml`: encode (indent=) and decode."""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules.arguments import exactly, one_text
from packhouse.template.ytt.modules.plain_copy import PlainCopy
from packhouse.template.ytt.modules.toml_read import read
from packhouse.template.ytt.modules.toml_write import write
from packhouse.template.ytt.modules.yaml import cost
from packhouse.template.ytt.starlark.args import check_names, int_arg
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread
from packhouse.template.ytt.words import from_bytes, to_bytes

_DEFAULT_INDENT: Final = 2
_MOST_INDENT: Final = 8


def _encode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    exactly(args, 1)
    check_names(kwargs, ("indent",))
    plain = PlainCopy(thread, yaml=True).of(args[0])
    indent = int_arg(kwargs, "indent")
    if not 0 <= indent <= _MOST_INDENT:
        raise EvalError(f"indent value must be between 0 and {_MOST_INDENT}")
    return write(plain, " " * (indent or _DEFAULT_INDENT), cost(thread))


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    text = one_text(args)
    thread.tick(1 + len(text))
    thread.weigh(len(text))
    # Bytes that are no UTF-8 are seen one by one; a text of the template has them as such already.
    return read(from_bytes(to_bytes(text)))


TOML: Final = Module("toml", {"encode": Builtin("toml.encode", _encode), "decode": Builtin("toml.decode", _decode)})
