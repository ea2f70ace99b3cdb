"""How many nodes an item of an overlay may match: `expects`, `missing_ok`, `when`.

Called for each item that was looked for. `when` is a condition: where it fails, the item is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Node
from packhouse.template.ytt.starlark.args import ABSENT, go_type
from packhouse.template.ytt.starlark.names import is_callable
from packhouse.template.ytt.values import Thread

_AT_LEAST = re.compile(r"([+-]?[0-9]+)\+")
_INT64_LEAST, _INT64_MOST = -(2**63), 2**63 - 1
_UINT64_MOST = 2**64 - 1


class CountError(EvalError):
    """Too few or too many matched. `conditional`: `when` asked, so that nothing is wrong."""

    def __init__(self, message: str, conditional: bool) -> None:
        super().__init__(message)
        self.conditional = conditional


class Expectation:
    """What was said about the number of matches; of the three at most one may be given."""

    __slots__ = ("expects", "missing_ok", "when")

    def __init__(self, expects: Any = ABSENT, missing_ok: Any = ABSENT, when: Any = ABSENT) -> None:
        self.expects = expects
        self.missing_ok = missing_ok
        self.when = when

    def take(self, name: str, value: Any) -> bool:
        """One argument of an annotation, while it is read; False where it is none of ours."""
        if name == "expects":
            self.expects = value
        elif name == "missing_ok":
            self.missing_ok = value
        elif name == "when":
            self.when = value
        else:
            return False
        return True

    def filled(self, defaults: Expectation) -> Expectation:
        """With those of `defaults` that are not given here."""
        return Expectation(
            defaults.expects if self.expects is ABSENT else self.expects,
            defaults.missing_ok if self.missing_ok is ABSENT else self.missing_ok,
            defaults.when if self.when is ABSENT else self.when,
        )

    def check(self, matches: Sequence[Node], thread: Thread) -> None:
        """Raises CountError where the number is not as expected, EvalError where what was said makes no sense."""
        if self.missing_ok is not ABSENT and self.expects is not ABSENT:
            raise _only_one("missing_ok", "expects")
        if self.missing_ok is not ABSENT and self.when is not ABSENT:
            raise _only_one("missing_ok", "when")
        if self.when is not ABSENT and self.expects is not ABSENT:
            raise _only_one("when", "expects")
        if self.missing_ok is not ABSENT:
            if not isinstance(self.missing_ok, bool):
                raise EvalError("Expected keyword argument 'missing_ok' to be a boolean")
            if matches or not self.missing_ok:
                self._check_number(1, matches)
        elif self.when is not ABSENT:
            self._check(self.when, "when", matches, thread)
        elif self.expects is not ABSENT:
            self._check(self.expects, "expects", matches, thread)
        elif len(matches) != 1:
            self._check_number(1, matches)

    def _check(self, wanted: Any, argument: str, matches: Sequence[Node], thread: Thread) -> None:
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            self._check_number(wanted, matches)
        elif isinstance(wanted, str):
            self._check_least(wanted, matches)
        elif isinstance(wanted, list):
            self._check_any(wanted, argument, matches, thread)
        elif is_callable(wanted):
            verdict = thread.call(wanted, (len(matches),))
            if not isinstance(verdict, bool):
                raise EvalError(f"Expected keyword argument '{argument}' to have a function that returns a boolean")
            if not verdict:
                raise self._wrong("Expectation of number of matched nodes failed")
        else:
            raise EvalError(
                f"Expected 'overlay/match' annotation keyword argument '{argument}' "
                f"to be either int, string or function, but was {go_type(wanted)}"
            )

    def _check_any(self, wanted: list[Any], argument: str, matches: Sequence[Node], thread: Thread) -> None:
        last: EvalError | None = None
        for choice in wanted:
            thread.tick()
            try:
                self._check(choice, argument, matches, thread)
            except EvalError as error:
                last = error
            else:
                return
        if last is not None:
            raise last

    def _check_number(self, wanted: int, matches: Sequence[Node]) -> None:
        if not _INT64_LEAST <= wanted <= _UINT64_MOST:
            raise EvalError("Unsure how to convert starlark.Int to int")
        if wanted != len(matches):
            raise self._wrong(
                f"Expected number of matched nodes to be {wanted}, but was {len(matches)}{_places(matches)}"
            )

    def _check_least(self, wanted: str, matches: Sequence[Node]) -> None:
        spelled = _AT_LEAST.fullmatch(wanted)
        # 20 characters hold each int64 with its sign; longer ones may be too long to be read at all
        least = int(spelled[1]) if spelled and len(spelled[1].lstrip("+-0")) <= 19 else _INT64_MOST + 1
        if not _INT64_LEAST <= least <= _INT64_MOST:
            raise EvalError(f"Expected '{wanted}' to be in format 'i+' where i is an integer")
        if len(matches) < least:
            raise self._wrong(
                f"Expected number of matched nodes to be >= {least}, but was {len(matches)}{_places(matches)}"
            )

    def _wrong(self, message: str) -> CountError:
        return CountError(message, self.when is not ABSENT)


#: Nothing is said: exactly one node.
ONE: Final = Expectation()

#: Of what is not looked for at all.
NONE: Final = Expectation(expects=0)


def _only_one(first: str, second: str) -> EvalError:
    return EvalError(f"Expected only one of keyword arguments ('{first}', '{second}') specified")


def _places(matches: Sequence[Node]) -> str:
    if not matches:
        return ""
    return f" (lines: {', '.join(sorted(node.place for node in matches))})"
