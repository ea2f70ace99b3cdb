"""Text files with code between `(@` and `@)`."""

from __future__ import annotations

from packhouse.template.ytt.compile import text_pieces
from packhouse.template.ytt.compile.evaluation import INSTRUCTIONS
from packhouse.template.ytt.compile.lines import Lines
from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.compile.template import Template
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark.program import compile_program


def compile_text(source: Source) -> Template:
    """Raises YttError: for code that is not closed, and errors of the code."""
    plan = Plan()
    lines = Lines()
    lines.add(text_pieces.write_text(text_pieces.split(source.text, 1), source, plan, lines))
    return Template(compile_program(source.name, lines.all, INSTRUCTIONS), plan)
