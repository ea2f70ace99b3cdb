"""docs/cli, made of the commands: a page for each noun. `python -m packhouse.cli.pages docs/cli` writes them.

Called by `make pages`, and by the test that compares them. exit-codes.md is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from packhouse.cli.application import loaded
from packhouse.cli.help import OPTIONS, Help, Section, help_of
from packhouse.cli.tree import QUICK, ROOT, Noun, Verb

_MADE: Final = "<!-- Made by `make pages` of what the commands say of themselves. -->"
_EXIT_CODES: Final = "How a command ends: [exit codes](exit-codes.md)."
_HELP: Final = "`-h, --help`"


def pages() -> Mapping[str, str]:
    """By file name."""
    nouns = [(["packhouse"], ROOT), *_nouns(["packhouse"], ROOT)]
    return {f"{path[-1]}.md": _page(path, noun) for path, noun in nouns}


def _nouns(path: list[str], noun: Noun) -> Iterator[tuple[list[str], Noun]]:
    for word, what in noun.words.items():
        if isinstance(what, Noun):
            yield [*path, word], what
            yield from _nouns([*path, word], what)


def _page(path: Sequence[str], noun: Noun) -> str:
    lines = [_MADE, f"# {' '.join(path)}", noun.help, "", *_also(path), *_contents(noun), ""]
    shared: Section | None = None
    for word, what in noun.words.items():
        if isinstance(what, Verb) and word != QUICK:
            told = help_of(loaded(word, what), " ".join([*path, word]))
            lines += _verb(word, told)
            shared = shared or next((section for section in told.sections if _is_shared(section)), None)
    if shared is not None:
        lines += [f"## {shared.title}", *_table(Section(OPTIONS, shared.entries))]
    return "\n".join([*lines, _EXIT_CODES, ""])


def _also(path: Sequence[str]) -> list[str]:
    """The other ways to say it."""
    if path[1:2] != ["package"]:
        return []
    kubectl = " ".join(["kubectl", *path[1:]])
    short = f", and `packhouse {path[2]}`" if path[2:] else ""
    return [f"Also: `{kubectl}`{short}.", ""]


def _contents(noun: Noun) -> Iterator[str]:
    for word, what in noun.words.items():
        link = f"{word}.md" if isinstance(what, Noun) else "../spec/ytt.md" if word == QUICK else f"#{word}"
        yield f"- [{word}]({link}): {what.help}"


def _verb(word: str, told: Help) -> Iterator[str]:
    yield from (f"## {word}", told.paragraphs[0], "", "```", told.usage, "```", "")
    for paragraph in told.paragraphs[1:]:
        yield from (paragraph.replace("\n", " "), "")
    for section in told.sections:
        if _is_shared(section):
            yield from (f"And [which cluster, and who you are](#{_anchor(section.title)}).", "")
        elif any(entry.name not in _HELP for entry in section.entries):
            yield from _table(section)


def _table(section: Section) -> Iterator[str]:
    yield from (f"| {section.title} | |", "|---|---|")
    for entry in section.entries:
        if entry.name not in _HELP:
            yield f"| `{_escaped(entry.name)}` | {_escaped(entry.text)} |"
    yield ""


def _is_shared(section: Section) -> bool:
    return section.title not in (OPTIONS, "Arguments", "Commands")


def _anchor(title: str) -> str:
    return "".join(char for char in title.lower() if char.isalnum() or char in " -").replace(" ", "-")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
