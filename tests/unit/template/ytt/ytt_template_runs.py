"""Templates of a single file, compiled and evaluated, for the tests of the rooms that do so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packhouse.template.ytt.compile.starlark_template import compile_starlark
from packhouse.template.ytt.compile.template import Evaluated, Template
from packhouse.template.ytt.compile.text_template import compile_text
from packhouse.template.ytt.compile.yaml_template import compile_yaml
from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import DocumentSet, Source
from packhouse.template.ytt.starlark.thread import DEFAULT_LIMITS, LanguageLimits, Thread
from packhouse.template.ytt.yaml.read import read


def yaml_template(text: str, **options: bool) -> Template:
    return compile_yaml(read(Source("a.yml", text)), **options)


def text_template(text: str) -> Template:
    return compile_text(Source("a.txt", text))


def code_template(text: str) -> Template:
    return compile_starlark(Source("a.star", text))


def evaluate(
    template: Template, files: Mapping[str, Template] | None = None, limits: LanguageLimits = DEFAULT_LIMITS
) -> Evaluated:
    """`files` are what the template may load, by name."""
    thread = Thread(limits)

    def load(name: str) -> Mapping[str, Any]:
        found = (files or {}).get(name)
        if found is None:
            raise YttError(f"no file {name}")
        return found.evaluate(thread, load).globals

    return template.evaluate(thread, load)


def documents_of(text: str, files: Mapping[str, Template] | None = None, **options: bool) -> list[Any]:
    """What a YAML template gives, as plain values; documents without a value are left out, as printing does."""
    result = evaluate(yaml_template(text, **options), files).result
    assert isinstance(result, DocumentSet)
    return [to_plain(document.value) for document in result.items if document.value is not None]


def document_of(text: str, files: Mapping[str, Template] | None = None, **options: bool) -> Any:
    (document,) = documents_of(text, files, **options)
    return document
