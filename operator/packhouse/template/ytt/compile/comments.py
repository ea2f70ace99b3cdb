"""What the comments of a node ask for: code, a value, annotations, or nothing.

The compiler asks for a node's whole wish (`read_wishes`), the workspace for the name of a single comment
(`annotation_name`). Nothing is evaluated here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from packhouse.template.ytt.errors import YttError
from packhouse.template.ytt.nodes import Array, ArrayItem, Comment, Document, DocumentSet, Map, MapItem, Node, Value
from packhouse.template.ytt.words import SPACES

#: Names that mean something to the template itself; every other name is an annotation.
CODE: Final = "template/code"
VALUE: Final = "template/value"
NOTHING: Final = "comment"

TEXT_TEMPLATED: Final = "yaml/text-templated-strings"

#: Block openings that end with the node below them.
_ENDING: Final = ("if", "else", "elif", "for", "def")
_UNKNOWN: Final = "Expected ytt-formatted string (use '#@' for annotations or code, '#!' for comments)"

Item = Document | MapItem | ArrayItem


class Code(NamedTuple):
    """A line of code, or the expression of a value."""

    text: str
    line: int


class Note(NamedTuple):
    """An annotation whose arguments are code still."""

    name: str
    arguments: str
    line: int


class Wishes:
    """`kept` are the comments that stay with the node: those of its annotations. `ends` tells whether a block ends
    after it."""

    __slots__ = ("blocks", "ends", "kept", "notes", "values")

    def __init__(self) -> None:
        self.blocks: list[Code] = []
        self.values: list[Code] = []
        self.notes: list[Note] = []
        self.kept: tuple[Comment, ...] = ()
        self.ends = False

    @property
    def text_templated(self) -> bool:
        return any(note.name == TEXT_TEMPLATED for note in self.notes)


def annotation_name(comment: Comment, node: Node) -> str:
    """`CODE`, `VALUE`, `NOTHING` or the name of an annotation. An unknown comment is `NOTHING`."""
    return _read(comment, node)[0]


def has_templating(value: Value) -> bool:
    """Whether any comment of the tree is more than a comment."""
    if not isinstance(value, Node):
        return False
    if isinstance(value, DocumentSet) and value.source.text and "#@" not in value.source.text:
        return False  # most files that are large
    if value.comments and any(map(is_templating, value.comments)):
        return True
    if isinstance(value, MapItem | ArrayItem):
        return has_templating(value.value)
    for item in value.items if isinstance(value, Map | Array | DocumentSet) else ():
        if item.comments and any(map(is_templating, item.comments)):
            return True
        if isinstance(item.value, Map | Array) and has_templating(item.value):
            return True
    return False


def is_templating(comment: Comment) -> bool:
    """Without regard to where it stands."""
    text = comment.text
    return text.startswith("@") and text[1:].split(" ", 1)[0] != NOTHING


def is_refused(comment: Comment, ignore_unknown: bool) -> bool:
    return not ignore_unknown and not comment.text.startswith(("@", "!"))


def read_wishes(item: Item, ignore_unknown: bool) -> Wishes:
    """Raises YttError for an unknown comment, and for comments that contradict each other."""
    wishes = Wishes()
    for comment in item.comments:
        if is_refused(comment, ignore_unknown):
            raise YttError(f"Failed to parse line {comment.line}: '#{comment.text}': {_UNKNOWN}")
        name, content = _read(comment, item)
        if name == NOTHING:
            continue
        if name == VALUE:
            _take_value(wishes, item, comment, content)
        elif name == CODE:
            _take_code(wishes, item, comment, content)
        else:
            wishes.notes.append(Note(name, content, comment.line))
            wishes.kept += (comment,)
    return wishes


def _take_value(wishes: Wishes, item: Item, comment: Comment, content: str) -> None:
    if item.value is not None:
        place = f"{item.source.name}:{comment.line}"
        raise YttError(f"Expected YAML node at line {place} to have either computed or YAML value, but found both")
    wishes.values.append(Code(content, comment.line))


def _take_code(wishes: Wishes, item: Item, comment: Comment, content: str) -> None:
    if wishes.ends:
        place = f"{item.source.name}:{comment.line}"
        raise YttError(f"Unexpected code at line {place} after use of '*/end', expected YAML node")
    start = len(content) - len(content.lstrip(SPACES))
    for keyword in _ENDING:
        if content.startswith(f"{keyword}/end", start):
            wishes.ends = True
            content = content[:start] + keyword + content[start + len(keyword) + len("/end") :]
            break
    wishes.blocks.append(Code(content, comment.line))


def _read(comment: Comment, node: Node) -> tuple[str, str]:
    """Code that stands on the line of its node is its value, code above it is a step of the program."""
    text = comment.text
    if not text.startswith("@"):
        return NOTHING, text
    name, _, content = text[1:].partition(" ")
    if name:
        return name, content
    return (VALUE if node.line and node.line == comment.line else CODE), content
