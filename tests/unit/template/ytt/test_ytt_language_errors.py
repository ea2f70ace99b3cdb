"""What is said of code that is wrong, word by word as the original says it."""

from __future__ import annotations

import pytest
from ytt_programs import STRUCT, caught, program, refusal, run, said

from packhouse.template.ytt.errors import EvalError, YttError
from packhouse.template.ytt.nodes import Source
from packhouse.template.ytt.starlark.lines import CodeLine
from packhouse.template.ytt.starlark.program import compile_program
from packhouse.template.ytt.starlark.thread import Thread


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("1 + 'a'", "unknown binary op: int + string", id="plus"),
        pytest.param("True + 1", "unknown binary op: bool + int", id="bools do not add"),
        pytest.param(
            "{} | {}", "unknown binary op: dict | dict (hint: use 'or' instead of '|' for logical-or)", id="or"),
        pytest.param("1 in 2", "unknown binary op: int in int", id="in"),
        pytest.param("1 in ''", "'in <string>' requires string as left operand, not int", id="in a text"),
        pytest.param("-''", "unknown unary op: - string", id="minus"),
        pytest.param("1 < ''", "int < string not implemented", id="order"),
        pytest.param("sorted([1, 'a', 2])", "int < string not implemented", id="order in a list"),
        pytest.param("1 // 0", "floored division by zero", id="zero"),
        pytest.param("1 << 512", "shift count too large: 512", id="shift"),
        pytest.param("'a' * (1 << 40)", "repeat count 1099511627776 too large", id="repeat"),
        pytest.param("'a' * (1 << 30)", "excessive repeat (1073741824 elements)", id="much repeat"),
        pytest.param("[][0]", "index 0 out of range: empty list", id="empty index"),
        pytest.param("'abc'[3]", "string index 3 out of range [-3:2]", id="index"),
        pytest.param("{'a': 1}['b']", 'key "b" not in dict', id="key"),
        pytest.param("{[]: 1}", "unhashable type: list", id="key that none can be"),
        pytest.param("{'a': 1, 'a': 2}", 'duplicate key: "a"', id="key twice"),
        pytest.param("None.x", "NoneType has no .x field or method", id="field"),
        pytest.param("''.uper()", "string has no .uper field or method (did you mean .upper?)", id="method"),
        pytest.param("5()", "invalid call of non-function (int)", id="call"),
        pytest.param("(lambda x: x)(1, 2)", "function lambda accepts 1 positional argument (2 given)", id="many"),
        pytest.param("(lambda x, y=1: x)()", "function lambda missing 1 argument (x)", id="few"),
        pytest.param("(lambda x: x)(1, x=2)", 'function lambda got multiple values for parameter "x"', id="twice"),
        pytest.param("(lambda x: x)(z=2)", 'function lambda got an unexpected keyword argument "z"', id="other"),
        pytest.param("(lambda: 1)(*1)", "argument after * must be iterable, not int", id="star"),
        pytest.param("(lambda: 1)(**1)", "argument after ** must be a mapping, not int", id="stars"),
        pytest.param("[x for x in 'abc']", "string value is not iterable", id="loop over a text"),
        pytest.param("[x for x, y in [1]]", "got int in sequence assignment", id="unpack"),
        pytest.param("len(1)", "len: value of type int has no len", id="len"),
        pytest.param("int('x')", "int: invalid literal with base 10: x", id="int"),
        pytest.param("list(1, 2)", "list: got 2 arguments, want at most 1", id="count of arguments"),
        pytest.param("[].append()", "append: got 0 arguments, want 1", id="of a method"),
        pytest.param("sorted([1], key=5)", 'sorted: for parameter "key": got int, want callable', id="kind"),
        pytest.param("'{.x}'.format(1)",
            "format: attribute syntax x.y is not supported in replacement fields: .x", id="format"),
        pytest.param("'%d' % 'a'", "%d format requires integer: cannot convert string to int", id="%"),
        pytest.param("fail('a', 1)", "fail: a 1", id="fail"),
        pytest.param("s.nothing", "struct has no .nothing field or method", id="field of a struct"),
        pytest.param("s['z']", 'key "z" not in struct', id="key of a struct"),
        pytest.param("given(1)", "given: it will not", id="a builtin is named"),
        pytest.param("max([1], key=lambda x: x.y)", "int has no .y field or method", id="a function is not"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named(expression: str, expected: str) -> None:
    def will_not(thread: object, value: object) -> None:
        raise EvalError("it will not")

    assert said(expression, {"s": STRUCT, "given": caught(will_not)}) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("x = true", "- undefined: true (hint: use 'True' instead of 'true' for boolean assignment)\n"
            "    a.star:1 | x = true", id="true"),
        pytest.param("if True\n  x = 1\nend", "- got newline, want ':' (hint: missing colon at the end of"
            " 'if/for/def' statement?)\n    a.star:2 |   x = 1", id="colon"),
        pytest.param("x = 1 && 2", "- got '&', want primary expression (hint: use 'and' instead of '&&' for"
            " logical-and)\n    a.star:1 | x = 1 && 2", id="double and"),
        pytest.param("x = &1", "- got '&', want primary expression\n    a.star:1 | x = &1", id="one and"),
        pytest.param("if True:\n  if True:\n  end", "- mismatched set of block openings (if/else/elif/for/def) and"
            " closing (end)\n    a.star:1 | if True:", id="end is missing"),
        pytest.param("x = 1\nend\n", "- unexpected end\n    a.star:3 | ", id="end too many"),
        pytest.param("if True:\n  pass\nend", "- use of reserved keyword 'pass' is not allowed\n"
            "    a.star:2 |   pass", id="pass"),
        pytest.param("x = a.and.b", "- use of reserved keyword 'and' is not allowed (expected identifier)\n"
            "    a.star:1 | x = a.and.b", id="keyword"),
        pytest.param("import x", "- got illegal token, want primary expression\n    a.star:1 | import x", id="import"),
        pytest.param("x = 'abc", "- unexpected EOF in string\n    a.star:1 | x = 'abc", id="open string"),
        pytest.param("x = 'abc\n", "- unexpected newline in string\n    a.star:1 | x = 'abc", id="string over lines"),
        pytest.param("x = 0755", "- obsolete form of octal literal; use 0o755\n    a.star:1 | x = 0755", id="octal"),
        pytest.param("a == b == c", "- == does not associate with == (use parens)\n"
            "    a.star:1 | a == b == c", id="chain"),
        pytest.param("x = 1,", "- unparenthesized tuple with trailing comma\n    a.star:1 | x = 1,", id="comma"),
        pytest.param("return 1", "- return statement not within a function\n    a.star:1 | return 1", id="return"),
        pytest.param("for x in []:\n  def f():\n    break\n  end\nend",
            "- break not in a loop\n    a.star:3 |     break", id="break"),
        pytest.param("f() = 1", "- can't assign to callexpr\n    a.star:1 | f() = 1", id="assignment"),
        pytest.param("def f(a, a): return 1", "- duplicate parameter: a\n"
            "    a.star:1 | def f(a, a): return 1", id="parameter"),
        pytest.param("def f(alpha): return alpah", "- undefined: alpah (did you mean alpha?)\n"
            "    a.star:1 | def f(alpha): return alpah", id="spelling"),
        pytest.param("load('x', '_y')", "- load: names with leading underscores are not exported: _y\n"
            "    a.star:1 | load('x', '_y')", id="private"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_code_is_shown_before_it_runs(code: str, expected: str) -> None:
    undefined = {"a": 1, "b": 2, "c": 3} if "a.and" not in code else {"a": 1}
    assert refusal(code, undefined if "==" in code or "a.and" in code else None) == "\n" + expected


def test_all_undefined_names_are_told_at_once() -> None:
    code = "a = one\ndef f():\n  return two + two\nend\nb = three"
    assert refusal(code).split("\n")[1::2] == ["- undefined: one", "- undefined: three", "- undefined: two"]


def test_the_chain_of_calls_leads_to_the_place() -> None:
    code = "def f(x):\n  return x.y\nend\ndef g():\n  return [\n    f(1)]\nend\nr = g()"
    assert refusal(code) == (
        "\n- int has no .y field or method\n    in f\n      a.star:2 |   return x.y\n"
        "    in g\n      a.star:6 |     f(1)]\n    in <toplevel>\n      a.star:8 | r = g()"
    )


def test_a_function_called_with_wrong_arguments_is_part_of_the_chain() -> None:
    code = "def f(a):\n\n  return a\nend\nr = f()"
    assert refusal(code) == (
        "\n- function f missing 1 argument (a)\n    in f\n      a.star:3 |   return a\n"
        "    in <toplevel>\n      a.star:5 | r = f()"
    )


def test_the_chain_goes_through_builtins_of_the_language() -> None:
    message = refusal("def f(x):\n  return x + ''\nend\nr = sorted([1], key=f)")
    assert "    in f\n      a.star:2 |   return x + ''\n    in <toplevel>" in message


def test_builtins_of_others_end_the_chain_below_them() -> None:
    names = {"given": caught(lambda thread, function: thread.call(function))}
    assert refusal("def f():\n  return 1 + ''\nend\ngiven(f)", names) == (
        "\n- given: unknown binary op: int + string\n    in <toplevel>\n      a.star:4 | given(f)"
    )


def test_more_lines_of_a_message_come_after_the_chain() -> None:
    assert refusal("fail('a\\nb')") == (
        "\n- fail: a\n    in <toplevel>\n      a.star:1 | fail('a\\nb')\n\n    reason:\n     b"
    )


def test_a_failure_of_a_file_that_is_loaded_is_told_whole() -> None:
    message = refusal('load("b", "x")', files={"b": "x = 1 + ''"})
    assert message.startswith(
        '\n- cannot load b: \n    in <toplevel>\n      a.star:1 | load("b", "x")\n\n    reason:\n'
    )
    assert "     - unknown binary op: int + string" in message


def test_a_name_that_a_file_has_not_is_told() -> None:
    message = refusal('load("b", "froze")', files={"b": "freeze = 1"})
    assert "- load: name froze not found in module b (did you mean freeze?)" in message


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("def f(): return g\nf()\ng = 1", "global variable g referenced before assignment", id="global"),
        pytest.param("def f():\n  x += 1\nend\nf()", "local variable x referenced before assignment", id="local"),
        pytest.param("def f():\n  def g(): return x\n  g()\n  x = 1\nend\nf()",
            "local variable x referenced before assignment", id="of a function around"),
    ],
)  # fmt: skip
def test_a_name_without_a_value_is_told(code: str, expected: str) -> None:
    assert refusal(code).split("\n")[1] == f"- {expected}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("x.append(1)", "append: cannot append to frozen list", id="list"),
        pytest.param("x[0] = 1", "cannot assign to element of frozen list", id="item"),
        pytest.param("y['a'] = 1", "cannot insert into frozen hash table", id="dict"),
        pytest.param("y['l'].append(1)", "append: cannot append to frozen list", id="list in a dict"),
        pytest.param("add(1)", "append: cannot append to frozen list", id="list of a function"),
        pytest.param("x += [1]", "cannot apply += to frozen list", id="extension"),
        pytest.param("kept()", "append: cannot append to frozen list", id="variable of a closure"),
    ],
)
def test_what_is_loaded_is_frozen(code: str, expected: str) -> None:
    other = (
        "x = [0]\ny = {'l': []}\ndef add(v): x.append(v)\n"
        "def make():\n  l = []\n  def f(): l.append(1)\n  return f\nend\nkept = make()"
    )
    assert f"- {expected}\n" in refusal(f'load("b", "x", "y", "add", "kept")\n{code}', files={"b": other})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("for x in l: l.append(1)", "append: cannot append to list during iteration", id="list"),
        pytest.param("r = [l.append(x) for x in l]", "append: cannot append to list during iteration", id="in a list"),
        pytest.param("for x in d: d[x] = 2", "cannot insert into hash table during iteration", id="dict"),
        pytest.param("for x in d: d.pop(x)", "pop: cannot delete from hash table during iteration", id="pop"),
    ],
)
def test_what_a_loop_runs_over_is_not_changed_by_it(code: str, expected: str) -> None:
    assert f"- {expected}\n" in refusal(f"l = [1, 2]\nd = {{1: 2}}\n{code}")


