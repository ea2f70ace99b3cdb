"""Probes of hostile code: nothing of Python may be reached, and nothing may be taken without end.

Each probe either fails with a message or gives a plain value of the language; none may give an object of Python, raise
one of its own exceptions, or run for long.
"""

from __future__ import annotations

from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest
from ytt_programs import STRUCT, run

from packhouse.template.ytt.errors import EvalError, LimitExceeded, YttError
from packhouse.template.ytt.starlark.thread import LanguageLimits
from packhouse.template.ytt.values import Builtin, Module, Opaque

FOREIGN = (type, ModuleType, CodeType, FrameType, MethodType, BuiltinFunctionType, BaseException)

_ATTRIBUTES = """
    __class__ __dict__ __globals__ __code__ __closure__ __defaults__ __builtins__ __import__ __subclasses__ __mro__
    __bases__ __init__ __reduce__ __getattribute__ __self__ __func__ __module__ __name__ __doc__ gi_frame f_globals
    tb_frame cr_frame run fields _fields name mro format_map encode mutable_fields receiver type_name
"""

_VALUES = {
    "text": "'a'",
    "list": "[]",
    "dict": "{}",
    "tuple": "()",
    "set": "set()",
    "int": "1",
    "float": "1.5",
    "bool": "True",
    "None": "None",
    "range": "range(3)",
    "elements": "'a'.elems()",
    "builtin": "len",
    "method": "'a'.upper",
    "lambda": "(lambda: 1)",
    "struct": "struct",
    "module": "module",
    "opaque": "opaque",
    "foreign builtin": "foreign",
}


def _answer(thread: Any, args: Any, kwargs: Any) -> Any:
    if not args:
        raise EvalError("nothing given")
    return args[0]


def attempt(code: str, limits: LanguageLimits | None = None) -> object:
    """What a probe got, or its message. Anything but an error of ours ends the test."""
    names = {
        "struct": STRUCT,
        "module": Module("m", {"f": Builtin("m.f", _answer)}),
        "opaque": Opaque("@ytt:x.value", "text", {"string": Builtin("string", _answer)}),
        "foreign": Builtin("foreign", _answer),
    }
    try:
        return run(code, names, limits=limits or LanguageLimits(steps=200_000, weight=4_000_000)).get("r")
    except (YttError, LimitExceeded) as refused:
        return str(refused)


def harmless(found: object) -> bool:
    if isinstance(found, list | tuple | set):
        return all(map(harmless, found))
    if isinstance(found, dict):
        return all(harmless(key) and harmless(item) for key, item in found.items())
    return not isinstance(found, FOREIGN)


@pytest.mark.parametrize("expression", [pytest.param(code, id=name) for name, code in _VALUES.items()])
def test_no_attribute_of_python_is_a_field(expression: str) -> None:
    for name in _ATTRIBUTES.split():
        for code in (f"({expression}).{name}", f"getattr({expression}, '{name}')"):
            found = attempt(f"r = {code}")
            assert isinstance(found, str), code
            assert " has no ." in found, code
        assert attempt(f"r = hasattr({expression}, '{name}')") is False


