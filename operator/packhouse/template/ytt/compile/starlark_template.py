"""Files of code alone. They give nothing but what others load from them."""

from __future__ import annotations

from packhouse.template.ytt.compile.lines import Lines
from packhouse.template.ytt.compile.steps import Plan
from packhouse.template.ytt.compile.template import Template
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark.program import compile_program


def compile_starlark(source: Source) -> Template:
    """Raises YttError: errors of the code."""
    shown = Source("", source.text)  # messages show the lines of such a file without its name
    lines = Lines()
    for number, text in enumerate(source.text.split("\n"), start=1):
        lines.add(text, shown, number)
    return Template(compile_program(source.name, lines.all, ()), Plan())
