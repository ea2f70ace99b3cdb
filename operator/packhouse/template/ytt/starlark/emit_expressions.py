"""Expressions of a program as nodes of Python: calls of helpers, displays, comprehensions, conditions, lambdas."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.cursor import SyntaxMistake
from packhouse.template.ytt.starlark.entries import entry_line
from packhouse.template.ytt.starlark.instructions import PREFIX
from packhouse.template.ytt.starlark.python_nodes import (
    LOAD,
    PREFIXES,
    STORE,
    CallNode,
    Constant,
    bound_name,
    helper,
    is_plain,
    local_name,
    name_node,
    shape_of,
    tuple_constant,
)
from packhouse.template.ytt.starlark.scopes import LOCAL, UNIVERSAL

_CONSTANTS: Final = {"None": None, "True": True, "False": False}
_NOT: Final = ast.Not()
_BOOLEANS: Final[dict[str, ast.boolop]] = {"and": ast.And(), "or": ast.Or()}
_EQUALITIES: Final[dict[str, ast.cmpop]] = {"==": ast.Eq(), "!=": ast.NotEq()}


class ExpressionEmitter:
    __slots__ = ()

    def expression(self, x: tree.Expression) -> ast.expr:
        return _EXPRESSIONS[type(x)](self, x)

    def name(self, x: tree.Name) -> ast.expr:
        if x.scope is LOCAL:
            return name_node(local_name(x.name), x.line)
        if x.scope is UNIVERSAL and x.name in _CONSTANTS:
            return Constant(_CONSTANTS[x.name])
        return name_node(PREFIXES[x.scope] + x.name, x.line)

    def literal(self, x: tree.Literal) -> ast.expr:
        return Constant(x.value)

    def list_of(self, x: tree.ListOf) -> ast.expr:
        return ast.List([self.expression(item) for item in x.items], LOAD, lineno=x.line, col_offset=0)

    def tuple_of(self, x: tree.TupleOf) -> ast.expr:
        return ast.Tuple([self.expression(item) for item in x.items], LOAD, lineno=x.line, col_offset=0)

    def dict_of(self, x: tree.DictOf) -> ast.expr:
        literal = {entry.key.value for entry in x.entries if isinstance(entry.key, tree.Literal)}
        keys = [self.expression(entry.key) for entry in x.entries]
        values = [self.expression(entry.value) for entry in x.entries]
        if len(literal) == len(keys) and all(isinstance(key, str) for key in literal):
            return ast.Dict(list(keys), values, lineno=x.line, col_offset=0)
        pairs = [
            ast.Tuple([key, value, Constant(entry.line)], LOAD, lineno=entry.line, col_offset=0)
            for entry, key, value in zip(x.entries, keys, values, strict=True)
        ]
        return helper(".dict", list(pairs), x.entries[0].line)

    def unary(self, x: tree.Unary) -> ast.expr:
        if x.op == "not":
            return ast.UnaryOp(_NOT, self.expression(x.x), lineno=x.line, col_offset=0)
        if x.op == "-" and isinstance(x.x, tree.Literal) and type(x.x.value) in (int, float):
            return Constant(-x.x.value)
        return helper(".unary", [Constant(x.op), self.expression(x.x)], x.line)

    def binary(self, x: tree.Binary) -> ast.expr:
        op, line = x.op, x.line
        if op in _BOOLEANS:
            return self.boolean(x)
        left, right = self.expression(x.x), self.expression(x.y)
        if op in _EQUALITIES:
            if is_plain(left) or is_plain(right):
                return ast.Compare(left, [_EQUALITIES[op]], [right], lineno=line, col_offset=0)
            return helper("." + op, [left, right], line)
        if op == "in":
            return helper(".in", [left, right], line)
        if op == "not in":
            return ast.UnaryOp(_NOT, helper(".in", [left, right], line), lineno=line, col_offset=0)
        return helper("." + op, [left, right], line)

    def boolean(self, x: tree.Binary) -> ast.expr:
        """Chains of the same operator become one node."""
        values = [self.expression(x.y)]
        left = x.x
        while isinstance(left, tree.Binary) and left.op == x.op:
            values.append(self.expression(left.y))
            left = left.x
        values.append(self.expression(left))
        return ast.BoolOp(_BOOLEANS[x.op], values[::-1], lineno=x.line, col_offset=0)

    def conditional(self, x: tree.Conditional) -> ast.expr:
        condition, yes, no = self.expression(x.condition), self.expression(x.yes), self.expression(x.no)
        return ast.IfExp(condition, yes, no, lineno=x.line, col_offset=0)

    def dot(self, x: tree.Dot) -> ast.expr:
        """`a.b.c` in one line is one call."""
        names: list[ast.expr] = [Constant(x.name)]
        line, inner = x.line, x.x
        while isinstance(inner, tree.Dot) and inner.line == line:
            names.append(Constant(inner.name))
            inner = inner.x
        if len(names) == 1:
            return helper(".attr", [self.expression(inner), *names], line)
        return helper(".path", [self.expression(inner), *reversed(names)], line)

    def index(self, x: tree.Index) -> ast.expr:
        return helper(".index", [self.expression(x.x), self.expression(x.key)], x.line)

    def slice(self, x: tree.Slice) -> ast.expr:
        parts = [Constant(None) if part is None else self.expression(part) for part in (x.start, x.stop, x.step)]
        return helper(".slice", [self.expression(x.x), *parts], x.line)

    def call(self, x: tree.Call) -> ast.expr:
        function, line = x.function, x.line
        direct = isinstance(function, tree.Name) and function.name.startswith(PREFIX)
        if any(argument.kind in ("*", "**") for argument in x.arguments):
            return self.splat(x, direct)
        positional = [self.expression(argument.value) for argument in x.arguments if not argument.kind]
        keywords = [
            ast.keyword(argument.name, self.expression(argument.value), lineno=line, col_offset=0)
            for argument in x.arguments
            if argument.kind
        ]
        if direct:
            called = self.expression(function)
        elif isinstance(function, tree.Dot):
            called = name_node(".invoke", line)
            positional[:0] = [self.expression(function.x), Constant(function.name)]
        else:
            called = name_node(".call", line)
            positional.insert(0, self.expression(function))
        node = CallNode(called, positional)  # type: ignore[call-arg]
        node.lineno = line
        if keywords:
            node.keywords = keywords
        return node

    def splat(self, x: tree.Call, direct: bool) -> ast.expr:
        """A call with `*args` or `**kwargs`, which a helper checks and takes apart."""
        line = x.line
        stars: dict[str, ast.expr] = {}
        positional: list[ast.expr] = []
        pairs: list[ast.expr] = []
        for argument in x.arguments:
            value = self.expression(argument.value)
            if argument.kind == "=":
                pairs.append(ast.Tuple([Constant(argument.name), value], LOAD, lineno=line, col_offset=0))
            elif argument.kind:
                stars[argument.kind] = value
            else:
                positional.append(value)
        return helper(
            ".direct" if direct else ".splat",
            [
                self.expression(x.function),
                ast.Tuple(positional, LOAD, lineno=line, col_offset=0),
                ast.Tuple(pairs, LOAD, lineno=line, col_offset=0),
                stars.get("*", tuple_constant(())),
                stars.get("**", Constant(None)),
                Constant("**" in stars),
            ],
            line,
        )

    def lambda_(self, x: tree.Lambda) -> ast.expr:
        arguments = self.parameters(x.parameters, x.line)
        place = entry_line([tree.Return(x.body, x.line)], x.line, False)
        return ast.Lambda(arguments, self.expression(x.body), lineno=place, col_offset=0)

    def comprehension(self, x: tree.Comprehension) -> ast.expr:
        generators: list[ast.comprehension] = []
        for clause in x.clauses:
            if isinstance(clause, tree.IfClause):
                generators[-1].ifs.append(self.expression(clause.condition))
                continue
            items = self.expression(clause.x)
            if isinstance(clause.target, tree.Name):
                items = helper(".each", [items], clause.line)
            else:
                shape = shape_of(clause.target)
                if shape is None:
                    raise SyntaxMistake("a comprehension binds names, and nothing else", clause.line)
                items = helper(".each_unpacked", [items, Constant(shape)], clause.line)
            generators.append(ast.comprehension(self.store(clause.target), items, [], 0))
        if isinstance(x.body, tree.Entry):
            key = helper(".key", [self.expression(x.body.key)], x.body.line)
            return ast.DictComp(key, self.expression(x.body.value), generators, lineno=x.line, col_offset=0)
        return ast.ListComp(self.expression(x.body), generators, lineno=x.line, col_offset=0)

    def parameters(self, parameters: list[tree.Parameter], line: int) -> ast.arguments:
        by_position: list[ast.arg] = []
        defaults: list[ast.expr] = []
        by_name: list[ast.arg] = []
        name_defaults: list[ast.expr | None] = []
        star: ast.arg | None = None
        stars: ast.arg | None = None
        after_star = False
        for parameter in parameters:
            name = parameter.name
            arg = None if name is None else ast.arg(bound_name(name), lineno=line, col_offset=0)
            if parameter.kind == "*":
                after_star, star = True, arg
            elif parameter.kind == "**":
                stars = arg
            elif arg is not None:
                default = None if parameter.default is None else self.expression(parameter.default)
                if after_star:
                    by_name.append(arg)
                    name_defaults.append(default)
                else:
                    by_position.append(arg)
                    if default is not None:
                        defaults.append(default)
        return ast.arguments([], by_position, star, by_name, name_defaults, stars, defaults)

    def store(self, target: tree.Expression) -> ast.expr:
        if isinstance(target, tree.Name):
            return ast.Name(bound_name(target), STORE, lineno=target.line, col_offset=0)
        assert isinstance(target, tree.TupleOf | tree.ListOf)  # noqa: S101 - only these have a shape
        items = [self.store(item) for item in target.items]
        return ast.Tuple(items, STORE, lineno=target.line, col_offset=0)


_EXPRESSIONS: Final[dict[type, Callable[[ExpressionEmitter, Any], ast.expr]]] = {
    tree.Name: ExpressionEmitter.name,
    tree.Literal: ExpressionEmitter.literal,
    tree.ListOf: ExpressionEmitter.list_of,
    tree.TupleOf: ExpressionEmitter.tuple_of,
    tree.DictOf: ExpressionEmitter.dict_of,
    tree.Unary: ExpressionEmitter.unary,
    tree.Binary: ExpressionEmitter.binary,
    tree.Conditional: ExpressionEmitter.conditional,
    tree.Dot: ExpressionEmitter.dot,
    tree.Index: ExpressionEmitter.index,
    tree.Slice: ExpressionEmitter.slice,
    tree.Call: ExpressionEmitter.call,
    tree.Lambda: ExpressionEmitter.lambda_,
    tree.Comprehension: ExpressionEmitter.comprehension,
}
