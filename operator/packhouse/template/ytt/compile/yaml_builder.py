"""A YAML template, node by node, as steps and as the lines that call them.

`yaml_template.compile_yaml` calls it once for a file. Each node that asks for something gets a step and a call; plain
nodes beside each other share one, and hand on what was read. Numbers are given as the original gives them.
"""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.compile import text_pieces
from packhouse.template.ytt.compile.comments import Item, Wishes, read_wishes
from packhouse.template.ytt.compile.lines import Lines, own_code
from packhouse.template.ytt.compile.steps import NO_PARENT, Plan, Step
from packhouse.template.ytt.compile.survey import Survey, has_repeated_keys, is_text_template
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem
from packhouse.template.ytt.starlark import instructions
from packhouse.template.ytt.words import go_string

#: A file that loads this module may give a map keys that only running it tells.
_REPLACING: Final = "@ytt:template"


class Builder:
    """`plan` and `lines` are what comes out."""

    def __init__(self, documents: DocumentSet, *, ignore_unknown: bool, override: bool) -> None:
        self.plan = Plan(override)
        self.lines = Lines()
        self._documents = documents
        self._ignore_unknown = ignore_unknown
        self._survey = Survey(documents, ignore_unknown)
        self._replaces = _REPLACING in documents.source.text

    def build(self) -> None:
        """Raises YttError for comments and for strings that are wrong."""
        documents = self._documents
        self.lines.add(f'{instructions.SET_CTX_TYPE}("yaml")')
        self.lines.add(f'{instructions.START_CTX}("yaml")')
        step = self.plan.add(Step(self.plan.number(), NO_PARENT, DocumentSet, documents.source))
        self.lines.add(f"{instructions.START_NODE}({step.number}) # *yamlmeta.DocumentSet")
        self._items(documents, step.number, False)
        self.lines.add(f"{instructions.END_CTX}(None)")

    def _items(self, holder: DocumentSet | Map | Array, parent: int, texted: bool) -> None:
        """Plain items that follow each other go on together, where no message could need to tell them apart."""
        together = not isinstance(holder, Map) or not self._may_repeat_keys(holder, texted)
        plain: list[Item] = []
        count = 0
        for item in holder.items:
            below = self._survey.below(item, texted)
            if below and not item.comments:
                plain.append(item)
                count += below
                if together:
                    continue
            if plain:
                self._hand_on(plain, parent, self.plan.number(count))
                plain, count = [], 0
            if not (below and not item.comments):
                self._item(item, parent, texted)
        if plain:
            self._hand_on(plain, parent, self.plan.number(count))

    def _may_repeat_keys(self, holder: Map, texted: bool) -> bool:
        if self._replaces or has_repeated_keys(holder):
            return True
        return texted and any(isinstance(item.key, str) and is_text_template(item.key) for item in holder.items)

    def _hand_on(self, items: list[Item], parent: int, number: int) -> None:
        step = self.plan.add(Step(number, parent, type(items[0]), items[0].source, items[0].line))
        step.ready = tuple(items)
        self._start(number, items[0])

    def _item(self, item: Item, parent: int, texted: bool) -> None:
        wishes = read_wishes(item, self._ignore_unknown)
        texted = texted or wishes.text_templated
        below = self._survey.below(item, texted)
        for code in wishes.blocks:
            self.lines.add(own_code(code.text), item.source, code.line)
        if below and not wishes.notes and not wishes.values:
            if wishes.blocks and _has_text_key(item, texted):
                self._plain_key()
            self._hand_on([_bare(item)], parent, self.plan.number(below))
        else:
            self._begin(item, wishes, parent, below, texted)
        if wishes.ends:
            self.lines.add("end")

    def _begin(self, item: Item, wishes: Wishes, parent: int, below: int, texted: bool) -> None:
        step = self.plan.add(Step(self.plan.number(), parent, type(item), item.source, item.line))
        step.comments = wishes.kept
        step.notes = tuple(wishes.notes)
        for index, note in enumerate(wishes.notes):
            collected = f"{instructions.COLLECT_NODE_ANNOTATION}({own_code(note.arguments)})"
            call = f"{instructions.START_NODE_ANNOTATION}({step.number}, {index}, {collected})"
            self.lines.add(call, item.source, note.line)
        if isinstance(item, MapItem):
            step.key = item.key
            if _has_text_key(item, texted):
                self._key(item.key, item, step.number)
        elif isinstance(item, Document):
            step.injected = item.injected
        self._start(step.number, item)
        for code in wishes.values:
            self.lines.add(f"{instructions.SET_NODE}({step.number}, ({own_code(code.text)}))", item.source, code.line)
        if not wishes.values:
            self._value(item, step, below, texted)

    def _value(self, item: Item, step: Step, below: int, texted: bool) -> None:
        value = item.value
        if below:
            step.value = value
            self.plan.skip(below - (3 if _has_text_key(item, texted) else 1))
        elif isinstance(value, Map | Array):
            inner = self.plan.add(Step(self.plan.number(), step.number, type(value), value.source, value.line))
            step.inner = inner
            self._items(value, inner.number, texted)
        elif texted and isinstance(value, str) and is_text_template(value):
            self._text(value, item, f"{instructions.SET_NODE}({step.number}, ")
        else:
            step.value = value
            self.plan.skip(2 if texted and isinstance(value, str) else 0)

    def _key(self, key: str, item: Item, number: int) -> None:
        if is_text_template(key):
            self._text(key, item, f"{instructions.SET_MAP_ITEM_KEY}({number}, ")
        else:
            self.plan.skip(2)
            self._plain_key()

    def _plain_key(self) -> None:
        """A key that could be a template is one to the original: messages about code that ends above show this line."""
        self.lines.add(f'{instructions.SET_CTX_TYPE}("text")')
        self.lines.add(f'{instructions.SET_CTX_TYPE}("yaml")')

    def _text(self, text: str, item: Item, call: str) -> None:
        pieces = text_pieces.split(text, item.line or 1)
        ending = text_pieces.write_text(pieces, item.source, self.plan, self.lines)
        self.lines.add(f"{call}({ending}))", item.source, item.line)
        self.lines.add(f'{instructions.SET_CTX_TYPE}("yaml")')

    def _start(self, number: int, item: Item) -> None:
        call = f"{instructions.START_NODE}({number})"
        if not item.line:  # a place that messages cannot show: they show this line itself
            call += f" # *yamlmeta.{type(item).__name__}{_details(item)}"
        self.lines.add(call, item.source, item.line)


def _has_text_key(item: Item, texted: bool) -> bool:
    """Whether the key of an item may be a template."""
    return texted and isinstance(item, MapItem) and isinstance(item.key, str)


def _details(item: Item) -> str:
    if isinstance(item, MapItem):
        return f" key={go_string(item.key)}"
    return "" if isinstance(item, Document) else " idx=?"


def _bare(item: Item) -> Item:
    """Without the comments that were code."""
    if isinstance(item, MapItem):
        return MapItem(item.key, item.value, item.source, item.line)
    if isinstance(item, Document):
        return Document(item.value, item.source, item.line, injected=item.injected)
    return ArrayItem(item.value, item.source, item.line)
