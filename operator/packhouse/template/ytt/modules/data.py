"""`@ytt:data`: data values, and the files beside a template.

A module is made for each file that loads it: what a template does to a list of `data.values` is seen there alone.
"""

from __future__ import annotations

from typing import Any, Protocol

from packhouse.template.ytt.convert import to_structs
from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.modules.arguments import one_text
from packhouse.template.ytt.nodes import Value
from packhouse.template.ytt.starlark.args import as_string
from packhouse.template.ytt.values import Args, Builtin, Kwargs, Module, Thread


class Files(Protocol):
    """What a template may read: the files given, by paths from the folder that it is in, or from "/"."""

    def paths(self, folder: str) -> list[str]:
        """All that are accessible under `folder`, "" for its own. Raises YttError."""
        ...

    def text(self, path: str) -> str:
        """Raises YttError where there is none."""
        ...


def data_module(values: Value, files: Files) -> Module:
    """`values` is the value of the document of data values; None where its schema, or who gives them, has it null."""

    def listed(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        if len(args) > 1:
            raise EvalError("expected exactly zero or one argument")
        folder = as_string(args[0]) if args else ""
        try:
            paths = files.paths(folder)
        except YttError as error:
            raise EvalError(error.message) from None
        thread.tick(len(paths))
        return paths

    def read(thread: Thread, args: Args, kwargs: Kwargs) -> Any:
        path = one_text(args)
        try:
            text = files.text(path)
        except YttError as error:
            raise EvalError(error.message) from None
        thread.weigh(len(text))
        return text

    fields = {
        "list": Builtin("data.list", listed),
        "read": Builtin("data.read", read),
        "values": to_structs(values),
    }
    return Module("data", fields)
