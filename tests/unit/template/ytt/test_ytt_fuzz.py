"""Any text is answered: by a message of ours, or by values of the language."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ytt_escapes import attempt, harmless

from packhouse.template.ytt.starlark.thread import LanguageLimits

LIMITS = LanguageLimits(steps=5_000, weight=200_000)
TIMED = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_PLAIN_WORDS = """
    if else elif end for in while def return break continue load lambda and or not pass x y f g r len range list dict
    sorted str struct module foreign opaque None True __class__ __builtins__ append format join items import class
    = == != < > <= >= + - * / // % | & ^ << >> ~ ** += -= , . ; : ( ) [ ] { } 0 1 2.5 1e9 0x1 'a' "b" r'c' '''d'''
    '%s' '{}' \\ # @ ! ? $ ` é '{0.__class__}'.format(x) f(x) x[0]
"""
WORDS = st.sampled_from([*_PLAIN_WORDS.split(), "\n", "\n", "\n", ":\n", ":\n", "end\n", "x = ", "\\\n", "\t", "\x00"])

NAMES = st.sampled_from(["x", "y", "f", "r", "len", "struct", "module", "foreign"])
ATOMS = st.one_of(
    NAMES,
    st.integers(-5, 5).map(str),
    st.sampled_from(["'a'", "'%s'", "'{}'", "[]", "{}", "()", "None", "True", "1.5", "range(3)", "set([1])"]),
)


_OPERATORS = "+ - * / // % | & ^ << >> == != < > <= >= in and or"


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from([*_OPERATORS.split(), "not in"])
    fields = st.sampled_from(["upper", "append", "items", "get", "format", "a", "f", "__class__", "keys", "join"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, fields).map(lambda t: f"{t[0]}.{t[1]}"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]}[{t[1]}:{t[2]}]"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]} for x in {t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{{{t[0]}: {t[1]}}}"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda t: f"(lambda x: {t})"),
        inner.map(lambda t: f"f(*{t}, **{t})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=12)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    blocks = st.lists(inner, max_size=3).map("\n".join)
    return st.one_of(
        st.tuples(EXPRESSIONS, blocks, blocks).map(lambda t: f"if {t[0]}:\n{t[1]}\nelse:\n{t[2]}\nend"),
        st.tuples(EXPRESSIONS, blocks).map(lambda t: f"for x in {t[0]}:\n{t[1]}\nend"),
        st.tuples(EXPRESSIONS, blocks).map(lambda t: f"while {t[0]}:\n{t[1]}\nbreak\nend"),
        st.tuples(EXPRESSIONS, blocks, EXPRESSIONS).map(lambda t: f"def f(x, y={t[0]}):\n{t[1]}\nreturn {t[2]}\nend"),
    )


STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS,
        st.tuples(NAMES, st.sampled_from(["=", "+=", "*=", "//="]), EXPRESSIONS).map(" ".join),
        st.tuples(EXPRESSIONS, EXPRESSIONS).map(lambda t: f"{t[0]} = {t[1]}"),
    ),
    _nested,
    max_leaves=8,
)


@TIMED
@given(st.text(max_size=80))
def test_any_text_is_answered(code: str) -> None:
    assert harmless(attempt(code, LIMITS))


@TIMED
@given(st.lists(WORDS, max_size=30).map(" ".join))
def test_any_row_of_words_is_answered(code: str) -> None:
    assert harmless(attempt(code, LIMITS))


@TIMED
@given(st.lists(STATEMENTS, min_size=1, max_size=4).map("\n".join))
def test_any_program_is_answered(code: str) -> None:
    before = "x = [1, 'a']\ny = {'a': 1}\nr = 0\ndef f(*a, **k): return a\n"
    assert harmless(attempt(before + code, LIMITS))
