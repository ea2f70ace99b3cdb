"""What is plain is handed on whole: trees of any shape, with comments that change nothing, come out as they went in.

Nodes are made by hypothesis, not read; the language is the real one.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ytt_template_runs import evaluate

from packhouse.template.ytt.compile.survey import Survey, key_identity
from packhouse.template.ytt.compile.yaml_builder import Builder
from packhouse.template.ytt.compile.yaml_template import compile_yaml
from packhouse.template.ytt.convert import to_plain
from packhouse.template.ytt.nodes import Array, ArrayItem, Comment, Document, DocumentSet, Map, MapItem, Source

SOURCE = Source("a.yml", "")
LINE = 9

#: Above a node: each leaves it as it is.
IDLE = ("@ if/end True:", "@note 1, x=2", "! nothing", "@yaml/text-templated-strings", "@ x = 1")

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b c", "# d"])
comments = st.lists(st.sampled_from(IDLE), max_size=2).map(
    lambda texts: tuple(Comment(text, LINE - 1) for text in sorted(texts, reverse=True))
)


def containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.builds(ArrayItem, values, st.just(SOURCE), st.just(LINE), comments)
    entries = st.builds(MapItem, st.sampled_from("abcdef"), values, st.just(SOURCE), st.just(LINE), comments)
    return st.lists(items, max_size=4).map(lambda found: Array(found, SOURCE, LINE)) | st.lists(
        entries, max_size=5, unique_by=lambda entry: entry.key
    ).map(lambda found: Map(found, SOURCE, LINE))


values = st.recursive(scalars, containers, max_leaves=12)
documents = st.lists(st.builds(Document, values, st.just(SOURCE), st.just(LINE), comments), min_size=1, max_size=3)


def is_allowed(tree: Any) -> bool:
    """Code may not follow a block that ends with its node."""
    if isinstance(tree, Map | Array | DocumentSet):
        return all(map(is_allowed, tree.items))
    if isinstance(tree, MapItem | ArrayItem):
        texts = [comment.text for comment in tree.comments]
        opened = next((index for index, text in enumerate(texts) if "/end" in text), len(texts))
        return not any(text.startswith("@ ") for text in texts[opened + 1 :]) and is_allowed(tree.value)
    return True


trees = documents.map(lambda items: DocumentSet(items, SOURCE)).filter(is_allowed)


def count(tree: Any, texted: bool = False) -> int:
    """Of the numbers that the original gives: every node has one, and strings that may be templates have two."""
    if isinstance(tree, Map | Array | DocumentSet):
        return 1 + sum(count(item, texted) for item in tree.items)
    if isinstance(tree, MapItem | ArrayItem):
        texted = texted or any("text-templated" in comment.text for comment in tree.comments)
        key = 2 if texted and isinstance(tree, MapItem) else 0
        return 1 + key + count(tree.value, texted)
    return 2 if texted and isinstance(tree, str) else 0


@settings(max_examples=150, deadline=None)
@given(trees)
def test_trees_with_idle_comments_come_out_as_they_went_in(tree: DocumentSet) -> None:
    result = evaluate(compile_yaml(tree)).result

    assert to_plain(result) == to_plain(tree)


@settings(max_examples=150, deadline=None)
@given(trees)
def test_every_node_is_numbered_whether_it_is_plain_or_not(tree: DocumentSet) -> None:
    builder = Builder(tree, ignore_unknown=False, override=False)
    builder.build()

    assert builder.plan.number() == count(tree) + 1


def test_a_map_with_a_key_twice_is_not_plain() -> None:
    twice = ArrayItem(Map([MapItem("a", 1), MapItem("a", 2)]))
    tree = DocumentSet([Document(Array([twice, ArrayItem(1)]))])

    survey = Survey(tree, False)
    assert (survey.below(twice, False), survey.below(tree.items[0], False)) == (0, 0)


def test_keys_of_different_types_are_different_keys() -> None:
    assert len({key_identity(key) for key in (1, 1.0, True, "1")}) == 4