def test_a_loop_that_is_left_lets_go() -> None:
    code = "l = [1]\ndef f():\n  for x in l:\n    return x\n  end\nend\nf()\nfor x in l: break\nl.append(2)\nr = l"
    assert run(code)["r"] == [1, 2]


def test_a_failure_that_was_caught_lets_go() -> None:
    def tried(thread: Thread, function: object) -> None:
        with pytest.raises(EvalError):
            thread.call(function)

    code = "l = [1]\ndef f():\n  for x in l: x.y\nend\ntried(f)\nl.append(2)\nr = l"
    assert run(code, {"tried": caught(tried)})["r"] == [1, 2]


def test_generated_lines_are_shown_between_their_neighbours() -> None:
    source = Source("a.yml", "first\nlast")
    lines = [CodeLine("x = 1", source, 1), CodeLine("y = 1 + ''", None, 0), CodeLine("z = 1", source, 2)]
    with pytest.raises(YttError) as failure:
        compile_program("a.yml", lines, {}).run(Thread(), lambda name: {}, {})
    assert failure.value.message.endswith(
        "in <toplevel>\n      a.yml:1 | first\n      a.yml:? | y = 1 + '' (generated)\n      a.yml:2 | last"
    )


def test_a_line_of_a_source_without_name_is_shown_by_its_number() -> None:
    lines = [CodeLine("1 + ''", Source("", "  1 + ''"), 1)]
    with pytest.raises(YttError, match=r"in <toplevel>\n      1 \|   1 \+ ''"):
        compile_program("", lines, {}).run(Thread(), lambda name: {}, {})


def test_code_of_our_own_is_not_shown() -> None:
    hidden = compile_program("assert.min", [CodeLine("f = lambda x: x.y", None, 1)], {}, hidden=True)
    thread = Thread()
    f = hidden.run(thread, lambda name: {}, {})["f"]
    with pytest.raises(YttError, match=r"in lambda\n      assert.min:1 \| \(unavailable\)\n    in <toplevel>"):
        program("f(1)", {"f": f}).run(thread, lambda name: {}, {"f": f})


def test_a_program_runs_again_from_the_beginning() -> None:
    kept = program("l = [1]\nl.append(2)")
    for _ in range(2):
        assert kept.run(Thread(), lambda name: {}, {})["l"] == [1, 2]


def test_its_code_can_be_kept_as_bytes() -> None:
    import marshal

    assert marshal.loads(marshal.dumps(program("x = [i for i in 'a'.elems()]").code))
