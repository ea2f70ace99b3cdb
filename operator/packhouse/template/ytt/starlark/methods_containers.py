"""Methods of lists, dicts and sets."""

from __future__ import annotations

from typing import Any

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import METHODS, as_index, change, change_table, mapping_get, out_of_range
from packhouse.template.ytt.starlark.args import ABSENT, positional
from packhouse.template.ytt.starlark.calls import fragment_pairs
from packhouse.template.ytt.starlark.compare import equal
from packhouse.template.ytt.starlark.containers import OrderedSet
from packhouse.template.ytt.starlark.keys import has_key, key_of, put
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate, length, rounds
from packhouse.template.ytt.starlark.thread import ITEM, Thread
from packhouse.template.ytt.values import Args, Fragment, Kwargs, Struct


def named_error(name: str, refused: EvalError) -> EvalError:
    return EvalError(f"{name}: {refused.message}")


def _list_append(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> None:
    (item,) = positional("append", args, kwargs, 1, "any")
    _change(thread, x, "append", "append to")
    thread.weigh(ITEM)
    x.append(item)


def _change(thread: Thread, x: list[Any], name: str, verb: str) -> None:
    try:
        change(thread, x, verb)
    except EvalError as refused:
        raise named_error(name, refused) from None


def _list_clear(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> None:
    positional("clear", args, kwargs, 0)
    _change(thread, x, "clear", "clear")
    x.clear()


def _list_extend(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> None:
    (items,) = positional("extend", args, kwargs, 1, "iterable")
    _change(thread, x, "extend", "extend")
    thread.weigh(ITEM * rounds(items))
    x.extend(list(iterate(items) or ()))


def _list_index(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> int:
    value, start, end = positional("index", args, kwargs, 1, "any", "any", "any")
    try:
        bounds = range(*slice(as_index(start, "start"), as_index(end, "end")).indices(len(x)))
        thread.tick(len(bounds))
        for number in bounds:
            if equal(x[number], value, thread.tick):
                return number
    except EvalError as refused:
        raise named_error("index", refused) from None
    raise EvalError("index: value not in list")


def _list_insert(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> None:
    number, item = positional("insert", args, kwargs, 2, "int", "any")
    _change(thread, x, "insert", "insert into")
    thread.weigh(ITEM)
    thread.tick(1 + len(x) // 1_000)
    x.insert(number, item)


def _list_pop(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> Any:
    (number,) = positional("pop", args, kwargs, 0, "int")
    if number is ABSENT:
        number = len(x) - 1
    if not -len(x) <= number < len(x):
        raise named_error("pop", out_of_range(number, len(x), x))
    _change(thread, x, "pop", "pop from")
    thread.tick(1 + len(x) // 1_000)
    return x.pop(number)


def _list_remove(thread: Thread, x: list[Any], args: Args, kwargs: Kwargs) -> None:
    (value,) = positional("remove", args, kwargs, 1, "any")
    _change(thread, x, "remove", "remove from")
    thread.tick(len(x))
    for number, item in enumerate(x):
        if equal(item, value, thread.tick):
            del x[number]
            return
    raise EvalError("remove: element not found")


def _key(thread: Thread, name: str, key: Any) -> Any:
    try:
        return key_of(key, thread.tick)
    except EvalError as refused:
        raise named_error(name, refused) from None


def _dict_get(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> Any:
    key, default = positional("get", args, kwargs, 1, "any", "any")
    if has_key(x, _key(thread, "get", key)):
        return x[key]
    return None if default is ABSENT else default


def _dict_clear(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> None:
    positional("clear", args, kwargs, 0)
    change_table(thread, x, "clear")
    x.clear()


def _dict_items(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> list[Any]:
    positional("items", args, kwargs, 0)
    thread.weigh(ITEM * len(x))
    return list(x.items())


def _dict_keys(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> list[Any]:
    positional("keys", args, kwargs, 0)
    thread.weigh(ITEM * len(x))
    return list(x)


def _dict_values(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> list[Any]:
    positional("values", args, kwargs, 0)
    thread.weigh(ITEM * len(x))
    return list(x.values())


def _change_table(thread: Thread, x: dict[Any, Any], name: str, verb: str) -> None:
    try:
        change_table(thread, x, verb)
    except EvalError as refused:
        raise named_error(name, refused) from None


def _dict_pop(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> Any:
    key, default = positional("pop", args, kwargs, 1, "any", "any")
    _change_table(thread, x, "pop", "delete from")
    if x and has_key(x, _key(thread, "pop", key)):
        return x.pop(key)
    if default is ABSENT:
        raise EvalError("pop: missing key")
    return default


def _dict_popitem(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> Any:
    positional("popitem", args, kwargs, 0)
    if not x:
        raise EvalError("popitem: empty dict")
    _change_table(thread, x, "popitem", "delete from")
    key = next(iter(x))
    return key, x.pop(key)


def _dict_setdefault(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> Any:
    key, default = positional("setdefault", args, kwargs, 1, "any", "any")
    if has_key(x, _key(thread, "setdefault", key)):
        return x[key]
    _change_table(thread, x, "setdefault", "insert into")
    value = None if default is ABSENT else default
    put(x, key, value)
    return value


def _dict_update(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> None:
    if len(args) > 1:
        raise EvalError(f"update: got {len(args)} arguments, want at most 1")
    try:
        update(thread, x, args, kwargs)
    except EvalError as refused:
        raise named_error("update", refused) from None


def update(thread: Thread, x: dict[Any, Any], args: Args, kwargs: Kwargs) -> None:
    """Put the pairs of a mapping or a sequence, then keyword arguments, into a dict."""
    pairs = _pairs(thread, args[0]) if args else []
    if pairs or kwargs:
        change_table(thread, x, "insert into")
    thread.weigh(ITEM * (len(pairs) + len(kwargs)))
    for key, value in pairs:
        put(x, key_of(key, thread.tick), value)
    x.update(kwargs)


def _pairs(thread: Thread, updates: Any) -> list[Any]:
    if type(updates) is dict:
        return list(updates.items())
    if type(updates) is Struct:
        return list(updates.fields().items())
    if type(updates) is Fragment and mapping_get(thread, updates, "") is not None:
        return fragment_pairs(updates)
    items = iterate(updates)
    if items is None:
        raise EvalError(f"got {type_name(updates)}, want iterable")
    pairs = []
    for number, pair in enumerate(items):
        thread.tick()
        inner = iterate(pair)
        whose = f"dictionary update sequence element #{number}"
        if inner is None:
            raise EvalError(f"{whose} is not iterable ({type_name(pair)})")
        count = length(pair)
        if count < 0:
            raise EvalError(f"{whose} has unknown length ({type_name(pair)})")
        if count != 2:
            raise EvalError(f"{whose} has length {count}, want 2")
        pairs.append(tuple(inner))
    return pairs


def make_set(thread: Thread, items: Any) -> OrderedSet:
    """Raises EvalError for an item that cannot be hashed."""
    found = [key_of(item, thread.tick) for item in items]
    thread.weigh(ITEM * len(found))
    return OrderedSet(found)


def _set_union(thread: Thread, x: OrderedSet, args: Args, kwargs: Kwargs) -> OrderedSet:
    (items,) = positional("union", args, kwargs, 0, "iterable")
    thread.tick(len(x) + rounds(items))
    try:
        return make_set(thread, [*x, *(iterate(items) or ())])
    except EvalError as refused:
        raise named_error("union", refused) from None


METHODS[list] = {
    "append": _list_append,
    "clear": _list_clear,
    "extend": _list_extend,
    "index": _list_index,
    "insert": _list_insert,
    "pop": _list_pop,
    "remove": _list_remove,
}
METHODS[dict] = {
    "clear": _dict_clear,
    "get": _dict_get,
    "items": _dict_items,
    "keys": _dict_keys,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _dict_setdefault,
    "update": _dict_update,
    "values": _dict_values,
}
METHODS[OrderedSet] = {"union": _set_union}
