"""The line at which the original reports a call with wrong arguments: that of the first thing in a function that has a
place of its own, which constants and builtins have not; then that of `def`."""

from __future__ import annotations

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.scopes import UNIVERSAL


def entry_line(body: list[tree.Statement], line: int, makes_nodes: bool) -> int:
    """Of a function that is defined in `line`."""
    for statement in body:
        if isinstance(statement, tree.ExpressionStatement) and isinstance(statement.x, tree.Literal):
            continue
        place = _of_statement(statement)
        if place is None and makes_nodes:
            continue
        return line if place is None else place
    return line


def _of_statement(statement: tree.Statement) -> int | None:
    if isinstance(statement, tree.If | tree.While):
        return _first(statement.condition)
    if isinstance(statement, tree.Return):
        return None if statement.value is None else _first(statement.value)
    if isinstance(statement, tree.Assign):
        return _first(statement.value if statement.op == "=" else statement.target)
    if isinstance(statement, tree.ExpressionStatement | tree.For):
        return _first(statement.x)
    if isinstance(statement, tree.Def):
        return _of_parameters(statement.parameters, statement.line)
    return statement.line


def _first(x: tree.Expression) -> int | None:
    if isinstance(x, tree.Name):
        return None if x.scope == UNIVERSAL else x.line
    if isinstance(x, tree.Binary | tree.Unary | tree.Dot | tree.Index):
        return _first(x.x)
    if isinstance(x, tree.Call):
        return _first(x.function)
    if isinstance(x, tree.Conditional):
        return _first(x.condition)
    if isinstance(x, tree.ListOf | tree.TupleOf):
        return _first(x.items[0]) if x.items else None
    if isinstance(x, tree.Slice):
        return _first(x.x) or x.line
    if isinstance(x, tree.Lambda):
        return _of_parameters(x.parameters, x.line)
    return None


def _of_parameters(parameters: list[tree.Parameter], line: int) -> int:
    for parameter in parameters:
        if parameter.default is not None:
            return _first(parameter.default) or line
    return line
