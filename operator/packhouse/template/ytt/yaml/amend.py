"""Texts that go-yaml takes and libyaml refuses, written in another way.

Called by read when libyaml refused a text, with its error; read then tries again. Two things are known: a ":" before a
comma or a bracket (`[::]`, `{a:}`), and `\\'` within double quotes. Only the place of the error is touched, and no line
break is added or removed, so that lines stay what they are.
"""

from __future__ import annotations

import re
from typing import Final

from yaml.scanner import ScannerError

#: A plain scalar within brackets, on one line, as go-yaml finds its end.
_IN_BRACKETS: Final = re.compile(r"(?:[^\s,?\[\]{}#:]|:(?!\s)|(?<=\S)#)(?:[^\n,?\[\]{}#:]|:(?!\s)|(?<=\S)#)*")
_DOUBLE_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)


def amended(text: str, error: ScannerError) -> str | None:
    """The text without what the error is about; None where the error stands."""
    if error.context_mark is None:
        return None
    start: int = error.context_mark.index
    if error.problem == "found unexpected ':'":
        scalar = _IN_BRACKETS.match(text, start)
        if scalar is None:
            return None
        value = scalar[0].rstrip()
        quoted = value.replace("'", "''")
        return f"{text[:start]}'{quoted}'{text[start + len(value) :]}"
    if error.problem == "found unknown escape character":
        scalar = _DOUBLE_QUOTED.match(text, start)
        if scalar is None or "\\'" not in scalar[0]:
            return None
        value = _ESCAPE.sub(lambda escape: "'" if escape[0] == "\\'" else escape[0], scalar[0])
        return f"{text[:start]}{value}{text[scalar.end() :]}" if value != scalar[0] else None
    return None
