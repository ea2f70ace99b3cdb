"""`x.name`, `x[key]`, `x[a:b]`, `k in x`, and their assignments: the only ways into a value.

A name is looked up in a table of methods or among the fields of a struct, never among attributes of Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from packhouse.template.ytt.convert import to_plain, to_template
from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.nodes import Array, Map
from packhouse.template.ytt.spelling import nearest
from packhouse.template.ytt.starlark.args import ABSENT, int32
from packhouse.template.ytt.starlark.compare import equal, member
from packhouse.template.ytt.starlark.containers import BoundMethod, OrderedSet
from packhouse.template.ytt.starlark.keys import has_key, key_of, put
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import length
from packhouse.template.ytt.starlark.text import to_repr
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Fragment, Module, Opaque, Struct

#: By type, by name; the rooms of the methods fill it. A method is called with the thread, the value, args and kwargs.
METHODS: Final[dict[type, dict[str, Any]]] = {}

_HAVE_FIELDS: Final = (Struct, Module, Opaque)
_ASCII_ITEMS: Final = frozenset({list, tuple, range})


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """None where a value has no fields. Of another room's class: what its `fields` gives."""
    if isinstance(value, _HAVE_FIELDS):
        return value.fields()
    if not hasattr(type(value), "fields"):
        return None
    found: Mapping[str, Any] = value.fields()
    return found


def find_attr(x: Any, name: str) -> Any:
    """ABSENT where there is no such field or method."""
    methods = METHODS.get(type(x))
    if methods is not None:
        method = methods.get(name)
        return ABSENT if method is None else BoundMethod(x, name, method)
    fields = fields_of(x)
    return ABSENT if fields is None else fields.get(name, ABSENT)


def attr_names(x: Any) -> list[str]:
    methods = METHODS.get(type(x))
    return sorted(methods) if methods is not None else list(fields_of(x) or ())


def attr(thread: Thread, x: Any, name: str) -> Any:
    """`x.name`."""
    kind = type(x)
    found = x.fields().get(name, ABSENT) if kind is Struct or kind is Module else find_attr(x, name)
    if found is ABSENT:
        raise no_attr(x, name)
    return found


def path(thread: Thread, x: Any, *names: str) -> Any:
    """`x.a.b.c`."""
    for name in names:
        kind = type(x)
        found = x.fields().get(name, ABSENT) if kind is Struct or kind is Module else find_attr(x, name)
        if found is ABSENT:
            raise no_attr(x, name)
        x = found
    return x


def no_attr(x: Any, name: str) -> EvalError:
    meant = nearest(name, attr_names(x))
    hint = f" (did you mean .{meant}?)" if meant else ""
    return EvalError(f"{type_name(x)} has no .{name} field or method{hint}")


def set_field(thread: Thread, x: Any, name: str) -> None:
    """`x.name = y`: nothing has fields that can be set."""
    raise EvalError(f"can't assign to .{name} field of {type_name(x)}")


def mapping_get(thread: Thread, x: Any, key: Any) -> Any:
    """A tuple of the value; ABSENT where there is none; None where x is no mapping. Raises EvalError for a key that
    none can be."""
    kind = type(x)
    if kind is dict:
        return (x[key],) if has_key(x, key_of(key, thread.tick)) else ABSENT
    if kind is Struct:
        if type(key) is not str:
            raise EvalError(f"expected a string, but was {type_name(key)}")
        return (x.fields()[key],) if key in x.fields() else ABSENT
    if kind is Fragment:
        return _fragment_get(thread, x, key)
    return None


