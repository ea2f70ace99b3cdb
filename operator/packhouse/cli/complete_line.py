"""Reads a command line that is not finished: which word of the tree it has come to, and what is being written.

Called by complete.py. A verb's module is imported only to learn its options; nothing is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packhouse.cli.tree import Noun, Verb

if TYPE_CHECKING:
    from typer import _click


@dataclass(frozen=True, slots=True)
class Line:
    """`path`: the words of the tree; `verb` None: another word of `noun` is being written.

    `param`: what takes the word that is being written, None where nothing does. `before`: what stands in that word
    before the value (`--output=`). `given`: what parameters were given, by their names in the code.
    """

    path: Sequence[str]
    noun: Noun
    verb: Verb | None = None
    param: _click.Parameter | None = None
    params: Sequence[_click.Parameter] = ()
    incomplete: str = ""
    before: str = ""
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def last(self, name: str) -> str:
        """What was given last for a parameter; "" where nothing was."""
        return self.given.get(name, ("",))[-1]


def read(noun: Noun, words: Sequence[str]) -> Line:
    """`words`: those after the program, the last of them being written."""
    *done, incomplete = words or ("",)
    path: list[str] = []
    for at, word in enumerate(done):
        what = noun.words.get(word) or noun.short.get(word)
        if isinstance(what, Noun):
            noun = what
            path.append(word)
        elif isinstance(what, Verb):
            return _of_verb([*path, word], noun, what, done[at + 1 :], incomplete)
        elif not word.startswith("-"):
            return Line(path, Noun("", {}), incomplete=incomplete)  # there is no such word
    return Line(path, noun, incomplete=incomplete)


def _of_verb(path: Sequence[str], noun: Noun, verb: Verb, words: Sequence[str], incomplete: str) -> Line:
    from packhouse.cli.application import loaded

    params = loaded(path[-1], verb).params
    options = {name: param for param in params for name in param.opts if name.startswith("-")}
    flags = {name for param in params if getattr(param, "is_flag", False) for name in param.opts}
    places = [param for param in params if not any(name.startswith("-") for name in param.opts)]
    given: dict[str, list[str]] = {}
    waiting: _click.Parameter | None = None
    only_places = False
    for word in words:
        name, equals, value = word.partition("=")
        if waiting is not None:
            given.setdefault(waiting.name, []).append(word)
            waiting = None
        elif word == "--":
            only_places = True
        elif not only_places and word.startswith("-") and word != "-":
            param = options.get(name)
            if param is not None and equals:
                given.setdefault(param.name, []).append(value)
            elif param is not None and name not in flags:
                waiting = param
        elif places:
            given.setdefault(places[0].name, []).append(word)
            places = places[1:] if places[0].nargs == 1 else places
    line = Line(path, noun, verb, params=params, incomplete=incomplete, given=given)
    return _writing(line, waiting, {} if only_places else options, places)


def _writing(
    line: Line,
    waiting: _click.Parameter | None,
    options: Mapping[str, _click.Parameter],
    places: Sequence[_click.Parameter],
) -> Line:
    """The same line, with what takes the word that is being written."""

    if waiting is not None:
        return replace(line, param=waiting)
    name, equals, value = line.incomplete.partition("=")
    if equals and name in options:
        return replace(line, param=options[name], incomplete=value, before=f"{name}=")
    if line.incomplete.startswith("-") and options:
        return line
    return replace(line, param=places[0] if places else None)
