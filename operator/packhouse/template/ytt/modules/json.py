"""`load("@ytt:json", "json")`: encode (with indent= and escape_html=) and decode."""

from __future__ import annotations

from typing import Any, Final

from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.modules.arguments import exactly, one_text
from packhouse.template.ytt.modules.yaml import cost
from packhouse.template.ytt.starlark.args import bool_arg, check_names, int_arg
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread
from packhouse.template.ytt.yaml import json

_NAMES: Final = frozenset({"indent", "escape_html"})
_INDENT_MOST: Final = 4


def _encode(thread: Thread, args: Args, kwargs: Kwargs) -> str:
    exactly(args, 1)
    check_names(kwargs, _NAMES)
    indent = int_arg(kwargs, "indent")
    if not 0 <= indent <= _INDENT_MOST:
        raise EvalError(f"indent value must be between 0 and {_INDENT_MOST}")
    escape_html = bool_arg(kwargs, "escape_html", default=True)
    try:
        return json.encode(args[0], indent=indent, escape_html=escape_html, weigh=cost(thread))
    except YttError as error:
        raise EvalError(error.message) from None


def _decode(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
    text = one_text(args)
    cost(thread)(len(text))
    try:
        return json.decode(text)
    except YttError as error:
        raise EvalError(error.message) from None


JSON: Final = Module("json", {"encode": Builtin("json.encode", _encode), "decode": Builtin("json.decode", _decode)})