def _fragment_get(thread: Thread, x: Fragment, key: Any) -> Any:
    node = x.node
    if node is None:
        return ABSENT
    wanted = to_plain(key)
    if type(node) is Map:
        thread.tick(1 + len(node.items) // 4)
        for item in node.items:
            if equal(item.key, wanted, thread.tick):
                return (to_template(item.value),)
        return ABSENT
    if type(wanted) is not int:
        what = "array" if type(node) is Array else "document set"
        raise EvalError(f"yamlfragment.Get: Expected {what} index to be an int64, but was {_go_name(wanted)}")
    return (to_template(node.items[wanted].value),) if 0 <= wanted < len(node.items) else ABSENT


def _go_name(value: Any) -> str:
    return {str: "string", bool: "bool", float: "float64", type(None): "<nil>"}.get(type(value), type_name(value))


def index(thread: Thread, x: Any, key: Any) -> Any:
    """`x[key]`."""
    kind = type(x)
    if kind is dict and type(key) is str:
        if key in x:
            return x[key]
        raise EvalError(f"key {to_repr(key)} not in dict")
    if kind in _ASCII_ITEMS or kind is str:
        return _item(thread, x, key)
    found = mapping_get(thread, x, key)
    if found is None:
        raise EvalError(f"unhandled index operation {type_name(x)}[{type_name(key)}]")
    if found is ABSENT:
        raise EvalError(f"key {to_repr(key)} not in {type_name(x)}")
    return found[0]


def _item(thread: Thread, x: Any, key: Any) -> Any:
    try:
        number = int32(key)
    except EvalError as refused:
        raise EvalError(f"{type_name(x)} index: {refused.message}") from None
    count = length(x)
    if not -count <= number < count:
        raise out_of_range(number, count, x)
    if type(x) is str and count != len(x):
        thread.tick(1 + count // 1_000)
        return _text(_bytes(x)[number : number + 1 or None])
    return x[number]


def out_of_range(number: int, count: int, x: Any) -> EvalError:
    if not count:
        return EvalError(f"index {number} out of range: empty {type_name(x)}")
    return EvalError(f"{type_name(x)} index {number} out of range [{-count}:{count - 1}]")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def set_index(thread: Thread, x: Any, key: Any, value: Any) -> None:
    """`x[key] = value`."""
    kind = type(x)
    if kind is dict:
        change_table(thread, x, "insert into")
        put(x, key_of(key, thread.tick), value)
    elif kind is list:
        number = int32(key)
        if not -len(x) <= number < len(x):
            raise out_of_range(number, len(x), x)
        change(thread, x, "assign to element of")
        x[number] = value
    elif kind is Fragment:
        raise EvalError("yamlfragment.SetKey: Not implemented")
    else:
        raise EvalError(f"{type_name(x)} value does not support item assignment")


def change(thread: Thread, x: list[Any], verb: str) -> None:
    """Raises EvalError where a list may not be changed now: "cannot append to frozen list"."""
    held = thread.guard(x)
    if held:
        raise EvalError(f"cannot {verb} {'frozen list' if held == 'frozen' else 'list during iteration'}")


def change_table(thread: Thread, x: dict[Any, Any], verb: str) -> None:
    """The same for a dict: "cannot delete from frozen hash table"."""
    held = thread.guard(x)
    if held:
        raise EvalError(f"cannot {verb} {'frozen hash table' if held == 'frozen' else 'hash table during iteration'}")


def contains(thread: Thread, x: Any, y: Any) -> bool:
    """`x in y`."""
    kind = type(y)
    if kind is dict:
        if type(x) is str:
            return x in y
        try:
            return has_key(y, key_of(x, thread.tick))
        except EvalError:
            return False
    if kind is list or kind is tuple:
        return member(x, y, thread.tick)
    if kind is str:
        if type(x) is not str:
            raise EvalError(f"'in <string>' requires string as left operand, not {type_name(x)}")
        thread.tick(1 + len(y) // 1_000)
        return x in y
    if kind is OrderedSet:
        return has_key(y, key_of(x, thread.tick))
    if kind is range:
        if type(x) not in (int, float) or x - x != 0:  # neither infinite nor no number
            raise EvalError(f"'in <range>' requires integer as left operand, not {type_name(x)}")
        return int(x) in y
    if kind is Struct or kind is Fragment:
        thread.tick()
        try:
            return mapping_get(thread, y, x) is not ABSENT
        except EvalError:
            return False
    raise EvalError(f"unknown binary op: {type_name(x)} in {type_name(y)}")


def slice_of(thread: Thread, x: Any, start: Any, stop: Any, step: Any) -> Any:
    """`x[start:stop:step]`."""
    kind = type(x)
    if kind is Fragment:
        raise EvalError("yamlfragment.Slice: Not implemented")
    if kind not in _ASCII_ITEMS and kind is not str:
        raise EvalError(f"invalid slice operand {type_name(x)}")
    if step is not None:
        try:
            int32(step)
        except EvalError:
            raise EvalError(f"got {type_name(step)} for slice step, want int") from None
        if step == 0:
            raise EvalError("zero is not a valid slice step")
    bounds = slice(as_index(start, "start"), as_index(stop, "end"), step)
    if kind is not range:
        thread.weigh(length(x))
    if kind is str and not x.isascii():
        return _text(_bytes(x)[bounds])
    return x[bounds]


def as_index(value: Any, which: str) -> int | None:
    """A bound of a slice. Raises EvalError: "invalid start index: got string, want int"."""
    if value is None or value is ABSENT:
        return None
    try:
        return int32(value)
    except EvalError:
        raise EvalError(f"invalid {which} index: got {type_name(value)}, want int") from None
