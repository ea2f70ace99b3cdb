"""Methods of strings. A string counts and is cut by its bytes in UTF-8, as in the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from packhouse.template.ytt.errors import EvalError
from packhouse.template.ytt.starlark.access import METHODS, as_index
from packhouse.template.ytt.starlark.args import ABSENT, positional
from packhouse.template.ytt.starlark.containers import TextElements
from packhouse.template.ytt.starlark.formats import code_point, format_text
from packhouse.template.ytt.starlark.letters import (
    SPACE,
    SPACES,
    capitalize,
    is_cased,
    is_digit,
    is_letter,
    is_title,
    lower,
    split_space,
    title,
    upper,
)
from packhouse.template.ytt.starlark.names import type_name
from packhouse.template.ytt.starlark.sequences import iterate, rounds
from packhouse.template.ytt.starlark.thread import Thread
from packhouse.template.ytt.values import Args, Kwargs
from packhouse.template.ytt.words import quote

Method = Callable[[Thread, str, Args, Kwargs], Any]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bare(name: str, change: Callable[[str], Any]) -> Method:
    """A method without arguments."""

    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> Any:
        positional(name, args, kwargs, 0)
        thread.weigh(len(x))
        return change(x)

    return method


def _all(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: bool(text) and all(map(test, text))


def _splitlines(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> list[str]:
    (keep,) = positional("splitlines", args, kwargs, 0, "bool")
    thread.weigh(len(x))
    if not x:
        return []
    lines = x.split("\n")
    last = lines.pop()
    if keep:
        lines = [line + "\n" for line in lines]
    return [*lines, last] if last else lines


def _elements(name: str) -> Method:
    ords = name.endswith("ords")
    codepoints = name.startswith("c")

    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> TextElements:
        positional(name, args, kwargs, 0)
        thread.weigh(len(x))
        items: list[Any]
        if codepoints:
            items = [code_point(character) for character in x] if ords else list(x)
        elif ords:
            items = list(_bytes(x))
        else:
            items = list(x) if x.isascii() else [_text(bytes((byte,))) for byte in _bytes(x)]
        return TextElements(items, f"{quote(x)}.{name}()", "codepoints" if codepoints else "elems")

    return method


def _find(name: str, last: bool, required: bool) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> int:
        wanted, start, end = positional(name, args, kwargs, 1, "string", "any", "any")
        data, needle, first = _window(name, x, wanted, start, end)
        thread.tick(1 + len(x) // 1_000)
        at: int = data.rfind(needle) if last else data.find(needle)
        if at < 0:
            if required:
                raise EvalError(f"{name}: substring not found")
            return -1
        return at + first

    return method


def _window(name: str, x: str, wanted: str, start: Any, end: Any) -> tuple[Any, Any, int]:
    """What to look in, what to look for, and the number of the first byte; as bytes where there are other letters than
    those of ASCII."""
    ascii_only = x.isascii() and wanted.isascii()
    data: Any = x if ascii_only else _bytes(x)
    needle: Any = wanted if ascii_only else _bytes(wanted)
    try:
        first, stop, _ = slice(as_index(start, "start"), as_index(end, "end")).indices(len(data))
    except EvalError as refused:
        raise EvalError(f"{name}: {refused.message}") from None
    return data[first:stop] if first < stop else data[:0], needle, first


def _count(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> int:
    wanted, start, end = positional("count", args, kwargs, 1, "string", "any", "any")
    data, needle, _ = _window("count", x, wanted, start, end)
    thread.tick(1 + len(x) // 1_000)
    if not wanted:
        return (len(data) if isinstance(data, str) else len(_text(data))) + 1
    found: int = data.count(needle)
    return found


def _affix(name: str, test: Callable[[Any, Any], bool]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> bool:
        wanted, start, end = positional(name, args, kwargs, 1, "any", "any", "any")
        work = 1 + len(x) // 1_000
        thread.tick(work)
        if type(wanted) is str:
            data, needle, _ = _window(name, x, wanted, start, end)
            return test(data, needle)
        if type(wanted) is not tuple:
            _window(name, x, "", start, end)
            raise EvalError(f"{name}: got {type_name(wanted)}, want string or tuple of string")
        thread.tick(len(wanted) * work)
        for number, item in enumerate(wanted):
            if type(item) is not str:
                raise EvalError(f"{name}: want string, got {type_name(item)}, for element {number}")
            data, needle, _ = _window(name, x, item, start, end)
            if test(data, needle):
                return True
        return False

    return method


def _strip(name: str, strip: Callable[[str, str], str]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
        (characters,) = positional(name, args, kwargs, 0, "string")
        thread.weigh(len(x))
        return strip(x, characters or SPACE)

    return method


def _partition(name: str, split: Callable[[str, str], tuple[str, str, str]]) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> tuple[str, str, str]:
        (separator,) = positional(name, args, kwargs, 1, "string")
        if not separator:
            raise EvalError(f"{name}: empty separator")
        thread.weigh(len(x))
        return split(x, separator)

    return method


def _replace(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    old, new, count = positional("replace", args, kwargs, 2, "string", "string", "int")
    found = x.count(old)
    if count is not ABSENT and count >= 0:
        found = min(found, count)
    thread.weigh(len(x) + found * len(new))
    return x.replace(old, new, -1 if count is ABSENT else count)


def _join(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    (items,) = positional("join", args, kwargs, 1, "iterable")
    thread.tick(rounds(items))
    texts = list(iterate(items) or ())
    size = 0
    for item in texts:
        if type(item) is not str:
            raise EvalError(f"join: in list, want string, got {type_name(item)}")
        size += len(item) + len(x)
    thread.weigh(size)
    return x.join(texts)


def _format(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> str:
    return format_text(thread, x, args, kwargs)


def _split(name: str, last: bool) -> Method:
    def method(thread: Thread, x: str, args: Args, kwargs: Kwargs) -> list[str]:
        separator, most = positional(name, args, kwargs, 0, "any", "int")
        thread.weigh(len(x))
        limit = -1 if most is ABSENT or most < 0 else most
        if separator is None or separator is ABSENT:
            return split_space(x, limit, last)
        if type(separator) is not str:
            raise EvalError(f"split: got {type_name(separator)} for separator, want string")
        if not separator:
            raise EvalError("split: empty separator")
        return x.rsplit(separator, limit) if last else x.split(separator, limit)

    return method


METHODS[str] = {
    "capitalize": _bare("capitalize", capitalize),
    "count": _count,
    "endswith": _affix("endswith", lambda data, needle: bool(data.endswith(needle))),
    "find": _find("find", last=False, required=False),
    "format": _format,
    "index": _find("index", last=False, required=True),
    "isalnum": _bare("isalnum", _all(lambda c: is_letter(c) or is_digit(c))),
    "isalpha": _bare("isalpha", _all(is_letter)),
    "isdigit": _bare("isdigit", _all(is_digit)),
    "islower": _bare("islower", lambda text: any(map(is_cased, text)) and text == lower(text)),
    "isspace": _bare("isspace", _all(SPACES.__contains__)),
    "istitle": _bare("istitle", is_title),
    "isupper": _bare("isupper", lambda text: any(map(is_cased, text)) and text == upper(text)),
    "join": _join,
    "lower": _bare("lower", lower),
    "lstrip": _strip("lstrip", str.lstrip),
    "partition": _partition("partition", lambda x, sep: x.partition(sep)),
    "replace": _replace,
    "rfind": _find("rfind", last=True, required=False),
    "rindex": _find("rindex", last=True, required=True),
    "rpartition": _partition("rpartition", lambda x, sep: x.rpartition(sep)),
    "rsplit": _split("rsplit", last=True),
    "rstrip": _strip("rstrip", str.rstrip),
    "split": _split("split", last=False),
    "splitlines": _splitlines,
    "startswith": _affix("startswith", lambda data, needle: bool(data.startswith(needle))),
    "strip": _strip("strip", str.strip),
    "title": _bare("title", title),
    "upper": _bare("upper", upper),
    **{name: _elements(name) for name in ("codepoint_ords", "codepoints", "elem_ords", "elems")},
}
