"""Two objects as a unified diff of YAML, as git and kubectl show one. Pure, but for colours that a terminal alone gets.

What it is given is shown: Secrets are masked before (domain/difference.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any, Final

from packhouse.cli.terminal import Painted, painted, plain
from packhouse.ports import Json

#: The fields that every object begins with, in this order.
_FIRST: Final = ("apiVersion", "kind", "metadata")
#: Wider than any line that YAML could fold.
_WIDTH: Final = 1 << 20


def diff_lines(before: Json | None, after: Json | None, name: str) -> list[Painted]:
    """None where there is no object; nothing where both are alike."""
    one, other = _lines(before), _lines(after)
    found = list(unified_diff(one, other, f"before/{name}", f"after/{name}", lineterm=""))
    places = (plain(_place(found, number, one, other)) for number in range(len(found)))
    return [Painted(f"{_painted(line)}{place}") for line, place in zip(found, places, strict=True)]


def yaml_text(obj: Json) -> str:
    """Fields in the order of their names, so that equal objects give equal texts; long texts line by line."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        """Shows an object twice where it stands in two places."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(_ordered(obj), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return dumped


def _lines(obj: Json | None) -> list[str]:
    return [] if obj is None else yaml_text(obj).splitlines()


def _ordered(obj: Json) -> Json:
    keys = [*(key for key in _FIRST if key in obj), *(key for key in sorted(obj) if key not in _FIRST)]
    return {key: _sorted(obj[key]) for key in keys}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=str)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _painted(line: str) -> str:
    if line.startswith(("--- ", "+++ ")):
        return painted(line, "bright_black")
    colours = {"@": "cyan", "+": "green", "-": "red"}
    return painted(line, colours[line[0]]) if line[0] in colours else plain(line)


def _place(diff: Sequence[str], number: int, before: Sequence[str], after: Sequence[str]) -> str:
    """Behind the head of a hunk: the fields that its first change stands below, as git names the function there."""
    if not diff[number].startswith("@@"):
        return ""
    context = 0
    while (changed := diff[number + 1 + context]).startswith(" "):
        context += 1
    _, one, other, _ = diff[number].split(" ", 3)
    start, lines = (one, before) if changed.startswith("-") else (other, after)
    first = abs(int(start.partition(",")[0])) - 1 + context
    path = ".".join(reversed(list(_around(lines, first))))
    return f" {path}" if path else ""


def _around(lines: Sequence[str], index: int) -> Iterator[str]:
    """The keys that the line stands below, from the inside."""
    if not 0 <= index < len(lines):
        return
    depth = _depth(lines[index])
    for line in reversed(lines[:index]):
        if depth == 0:
            return
        if line.strip() and _depth(line) < depth:
            depth = _depth(line)
            key, colon, _ = line.strip().removeprefix("- ").partition(":")
            if colon and not line.strip().startswith("- "):
                yield key


def _depth(line: str) -> int:
    """An entry of a list stands below its key, though YAML writes both at the same place."""
    return 2 * (len(line) - len(line.lstrip())) + (1 if line.lstrip().startswith("- ") else 0)
