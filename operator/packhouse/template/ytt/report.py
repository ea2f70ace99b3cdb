"""Errors as they are printed: in the form that users of the original know, and without what stands in Secrets.

Pure. The command prints them, the template step puts them into a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import yaml

#: Where the first line of a message is broken: before a sentence that tells more.
_NEXT: Final = re.compile(r": (?=[A-Z])")
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_BRACKET: Final = re.compile(r"[()\[\]{}]")
#: A line of a file in a message: a number or a place, a bar, the text.
_QUOTED: Final = re.compile(r"^(.*?\|)([ \t]+)(\S.*)$")
#: What a line of a Secret may show of itself: a key alone, the start of a document, an instruction to overlays.
_HARMLESS: Final = re.compile(r"-{3}|[-\w./ \"']+:|#@(?:overlay|data|schema|library)/[^\"']*")
NOT_SHOWN: Final = "(a line of a Secret)"
NO_VALUE: Final = "(a value)"
#: A shorter value tells nothing by itself, and stands in many words.
_TELLING: Final = 4
#: Words of the messages themselves.
_OWN_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "array boolean data dict error expected fail false float found function integer integers line list must name "
        "none null number reason schema string struct true value values yaml",
    )
)
_CODE: Final = re.compile(r"^[ \t]*#@(.*)$", re.MULTILINE)
_WORDS: Final = re.compile(r"[^\s'\":,\[\]{}]+")
_SPELLED: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'")


def as_printed(message: str) -> str:
    """The message after "ytt: Error: ", its first line broken into sentences, each indented under the one before."""
    first, newline, rest = message.partition("\n")
    return f"ytt: Error: {_in_lines(first)}{newline}{rest}"


def _in_lines(line: str) -> str:
    """Sentences inside brackets stay where they are."""
    depths = [0] * (len(line) + 1)
    opened: list[str] = []
    last = 0
    for bracket in _BRACKET.finditer(line):
        depths[last : bracket.start()] = [len(opened)] * (bracket.start() - last)
        last = bracket.start()
        if bracket[0] not in _BRACKETS:
            opened.append(bracket[0])
        elif opened:
            opened.pop()
    depths[last:] = [len(opened)] * (len(depths) - last)
    broken, begin, indent = [], 0, ""
    for found in _NEXT.finditer(line):
        if depths[found.start()] == 0:
            broken.append(f"{indent}{line[begin : found.start()]}:")
            begin, indent = found.end(), f"{indent}  "
    return "\n".join([*broken, f"{indent}{line[begin:]}"])


def without_secrets(message: str, secrets: Sequence[str], is_public: Callable[[str], bool]) -> str:
    """The message without what stands in these texts alone: no line of them, and none of their values.

    A value that `is_public` knows from elsewhere (the files of the package) may be said. Keys may be said too.
    """
    hidden = {line.strip() for text in secrets for line in text.splitlines() if line.strip()}
    shown = "\n".join(_shown(line, hidden) for line in message.split("\n"))
    values = {value for text in secrets for value in _values(text) if len(value) >= _TELLING and value in shown}
    for value in sorted(values, key=len, reverse=True):
        if value not in _OWN_WORDS and not is_public(value):
            shown = shown.replace(value, NO_VALUE)
    return shown


def _shown(line: str, hidden: set[str]) -> str:
    quoted = _QUOTED.match(line)
    if quoted is None or quoted[3].strip() not in hidden or _HARMLESS.fullmatch(quoted[3].strip()):
        return line
    return f"{quoted[1]}{quoted[2]}{NOT_SHOWN}"


def _values(text: str) -> Iterator[str]:
    """The scalars of YAML that are no keys, as far as it can be read, and the texts that its code spells."""
    yield from (found[1] or found[2] for line in _CODE.findall(text) for found in _SPELLED.finditer(line))
    keys: list[bool | None] = []  # of each open collection: whether a map's next scalar is its key; None for a list
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and not (keys and keys[-1]):
                yield event.value
                yield from event.value.split("\n")
            if isinstance(event, yaml.CollectionEndEvent):
                keys.pop()
            elif isinstance(event, yaml.CollectionStartEvent):
                keys.append(isinstance(event, yaml.MappingStartEvent))
                continue
            if keys and keys[-1] is not None and isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                keys[-1] = not keys[-1]
    except yaml.YAMLError:
        yield from _WORDS.findall(text)
