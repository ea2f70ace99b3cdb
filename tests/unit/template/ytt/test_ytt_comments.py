"""What the comments of a node ask for. Nothing is faked: nodes are made by hand."""

from __future__ import annotations

import pytest

from packhouse.template.ytt.compile.comments import CODE, NOTHING, VALUE, annotation_name, has_templating, read_wishes
from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Comment, Document, DocumentSet, Map, MapItem, Source

SOURCE = Source("a.yml", "")


def item(*comments: str, value: object = None, line: int = 9) -> MapItem:
    """An item on line 9; each comment has the line that stands before its text, "8:@ if x:"."""
    made = []
    for comment in comments:
        number, _, text = comment.partition(":")
        made.append(Comment(text, int(number)))
    return MapItem("key", value, SOURCE, line, tuple(made))


def test_code_is_a_value_on_the_line_of_its_node_and_a_step_above_it() -> None:
    wishes = read_wishes(item("8:@ if x:", "9:@ 1 + 1"), False)

    assert [code.text for code in wishes.blocks] == ["if x:"]
    assert [code.text for code in wishes.values] == ["1 + 1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("@ x", CODE, id="code"),
        pytest.param("@", CODE, id="nothing after the sign"),
        pytest.param("@template/value x", VALUE, id="a value by its name"),
        pytest.param("@template/code x", CODE, id="code by its name"),
        pytest.param("! x", NOTHING, id="comment"),
        pytest.param("@comment x", NOTHING, id="comment by its name"),
        pytest.param(" x", NOTHING, id="unknown"),
        pytest.param("@overlay/match by='a b'", "overlay/match", id="annotation"),
        pytest.param("@if True:", "if", id="a name ends at a space alone"),
    ],
)
def test_the_name_ends_at_the_first_space(text: str, name: str) -> None:
    assert annotation_name(Comment(text, 8), item()) == name


def test_an_annotation_may_stand_anywhere_and_stays_with_its_node() -> None:
    node = item("8:! no", "8:@a/b 1, x=2", "9:@c/d")
    wishes = read_wishes(node, False)

    assert [(note.name, note.arguments, note.line) for note in wishes.notes] == [("a/b", "1, x=2", 8), ("c/d", "", 9)]
    assert [comment.text for comment in wishes.kept] == ["@a/b 1, x=2", "@c/d"]


@pytest.mark.parametrize(
    ("code", "opened", "ends"),
    [
        pytest.param("@ if/end x:", "if x:", True, id="if"),
        pytest.param("@ elif/end x:", "elif x:", True, id="elif"),
        pytest.param("@ else/end:", "else:", True, id="else"),
        pytest.param("@ for/end x in y:", "for x in y:", True, id="for"),
        pytest.param("@ def/end f():", "def f():", True, id="def"),
        pytest.param("@   if/end x:", "  if x:", True, id="indented"),
        pytest.param("@ x = 'if/end'", "x = 'if/end'", False, id="not at the beginning"),
    ],
)
def test_a_block_may_end_with_its_node(code: str, opened: str, ends: bool) -> None:
    wishes = read_wishes(item(f"8:{code}"), False)

    assert ([block.text for block in wishes.blocks], wishes.ends) == ([opened], ends)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        pytest.param(
            item("9:@ 1", value=1),
            "Expected YAML node at line a.yml:9 to have either computed or YAML value, but found both",
            id="a value beside a computed one",
        ),
        pytest.param(
            item("7:@ if/end x:", "8:@ y = 1"),
            "Unexpected code at line a.yml:8 after use of '*/end', expected YAML node",
            id="code between a block that ends and its node",
        ),
        pytest.param(
            item("8: plain"),
            "Failed to parse line 8: '# plain': Expected ytt-formatted string (use '#@' for annotations or code, "
            "'#!' for comments)",
            id="a comment of plain YAML",
        ),
    ],
)
def test_contradictions_are_refused(node: MapItem, message: str) -> None:
    with pytest.raises(YttError) as caught:
        read_wishes(node, False)

    assert caught.value.message == message


def test_comments_of_plain_yaml_are_ignored_where_that_is_wished() -> None:
    wishes = read_wishes(item("8: plain"), True)

    assert (wishes.blocks, wishes.values, wishes.notes, wishes.kept) == ([], [], [], ())


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        pytest.param("8:@ x", True, id="code"),
        pytest.param("8:@any/thing", True, id="annotation"),
        pytest.param("8:! x", False, id="comment"),
        pytest.param("8:@comment x", False, id="comment by its name"),
        pytest.param("8: x", False, id="plain"),
    ],
)
def test_a_file_has_templating_when_some_node_deep_inside_has(comment: str, expected: bool) -> None:
    inner = Map([item(), item(comment)])
    documents = DocumentSet([Document(1), Document(Array([ArrayItem(inner)]))])

    assert has_templating(documents) is expected
