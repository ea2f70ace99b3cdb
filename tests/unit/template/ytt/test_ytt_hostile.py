"""Files that mean harm: values that share their parts, costly steps in endless loops, numbers out of all bounds.

Each must end soon, with a message or with a limit.
"""

from __future__ import annotations

import pytest

from packhouse.template.ytt.errors import LimitExceeded, YttError
from packhouse.template.ytt.starlark.thread import LanguageLimits
from packhouse.template.ytt.workspace.render import InputFile, render
from ytt_cases import text_of

#: Small enough that a probe ends within a second or so where all work is counted, and not where it is not.
LIMITS = LanguageLimits(steps=200_000, weight=1 << 23)

_SHARED = {
    "tuple": "t = (1,)\n  for i in range(60):\n    t = (t, t)\n  end",
    "list": "t = [1]\n  for i in range(60):\n    t = [t, t]\n  end",
    "dict": "t = {}\n  for i in range(60):\n    t = {'a': t, 'b': t}\n  end",
}
_MODULES = ("assert", "base64", "json", "library", "overlay", "struct", "toml", "yaml")


def ended(code: str, files: dict[str, str] | None = None) -> str:
    """The output of `out`, or why there is none."""
    loads = [f"load('@ytt:{name}', '{name}')" for name in _MODULES]
    lines = [f"#@ {line}" for line in [*loads, *code.split("\n")]]
    given = {"a.yml": "\n".join([*lines, "---", "x: #@ out", ""]), **(files or {})}
    try:
        return text_of(
            render([InputFile(path, text.encode()) for path, text in given.items()], limits=LIMITS).documents
        )
    except (YttError, LimitExceeded) as refused:
        return str(refused)


@pytest.mark.parametrize("kind", ["tuple", "list", "dict"])
@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("{t: 1}", id="key of a display"),
        pytest.param("{t: 1 for i in [1]}", id="key of a comprehension"),
        pytest.param("{}[t]", id="index"),
        pytest.param("{}.get(t)", id="get"),
        pytest.param("{}.pop(t, 1)", id="pop"),
        pytest.param("{}.setdefault(t, 1)", id="setdefault"),
        pytest.param("dict([(t, 1)])", id="pairs"),
        pytest.param("t in {}", id="in a dict"),
        pytest.param("t in set([1])", id="in a set"),
        pytest.param("set([t])", id="set"),
        pytest.param("t == mk()", id="equality"),
        pytest.param("sorted([t, mk()])", id="order"),
        pytest.param("'%s' % [t]", id="interpolation"),
        pytest.param("'{}'.format([t])", id="format"),
        pytest.param("json.encode(t)", id="json"),
        pytest.param("json.encode(t, indent=4)", id="json with indentation"),
        pytest.param("yaml.encode(t)", id="yaml"),
        pytest.param("toml.encode({'a': t})", id="toml"),
        pytest.param("struct.encode(t)", id="structs"),
        pytest.param("struct.decode(t)", id="plain values"),
        pytest.param("overlay.apply({'a': t}, {'a': t})", id="overlay"),
        pytest.param("overlay.subset(t)(0, t, t)", id="subset"),
        pytest.param("getattr(assert, 'equals')(t, mk())", id="assertion"),
        pytest.param("getattr(assert, 'one_of')([t]).check(t)", id="one of"),
    ],
)
@pytest.mark.timeout(20)
def test_a_value_that_holds_itself_many_times_is_not_walked_without_end(kind: str, expression: str) -> None:
    found = ended(
        f"def mk():\n  {_SHARED[kind]}\n  return t\nend\ndef f(t):\n  return {expression}\nend\nout = f(mk())"
    )
    assert len(found) < 20_000


