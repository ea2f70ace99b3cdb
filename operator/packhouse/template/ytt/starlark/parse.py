"""Statements: from tokens to the tree of a program."""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.cursor import shown
from packhouse.template.ytt.starlark.instructions import MAKE_NODES
from packhouse.template.ytt.starlark.parse_expressions import ExpressionParser
from packhouse.template.ytt.starlark.tokens import (
    END_OF_FILE,
    IDENTIFIER,
    INDENT,
    INSTRUCTION,
    NEWLINE,
    OUTDENT,
    STRING,
    Tokens,
)

_ASSIGNMENTS: Final = frozenset({"=", "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", "<<=", ">>="})

#: How deep blocks may lie in each other.
_DEEPEST_BLOCK: Final = 60


def parse(tokens: Tokens) -> list[tree.Statement]:
    """The statements of a program. Raises SyntaxMistake."""
    return _StatementParser(tokens).program()


class _StatementParser(ExpressionParser):
    __slots__ = ("blocks",)

    def __init__(self, tokens: Tokens) -> None:
        super().__init__(tokens)
        self.blocks = 0

    def program(self) -> list[tree.Statement]:
        statements: list[tree.Statement] = []
        while self.kind != END_OF_FILE:
            if self.kind == NEWLINE:
                self.take()
            else:
                self.statement(statements)
        return statements

    def statement(self, statements: list[tree.Statement]) -> None:
        kind = self.kind
        if kind == INSTRUCTION:
            statements.append(self.instruction())
        elif kind == "if":
            statements.append(self.condition())
        elif kind == "for":
            line = self.take()
            target = self.loop_target()
            self.consume("in")
            x = self.expression()
            self.consume(":")
            statements.append(tree.For(target, x, self.suite(), line))
        elif kind == "def":
            statements.append(self.definition())
        elif kind == "while":
            line = self.take()
            asked = self.test()
            self.consume(":")
            statements.append(tree.While(asked, self.suite(), line))
        else:
            self.simple(statements)

    def instruction(self) -> tree.Statement:
        """A whole line that calls an instruction with a number."""
        name, tag = self.values[self.at]
        self.makes_nodes = True
        line = self.take()
        if self.kind == NEWLINE:
            self.take()
        call = tree.Call(tree.Name(name, line), [tree.Argument("", "", tree.Literal(tag, line), line)], line)
        return tree.ExpressionStatement(call)

    def suite(self) -> list[tree.Statement]:
        """What follows a colon: the rest of the line, or lines up to `end`."""
        statements: list[tree.Statement] = []
        if self.kind != NEWLINE:
            self.simple(statements)
            return statements
        self.blocks += 1
        if self.blocks > _DEEPEST_BLOCK:
            self.refuse("blocks lie too deep in each other")
        self.take()
        self.consume(INDENT)
        while self.kind not in (OUTDENT, END_OF_FILE):
            self.statement(statements)
        self.consume(OUTDENT)
        self.blocks -= 1
        return statements

    def condition(self) -> tree.Statement:
        line = self.take()
        asked = self.test()
        self.consume(":")
        first = last = tree.If(asked, self.suite(), [], line)
        while self.kind == "elif":
            line = self.take()
            asked = self.test()
            self.consume(":")
            following = tree.If(asked, self.suite(), [], line)
            last.no = [following]
            last = following
        if self.kind == "else":
            self.take()
            self.consume(":")
            last.no = self.suite()
        return first

    def definition(self) -> tree.Statement:
        line = self.take()
        name = self.identifier()
        self.consume("(")
        parameters = self.parameters()
        self.consume(")")
        self.consume(":")
        outer, self.makes_nodes = self.makes_nodes, False
        body = self.suite()
        made, self.makes_nodes = self.makes_nodes, outer
        return tree.Def(name, parameters, body, line, made)

    def simple(self, statements: list[tree.Statement]) -> None:
        while True:
            statements.append(self.small())
            if self.kind != ";":
                break
            self.take()
            if self.kind in (NEWLINE, END_OF_FILE):
                break
        if self.kind != END_OF_FILE:
            self.consume(NEWLINE)

    def small(self) -> tree.Statement:
        kind = self.kind
        if kind == "return":
            line = self.take()
            value = self.expression() if self.kind not in (END_OF_FILE, NEWLINE, ";") else None
            return tree.Return(value, line)
        if kind in ("break", "continue"):
            return tree.Branch(kind, self.take())
        if kind == "load":
            return self.load()
        x = self.expression()
        if self.kind in _ASSIGNMENTS:
            op = self.kind
            line = self.take()
            return tree.Assign(op, x, self.expression(), line)
        if type(x) is tree.Call and type(x.function) is tree.Name and x.function.name in MAKE_NODES:
            self.makes_nodes = True
        return tree.ExpressionStatement(x)

    def load(self) -> tree.Statement:
        line = self.take()
        opening = self.consume("(")
        if self.kind != STRING:
            self.refuse("first operand of load statement must be a string literal")
        module = self.values[self.at]
        self.take()
        names: list[tuple[tree.Name, str]] = []
        while self.kind not in (")", END_OF_FILE):
            self.consume(",")
            if self.kind == ")":
                break
            names.append(self.loaded())
        self.consume(")")
        if not names:
            self.refuse("load statement must import at least 1 symbol", opening)
        return tree.Load(module, names, line)

    def loaded(self) -> tuple[tree.Name, str]:
        if self.kind == STRING:
            original = self.values[self.at]
            return tree.Name(original, self.take()), original
        if self.kind != IDENTIFIER:
            self.refuse(f'load operand must be "name" or localname="name" (got {shown(self.kind)})')
        name = self.identifier()
        if self.kind != "=":
            self.refuse(
                f'load operand must be "{name.name}" or {name.name}="originalname" (want \'=\' after {name.name})'
            )
        self.take()
        if self.kind != STRING:
            self.refuse(f'original name of loaded symbol must be quoted: {name.name}="originalname"')
        original = self.values[self.at]
        self.take()
        return name, original
