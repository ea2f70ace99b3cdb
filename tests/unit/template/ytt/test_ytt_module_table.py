"""The table of modules, and what all of their functions have in common."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.modules import MODULES
from packhouse.template.ytt.nodes import Array, ArrayItem, Map, MapItem
from packhouse.template.ytt.starlark.calls import call
from packhouse.template.ytt.starlark.containers import NativeBuiltin, OrderedSet
from packhouse.template.ytt.starlark.thread import LanguageLimits, Thread
from packhouse.template.ytt.values import Builtin, Fragment, Struct

_OURS = ("base64", "ip", "math", "md5", "module", "regexp", "sha256", "struct", "toml", "url", "version")
_FUNCTIONS = sorted(
    f"{module}.{name}"
    for module in _OURS
    for name, value in MODULES[module].fields().items()
    if isinstance(value, Builtin)
)
_TEXTS = st.text(max_size=12) | st.sampled_from(["(", "a*", "$1", "%zz", "1.2.3.4/8", "a = [", "http://h", "\udcff"])
_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | _TEXTS
_FIXED = st.sampled_from(
    [
        Fragment(Map([MapItem("a", 1), MapItem("a", None)])),
        Fragment(Array([ArrayItem("x")])),
        Fragment(None),
        NativeBuiltin("same", lambda thread, args, kwargs: args),
        MODULES["base64"],
        Struct({"a": 1}),
    ]
)
_VALUES = st.recursive(
    _SCALARS | _FIXED,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_SCALARS, inner, max_size=3)
        | st.tuples(inner)
        | st.builds(OrderedSet, st.lists(_SCALARS, max_size=2))
    ),
    max_leaves=5,
)


def test_every_module_is_known_by_its_name() -> None:
    assert {name: MODULES[name].name for name in _OURS} == {name: name for name in _OURS}
    assert {"assert", "json", "overlay", "yaml"} | set(_OURS) == set(MODULES)
    assert "data" not in MODULES
    with pytest.raises(KeyError):
        MODULES["nothing"]


def test_a_module_is_imported_when_it_is_loaded() -> None:
    program = (
        "import sys; from packhouse.template.ytt.modules import MODULES; assert 'url' in MODULES and len(MODULES) > 9;"
        "print([name for name in sys.modules if name.startswith('packhouse.template.ytt.modules.') or name == 're2'])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == "[]\n"


@settings(max_examples=500)
@given(
    st.sampled_from(_FUNCTIONS),
    st.lists(_VALUES, max_size=3),
    st.dictionaries(st.sampled_from(["url", "raw", "strict", "indent", "a"]), _VALUES, max_size=2),
)
def test_nothing_but_a_refusal_leaves_a_function(path: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    module, _, name = path.partition(".")
    try:
        call(Thread(LanguageLimits(steps=100_000)), MODULES[module].fields()[name], *args, **kwargs)
    except (EvalError, LimitExceeded) as refused:
        assert str(refused)


@pytest.mark.parametrize("path", ["struct.encode", "struct.decode", "toml.encode"])
def test_a_value_that_is_endless_once_written_out_comes_to_an_end(path: str) -> None:
    value: Any = {"a": 1}
    for _ in range(60):
        value = {"x": [value, value]}
    module, _, name = path.partition(".")
    with pytest.raises(LimitExceeded):
        call(Thread(LanguageLimits(steps=100_000)), MODULES[module].fields()[name], value)
