"""What expressions give, where Starlark differs from Python and where it does not."""

from __future__ import annotations

import pytest
from ytt_programs import STRUCT, program, run, value

from packhouse.template.ytt.nodes import Array, ArrayItem, Map, MapItem
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Fragment, Module

MAP = Fragment(Map([MapItem("a", 1), MapItem("b", Array([ArrayItem("x")]))]))
ARRAY = Fragment(Array([ArrayItem("x"), ArrayItem(None)]))
EMPTY = Fragment(None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("True == 1", "False", id="a bool is no number"),
        pytest.param("[True, 0] == [1, False]", "False", id="neither in lists"),
        pytest.param("1 == 1.0", "True", id="an int may be a float"),
        pytest.param("1 in [True]", "False", id="membership keeps them apart"),
        pytest.param("{1: 2}.get(True)", "None", id="keys keep them apart"),
        pytest.param("{1: 2}[1.0]", "2", id="a float finds an int"),
        pytest.param("None < None", "False", id="None has an order with itself"),
        pytest.param("(1, [2]) < (1, [3])", "True", id="containers are ordered item by item"),
        pytest.param("-7 // 2", "-4", id="division goes down"),
        pytest.param("-7 % 3", "2", id="the rest has the sign of the divisor"),
        pytest.param("-5.5 % 3", "-2.5", id="of floats it has that of the dividend"),
        pytest.param("7 / 2", "3.5", id="division gives a float"),
        pytest.param("[1.0, 1e6, 0.1 + 0.2, 1e16]", "[1, 1e+06, 0.3, 1e+16]", id="floats have six digits"),
        pytest.param("(1 << 70) + 1", "1180591620717411303425", id="ints are big"),
        pytest.param("1 and 2 or 3", "2", id="and or give operands"),
        pytest.param("'a' if [] else 'b'", '"b"', id="what is empty is false"),
        pytest.param("3 * 'ab' + 'c'", '"abababc"', id="texts repeat"),
        pytest.param("~5 & 12 | 1 ^ 2", "11", id="bits"),
        pytest.param("1 if True else 1 // 0", "1", id="what is not asked is not computed"),
        pytest.param("len('héllo')", "6", id="a text counts bytes"),
        pytest.param("'héllo'[1:3] + 'x'", '"éx"', id="a text is cut by bytes"),
        pytest.param("'é'[0]", '"\\xc3"', id="half of a letter is a byte"),
        pytest.param("'\\xc3' + '\\xa9'", '"é"', id="bytes come together"),
        pytest.param("'a\\d\\n\\x41\\101\\''", '"a\\\\d\\nAA\'"', id="only known escapes are ones"),
        pytest.param("r'\\n'", '"\\\\n"', id="raw texts"),
        pytest.param("[x * y for x in [1, 2] for y in [3, 4] if x != y]", "[3, 4, 6, 8]", id="comprehension"),
        pytest.param("{k: v for k, v in [('a', 1)]}", '{"a": 1}', id="comprehension of a dict"),
        pytest.param("[a + c for a, (b, c) in [(1, (2, 3))]]", "[4]", id="names in names"),
        pytest.param("[x for x in range(9)][1:-1:3]", "[1, 4, 7]", id="slices"),
        pytest.param("range(10)[2:8:2]", "range(2, 8, 2)", id="a slice of a range is one"),
        pytest.param("set([3, 1, 3, 2]) | set([0])", "set([3, 1, 2, 0])", id="sets keep their order"),
        pytest.param("set([1, 2, 3]) & set([3, 2]) ^ set([9])", "set([3, 2, 9])", id="sets meet"),
        pytest.param("sorted(['b', 'a', 'C'], key=lambda s: s.lower(), reverse=True)", '["C", "b", "a"]', id="sorted"),
        pytest.param("[type(x) for x in [1, '', None, {}, set(), len, ''.upper, range(1)]]",
            '["int", "string", "NoneType", "dict", "set", "builtin_function_or_method",'
            ' "builtin_function_or_method", "range"]', id="types"),
        pytest.param("[str(len), str(''.upper), str(lambda: 1)]",
            '["<built-in function len>", "<built-in method upper of string value>", "<function lambda>"]', id="names"),
        pytest.param("'%s %r %d %x %c %%' % ('a', 'a', 3.9, 255, 65)", '"a \\"a\\" 3 ff A %"', id="interpolation"),
        pytest.param("'%(a)s%(b)d' % {'a': 1, 'b': 2}", '"12"', id="interpolation by name"),
        pytest.param("'{} {b!r} {{}}'.format(1, b='x')", '"1 \\"x\\" {}"', id="format"),
        pytest.param("'a,b,c'.rsplit(',', 1) + ' a  b '.split()", '["a,b", "c", "a", "b"]', id="split"),
        pytest.param("'ǅ ß'.upper() + 'ab cd'.title()", '"Ǆ ßAb Cd"', id="letters stay single"),
        pytest.param("'ab'.elems()", '"ab".elems()', id="elements are written as they were asked for"),
        pytest.param("list('é'.codepoint_ords()) + list('é'.elem_ords())", "[233, 195, 169]", id="codes"),
        pytest.param("int('-0xff', 16) + int('0b11', 0) + int(-3.7)", "-255", id="ints of texts"),
        pytest.param("hash('日本')", "835047", id="hash of Java"),
        pytest.param("dict([('a', 1)], b=2)", '{"a": 1, "b": 2}', id="dict"),
        pytest.param("zip([1, 2], 'ab'.elems())", '[(1, "a"), (2, "b")]', id="zip"),
        pytest.param("[getattr('', 'nothing', 1), hasattr([], 'append')]", "[1, True]", id="getattr"),
    ],
)  # fmt: skip
def test_an_expression_has_its_value(expression: str, expected: str) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("s.a + s['a']", "2", id="fields by name and key"),
        pytest.param("[len(s), 'a' in s, 'z' in s, bool(s.b)]", "[3, True, False, False]", id="a struct is a mapping"),
        pytest.param("[k for k in s] + dir(s)", '["a", "b", "list", "a", "b", "list"]', id="its keys"),
        pytest.param("dict(**s.b)", "{}", id="as arguments"),
        pytest.param("[str(s), type(s), getattr(s, 'a')]", '["struct(...)", "struct", 1]', id="its name"),
        pytest.param("s == s and s.b != s", "True", id="it is itself"),
        pytest.param("[m['a'], m['b'][0], len(m), 'a' in m]", '[1, "x", 2, True]', id="a map of YAML"),
        pytest.param("[k for k in m]", '["a", "b"]', id="its keys in their order"),
        pytest.param("dict(**{k: 1 for k in m})", '{"a": 1, "b": 1}', id="into a dict"),
        pytest.param("dict(**e)", "{}", id="nothing as arguments"),
        pytest.param("[x for x in y] + [y[0], len(y)]", '["x", None, "x", 2]', id="an array of YAML"),
        pytest.param("[1 if e else 0, len(e), 'a' in e, [x for x in e]]", "[0, 0, False, []]", id="nothing of YAML"),
        pytest.param("[type(m), str(m)]", '["yamlfragment", "yamlfragment(*yamlmeta.Map)"]', id="fragments by name"),
        pytest.param("str(module)", '"<module \\"some\\">"', id="a module"),
    ],
)
def test_values_of_other_rooms_have_their_ways(expression: str, expected: str) -> None:
    names = {"s": STRUCT, "m": MAP, "y": ARRAY, "e": EMPTY, "module": Module("some", {"x": 1})}
    assert value(expression, names) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("r = 0\nif True:\nr = 1\nelif r:\nr = 2\nelse:\nr = 3\nend", 1, id="indentation means nothing"),
        pytest.param("def f():\nend\nr = f()", None, id="an empty block"),
        pytest.param("def f(): return 1\nr = f()", 1, id="a block in its line"),
        pytest.param("r = 0\nwhile True:\n  r += 1\n  if r == 3: break\nend", 3, id="while"),
        pytest.param("r = []\nfor i in range(5):\n  if i % 2: continue\n  r += [i]\nend", [0, 2, 4], id="for"),
        pytest.param("def f(n): return 1 if n < 2 else n * f(n - 1)\nr = f(20)", 2432902008176640000, id="recursion"),
        pytest.param("def f(n): return n if n == 0 else f(n - 1)\nr = f(900)", 0, id="deep recursion"),
        pytest.param("def f(a, b=2, *c, d, e=5, **g): return [a, b, c, d, e, g]\nr = f(1, d=4, h=6)",
            [1, 2, (), 4, 5, {"h": 6}], id="parameters of all kinds"),
        pytest.param("f = lambda *a, **k: [a, k]\nr = f(1, *[2], x=3, **{'y': 4})",
            [(1, 2), {"x": 3, "y": 4}], id="stars"),
        pytest.param("def f():\n  x = 1\n  def g(): return x\n  x = 2\n  return g\nend\nr = f()()", 2, id="closures"),
        pytest.param("x = [1]\ny = x\ny += [2]\nr = x", [1, 2], id="lists are extended in place"),
        pytest.param("x = (1,)\ny = x\ny += (2,)\nr = x", (1,), id="tuples are not"),
        pytest.param("x = {'a': [0]}\nx['a'][0] += 5\nx['b'], (c, d) = 1, [2, 3]\nr = [x, c, d]",
            [{"a": [5], "b": 1}, 2, 3], id="assignment to parts"),
        pytest.param("len = 5\nr = len", 5, id="builtins may be hidden"),
        pytest.param("r = len([])\nlen = 5", 0, id="and are there before"),
        pytest.param("True = 5\nNone = 6\nr = [True, None]", [5, 6], id="even these"),
        pytest.param("def f(True): return True\nr = f(3)", 3, id="as parameters, too"),
        pytest.param("__builtins__ = 1\n__debug__ = 2\nr = [__builtins__, __debug__]", [1, 2], id="Python's own names"),
        pytest.param("def f(): return x\nx = 1\nr = f()", 1, id="a global may come later"),
        pytest.param("a = 1; b = 2; r = [a, b]", [1, 2], id="semicolons"),
        pytest.param("r = [\n1,\n# words\n2,\n]", [1, 2], id="brackets go over lines"),
        pytest.param('r = "a\\\n   b"', "a   b", id="a line that goes on keeps its indentation"),
        pytest.param('r = """a\n   b"""', "a\nb", id="others lose it"),
        pytest.param("assert = 1\nasync = 2\nr = assert + async", 3, id="keywords of Python alone are names"),
        pytest.param("é = 1\nr = é", 1, id="names have all letters"),
    ],
)  # fmt: skip
def test_a_program_leaves_its_globals(code: str, expected: object) -> None:
    assert run(code)["r"] == expected


def test_names_with_a_bar_in_front_are_not_given_to_others() -> None:
    assert run("_a = 1\nb = _a") == {"b": 1}


def test_loaded_names_are_not_given_on() -> None:
    assert run('load("b", "x", y="x")\nz = x + y', files={"b": "x = 1"}) == {"z": 2}


def test_printing_goes_to_who_asked_for_it() -> None:
    lines: list[str] = []
    program("print(1, 'a', sep='-')").run(Thread(printed=lines.append), lambda name: {}, {})
    assert lines == ["1-a"]
