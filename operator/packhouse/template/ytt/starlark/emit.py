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
from packhouse.template.ytt.starlark.entries import entry_line
from packhouse.template.ytt.starlark.instructions import END_CTX, PREFIX, SET_CTX_TYPE, START_CTX
from packhouse.template.ytt.starlark.resolve import FILE, GLOBAL, LOCAL, PREDECLARED, UNDEFINED, UNIVERSAL

PREFIXES: Final = {FILE: "f.", GLOBAL: "g.", PREDECLARED: "p.", UNIVERSAL: "u.", UNDEFINED: "?."}

#: Names that Python does not let anybody bind.
_UNBINDABLE: Final = frozenset({"None", "True", "False", "__debug__"})

_CONSTANTS: Final = {"None": None, "True": True, "False": False}
_OPERATORS: Final = frozenset({"+", "-", "*", "/", "//", "%", "|", "&", "^", "<<", ">>", "<", "<=", ">", ">="})

_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()
_NOT: Final = ast.Not()
_BOOLEANS: Final[dict[str, ast.boolop]] = {"and": ast.And(), "or": ast.Or()}
_EQUALITIES: Final[dict[str, ast.cmpop]] = {"==": ast.Eq(), "!=": ast.NotEq()}


class _Constant(ast.Constant):
    """A constant cannot fail, so its place does not matter. Fields of a class save one assignment for each node."""

    lineno = 1
    col_offset = 0
    kind = None


def _constant(value: tuple[Any, ...]) -> ast.expr:
    return _Constant(value)  # type: ignore[arg-type] # tuples of constants are constants, too


class _Name(ast.Name):
    ctx = _LOAD
    lineno = 1
    col_offset = 0


class _Call(ast.Call):
    keywords: list[ast.keyword] = []  # noqa: RUF012 - nothing appends to it
    col_offset = 0


def _name(name: str, line: int) -> ast.expr:
    node = _Name(name)
    node.lineno = line
    return node


def _helper(name: str, arguments: list[ast.expr], line: int) -> ast.expr:
    node = _Call(_Name(name), arguments)  # type: ignore[call-arg]
    node.lineno = line
    return node


def emit(statements: list[tree.Statement], filename: str) -> CodeType:
    """The code of a program whose names are resolved."""
    module = ast.Module(_Emitter().block(statements, at_least_one=False), type_ignores=[])
    return compile(module, filename, "exec", dont_inherit=True)


