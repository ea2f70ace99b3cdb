"""What a word of the command line says of itself: for the terminal, and for the pages that are made of it.

Called by application.py for --help, and by pages.py. Plain text: rich takes a tenth of a second to import.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from typer import _click
from typer.core import TyperArgument, TyperOption

OPTIONS: Final = "Options"
#: The names of options take that many columns at most; longer ones have their text below.
_NAMES_MOST: Final = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """An argument, an option or a word, and what is said of it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Help:
    """`usage` begins with the program; `paragraphs`: the sentence first."""

    usage: str
    paragraphs: Sequence[str]
    sections: Sequence[Section]


def help_of(command: _click.Command, path: str) -> Help:
    """`path`: the words that lead to the command, the program first."""
    words = [Entry(name, (inner.help or "").strip()) for name, inner in _words(command)]
    sections: dict[str, list[Entry]] = {"Arguments": [], OPTIONS: []}
    for param in command.params:
        if isinstance(param, TyperArgument) and not param.hidden:
            sections["Arguments"].append(Entry(named(param), _text(param)))
        elif isinstance(param, TyperOption) and not param.hidden:
            sections.setdefault(param.rich_help_panel or OPTIONS, []).append(Entry(_opts(param), _text(param)))
    sections[OPTIONS].append(Entry("-h, --help", "Show this help."))
    shown = [Section(title, entries) for title, entries in sections.items() if entries]
    if words:
        shown.append(Section("Commands", words))
    text = inspect.cleandoc(command.help or "")
    return Help(usage(command, path), re.split(r"\n\s*\n", text), shown)


def usage(command: _click.Command, path: str) -> str:
    pieces = [path, "[OPTIONS]"]
    for param in command.params:
        if isinstance(param, TyperArgument) and not param.hidden:
            name = named(param)
            pieces.append(name if param.required or name.startswith("[") else f"[{name}]")
    return " ".join([*pieces, *(["COMMAND ..."] if _words(command) else [])])


def printed(told: Help, columns: int) -> str:
    lines = [*_wrapped(f"Usage: {told.usage}", columns, "", " " * 7), ""]
    for paragraph in told.paragraphs:
        lines += [*_wrapped(paragraph, columns, "  ", "  "), ""]
    names = [len(entry.name) for section in told.sections for entry in section.entries]
    indent = max((length for length in names if length <= _NAMES_MOST), default=_NAMES_MOST) + 4
    for section in told.sections:
        lines += [f"{section.title}:", *(line for entry in section.entries for line in _lines(entry, indent, columns))]
        lines.append("")
    return "\n".join(lines)


def _lines(entry: Entry, indent: int, columns: int) -> Iterator[str]:
    name = f"  {entry.name}"
    text = _wrapped(entry.text, max(30, columns - indent))
    if len(name) > indent - 2 or not text:
        yield name
    else:
        yield f"{name.ljust(indent)}{text.pop(0)}"
    yield from (f"{' ' * indent}{line}" for line in text)


def _wrapped(text: str, columns: int, first: str = "", rest: str = "") -> list[str]:
    """Paths and options stay whole."""
    return textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _words(command: _click.Command) -> list[tuple[str, _click.Command]]:
    found: dict[str, _click.Command] = getattr(command, "commands", {})
    return [(name, inner) for name, inner in found.items() if not inner.hidden]


def named(param: TyperArgument) -> str:
    """FILE, and FILE... where there may be many."""
    if param.metavar:
        return param.metavar
    return param.name.rstrip("_").replace("_", "-").upper() + ("..." if param.nargs != 1 else "")


def _opts(param: TyperOption) -> str:
    """ "-n, --namespace NAMESPACE", "--wait / --no-wait" """
    names = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        return f"{names} / {', '.join(param.secondary_opts)}"
    return names if param.is_flag else f"{names} {_value(param)}"


def _value(param: TyperOption) -> str:
    if param.metavar:
        return param.metavar
    described = param.type_descriptor
    if described.is_choice:
        return "|".join(str(getattr(choice, "value", choice)) for choice in described.choices or ())
    return max(param.opts, key=len).lstrip("-").rpartition("-")[2].upper()


def _text(param: TyperArgument | TyperOption) -> str:
    text = (param.help or "").strip()
    default = param.default
    if isinstance(param, TyperOption) and param.required:
        return f"{text} [required]"
    if default in (None, "", False, (), []) or callable(default) or not param.show_default or param.is_eager:
        return text
    if isinstance(param, TyperOption) and param.is_flag:
        return text if not param.secondary_opts else f"{text} [default: {param.opts[-1].lstrip('-')}]"
    if isinstance(param.show_default, str):  # as people write it
        return f"{text} [default: {param.show_default}]"
    value = getattr(default, "value", default)
    return f"{text} [default: {f'{value:g}' if isinstance(value, float) else value}]"
