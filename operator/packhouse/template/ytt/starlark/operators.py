"""Operators between values, by Starlark's rules and in its words.

Each takes the thread first; `helpers` gives them to compiled code by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from packhouse.template.ytt.errors import EvalError, LimitExceeded
from packhouse.template.ytt.starlark.args import int32
from packhouse.template.ytt.starlark.compare import compare, equal
from packhouse.template.ytt.starlark.containers import OrderedSet
from packhouse.template.ytt.starlark.formats import as_float, interpolate
from packhouse.template.ytt.starlark.keys import has_key
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate, length, rounds
from packhouse.template.ytt.starlark.thread import ITEM, Thread

#: Such that Python writes any int in digits without being asked twice.
_MOST_BITS: Final = 14_000
_BOUND: Final = 1 << _MOST_BITS
_MOST_REPEATED: Final = 1 << 30
_MOST_SHIFT: Final = 512

_NUMBERS: Final = frozenset({int, float})


def unknown(op: str, x: Any, y: Any) -> EvalError:
    return EvalError(f"unknown binary op: {type_name(x)} {op} {type_name(y)}")


def bounded(value: int) -> int:
    """Raises LimitExceeded for an int that is too big to go on with."""
    if -_BOUND < value < _BOUND:
        return value
    raise LimitExceeded(f"an int got bigger than {_MOST_BITS} bits")


def add(thread: Thread, x: Any, y: Any) -> Any:
    kind, other = type(x), type(y)
    if kind is str and other is str:
        text: str = x + y
        thread.weight -= len(text)
        if thread.weight < 0:
            thread.weigh(0)
        return text if text.isascii() else _joined(text)
    if kind is int and other is int:
        return bounded(x + y)
    if kind in _NUMBERS and other in _NUMBERS:
        return as_float(x) + as_float(y)
    if kind is other and (kind is list or kind is tuple):
        thread.weigh(ITEM * (len(x) + len(y)))
        return x + y
    raise unknown("+", x, y)


def _joined(text: str) -> str:
    """Bytes that were no text on their own may be one together."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return text


def extend(thread: Thread, x: Any, y: Any) -> Any:
    """`x += y`, which changes a list in its place."""
    if type(x) is not list:
        return add(thread, x, y)
    items = iterate(y)
    if items is None:
        raise unknown("+", x, y)
    if id(x) in thread.frozen or id(x) in thread.busy:
        kept = "frozen list" if id(x) in thread.frozen else "list during iteration"
        raise EvalError(f"cannot apply += to {kept}")
    thread.weigh(ITEM * rounds(y))
    x.extend(list(items))
    return x


def subtract(thread: Thread, x: Any, y: Any) -> Any:
    kind, other = type(x), type(y)
    if kind is int and other is int:
        return bounded(x - y)
    if kind in _NUMBERS and other in _NUMBERS:
        return as_float(x) - as_float(y)
    raise unknown("-", x, y)


def multiply(thread: Thread, x: Any, y: Any) -> Any:
    kind, other = type(x), type(y)
    if kind is int and other is int:
        return bounded(x * y)
    if kind in _NUMBERS and other in _NUMBERS:
        return as_float(x) * as_float(y)
    if kind is int and (other is str or other is list or other is tuple):
        return _repeat(thread, y, x)
    if other is int and (kind is str or kind is list or kind is tuple):
        return _repeat(thread, x, y)
    raise unknown("*", x, y)


def _repeat(thread: Thread, x: Any, times: int) -> Any:
    if not x:
        return x
    try:
        int32(times)
    except EvalError:
        raise EvalError(f"repeat count {times} too large") from None
    if times < 1:
        return x[:0]
    size = length(x) * times
    if size >= _MOST_REPEATED:
        raise EvalError(f"excessive repeat ({size} elements)")
    thread.weigh(size if type(x) is str else ITEM * size)
    return x * times


def divide(thread: Thread, x: Any, y: Any) -> Any:
    if type(x) not in _NUMBERS or type(y) not in _NUMBERS:
        raise unknown("/", x, y)
    divisor = as_float(y)
    if divisor == 0:
        raise EvalError("real division by zero")
    return as_float(x) / divisor


