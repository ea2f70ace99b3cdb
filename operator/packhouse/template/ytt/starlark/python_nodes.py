"""The nodes of Python's syntax tree that code is made of, and the names in it.

Fields that are the same for all nodes of a kind are fields of a class: setting them for each node would be a fifth of
the time that compiling takes.
"""

from __future__ import annotations

import ast
from typing import Any, Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.scopes import FILE, GLOBAL, LOCAL, PREDECLARED, UNDEFINED, UNIVERSAL

#: Of names in the globals of a program, by their scope. Helpers begin with a dot.
PREFIXES: Final = {FILE: "f.", GLOBAL: "g.", PREDECLARED: "p.", UNIVERSAL: "u.", UNDEFINED: "?."}

#: Names that Python does not let anybody bind.
_UNBINDABLE: Final = frozenset({"None", "True", "False", "__debug__"})

LOAD: Final = ast.Load()
STORE: Final = ast.Store()


class Constant(ast.Constant):
    """A constant cannot fail, so its place does not matter."""

    lineno = 1
    col_offset = 0
    kind = None


def tuple_constant(value: tuple[Any, ...]) -> ast.expr:
    return Constant(value)  # type: ignore[arg-type] # tuples of constants are constants, too


class NameNode(ast.Name):
    ctx = LOAD
    lineno = 1
    col_offset = 0


class CallNode(ast.Call):
    keywords: list[ast.keyword] = []  # noqa: RUF012 - nothing appends to it
    col_offset = 0


def name_node(name: str, line: int) -> ast.expr:
    node = NameNode(name)
    node.lineno = line
    return node


def helper(name: str, arguments: list[ast.expr], line: int) -> ast.expr:
    node = CallNode(NameNode(name), arguments)  # type: ignore[call-arg]
    node.lineno = line
    return node


def set_node(name: str, value: ast.expr, line: int) -> ast.stmt:
    return ast.Assign([ast.Name(name, STORE, lineno=line, col_offset=0)], value, lineno=line, col_offset=0)


def local_name(name: str) -> str:
    return "." + name if name in _UNBINDABLE else name


def bound_name(name: tree.Name) -> str:
    return local_name(name.name) if name.scope is LOCAL else PREFIXES[name.scope] + name.name


def is_plain(x: ast.expr) -> bool:
    """A text or None as a constant: Python's == says of it what Starlark's does."""
    return isinstance(x, Constant) and (x.value is None or isinstance(x.value, str))


def shape_of(target: tree.Expression) -> Any:
    """How many values a target takes, and those of its parts: 2, or (2, (None, 3)). None where there are others than
    names in it."""
    if not isinstance(target, tree.TupleOf | tree.ListOf):
        return None
    inner: list[Any] = []
    nested = False
    for item in target.items:
        if isinstance(item, tree.Name):
            inner.append(None)
        elif isinstance(item, tree.TupleOf | tree.ListOf):
            shape = shape_of(item)
            if shape is None:
                return None
            inner.append(shape)
            nested = True
        else:
            return None
    return (len(inner), tuple(inner)) if nested else len(inner)
