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
from packhouse.template.ytt.words import quote

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
_SPECIAL_WORDS: Final[dict[str, str]] = {
    "end": "end",
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
    | (?P<wrong>!)
    | (?P<continued>\\\n)
    | (?P<rest>(?:\#[^\n]*)?\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ELSE_OF_BLOCK: Final = re.compile(r"[ \t]*:")
_NEXT_LINE: Final = re.compile(r"[ \t]*(?:#[^\n]*)?\n")

_OPENING: Final = frozenset("([{")
_BRACKETS: Final = frozenset("([{)]}")

_WORD_GROUP: Final = _TOKEN.groupindex["word"]
_SIGN_GROUP: Final = _TOKEN.groupindex["sign"]


class Tokens:
    """Three lists of the same length: kinds, values (of words, literals, mistakes), and the line where a token begins,
    which counts from 1 in the code. `ends` has the line that reading has come to after it, by the number of the token,
    where that is another one."""

    __slots__ = ("ends", "kinds", "lines", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.values: list[Any] = []
        self.lines: list[int] = []
        self.ends: dict[int, int] = {}

    def end(self, number: int) -> int:
        return self.ends.get(number, self.lines[number])


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
        """Words and signs are most of all code, and are taken here; what is more to them has a function."""
        code, match_at = self.code, _TOKEN.match
        add_kind, add_value, add_line = self.tokens.kinds.append, self.tokens.values.append, self.tokens.lines.append
        going_on = True
        while going_on:
            match = match_at(code, self.position)
            if match is None:
                self.unreadable()
                return
            self.position = match.end()
            group = match.lastindex
            if group == _WORD_GROUP:
                word = match[_WORD_GROUP]
                if word in _SPECIAL_WORDS:
                    going_on = self.word(word)
                    continue
                add_kind(IDENTIFIER)
                add_value(word)
                add_line(self.line)
            elif group == _SIGN_GROUP:
                sign = match[_SIGN_GROUP]
                if sign in _BRACKETS and not self.bracket(sign):
                    return
                add_kind(sign)
                add_value(None)
                add_line(self.line)
            else:
                going_on = self.rare(match)

    def rare(self, match: re.Match[str]) -> bool:
        group = match.lastgroup
        if group == "newline":
            self.newline()
        elif group == "string":
            return self.string(match["string"])
        elif group == "number":
            return self.number(match["number"])
        elif group == "tag":
            self.instruction(match)
        elif group == "continued":
            self.line += 1
        elif group == "wrong":
            return self.mistake("unexpected input character '!'")
        else:
            self.end()
            return False
        return True

    def instruction(self, match: re.Match[str]) -> None:
        if not self.depth and self.at_line_start():
            self.add(INSTRUCTION, (PREFIX + match["instruction"], int(match["tag"])))
        else:  # it is no whole line: read it word by word
            self.position = match.end("instruction")
            self.add(IDENTIFIER, PREFIX + match["instruction"])

    def add(self, kind: str, value: Any = None) -> None:
        tokens = self.tokens
        tokens.kinds.append(kind)
        tokens.values.append(value)
        tokens.lines.append(self.line)

    def ends_at(self, line: int) -> None:
        """The last token ends in another line than it began."""
        self.tokens.ends[len(self.tokens.kinds) - 1] = line

    def mistake(self, message: str, line: int | None = None) -> bool:
        self.add(MISTAKE, message)
        self.tokens.lines[-1] = self.line if line is None else line
        return False

    def at_line_start(self) -> bool:
        kinds = self.tokens.kinds
        return not kinds or kinds[-1] in (NEWLINE, INDENT, OUTDENT)

    def word(self, word: str) -> bool:
        if word == "end":
            return self.close_block()
        if word == "pass":
            return self.mistake("use of reserved keyword 'pass' is not allowed")
        if word == "elif" or (word == "else" and _ELSE_OF_BLOCK.match(self.code, self.position)):
            if not self.blocks:
                return self.mistake("unexpected end")
            self.blocks.pop()
            self.add(OUTDENT)
        self.add(_SPECIAL_WORDS[word], word)
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
        self.ends_at(self.line)
        return True

    def bracket(self, sign: str) -> bool:
        if sign in _OPENING:
            self.depth += 1
        elif self.depth:
            self.depth -= 1
        else:
            return self.mistake(f"unexpected '{sign}'")
        return True

    def newline(self) -> None:
        if self.depth or self.at_line_start():
            self.line += 1  # inside of brackets, or an empty line
            return
        opens = self.tokens.kinds[-1] == ":"
        self.add(NEWLINE)
        self.ends_at(self.line + 1)
        if opens:
            self.blocks.append(self.line)
            self.add(INDENT)
            self.ends_at(self.line + 1)
        self.line += 1

    def string(self, literal: str) -> bool:
        try:
            value = unquote(literal)
        except EvalError as wrong:
            return self.mistake(wrong.message)
        self.add(STRING, value)
        if "\n" in literal:
            self.line += literal.count("\n")
            self.ends_at(self.line)
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
_BLANK: Final = re.compile(r"[ \t]*")


def _unclosed(code: str, position: int) -> str:
    quote = code[position]
    if code.startswith(quote * 3, position):
        return "unexpected EOF in string"
    line_end = code.find("\n", position)
    if line_end < 0 or code[line_end - 1] == "\\":
        return "unexpected EOF in string"
    return "unexpected newline in string"
