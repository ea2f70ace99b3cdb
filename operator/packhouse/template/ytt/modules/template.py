"""`@ytt:template`. It works on the template that loads it, so that each evaluation makes its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread


def template_module(replace: Callable[[Any], Any]) -> Module:
    """`replace` puts the items of a value in the place of the node whose value is being computed."""

    def run(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        if len(args) != 1:
            raise EvalError("expected exactly one argument")
        return replace(args[0])

    return Module("template", {"replace": Builtin("template.replace", run)})
