"""Where a template went wrong, and what to say of it: file:line, what, the template's own line. Never a value.

An exception's text is passed on only where it is known to carry names and types alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jinja2 import TemplateNotFound, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from packhouse.api.errors import PackhouseError, RenderLimitExceeded, TemplateFailed
from packhouse.template.documents import PREVIOUS
from packhouse.template.selection import nearest

_LINE_MOST = 160


class MissingName(UndefinedError):
    """A name that is not there. `known` are the names that are."""

    def __init__(self, name: object, known: Iterable[str], where: str) -> None:
        super().__init__("a name is undefined")
        self.name = name
        self.known = [word for word in known if isinstance(word, str)]
        self.where = where


class Refusal(TemplateRuntimeError):
    """Raised by our own filters and guards: its text carries no value."""


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    line: int


def explain(error: BaseException, file: str, sources: Mapping[str, str], names: Iterable[str]) -> PackhouseError:
    """The error to raise for `error`, met while `file` was rendered.

    `sources`: what the templates that were read say, by path; `names`: the paths of all that could be read.
    """
    if isinstance(error, PackhouseError):
        return error
    places = _places(error)
    if isinstance(error, TemplateSyntaxError):
        places.append(_Place(error.name or file, error.lineno))
    at = places[-1] if places else _Place(file, 0)
    outer = places[0] if places else at
    from_where = f" (in a part that {outer.file}:{outer.line} includes or calls)" if outer.file != at.file else ""
    where = f"{at.file}:{at.line}" if at.line else at.file
    what = _what(error, sources.get(at.file, ""), names)
    kind = RenderLimitExceeded if isinstance(error, RecursionError) else TemplateFailed
    return kind(f"{where}: {what}{from_where}{_shown(at, sources)}")


def _places(error: BaseException) -> list[_Place]:
    """The template lines that were being carried out, the outermost first."""
    places = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        template: Any = step.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            places.append(_Place(template.filename or template.name, template.get_corresponding_lineno(step.tb_lineno)))
        step = step.tb_next
    return places


def _what(error: BaseException, source: str, names: Iterable[str]) -> str:
    match error:
        case MissingName():
            return _missing(error, source)
        case TemplateSyntaxError():
            return f"syntax error: {error.message}"
        case TemplateNotFound():
            # A computed name may be a value; a name that the template spells is none.
            spelled = error.name if isinstance(error.name, str) and error.name in source else None
            return f"there is no template {_named(spelled)}{_hint(spelled, names)}"
        case SecurityError():
            return "an attribute or a function is used that templates may not reach"
        case RecursionError():
            return "includes, macros or values nest too deep: it was ended; does a template include itself?"
        case SyntaxError():
            return "blocks nest too deep (about 20 loops within each other)"
        case TemplateRuntimeError() | TypeError() | ZeroDivisionError():
            return str(error)
        case OverflowError():
            return "a number or a range is too large (a range holds 100,000 at most)"
    return f"{type(error).__name__} (its text is left out, since it may hold a value)"


def _missing(error: MissingName, source: str) -> str:
    name = error.name
    if isinstance(name, int):
        return f"{error.where} has no element {name}"
    spelled = name if isinstance(name, str) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", source) else None
    return f"{_named(spelled)} is undefined{error.where and f' in {error.where}'}{_hint(spelled, error.known)}"


def _named(name: str | None) -> str:
    return repr(name) if name is not None else "of a computed name"


def _hint(name: str | None, known: Iterable[str]) -> str:
    near = nearest(name, known) if name is not None else None
    return f" (did you mean {near!r}?)" if near else ""


def _shown(at: _Place, sources: Mapping[str, str]) -> str:
    """The line with a marker. What an earlier step gave may hold values, so none of that is shown."""
    lines = sources.get(at.file, "").splitlines()
    if at.file == PREVIOUS or not 0 < at.line <= len(lines):
        return ""
    line = lines[at.line - 1]
    return f"\n{at.line:>5} > {line[:_LINE_MOST]}{' ...' if len(line) > _LINE_MOST else ''}"
