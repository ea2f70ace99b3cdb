"""Programs of the language alone, for its tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.program import Program, compile_program
from packhouse.template.ytt.starlark.text import to_repr
from packhouse.template.ytt.starlark.thread import DEFAULT_LIMITS, LanguageLimits, Thread
from packhouse.template.ytt.values import Builtin, Struct


def program(code: str, names: Mapping[str, Any] | None = None) -> Program:
    source = Source("a.star", code)
    lines = [CodeLine(text, source, number) for number, text in enumerate(code.split("\n"), 1)]
    return compile_program("a.star", lines, names or {})


def run(
    code: str,
    names: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    limits: LanguageLimits = DEFAULT_LIMITS,
) -> dict[str, Any]:
    """The globals of `code`; `files` are what it may load."""
    thread = Thread(limits)

    def load(name: str) -> Mapping[str, Any]:
        if name not in (files or {}):
            raise YttError(f"no file {name}")
        return program((files or {})[name]).run(thread, load, {})

    return program(code, names).run(thread, load, names or {})


def value(expression: str, names: Mapping[str, Any] | None = None) -> str:
    """An expression, as Starlark writes what it gives."""
    return to_repr(run(f"r = {expression}", names)["r"])


def refusal(code: str, names: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None) -> str:
    """The message of a program that must fail."""
    try:
        run(code, names, files)
    except YttError as refused:
        return refused.message
    raise AssertionError(f"it ran: {code}")


def said(expression: str, names: Mapping[str, Any] | None = None) -> str:
    """The first line of the refusal of an expression."""
    return refusal(f"r = {expression}", names).split("\n")[1].removeprefix("- ")


def caught(function: Any) -> Builtin:
    """A builtin around a function of Python that takes the thread and the arguments."""
    return Builtin("given", lambda thread, args, kwargs: function(thread, *args, **kwargs))


STRUCT = Struct({"a": 1, "b": Struct({}), "list": [1, 2]})
