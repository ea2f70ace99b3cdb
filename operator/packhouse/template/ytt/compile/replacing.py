"""`template.replace`: a node gives way to the items of a value.

`Evaluation` calls it for the node that was begun last, while the value of that node is being computed. The items of a
fragment are put in as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packhouse.template.ytt.compile.given import Giver
from packhouse.template.ytt.compile.survey import key_identity
from packhouse.template.ytt.compile.yaml_context import YamlContext, make_room
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem
from packhouse.template.ytt.values import Fragment, Struct
from packhouse.template.ytt.words import go_value_type


def replace(context: YamlContext, value: Any, giver: Giver, override: bool) -> None:
    """Raises EvalError for a value of another shape than the place of the node, and for keys given again."""
    nodes = context.open_nodes
    item = nodes[-1] if nodes else None
    holder = nodes[-2] if len(nodes) > 1 else context.root
    if isinstance(item, Document):
        if not isinstance(holder, DocumentSet):
            raise EvalError(f"expected to find document set, but was {go_value_type(holder)}")
        _put(holder.items, item, _documents(value, giver), "doc in docset")
    elif isinstance(item, MapItem):
        if not isinstance(holder, Map):
            raise EvalError(f"expected parent of map item to be map, but was {go_value_type(holder)}")
        _replace_in_map(context, holder, item, value, giver, override)
    elif isinstance(item, ArrayItem):
        if not isinstance(holder, Array):
            raise EvalError(f"expected parent of array item to be array, but was {go_value_type(holder)}")
        _put(holder.items, item, _array_items(value, item, giver), "array item in array")
    else:
        raise EvalError(f"expected to replace document value, map item or array item, but found {go_value_type(item)}")


def _replace_in_map(context: YamlContext, holder: Map, item: MapItem, value: Any, giver: Giver, override: bool) -> None:
    keys = context.keys_of(-2)
    assert keys is not None  # noqa: S101 - the holder is a map
    made = _map_items(value, item, giver)
    # A dict has no annotations that could allow a key again, so that its keys always may be.
    override = override or not isinstance(value, Fragment)
    for new in made:
        make_room(holder, keys, new, override)
    _put(holder.items, item, made, "map item in map")
    keys.pop(key_identity(item.key), None)
    keys.update((key_identity(new.key), new) for new in made)


def _put(items: list[Any], place: Any, made: list[Any], what: str) -> None:
    for index, item in enumerate(items):
        if item is place:
            items[index : index + 1] = made
            return
    raise EvalError(f"expected to find placeholder {what}")


def _documents(value: Any, giver: Giver) -> list[Document]:
    if isinstance(value, Fragment) and isinstance(value.node, DocumentSet):
        giver.give(value)
        return value.node.items
    if isinstance(value, list | tuple | set | frozenset):
        return [Document(giver.give(item)) for item in value]
    raise EvalError(f"expected value to be docset, but was {go_value_type(value)}")


def _map_items(value: Any, place: MapItem, giver: Giver) -> list[MapItem]:
    if isinstance(value, Mapping | Struct) or (isinstance(value, Fragment) and isinstance(value.node, Map)):
        made: Map = giver.give(value, place.source, place.line)
        return made.items
    raise EvalError(f"expected value to be map, but was {go_value_type(value)}")


def _array_items(value: Any, place: ArrayItem, giver: Giver) -> list[ArrayItem]:
    is_array = isinstance(value, Fragment) and isinstance(value.node, Array)
    if is_array or isinstance(value, list | tuple | set | frozenset):
        made: Array = giver.give(value, place.source, place.line)
        return made.items
    raise EvalError(f"expected value to be array, but was {go_value_type(value)}")
