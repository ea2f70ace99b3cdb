"""Code in comments cannot reach the instructions that a compiled template is made of, nor leave Python's own errors."""

from __future__ import annotations

import pytest
from ytt_template_runs import document_of, evaluate, text_template, yaml_template

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.starlark.instructions import PREFIX

TEXTED = "#@yaml/text-templated-strings\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a: #@ {PREFIX}start_node(1)\n", id="value"),
        pytest.param(f"#@ x = {PREFIX}start_node\na: #@ x\n", id="code"),
        pytest.param(f"#@a {PREFIX}collect_node_annotation()\na: 1\n", id="annotation"),
        pytest.param(f"{TEXTED}a: (@= {PREFIX}end_ctx() @)\n", id="string"),
        pytest.param(f"{TEXTED}(@ {PREFIX}end_ctx() @): 1\n", id="key"),
        pytest.param(f'{TEXTED}a: "(@= \\x5f{PREFIX[1:]}end_ctx() @)"\n', id="string with an escape"),
        pytest.param(f'{TEXTED}a: "(@\\n\\u005f{PREFIX[1:]}end_ctx()\\n@)"\n', id="code of a string with an escape"),
        pytest.param(f"#@ load('x', '{PREFIX}end_ctx')\na: #@ 1\n", id="name to load"),
    ],
)
def test_no_yaml_spells_an_instruction(text: str) -> None:
    with pytest.raises(YttError):
        evaluate(yaml_template(text))


def test_no_text_spells_an_instruction() -> None:
    with pytest.raises(YttError):
        evaluate(text_template(f"(@= {PREFIX}end_ctx() @)"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: #@ 1), (2\n", id="a value of two"),
        pytest.param("a: #@ 1), value=(2\n", id="a value with a name"),
        pytest.param("a: #@ *[1, 2]\n", id="a value that is spread"),
        pytest.param("a: #@ **{'number': 1}\n", id="a value with names that are spread"),
        pytest.param("a: #@ 1)) if False else ((2\n", id="a condition around the call"),
        pytest.param("a: #@ 1); b = (2\n", id="two statements"),
        pytest.param("#@a 1), (2\na: 1\n", id="an annotation of two"),
        pytest.param("#@a 1), index=(2\na: 1\n", id="an annotation with a name"),
        pytest.param("#@a ) and 5 or (7\na: 1\n", id="an annotation that is a number"),
        pytest.param("#@a ) and [1] or (7\na: 1\n", id="an annotation that is a list"),
        pytest.param("#@a ) and ((1,), 5) or (7\na: 1\n", id="an annotation of no pairs"),
        pytest.param("#@a ) and ((1,), (5, 6, 7)) or (7\na: 1\n", id="an annotation of triples"),
        pytest.param("#@a ) and () or (7\na: 1\n", id="an annotation of nothing"),
        pytest.param("#@a **{'a b': 1}\na: 1\n", id="an annotation with odd names"),
        pytest.param("#@a **{1: 1}\na: 1\n", id="an annotation with names that are no text"),
        pytest.param('#@a",5,"b 1\na: 1\n', id="a name with quotes"),
        pytest.param("#@ end\na: #@ 1\n", id="an end alone"),
        pytest.param("a: 1\n#@ return 5\nb: #@ 1\n", id="a return alone"),
        pytest.param(f"{TEXTED}a: '(@ def f(): @)'\nb: x\n#@ end\nc: #@ f()\n", id="a text function that ends in YAML"),
        pytest.param(f"{TEXTED}a: '(@ if True: @)x'\nb: y\n#@ end\n", id="a text block that ends in YAML"),
        pytest.param(
            "#@ load('@ytt:template', 'template')\n#@ template.replace([1])\na: #@ 1\n", id="a replacement of nothing"
        ),
        pytest.param(
            "#@ load('@ytt:template', 'template')\n#@ def f():\n#@ template.replace([1])\n#@ end\na: #@ f()\n",
            id="a replacement inside of a function",
        ),
        pytest.param(
            "#@ load('@ytt:template', 'template')\na: #@ [template.replace({})]\n", id="a replacement in a list"
        ),
        pytest.param("a:\n  #@ def f():\n  b: 1\nc: 2\n  #@ end\nd: #@ f()\n", id="a function over depths"),
    ],
)
def test_brackets_and_blocks_of_code_leave_no_error_of_python(text: str) -> None:
    try:
        document_of(text)
    except YttError:
        return


def test_a_value_of_two_is_the_first_one() -> None:
    assert document_of("a: #@ 1), (2\n") == {"a": 1}