def floor_divide(thread: Thread, x: Any, y: Any) -> Any:
    kind, other = type(x), type(y)
    if kind not in _NUMBERS or other not in _NUMBERS:
        raise unknown("//", x, y)
    if y == 0:
        raise EvalError("floored division by zero")
    if kind is int and other is int:
        return x // y
    quotient = as_float(x) / as_float(y)
    return float(math.floor(quotient)) if math.isfinite(quotient) and quotient else quotient


def modulo(thread: Thread, x: Any, y: Any) -> Any:
    kind, other = type(x), type(y)
    if kind is str:
        return interpolate(thread, x, y)
    if kind not in _NUMBERS or other not in _NUMBERS:
        raise unknown("%", x, y)
    if kind is int and other is int:
        if y == 0:
            raise EvalError("integer modulo by zero")
        return x % y
    if y == 0:
        raise EvalError("float modulo by zero")
    try:
        return math.fmod(as_float(x), as_float(y))
    except ValueError:
        return math.nan


def bit_or(thread: Thread, x: Any, y: Any) -> Any:
    if type(x) is int and type(y) is int:
        return x | y
    if type(x) is OrderedSet and type(y) is OrderedSet:
        thread.weigh(ITEM * (len(x) + len(y)))
        return OrderedSet([*x, *y])
    raise unknown("|", x, y)


def bit_and(thread: Thread, x: Any, y: Any) -> Any:
    if type(x) is int and type(y) is int:
        return x & y
    if type(x) is OrderedSet and type(y) is OrderedSet:
        if len(x) > len(y):
            x, y = y, x
        thread.weigh(ITEM * len(x))
        return OrderedSet([item for item in x if has_key(y, item)])
    raise unknown("&", x, y)


def bit_xor(thread: Thread, x: Any, y: Any) -> Any:
    if type(x) is int and type(y) is int:
        return x ^ y
    if type(x) is OrderedSet and type(y) is OrderedSet:
        thread.weigh(ITEM * (len(x) + len(y)))
        only_x = [item for item in x if not has_key(y, item)]
        return OrderedSet(only_x + [item for item in y if not has_key(x, item)])
    raise unknown("^", x, y)


def _shift(op: str, x: Any, y: Any) -> int:
    if type(x) is not int:
        raise unknown(op, x, y)
    count = int32(y)
    if count < 0:
        raise EvalError(f"negative shift count: {count}")
    return count


def shift_left(thread: Thread, x: Any, y: Any) -> Any:
    count = _shift("<<", x, y)
    if count >= _MOST_SHIFT:
        raise EvalError(f"shift count too large: {count}")
    return bounded(x << count)


def shift_right(thread: Thread, x: Any, y: Any) -> Any:
    return x >> _shift(">>", x, y)


def unary(thread: Thread, op: str, x: Any) -> Any:
    kind = type(x)
    if kind in _NUMBERS and op == "-":
        return -x
    if kind in _NUMBERS and op == "+":
        return x
    if kind is int and op == "~":
        return ~x
    raise EvalError(f"unknown unary op: {op} {type_name(x)}")


def equals(thread: Thread, x: Any, y: Any) -> bool:
    if type(x) is str:
        thread.tick(1 + len(x) // 1_000)
    return equal(x, y, thread.tick)


def differs(thread: Thread, x: Any, y: Any) -> bool:
    kind = type(x)
    if kind is not type(y) and kind in _NUMBERS and type(y) in _NUMBERS and (x != x or y != y):
        return False  # between an int and a NaN the original says no to everything
    return not equal(x, y, thread.tick)


def _ordering(op: str) -> Callable[[Thread, Any, Any], bool]:
    def ordered(thread: Thread, x: Any, y: Any) -> bool:
        return compare(op, x, y, thread.tick)

    return ordered


OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": floor_divide,
    "%": modulo,
    "|": bit_or,
    "&": bit_and,
    "^": bit_xor,
    "<<": shift_left,
    ">>": shift_right,
    "extend": extend,
    "unary": unary,
    "==": equals,
    "!=": differs,
    **{op: _ordering(op) for op in ("<", "<=", ">", ">=")},
}
