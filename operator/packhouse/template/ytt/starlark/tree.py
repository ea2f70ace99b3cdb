"""The syntax tree of a program. Lines are those of the code, where an error of that node is reported."""

from __future__ import annotations

from typing import Any, TypeAlias


class Name:
    """`scope` is set when names are resolved; see resolve."""

    __slots__ = ("line", "name", "scope")

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.scope = ""


class Literal:
    __slots__ = ("line", "value")

    def __init__(self, value: Any, line: int) -> None:
        self.value = value
        self.line = line


class ListOf:
    __slots__ = ("items", "line")

    def __init__(self, items: list[Expression], line: int) -> None:
        self.items = items
        self.line = line


class TupleOf:
    __slots__ = ("items", "line")

    def __init__(self, items: list[Expression], line: int) -> None:
        self.items = items
        self.line = line


class Entry:
    """`line` is that of the colon."""

    __slots__ = ("key", "line", "value")

    def __init__(self, key: Expression, value: Expression, line: int) -> None:
        self.key = key
        self.value = value
        self.line = line


class DictOf:
    __slots__ = ("entries", "line")

    def __init__(self, entries: list[Entry], line: int) -> None:
        self.entries = entries
        self.line = line


class Unary:
    __slots__ = ("line", "op", "x")

    def __init__(self, op: str, x: Expression, line: int) -> None:
        self.op = op
        self.x = x
        self.line = line


class Binary:
    """Also `and`, `or`, `in`, `not in` and comparisons."""

    __slots__ = ("line", "op", "x", "y")

    def __init__(self, op: str, x: Expression, y: Expression, line: int) -> None:
        self.op = op
        self.x = x
        self.y = y
        self.line = line


class Conditional:
    __slots__ = ("condition", "line", "no", "yes")

    def __init__(self, condition: Expression, yes: Expression, no: Expression, line: int) -> None:
        self.condition = condition
        self.yes = yes
        self.no = no
        self.line = line


class Dot:
    __slots__ = ("line", "name", "x")

    def __init__(self, x: Expression, name: str, line: int) -> None:
        self.x = x
        self.name = name
        self.line = line


class Index:
    __slots__ = ("key", "line", "x")

    def __init__(self, x: Expression, key: Expression, line: int) -> None:
        self.x = x
        self.key = key
        self.line = line


class Slice:
    __slots__ = ("line", "start", "step", "stop", "x")

    def __init__(
        self, x: Expression, start: Expression | None, stop: Expression | None, step: Expression | None, line: int
    ) -> None:
        self.x = x
        self.start = start
        self.stop = stop
        self.step = step
        self.line = line


class Argument:
    """`kind` is "" (by position), "=" (by name), "*" or "**"."""

    __slots__ = ("kind", "line", "name", "value")

    def __init__(self, kind: str, name: str, value: Expression, line: int) -> None:
        self.kind = kind
        self.name = name
        self.value = value
        self.line = line


class Call:
    __slots__ = ("arguments", "function", "line")

    def __init__(self, function: Expression, arguments: list[Argument], line: int) -> None:
        self.function = function
        self.arguments = arguments
        self.line = line


class Parameter:
    """`kind` is "", "*" or "**"; a bare "*" has no name."""

    __slots__ = ("default", "kind", "line", "name")

    def __init__(self, kind: str, name: Name | None, default: Expression | None, line: int) -> None:
        self.kind = kind
        self.name = name
        self.default = default
        self.line = line


class Lambda:
    __slots__ = ("body", "line", "parameters")

    def __init__(self, parameters: list[Parameter], body: Expression, line: int) -> None:
        self.parameters = parameters
        self.body = body
        self.line = line


class ForClause:
    __slots__ = ("line", "target", "x")

    def __init__(self, target: Expression, x: Expression, line: int) -> None:
        self.target = target
        self.x = x
        self.line = line


class IfClause:
    __slots__ = ("condition",)

    def __init__(self, condition: Expression) -> None:
        self.condition = condition


class Comprehension:
    """Of a list, or of a dict where the body is an Entry. The first clause is a ForClause."""

    __slots__ = ("body", "clauses", "line")

    def __init__(self, body: Expression | Entry, clauses: list[ForClause | IfClause], line: int) -> None:
        self.body = body
        self.clauses = clauses
        self.line = line


Expression: TypeAlias = (
    Name
    | Literal
    | ListOf
    | TupleOf
    | DictOf
    | Unary
    | Binary
    | Conditional
    | Dot
    | Index
    | Slice
    | Call
    | Lambda
    | Comprehension
)


class ExpressionStatement:
    __slots__ = ("x",)

    def __init__(self, x: Expression) -> None:
        self.x = x


class Assign:
    """`op` is "=", "+=" and so on."""

    __slots__ = ("line", "op", "target", "value")

    def __init__(self, op: str, target: Expression, value: Expression, line: int) -> None:
        self.op = op
        self.target = target
        self.value = value
        self.line = line


class If:
    __slots__ = ("condition", "line", "no", "yes")

    def __init__(self, condition: Expression, yes: list[Statement], no: list[Statement], line: int) -> None:
        self.condition = condition
        self.yes = yes
        self.no = no
        self.line = line


class For:
    __slots__ = ("body", "line", "target", "x")

    def __init__(self, target: Expression, x: Expression, body: list[Statement], line: int) -> None:
        self.target = target
        self.x = x
        self.body = body
        self.line = line


class While:
    __slots__ = ("body", "condition", "line")

    def __init__(self, condition: Expression, body: list[Statement], line: int) -> None:
        self.condition = condition
        self.body = body
        self.line = line


class Def:
    """`makes_nodes`: there is YAML in its body."""

    __slots__ = ("body", "line", "makes_nodes", "name", "parameters")

    def __init__(
        self, name: Name, parameters: list[Parameter], body: list[Statement], line: int, makes_nodes: bool
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.body = body
        self.line = line
        self.makes_nodes = makes_nodes


class Return:
    __slots__ = ("line", "value")

    def __init__(self, value: Expression | None, line: int) -> None:
        self.value = value
        self.line = line


class Branch:
    """`break` or `continue`."""

    __slots__ = ("kind", "line")

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line


class Load:
    """`names` holds what is bound here, and the name that the module has for it."""

    __slots__ = ("line", "module", "names")

    def __init__(self, module: str, names: list[tuple[Name, str]], line: int) -> None:
        self.module = module
        self.names = names
        self.line = line


Statement: TypeAlias = ExpressionStatement | Assign | If | For | While | Def | Return | Branch | Load