@pytest.mark.parametrize(
    ("before", "step"),
    [
        pytest.param("d = {i + 2: 1 for i in range(20000)}\nd[1] = 1", "1 in d", id="key with a rival"),
        pytest.param("e = ('a' * 100000).elems()", "[c for c in e]", id="comprehension over a text"),
        pytest.param("e = ('a' * 100000).elems()", "any(e)", id="builtin over a text"),
        pytest.param("e = '\u00e9' * 1000000", "len(e)", id="length of a text"),
        pytest.param("e = '\u00e9' * 1000000", "e[1]", id="index of a text"),
        pytest.param("e = 'a' * 1000000", "'b' in e", id="search in a text"),
        pytest.param("e = 'a' * 1000000\nf = 'a' * 999999 + 'b'", "e == f", id="equality of texts"),
        pytest.param("e = '\u00e9' * 1000000", "e.startswith('a')", id="beginning of a text"),
        pytest.param("e = ('a',) * 20000\nd = '\u00e9' * 10000", "d.startswith(e)", id="many beginnings of a text"),
        pytest.param("e = '9' * 4000", "int(e)", id="digits"),
        pytest.param("e = (1,) * 100000", "e in {}", id="long key"),
        pytest.param("e = '{' * 1000000", "e.format()", id="braces"),
        pytest.param("e = '%%' * 1000000", "e % ()", id="signs of an interpolation"),
        pytest.param("e = 'a' * 1000000", "getattr(assert, 'try_to')(lambda: {}[e])", id="caught key"),
        pytest.param("e = 'a' * 1000000", "getattr(assert, 'try_to')(lambda: fail(e))", id="caught failure"),
        pytest.param("e = 'a' * 1000000", "getattr(assert, 'try_to')(lambda: int(e))", id="caught number"),
        pytest.param(
            "e = struct.make(**{('a%d' % i) * 20: 1 for i in range(2000)})",
            f"getattr(assert, 'try_to')(lambda: e.{'a2' * 45})",
            id="caught misspelling",
        ),
        pytest.param("e = library.get('l')", "e.eval()", id="library"),
        pytest.param("e = library.get('l')", "e.with_data_values({'a': 1})", id="values of a library"),
    ],
)
@pytest.mark.timeout(20)
def test_a_loop_of_costly_steps_ends(before: str, step: str) -> None:
    code = f"{before}\ndef f():\n  while True:\n    x = {step}\n  end\nend\nout = f()"
    assert ended(code, {"_ytt_lib/l/a.yml": "x: 1\n"}).startswith("templates ")


@pytest.mark.timeout(20)
def test_values_that_pile_up_on_the_way_to_a_library_are_counted() -> None:
    code = (
        "def f():\n  l = library.get('l')\n  while True:\n    l = l.with_data_values({'a': 1})\n  end\nend\nout = f()"
    )
    assert ended(code, {"_ytt_lib/l/a.yml": "x: 1\n"}).startswith("templates ")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        pytest.param("'%f' % (1 << 500 << 500 << 500)", "+Inf", id="an int that no float holds, in a text"),
        pytest.param("float(1 << 500 << 500 << 500) > 1.0", "true", id="an int that no float holds"),
        pytest.param("str(0x" + "f" * 4000 + ")", "invalid int literal", id="a literal of too many bits"),
        pytest.param("str(int('" + "z" * 4000 + "', 36))", "an int got bigger", id="a text of too many bits"),
    ],
)
def test_a_number_out_of_all_bounds_is_told_in_words(expression: str, said: str) -> None:
    assert said in ended(f"out = {expression}")


@pytest.mark.parametrize("key", ["True", "1", "1.0", "False", "0", "0.0"])
def test_a_bool_is_not_the_number_that_python_takes_it_for(key: str) -> None:
    same = {"1": ("1", "1.0"), "1.0": ("1", "1.0"), "0": ("0", "0.0"), "0.0": ("0", "0.0")}.get(key, (key,))
    for other in ("True", "1", "1.0", "False", "0", "0.0"):
        wanted = str(other in same).lower()
        assert ended(f"out = [{other} in {{{key}: 1}}, {other} in set([{key}])]") == f"x:\n- {wanted}\n- {wanted}\n"
