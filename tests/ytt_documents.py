"""Documents of templates for tests of schemas and rules: a text in, evaluated documents out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from packhouse.template.ytt import schema
from packhouse.template.ytt.compile.yaml_template import compile_yaml
from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.modules import MODULES
from packhouse.template.ytt.nodes import DocumentSet, Source
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.validations import run
from packhouse.template.ytt.yaml.read import read

_MODULES = ("assert", "struct")


def thread() -> Thread:
    return Thread()


def documents(text: str, name: str = "schema.yml") -> DocumentSet:
    """The documents of a template, evaluated. It may use the modules `assert` and `struct`."""
    template = compile_yaml(read(Source(name, _loads(text) + text)))
    result = template.evaluate(thread(), _loaded).result
    assert isinstance(result, DocumentSet)
    return result


def schema_of(text: str) -> schema.Schema:
    """The schema that the last document of a template declares, in schema.yml."""
    return schema.build(documents(text).items[-1], thread())


def malformed(text: str) -> str:
    """The message for a schema that is none."""
    with pytest.raises(YttError) as raised:
        schema_of(text)
    return raised.value.message


def defaults(text: str) -> Any:
    document = schema_of(text).default_document()
    return None if document is None else plain(document)


def assigned(text: str, values: str) -> Any:
    """The values of values.yml, filled in by a schema, as plain dicts and lists."""
    return plain(schema_of(text).assigned(documents(values, "values.yml").items[-1]))


def refused(text: str, values: str) -> str:
    """The message for values that do not fit."""
    with pytest.raises(YttError) as raised:
        assigned(text, values)
    return raised.value.message


def validated(text: str) -> str:
    """Which of the rules in values.yml are broken."""
    evaluation = thread()
    return run(documents(text, "values.yml"), evaluation)


def evaluated(expression: str) -> Any:
    """The value of an expression, as it becomes a value of YAML."""
    return plain(documents(f"value: #@ {expression}\n").items[-1])["value"]


def plain(value: Any) -> Any:
    return to_plain(value)


def lines_before(text: str) -> int:
    """How many lines `documents` puts before a text that uses modules."""
    return _loads(text).count("\n")


def _loads(text: str) -> str:
    return "".join(f'#@ load("@ytt:{name}", "{name}")\n' for name in _MODULES if f"{name}." in text)


def _loaded(name: str) -> Mapping[str, Any]:
    module = name.removeprefix("@ytt:")
    return {module: MODULES[module]}
