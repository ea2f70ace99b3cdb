"""One evaluation: what it may use, what is frozen, what is being iterated over.

The workspace makes one for all templates that it renders together; builtins count their work on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from packhouse.template.ytt.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class LanguageLimits:
    """What all templates of one evaluation may use together.

    `steps` counts rounds of loops, calls and what builtins do per item; `weight` counts the characters and items that
    are made (see ITEM); `depth` is how many frames of Python may lie on each other (a call of a template takes two).
    """

    steps: int = 20_000_000
    weight: int = 1 << 29
    depth: int = 3_000


DEFAULT_LIMITS: Final = LanguageLimits()

#: An item of a list or a dict weighs as much as this many characters.
ITEM: Final = 8


class Thread:
    """See values.Thread for what builtins may ask."""

    __slots__ = ("busy", "frozen", "helpers", "limits", "printed", "steps", "weight")

    def __init__(self, limits: LanguageLimits = DEFAULT_LIMITS, printed: Callable[[str], None] | None = None) -> None:
        self.limits = limits
        self.steps = limits.steps
        self.weight = limits.weight
        #: Containers that nothing may change, by identity; they are kept alive, so that no other gets their identity.
        self.frozen: dict[int, object] = {}
        #: How many loops run over a container, by identity.
        self.busy: dict[int, int] = {}
        #: Filled at the first run: what compiled code calls, by name.
        self.helpers: dict[str, Any] | None = None
        self.printed = printed

    def call(self, function: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """The value of a call. Raises EvalError in words without a place, and LimitExceeded."""
        from packhouse.template.ytt.starlark.calls import call_value  # it needs the builtins, which need a thread

        return call_value(self, function, tuple(args), dict(kwargs) if kwargs else {})

    def tick(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded(f"templates took more than {self.limits.steps} steps")

    def weigh(self, size: int) -> None:
        self.weight -= size
        if self.weight < 0:
            raise LimitExceeded(f"templates made more than {self.limits.weight} characters and items")

    def guard(self, container: object) -> str | None:
        """Why a container may not be changed now: "frozen", "busy"; None where it may."""
        identity = id(container)
        if identity in self.frozen:
            return "frozen"
        return "busy" if identity in self.busy else None
