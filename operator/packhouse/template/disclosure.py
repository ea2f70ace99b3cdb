"""What a message may not show: lines and values of Secrets, where an engine quotes what it works on.

Pure. Called by the engines before a message leaves them; a condition shows it to everybody who may read the install.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import yaml

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
