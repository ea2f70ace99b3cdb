"""Where a parser is in the tokens, and how it refuses what it finds there."""

from __future__ import annotations

from typing import Final, NoReturn

from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.tokens import IDENTIFIER, KEYWORDS, MISTAKE, RESERVED, Tokens

#: How deep brackets, lambdas and conditions may lie in each other.
_DEEPEST: Final = 60


class SyntaxMistake(Exception):
    """A message in the original's words, and the line of the code that it is about."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def shown(kind: str) -> str:
    """A kind of token in a message: signs are quoted."""
    return kind if kind[0].isalpha() else f"'{kind}'"


class Cursor:
    """At any time `kind` is the kind of the token at `at`, which has been read and not yet been taken."""

    __slots__ = ("at", "depth", "kind", "kinds", "lines", "makes_nodes", "tokens", "values")

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.values = tokens.values
        self.lines = tokens.lines
        self.at = 0
        self.kind = self.kinds[0]
        self.depth = 0
        self.makes_nodes = False

    def take(self) -> int:
        """The line of the token that is taken."""
        at = self.at
        self.at = at + 1
        self.kind = self.kinds[at + 1]  # the last token is never taken
        return self.lines[at]

    def consume(self, kind: str) -> int:
        if self.kind != kind:
            self.refuse(f"got {shown(self.kind)}, want {shown(kind)}")
        return self.take()

    def refuse(self, message: str, line: int | None = None) -> NoReturn:
        at = min(self.at, len(self.kinds) - 1)
        if self.kinds[at] == MISTAKE:
            raise SyntaxMistake(self.values[at], self.lines[at])
        raise SyntaxMistake(message, self.tokens.end(at) if line is None else line)

    def identifier(self) -> tree.Name:
        if self.kind != IDENTIFIER:
            if self.kind in KEYWORDS or self.kind == RESERVED:
                word = self.values[self.at]
                self.refuse(f"use of reserved keyword '{word}' is not allowed (expected identifier)")
            self.refuse("not an identifier")
        name = self.values[self.at]
        return tree.Name(name, self.take())

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse("expressions lie too deep in each other")
