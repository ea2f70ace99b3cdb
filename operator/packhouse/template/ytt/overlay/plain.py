"""Makes an overlay of a values file, which has no annotations: new keys may come, arrays and scalars are replaced.

Called by the workspace for values from outside. It asks for comments of templates, and understands none of them.
"""

from __future__ import annotations

from typing import Final

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Annotation, Annotations, Array, Comment, Document, DocumentSet, Map, Value
from packhouse.template.ytt.overlay.annotations import MATCH, REPLACE

NOT_PLAIN: Final = "Expected to be plain YAML, having no annotations (hint: remove comments starting with `#@`)"

_MAY_MISS: Final[Annotations] = {MATCH: Annotation((), {"missing_ok": True})}
_TAKES_PLACE: Final[Annotations] = {**_MAY_MISS, REPLACE: Annotation((), {"or_add": True})}


def annotate_plain(document: Document) -> Document:
    """The same document as an overlay; the one that is given stays as it is.

    Raises EvalError where a comment of it begins with `#@`.
    """
    if _of_template(document.comments) or _has_templating(document.value):
        raise EvalError(NOT_PLAIN)
    return document.with_value(_below(document.value)).with_annotations(_annotations(document.value))


def _below(value: Value) -> Value:
    if not isinstance(value, Map):
        return value
    return value.with_items(
        [item.with_value(_below(item.value)).with_annotations(_annotations(item.value)) for item in value.items]
    )


def _annotations(value: Value) -> Annotations:
    return _MAY_MISS if isinstance(value, Map) else _TAKES_PLACE


def _has_templating(value: Value) -> bool:
    if not isinstance(value, Map | Array | DocumentSet):
        return False
    return any(_of_template(item.comments) or _has_templating(item.value) for item in value.items)


def _of_template(comments: tuple[Comment, ...]) -> bool:
    return any(comment.text.startswith("@") for comment in comments)
