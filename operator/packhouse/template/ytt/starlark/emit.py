"""From the tree of a program to code of Python.

The code is made of Python's syntax tree, out of the few kinds of nodes below: names, constants, calls of helpers,
displays, comprehensions, conditions, loops, functions. There is no attribute access, no import, no class, no exception,
no operator in it. Helpers have names that begin with a dot, and names of a template other than local ones a prefix,
so that a template can neither spell a helper nor what Python keeps among globals.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.emit_expressions import ExpressionEmitter
from packhouse.template.ytt.starlark.entries import entry_line
from packhouse.template.ytt.starlark.instructions import END_CTX, SET_CTX_TYPE, START_CTX
from packhouse.template.ytt.starlark.python_nodes import (
    PREFIXES,
    STORE,
    Constant,
    bound_name,
    helper,
    name_node,
    set_node,
    shape_of,
    tuple_constant,
)
from packhouse.template.ytt.starlark.scopes import PREDECLARED


def emit(statements: list[tree.Statement], filename: str) -> CodeType:
    """The code of a program whose names are resolved."""
    module = ast.Module(_Emitter().block(statements, at_least_one=False), type_ignores=[])
    return compile(module, filename, "exec", dont_inherit=True)


class _Emitter(ExpressionEmitter):
    __slots__ = ("ctx_type", "makes_nodes")

    def __init__(self) -> None:
        self.ctx_type = "yaml"
        self.makes_nodes = False  # of the function that is being made

    # statements

    def block(self, statements: list[tree.Statement], at_least_one: bool = True) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            _STATEMENTS[type(statement)](self, statement, out)
        if at_least_one and not out:
            out.append(ast.Pass(lineno=1, col_offset=0))
        return out

    def expression_statement(self, statement: tree.ExpressionStatement, out: list[ast.stmt]) -> None:
        x = statement.x
        if isinstance(x, tree.Literal):
            return
        if isinstance(x, tree.Call) and isinstance(x.function, tree.Name) and x.function.name == SET_CTX_TYPE:
            value = x.arguments[0].value if x.arguments else None
            if isinstance(value, tree.Literal):
                self.ctx_type = value.value
            return
        value_of = self.expression(x)
        out.append(ast.Expr(value_of, lineno=value_of.lineno, col_offset=0))

    def if_(self, statement: tree.If, out: list[ast.stmt]) -> None:
        condition = self.expression(statement.condition)
        yes = self.block(statement.yes)
        no = self.block(statement.no, at_least_one=False)
        out.append(ast.If(condition, yes, no, lineno=statement.line, col_offset=0))

    def for_(self, statement: tree.For, out: list[ast.stmt]) -> None:
        line = statement.line
        x = self.expression(statement.x)
        target = statement.target
        before: list[ast.stmt] = []
        if isinstance(target, tree.Name):
            items = helper(".each", [x], line)
            into = self.store(target)
        else:
            shape = shape_of(target)
            if shape is None:  # targets that are no names: set from what is unpacked
                items = helper(".each", [x], line)
                into = ast.Name(".t.item", STORE, lineno=line, col_offset=0)
                self.assign(target, name_node(".t.item", line), line, before)
            else:
                items = helper(".each_unpacked", [x, Constant(shape)], line)
                into = self.store(target)
        body = before + self.block(statement.body)
        out.append(ast.For(into, items, body, [], lineno=line, col_offset=0))

    def while_(self, statement: tree.While, out: list[ast.stmt]) -> None:
        line = statement.line
        condition = self.expression(statement.condition)
        tick = ast.Expr(helper(".tick", [], line), lineno=line, col_offset=0)
        out.append(ast.While(condition, [tick, *self.block(statement.body)], [], lineno=line, col_offset=0))

    def branch(self, statement: tree.Branch, out: list[ast.stmt]) -> None:
        kind = ast.Break if statement.kind == "break" else ast.Continue
        out.append(kind(lineno=statement.line, col_offset=0))

    def return_(self, statement: tree.Return, out: list[ast.stmt]) -> None:
        line = statement.line
        value = None if statement.value is None else self.expression(statement.value)
        if self.makes_nodes:
            value = helper(PREFIXES[PREDECLARED] + END_CTX, [] if value is None else [value], line)
        out.append(ast.Return(value, lineno=line, col_offset=0))

    def load(self, statement: tree.Load, out: list[ast.stmt]) -> None:
        line = statement.line
        originals = tuple(original for _, original in statement.names)
        value = helper(".load", [Constant(statement.module), tuple_constant(originals)], line)
        names = [self.store(name) for name, _ in statement.names]
        target = ast.Tuple(names, STORE, lineno=line, col_offset=0)
        out.append(ast.Assign([target], value, lineno=line, col_offset=0))

    def def_(self, statement: tree.Def, out: list[ast.stmt]) -> None:
        line = statement.line
        arguments = self.parameters(statement.parameters, line)
        outer, self.makes_nodes = self.makes_nodes, statement.makes_nodes
        body = self.block(statement.body, at_least_one=not statement.makes_nodes)
        if statement.makes_nodes:
            start = helper(PREFIXES[PREDECLARED] + START_CTX, [Constant(self.ctx_type)], line)
            body.insert(0, ast.Expr(start, lineno=line, col_offset=0))
            end = helper(PREFIXES[PREDECLARED] + END_CTX, [], line)
            body.append(ast.Return(end, lineno=line, col_offset=0))
        self.makes_nodes = outer
        # where a call with wrong arguments is reported: the line of the code object is that of the statement
        place = entry_line(statement.body, line, statement.makes_nodes)
        out.append(ast.FunctionDef(bound_name(statement.name), arguments, body, [], lineno=place, col_offset=0))

    # assignments

    def assignment(self, statement: tree.Assign, out: list[ast.stmt]) -> None:
        if statement.op == "=":
            self.assign(statement.target, self.expression(statement.value), statement.line, out)
        else:
            self.augment(statement, out)

    def assign(self, target: tree.Expression, value: ast.expr, line: int, out: list[ast.stmt], depth: int = 0) -> None:
        if isinstance(target, tree.Index):
            x, key = self.expression(target.x), self.expression(target.key)
            # the value is computed first, then what is assigned to
            out.append(set_node(".t.value", value, line))
            call = helper(".set_index", [x, key, name_node(".t.value", line)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Dot):
            out.append(set_node(".t.value", value, line))
            call = helper(".set_field", [self.expression(target.x), Constant(target.name)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Name):
            out.append(ast.Assign([self.store(target)], value, lineno=line, col_offset=0))
        elif isinstance(target, tree.TupleOf | tree.ListOf):
            shape = shape_of(target)
            if shape is not None:
                unpacked = helper(".unpack", [value, Constant(shape)], line)
                out.append(ast.Assign([self.store(target)], unpacked, lineno=line, col_offset=0))
                return
            count = len(target.items)
            names = [f".t.part{depth}.{number}" for number in range(count)]
            parts: list[ast.expr] = [ast.Name(name, STORE, lineno=line, col_offset=0) for name in names]
            into = ast.Tuple(parts, STORE, lineno=line, col_offset=0)
            unpacked = helper(".unpack", [value, Constant(count)], line)
            out.append(ast.Assign([into], unpacked, lineno=line, col_offset=0))
            for name, item in zip(names, target.items, strict=True):
                self.assign(item, name_node(name, line), line, out, depth + 1)

    def augment(self, statement: tree.Assign, out: list[ast.stmt]) -> None:
        """`x[y] += z`: x and y are computed once, then z, then all is put together."""
        target, line = statement.target, statement.line
        op = ".extend" if statement.op == "+=" else "." + statement.op[:-1]
        if isinstance(target, tree.Name):
            call = helper(op, [self.expression(target), self.expression(statement.value)], line)
            out.append(ast.Assign([self.store(target)], call, lineno=line, col_offset=0))
        elif isinstance(target, tree.Index):
            out.append(set_node(".t.x", self.expression(target.x), line))
            out.append(set_node(".t.key", self.expression(target.key), line))
            out.append(
                set_node(
                    ".t.old", helper(".index", [name_node(".t.x", line), name_node(".t.key", line)], target.line), line
                )
            )
            new = helper(op, [name_node(".t.old", line), self.expression(statement.value)], line)
            call = helper(".set_index", [name_node(".t.x", line), name_node(".t.key", line), new], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Dot):
            out.append(set_node(".t.x", self.expression(target.x), line))
            old = helper(".attr", [name_node(".t.x", line), Constant(target.name)], target.line)
            new = helper(op, [old, self.expression(statement.value)], line)
            out.append(ast.Expr(new, lineno=line, col_offset=0))
            call = helper(".set_field", [name_node(".t.x", line), Constant(target.name)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))


_STATEMENTS: Final[dict[type, Callable[[_Emitter, Any, list[ast.stmt]], None]]] = {
    tree.ExpressionStatement: _Emitter.expression_statement,
    tree.Assign: _Emitter.assignment,
    tree.If: _Emitter.if_,
    tree.For: _Emitter.for_,
    tree.While: _Emitter.while_,
    tree.Def: _Emitter.def_,
    tree.Branch: _Emitter.branch,
    tree.Return: _Emitter.return_,
    tree.Load: _Emitter.load,
}
