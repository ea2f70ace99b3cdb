"""Functions of modules, called as the language calls them, for the tests of modules."""

from __future__ import annotations

from typing import Any

import pytest
from ytt_template_runs import yaml_template

from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.modules import MODULES
from packhouse.template.ytt.nodes import DocumentSet
from packhouse.template.ytt.starlark.calls import call
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.values import Builtin, Opaque


def run(path: str, *args: Any, limits: LanguageLimits | None = None, **kwargs: Any) -> Any:
    """`path` is "base64.encode"."""
    module, _, function = path.partition(".")
    return call(Thread(limits or LanguageLimits()), MODULES[module].fields()[function], *args, **kwargs)


def refusal(path: str, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(EvalError) as refused:
        run(path, *args, **kwargs)
    return refused.value.message


def document_of(text: str) -> Any:
    """What a YAML template gives, which may load modules."""
    result = yaml_template(text).evaluate(Thread(), lambda name: {name[5:]: MODULES[name.removeprefix("@ytt:")]}).result
    assert isinstance(result, DocumentSet)
    (document,) = [document for document in result.items if document.value is not None]
    return to_plain(document.value)


def method(value: Any, name: str, *args: Any) -> Any:
    assert isinstance(value, Opaque)
    function = value.fields()[name]
    assert isinstance(function, Builtin)
    return call(Thread(), function, *args)
