"""A compiled template, which may be evaluated any number of times, and what an evaluation gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from packhouse.template.ytt.compile.evaluation import Evaluation
from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules.template import template_module
from packhouse.template.ytt.starlark.program import Program
from packhouse.template.ytt.starlark.thread import Thread

Load = Callable[[str], Mapping[str, Any]]

_TEMPLATE_MODULE = "@ytt:template"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`globals` is what others may load. `result` is a DocumentSet of a YAML template, the text of a text template, and
    None of a program."""

    globals: Mapping[str, Any]
    result: Any


class Template:
    __slots__ = ("_plan", "_program")

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program = program
        self._plan = plan

    def evaluate(self, thread: Thread, load: Load, predeclared: Mapping[str, Any] | None = None) -> Evaluated:
        """`load` gives what a `load(name, ...)` of the template names, but for "@ytt:template", which works on this
        very evaluation. Raises YttError and LimitExceeded."""
        evaluation = Evaluation(self._plan, thread)

        def loaded(name: str) -> Mapping[str, Any]:
            if name == _TEMPLATE_MODULE:
                return {"template": template_module(evaluation.replace)}
            return load(name)

        exported = self._program.run(thread, loaded, {**evaluation.bindings, **(predeclared or {})})
        if not evaluation.is_over:
            raise YttError("\n- (p) expected all ctxs to end")
        return Evaluated(exported, evaluation.result)
