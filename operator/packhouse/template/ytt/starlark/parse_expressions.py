"""Expressions: recursive descent over the tokens, with the original's words where it stops."""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.cursor import Cursor, shown
from packhouse.template.ytt.starlark.tokens import (
    END_OF_FILE,
    FLOAT,
    IDENTIFIER,
    INT,
    NEWLINE,
    STRING,
)

_NOT: Final = 2
_COMPARISON: Final = 3
_LEVELS: Final[dict[str, int]] = {
    "or": 0,
    "and": 1,
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">=", "in", "not in"), _COMPARISON),
    "|": 4,
    "^": 5,
    "&": 6,
    "<<": 7,
    ">>": 7,
    "-": 8,
    "+": 8,
    "*": 9,
    "%": 9,
    "/": 9,
    "//": 9,
}
_LITERALS: Final = frozenset({STRING, INT, FLOAT})
_ENDS_LIST: Final = frozenset({END_OF_FILE, NEWLINE, "=", "}", "]", ")", ";"})


class ExpressionParser(Cursor):
    __slots__ = ()

    def expression(self, in_brackets: bool = False) -> tree.Expression:
        """One expression, or a tuple of them."""
        line = self.lines[self.at]
        x = self.test()
        if self.kind != ",":
            return x
        return tree.TupleOf(self.items([x], in_brackets), line)

    def items(self, items: list[tree.Expression], trailing_comma: bool) -> list[tree.Expression]:
        while self.kind == ",":
            line = self.take()
            if self.kind in _ENDS_LIST:
                if not trailing_comma:
                    self.refuse("unparenthesized tuple with trailing comma", line)
                break
            items.append(self.test())
        return items

    def test(self, condition: bool = True) -> tree.Expression:
        """A single expression; without `condition` no `x if y else z`."""
        if self.kind == "lambda":
            return self.function(condition)
        x = self.binary(0)
        if self.kind != "if" or not condition:
            return x
        line = self.take()
        asked = self.binary(0)
        if self.kind != "else":
            self.refuse("conditional expression without else clause", line)
        self.take()
        self.deeper()
        other = self.test()
        self.depth -= 1
        return tree.Conditional(asked, x, other, line)

    def function(self, condition: bool) -> tree.Lambda:
        line = self.take()
        parameters = self.parameters() if self.kind != ":" else []
        self.consume(":")
        self.deeper()
        body = self.test(condition)
        self.depth -= 1
        return tree.Lambda(parameters, body, line)

    def binary(self, least: int) -> tree.Expression:
        """Operators of level `least` and above."""
        if self.kind == "not" and least <= _NOT:
            line = self.take()
            self.deeper()
            x: tree.Expression = tree.Unary("not", self.binary(_NOT), line)
            self.depth -= 1
        else:
            x = self.primary()
        before = ""
        while True:
            op = self.kind
            if op == "not":
                self.take()
                if self.kind != "in":
                    self.refuse(f"got {shown(self.kind)}, want in")
                op = self.kind = "not in"
            level = _LEVELS.get(op, -1)
            if level < least:
                return x
            if level == _COMPARISON and before:
                self.refuse(f"{before} does not associate with {op} (use parens)")
            before = op if level == _COMPARISON else ""
            line = self.take()
            x = tree.Binary(op, x, self.binary(level + 1), line)

    def primary(self) -> tree.Expression:
        """What stands between operators, with its dots, brackets and calls."""
        kind = self.kind
        x: tree.Expression
        if kind == IDENTIFIER:
            x = tree.Name(self.values[self.at], self.take())
        elif kind in _LITERALS:
            x = tree.Literal(self.values[self.at], self.take())
        else:
            x = self.operand()
        while True:
            kind = self.kind
            if kind == ".":
                line = self.take()
                x = tree.Dot(x, self.identifier().name, line)
            elif kind == "(":
                line = self.take()
                arguments = self.arguments() if self.kind != ")" else []
                self.consume(")")
                x = tree.Call(x, arguments, line)
            elif kind == "[":
                x = self.subscript(x)
            else:
                return x

    def operand(self) -> tree.Expression:
        kind = self.kind
        x: tree.Expression
        self.deeper()
        if kind == "[":
            x = self.list_or_comprehension()
        elif kind == "{":
            x = self.dict_or_comprehension()
        elif kind == "(":
            x = self.parenthesized()
        elif kind in ("-", "+", "~"):
            line = self.take()
            x = tree.Unary(kind, self.primary(), line)
        else:
            self.refuse(f"got {shown(kind)}, want primary expression")
        self.depth -= 1
        return x

    def parenthesized(self) -> tree.Expression:
        line = self.take()
        if self.kind == ")":
            self.take()
            return tree.TupleOf([], line)
        x = self.expression(in_brackets=True)
        self.consume(")")
        return x

    def subscript(self, x: tree.Expression) -> tree.Expression:
        self.deeper()
        line = self.take()
        start = stop = step = None
        if self.kind != ":":
            key = self.expression()
            if self.kind == "]":
                self.take()
                self.depth -= 1
                return tree.Index(x, key, line)
            start = key
        if self.kind == ":":
            self.take()
            if self.kind not in (":", "]"):
                stop = self.test()
        if self.kind == ":":
            self.take()
            if self.kind != "]":
                step = self.test()
        self.consume("]")
        self.depth -= 1
        return tree.Slice(x, start, stop, step, line)

    def list_or_comprehension(self) -> tree.Expression:
        line = self.take()
        if self.kind == "]":
            self.take()
            return tree.ListOf([], line)
        x = self.test()
        if self.kind == "for":
            return tree.Comprehension(x, self.clauses("]"), line)
        items = self.items([x], trailing_comma=True)
        self.consume("]")
        return tree.ListOf(items, line)

    def dict_or_comprehension(self) -> tree.Expression:
        line = self.take()
        if self.kind == "}":
            self.take()
            return tree.DictOf([], line)
        entries = [self.entry()]
        if self.kind == "for":
            return tree.Comprehension(entries[0], self.clauses("}"), line)
        while self.kind == ",":
            self.take()
            if self.kind == "}":
                break
            entries.append(self.entry())
        self.consume("}")
        return tree.DictOf(entries, line)

    def entry(self) -> tree.Entry:
        key = self.test()
        line = self.consume(":")
        return tree.Entry(key, self.test(), line)

    def clauses(self, closing: str) -> list[tree.ForClause | tree.IfClause]:
        clauses: list[tree.ForClause | tree.IfClause] = []
        while self.kind != closing:
            if self.kind == "for":
                line = self.take()
                target = self.loop_target()
                self.consume("in")
                clauses.append(tree.ForClause(target, self.binary(0), line))
            elif self.kind == "if":
                self.take()
                clauses.append(tree.IfClause(self.test(condition=False)))
            else:
                self.refuse(f"got {shown(self.kind)}, want '{closing}', for, or if")
        self.take()
        return clauses

    def loop_target(self) -> tree.Expression:
        line = self.lines[self.at]
        target = self.primary()
        if self.kind != ",":
            return target
        targets = [target]
        while self.kind == ",":
            self.take()
            if self.kind in _ENDS_LIST:
                break
            targets.append(self.primary())
        return tree.TupleOf(targets, line)

    def parameters(self) -> list[tree.Parameter]:
        parameters: list[tree.Parameter] = []
        stars = False
        while self.kind not in (")", ":", END_OF_FILE):
            if parameters:
                self.consume(",")
            if self.kind == ")":
                if stars:
                    self.refuse(f"got {shown(self.kind)}, want parameter")
                break
            if self.kind in ("*", "**"):
                stars = True
                kind = self.kind
                line = self.take()
                name = self.identifier() if kind == "**" or self.kind == IDENTIFIER else None
                parameters.append(tree.Parameter(kind, name, None, line))
                continue
            name = self.identifier()
            default = None
            line = name.line
            if self.kind == "=":
                line = self.take()
                default = self.test()
            parameters.append(tree.Parameter("", name, default, line))
        return parameters

    def arguments(self) -> list[tree.Argument]:
        arguments: list[tree.Argument] = []
        stars = False
        self.deeper()
        while self.kind not in (")", END_OF_FILE):
            if arguments:
                self.consume(",")
            if self.kind == ")":
                if stars:
                    self.refuse(f"got {shown(self.kind)}, want argument")
                break
            line = self.lines[self.at]
            if self.kind in ("*", "**"):
                stars = True
                kind = self.kind
                self.take()
                arguments.append(tree.Argument(kind, "", self.test(), line))
            elif self.kind == IDENTIFIER and self.kinds[self.at + 1] == "=":
                name = self.identifier().name
                self.take()
                arguments.append(tree.Argument("=", name, self.test(), line))
            else:
                value = self.test()
                if self.kind == "=":
                    self.refuse("keyword argument must have form name=expr")
                arguments.append(tree.Argument("", "", value, line))
        self.depth -= 1
        return arguments
