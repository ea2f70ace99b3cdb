"""Completes words: what `packhouse __complete WORDS...` prints, and what kubectl asks `kubectl_complete-package`.

The protocol is that of cobra, which kubectl speaks: a line for each word, perhaps with a description behind a tab, and
a last line `:N` that says what the shell is to do. Nothing is ever said of errors, and nothing waits for long.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from packhouse.cli.complete_line import Line, read
from packhouse.cli.tree import PACKAGE, QUICK, ROOT, Noun

#: The shell waits that long, whatever the cluster does. A slow machine may be given longer.
SECONDS: Final = "PACKHOUSE_COMPLETION_SECONDS"
_DESCRIPTION_MOST: Final = 80
#: What a shell would take for more than a letter. bash puts a word into the line as it is, and keys of values are
#: written by strangers: such a word is not offered.
_MEANS_MORE: Final = frozenset("`$;&|<>(){}*?!\\'\" ~#^")


class Directive(IntFlag):
    """What a shell is to do with the words. cobra's numbers."""

    FILES = 0
    NO_SPACE = 2
    NO_FILES = 4
    KEEP_ORDER = 32


@dataclass(frozen=True, slots=True)
class Completions:
    words: Sequence[tuple[str, str]]  # with what is said of each
    directive: Directive = Directive.NO_FILES


def main(words: Sequence[str]) -> int:
    """`packhouse __complete ...`."""
    return _answer(ROOT, words, whole=True)


def plugin() -> None:
    """What kubectl calls to complete `kubectl package`. kubectl's shells put `--output=` before a word themselves."""
    sys.exit(_answer(PACKAGE, sys.argv[1:], whole=False))


def seconds() -> float:
    return float(os.environ.get(SECONDS, "2"))


def completions(noun: Noun, words: Sequence[str], *, whole: bool = True) -> Completions:
    """`whole`: a word is completed with all that stands in it, `--output=` too."""
    line = read(noun, words)
    if line.verb is None:
        return _words(line)
    if line.path[-1] == QUICK:
        return Completions((), Directive.FILES)
    if line.param is None:
        return _options(line) if line.incomplete.startswith("-") else Completions(())
    from packhouse.cli.complete_values import of_param

    found = of_param(line, whole=whole)
    fitting = [(word, text) for word, text in found.words if word.startswith(line.incomplete)]
    before = line.before if whole else ""
    return Completions([(f"{before}{word}", text) for word, text in fitting], found.directive)


def printed(found: Completions) -> str:
    lines = [f"{word}\t{said}" if (said := _one_line(text)) else word for word, text in found.words if _is_safe(word)]
    return "".join(f"{line}\n" for line in [*lines, f":{int(found.directive)}"])


def _answer(noun: Noun, words: Sequence[str], *, whole: bool) -> int:
    """Prints what completes the last word. What goes wrong completes nothing."""
    signal.signal(signal.SIGALRM, _given_up)
    with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
        sys.stderr = nothing
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds())
            found = completions(noun, words, whole=whole)
        except Exception:
            found = Completions(())
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(printed(found))
        sys.stdout.flush()
    os._exit(0)  # what still waits for a server is left


def _given_up(*_: object) -> None:
    os.write(1, f":{int(Directive.NO_FILES)}\n".encode())
    os._exit(0)


def _words(line: Line) -> Completions:
    if line.incomplete.startswith("-"):
        options = [("--help", "Show this help.")] + ([] if line.path else [("--version", "Print the version and end.")])
        return Completions([option for option in options if option[0].startswith(line.incomplete)])
    words = [(word, what.help) for word, what in line.noun.words.items() if word.startswith(line.incomplete)]
    return Completions(words, Directive.NO_FILES | Directive.KEEP_ORDER)


def _options(line: Line) -> Completions:
    """Those that may still be given: one that is not repeatable, once."""
    found = [("--help", "Show this help.")]
    for param in line.params:
        if param.name in line.given and not getattr(param, "multiple", False):
            continue
        names = [name for name in (*param.opts, *param.secondary_opts) if name.startswith("--")]
        found += [(name, getattr(param, "help", "") or "") for name in names]
    return Completions([option for option in found if option[0].startswith(line.incomplete)])


def _is_safe(word: str) -> bool:
    return word.isprintable() and _MEANS_MORE.isdisjoint(word)


def _one_line(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= _DESCRIPTION_MOST else f"{line[: _DESCRIPTION_MOST - 3]}..."
