"""The modules struct, module and version."""

from __future__ import annotations

from typing import Any

import pytest
from ytt_module_calls import document_of, refusal, run

from packhouse.template.ytt.modules.version import YTT_VERSION
from packhouse.template.ytt.nodes import Array, ArrayItem, Map, MapItem
from packhouse.template.ytt.starlark.containers import NativeBuiltin, OrderedSet
from packhouse.template.ytt.values import Builtin, Fragment, Module, Struct

HELLO = NativeBuiltin("hello", lambda thread, args, kwargs: ("hello", args, kwargs))


def test_a_struct_holds_what_it_was_made_of() -> None:
    items = [1]
    struct = run("struct.make", a=1, b=items, f=HELLO)
    assert struct.fields() == {"a": 1, "b": [1], "f": HELLO}
    assert struct.fields()["b"] is items


def test_a_function_is_bound_to_its_first_arguments() -> None:
    bound = run("struct.bind", HELLO, "me", 2)
    assert isinstance(bound, Builtin)
    assert bound.name == "struct.bind_result"
    struct = run("struct.make_and_bind", "me", plain=1, method=HELLO)
    assert struct.fields()["plain"] == 1
    assert struct.fields()["method"].name == "struct.bind_result"


def test_bound_functions_are_called_with_what_they_are_bound_to() -> None:
    template = """
#@ load("@ytt:struct", "struct")
#@ def hello(self, *args, **kwargs):
#@   return [self, list(args), kwargs]
#@ end
#@ bound = struct.bind(hello, "me", 2)
#@ made = struct.make_and_bind("obj", name="n", say=hello, twice=lambda x: x + x)
bind: #@ bound(3, x=4)
name: #@ made.name
say: #@ made.say(1)
twice: #@ made.twice()
"""
    assert document_of(template) == {
        "bind": ["me", [2, 3], {"x": 4}],
        "name": "n",
        "say": ["obj", [1], {}],
        "twice": "objobj",
    }


def test_a_value_becomes_structs_and_dicts_again() -> None:
    value = {"a": [1, 2, 3, {"c": 456}], "b": "str", "t": (1, None), "s": OrderedSet([1, 2])}
    struct = run("struct.encode", value)
    assert isinstance(struct, Struct)
    assert isinstance(struct.fields()["a"][3], Struct)
    assert run("struct.decode", struct) == {"a": [1, 2, 3, {"c": 456}], "b": "str", "t": [1, None], "s": [1, 2]}
    assert run("struct.encode", 1.5) == 1.5
    assert run("struct.encode", []) == []


def test_what_is_decoded_is_new() -> None:
    items = [1]
    assert run("struct.decode", run("struct.make", a=items))["a"] is not items


def itself() -> list[Any]:
    items: list[Any] = []
    items.append({"a": items})
    return items


@pytest.mark.parametrize(
    ("path", "args", "kwargs", "message"),
    [
        pytest.param(
            "struct.make",
            (1,),
            {},
            "unexpected positional arguments (structs are made from keyword arguments only)",
            id="make",
        ),
        pytest.param("struct.make_and_bind", (), {"a": 1}, "expected at exactly one argument", id="make_and_bind"),
        pytest.param("struct.bind", (HELLO,), {}, "expected at least two arguments", id="bind"),
        pytest.param("struct.encode", (), {}, "expected exactly one argument", id="encode"),
        pytest.param("struct.decode", (1, 2), {}, "expected exactly one argument", id="decode"),
        pytest.param(
            "struct.encode", ({1: 2},), {}, "expected struct key %!s(int64=1) to be string", id="a key that is an int"
        ),
        pytest.param(
            "struct.encode", ({None: 2},), {}, "expected struct key %!s(<nil>) to be string", id="a key that is None"
        ),
        pytest.param(
            "struct.encode",
            ({"a": Fragment(Map([MapItem("a", 1)]))},),
            {},
            "unknown type *yamlmeta.Map for conversion to starlark value",
            id="YAML",
        ),
        pytest.param(
            "struct.decode",
            (Fragment(Array([ArrayItem(1)])),),
            {},
            "unknown type *yamlmeta.Array for conversion to starlark value",
            id="YAML of an array",
        ),
        pytest.param(
            "struct.encode",
            ([HELLO],),
            {},
            "unknown type *starlark.Builtin for conversion to go value",
            id="a function",
        ),
        pytest.param("struct.encode", (2**64,), {}, "not sure how to get int", id="an int that is too large"),
        pytest.param(
            "struct.encode", (itself(),), {}, "Unable to convert value: self-referencing list", id="a list in itself"
        ),
        pytest.param("module.make", (), {}, "module.make: got 0 arguments, want 1", id="no name"),
        pytest.param(
            "module.make", (1,), {}, "module.make: for parameter 1: got int, want string", id="a name that is an int"
        ),
    ],
)
def test_wrong_arguments_of_structs_are_refused(
    path: str, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    assert refusal(path, *args, **kwargs) == f"{path}: {message}"


def test_a_module_is_made() -> None:
    module = run("module.make", "mine", a=1)
    assert isinstance(module, Module)
    assert (module.name, module.fields()) == ("mine", {"a": 1})


@pytest.mark.parametrize(
    "wanted", ["0.0.0", YTT_VERSION, f"{YTT_VERSION}-rc.1", f"{YTT_VERSION}+build", "0.46.0-0a.b-c+d.e", "0.9.99"]
)
def test_a_version_that_is_met_is_nothing(wanted: str) -> None:
    assert run("version.require_at_least", wanted) is None


@pytest.mark.parametrize("wanted", ["1000000.0.0", "0.46.1", "0.47.0-alpha", "1.0.0+x"])
def test_a_version_that_is_not_met_is_refused(wanted: str) -> None:
    words = f"ytt version '{YTT_VERSION}' does not meet the minimum required version '{wanted}'"
    assert refusal("version.require_at_least", wanted) == f"version.require_at_least: {words}"


@pytest.mark.parametrize(
    "wanted",
    [
        "v1",
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3+",
        "1.2.3\n",
        " 1.2.3",
        "1.2.٣",
        "1" * 2000,
    ],
)
def test_what_is_no_version_is_refused(wanted: str) -> None:
    words = f"version string '{wanted}' must be a valid semver"
    assert refusal("version.require_at_least", wanted) == f"version.require_at_least: {words}"


def test_a_part_of_a_version_fits_into_64_bits() -> None:
    assert refusal("version.require_at_least", "0.0.9223372036854775808") == (
        "version.require_at_least: Error parsing version: strconv.ParseInt: "
        'parsing "9223372036854775808": value out of range'
    )
