"""The scopes of a program's names: functions and comprehensions in each other, and the file around them."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from packhouse.template.ytt.spelling import nearest
from packhouse.template.ytt.starlark import tree
from packhouse.template.ytt.starlark.cursor import SyntaxMistake

# The scopes of a name.
LOCAL: Final = "local"
FILE: Final = "file"  # bound by load() at the top level: never exported
GLOBAL: Final = "global"
PREDECLARED: Final = "predeclared"
UNIVERSAL: Final = "universal"
UNDEFINED: Final = "undefined"


class Block:
    """A function, a comprehension, or the file (without a parent)."""

    __slots__ = ("bindings", "container", "is_function", "parent", "uses")

    def __init__(self, parent: Block | None, is_function: bool) -> None:
        self.parent = parent
        self.is_function = is_function
        self.bindings: dict[str, str] = {}
        self.uses: list[tuple[tree.Name, Block]] = []
        #: The function or file whose local names those of this block are.
        self.container: Block = self if is_function or parent is None else parent.container


class Scopes:
    """Where the resolver is, and what has been bound so far. `mistakes` has what was found, in the original's order."""

    def __init__(self, predeclared: Container[str], universal: Container[str]) -> None:
        self.predeclared = predeclared
        self.universal = universal
        self.file = Block(None, False)
        self.block = self.file
        self.containers: list[Block] = []  # finished ones, inner before outer
        self.globals: dict[str, None] = {}
        self.loops = 0
        self.mistakes: list[SyntaxMistake] = []

    def mistake(self, line: int, message: str) -> None:
        self.mistakes.append(SyntaxMistake(message, line))

    def use(self, name: tree.Name) -> None:
        if self.block is self.file:
            name.scope = self.top_level(name, self.block)
        else:
            self.block.container.uses.append((name, self.block))

    def lexical(self, name: tree.Name, block: Block) -> str:
        inner: Block | None = block
        while inner is not None and inner is not self.file:
            scope = inner.bindings.get(name.name)
            if scope is not None:
                return scope
            inner = inner.parent
        scope = self.top_level(name, block)
        if scope is UNDEFINED:  # said once in a function, and never again
            inner = block
            while inner is not None and inner is not self.file:
                inner.bindings[name.name] = UNDEFINED
                inner = inner.parent
        return scope

    def top_level(self, name: tree.Name, block: Block) -> str:
        word = name.name
        if word in self.file.bindings:
            return FILE
        if word in self.globals:
            return GLOBAL
        if word in self.predeclared:
            return PREDECLARED
        if word in self.universal:
            return UNIVERSAL
        known = set(self.globals)
        around: Block | None = block
        while around is not None:
            known.update(around.bindings)
            around = around.parent
        meant = nearest(word, sorted(known))
        self.mistake(name.line, f"undefined: {word}" + (f" (did you mean {meant}?)" if meant else ""))
        return UNDEFINED

    def bind(self, name: tree.Name) -> bool:
        """Whether the name was bound before in this block."""
        if self.block is not self.file:
            bound = name.name in self.block.bindings
            self.block.bindings[name.name] = LOCAL
            name.scope = LOCAL
            return bound
        if name.name in self.file.bindings:
            name.scope = FILE
            return True
        bound = name.name in self.globals
        self.globals[name.name] = None
        name.scope = GLOBAL
        return bound