@pytest.mark.parametrize("expression", [pytest.param(code, id=name) for name, code in _VALUES.items()])
def test_no_attribute_of_python_is_listed_called_or_set(expression: str) -> None:
    listed = attempt(f"r = dir({expression})")
    assert isinstance(listed, list)
    assert not any(name.startswith("_") for name in listed)
    for name in ("__class__", "__call__", "__init_subclass__"):
        assert " has no ." in str(attempt(f"r = ({expression}).{name}()"))
        assert "can't assign to" in str(attempt(f"x = {expression}\nx.{name} = 1"))
        assert "can't assign to" in str(attempt(f"x = {expression}\nx.{name} += 1")) or " has no ." in str(
            attempt(f"x = {expression}\nx.{name} += 1")
        )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("r = __import__('os')", id="import function"),
        pytest.param("import os", id="import"),
        pytest.param("from os import system", id="import from"),
        pytest.param("r = eval('1')", id="eval"),
        pytest.param("r = exec('1')", id="exec"),
        pytest.param("r = open('/etc/passwd')", id="open"),
        pytest.param("r = compile('1', '', 'eval')", id="compile"),
        pytest.param("r = globals()", id="globals"),
        pytest.param("r = locals()", id="locals"),
        pytest.param("r = vars()", id="vars"),
        pytest.param("r = super()", id="super"),
        pytest.param("r = object()", id="object"),
        pytest.param("r = type('X', (), {})", id="class by type"),
        pytest.param("class X: x", id="class"),
        pytest.param("r = type(type(1))", id="type of a type"),
        pytest.param("r = str(type(1)).__class__", id="class of a text"),
        pytest.param("r = '{0.__class__}'.format(1)", id="attribute in a format"),
        pytest.param("r = '{0[__class__]}'.format({})", id="item in a format"),
        pytest.param("r = '{a.__init__.__globals__}'.format(a=foreign)", id="globals in a format"),
        pytest.param("r = '{0:{0.__class__}}'.format(1)", id="attribute in the spec of a format"),
        pytest.param("r = '{!a}'.format(1)", id="conversion in a format"),
        pytest.param("r = '%(__class__)s' % struct", id="attribute in an interpolation"),
        pytest.param("r = '%(x)s' % foreign", id="interpolation of a builtin"),
        pytest.param("r = '%.9999999999s' % 'a'", id="precision"),
        pytest.param("r = '%99999999999d' % 1", id="width"),
        pytest.param("r = '%*d' % (9, 1)", id="width from arguments"),
        pytest.param("r = f'{1}'", id="f-string"),
        pytest.param("r = (x for x in [1])", id="generator"),
        pytest.param("def f():\n  yield 1\nend\nr = f()", id="yield"),
        pytest.param("r = (yield)", id="yield expression"),
        pytest.param("async def f(): return 1", id="async"),
        pytest.param("r = await x", id="await"),
        pytest.param("try:\n  x\nexcept Exception as e:\n  r = e\nend", id="exception object"),
        pytest.param("raise 1", id="raise"),
        pytest.param("with x as y: r = y", id="with"),
        pytest.param("assert(1)\nr = assert", id="assert"),
        pytest.param("global x", id="global"),
        pytest.param("nonlocal x", id="nonlocal"),
        pytest.param("del r", id="del"),
        pytest.param("@foreign\ndef f(): return 1", id="decorator"),
        pytest.param("r = (y := 1)", id="walrus"),
        pytest.param("r: int = 1", id="annotation"),
        pytest.param("r = 1 if 2 is 2 else 3", id="is"),
        pytest.param("r = [*[1]]", id="star in a list"),
        pytest.param("r = {**{}}", id="stars in a dict"),
        pytest.param("r = 2 ** 99", id="power"),
        pytest.param("r = a @ b", id="matrix product"),
        pytest.param("r = ...", id="ellipsis"),
        pytest.param("r = [][...]", id="ellipsis as index"),
        pytest.param("match 1:\n  case 1: r = 1\nend", id="match"),
        pytest.param("r = lambda: (yield)", id="yield in a lambda"),
        pytest.param("r = [x for x in [1]].gi_frame", id="frame of a comprehension"),
        pytest.param("r = __builtins__", id="builtins"),
        pytest.param("__builtins__ = {'len': 1}\nr = len([1])", id="builtins replaced"),
        pytest.param("r = __name__", id="module name"),
        pytest.param("r = __class__", id="class cell"),
        pytest.param("def f(__class__): return __class__\nr = f(1)", id="class cell as parameter"),
        pytest.param("r = __debug__", id="debug"),
        pytest.param("r = .call", id="helper"),
        pytest.param("load('x', 'p.call')\nr = 1", id="helper loaded"),
        pytest.param("load('x', '.call')\nr = 1", id="helper loaded by its own name"),
        pytest.param("load('x', a='\\x00')", id="name that is none"),
        pytest.param("r = __ytt_tpl1_start_node(1)", id="instruction"),
        pytest.param("r = __ytt_tpl1_end_ctx", id="instruction as a value"),
        pytest.param("load('../../etc/passwd', 'x')", id="load of a path"),
        pytest.param("r = foreign(**{'__class__': 1})", id="keyword of Python"),
        pytest.param("r = (lambda **k: k)(**{'self': 1, 'function': 2, 'thread': 3})", id="keywords of helpers"),
        pytest.param("r = 'a'.format(self=1, thread=2, name=3, x=4)", id="keywords of a method"),
        pytest.param("r = struct.a(thread=1, name=2, x=3)", id="keywords of a field"),
        pytest.param("r = (lambda f, *a: f(*a))(len, [1])", id="builtin as a value"),
        pytest.param("r = getattr(getattr('a', 'upper'), 'run', 'none')", id="run of a method"),
        pytest.param("r = {len: 1}[len]", id="builtin as a key"),
        pytest.param("r = hash(len)", id="hash of a builtin"),
        pytest.param("r = sorted([len, len])", id="order of builtins"),
        pytest.param("r = 'a'.join([len])", id="join of builtins"),
        pytest.param("r = [].sort(key=foreign)", id="method of Python's lists"),
        pytest.param("r = {}.fromkeys([1])", id="method of Python's dicts"),
        pytest.param("r = 'a'.encode('idna')", id="method of Python's texts"),
        pytest.param("r = (1).bit_length()", id="method of Python's ints"),
        pytest.param("r = set().add(1)", id="method of Python's sets"),
        pytest.param("r = 'x'.translate({})", id="translate"),
        pytest.param("r = '\\N{DIGIT ONE}'", id="named letter"),
        pytest.param("r = 'a' 'b'", id="texts side by side"),
        pytest.param("r = b'a'", id="bytes"),
        pytest.param("r = 1j", id="imaginary"),
        pytest.param("r = \u200b1", id="white space that cannot be seen"),
        pytest.param("r = \ud800", id="half of a letter"),
        pytest.param("r = '\x00'", id="zero in a text"),
        pytest.param("\x00 = 1", id="zero as a name"),
        pytest.param("\u017f = 1\nr = s", id="name that Python would take for another"),
    ],
)
def test_nothing_of_python_is_reached(code: str) -> None:
    assert harmless(attempt(code)), code


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: x = 1", id="endless loop"),
        pytest.param("r = 0\nwhile r >= 0: r += 1", id="endless count"),
        pytest.param("for i in range(2000000000): x = i", id="long range"),
        pytest.param("r = [1 for i in range(60000) for j in range(60000)]", id="loops in loops"),
        pytest.param("def f(): return f()\nf()", id="endless recursion"),
        pytest.param("f = lambda g: g(g)\nf(f)", id="recursion without a name"),
        pytest.param("def f(x): return sorted([x], key=f)\nf(1)", id="recursion through a builtin"),
        pytest.param("def f(n):\n  if n == 0: return 1\n  return f(n-1) + f(n-1)\nend\nf(40)", id="tree of calls"),
        pytest.param("r = 'a'\nwhile True: r = r + r", id="text that doubles"),
        pytest.param("r = [1]\nwhile True: r = r + r", id="list that doubles"),
        pytest.param("r = [1]\nwhile True: r += r", id="list that doubles in place"),
        pytest.param("r = [1]\nwhile True: r.extend(r)", id="list that extends itself"),
        pytest.param("r = 'a' * 1000000000", id="long text"),
        pytest.param("r = [0] * 1000000000", id="long list"),
        pytest.param("r = (0,) * 1000000000", id="long tuple"),
        pytest.param("r = 2\nwhile True: r = r * r", id="big int"),
        pytest.param("r = 1\nwhile True: r = r << 511", id="shifted int"),
        pytest.param("r = int('9' * 100000)", id="int of many digits"),
        pytest.param("r = list(range(2000000000))", id="list of a range"),
        pytest.param("r = ','.join(range(2000000000))", id="join of a range"),
        pytest.param("r = sorted(range(2000000000))", id="sort of a range"),
        pytest.param("r = set(range(2000000000))", id="set of a range"),
        pytest.param("r = max(range(2000000000))", id="greatest of a range"),
        pytest.param("r = zip(range(2000000000))", id="zip of a range"),
        pytest.param("r = enumerate(range(2000000000))", id="numbers of a range"),
        pytest.param("r = (lambda *a: 1)(*range(2000000000))", id="range as arguments"),
        pytest.param("a, b = range(2000000000)", id="range to two names"),
        pytest.param("r = set().union(range(2000000000))", id="range in a set"),
        pytest.param("r = []\nr.extend(range(2000000000))", id="range in a list"),
        pytest.param("r = any(range(1, 2000000000))", id="any of a range"),
        pytest.param("l = []\nfor i in range(60): l = [l, l]\nr = str(l)", id="list of lists as a text"),
        pytest.param("l = []\nfor i in range(60): l = [l, l]\nr = '%s' % l", id="list of lists in a text"),
        pytest.param(
            "a = [0] * 500\nfor i in range(8): a = [a] * 500\nb = a[:]\nr = a == b", id="equal lists of lists"
        ),
        pytest.param("l = []\nfor i in range(100000): l = [l]\nr = str(l)", id="deep list as a text"),
        pytest.param("r = 'a'.replace('', 'b' * 1000000).replace('', 'c' * 1000000)", id="replace"),
        pytest.param("r = ('a' * 1000000).replace('a', 'b' * 1000000)", id="replace of all"),
        pytest.param("r = '{0}{0}{0}{0}{0}{0}{0}{0}'.format('a' * 1000000)", id="format"),
        pytest.param("r = ('%s' * 1000) % tuple(['a' * 100000] * 1000)", id="interpolation"),
        pytest.param("r = {}\nfor i in range(1000000): r[i] = i", id="big dict"),
        pytest.param("x = 'a' * 1000000\nfor i in range(10000): y = x.count('aa')", id="search again and again"),
        pytest.param("x = [0] * 100000\nfor i in range(100000): y = 1 in x", id="look up again and again"),
        pytest.param("x = [0] * 100000\nfor i in range(100000): x[:]", id="cut again and again"),
    ],
)
@pytest.mark.timeout(20)
def test_nothing_is_taken_without_end(code: str) -> None:
    found = attempt(code)
    assert isinstance(found, str), code


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("r = " + "(" * 5000 + "1" + ")" * 5000, id="parentheses"),
        pytest.param("r = " + "[" * 5000 + "]" * 5000, id="lists"),
        pytest.param("r = " + "{1:" * 5000 + "1" + "}" * 5000, id="dicts"),
        pytest.param("r = " + "-" * 5000 + "1", id="signs"),
        pytest.param("r = " + "not " * 5000 + "1", id="not"),
        pytest.param("r = " + "lambda: " * 5000 + "1", id="lambdas"),
        pytest.param("r = " + "1 if 1 else " * 5000 + "1", id="conditions"),
        pytest.param("r = " + "1 + " * 50000 + "1", id="sums"),
        pytest.param("r = " + "1 and " * 50000 + "1", id="ands"),
        pytest.param("r = x" + ".a" * 50000 + "\nx = 1", id="fields"),
        pytest.param("r = x" + "[0]" * 50000 + "\nx = 1", id="items"),
        pytest.param("r = x" + "()" * 50000 + "\nx = 1", id="calls"),
        pytest.param("r = " + "f(" * 5000 + ")" * 5000, id="calls in calls"),
        pytest.param("if 1:\n" * 5000 + "end\n" * 5000, id="blocks"),
        pytest.param("for x in [1]:\n" * 30 + "r = 1\n" + "end\n" * 30, id="loops"),
        pytest.param("def f():\n" * 30 + "r = 1\n" + "end\n" * 30, id="functions"),
        pytest.param("if 1:\nr = 1\n" + "elif 2:\nr = 2\n" * 20000 + "end", id="elif"),
        pytest.param("r = [" + "x for x in " * 3000 + "[1]]", id="comprehensions"),
        pytest.param("r = [x " + "for x in [1] " * 3000 + "]", id="clauses"),
        pytest.param("r = '" + "a" * 1_000_000, id="open text"),
        pytest.param("r = " + '"""' * 9999, id="quotes"),
        pytest.param("r = " + "\\\n" * 20000 + "1", id="lines that go on"),
        pytest.param("x = " * 5000 + "1", id="assignments"),
        pytest.param("(" * 40 + "a" + ",)" * 40 + " = 1", id="targets in targets"),
    ],
)
@pytest.mark.timeout(20)
def test_no_code_is_too_deep_or_too_long_to_be_answered(code: str) -> None:
    found = attempt(code)
    assert isinstance(found, str | int | list | None)


def test_a_function_of_a_template_is_the_only_function_that_a_program_leaves() -> None:
    left = run("def f(): return 1\ng = lambda: 1\nh = len\ni = ''.upper")
    assert {type(value) for value in left.values()} >= {FunctionType}
    assert not any(isinstance(value, FOREIGN) for value in left.values())


def test_a_panic_of_a_builtin_is_an_error_of_the_template() -> None:
    def panics(thread: Any, args: Any, kwargs: Any) -> Any:
        raise KeyError("inside")

    with pytest.raises(YttError, match=r"- panics: \(p\) 'inside'"):
        run("panics()", {"panics": Builtin("panics", panics)})
