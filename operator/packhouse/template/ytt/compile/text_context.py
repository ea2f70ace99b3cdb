"""A text as it grows while a template runs: a text file, a templated string, or a function inside of one."""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.values import Thread
from packhouse.template.ytt.words import go_value_type


class TextContext:
    __slots__ = ("_pieces", "_plan", "_thread")

    def __init__(self, plan: Plan, thread: Thread) -> None:
        self._plan = plan
        self._thread = thread
        self._pieces: list[str] = []

    def result(self) -> str:
        return "".join(self._pieces)

    def start(self, number: int) -> None:
        step = self._plan.texts.get(number)
        if step is None:
            raise EvalError(f"expected to find node tag {number}")
        if step.root:
            return
        self._pieces.append(step.text or "")
        if step.text:
            self._thread.weigh(len(step.text))

    def set_value(self, value: Any) -> None:
        """Of the piece that was begun last."""
        if not isinstance(value, str):
            raise EvalError(
                f"cannot set non-string value ({go_value_type(value)}), consider using str(...) to convert to string"
            )
        if not self._pieces:
            raise EvalError("cannot set value on a noderoot")
        self._thread.weigh(len(value))
        self._pieces[-1] = value

    def annotate(self, number: int, index: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Nothing in a text carries annotations."""

    def name_key(self, number: int, key: Any) -> None:
        raise EvalError("unsupported operation")
