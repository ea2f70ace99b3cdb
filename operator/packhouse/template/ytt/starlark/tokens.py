"""Code to tokens, with blocks that are opened by ":" at the end of a line and closed by `end`.

Reading stops at the first mistake, which becomes the last token: whoever gets there raises it, so that an earlier
mistake of syntax is told first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.instructions import PREFIX
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.literals import number, unquote
from packhouse.template.ytt.starlark.text import quote

# Kinds of tokens: a keyword or a sign is its own kind, the others are named as messages name them.
IDENTIFIER: Final = "identifier"
STRING: Final = "string literal"
INT: Final = "int literal"
FLOAT: Final = "float literal"
NEWLINE: Final = "newline"
INDENT: Final = "indent"
OUTDENT: Final = "outdent"
END_OF_FILE: Final = "end of file"
RESERVED: Final = "illegal token"
#: A whole line that calls an instruction with a number; its value is (name, number).
INSTRUCTION: Final = "instruction"
#: Its value is the message.
MISTAKE: Final = "mistake"

KEYWORDS: Final = frozenset(
    "and break continue def elif else for if in lambda load not or pass return while".split()  # noqa: SIM905 - a list
)
_KINDS_OF_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(
        "as class del except finally from global import is nonlocal raise try with yield".split(),  # noqa: SIM905
        RESERVED,
    ),
    **{word: word for word in KEYWORDS},
}

_MISMATCH: Final = "mismatched set of block openings (if/else/elif/for/def) and closing (end)"

_TOKEN: Final = re.compile(
    rf"""[ \t]*(?:
      {PREFIX}(?P<instruction>start_node|set_node)\((?P<tag>\d+)\)[ \t]*(?:\#[^\n]*)?(?=\n|\Z)
    | (?P<string>r?(?:\"\"\"(?:[^"\\]|\\.|\"(?!\"\"))*\"\"\" | '''(?:[^'\\]|\\.|'(?!''))*'''
                   | "(?!\"\")(?:[^"\\\n]|\\.)*" | '(?!'')(?:[^'\\\n]|\\.)*'))
    | (?P<word>[^\W\d]\w*)
    | (?P<newline>(?:\#[^\n]*)?\n)
    | (?P<number>0[xX][0-9a-fA-F]+ | 0[oO][0-7]+ | 0[bB][01]+
                 | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d*)?)
    | (?P<sign>\*\*|//=|<<=|>>=|//|<<|>>|[-+*/%&|^=<>!]=|[-+*/%&|^=<>~.,;:()\[\]{{}}])
    | (?P<continued>\\\n)
    | (?P<rest>(?:\#[^\n]*)?\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ELSE_OF_BLOCK: Final = re.compile(r"[ \t]*:")
_NEXT_LINE: Final = re.compile(r"[ \t]*(?:#[^\n]*)?\n")

_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")


class Tokens:
    """Four lists of the same length: kinds, values (of identifiers, literals, mistakes), the line where a token begins
    and the line that reading has come to after it; lines count from 1 in the code."""

    __slots__ = ("ends", "kinds", "lines", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.values: list[Any] = []
        self.lines: list[int] = []
        self.ends: list[int] = []


def joined(lines: Sequence[CodeLine]) -> str:
    """The code as one text. Indentation means nothing, except after a backslash at the end of a line."""
    texts = []
    continued = False
    for line in lines:
        text = line.text if continued else line.text.lstrip()
        continued = text.endswith("\\")
        texts.append(text)
    code = "\n".join(texts)
    return code.replace("\r\n", "\n").replace("\r", "\n") if "\r" in code else code


def tokenize(code: str) -> Tokens:
    """All tokens of `code`; the last is END_OF_FILE or MISTAKE."""
    reader = _Reader(code)
    reader.read()
    return reader.tokens


class _Reader:
    __slots__ = ("blocks", "code", "depth", "line", "position", "tokens")

    def __init__(self, code: str) -> None:
        self.code = code
        self.tokens = Tokens()
        self.position = 0
        self.line = 1
        self.depth = 0
        self.blocks: list[int] = []  # the lines where open blocks begin

    def read(self) -> None:
        code, match_at, add = self.code, _TOKEN.match, self.add
        while True:
            match = match_at(code, self.position)
            if match is None:
                self.unreadable()
                return
            self.position = match.end()
            group = match.lastgroup
            if group == "word":
                if not self.word(match["word"]):
                    return
            elif group == "sign":
                if not self.sign(match["sign"]):
                    return
            elif group == "newline":
                self.newline()
            elif group == "string":
                if not self.string(match["string"]):
                    return
            elif group == "number":
                if not self.number(match["number"]):
                    return
            elif group == "tag":
                if self.depth or not self.at_line_start():
                    self.position = match.start("instruction") - len(PREFIX)
                    self.instruction_word()
                else:
                    add(INSTRUCTION, (PREFIX + match["instruction"], int(match["tag"])))
            elif group == "continued":
                self.line += 1
            else:
                self.end()
                return

    def add(self, kind: str, value: Any = None) -> None:
        tokens = self.tokens
        tokens.kinds.append(kind)
        tokens.values.append(value)
        tokens.lines.append(self.line)
        tokens.ends.append(self.line)

    def mistake(self, message: str, line: int | None = None) -> bool:
        self.add(MISTAKE, message)
        self.tokens.lines[-1] = self.tokens.ends[-1] = self.line if line is None else line
        return False

    def at_line_start(self) -> bool:
        kinds = self.tokens.kinds
        return not kinds or kinds[-1] in (NEWLINE, INDENT, OUTDENT)

    def instruction_word(self) -> None:
        match = _WORD.match(self.code, self.position)
        assert match is not None  # noqa: S101 - an instruction begins with a word
        self.position = match.end()
        self.add(IDENTIFIER, match[0])

    def word(self, word: str) -> bool:
        kind = _KINDS_OF_WORDS.get(word)
        if kind is None:
            if word == "end":
                return self.close_block()
            self.add(IDENTIFIER, word)
        elif word == "pass":
            return self.mistake("use of reserved keyword 'pass' is not allowed")
        elif (word == "else" and _ELSE_OF_BLOCK.match(self.code, self.position)) or word == "elif":
            if not self.blocks:
                return self.mistake("unexpected end")
            self.blocks.pop()
            self.add(OUTDENT)
            self.add(kind, word)
        else:
            self.add(kind, word)
        return True

    def close_block(self) -> bool:
        """The line ends with `end`, as far as the parser is concerned."""
        line = self.line
        rest = _NEXT_LINE.match(self.code, self.position)
        if rest is not None and not self.depth:
            self.position = rest.end()
            self.line += 1
        if not self.blocks:
            return self.mistake("unexpected end")
        self.blocks.pop()
        self.add(OUTDENT)
        self.tokens.lines[-1] = line
        return True

    def sign(self, sign: str) -> bool:
        if sign in _OPENING:
            self.depth += 1
        elif sign in _CLOSING:
            if not self.depth:
                return self.mistake(f"unexpected '{sign}'")
            self.depth -= 1
        elif sign == "!":
            return self.mistake("unexpected input character '!'")
        self.add(sign)
        return True

    def newline(self) -> None:
        self.line += 1
        if self.depth or self.at_line_start():
            return  # inside of brackets, or an empty line
        tokens = self.tokens
        opens = tokens.kinds[-1] == ":"
        self.line -= 1
        self.add(NEWLINE)
        self.line += 1
        tokens.ends[-1] = self.line
        if opens:
            self.blocks.append(self.line - 1)
            self.add(INDENT)
            tokens.lines[-1] = self.line - 1

    def string(self, literal: str) -> bool:
        try:
            value = unquote(literal)
        except EvalError as wrong:
            return self.mistake(wrong.message)
        self.add(STRING, value)
        if "\n" in literal:
            self.line += literal.count("\n")
            self.tokens.ends[-1] = self.line
        return True

    def number(self, literal: str) -> bool:
        if literal == "0":
            base = _BASES.get(self.code[self.position : self.position + 1])
            if base:
                return self.mistake(f"invalid {base} literal")
        try:
            value = number(literal)
        except EvalError as wrong:
            return self.mistake(wrong.message)
        self.add(FLOAT if type(value) is float else INT, value)
        return True

    def end(self) -> None:
        if self.blocks:
            self.mistake(_MISMATCH, self.blocks[-1])
        else:
            self.add(END_OF_FILE)

    def unreadable(self) -> None:
        start = _BLANK.match(self.code, self.position)
        position = start.end() if start else self.position
        rest = self.code[position : position + 2]
        character = rest[0]
        if character == "r" or character in "\"'":
            self.mistake(_unclosed(self.code, position + (character == "r")))
        elif character == "\\":
            self.mistake("stray backslash in program")
        else:
            self.mistake(f"unexpected input character '{quote(character)[1:-1]}'")


_BASES: Final = {"x": "hex", "X": "hex", "o": "octal", "O": "octal", "b": "binary", "B": "binary"}
_WORD: Final = re.compile(r"\w+")
_BLANK: Final = re.compile(r"[ \t]*")


def _unclosed(code: str, position: int) -> str:
    quote = code[position]
    if code.startswith(quote * 3, position):
        return "unexpected EOF in string"
    line_end = code.find("\n", position)
    if line_end < 0 or code[line_end - 1] == "\\":
        return "unexpected EOF in string"
    return "unexpected newline in string"
