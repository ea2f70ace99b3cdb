"""How a failure of a template is told: what happened, the hint that helps, the chain of calls with their lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.starlark.calls import WrongArguments
from packhouse.template.ytt.starlark.iteration import PlacedError
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.names import function_name, plain_name

_HINTS: Final = {
    "undefined: true": "use 'True' instead of 'true' for boolean assignment",
    "undefined: false": "use 'False' instead of 'false' for boolean assignment",
    "got newline, want ':'": "missing colon at the end of 'if/for/def' statement?",
    "undefined: null": "use 'None' instead of 'null' to indicate no value",
    "undefined: nil": "use 'None' instead of 'nil' to indicate no value",
    "undefined: none": "use 'None' instead of 'none' to indicate no value",
    "unhandled index operation struct[string]": "use getattr(...) to access struct field programmatically",
}
_OPERATOR_HINTS: Final = (
    (re.compile(r"unknown binary op: .+ \| .+"), "use 'or' instead of '|' for logical-or"),
    (re.compile(r"unknown binary op: .+ & .+"), "use 'and' instead of '&' for logical-and"),
)
#: Two signs in a row are what people know from other languages.
_DOUBLED: Final = {
    "got '&', want primary expression": ("&&", "use 'and' instead of '&&' for logical-and"),
    "got '|', want primary expression": ("||", "use 'or' instead of '||' for logical-or"),
}

#: Frames of Python that belong to the function around them.
_INNER: Final = frozenset({"<listcomp>", "<dictcomp>"})


class CodeText:
    """The lines of one program, for messages. `hidden`: its code is not the user's, and is not shown."""

    __slots__ = ("hidden", "lines", "name")

    def __init__(self, name: str, lines: Sequence[CodeLine], hidden: bool = False) -> None:
        self.name = name
        self.lines = lines
        self.hidden = hidden

    def place(self, number: int) -> list[str]:
        """What is shown of a line of code, which counts from 1."""
        if not 1 <= number <= len(self.lines):
            return []
        if self.hidden:
            return [f"{self.name}:{number} | (unavailable)"]
        line = self.lines[number - 1]
        if line.source is not None:
            return [line.prefixed]
        shown = [f"{self.name}:? | {line.text} (generated)"]
        before = self.nearest(number, -1)
        after = self.nearest(number, 1)
        return ([before.prefixed] if before else []) + shown + ([after.prefixed] if after else [])

    def nearest(self, number: int, step: int) -> CodeLine | None:
        number += step
        while 1 <= number <= len(self.lines):
            line = self.lines[number - 1]
            if line.source is not None:
                return line
            number += step
        return None


class Frame:
    """A function in the chain of calls ("" for a mistake that was found before anything ran) and its line."""

    __slots__ = ("function", "line", "text")

    def __init__(self, function: str, text: CodeText, line: int) -> None:
        self.function = function
        self.text = text
        self.line = line


def described(failures: Sequence[tuple[str, Sequence[Frame]]]) -> str:
    """The message for a user; it begins with an empty line, as the original's does. Frames are innermost first."""
    out = [""]
    for message, frames in failures:
        topic, *rest = message.split("\n")
        out.append(f"- {topic}{_hint(message, frames)}")
        for frame in frames:
            place = frame.text.place(frame.line)
            if not place:
                continue
            pad = "    "
            if frame.function:
                out.append(f"{pad}in {frame.function}")
                pad += "  "
            out += [pad + shown for shown in place]
        if rest:
            out += ["", "    reason:", *(f"     {line}" for line in rest)]
    return "\n".join(out)


def _hint(message: str, frames: Sequence[Frame]) -> str:
    hint = _HINTS.get(message, "")
    for pattern, words in _OPERATOR_HINTS:
        if pattern.fullmatch(message):
            hint = words
            break
    if message in _DOUBLED:
        sign, words = _DOUBLED[message]
        if any(sign in frame.text.lines[frame.line - 1].text for frame in frames if frame.line):
            hint = words
    return f" (hint: {hint})" if hint else ""


def told(message: str, frames: Sequence[Frame]) -> YttError:
    return YttError(described([(message, frames)]))


def frames_of(error: BaseException) -> list[Frame]:
    """The functions of templates that a failure passed, innermost first."""
    frames: list[Frame] = []
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        text = frame.f_globals.get(".text")
        if isinstance(text, CodeText):
            name = frame.f_code.co_name
            if name in _INNER and frames:
                frames[-1].line = traceback.tb_lineno
            else:
                frames.append(Frame(plain_name(name), text, traceback.tb_lineno))
        traceback = traceback.tb_next
    if isinstance(error, PlacedError) and frames:
        frames[-1].line = error.line
    if isinstance(error, WrongArguments):
        function = error.function
        text = function.__globals__.get(".text")
        if isinstance(text, CodeText):
            frames.append(Frame(function_name(function), text, function.__code__.co_firstlineno))
    return frames[::-1]
