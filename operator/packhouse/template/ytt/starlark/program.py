"""Compile a program and run it.

Templates, plain Starlark files and ytt's own small functions come through here. A program holds no state of a run: it
can be kept and run again, by several threads after each other. Nothing but YttError and LimitExceeded leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, Final

from packhouse.template.ytt.errors import CodeError, EvalError, LimitExceeded, YttError
from packhouse.template.ytt.spelling import nearest
from packhouse.template.ytt.starlark.calls import unbound_name
from packhouse.template.ytt.starlark.cursor import SyntaxMistake
from packhouse.template.ytt.starlark.emit import emit
from packhouse.template.ytt.starlark.failures import CodeText, Frame, described, frames_of, told
from packhouse.template.ytt.starlark.helpers import helpers_of
from packhouse.template.ytt.starlark.instructions import PREFIX
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.parse import parse
from packhouse.template.ytt.starlark.python_nodes import PREFIXES
from packhouse.template.ytt.starlark.resolve import Resolver
from packhouse.template.ytt.starlark.scopes import GLOBAL, PREDECLARED
from packhouse.template.ytt.starlark.thread import DEFAULT_LIMITS, Thread
from packhouse.template.ytt.starlark.tokens import joined, tokenize
from packhouse.template.ytt.starlark.universe import UNIVERSE

Loader = Callable[[str], Mapping[str, Any]]

_GLOBAL: Final = PREFIXES[GLOBAL]
_PREDECLARED: Final = PREFIXES[PREDECLARED]


class Program:
    """What `compile_program` makes. `code` can be marshalled."""

    __slots__ = ("code", "name", "text")

    def __init__(self, code: CodeType, text: CodeText) -> None:
        self.code = code
        self.text = text
        self.name = text.name

    def run(self, thread: Thread, load: Loader, predeclared: Mapping[str, Any]) -> dict[str, Any]:
        """The globals that others may load, frozen. `load` gives the globals of a module by the name that is written in
        load(). Raises YttError with the chain of calls, and LimitExceeded."""
        scope = helpers_of(thread)
        for name, value in predeclared.items():
            scope[_PREDECLARED + name] = value
        scope[".load"] = _loading(load)
        scope[".text"] = self.text
        try:
            with _deep(thread.limits.depth):
                exec(self.code, scope)  # noqa: S102 - made of our own nodes alone, see emit
        except EvalError as failure:
            raise told(failure.message, frames_of(failure)) from None
        except NameError as unbound:
            raise told(unbound_name(unbound), frames_of(unbound)) from None
        except RecursionError:
            raise LimitExceeded("calls lie too deep in each other") from None
        except MemoryError:
            raise LimitExceeded("templates took more memory than there is") from None
        exported = {name[len(_GLOBAL) :]: value for name, value in scope.items() if name.startswith(_GLOBAL)}
        freeze(thread, exported.values())
        return {name: value for name, value in exported.items() if not name.startswith("_")}


def compile_program(name: str, lines: Sequence[CodeLine], predeclared: Container[str], hidden: bool = False) -> Program:
    """`name` is what messages call generated lines by; `predeclared` has the names that `run` will be given. `hidden`:
    the code is ytt's own and is not shown. Raises CodeError with all mistakes that can be seen before anything runs."""
    text = CodeText(name, lines, hidden)
    try:
        _refuse_instructions(lines)
        with _deep(DEFAULT_LIMITS.depth):
            statements = parse(tokenize(joined(lines)))
            resolver = Resolver(predeclared, UNIVERSE)
            resolver.program(statements)
            if resolver.mistakes:
                raise CodeError(_all_of(resolver.mistakes, text))
            return Program(emit(statements, name), text)
    except SyntaxMistake as mistake:
        raise CodeError(_all_of([mistake], text)) from None
    except (RecursionError, MemoryError):
        raise CodeError("\n- code lies too deep in itself to be compiled") from None
    except SyntaxError as wrong:
        raise CodeError(f"\n- {wrong.msg}") from None


def _all_of(mistakes: Sequence[SyntaxMistake], text: CodeText) -> str:
    return described([(mistake.message, [Frame("", text, mistake.line)]) for mistake in mistakes])


def _refuse_instructions(lines: Sequence[CodeLine]) -> None:
    """No source may spell an instruction: they are called without guards."""
    sources = {id(line.source): line.source for line in lines if line.source is not None}
    for source in sources.values():
        if PREFIX not in source.text:
            continue
        for number, line in enumerate(lines, 1):
            if line.source is source and PREFIX in line.text and PREFIX in source.line(line.line):
                raise SyntaxMistake(f"undefined: {PREFIX}", number)


def _loading(load: Loader) -> Callable[[str, tuple[str, ...]], list[Any]]:
    def loaded(module: str, names: tuple[str, ...]) -> list[Any]:
        try:
            found = load(module)
        except YttError as failure:
            raise EvalError(f"cannot load {module}: {failure.message}") from None
        values = []
        for name in names:
            if name not in found:
                meant = nearest(name, sorted(found))
                hint = f" (did you mean {meant}?)" if meant else ""
                raise EvalError(f"load: name {name} not found in module {module}{hint}")
            values.append(found[name])
        return values

    return loaded


@contextmanager
def _deep(frames: int) -> Iterator[None]:
    """Let this many frames of Python lie on each other."""
    before = sys.getrecursionlimit()
    if before >= frames:
        yield
        return
    sys.setrecursionlimit(frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def freeze(thread: Thread, values: Any) -> None:
    """From now on nothing may change these values, nor what they hold."""
    frozen = thread.frozen
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind is list or kind is dict:
            if id(value) in frozen:
                continue
            frozen[id(value)] = value
            thread.tick(len(value))
            waiting.extend(value if kind is list else value.values())
        elif kind is tuple:
            thread.tick(len(value))
            waiting.extend(value)
        elif kind is FunctionType:
            waiting.extend(_captured(frozen, value))


def _captured(frozen: dict[int, object], function: FunctionType) -> list[Any]:
    """What a function holds on to: defaults, and variables of the functions around it."""
    if id(function) in frozen:
        return []
    frozen[id(function)] = function
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:
            continue  # nothing was assigned
    return held