class _Emitter:
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
            items = _helper(".each", [x], line)
            into = self.store(target)
        else:
            shape = _shape(target)
            if shape is None:  # targets that are no names: set from what is unpacked
                items = _helper(".each", [x], line)
                into = ast.Name(".t.item", _STORE, lineno=line, col_offset=0)
                self.assign(target, _name(".t.item", line), line, before)
            else:
                items = _helper(".each_unpacked", [x, _Constant(shape)], line)
                into = self.store(target)
        body = before + self.block(statement.body)
        out.append(ast.For(into, items, body, [], lineno=line, col_offset=0))

    def while_(self, statement: tree.While, out: list[ast.stmt]) -> None:
        line = statement.line
        condition = self.expression(statement.condition)
        tick = ast.Expr(_helper(".tick", [], line), lineno=line, col_offset=0)
        out.append(ast.While(condition, [tick, *self.block(statement.body)], [], lineno=line, col_offset=0))

    def branch(self, statement: tree.Branch, out: list[ast.stmt]) -> None:
        kind = ast.Break if statement.kind == "break" else ast.Continue
        out.append(kind(lineno=statement.line, col_offset=0))

    def return_(self, statement: tree.Return, out: list[ast.stmt]) -> None:
        line = statement.line
        value = None if statement.value is None else self.expression(statement.value)
        if self.makes_nodes:
            value = _helper(PREFIXES[PREDECLARED] + END_CTX, [] if value is None else [value], line)
        out.append(ast.Return(value, lineno=line, col_offset=0))

    def load(self, statement: tree.Load, out: list[ast.stmt]) -> None:
        line = statement.line
        originals = tuple(original for _, original in statement.names)
        value = _helper(".load", [_Constant(statement.module), _constant(originals)], line)
        names = [self.store(name) for name, _ in statement.names]
        target = ast.Tuple(names, _STORE, lineno=line, col_offset=0)
        out.append(ast.Assign([target], value, lineno=line, col_offset=0))

    def def_(self, statement: tree.Def, out: list[ast.stmt]) -> None:
        line = statement.line
        arguments = self.parameters(statement.parameters, line)
        outer, self.makes_nodes = self.makes_nodes, statement.makes_nodes
        body = self.block(statement.body, at_least_one=not statement.makes_nodes)
        if statement.makes_nodes:
            start = _helper(PREFIXES[PREDECLARED] + START_CTX, [_Constant(self.ctx_type)], line)
            body.insert(0, ast.Expr(start, lineno=line, col_offset=0))
            end = _helper(PREFIXES[PREDECLARED] + END_CTX, [], line)
            body.append(ast.Return(end, lineno=line, col_offset=0))
        self.makes_nodes = outer
        # where a call with wrong arguments is reported: the line of the code object is that of the statement
        place = entry_line(statement.body, line, statement.makes_nodes)
        out.append(ast.FunctionDef(_bound(statement.name), arguments, body, [], lineno=place, col_offset=0))

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
            arg = None if name is None else ast.arg(_bound(name), lineno=line, col_offset=0)
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
            out.append(_set(".t.value", value, line))
            call = _helper(".set_index", [x, key, _name(".t.value", line)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Dot):
            out.append(_set(".t.value", value, line))
            call = _helper(".set_field", [self.expression(target.x), _Constant(target.name)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Name):
            out.append(ast.Assign([self.store(target)], value, lineno=line, col_offset=0))
        elif isinstance(target, tree.TupleOf | tree.ListOf):
            shape = _shape(target)
            if shape is not None:
                unpacked = _helper(".unpack", [value, _Constant(shape)], line)
                out.append(ast.Assign([self.store(target)], unpacked, lineno=line, col_offset=0))
                return
            count = len(target.items)
            names = [f".t.part{depth}.{number}" for number in range(count)]
            parts: list[ast.expr] = [ast.Name(name, _STORE, lineno=line, col_offset=0) for name in names]
            into = ast.Tuple(parts, _STORE, lineno=line, col_offset=0)
            unpacked = _helper(".unpack", [value, _Constant(count)], line)
            out.append(ast.Assign([into], unpacked, lineno=line, col_offset=0))
            for name, item in zip(names, target.items, strict=True):
                self.assign(item, _name(name, line), line, out, depth + 1)

    def augment(self, statement: tree.Assign, out: list[ast.stmt]) -> None:
        """`x[y] += z`: x and y are computed once, then z, then all is put together."""
        target, line = statement.target, statement.line
        helper = ".extend" if statement.op == "+=" else "." + statement.op[:-1]
        if isinstance(target, tree.Name):
            call = _helper(helper, [self.expression(target), self.expression(statement.value)], line)
            out.append(ast.Assign([self.store(target)], call, lineno=line, col_offset=0))
        elif isinstance(target, tree.Index):
            out.append(_set(".t.x", self.expression(target.x), line))
            out.append(_set(".t.key", self.expression(target.key), line))
            out.append(
                _set(".t.old", _helper(".index", [_name(".t.x", line), _name(".t.key", line)], target.line), line)
            )
            new = _helper(helper, [_name(".t.old", line), self.expression(statement.value)], line)
            call = _helper(".set_index", [_name(".t.x", line), _name(".t.key", line), new], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))
        elif isinstance(target, tree.Dot):
            out.append(_set(".t.x", self.expression(target.x), line))
            old = _helper(".attr", [_name(".t.x", line), _Constant(target.name)], target.line)
            new = _helper(helper, [old, self.expression(statement.value)], line)
            out.append(ast.Expr(new, lineno=line, col_offset=0))
            call = _helper(".set_field", [_name(".t.x", line), _Constant(target.name)], target.line)
            out.append(ast.Expr(call, lineno=target.line, col_offset=0))

    def store(self, target: tree.Expression) -> ast.expr:
        if isinstance(target, tree.Name):
            return ast.Name(_bound(target), _STORE, lineno=target.line, col_offset=0)
        assert isinstance(target, tree.TupleOf | tree.ListOf)  # noqa: S101 - only these have a shape
        items = [self.store(item) for item in target.items]
        return ast.Tuple(items, _STORE, lineno=target.line, col_offset=0)

    # expressions

    def expression(self, x: tree.Expression) -> ast.expr:
        return _EXPRESSIONS[type(x)](self, x)

    def name(self, x: tree.Name) -> ast.expr:
        if x.scope is LOCAL:
            return _name(_local(x.name), x.line)
        if x.scope is UNIVERSAL and x.name in _CONSTANTS:
            return _Constant(_CONSTANTS[x.name])
        return _name(PREFIXES[x.scope] + x.name, x.line)

    def literal(self, x: tree.Literal) -> ast.expr:
        return _Constant(x.value)

    def list_of(self, x: tree.ListOf) -> ast.expr:
        return ast.List([self.expression(item) for item in x.items], _LOAD, lineno=x.line, col_offset=0)

    def tuple_of(self, x: tree.TupleOf) -> ast.expr:
        return ast.Tuple([self.expression(item) for item in x.items], _LOAD, lineno=x.line, col_offset=0)

    def dict_of(self, x: tree.DictOf) -> ast.expr:
        literal = {entry.key.value for entry in x.entries if isinstance(entry.key, tree.Literal)}
        keys = [self.expression(entry.key) for entry in x.entries]
        values = [self.expression(entry.value) for entry in x.entries]
        if len(literal) == len(keys) and all(isinstance(key, str) for key in literal):
            return ast.Dict(list(keys), values, lineno=x.line, col_offset=0)
        pairs = [
            ast.Tuple([key, value, _Constant(entry.line)], _LOAD, lineno=entry.line, col_offset=0)
            for entry, key, value in zip(x.entries, keys, values, strict=True)
        ]
        return _helper(".dict", list(pairs), x.entries[0].line)

    def unary(self, x: tree.Unary) -> ast.expr:
        if x.op == "not":
            return ast.UnaryOp(_NOT, self.expression(x.x), lineno=x.line, col_offset=0)
        if x.op == "-" and isinstance(x.x, tree.Literal) and type(x.x.value) in (int, float):
            return _Constant(-x.x.value)
        return _helper(".unary", [_Constant(x.op), self.expression(x.x)], x.line)

    def binary(self, x: tree.Binary) -> ast.expr:
        op, line = x.op, x.line
        if op in _BOOLEANS:
            return self.boolean(x)
        left, right = self.expression(x.x), self.expression(x.y)
        if op in _EQUALITIES:
            if _plain(left) or _plain(right):
                return ast.Compare(left, [_EQUALITIES[op]], [right], lineno=line, col_offset=0)
            return _helper("." + op, [left, right], line)
        if op == "in":
            return _helper(".in", [left, right], line)
        if op == "not in":
            return ast.UnaryOp(_NOT, _helper(".in", [left, right], line), lineno=line, col_offset=0)
        return _helper("." + op, [left, right], line)

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
        names: list[ast.expr] = [_Constant(x.name)]
        line, inner = x.line, x.x
        while isinstance(inner, tree.Dot) and inner.line == line:
            names.append(_Constant(inner.name))
            inner = inner.x
        if len(names) == 1:
            return _helper(".attr", [self.expression(inner), *names], line)
        return _helper(".path", [self.expression(inner), *reversed(names)], line)

    def index(self, x: tree.Index) -> ast.expr:
        return _helper(".index", [self.expression(x.x), self.expression(x.key)], x.line)

    def slice(self, x: tree.Slice) -> ast.expr:
        parts = [_Constant(None) if part is None else self.expression(part) for part in (x.start, x.stop, x.step)]
        return _helper(".slice", [self.expression(x.x), *parts], x.line)

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
            called = _name(".invoke", line)
            positional[:0] = [self.expression(function.x), _Constant(function.name)]
        else:
            called = _name(".call", line)
            positional.insert(0, self.expression(function))
        node = _Call(called, positional)  # type: ignore[call-arg]
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
                pairs.append(ast.Tuple([_Constant(argument.name), value], _LOAD, lineno=line, col_offset=0))
            elif argument.kind:
                stars[argument.kind] = value
            else:
                positional.append(value)
        return _helper(
            ".direct" if direct else ".splat",
            [
                self.expression(x.function),
                ast.Tuple(positional, _LOAD, lineno=line, col_offset=0),
                ast.Tuple(pairs, _LOAD, lineno=line, col_offset=0),
                stars.get("*", _constant(())),
                stars.get("**", _Constant(None)),
                _Constant("**" in stars),
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
                items = _helper(".each", [items], clause.line)
            else:
                items = _helper(".each_unpacked", [items, _Constant(_shape(clause.target))], clause.line)
            generators.append(ast.comprehension(self.store(clause.target), items, [], 0))
        if isinstance(x.body, tree.Entry):
            key = _helper(".key", [self.expression(x.body.key)], x.body.line)
            return ast.DictComp(key, self.expression(x.body.value), generators, lineno=x.line, col_offset=0)
        return ast.ListComp(self.expression(x.body), generators, lineno=x.line, col_offset=0)


def _set(name: str, value: ast.expr, line: int) -> ast.stmt:
    return ast.Assign([ast.Name(name, _STORE, lineno=line, col_offset=0)], value, lineno=line, col_offset=0)


def _local(name: str) -> str:
    return "." + name if name in _UNBINDABLE else name


def _bound(name: tree.Name) -> str:
    return _local(name.name) if name.scope is LOCAL else PREFIXES[name.scope] + name.name


def _plain(x: ast.expr) -> bool:
    """A text or None as a constant: Python's == says of it what Starlark's does."""
    return isinstance(x, _Constant) and (x.value is None or isinstance(x.value, str))


def _shape(target: tree.Expression) -> Any:
    """How many values a target takes, and those of its parts: 2, or (2, (None, 3)). None where there are others than
    names in it."""
    assert isinstance(target, tree.TupleOf | tree.ListOf)  # noqa: S101 - the resolver refused others
    inner: list[Any] = []
    nested = False
    for item in target.items:
        if isinstance(item, tree.Name):
            inner.append(None)
        elif isinstance(item, tree.TupleOf | tree.ListOf):
            shape = _shape(item)
            if shape is None:
                return None
            inner.append(shape)
            nested = True
        else:
            return None
    return (len(inner), tuple(inner)) if nested else len(inner)


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
_EXPRESSIONS: Final[dict[type, Callable[[_Emitter, Any], ast.expr]]] = {
    tree.Name: _Emitter.name,
    tree.Literal: _Emitter.literal,
    tree.ListOf: _Emitter.list_of,
    tree.TupleOf: _Emitter.tuple_of,
    tree.DictOf: _Emitter.dict_of,
    tree.Unary: _Emitter.unary,
    tree.Binary: _Emitter.binary,
    tree.Conditional: _Emitter.conditional,
    tree.Dot: _Emitter.dot,
    tree.Index: _Emitter.index,
    tree.Slice: _Emitter.slice,
    tree.Call: _Emitter.call,
    tree.Lambda: _Emitter.lambda_,
    tree.Comprehension: _Emitter.comprehension,
}
