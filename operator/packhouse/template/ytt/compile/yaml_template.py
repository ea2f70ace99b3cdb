"""YAML files with code in their comments.

The workspace compiles a file once, from the nodes that the reader made, and keeps the template.
"""

from __future__ import annotations

from packhouse.template.ytt.compile.comments import has_templating
from packhouse.template.ytt.compile.evaluation import INSTRUCTIONS
from packhouse.template.ytt.compile.template import Template
from packhouse.template.ytt.compile.yaml_builder import Builder
from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.starlark.program import compile_program

__all__ = ["compile_yaml", "has_templating"]


def compile_yaml(
    documents: DocumentSet, *, ignore_unknown_comments: bool = False, implicit_map_key_overrides: bool = False
) -> Template:
    """`documents` must have been read with comments; they are never changed. A plain comment (`# ...`) is refused
    unless `ignore_unknown_comments`. `implicit_map_key_overrides` lets a later key of a map win without an annotation.

    Raises YttError: for comments that mean nothing, contradictions, and errors of the code.
    """
    builder = Builder(documents, ignore_unknown=ignore_unknown_comments, override=implicit_map_key_overrides)
    builder.build()
    return Template(compile_program(documents.source.name, builder.lines.all, INSTRUCTIONS), builder.plan)
