"""Text with code in it, `(@ ... @)`, taken apart, and the instructions that put it together.

Both compilers use it: a file may be such a text, and a string of a YAML template may. Nothing is evaluated here.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from packhouse.template.ytt.compile.lines import Lines, own_code
from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark import instructions
from packhouse.template.ytt.words import SPACES

_MARK: Final = re.compile(r"\(@|@\)")


class Piece(NamedTuple):
    """A part of a text, and the line where it begins."""

    content: str
    line: int
    is_code: bool


def split(text: str, line: int) -> list[Piece]:
    """Text and code by turns, text first and last. `line` is that of the text's beginning. Raises YttError."""
    pieces: list[Piece] = []
    start, piece_line, in_code = 0, line, False
    for mark in _MARK.finditer(text):
        at = mark.start()
        opens = mark.group() == "(@"
        if opens and text.startswith(")", at + 2):  # the one "@" of "(@)" would have to open and to close
            raise _unexpected("closing '@)'", text, at + 2, line)
        if opens == in_code:
            raise _unexpected("opening '(@'" if opens else "closing '@)'", text, at + 1, line)
        pieces.append(Piece(text[start:at], piece_line, in_code))
        piece_line += text.count("\n", start, at)
        start, in_code = mark.end(), opens
    if in_code:
        raise YttError(f"Missing code closing '@)' at {_place(text, len(text), line)}")
    pieces.append(Piece(text[start:], piece_line, False))
    return _trimmed(pieces)


def write_text(pieces: list[Piece], source: Source, plan: Plan, lines: Lines) -> str:
    """Write the instructions of a text; what is returned is the expression that ends it and gives the whole text."""
    root = plan.add_text("", root=True)
    lines.add(f'{instructions.SET_CTX_TYPE}("text")')
    lines.add(f'{instructions.START_CTX}("text")')
    lines.add(f"{instructions.START_NODE}({root})")
    for piece in pieces:
        content = piece.content
        if not piece.is_code:
            lines.add(f"{instructions.START_NODE}({plan.add_text(content)})", source, piece.line, content)
        elif content.startswith(("=", "-=")):
            number = plan.add_text(None)
            lines.add(f"{instructions.START_NODE}({number})", source, piece.line, content)
            lines.add(f"{instructions.SET_NODE}({number}, ({_code(content)}))", source, piece.line, content)
        else:
            for offset, code in enumerate(_code(content).split("\n")):
                lines.add(code, source, piece.line + offset, code)
    return f"{instructions.END_CTX}()"


def _trimmed(pieces: list[Piece]) -> list[Piece]:
    """Code that begins or ends with "-" takes the white space away that is around it."""
    trimmed = list(pieces)
    for index in range(1, len(pieces), 2):
        code = pieces[index].content
        if code.startswith("-"):
            before = trimmed[index - 1]
            trimmed[index - 1] = before._replace(content=before.content.rstrip(SPACES))
        if code.endswith("-"):
            after = trimmed[index + 1]
            trimmed[index + 1] = after._replace(content=after.content.lstrip(SPACES))
    return trimmed


def _code(content: str) -> str:
    for mark in ("-=", "=", "-"):
        content = content.removeprefix(mark)
    return own_code(content.removesuffix("-"))


def _unexpected(what: str, text: str, at: int, line: int) -> YttError:
    return YttError(f"Unexpected code {what} at {_place(text, at, line)}")


def _place(text: str, at: int, line: int) -> str:
    begin = text.rfind("\n", 0, at) + 1
    return f"line {line + text.count(chr(10), 0, at)} col {at - begin + 1}"
