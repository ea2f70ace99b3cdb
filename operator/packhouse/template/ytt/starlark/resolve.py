"""What each name of a program means, and what is wrong with it before it runs.

At the top level a name means what has been bound above it; in functions and comprehensions, what is bound anywhere, for
they are looked at when the whole program is known. Python's own scopes do the rest at run time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.scopes import FILE, Block, Scopes

_MOST_ARGUMENTS: Final = 255


class Resolver(Scopes):
    """Sets the scope of every name of a program."""

    def program(self, statements: list[tree.Statement]) -> None:
        self.statements(statements)
        self.containers.append(self.file)
        for container in self.containers:
            for name, block in container.uses:
                name.scope = self.lexical(name, block)

    # statements

    def statements(self, statements: list[tree.Statement]) -> None:
        for statement in statements:
            _STATEMENTS[type(statement)](self, statement)

    def if_(self, statement: tree.If) -> None:
        self.expression(statement.condition)
        self.statements(statement.yes)
        self.statements(statement.no)

    def assignment(self, statement: tree.Assign) -> None:
        self.expression(statement.value)
        self.assign(statement.target, statement.op != "=")

    def for_(self, statement: tree.For) -> None:
        self.expression(statement.x)
        self.assign(statement.target, False)
        self.loop(statement.body)

    def while_(self, statement: tree.While) -> None:
        self.expression(statement.condition)
        self.loop(statement.body)

    def def_(self, statement: tree.Def) -> None:
        self.bind(statement.name)
        self.function(statement.parameters, statement.body)

    def branch(self, statement: tree.Branch) -> None:
        if not self.loops:
            self.mistake(statement.line, f"{statement.kind} not in a loop")

    def return_(self, statement: tree.Return) -> None:
        if self.block.container is self.file:
            self.mistake(statement.line, "return statement not within a function")
        if statement.value is not None:
            self.expression(statement.value)

    def load(self, statement: tree.Load) -> None:
        if self.block.container is not self.file:
            self.mistake(statement.line, "load statement within a function")
        for name, original in statement.names:
            if not original:
                self.mistake(name.line, "load: empty identifier")
                continue
            if original[0] == "_":
                self.mistake(name.line, f"load: names with leading underscores are not exported: {original}")
            self.block.bindings[name.name] = FILE
            name.scope = FILE

    def loop(self, body: list[tree.Statement]) -> None:
        self.loops += 1
        self.statements(body)
        self.loops -= 1

    def assign(self, target: tree.Expression, augmented: bool) -> None:
        if isinstance(target, tree.Name):
            self.bind(target)
        elif isinstance(target, tree.Index | tree.Dot):
            self.expression(target)
        elif isinstance(target, tree.TupleOf | tree.ListOf):
            brackets, word = ("()", "tuple") if isinstance(target, tree.TupleOf) else ("[]", "list")
            if not target.items:
                self.mistake(target.line, f"can't assign to {brackets}")
            if augmented:
                self.mistake(target.line, f"can't use {word} expression in augmented assignment")
            for item in target.items:
                self.assign(item, augmented)
        else:
            self.mistake(first_line(target), f"can't assign to {_KINDS[type(target)]}")

    # functions and expressions

    def function(self, parameters: list[tree.Parameter], body: list[tree.Statement] | tree.Expression) -> None:
        for parameter in parameters:
            if parameter.default is not None:
                self.expression(parameter.default)
        outer, loops = self.block, self.loops
        self.block = Block(outer, True)
        self.loops = 0
        self.bind_parameters(parameters)
        if isinstance(body, list):
            self.statements(body)
        else:
            self.expression(body)
        self.containers.append(self.block)
        self.block, self.loops = outer, loops

    def bind_parameters(self, parameters: list[tree.Parameter]) -> None:
        optional = False
        star = stars = None
        only_by_name = 0
        for parameter in parameters:
            name, line = parameter.name, parameter.line
            if parameter.kind == "*":
                if stars is not None:
                    self.mistake(line, f"* parameter may not follow **{stars.name}")
                elif star is not None:
                    self.mistake(line, "multiple * parameters not allowed")
                else:
                    star = parameter
                continue
            if parameter.kind == "**":
                if stars is not None:
                    self.mistake(line, "multiple ** parameters not allowed")
                stars = name
                continue
            if stars is not None:
                word = "required" if parameter.default is None else "optional"
                self.mistake(line, f"{word} parameter may not follow **{stars.name}")
            elif star is not None:
                only_by_name += 1
            elif optional and parameter.default is None:
                self.mistake(line, "required parameter may not follow optional")
            optional = optional or parameter.default is not None
            self.bind_parameter(name, line)
        if star is not None and star.name is not None:
            self.bind_parameter(star.name, star.name.line)
        elif star is not None and not only_by_name:
            self.mistake(star.line, "bare * must be followed by keyword-only parameters")
        if stars is not None:
            self.bind_parameter(stars, stars.line)

    def bind_parameter(self, name: tree.Name | None, line: int) -> None:
        if name is not None and self.bind(name):
            self.mistake(line, f"duplicate parameter: {name.name}")

    def expression(self, x: tree.Expression) -> None:
        _EXPRESSIONS[type(x)](self, x)

    def literal(self, x: tree.Literal) -> None:
        """Nothing to find out."""

    def of_one(self, x: tree.Dot | tree.Unary) -> None:
        self.expression(x.x)

    def binary(self, x: tree.Binary) -> None:
        self.expression(x.x)
        self.expression(x.y)

    def index(self, x: tree.Index) -> None:
        self.expression(x.x)
        self.expression(x.key)

    def items(self, x: tree.ListOf | tree.TupleOf) -> None:
        for item in x.items:
            self.expression(item)

    def dict_(self, x: tree.DictOf) -> None:
        for entry in x.entries:
            self.expression(entry.key)
            self.expression(entry.value)

    def conditional(self, x: tree.Conditional) -> None:
        self.expression(x.condition)
        self.expression(x.yes)
        self.expression(x.no)

    def slice(self, x: tree.Slice) -> None:
        for part in (x.x, x.start, x.stop, x.step):
            if part is not None:
                self.expression(part)

    def lambda_(self, x: tree.Lambda) -> None:
        self.function(x.parameters, x.body)

    def call(self, x: tree.Call) -> None:
        self.expression(x.function)
        if x.arguments:
            self.arguments(x)

    def comprehension(self, x: tree.Comprehension) -> None:
        first = x.clauses[0]
        assert isinstance(first, tree.ForClause)  # noqa: S101 - the parser made it so
        self.expression(first.x)
        outer, self.block = self.block, Block(self.block, False)
        self.assign(first.target, False)
        for clause in x.clauses[1:]:
            if isinstance(clause, tree.ForClause):
                self.assign(clause.target, False)
                self.expression(clause.x)
            else:
                self.expression(clause.condition)
        if isinstance(x.body, tree.Entry):
            self.expression(x.body.key)
            self.expression(x.body.value)
        else:
            self.expression(x.body)
        self.block = outer

    def arguments(self, call: tree.Call) -> None:
        star = stars = False
        names: set[str] = set()
        by_position = by_name = 0
        for argument in call.arguments:
            kind, line = argument.kind, argument.line
            if kind == "**":
                if stars:
                    self.mistake(line, "multiple **kwargs not allowed")
                stars = True
            elif kind == "*":
                if stars:
                    self.mistake(line, "*args may not follow **kwargs")
                elif star:
                    self.mistake(line, "multiple *args not allowed")
                star = True
            elif kind == "=":
                by_name += 1
                if stars:
                    self.mistake(line, "argument may not follow **kwargs")
                if argument.name in names:
                    self.mistake(line, f"keyword argument {argument.name} repeated")
                names.add(argument.name)
            else:
                by_position += 1
                if star:
                    self.mistake(line, "argument may not follow *args")
                elif stars:
                    self.mistake(line, "argument may not follow **kwargs")
                elif names:
                    self.mistake(line, "positional argument may not follow named")
            self.expression(argument.value)
        for number, word in ((by_position, "positional"), (by_name, "keyword")):
            if number > _MOST_ARGUMENTS:
                self.mistake(first_line(call), f"{number} {word} arguments in call, limit is {_MOST_ARGUMENTS}")


_STATEMENTS: Final[dict[type, Callable[[Resolver, Any], None]]] = {
    tree.ExpressionStatement: Resolver.of_one,
    tree.Assign: Resolver.assignment,
    tree.If: Resolver.if_,
    tree.For: Resolver.for_,
    tree.While: Resolver.while_,
    tree.Def: Resolver.def_,
    tree.Branch: Resolver.branch,
    tree.Return: Resolver.return_,
    tree.Load: Resolver.load,
}
_EXPRESSIONS: Final[dict[type, Callable[[Resolver, Any], None]]] = {
    tree.Name: Resolver.use,
    tree.Literal: Resolver.literal,
    tree.Call: Resolver.call,
    tree.Dot: Resolver.of_one,
    tree.Unary: Resolver.of_one,
    tree.Binary: Resolver.binary,
    tree.Index: Resolver.index,
    tree.ListOf: Resolver.items,
    tree.TupleOf: Resolver.items,
    tree.DictOf: Resolver.dict_,
    tree.Conditional: Resolver.conditional,
    tree.Slice: Resolver.slice,
    tree.Lambda: Resolver.lambda_,
    tree.Comprehension: Resolver.comprehension,
}
_KINDS: Final[dict[type, str]] = {
    tree.Literal: "literal",
    tree.DictOf: "dictexpr",
    tree.Unary: "unaryexpr",
    tree.Binary: "binaryexpr",
    tree.Conditional: "condexpr",
    tree.Slice: "sliceexpr",
    tree.Call: "callexpr",
    tree.Lambda: "lambdaexpr",
    tree.Comprehension: "comprehension",
}


def first_line(x: tree.Expression) -> int:
    """Where an expression begins."""
    while True:
        if isinstance(x, tree.Call):
            x = x.function
        elif isinstance(x, tree.Binary | tree.Dot | tree.Index | tree.Slice):
            x = x.x
        elif isinstance(x, tree.Conditional):
            x = x.yes
        else:
            return x.line
